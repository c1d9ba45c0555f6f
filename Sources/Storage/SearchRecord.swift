internal import Domain
public import JSON

/// A search as the log keeps it: who searched for what, and what the page showed.
public struct SearchRecord: Sendable, Equatable {
    /// Stands in daily totals for the type of an interaction: how often searches have shown an entity. No plan can have a
    /// type of this name.
    public static let countedType = "(search)"

    /// The search's id.
    public var id: String
    /// The user, when known.
    public var userID: String?
    /// The visitor, when known.
    public var anonymousID: String?
    /// The session, when named.
    public var sessionID: String?
    /// The query as it was sent.
    public var query: String
    /// The filters as they were sent: JSON text of an object.
    public var filters: JSONValue?
    /// Type of the entities that were searched.
    public var entityType: String
    /// How many were found, as the answer says.
    public var total: Int64
    /// Ids of the page, best first, each once.
    public var productIDs: [String]

    /// A search for entities of a type.
    public init(id: String, query: String, entityType: String, total: Int64, productIDs: [String]) {
        self.id = id
        self.query = query
        self.entityType = entityType
        self.total = total
        self.productIDs = productIDs
    }

    /// Reads a record's body; `nil` when it is none.
    public init?(_ body: [UInt8]) {
        guard let document = try? JSONValue(parsing: body), let id = document["search_id"]?.stringValue,
            let query = document["query"]?.stringValue, let type = document["entity_type"]?.stringValue,
            let total = document["total"]?.integerValue, let ids = document["product_ids"]?.arrayValue
        else { return nil }
        self.init(id: id, query: query, entityType: type, total: total, productIDs: ids.compactMap(\.stringValue))
        userID = document["user_id"]?.stringValue
        anonymousID = document["anonymous_id"]?.stringValue
        sessionID = document["session_id"]?.stringValue
        filters = document["filters"]
    }

    /// The record's body.
    public var document: JSONValue {
        var object: JSONObject = ["search_id": .string(id), "query": .string(query)]
        if let userID { object["user_id"] = .string(userID) }
        if let anonymousID { object["anonymous_id"] = .string(anonymousID) }
        if let sessionID { object["session_id"] = .string(sessionID) }
        if let filters { object["filters"] = filters }
        object["entity_type"] = .string(entityType)
        object["total"] = .integer(total)
        object["product_ids"] = .array(productIDs.map { .string($0) })
        return .object(object)
    }
}
