internal import Domain
internal import JSON

/// The schemas that the OpenAPI document's operations share, as JSON text.
enum Schemas {
    static func ref(_ name: String) -> String { "{\"$ref\": \"#/components/schemas/\(name)\"}" }

    /// An object whose members are all there.
    static func object(_ properties: String, optional: String = "", closed: Bool = false) -> String {
        let names = value("{\(properties)}").objectValue?.members.map { "\"\($0.key)\"" }.joined(separator: ", ") ?? ""
        let rest = optional.isEmpty ? "" : ", \(optional)"
        let end = closed ? ", \"additionalProperties\": false" : ""
        return "{\"type\": \"object\", \"required\": [\(names)], \"properties\": {\(properties)\(rest)}\(end)}"
    }

    static func list(_ items: String) -> String { "{\"type\": \"array\", \"items\": \(items)}" }

    /// The value of JSON text; a mistake in it shows as `null`, which a test finds.
    static func value(_ text: String) -> JSONValue { (try? JSONValue(parsing: text)) ?? .null }

    static let all: JSONObject = {
        var all = JSONObject()
        for (name, text) in texts { all[name] = value(text) }
        return all
    }()

    /// Those of the preset `default`.
    private static let entityTypes: String = {
        let plan = try? TrackingPlan.preset("default")
        let names = (plan?.entityTypes ?? []).map { JSONValue.string($0.name) }
        return JSONValue.object(["enum": .array(names)]).text
    }()

    private static let time = #"{"type": "string", "format": "date-time"}"#

