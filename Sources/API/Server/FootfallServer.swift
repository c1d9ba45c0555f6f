internal import Domain
public import HTTP
internal import JSON
internal import Storage
internal import Synchronization

/// The HTTP face of Footfall: finds the route, the tenant and the rights of a request, and answers it.
public final class FootfallServer: HTTPHandler {
    /// What the server can be told.
    public struct Configuration: Sendable {
        /// Origins whose pages may call it; `*` for all.
        public var corsOrigins: [String] = ["*"]
        /// Whether `/metrics`, which speaks of all tenants, is for secret keys only.
        public var metricsNeedSecretKey = false
        /// Longest body of a route without a tenant, in bytes.
        public var maximumBodyBytes = 1 << 20

        /// The documented defaults.
        public init() {}
    }

    let directory: TenantDirectory
    let metrics = ServerMetrics()
    let log: Log
    let clock: @Sendable () -> Int64
    private let configuration: Configuration
    private let allowsAnyOrigin: Bool
    private let router: Router
    private let isAdmin: Bool
    private let state = Mutex(Readiness.ready)

    enum Readiness: Sendable { case ready, stopping }

    /// A server of a directory's tenants. An admin server listens on the socket in the data folder only: whoever can open
    /// that file may do anything, and names the tenant in `X-Footfall-Tenant`.
    public init(
        directory: TenantDirectory, configuration: Configuration = Configuration(), isAdmin: Bool = false, log: Log,
        clock: @escaping @Sendable () -> Int64 = wallClockMilliseconds
    ) {
        self.directory = directory
        self.configuration = configuration
        allowsAnyOrigin = configuration.corsOrigins.contains("*")
        self.isAdmin = isAdmin
        self.log = log
        self.clock = clock
        router = Router(isAdmin ? Routes.all + Routes.administration + Routes.backup + Routes.trainingData : Routes.all)
    }

    /// Says on `/readyz` that no new work should be sent here.
    public func prepareToStop() { state.withLock { $0 = .stopping } }

    var isReady: Bool { state.withLock { $0 == .ready } }

    // MARK: - HTTPHandler

    public func admit(_ head: borrowing HTTPRequestHead) -> HTTPAdmission {
        let version = directory.keys.version
        if let known = head.earlierContext as? Admission, known.keyVersion == version {
            return .accept(maximumBodyBytes: limit(of: known), context: known)
        }
        let caller = Caller(head)
        do throws(Problem) {
            let route: Route
            let parameters: [String]
            switch try find(head) {
            case .route(let found, let values): (route, parameters) = (found, values)
            case .preflight(let allowed): return .refuse(finish(preflight(allowed), for: caller))
            }
            try refuseRepeated(head)
            let principal = try authorise(head, for: route)
            let admission = Admission(
                route: route, parameters: parameters, principal: principal, caller: caller, fields: SentFields(head),
                keyVersion: version)
            return .accept(maximumBodyBytes: limit(of: admission), context: admission)
        } catch {
            return .refuse(finish(error.response(), for: caller))
        }
    }

    private func limit(of admission: Admission) -> Int {
        guard let limits = admission.principal.tenant?.limits else { return configuration.maximumBodyBytes }
        let isStream =
            switch admission.route.limit {
            case .json: false
            case .stream: true
            case .byContentType: admission.fields.mediaType == .ndjson
            }
        return isStream ? limits.maximumStreamBytes : limits.maximumBodyBytes
    }

    public func handle(_ request: borrowing HTTPRequest) -> HTTPAction {
        guard let admission = request.admissionContext as? Admission else {
            return .respond(
                problem(status: 500, code: "internal_error", message: "The request was not admitted.", origin: nil))
        }
        let context = RouteContext(server: self, admission: admission, now: clock())
        do throws(Problem) {
            switch try admission.route.handler(request, context) {
            case .respond(let response): return .respond(finish(response, for: admission.caller))
            // Whoever resumes it adds what every answer carries.
            case .suspend(let body): return .suspend(body)
            }
        } catch {
            return .respond(finish(error.response(), for: admission.caller))
        }
    }

