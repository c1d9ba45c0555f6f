/// A content type, as the header has it.
public struct HTTPContentType: Sendable, Equatable {
    /// The header's value.
    public let value: String

    /// A content type of the given value.
    public init(_ value: String) { self.value = value }

    /// JSON.
    public static let json = HTTPContentType("application/json")
    /// Problem details, RFC 9457.
    public static let problem = HTTPContentType("application/problem+json")
    /// One JSON value a line.
    public static let ndjson = HTTPContentType("application/x-ndjson")
    /// Plain text in UTF-8.
    public static let text = HTTPContentType("text/plain; charset=utf-8")
    /// HTML in UTF-8.
    public static let html = HTTPContentType("text/html; charset=utf-8")
    /// A style sheet in UTF-8.
    public static let css = HTTPContentType("text/css; charset=utf-8")
    /// A script in UTF-8.
    public static let javascript = HTTPContentType("text/javascript; charset=utf-8")
    /// Comma-separated values in UTF-8.
    public static let csv = HTTPContentType("text/csv; charset=utf-8")
    /// The Prometheus text format.
    public static let prometheus = HTTPContentType("text/plain; version=0.0.4; charset=utf-8")
    /// Any bytes.
    public static let bytes = HTTPContentType("application/octet-stream")
}

/// An answer. `Content-Length`, `Date` and `Connection` are the server's and are set by it; the body of an answer to
/// HEAD is counted, not sent.
public struct HTTPResponse: Sendable {
    /// 200…599; anything else is sent as 500.
    public var status: Int
    /// Sent as `Content-Type` when set; kept apart from the other headers because nearly every answer has it and
    /// nothing else.
    public var contentType: HTTPContentType?
    /// Further headers in the order in which they are sent. One with a line break or an empty name is left out.
    public var headers: [(String, String)]
    /// The bytes after the headers.
    public var body: [UInt8]
    /// Passed on to `HTTPHandler.finished`, for instance a route's number.
    public var tag: Int
    /// Passed on to `HTTPHandler.finished`.
    public var context: (any AnyObject & Sendable)?
    /// Ends the connection after this answer.
    public var closesConnection: Bool

    /// An answer with the given parts.
    public init(
        status: Int = 200, contentType: HTTPContentType? = nil, headers: [(String, String)] = [], body: [UInt8] = [],
        tag: Int = 0, context: (any AnyObject & Sendable)? = nil, closesConnection: Bool = false
    ) {
        self.status = status
        self.contentType = contentType
        self.headers = headers
        self.body = body
        self.tag = tag
        self.context = context
        self.closesConnection = closesConnection
    }

    /// The status, or 500 for one that HTTP does not have for a final answer.
    var sendableStatus: Int { (200...599).contains(status) ? status : 500 }

    /// A short text.
    public static func text(_ text: String, status: Int = 200) -> HTTPResponse {
        HTTPResponse(status: status, contentType: .text, body: Array(text.utf8))
    }
}
