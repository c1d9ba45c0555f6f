/// A complete request. Valid only while `HTTPHandler.handle` and the closure of `HTTPAction.suspend` run.
public struct HTTPRequest: ~Copyable {
    /// Readable bytes after the end of a body, for parsers that read whole words. Their value is unspecified.
    public static let bodyPadding = 64

    /// The request line and headers.
    public let head: HTTPRequestHead

    /// The body, decompressed, followed by `bodyPadding` readable bytes.
    public var body: UnsafeRawBufferPointer { head.connection.body.bytes }

    /// Size of the body as it was sent, before decompression.
    public var encodedBodyBytes: Int { head.connection.receivedBodyBytes }

    /// What the handler gave when it admitted the head.
    public var admissionContext: (any AnyObject & Sendable)? { head.connection.admissionContext }

    /// The method.
    public var method: HTTPMethod { head.method }
    /// The method's name as sent.
    public var methodName: String { head.methodName }
    /// The request target as sent, with its query.
    public var target: String { head.target }
    /// The path as sent: percent escapes not decoded, without the query.
    public var path: String { head.path }
    /// Whether the path as sent is `literal`.
    public func pathEquals(_ literal: StaticString) -> Bool { head.pathEquals(literal) }
    /// The path's segments, percent-decoded after the split.
    public var pathSegments: [String] { head.pathSegments }
    /// The query's items, decoded, in order.
    public var queryItems: [(name: String, value: String)] { head.queryItems }
    /// The value of the first query item of this name, decoded.
    public func queryValue(_ name: String) -> String? { head.queryValue(name) }
    /// The value of the first header of this name, whatever its case.
    public func header(_ name: StaticString) -> String? { head.header(name) }
    /// The bytes of the first header of this name, whatever its case.
    public func withHeader<Result>(_ name: StaticString, _ body: (UnsafeRawBufferPointer) -> Result) -> Result? {
        head.withHeader(name, body)
    }
}
