internal import HTTP
internal import JSON

extension Routes {
    /// The scheduled tasks of a tenant.
    static let tasks: [Route] = [
        Route(.get, "/v1/tasks", .secret) { (request, context) throws(Problem) in
            let tenant = try context.tenant
            try Query(request.queryItems).refuseRest()
            let tasks = tenant.tasks.document(nanoseconds: monotonicNanoseconds(), at: context.now)
            let answer: JSONValue = ["tasks": tasks]
            return .respond(.json(Array(answer.text.utf8)))
        },
        Route(.post, "/v1/tasks/{name}/run", .secret) { (request, context) throws(Problem) in
            let tenant = try context.tenant
            try Query(request.queryItems).refuseRest()
            guard let name = TaskName(rawValue: context.parameters[0]) else {
                let known = TaskName.allCases.map(\.rawValue).joined(separator: ", ")
                throw Problem.notFound("There is no task with this name; there are \(known).")
            }
            tenant.tasks.request(name)
            let answer: JSONValue = ["name": .string(name.rawValue), "state": "requested"]
            return .respond(.json(Array(answer.text.utf8), status: 202))
        },
    ]
}
