internal import CMicroHTTPD

/// A request's line and headers. Valid only while the handler's method runs, hence not copyable; values that are
/// asked for are made at each call and may be kept.
public struct HTTPRequestHead: ~Copyable {
    let connection: Connection

    /// What the handler admitted the connection's last request with, when that had this head too, byte for byte but for the
    /// digits of the body's length; nil otherwise, and once this one is admitted. What was found out then holds now, unless
    /// it depends on more than the head.
    public let earlierContext: (any AnyObject & Sendable)?

    init(connection: Connection, earlierContext: (any AnyObject & Sendable)? = nil) {
        self.connection = connection
        self.earlierContext = earlierContext
    }

    /// The method.
    public var method: HTTPMethod { connection.method }

    /// The method's name as sent.
    public var methodName: String { connection.methodName }

    /// The request target as sent, with its query.
    public var target: String { connection.withTarget { String(decoding: $0, as: UTF8.self) } }

    /// The path as sent: percent escapes not decoded, without the query.
    public var path: String { connection.withPath { String(decoding: $0, as: UTF8.self) } }

    /// Whether the path as sent is `literal`. Costs a comparison, no allocation.
    public func pathEquals(_ literal: StaticString) -> Bool {
        connection.withPath { path in
            literal.withUTF8Buffer { path.count == $0.count && path.elementsEqual($0) }
        }
    }

    /// The path's segments, percent-decoded after the split, so that `%2F` does not split. `/` has none, `/a/` has
    /// `a` and an empty one.
    public var pathSegments: [String] { connection.withPath { RequestTarget.segments(of: $0) } }

    /// The query's items, decoded, in order. `+` is a space; an item without `=` has an empty value.
    public var queryItems: [(name: String, value: String)] {
        connection.withQuery { RequestTarget.queryItems(of: $0) }
    }

    /// The value of the first query item of this name, decoded.
    public func queryValue(_ name: String) -> String? {
        queryItems.first { $0.name == name }?.value
    }

    /// The value of the first header of this name, whatever its case, without surrounding blanks. Bytes that are not
    /// UTF-8 are replaced.
    public func header(_ name: StaticString) -> String? {
        withHeader(name) { String(decoding: $0, as: UTF8.self) }
    }

    /// The bytes of the first header of this name, whatever its case, without surrounding blanks; nil when there is
    /// none. Nothing is allocated.
    public func withHeader<Result>(_ name: StaticString, _ body: (UnsafeRawBufferPointer) -> Result) -> Result? {
        connection.header(name).map(body)
    }

    /// One of these headers that the request has more than once. One pass over the headers; nothing is allocated.
    public func repeatedHeader(among names: HTTPHeaderNames) -> StaticString? {
        connection.repeatedHeader(among: names)
    }

    /// The declared size of the body in bytes as sent: 0 without one, nil when it comes in chunks.
    public var contentLength: Int? { connection.framing.contentLength }
}
