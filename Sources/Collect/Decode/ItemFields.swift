internal import Domain
internal import JSON

/// The fields of an interaction before they are checked: views into the parsed request.
struct ItemFields {
    var id: JSONView?
    var type: JSONView?
    var entityType: JSONView?
    var entityID: JSONView?
    var userID: JSONView?
    var anonymousID: JSONView?
    var sessionID: JSONView?
    var browserSessionID: JSONView?
    var context: JSONView?
    var occurredAt: JSONView?
    var sentAt: JSONView?
    var listID: JSONView?
    var value: JSONView?
    var metadata: JSONView?
}

extension ItemFields {
    /// A field by itself, so that a wire shape can be a table.
    enum Field: Sendable {
        case id, type, entityType, entityID, userID, anonymousID, sessionID, browserSessionID, context, occurredAt
        case sentAt, listID, value, metadata
    }

    /// Sets a field that is not set yet; false when it is.
    mutating func set(_ field: Field, _ view: JSONView) -> Bool {
        func put(_ slot: inout JSONView?) -> Bool {
            if slot != nil { return false }
            slot = view
            return true
        }
        return switch field {
        case .id: put(&id)
        case .type: put(&type)
        case .entityType: put(&entityType)
        case .entityID: put(&entityID)
        case .userID: put(&userID)
        case .anonymousID: put(&anonymousID)
        case .sessionID: put(&sessionID)
        case .browserSessionID: put(&browserSessionID)
        case .context: put(&context)
        case .occurredAt: put(&occurredAt)
        case .sentAt: put(&sentAt)
        case .listID: put(&listID)
        case .value: put(&value)
        case .metadata: put(&metadata)
        }
    }
}

/// How sentences about a refused interaction call its fields: as the path does that it came by. Codes are the same
/// everywhere.
struct FieldNames: Sendable {
    var type: StaticString = "type"
    var entityID: StaticString = "entity_id"
    var userID: StaticString = "user_id"
    var anonymousID: StaticString = "anonymous_id"
    var browserSessionID: StaticString = "browser_session_id"
    var listID: StaticString = "list_id"
    /// What may say who acts.
    var actors = "\"user_id\", \"anonymous_id\" and \"session_id\""
}

/// Which name stands for which field in a wire shape. Null means absent everywhere.
final class FieldMap: Sendable {
    private let names: ByteNameIndex
    private let targets: [ItemFields.Field]
    /// What the fields are called to the one who sent them.
    let called: FieldNames
    /// The type of all the entities of a shape that does not carry one.
    let entityType: String?

    private init(_ names: ByteNameIndex, _ targets: [ItemFields.Field], called: FieldNames, entityType: String?) {
        self.names = names
        self.targets = targets
        self.called = called
        self.entityType = entityType
    }

    private convenience init(
        _ fields: [(String, ItemFields.Field)], called: FieldNames = FieldNames(), entityType: String? = nil
    ) {
        self.init(ByteNameIndex(fields.map(\.0)), fields.map(\.1), called: called, entityType: entityType)
    }

    /// The canonical API, with Music's names as aliases.
    static let canonical = FieldMap([
        ("id", .id), ("type", .type), ("entity_type", .entityType), ("entity_id", .entityID),
        ("user_id", .userID), ("anonymous_id", .anonymousID), ("session_id", .sessionID),
        ("browser_session_id", .browserSessionID), ("context", .context), ("occurred_at", .occurredAt),
        ("sent_at", .sentAt), ("list_id", .listID), ("value", .value), ("metadata", .metadata),
        ("eventType", .type), ("entityType", .entityType), ("entityId", .entityID), ("sessionId", .sessionID),
    ])

    /// Feed's `/api/track`. Who acts stands in headers.
    static let feed = FieldMap(
        [
            ("post_id", .entityID), ("interaction_type", .type), ("metadata", .metadata), ("id", .id),
            ("session_id", .sessionID), ("occurred_at", .occurredAt),
        ],
        called: FieldNames(
            type: "interaction_type", entityID: "post_id", userID: "X-User-Id", anonymousID: "X-Anonymous-Id",
            actors: "the headers X-User-Id and X-Anonymous-Id and \"session_id\""),
        entityType: "post")

    /// What Shop's events are rewritten to: the canonical shape, by its own names.
    static let shop = canonical.called(
        FieldNames(
            type: "interaction_type", entityID: "product_id", userID: "customer_id",
            anonymousID: "browser_session_id", listID: "metadata.list_id",
            actors: "\"customer_id\", \"browser_session_id\" and \"session_id\""))

    /// What Ranking's clicks are rewritten to.
    static let click = canonical.called(FieldNames(entityID: "product_id", listID: "search_id"))

    private func called(_ names: FieldNames) -> FieldMap {
        FieldMap(self.names, targets, called: names, entityType: entityType)
    }

    /// Sorts the members of an item into fields.
    func read(_ item: JSONView, into fields: inout ItemFields) throws(DropReason) {
        guard item.kind == .object else { throw .notAnObject }
        if item.containsDuplicateKey { throw .duplicateKey }
        if item.containsNUL { throw .nulCharacter }
        if item.containsNumberOverflow { throw .numberOverflow }
        for (key, value) in item.members {
            guard let number = names.find(key) else {
                throw .unknownField(String(decoding: key, as: UTF8.self))
            }
            if value.isNull { continue }
            if !fields.set(targets[number], value) { throw .secondName }
        }
    }
}
