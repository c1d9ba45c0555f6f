internal import HTTP
internal import JSON

extension Routes {
    /// Backups, over the admin socket only: whoever can open it owns the data folder anyway.
    static let backup: [Route] = [
        Route(.post, "/v1/backup", .admin) { (request, context) throws(Problem) in
            try Query(request.queryItems).refuseRest()
            let body = try jsonBody(request)
            guard let destination = body["destination"]?.stringValue, destination.hasPrefix("/") else {
                throw Problem(400, "invalid_body", "The body must be {\"destination\": \"/absolute/path\"}.")
            }
            let server = context.server
            guard server.directory.backup.start(server.directory, destination: destination, log: server.log) else {
                throw Problem(409, "backup_running", "Another backup is under way.")
            }
            return .respond(.json(Array(#"{"state":"running"}"#.utf8), status: 202))
        },
        Route(.get, "/v1/backup", .admin) { (request, context) throws(Problem) in
            try Query(request.queryItems).refuseRest()
            return .respond(.json(Array(context.server.directory.backup.document.text.utf8)))
        },
    ]
}