    private static let texts: [(String, String)] = [
        (
            "Problem",
            object(
                #""type": {"type": "string"}, "title": {"type": "string"}, "status": {"type": "integer"}, "#
                    + #""code": {"type": "string"}, "detail": {"type": "string"}"#,
                optional: #""pointer": {"type": "string"}"#)
        ),
        ("EntityType", entityTypes),
        ("SearchText", #"{"type": "string", "pattern": "^[^\\u0000]*$", "description": "At most 1,024 bytes."}"#),
        ("OptionalID", #"{"anyOf": [\#(ref("AnyID")), {"type": "null"}]}"#),
        (
            "Traits",
            #"{"type": "object", "propertyNames": {"minLength": 1, "pattern": "^[^\\u0000]*$"}, "#
                + #""additionalProperties": \#(ref("Value"))}"#
        ),
        ("Text", #"{"type": "string", "pattern": "^[^\\u0000]*$"}"#),
        ("Word", #"{"type": "string", "minLength": 1, "maxLength": 256, "pattern": "^[^\\u0000]*$"}"#),
        ("ID", #"{"type": "string", "minLength": 1, "pattern": "^[^\\u0000]*$", "description": "At most 256 bytes."}"#),
        (
            "AnyID",
            #"{"anyOf": [\#(ref("ID")), {"type": "integer"}]}"#
        ),
        ("Segment", #"{"type": "string", "minLength": 1, "pattern": "^[^\\u0000]+$"}"#),
        ("HeaderText", #"{"type": "string", "pattern": "^[!-~]([\\t -~]{0,254}[!-~])?$"}"#),
        ("Cursor", #"{"type": "string", "maxLength": 6144, "pattern": "^([A-Za-z0-9_-]{4})*([A-Za-z0-9_-]{2,4})$"}"#),
        ("RefusedCursor", #"{"type": "string", "pattern": "^[0-9]{1,18}$"}"#),
        (
            "Value",
            """
            {"type": ["string", "number", "boolean", "null", "array", "object"], "pattern": "^[^\\u0000]*$",
             "items": \(ref("Value")), "propertyNames": \(ref("Text")), "additionalProperties": \(ref("Value"))}
            """
        ),
        (
            "Object",
            """
            {"type": "object", "propertyNames": \(ref("Text")), "additionalProperties": \(ref("Value"))}
            """
        ),
        (
            "PopularMode",
            #"{"enum": ["trending", "most_viewed", "most_carted", "most_ordered", "most_searched", "overall"]}"#
        ),
        ("Counts", #"{"type": "object", "additionalProperties": {"type": "integer", "minimum": 0}}"#),
        (
            "Scores",
            object(
                #""score": {"type": "number"}, "popularity_score": {"type": "number"}, "#
                    + #""trending_score": {"type": "number"}"#,
                optional: "\"title\": {\"type\": \"string\"}, \"last_interaction\": \(time)")
        ),
        (
            "InteractionBatch",
            """
            {"anyOf": [{"type": "array", "items": \(ref("Interaction"))},
              {"type": "object", "required": ["interactions"], "additionalProperties": false, "properties": {
                "interactions": {"type": "array", "items": \(ref("Interaction"))},
                "sent_at": {"type": ["string", "null"], "format": "date-time"}}}]}
            """
        ),
        (
            "Interaction",
            """
            {"description": "An object with type, entity_id, and one of user_id, anonymous_id, session_id; further \
            entity_type, id, context, occurred_at, list_id, value, metadata. One that does not hold is answered with \
            \\"rejected\\", a code and a sentence, and kept; the others are stored."}
            """
        ),
        (
            "Tracked",
            """
            {"type": "object", "required": ["tracked", "results"], "properties": {
              "tracked": {"type": "integer", "minimum": 0},
              "results": {"type": "array", "items": {"type": "object", "required": ["id", "status"], "properties": {
                "id": {"type": ["string", "null"]}, "status": {"enum": ["ok", "duplicate", "rejected"]},
                "code": {"type": "string"}, "message": {"type": "string"}}}}}}
            """
        ),
        (
            "StoredInteraction",
            object(
                "\"id\": {\"type\": \"string\"}, \"type\": {\"type\": \"string\"}, \"entity_type\": {\"type\": \"string\"}, "
                    + "\"entity_id\": {\"type\": \"string\"}, \"occurred_at\": \(time), \"received_at\": \(time)",
                optional: #"""
                    "original_type": {"type": "string"}, "user_id": {"type": "string"}, "anonymous_id": {"type": "string"},
                    "session_id": {"type": "string"}, "context": {"type": "string"}, "list_id": {"type": "string"},
                    "value": {"type": "number"}, "metadata": {"type": "object"}
                    """#)
        ),
        (
            "Entity",
            """
            {"type": "object", "required": ["type", "id"], "additionalProperties": false, "properties": {
              "type": {"type": "string"}, "id": {"type": "string"}, \(entityFields),
              "deleted": {"type": "boolean"}, "placeholder": {"type": "boolean"}}}
            """
        ),
        (
            "EntityChange",
            """
            {"type": "object", "additionalProperties": false, "properties": {\(entityFields)}}
            """
        ),
        (
            "EntityResult",
            """
            {"type": "object", "required": ["type", "id", "status"], "properties": {"status": {"enum": ["ok", "rejected"]},
              "code": {"type": "string"}, "message": {"type": "string"}}}
            """
        ),
        ("Plan", object(#""version": {"type": "integer"}, "plan": {"type": "object"}"#)),
        (
            "ErrorReport",
            """
            {"type": "object", "required": ["context", "error_message"], "additionalProperties": false, "properties": {
              "context": \(filled), "error_message": \(filled),
              "error_stack": \(nullable), "metadata": {"anyOf": [\(ref("Object")), {"type": "null"}]},
              "user_id": \(ref("OptionalID")), "timestamp": {"type": ["string", "null"], "format": "date-time"},
              "category": {"enum": ["validation", "network", "database", "authentication", null]}}}
            """
        ),
        (
            "Settings",
            """
            {"type": "object", "additionalProperties": false, "properties": {
              "session_timeout_minutes": {"type": "integer", "minimum": 1, "maximum": 1440},
              "trending_half_life_hours": {"type": "number", "minimum": 0.1, "maximum": 87600},
              "trending_window_hours": {"type": "integer", "minimum": 1, "maximum": 720},
              "retention_days": {"type": ["integer", "null"], "minimum": 1, "maximum": 36500},
              "trust_user_ids": {"type": "boolean"}, "domains": {"type": "array", "items": \(ref("Text"))},
              "ranking_base_weight": {"type": "number", "minimum": 0, "maximum": 1}, "ranking_personal_weight": {"type": "number", "minimum": 0, "maximum": 1},
              "ranking_popularity_weight": {"type": "number", "minimum": 0, "maximum": 1}, "ranking_ordered_factor": {"type": "number", "minimum": 0, "maximum": 1},
              "ranking_model_share": {"type": "number", "minimum": 0, "maximum": 1},
              "ranking_category_limit": {"type": "integer", "minimum": 1, "maximum": 10},
              "ranking_surfaces": {"type": "object", "additionalProperties": false, "properties": {\(ListDescriptions.surfaces)}},
              "training_interval_hours": {"type": ["number", "null"], "minimum": 0.01, "maximum": 87600},
              "training_new_share": {"type": ["number", "null"], "minimum": 0.001, "maximum": 1000},
              "training_half_life_days": {"type": "number", "minimum": 0.1, "maximum": 36500},
              "training_longest_history": {"type": "integer", "minimum": 2, "maximum": 100000},
              "training_memory_mib": {"type": "integer", "minimum": 64, "maximum": 1048576},
              "maximum_id_bytes": {"type": "integer", "minimum": 16, "maximum": 4096},
              "maximum_metadata_bytes": {"type": "integer", "minimum": 2, "maximum": 1048576},
              "maximum_metadata_depth": {"type": "integer", "minimum": 1, "maximum": 256},
              "maximum_batch": {"type": "integer", "minimum": 1, "maximum": 100000},
              "maximum_body_bytes": {"type": "integer", "minimum": 1024, "maximum": 67108864},
              "maximum_stream_bytes": {"type": "integer", "minimum": 1024, "maximum": 268435456},
              "maximum_refused_bytes": {"type": "integer", "minimum": 65536, "maximum": 1099511627776}}}
            """
        ),
    ]

    private static let filled = #"{"type": "string", "minLength": 1, "pattern": "^[^\u0000]*$"}"#
    private static let nullable = #"{"type": ["string", "null"], "pattern": "^[^\u0000]*$"}"#

    private static let entityFields = """
        "title": \(nullable), "description": \(nullable), "brand": \(nullable),
        "categories": {"type": "array", "items": \(ref("Word"))}, "labels": {"type": "array", "items": \(ref("Word"))},
        "price": {"type": ["string", "integer", "null"], "minimum": 0, "maximum": 999999999999999, "pattern": "^[0-9]{1,15}(\\\\.[0-9]{1,6})?$"},
        "currency": {"type": ["string", "null"], "pattern": "^[A-Z]{3}$"},
        "inventory": {"type": ["integer", "null"], "minimum": 0, "maximum": 1000000000000},
        "published_at": {"type": ["string", "null"], "format": "date-time"}, "hidden": {"type": "boolean"},
        "attributes": {"anyOf": [\(ref("Object")), {"type": "null"}]}
        """
}