    public func finished(_ exchange: borrowing HTTPFinishedExchange) {
        metrics.record(
            status: exchange.status, seconds: Double(exchange.durationNanoseconds) / 1e9,
            requestBytes: exchange.requestBytes, responseBytes: exchange.responseBytes)
        let status = exchange.status
        guard log.level == .debug || status >= 500 else { return }
        var fields: JSONObject = [
            "method": .string(exchange.methodName), "path": .string(exchange.path), "status": .integer(Int64(status)),
            "bytes": .integer(Int64(exchange.responseBytes)),
            "milliseconds": .double(Double(exchange.durationNanoseconds / 1000) / 1000),
        ]
        if let tag = exchange.context as? RequestTag { fields["request_id"] = .string(tag.id) }
        if status >= 500 { log.error("request", fields) } else { log.debug("request", fields) }
    }

    public func problem(status: Int, code: String, message: String, origin: String?) -> HTTPResponse {
        // The head may not have been read, so nobody knows whether a page asks; an open server lets any page read why.
        var caller = Caller()
        caller.origin = origin ?? (allowsAnyOrigin ? "*" : nil)
        return finish(Problem(status, code, message).response(), for: caller)
    }
}

/// A request's id, carried from the answer to the log.
final class RequestTag: Sendable {
    let id: String
    init(id: String) { self.id = id }
}

// MARK: - Finding and authorising

extension FootfallServer {
    /// What a request is for.
    private enum Wanted {
        case route(Route, parameters: [String])
        /// What may be done with the path.
        case preflight(allowed: [String])
    }

    private func find(_ head: borrowing HTTPRequestHead) throws(Problem) -> Wanted {
        switch router.match(head) {
        case .found(let route, let parameters): return .route(route, parameters: parameters)
        case .wrongMethod(let allowed):
            if head.method == .options { return .preflight(allowed: allowed) }
            throw Problem(
                405, "method_not_allowed", "Use \(allowed.joined(separator: ", ")) here.",
                headers: [("Allow", allowed.joined(separator: ", "))])
        case .unknown:
            throw Problem(404, "unknown_path", "There is nothing at this path; the README lists what there is.")
        }
    }

    /// Headers of which only one can be meant: who asks, for whom, and what the body is.
    private static let single = HTTPHeaderNames([
        "Authorization", "X-API-Key", "X-User-Id", "X-Anonymous-Id", "X-User-Token", "X-Signature", "Content-Type",
        "X-Footfall-Tenant",
    ])

    /// Of two values the server would take one and a proxy in front of it perhaps the other.
    private func refuseRepeated(_ head: borrowing HTTPRequestHead) throws(Problem) {
        if let name = head.repeatedHeader(among: FootfallServer.single) {
            throw Problem(400, "invalid_header", "\(name) is given more than once.")
        }
    }

    private func authorise(_ head: borrowing HTTPRequestHead, for route: Route) throws(Problem) -> Principal {
        var access = route.access
        if access == .metrics { access = configuration.metricsNeedSecretKey && !isAdmin ? .secret : .open }
        if access == .open { return .nobody }
        if isAdmin {
            if access == .admin { return Principal(tenant: nil, scope: .secret, isAdmin: true) }
            guard let name = head.header("X-Footfall-Tenant") else {
                throw Problem(400, "missing_tenant", "Name the tenant in X-Footfall-Tenant.")
            }
            guard let tenant = try directory.tenant(name) else {
                throw Problem(404, "unknown_tenant", "There is no tenant with this name.")
            }
            return Principal(tenant: tenant, scope: .secret, isAdmin: true)
        }
        guard let key = key(head) else {
            throw Problem(
                401, "missing_key", "Send a key as \"Authorization: Bearer KEY\" or in X-API-Key.",
                headers: [("WWW-Authenticate", "Bearer")])
        }
        guard let entry = directory.keys.find(key), let tenant = try directory.tenant(entry.tenant) else {
            throw Problem(
                401, "invalid_key", "This key opens nothing; make one with \"footfall keys create\".",
                headers: [("WWW-Authenticate", "Bearer error=\"invalid_token\"")])
        }
        switch (access, entry.scope) {
        case (.admin, _): throw Problem(404, "unknown_path", "There is nothing at this path.")
        case (_, .webhook):
            throw Problem(403, "wrong_scope", "A webhook secret signs callbacks; it opens no route.")
        case (_, .secret) where isInQuery(head):
            throw Problem(401, "key_in_query", "A secret key must not stand in an address; send it in a header.")
        case (.secret, .write):
            throw Problem(403, "wrong_scope", "This needs a secret key; the key sent is a write key.")
        default: break
        }
        return Principal(tenant: tenant, scope: entry.scope, isAdmin: false)
    }

