extension Routes {
    /// What the OpenAPI document says of each route, by method and path.
    static let descriptions: [[String: Operation]] = [
        collectingDescriptions, answerDescriptions, catalogueDescriptions, tenantDescriptions, operationDescriptions,
        readingDescriptions,
        commerceDescriptions,
    ]

    private static let time = #"{"type": "string", "format": "date-time"}"#

    private static let collectingDescriptions: [String: Operation] = [
        "POST /v1/interactions": Operation(
            """
            Stores interactions: a batch, or one a line. One interaction alone, as an object, is taken too; when it is \
            refused the answer is 422.
            """, Operation.Parameter.actor, body: [.json(Schemas.ref("InteractionBatch")), .lines],
            Schemas.ref("Tracked")),
        "POST /api/track": Operation(
            "Feed's path: a list of interactions with posts, or one alone; when that is refused the answer is 400.",
            Operation.Parameter.actor,
            body: [
                .json(Schemas.ref("InteractionBatch"))
            ], feed
        ).refused(400, feed),
        "POST /api/phoenix/track-interaction": Operation(
            "Shop's path: one event, about one product (`product_id`) or several (`product_ids`).",
            Operation.Parameter.actor,
            body: [
                .json(
                    Schemas.object(
                        #""shop_domain": {"const": "demo"}, "interaction_type": {"enum": ["view", "cart_add", "order"]}, "#
                            + "\"metadata\": {\"type\": \"object\", \"required\": [\"product_id\"], "
                            + "\"properties\": {\"product_id\": \(Schemas.ref("AnyID"))}, \"additionalProperties\": \(Schemas.ref("Value"))}, "
                            + #""context": {"enum": ["cart", "product_page", "homepage", "checkout"]}"#,
                        optional:
                            "\"browser_session_id\": {\"anyOf\": [\(Schemas.ref("AnyID")), {\"type\": \"null\"}]}, "
                            + "\"customer_id\": {\"anyOf\": [\(Schemas.ref("AnyID")), {\"type\": \"null\"}]}",
                        closed: true))
            ], phoenix
        ).refused(422, phoenix),
        "POST /search/click": Operation(
            "Ranking's path: a result of a search was clicked.", Operation.Parameter.actor,
            body: [
                .json(
                    Schemas.object(
                        "\"query\": \(Schemas.ref("Text")), \"product_id\": \(Schemas.ref("AnyID"))", closed: true))
            ],
            Schemas.object(#""success": {"const": true}"#)),
    ]

    private static let feed = Schemas.object(
        #""success": {"type": "boolean"}, "tracked": {"type": "integer"}, "errors": {"type": "array"}"#)
    private static let phoenix = Schemas.object(
        #""success": {"type": "boolean"}, "session_id": {"type": ["string", "null"]}, "#
            + #""interaction_ids": {"type": "array"}, "tracked": {"type": "integer"}, "errors": {"type": "array"}"#)

    private static let answerDescriptions: [String: Operation] = {
        let listed = Schemas.list(
            "{\"allOf\": [\(Schemas.ref("Scores")), "
                + Schemas.object(
                    #""entity_type": {"type": "string"}, "entity_id": {"type": "string"}, "#
                        + "\"counts\": \(Schemas.ref("Counts"))") + "]}")
        let popular = Schemas.object(
            "\"mode\": \(Schemas.ref("PopularMode")), \"time_window\": {\"type\": \"string\"}, \"items\": \(listed)")
        let filters: [Operation.Parameter] = [.mode, .window, .entityType, .category, .limit1000]
        return [
            "GET /v1/popular": Operation("The most popular entities now.", filters, popular),
            "GET /v1/trending": Operation("The entities that trend now.", filters, popular),
            "GET /products/popular": Operation(
                "Ranking's path: the most popular products.", [.mode, .window, .category, .limit1000],
                Schemas.object(
                    "\"mode\": \(Schemas.ref("PopularMode")), \"products\": "
                        + Schemas.list(
                            "{\"allOf\": [\(Schemas.ref("Scores")), "
                                + Schemas.object(
                                    #""product_id": {"type": "string"}, "view_count": {"type": "integer"}"#)
                                + "]}"))),
            "GET /v1/entities/{type}/{id}/stats": Operation(
                "An entity's counters and scores.",
                Schemas.object(
                    #""entity_type": {"type": "string"}, "entity_id": {"type": "string"}, "#
                        + "\"counts\": \(Schemas.ref("Counts")), "
                        + #""popularity_score": {"type": "number"}, "trending_score": {"type": "number"}, "#
                        + #""last_interaction": {"type": ["string", "null"]}, "placeholder": {"type": "boolean"}"#)),
            "GET /v1/sessions/{id}": Operation(
                "A session's length and engagement.",
                Schemas.object(
                    #""session_id": {"type": "string"}, "duration": {"type": "integer"}, "#
                        + #""interactionCount": {"type": "integer"}, "engagementScore": {"type": "number"}, "#
                        + #""pageViews": {"type": "integer"}, "bounceRate": {"type": "number"}, "#
                        + "\"started_at\": \(time), \"last_at\": \(time)")),
            "GET /v1/users/{id}/interactions": Operation(
                "A user's last interactions, newest first.", [.limit100],
                Schemas.object(
                    "\"user_id\": {\"type\": \"string\"}, \"interactions\": "
                        + Schemas.list(Schemas.ref("StoredInteraction")))),
            "GET /v1/totals": Operation(
                "What a tenant has in all.", [.window],
                Schemas.object(
                    "\"time_window\": {\"type\": \"string\"}, \"interactions\": \(Schemas.ref("Counts")), "
                        + #""sessions": {"type": "integer"}, "bounces": {"type": "integer"}, "#
                        + #""bounceRate": {"type": "number"}, "users": {"type": "integer"}, "#
                        + #""entities": {"type": "integer"}"#)),
        ]
    }()

    private static let catalogueDescriptions: [String: Operation] = {
        let change: [Operation.Content] = [.json(Schemas.ref("EntityChange"))]
        let bulk = Operation(
            "Stores entities, many at once, each answered by itself. One alone is taken too; when refused the answer is 422.",
            body: [
                .json(
                    "{\"anyOf\": [{\"type\": \"array\", \"minItems\": 1, \"items\": \(Schemas.ref("Value"))}, "
                        + Schemas.object(
                            "\"entities\": {\"type\": \"array\", \"minItems\": 1, \"items\": \(Schemas.ref("Value"))}",
                            closed: true) + "]}"),
                .lines,
            ],
            Schemas.object(
                "\"stored\": {\"type\": \"integer\"}, \"results\": " + Schemas.list(Schemas.ref("EntityResult"))))
        let sameEntity =
            ["GET", "PATCH", "DELETE"].map { "\($0) /v1/entities/{type}/{id}" }
            + ["GET /v1/entities/{type}/{id}/stats", "GET /v1/similar/{type}/{id}"]
        return [
            "PUT /v1/entities": bulk,
            "POST /v1/entities": bulk,
            "GET /v1/entities": Operation(
                "The catalogue, page by page.", [.entityType, .limit1000, .cursor],
                Schemas.object(
                    "\"entities\": " + Schemas.list(Schemas.ref("Entity")),
                    optional: #""next_cursor": {"type": "string"}"#)
            ).linked("next page", to: "GET /v1/entities", ["cursor": "$response.body#/next_cursor"]),
            "GET /v1/entities/{type}/{id}": Operation("One entity.", Schemas.ref("Entity")),
            "PUT /v1/entities/{type}/{id}": Operation(
                "Creates or replaces an entity.", body: change, Schemas.ref("Entity")
            ).path(["type": Schemas.ref("EntityType")]).linked(toSame: sameEntity, ["type", "id"]),
            "PATCH /v1/entities/{type}/{id}": Operation(
                "Changes the fields that are given.", body: change, Schemas.ref("Entity")
            ).path(["type": Schemas.ref("EntityType")]),
            "DELETE /v1/entities/{type}/{id}": Operation(
                "Takes an entity out of the catalogue; its history stays.", answers: [204: []]),
        ]
    }()

    private static let tenantDescriptions: [String: Operation] = [
        "GET /v1/plan": Operation(
            "The tracking plan.", [.query("version", #"{"type": "integer", "minimum": 1, "maximum": 4294967295}"#)],
            Schemas.ref("Plan")),
        "PUT /v1/plan": Operation(
            "Puts a tracking plan into force, as a new version.", body: [.json(#"{"type": "object"}"#)],
            Schemas.ref("Plan")),
        "GET /v1/plan/versions": Operation(
            "The plan's versions, newest first.",
            Schemas.object(
                "\"versions\": "
                    + Schemas.list(Schemas.object("\"version\": {\"type\": \"integer\"}, \"created_at\": \(time)")))),
        "GET /v1/settings": Operation("The tenant's settings.", Schemas.ref("Settings")),
        "PATCH /v1/settings": Operation(
            "Changes the settings that are given.", body: [.json(Schemas.ref("Settings"))], Schemas.ref("Settings")),
        "GET /v1/rejected": Operation(
            """
            Interactions that were refused, oldest first, each with the reason of its last check. "total" says how many there \
            are on all pages, of the code when one is given.
            """,
            [
                .query("code", Schemas.ref("Word")),
                .query("cursor", Schemas.ref("RefusedCursor")), .limit1000,
            ],
            Schemas.object(
                #""total": {"type": "integer"}, "rejected": {"type": "array"}"#,
                optional: #""next_cursor": {"type": "string"}"#)),
        "POST /v1/rejected/replay": Operation(
            """
            Checks refused interactions again, against the plan of now. What could not be read, and what its sender might \
            not send (`user_not_allowed`), stays refused.
            """,
            body: [
                .json(
                    """
                    {"type": "object", "additionalProperties": false, "properties": {
                      "code": {"type": "string"},
                      "cursor": {"anyOf": [\(Schemas.ref("RefusedCursor")), {"type": "integer", "minimum": 0, "maximum": 9223372036854775807}]},
                      "limit": {"type": "integer", "minimum": 1, "maximum": 1000}}}
                    """)
            ], isBodyRequired: false,
            Schemas.object(
                #""replayed": {"type": "integer"}, "tracked": {"type": "integer"}, "rejected": {"type": "integer"}"#,
                optional: #""next_cursor": {"type": "string"}"#)),
        "POST /v1/errors": Operation(
            "Keeps an error that a client met.", body: [.json(Schemas.ref("ErrorReport"))],
            Schemas.object(#""stored": {"type": "integer"}"#)),
        "GET /v1/errors": Operation(
            "Error reports, newest first.", [.limit1000],
            Schemas.object("\"errors\": " + Schemas.list(Schemas.ref("ErrorReport")))),
    ]

    private static let operationDescriptions: [String: Operation] = [
        "GET /healthz": Operation("Whether the process lives.", Schemas.object(#""status": {"const": "ok"}"#)),
        "GET /readyz": Operation(
            "Whether requests should be sent here.", Schemas.object(#""status": {"const": "ready"}"#)),
        "GET /metrics": Operation(
            "Figures for Prometheus.",
            answers: [200: [Operation.Content(media: "text/plain", schema: #"{"type": "string"}"#)]]),
        "GET /openapi.json": Operation("This document.", #"{"type": "object"}"#),
    ]
}
