extension Routes {
    /// What the OpenAPI document says of recommendations, searches, interactions read back, and tasks.
    static let readingDescriptions: [String: Operation] = {
        let id = Schemas.ref("Word")
        let filters = ListDescriptions.parameters
        let served = ListDescriptions.served
        let search = Operation(
            "Searches the catalogue; the search is stored and counted.", Operation.Parameter.actor,
            body: [
                .json(
                    Schemas.object(
                        "\"query\": \(Schemas.ref("SearchText"))",
                        optional: """
                            "limit": {"type": ["integer", "null"], "minimum": 1, "maximum": 100},
                            "filters": {"type": ["object", "null"], "additionalProperties": false, "properties": {
                              "category": {"type": ["string", "null"], "minLength": 1, "pattern": "^[^\\\\u0000]*$"},
                              "in_stock": {"type": ["boolean", "null"]}}},
                            "user_id": \(Schemas.ref("OptionalID")), "anonymous_id": \(Schemas.ref("OptionalID")),
                            "session_id": \(Schemas.ref("OptionalID"))
                            """, closed: true))
            ],
            Schemas.object(
                #""search_id": {"type": "string"}, "query": {"type": "string"}, "total": {"type": "integer"}, "#
                    + #""has_more": {"type": "boolean"}, "results": {"type": "array"}"#,
                optional: #""corrections": {"type": "array"}"#))
        let listID = ["id": "$response.body#/list_id"]
        return [
            "GET /v1/recommendations": Operation(
                "What a person should see now. One of user_id, anonymous_id and session_id says for whom.",
                [.query("session_id", id, required: true), .query("user_id", id), .query("anonymous_id", id)] + filters,
                served
            ).linked("as served", to: "GET /v1/lists/{id}", listID),
            "POST /v1/recommendations": Operation(
                "The same, for what does not fit into an address: lists are arrays, numbers numbers.",
                body: [.json(ListDescriptions.body)], served
            ).linked("as served", to: "GET /v1/lists/{id}", listID),
            "GET /v1/recommendations/metrics": ListDescriptions.metrics,
            "GET /v1/similar/{type}/{id}": Operation(
                "What goes together with an entity.", filters.filter { !$0.name.hasPrefix("subject_") }, served
            ).path(["type": Schemas.ref("EntityType")]).linked("as served", to: "GET /v1/lists/{id}", listID),
            "GET /v1/lists/{id}": Operation(
                "A list as it was served, and the interactions that named it.", #"{"type": "object"}"#),
            "POST /search": search,
            "POST /v1/search": search,
            "GET /v1/searches": Operation(
                "The latest searches, or with results=none the queries that found nothing.",
                [
                    .query("results", #"{"const": "none"}"#), .limit1000,
                    .query("cursor", #"{"type": "integer", "minimum": 1, "maximum": 9223372036854775807}"#),
                ], #"{"type": "object"}"#),
            "GET /v1/interactions": Operation(
                "Interactions read back. Examines a bounded stretch of the log; \"complete\" says whether it reached the end.",
                [
                    .query("from", #"{"type": "string", "format": "date-time"}"#),
                    .query("to", #"{"type": "string", "format": "date-time"}"#), .query("user_id", Schemas.ref("ID")),
                    .query("anonymous_id", Schemas.ref("ID")), .query("session_id", Schemas.ref("ID")),
                    .query("entity_type", id),
                    .query("entity_id", Schemas.ref("ID")), .query("type", id), .query("context", Schemas.ref("ID")),
                    .query("order", #"{"enum": ["desc", "asc"]}"#), .query("format", #"{"enum": ["json", "ndjson"]}"#),
                    .limit1000, .cursor,
                    .query(
                        "where", Schemas.ref("ID"),
                        "metadata.NAME, or metadata.NAME with =, !=, <, <=, > or >= and a value."),
                ],
                answers: [
                    200: [
                        .json(
                            Schemas.object(
                                "\"interactions\": " + Schemas.list(Schemas.ref("StoredInteraction")),
                                optional: #""next_cursor": {"type": "string"}, "complete": {"type": "boolean"}"#)),
                        .lines,
                    ]
                ]),
            "GET /v1/models": Operation(
                "The learned models that are kept, newest first, which of them serves, and how the training stands.",
                Schemas.object(
                    #""current": {"type": ["integer", "null"]}, "memory_bytes": {"type": "integer"}, "#
                        + #""models": {"type": "array", "items": {"type": "object", "required": ["version", "state", "bytes"]}}, "#
                        + #""training": {"type": "object", "required": ["state", "progress", "last"]}"#)),
            "POST /v1/models/train": Operation(
                "Begins a training; GET /v1/models says how it stands. The new model serves when it is better.",
                body: [
                    .json(
                        #"{"type": "object", "additionalProperties": false, "properties": "#
                            + #"{"tune_seconds": {"type": "integer", "minimum": 0, "maximum": 86400}}}"#)
                ], isBodyRequired: false,
                answers: [202: [.json(Schemas.object(#""training": {"type": "object"}"#))]]),
            "POST /v1/models/{version}/activate": Operation(
                "Has a model that is kept serve from now on.", Schemas.object(#""current": {"type": "integer"}"#)),
            "DELETE /v1/models/{version}": Operation(
                "Removes a model that does not serve.", Schemas.object(#""deleted": {"type": "integer"}"#)),
            "GET /v1/tasks": Operation("The scheduled tasks.", Schemas.object(#""tasks": {"type": "array"}"#)),
            "POST /v1/tasks/{name}/run": Operation(
                "Has a task run now.",
                answers: [202: [.json(Schemas.object(#""name": {"type": "string"}, "state": {"type": "string"}"#))]]),
        ]
    }()
}
