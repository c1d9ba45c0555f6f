internal import Domain
internal import HTTP
internal import JSON
internal import Storage

extension Routes {
    /// The tracking plan and the settings.
    static let plans: [Route] = [
        Route(.get, "/v1/plan", .write) { (request, context) throws(Problem) in
            let tenant = try context.tenant
            var query = try Query(request.queryItems)
            let version = try query.integer("version", in: 1...Int(UInt32.max))
            try query.refuseRest()
            let plan = tenant.plan
            if let version, version != Int(plan.version) {
                let text: String?
                do throws(StorageError) {
                    text = try tenant.store.plan(version: Int64(version))
                } catch {
                    throw Problem(error)
                }
                guard let text, let document = try? JSONValue(parsing: text) else {
                    throw Problem.notFound("The plan has no version \(version).")
                }
                return .respond(planAnswer(version: version, document))
            }
            return .respond(planAnswer(version: Int(plan.version), plan.plan.document))
        },
        Route(.put, "/v1/plan", .secret) { (request, context) throws(Problem) in
            let tenant = try context.tenant
            try Query(request.queryItems).refuseRest()
            let document = try jsonBody(request)
            let plan: TrackingPlan
            do throws(FootfallError) {
                plan = try TrackingPlan(document: document)
                // Everything that can be wrong is found before the change is queued.
                _ = try CompiledPlan(plan, version: 0, names: NameTable())
            } catch {
                throw Problem(error, status: 422)
            }
            return change(context) { done in
                tenant.setPlan(plan, now: context.now) { result in
                    done(result.map { planAnswer(version: Int($0.version), $0.plan.document) })
                }
            }
        },
        Route(.get, "/v1/plan/versions", .secret) { (request, context) throws(Problem) in
            let tenant = try context.tenant
            try Query(request.queryItems).refuseRest()
            do throws(StorageError) {
                let versions = try tenant.store.planVersions().map { entry -> JSONValue in
                    [
                        "version": .integer(entry.version),
                        "created_at": .string(Timestamp(milliseconds: entry.createdAt).rfc3339),
                    ]
                }
                let answer: JSONValue = ["versions": .array(versions)]
                return .respond(.json(Array(answer.text.utf8)))
            } catch {
                throw Problem(error)
            }
        },
        Route(.get, "/v1/settings", .secret) { (request, context) throws(Problem) in
            let tenant = try context.tenant
            try Query(request.queryItems).refuseRest()
            return .respond(.json(Array(tenant.settings.document.text.utf8)))
        },
        Route(.patch, "/v1/settings", .secret) { (request, context) throws(Problem) in
            let tenant = try context.tenant
            try Query(request.queryItems).refuseRest()
            let document = try jsonBody(request)
            return change(context) { done in
                tenant.changeSettings(document, now: context.now) { result in
                    done(result.map { .json(Array($0.document.text.utf8)) })
                }
            }
        },
    ]

    private static func planAnswer(version: Int, _ document: JSONValue) -> HTTPResponse {
        let answer: JSONValue = ["version": .integer(Int64(version)), "plan": document]
        return .json(Array(answer.text.utf8))
    }
}
