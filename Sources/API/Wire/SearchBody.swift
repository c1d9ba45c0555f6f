internal import Domain
internal import JSON
internal import Search
internal import Storage

/// The body of a search.
struct SearchBody {
    var query: String
    var limit = 20
    var filters: SearchFilters
    /// The filters as they were sent.
    var filterDocument: JSONValue?
    var userID: String?
    var anonymousID: String?
    var sessionID: String?

    init(_ document: JSONValue, _ tenant: TenantService) throws(Problem) {
        guard let object = document.objectValue else {
            throw Problem(400, "invalid_body", "The body must be a JSON object with a \"query\".")
        }
        let known: Set<String> = ["query", "limit", "filters", "user_id", "anonymous_id", "session_id"]
        try SearchBody.refuse(object, except: known, path: "")
        guard let sent = object["query"], !sent.isNull else {
            throw Problem(400, "missing_query", "\"query\" is required, as a text.", path: "/query")
        }
        guard let text = sent.stringValue else {
            throw Problem(400, "invalid_query", "\"query\" must be a text.", path: "/query")
        }
        guard text.utf8.count <= SearchIndex.maximumQueryBytes else {
            throw Problem(
                400, "query_too_long", "\"query\" may have at most \(SearchIndex.maximumQueryBytes) bytes.",
                path: "/query")
        }
        query = text
        if let sent = object["limit"], !sent.isNull {
            guard let number = sent.integerValue, (1...100).contains(number) else {
                throw Problem(
                    400, "invalid_limit", "\"limit\" must be a whole number between 1 and 100.", path: "/limit")
            }
            limit = Int(number)
        }
        let longest = tenant.limits.maximumIDBytes
        userID = try SearchBody.id(object["user_id"], "user_id", longest)
        anonymousID = try SearchBody.id(object["anonymous_id"], "anonymous_id", longest)
        sessionID = try SearchBody.id(object["session_id"], "session_id", longest)
        filters = SearchFilters(entityType: "product")
        if let sent = object["filters"], !sent.isNull {
            guard let own = sent.objectValue else {
                throw Problem(400, "invalid_filters", "\"filters\" must be an object.", path: "/filters")
            }
            try read(own)
            filterDocument = sent
        }
        guard tenant.plan.entityType(named: filters.entityType) != nil else {
            throw Problem(
                400, "unknown_entity_type",
                "The tracking plan has no entity type \"\(filters.entityType.prefix(64))\".",
                path: "/filters/entity_type")
        }
    }

    private mutating func read(_ object: JSONObject) throws(Problem) {
        let known: Set<String> = ["category", "price_min", "price_max", "currency", "in_stock", "entity_type"]
        try SearchBody.refuse(object, except: known, path: "/filters")
        if let type = try SearchBody.text(object["entity_type"], "entity_type") { filters.entityType = type }
        filters.category = try SearchBody.text(object["category"], "category")
        filters.currency = try SearchBody.text(object["currency"], "currency")
        filters.priceMinimum = try SearchBody.price(object["price_min"], "price_min")
        filters.priceMaximum = try SearchBody.price(object["price_max"], "price_max")
        if let minimum = filters.priceMinimum, let maximum = filters.priceMaximum, minimum > maximum {
            throw Problem(
                400, "contradictory_filters", "\"price_min\" is above \"price_max\".", path: "/filters/price_min")
        }
        switch object["in_stock"] {
        case nil, .null: break
        case .bool(let isInStock): filters.isInStock = isInStock
        default: throw SearchBody.wrong("in_stock", "true or false")
        }
    }

    private static func wrong(_ name: String, _ what: String) -> Problem {
        Problem(400, "invalid_filters", "\"\(name)\" must be \(what).", path: "/filters/\(name)")
    }

    private static func text(_ value: JSONValue?, _ name: String) throws(Problem) -> String? {
        switch value {
        case nil, .null: return nil
        case .string(let text) where (1...256).contains(text.utf8.count): return text
        default: throw wrong(name, "a text of 1 to 256 bytes")
        }
    }

    private static func price(_ value: JSONValue?, _ name: String) throws(Problem) -> Double? {
        let price: Double?
        switch value {
        case nil, .null: return nil
        case .string(let text):
            let isDecimal = text.utf8.count <= 32 && text.utf8.allSatisfy { (48...57).contains($0) || $0 == 46 }
            price = isDecimal ? Double(text) : nil
        case .integer, .double, .number: price = value?.doubleValue
        default: price = nil
        }
        guard let price, price.isFinite, price >= 0 else {
            throw wrong(name, "a number of at least 0, such as \"12.50\"")
        }
        return price
    }

    private static func id(_ value: JSONValue?, _ name: String, _ longest: Int) throws(Problem) -> String? {
        let text: String
        switch value {
        case nil, .null: return nil
        case .string(let own): text = own
        case .integer(let number): text = String(number)
        default: text = ""
        }
        guard (1...longest).contains(text.utf8.count) else {
            throw Problem(
                400, "invalid_\(name)", "\"\(name)\" must be a text of 1 to \(longest) bytes or a whole number.",
                path: "/\(name)")
        }
        return text
    }

    private static func refuse(_ object: JSONObject, except known: Set<String>, path: String) throws(Problem) {
        for name in object.keys where !known.contains(name) {
            let short = String(name.prefix(64))
            throw Problem(400, "unknown_field", "There is no field \"\(short)\" here.", path: "\(path)/\(short)")
        }
    }
}
