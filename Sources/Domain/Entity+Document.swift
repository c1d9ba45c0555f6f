public import JSON

extension Entity {
    /// Reads an entity from its document. With `defaults`, fields that the document leaves out keep their value there (a
    /// patch); a field that is null is cleared.
    public init(
        document: JSONValue, path: String = "", type: String? = nil, id: String? = nil,
        patching defaults: Entity? = nil,
        maximumIDBytes: Int = 256
    ) throws(FootfallError) {
        var reader = try DocumentReader(document, path: path, code: "invalid_entity")
        func wrong(_ field: String, _ sentence: String) -> FootfallError {
            FootfallError("invalid_entity", sentence, path: "\(path)/\(field)")
        }
        let ownType = try reader.string("type")
        guard let type = type ?? ownType, !type.isEmpty, ownType ?? type == type else {
            throw wrong("type", "An entity needs a \"type\", the same as in the path if there is one.")
        }
        let ownID = try Entity.id(reader.value("id"), path: path)
        guard let id = id ?? ownID, ownID ?? id == id else {
            throw wrong("id", "An entity needs an \"id\", the same as in the path if there is one.")
        }
        guard (1...maximumIDBytes).contains(id.utf8.count), !id.utf8.contains(0) else {
            throw wrong("id", "An id has 1 to \(maximumIDBytes) bytes and no U+0000.")
        }
        var entity = defaults ?? Entity(type: type, id: id)
        func text(_ field: String, _ current: String?, longest: Int) throws(FootfallError) -> String? {
            let value = try reader.optionalString(field, default: current)
            if let value, value.utf8.count > longest || value.utf8.contains(0) {
                throw wrong(field, "\"\(field)\" has at most \(longest) bytes and no U+0000.")
            }
            return value
        }
        entity.title = try text("title", entity.title, longest: 1024)
        entity.description = try text("description", entity.description, longest: 65_536)
        entity.brand = try text("brand", entity.brand, longest: 256)
        entity.currency = try text("currency", entity.currency, longest: 3)
        if let currency = entity.currency,
            !(currency.utf8.count == 3 && currency.utf8.allSatisfy { (65...90).contains($0) })
        {
            throw wrong("currency", "\"currency\" is a code of three capital letters, such as EUR.")
        }
        if reader.has("price") { entity.price = try Entity.price(reader.value("price"), path: "\(path)/price") }
        func list(_ field: String, _ current: [String]) throws(FootfallError) -> [String] {
            guard let values = try reader.strings(field) else { return current }
            var seen: Set<String> = []
            let unique = values.filter { seen.insert($0).inserted }
            guard unique.count <= 64,
                unique.allSatisfy({ (1...256).contains($0.utf8.count) && !$0.utf8.contains(0) })
            else { throw wrong(field, "\"\(field)\" has at most 64 texts of 1 to 256 bytes.") }
            return unique
        }
        entity.categories = try list("categories", entity.categories)
        entity.labels = try list("labels", entity.labels)
        if let inventory = try reader.optionalInteger("inventory", in: 0...1_000_000_000_000) {
            entity.inventory = inventory
        }
        if reader.has("published_at") {
            let text = try reader.optionalString("published_at", default: nil)
            if let text {
                guard let moment = Timestamp(rfc3339: text) else {
                    throw wrong("published_at", "\"published_at\" is an RFC 3339 time, such as 2026-01-31T12:00:00Z.")
                }
                entity.publishedAt = moment
            } else {
                entity.publishedAt = nil
            }
        }
        entity.isHidden = try reader.bool("hidden") ?? entity.isHidden
        switch reader.value("attributes") {
        case nil: break
        case .null: entity.attributes = "{}"
        case .object(let attributes):
            let text = JSONValue.object(attributes).text
            guard text.utf8.count <= 65_536 else {
                throw wrong("attributes", "\"attributes\" has at most 65536 bytes of JSON.")
            }
            entity.attributes = text
        default: throw wrong("attributes", "\"attributes\" must be an object.")
        }
        entity.isDeleted = try reader.bool("deleted") ?? false
        try reader.refuseRest()
        entity.isPlaceholder = false
        self = entity
    }

    private static func id(_ value: JSONValue?, path: String) throws(FootfallError) -> String? {
        switch value {
        case nil: nil
        case .string(let text): text
        case .integer(let number): String(number)
        case .number(let digits) where UInt64(digits) != nil: digits
        default: throw FootfallError("invalid_entity", "\"id\" must be a text or a whole number.", path: "\(path)/id")
        }
    }

    private static func price(_ value: JSONValue?, path: String) throws(FootfallError) -> String? {
        let text: String
        switch value {
        case nil, .null: return nil
        case .string(let decimal): text = decimal
        case .integer(let number): text = String(number)
        case .double(let number): text = "\(number)"
        // As it was written, so that 12.50 stays so; an exponent is no price tag.
        case .number(let written):
            text = written.utf8.contains(where: { $0 | 32 == 101 }) ? "\(value?.doubleValue ?? -1)" : written
        default: text = ""
        }
        let parts = text.split(separator: ".", omittingEmptySubsequences: false)
        guard (1...2).contains(parts.count),
            parts.allSatisfy({ !$0.isEmpty && $0.utf8.allSatisfy { (48...57).contains($0) } }),
            parts[0].utf8.count <= 15, parts.count == 1 || parts[1].utf8.count <= 6
        else {
            throw FootfallError(
                "invalid_entity", "\"price\" is a decimal number of at least 0 such as \"12.50\".", path: path)
        }
        return text
    }

    /// The entity as a document; empty fields are left out.
    public var document: JSONValue {
        var object: JSONObject = ["type": .string(type), "id": .string(id)]
        if let title { object["title"] = .string(title) }
        if let description { object["description"] = .string(description) }
        if !categories.isEmpty { object["categories"] = .array(categories.map { .string($0) }) }
        if let brand { object["brand"] = .string(brand) }
        if let price { object["price"] = .string(price) }
        if let currency { object["currency"] = .string(currency) }
        if let inventory { object["inventory"] = .integer(inventory) }
        if let publishedAt { object["published_at"] = .string(publishedAt.rfc3339) }
        if isHidden { object["hidden"] = .bool(true) }
        if !labels.isEmpty { object["labels"] = .array(labels.map { .string($0) }) }
        if attributes != "{}", let value = try? JSONValue(parsing: attributes) { object["attributes"] = value }
        if isDeleted { object["deleted"] = .bool(true) }
        return .object(object)
    }
}