    private func isInQuery(_ head: borrowing HTTPRequestHead) -> Bool {
        head.header("Authorization") == nil && head.header("X-API-Key") == nil
    }

    private func key(_ head: borrowing HTTPRequestHead) -> String? {
        if let key = head.withHeader("Authorization", FootfallServer.bearerKey) { return key }
        return head.header("X-API-Key") ?? head.queryValue("key")
    }

    /// The key of `Bearer KEY`; empty when the header is of another scheme.
    private static func bearerKey(_ header: UnsafeRawBufferPointer) -> String {
        let scheme: StaticString = "bearer "
        guard header.starts(with: scheme) else { return "" }
        return String(decoding: header[scheme.utf8CodeUnitCount...].drop { $0 == 0x20 }, as: UTF8.self)
    }

    private func preflight(_ allowed: [String]) -> HTTPResponse {
        HTTPResponse(
            status: 204,
            headers: [
                ("Allow", allowed.joined(separator: ", ")),
                ("Access-Control-Allow-Methods", "GET, HEAD, POST, PUT, PATCH, DELETE, OPTIONS"),
                (
                    "Access-Control-Allow-Headers",
                    "Authorization, Content-Type, Content-Encoding, X-API-Key, X-User-Id, X-Anonymous-Id, X-User-Token, "
                        + "X-Request-Id, X-Retry-Count"
                ),
                ("Access-Control-Max-Age", "86400"),
            ])
    }

    /// Adds what every answer carries: the CORS headers a browser asks for, and the request's id.
    func finish(_ response: HTTPResponse, for caller: Caller) -> HTTPResponse {
        var response = response
        // Caches keep an answer for one origin from the pages of another.
        if !allowsAnyOrigin, !configuration.corsOrigins.isEmpty {
            response.headers.append(("Vary", "Origin"))
        }
        if let origin = caller.origin {
            if allowsAnyOrigin {
                response.headers.append(("Access-Control-Allow-Origin", "*"))
                response.headers.append(("Access-Control-Expose-Headers", "X-Request-Id, Retry-After, X-Anonymous-Id"))
            } else if configuration.corsOrigins.contains(origin) {
                response.headers.append(("Access-Control-Allow-Origin", origin))
                response.headers.append(("Access-Control-Expose-Headers", "X-Request-Id, Retry-After, X-Anonymous-Id"))
            }
        }
        let id = caller.id ?? RequestID.make()
        response.headers.append(("X-Request-Id", id))
        if log.level == .debug || response.status >= 500 { response.context = RequestTag(id: id) }
        return response
    }
}

/// Ids of requests: the client's when it is a plain word, else a number that grows.
enum RequestID {
    private static let next = Atomic<UInt64>(UInt64.random(in: 0..<(1 << 40)))

    /// "r" and the number in base 36, at most 14 bytes, which a String holds without memory of its own.
    static func make() -> String {
        let digits: StaticString = "0123456789abcdefghijklmnopqrstuvwxyz"
        var number = next.wrappingAdd(1, ordering: .relaxed).newValue
        return withUnsafeTemporaryAllocation(of: UInt8.self, capacity: 14) { bytes in
            var start = bytes.count
            repeat {
                start -= 1
                bytes[start] = digits.utf8Start[Int(number % 36)]
                number /= 36
            } while number > 0
            start -= 1
            bytes[start] = UInt8(ascii: "r")
            return String(decoding: UnsafeBufferPointer(rebasing: bytes[start...]), as: UTF8.self)
        }
    }

    static func isValid(_ text: String) -> Bool { DocumentReader.isName(text.utf8) }
}
