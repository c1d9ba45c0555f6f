internal import HTTP
internal import JSON

extension Routes {
    /// Health and metrics, for the operator's tools.
    static let operations: [Route] = [
        Route(.get, "/healthz", .open) { (_, _) throws(Problem) in
            .respond(.json(Array(#"{"status":"ok"}"#.utf8)))
        },
        Route(.get, "/readyz", .open) { (_, context) throws(Problem) in
            guard context.server.isReady else {
                throw Problem(503, "stopping", "The server is stopping.", headers: [("Retry-After", "5")])
            }
            return .respond(.json(Array(#"{"status":"ready"}"#.utf8)))
        },
        Route(.get, "/metrics", .metrics) { (_, context) throws(Problem) in
            let text = MetricsText.render(context.server)
            return .respond(HTTPResponse(contentType: .prometheus, body: text))
        },
    ]
}
