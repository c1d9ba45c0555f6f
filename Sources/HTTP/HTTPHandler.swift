/// What answers requests. Every method runs on a server thread that serves many connections: none may wait.
public protocol HTTPHandler: Sendable {
    /// Called once the headers are in and before the body is read or `100 Continue` is sent. The server has already
    /// checked the target, the framing and the content encoding.
    func admit(_ head: borrowing HTTPRequestHead) -> HTTPAdmission

    /// Called once the body is complete and decompressed.
    func handle(_ request: borrowing HTTPRequest) -> HTTPAction

    /// Called when an exchange is over, answered or not, for logs and metrics. Errors that the server found itself
    /// are included.
    func finished(_ exchange: borrowing HTTPFinishedExchange)

    /// The form that the server's own errors take. `code` is one of those listed at `HTTPProblemCode`; `origin` is the
    /// request's `Origin` header, so that the page there may be let read the answer, `nil` without one or when the
    /// request's headers have not been read.
    func problem(status: Int, code: String, message: String, origin: String?) -> HTTPResponse
}

extension HTTPHandler {
    /// Takes every request with the configured body limit.
    public func admit(_ head: borrowing HTTPRequestHead) -> HTTPAdmission { .acceptDefault }

    /// Does nothing.
    public func finished(_ exchange: borrowing HTTPFinishedExchange) {}

    /// Problem details (RFC 9457) with the members `title`, `status`, `code` and `detail`.
    public func problem(status: Int, code: String, message: String, origin: String?) -> HTTPResponse {
        // The server's own codes and messages hold no character that JSON would escape.
        let json =
            "{\"title\":\"\(reasonPhrase(status))\",\"status\":\(status),\"code\":\"\(code)\",\"detail\":\"\(message)\"}"
        return HTTPResponse(status: status, contentType: .problem, body: Array(json.utf8))
    }
}

/// Whether a request's body is read.
public enum HTTPAdmission: Sendable {
    /// Read at most so many bytes, as sent and as decompressed; a longer body is answered 413. `context` is found again
    /// in the complete request, so that what was looked up for the head need not be looked up again.
    case accept(maximumBodyBytes: Int, context: (any AnyObject & Sendable)? = nil)
    /// Read at most what the configuration allows.
    case acceptDefault
    /// Answer this without reading the body.
    case refuse(HTTPResponse)
}

/// What to do with a complete request.
public enum HTTPAction {
    /// Answer now.
    case respond(HTTPResponse)
    /// Answer later. The closure runs at once, on the same thread, while the request's body is still valid; the
    /// exchange that it gets may be resumed from any thread, also before the closure returns.
    case suspend((HTTPExchange) -> Void)
}

/// The codes of the errors that the server answers by itself.
public enum HTTPProblemCode {
    /// 400: a request target, percent escape, header or framing that cannot be read.
    public static let malformedRequest = "malformed_request"
    /// 400: a compressed body that is corrupt, cut short, or followed by something else.
    public static let malformedEncoding = "malformed_encoding"
    /// 408: the body did not arrive in time.
    public static let requestTimeout = "request_timeout"
    /// 413: a body over the limit, as sent or as decompressed.
    public static let bodyTooLarge = "body_too_large"
    /// 414: a request target over the limit.
    public static let targetTooLong = "target_too_long"
    /// 415: a content encoding other than gzip.
    public static let unsupportedEncoding = "unsupported_encoding"
    /// 431: headers over the limit.
    public static let headersTooLarge = "headers_too_large"
    /// 500: an exchange that was dropped without an answer.
    public static let internalError = "internal_error"
    /// 501: a transfer encoding other than chunked.
    public static let unsupportedTransferEncoding = "unsupported_transfer_encoding"
    /// 503: the server is stopping.
    public static let stopping = "server_stopping"
    /// 503: bodies take all the memory that they may.
    public static let overloaded = "overloaded"
    /// 503: too many connections.
    public static let tooManyConnections = "too_many_connections"
}
