internal import HTTP

/// Every route of the server.
enum Routes {
    static let all: [Route] =
        collecting + sources + answers + catalogue + plans + refused + operations + description + commerce
        + searching + interactions + tasks + recommendations + models
}

extension HTTPResponse {
    /// An answer of JSON text.
    static func json(_ bytes: [UInt8], status: Int = 200) -> HTTPResponse {
        HTTPResponse(status: status, contentType: .json, body: bytes)
    }
}

extension RouteContext {
    /// The tenant of a route that needs a key.
    var tenant: TenantService {
        get throws(Problem) {
            guard let tenant = principal.tenant else { throw Problem(401, "missing_key", "This route needs a key.") }
            return tenant
        }
    }
}
