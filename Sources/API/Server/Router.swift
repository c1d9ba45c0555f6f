internal import HTTP

/// Who may call a route.
enum Access: Sendable {
    /// Anybody.
    case open
    /// Whoever has a write key or a secret key.
    case write
    /// Only who has a secret key.
    case secret
    /// Anybody, or whoever has a secret key, as the server is configured.
    case metrics
    /// Only who may open the admin socket; the route is about no tenant.
    case admin
}

/// How large a body a route takes.
enum BodyLimit: Sendable {
    /// The tenant's limit for JSON bodies.
    case json
    /// The tenant's limit for newline-delimited bodies.
    case stream
    /// Larger bodies only when they are newline-delimited.
    case byContentType
}

/// What a route is given.
struct RouteContext: Sendable {
    let server: FootfallServer
    let admission: Admission
    /// Milliseconds since the epoch.
    let now: Int64

    var principal: Principal { admission.principal }
    var caller: Caller { admission.caller }
    var fields: SentFields { admission.fields }
    /// The values of the pattern's `{…}` segments, in order.
    var parameters: [String] { admission.parameters }
}

/// One method on one path.
struct Route: Sendable {
    typealias Handler = @Sendable (borrowing HTTPRequest, RouteContext) throws(Problem) -> HTTPAction

    let method: HTTPMethod
    let pattern: String
    let access: Access
    let limit: BodyLimit
    let handler: Handler

    init(
        _ method: HTTPMethod, _ pattern: String, _ access: Access, limit: BodyLimit = .json,
        _ handler: @escaping Handler
    ) {
        self.method = method
        self.pattern = pattern
        self.access = access
        self.limit = limit
        self.handler = handler
    }
}

/// Finds routes: fixed paths by one look-up, patterns by comparing segments.
struct Router: Sendable {
    private var fixed: [String: [Route]] = [:]
    private var patterns: [(segments: [String], routes: [Route])] = []

    enum Match {
        case found(Route, parameters: [String])
        case wrongMethod(allowed: [String])
        case unknown
    }

    init(_ routes: [Route]) {
        for route in routes {
            if route.pattern.contains("{") {
                let segments = route.pattern.split(separator: "/").map(String.init)
                if let index = patterns.firstIndex(where: { $0.segments == segments }) {
                    patterns[index].routes.append(route)
                } else {
                    patterns.append((segments, [route]))
                }
            } else {
                fixed[route.pattern, default: []].append(route)
            }
        }
    }

    func match(_ head: borrowing HTTPRequestHead) -> Match {
        let path = head.path
        if let routes = fixed[path] { return Router.select(routes, head.method, []) }
        let segments = head.pathSegments
        for candidate in patterns where candidate.segments.count == segments.count {
            var parameters: [String] = []
            let matches = zip(candidate.segments, segments).allSatisfy { pattern, segment in
                if pattern.hasPrefix("{") {
                    parameters.append(segment)
                    return !segment.isEmpty
                }
                return pattern == segment
            }
            if matches { return Router.select(candidate.routes, head.method, parameters) }
        }
        return .unknown
    }

    private static func select(_ routes: [Route], _ method: HTTPMethod, _ parameters: [String]) -> Match {
        let wanted = method == .head ? .get : method
        if let route = routes.first(where: { $0.method == wanted }) { return .found(route, parameters: parameters) }
        let allowed = routes.flatMap { $0.method == .get ? ["GET", "HEAD"] : [$0.method.name] }
        return .wrongMethod(allowed: allowed + ["OPTIONS"])
    }
}

extension HTTPMethod {
    var name: String {
        switch self {
        case .get: "GET"
        case .head: "HEAD"
        case .post: "POST"
        case .put: "PUT"
        case .patch: "PATCH"
        case .delete: "DELETE"
        case .options: "OPTIONS"
        default: "OTHER"
        }
    }
}
