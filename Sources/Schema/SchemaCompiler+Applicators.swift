internal import JSON

extension SchemaCompiler {
    /// Compiles a keyword that holds schemas; answers whether it was one.
    mutating func applicator(_ keyword: String, _ value: JSONView, in schema: JSONView) throws(SchemaError) -> Bool {
        switch keyword {
        case "properties":
            // The keys are entered together with those of `required`.
            guard value.kind == .object else { throw invalid(keyword, "must be an object") }
        case "patternProperties": try patternProperties(value)
        case "additionalProperties": node.additionalProperties = try child(keyword, value)
        case "propertyNames": node.propertyNames = try child(keyword, value)
        case "items":
            guard value.kind != .array else {
                throw invalid(keyword, "must be a schema; a list of schemas belongs under “prefixItems”")
            }
            node.items = try child(keyword, value)
        case "prefixItems": node.prefixItems = try list(keyword, value)
        case "contains": node.contains = try child(keyword, value)
        case "allOf": node.allOf = try list(keyword, value)
        case "anyOf": node.anyOf = try list(keyword, value)
        case "oneOf": node.oneOf = try list(keyword, value)
        case "not": node.not = try child(keyword, value)
        case "if": node.if = try child(keyword, value)
        case "then": node.then = try child(keyword, value)
        case "else": node.else = try child(keyword, value)
        case "$ref": node.reference = try reference(value)
        case "$defs", "definitions":
            guard value.kind == .object else { throw invalid(keyword, "must be an object") }
            // What nothing refers to changes no verdict; a plan's author wants to hear of its faults all the same.
            guard strict else { return true }
            for (name, definition) in value.members {
                let step = Self.append(String(decoding: name, as: UTF8.self), to: Self.append(keyword, to: path))
                _ = try request(definition, path: step)
            }
        default: return false
        }
        return true
    }

    private mutating func child(_ keyword: String, _ value: JSONView) throws(SchemaError) -> SchemaIndex {
        try request(value, path: Self.append(keyword, to: path))
    }

    private mutating func list(_ keyword: String, _ value: JSONView) throws(SchemaError) -> TableRange {
        guard value.kind == .array, value.count > 0 else { throw invalid(keyword, "must be an array of schemas") }
        let base = Self.append(keyword, to: path)
        var indexes: [SchemaIndex] = []
        for (position, element) in value.elements.enumerated() {
            indexes.append(try request(element, path: "\(base)/\(position)"))
        }
        let range = TableRange(start: Int32(tables.children.count), count: Int32(indexes.count))
        tables.children.append(contentsOf: indexes)
        return range
    }

    private mutating func patternProperties(_ value: JSONView) throws(SchemaError) {
        guard value.kind == .object else { throw invalid("patternProperties", "must be an object") }
        let base = Self.append("patternProperties", to: path)
        var entries: [PatternProperty] = []
        for (key, schema) in value.members {
            let source = String(decoding: key, as: UTF8.self)
            let step = Self.append(source, to: base)
            entries.append(
                PatternProperty(pattern: try pattern(source, at: step), schema: try request(schema, path: step)))
        }
        node.patternProperties = TableRange(start: Int32(tables.patternProperties.count), count: Int32(entries.count))
        tables.patternProperties.append(contentsOf: entries)
    }

    /// Enters the keys of `properties` and `required` into one hash table, so that a member is looked up once.
    mutating func finishKeys(_ schema: JSONView) throws(SchemaError) {
        var entries: [KeyEntry] = []
        var positions: [[UInt8]: Int] = [:]
        if let properties = schema.member("properties") {
            let base = Self.append("properties", to: path)
            for (key, value) in properties.members {
                let step = Self.append(String(decoding: key, as: UTF8.self), to: base)
                positions[Array(key)] = entries.count
                let index = try request(value, path: step)
                entries.append(KeyEntry(text: key, hash: hashKey(key), schema: index, requiredBit: -1))
            }
        }
        var bits: Int8 = 0
        let firstMore = tables.moreRequired.count
        if let required = schema.member("required") {
            for name in try names("required", required) {
                let text = name.textUnchecked
                guard bits < 64 else {
                    tables.moreRequired.append(text)
                    continue
                }
                if let position = positions[Array(text)] {
                    entries[position].requiredBit = bits
                } else {
                    entries.append(KeyEntry(text: text, hash: hashKey(text), schema: .none, requiredBit: bits))
                }
                node.required |= 1 << UInt64(bits)
                bits += 1
            }
        }
        node.moreRequired = TableRange(
            start: Int32(firstMore), count: Int32(tables.moreRequired.count - firstMore))
        node.keys = TableRange(start: Int32(tables.keys.count), count: Int32(entries.count))
        guard !entries.isEmpty else { return }
        enterSlots(entries)
        tables.keys.append(contentsOf: entries)
    }

    private mutating func enterSlots(_ entries: [KeyEntry]) {
        var capacity = 4
        while capacity < entries.count * 2 { capacity *= 2 }
        var slots = [Int32](repeating: -1, count: capacity)
        for (position, entry) in entries.enumerated() {
            var slot = Int(truncatingIfNeeded: entry.hash) & (capacity - 1)
            while slots[slot] >= 0 { slot = (slot + 1) & (capacity - 1) }
            slots[slot] = Int32(tables.keys.count + position)
        }
        node.keySlots = TableRange(start: Int32(tables.keySlots.count), count: Int32(capacity))
        tables.keySlots.append(contentsOf: slots)
    }
}
