internal import HTTP
internal import JSON
internal import Training

extension Routes {
    /// Learned models: which there are, which serves, and training anew.
    static let models: [Route] = [
        Route(.get, "/v1/models", .secret) { (request, context) throws(Problem) in
            let tenant = try context.tenant
            try Query(request.queryItems).refuseRest()
            return .respond(.json(Array(ModelDocument.all(tenant.models).text.utf8)))
        },
        Route(.post, "/v1/models/train", .secret) { (request, context) throws(Problem) in
            let tenant = try context.tenant
            try Query(request.queryItems).refuseRest()
            guard tenant.models.start(tenant, tuningSeconds: try tuningSeconds(request)) else {
                throw Problem(409, "training_running", "A training is under way; GET /v1/models says how it stands.")
            }
            let answer: JSONValue = ["training": ModelDocument.training(tenant.models.status)]
            return .respond(.json(Array(answer.text.utf8), status: 202))
        },
        Route(.post, "/v1/models/{version}/activate", .secret) { (request, context) throws(Problem) in
            let tenant = try context.tenant
            try Query(request.queryItems).refuseRest()
            let version = try version(context.parameters[0])
            do throws(TrainingError) {
                try tenant.models.activate(version, tenant.live)
            } catch {
                throw problem(error)
            }
            return .respond(.json(Array(#"{"current":\#(version)}"#.utf8)))
        },
        Route(.delete, "/v1/models/{version}", .secret) { (request, context) throws(Problem) in
            let tenant = try context.tenant
            try Query(request.queryItems).refuseRest()
            let version = try version(context.parameters[0])
            do throws(TrainingError) {
                try tenant.models.store.remove(version)
            } catch {
                throw problem(error)
            }
            return .respond(.json(Array(#"{"deleted":\#(version)}"#.utf8)))
        },
    ]

    /// What models are learned from, over the admin socket only: it names persons, and writes a file on this machine.
    static let trainingData: [Route] = [
        Route(.post, "/v1/models/data", .admin) { (request, context) throws(Problem) in
            try Query(request.queryItems).refuseRest()
            let body = try jsonBody(request)
            let tenant = try tenant(body["tenant"]?.stringValue, context)
            guard let destination = body["destination"]?.stringValue, destination.hasPrefix("/") else {
                throw Problem(
                    400, "invalid_body", "The body must be {\"tenant\": \"ID\", \"destination\": \"/absolute/path\"}.")
            }
            guard tenant.dataJob.start(tenant, destination: destination) else {
                throw Problem(409, "data_running", "The data is being written for somebody else.")
            }
            return .respond(.json(Array(#"{"state":"running"}"#.utf8), status: 202))
        },
        Route(.get, "/v1/models/data", .admin) { (request, context) throws(Problem) in
            var query = try Query(request.queryItems)
            let tenant = try tenant(try query.string("tenant"), context)
            try query.refuseRest()
            return .respond(.json(Array(tenant.dataJob.document.text.utf8)))
        },
    ]

    private static func tenant(_ id: String?, _ context: RouteContext) throws(Problem) -> TenantService {
        guard let id, let tenant = try context.server.directory.tenant(id) else {
            throw Problem.notFound("There is no tenant with this id.")
        }
        return tenant
    }

    /// Longest time that may be spent on choosing hyper-parameters: a day.
    static let longestTuning: Int64 = 86_400

    private static func tuningSeconds(_ request: borrowing HTTPRequest) throws(Problem) -> Double {
        guard !request.body.isEmpty else { return 0 }
        let body = try jsonBody(request)
        guard case .object(let object) = body else {
            throw Problem(400, "invalid_body", "The body must be an object, such as {\"tune_seconds\": 60}, or empty.")
        }
        if let unknown = object.keys.first(where: { $0 != "tune_seconds" }) {
            throw Problem(
                400, "unknown_field", "There is no field \"\(unknown.prefix(64))\" here.",
                path: "/\(unknown.prefix(64))")
        }
        guard let value = object["tune_seconds"] else { return 0 }
        guard let seconds = value.integerValue, (0...longestTuning).contains(seconds) else {
            throw Problem(
                400, "invalid_field", "\"tune_seconds\" must be a whole number between 0 and \(longestTuning).",
                path: "/tune_seconds")
        }
        return Double(seconds)
    }

    private static func version(_ text: String) throws(Problem) -> Int64 {
        guard let version = Int64(text), version > 0 else {
            throw Problem.notFound("There is no model with this version; versions are whole numbers from 1.")
        }
        return version
    }

    private static func problem(_ error: TrainingError) -> Problem {
        switch error.code {
        case "not_found": .notFound(error.message)
        case "model_in_use", "model_unreadable": Problem(409, error.code, error.message)
        case "disk_full": Problem(507, error.code, error.message, headers: [("Retry-After", "5")])
        default: Problem(503, error.code, error.message, headers: [("Retry-After", "5")])
        }
    }
}
