internal import JSON

/// Why one interaction is refused. Each step of the decoder gives its own.
public struct DropReason: Error, Sendable, Equatable {
    /// Stable code.
    public let code: String
    /// One sentence that says what to change.
    public let message: String

    init(_ code: String, _ message: String) {
        self.code = code
        self.message = message
    }
}

extension DropReason {
    /// Codes of what is never checked again. Its sender might not speak for the user it names, or it could not be read, so
    /// that it is kept as it was sent: in the shape of its path, which may mean something else in the canonical one, and
    /// without the user that its request stood for.
    public static let lasting: Set<String> = Set(
        [
            otherUser, notAnObject, duplicateKey, nulCharacter, numberOverflow, unknownField(""), invalidLine(""),
        ].map(\.code))

    // Reading the item.
    static let notAnObject = DropReason("not_an_object", "Each interaction must be a JSON object.")
    static let duplicateKey = DropReason("duplicate_key", "A field is given twice; leave one of them out.")
    static let secondName = DropReason(
        "duplicate_key", "A field is given twice; leave one of them out (eventType and type are the same field).")
    static let nulCharacter = DropReason("invalid_unicode", "Text must not contain U+0000.")
    static let numberOverflow = DropReason("number_out_of_range", "A number is too large to be kept.")
    static func unknownField(_ name: String) -> DropReason {
        DropReason(
            "unknown_field",
            "There is no field \"\(name.shortened(toBytes: 64))\"; put your own data into \"metadata\".")
    }
    static func invalidLine(_ message: String) -> DropReason { DropReason("invalid_json", message) }

    // What was done.
    static func missingType(_ called: FieldNames) -> DropReason {
        DropReason("missing_type", "\"\(called.type)\" is required.")
    }
    static func unknownType(_ name: String) -> DropReason {
        DropReason("unknown_type", "The tracking plan has no interaction type \"\(name.shortened(toBytes: 64))\".")
    }

    // With which entity.
    static func missingEntity(_ called: FieldNames) -> DropReason {
        DropReason("missing_entity_id", "\"\(called.entityID)\" is required.")
    }
    static func unknownEntityType(_ name: String) -> DropReason {
        DropReason("unknown_entity_type", "The tracking plan has no entity type \"\(name.shortened(toBytes: 64))\".")
    }
    static let unknownEntity = DropReason(
        "unknown_entity", "The catalogue does not know this entity, and the tracking plan is strict; create it first.")

    // By whom.
    static func missingActor(_ called: FieldNames) -> DropReason {
        DropReason("missing_actor", "One of \(called.actors) is required.")
    }
    static let otherUser = DropReason(
        "user_not_allowed", "This key may not speak for that user; send the user's own token or use a secret key.")

    // Where and when.
    static func unknownContext(_ name: String, _ allowed: [String]) -> DropReason {
        DropReason(
            "unknown_context",
            "The context \"\(name.shortened(toBytes: 64))\" is not one of \(allowed.joined(separator: ", ")).")
    }
    static let invalidContext = DropReason(
        "invalid_context", "A context has 1 to 64 letters, digits, or any of _ - . : /.")
    static func invalidTime(_ field: String) -> DropReason {
        DropReason("invalid_time", "\"\(field)\" must be an RFC 3339 time such as 2026-01-31T12:00:00.000Z.")
    }
    static let timeBeforeYearOne = DropReason(
        "invalid_time", "\"occurred_at\", corrected by how far \"sent_at\" is off, lies before the year 1.")
    static func tooOld(_ days: Int64) -> DropReason {
        DropReason("too_old", "This happened longer ago than the \(days) days that interactions are kept.")
    }

    // With what.
    static let invalidMetadata = DropReason("invalid_metadata", "\"metadata\" must be a JSON object.")
    static func metadataTooLarge(_ limit: Int) -> DropReason {
        DropReason("metadata_too_large", "\"metadata\" may have at most \(limit) bytes.")
    }
    static func metadataTooDeep(_ limit: Int) -> DropReason {
        DropReason("metadata_too_deep", "\"metadata\" may be at most \(limit) levels deep.")
    }
    static func schema(_ message: String) -> DropReason { DropReason("metadata_violates_schema", message) }
    static let invalidValue = DropReason("invalid_value", "\"value\" must be a number.")
    static let inexactValue = DropReason(
        "inexact_value",
        "\"value\" is kept as a 64-bit float, which would change this number; send at most 15 digits, "
            + "and what needs more in \"metadata\".")

    // Ids and texts: the code names the field as the canonical API does, the sentence as it was sent.
    static func invalidText(_ field: StaticString, _ called: StaticString) -> DropReason {
        DropReason("invalid_\(field)", "\"\(called)\" must be a text or a whole number.")
    }
    static func emptyText(_ field: StaticString, _ called: StaticString) -> DropReason {
        DropReason("invalid_\(field)", "\"\(called)\" must not be empty.")
    }
    static func tooLong(_ field: StaticString, _ called: StaticString, _ limit: Int) -> DropReason {
        DropReason("\(field)_too_long", "\"\(called)\" may have at most \(limit) bytes.")
    }
}
