internal import Domain
internal import HTTP
internal import JSON
internal import Storage

/// An answer that says what went wrong (RFC 9457), with a stable code.
struct Problem: Error, Sendable {
    var status: Int
    var code: String
    var detail: String
    var path: String?
    var headers: [(String, String)] = []

    init(_ status: Int, _ code: String, _ detail: String, path: String? = nil, headers: [(String, String)] = []) {
        self.status = status
        self.code = code
        self.detail = detail
        self.path = path
        self.headers = headers
    }

    /// A request that the client has to change.
    init(_ error: FootfallError, status: Int? = nil) {
        let ownStatus =
            switch error.code {
            case "batch_too_large": 413
            default: 400
            }
        self.init(status ?? ownStatus, error.code, error.message, path: error.path)
    }

    /// A store that cannot take or give data now.
    init(_ error: StorageError) {
        switch error.code {
        case "disk_full": self.init(507, error.code, error.message, headers: [("Retry-After", "5")])
        default: self.init(503, error.code, error.message, headers: [("Retry-After", "1")])
        }
    }

    static func notFound(_ what: String) -> Problem { Problem(404, "not_found", what) }

    static let queueFull = Problem(
        503, "queue_full", "More arrives than can be stored; nothing of this request was taken, send it again later.",
        headers: [("Retry-After", "1")])

    func response() -> HTTPResponse {
        var writer = JSONWriter(reserving: 192)
        writer.beginObject()
        writer.key("type")
        writer.string("about:blank")
        writer.key("title")
        writer.string(Problem.title(status))
        writer.key("status")
        writer.integer(status)
        writer.key("code")
        writer.string(code)
        writer.key("detail")
        writer.string(detail)
        if let path {
            writer.key("pointer")
            writer.string(path)
        }
        writer.endObject()
        return HTTPResponse(status: status, contentType: .problem, headers: headers, body: writer.bytes)
    }

    private static func title(_ status: Int) -> String {
        switch status {
        case 400: "Bad Request"
        case 401: "Unauthorized"
        case 403: "Forbidden"
        case 404: "Not Found"
        case 405: "Method Not Allowed"
        case 409: "Conflict"
        case 413: "Content Too Large"
        case 415: "Unsupported Media Type"
        case 422: "Unprocessable Content"
        case 429: "Too Many Requests"
        case 503: "Service Unavailable"
        case 507: "Insufficient Storage"
        default: status < 500 ? "Request Error" : "Server Error"
        }
    }
}
