internal import Domain

/// What the OpenAPI document says of requests for lists and their answers.
enum ListDescriptions {
    private static let word = Schemas.ref("Word")
    private static let flag = #"{"enum": ["true", "false"]}"#
    private static let price = #"{"type": "string", "pattern": "^[0-9]{1,9}(\\.[0-9]{1,2})?$"}"#
    private static let degrees = #"{"type": "string", "pattern": "^-?[0-9]{1,2}(\\.[0-9]{1,6})?$"}"#
    private static let surface =
        "{\"enum\": [" + Surface.allCases.map { "\"\($0.rawValue)\"" }.joined(separator: ", ") + "]}"
    private static let times = #"{"type": "integer", "minimum": 0, "maximum": 1000}"#

    /// Parameters of a list's address.
    static let parameters: [Operation.Parameter] = [
        .limit100, .query("surface", surface), .query("subject_id", word, "The entity that the list is about."),
        .query("subject_type", Schemas.ref("EntityType")),
        .query("cursor", Schemas.ref("Cursor"), "\"next_cursor\" of the page before."),
        .query("exclude", word, "Ids, with commas between them."),
        .query("include", word, "Only these ids, with commas between them."),
        .query(
            "pin", #"{"type": "string", "pattern": "^[A-Za-z0-9]+:[0-9]{1,2}$"}"#, "id:place, with commas between them."
        ),
        .query("exclude_seen", flag), .query("exclude_bought", flag), .query("exclude_shown", times),
        .query("cart", word, "Ids that lie in the cart."),
        .query("query", word, "What is searched for, on the surface search."),
        .query("filter", word, "An expression such as price <= 20 AND NOT label = sale."),
        .query("latitude", degrees), .query("longitude", degrees),
        .query("within_km", #"{"type": "integer", "minimum": 0, "maximum": 21000}"#),
        .category, .query("price_min", price),
        .query("price_max", price), .query("currency", #"{"type": "string", "pattern": "^[A-Z]{3}$"}"#),
        .query("in_stock", flag), .query("context", #"{"type": "string", "minLength": 1, "maxLength": 64}"#),
        .query("explain", flag), .entityType,
    ]

    /// The body of a request.
    static let body: String = {
        let id = Schemas.ref("OptionalID")
        let ids = #"{"type": ["array", "null"], "maxItems": 1000, "items": \#(Schemas.ref("AnyID"))}"#
        let text = #"{"type": ["string", "null"], "minLength": 1, "maxLength": 256, "pattern": "^[^\\u0000]*$"}"#
        let truth = #"{"type": ["boolean", "null"]}"#
        let amount = #"{"type": ["number", "null"], "minimum": 0}"#
        return """
            {"type": "object", "additionalProperties": false, "properties": {
              "user_id": \(id), "anonymous_id": \(id), "session_id": \(id), "surface": \(surface),
              "subject_id": \(id), "subject_type": \(Schemas.ref("EntityType")), "entity_type": \(Schemas.ref("EntityType")),
              "limit": {"type": ["integer", "null"], "minimum": 1, "maximum": 100}, "cursor": \(text), "context": \(text),
              "explain": \(truth), "exclude": \(ids), "include": \(ids), "cart": \(ids),
              "pin": {"type": ["array", "null"], "maxItems": 100, "items": {"type": "object", "additionalProperties": false,
                "required": ["entity_id", "position"], "properties": {"entity_id": \(Schemas.ref("AnyID")),
                "entity_type": \(Schemas.ref("EntityType")), "position": {"type": "integer", "minimum": 1, "maximum": 100}}}},
              "exclude_seen": \(truth), "exclude_bought": \(truth), "exclude_shown": \(times), "query": \(text),
              "filter": \(text), "latitude": {"type": ["number", "null"], "minimum": -90, "maximum": 90},
              "longitude": {"type": ["number", "null"], "minimum": -180, "maximum": 180},
              "within_km": {"type": ["number", "null"], "minimum": 0, "maximum": 21000}, "category": \(text),
              "price_min": \(amount), "price_max": \(amount),
              "currency": {"type": ["string", "null"], "pattern": "^[A-Z]{3}$"}, "in_stock": \(truth)}}
            """
    }()

    /// The answer.
    static let served = Schemas.object(
        """
        "list_id": {"type": ["string", "null"]}, "surface": {"type": "string"},
        "fallback": {"type": ["string", "null"]}, "next_cursor": {"type": ["string", "null"]}, "items":
        """
            + Schemas.list(
                Schemas.object(
                    #""entity_type": {"type": "string"}, "entity_id": {"type": "string"}, "score": {"type": "number"}"#,
                    optional: #""title": {"type": "string"}, "explain": {"type": "object"}"#)),
        optional:
            #""model_version": {"type": "integer"}, "incomplete": {"type": "boolean"}, "unmet": {"type": "array"}"#
    )

    /// What came of lists.
    static let metrics = Operation(
        "What came of served lists: views, clicks, conversions and revenue by surface, source and model version.",
        [
            .query("days", #"{"type": "integer", "minimum": 1, "maximum": 400}"#),
            .query("by", #"{"enum": ["total", "day"]}"#), .query("surface", surface),
        ],
        Schemas.object(
            #""from": {"type": "string"}, "to": {"type": "string"}, "metrics": "#
                + Schemas.list(
                    Schemas.object(
                        """
                        "surface": {"type": "string"}, "source": {"type": ["string", "null"]},
                        "model_version": {"type": ["integer", "null"]}, "items": {"type": "integer"},
                        "views": {"type": "integer"}, "clicks": {"type": "integer"}, "conversions": {"type": "integer"},
                        "click_through": {"type": ["number", "null"]}, "conversion": {"type": ["number", "null"]},
                        "revenue": {"type": "object"}
                        """,
                        optional: #""lists": {"type": "integer"}, "day": {"type": "string"}"#))))

    /// The members of `ranking_surfaces`.
    static let surfaces: String = {
        let share = #"{"type": ["number", "null"], "minimum": 0, "maximum": 1}"#
        let truth = #"{"type": ["boolean", "null"]}"#
        let names = Recaller.allCases.map { "\"\($0.rawValue)\"" }.joined(separator: ", ")
        let settings = """
            {"type": ["object", "null"], "additionalProperties": false, "properties": {
              "recallers": {"type": ["array", "null"], "maxItems": \(Recaller.allCases.count), "items": {"type": "object",
                "additionalProperties": false, "required": ["name"], "properties": {"name": {"enum": [\(names)]},
                "most": {"type": "integer", "minimum": 1, "maximum": 500},
                "weight": {"type": "number", "minimum": 0, "maximum": 10}}}},
              "base_weight": \(share), "personal_weight": \(share), "popularity_weight": \(share), "trending_weight": \(share), "model_share": \(share),
              "search_weight": \(share), "ordered_factor": \(share), "relevance": \(share), "exploration": \(share),
              "category_limit": {"type": ["integer", "null"], "minimum": 1, "maximum": 10},
              "exploration_below": {"type": ["number", "null"], "minimum": 0, "maximum": 1000000000},
              "exclude_seen": \(truth), "exclude_bought": \(truth),
              "exclude_shown": {"type": ["integer", "null"], "minimum": 0, "maximum": 1000}}}
            """
        return Surface.allCases.map { "\"\($0.rawValue)\": \(settings)" }.joined(separator: ", ")
    }()
}
