internal import JSON

extension SchemaCompiler {
    /// Compiles a keyword that constrains the value itself; answers whether it was one.
    mutating func assertion(_ keyword: String, _ value: JSONView) throws(SchemaError) -> Bool {
        switch keyword {
        case "type": node.types = try types(value)
        case "enum":
            guard value.kind == .array else { throw invalid(keyword, "must be an array") }
            node.hasEnumeration = true
            node.enumeration = TableRange(start: Int32(tables.values.count), count: Int32(value.count))
            tables.values.append(contentsOf: value.elements)
        case "const":
            node.const = Int32(tables.values.count)
            tables.values.append(value)
        case "minimum": node.minimum = try number(keyword, value)
        case "maximum": node.maximum = try number(keyword, value)
        case "exclusiveMinimum": node.exclusiveMinimum = try number(keyword, value)
        case "exclusiveMaximum": node.exclusiveMaximum = try number(keyword, value)
        case "multipleOf":
            node.multipleOf = try number(keyword, value)
            guard let decimal = JSONDecimal(value), !decimal.isZero, !decimal.isNegative else {
                throw invalid(keyword, "must be above 0")
            }
            guard decimal.digitCount <= DecimalMultiple.maximumDigits else {
                throw error("unsupported_number", keyword, "“multipleOf” has too many digits to be checked exactly.")
            }
        case "minLength": node.minLength = try count(keyword, value)
        case "maxLength": node.maxLength = try count(keyword, value)
        case "pattern":
            guard let text = value.stringValue else { throw invalid(keyword, "must be a string") }
            node.pattern = try pattern(text, at: Self.append(keyword, to: path))
        case "format":
            guard let text = value.stringValue else { throw invalid(keyword, "must be a string") }
            guard let format = Format(name: text) else {
                throw error("unsupported_format", keyword, "The format “\(text)” is not supported.")
            }
            node.format = format
        case "minItems": node.minItems = try count(keyword, value)
        case "maxItems": node.maxItems = try count(keyword, value)
        case "minContains": node.minContains = try count(keyword, value)
        case "maxContains": node.maxContains = try count(keyword, value)
        case "uniqueItems":
            guard let unique = value.bool else { throw invalid(keyword, "must be a boolean") }
            node.hasUniqueItems = unique
        case "minProperties": node.minProperties = try count(keyword, value)
        case "maxProperties": node.maxProperties = try count(keyword, value)
        case "required":
            // The keys are entered together with those of `properties`.
            _ = try names(keyword, value)
        case "dependentRequired": try dependentRequired(value)
        default: return false
        }
        return true
    }

    private func types(_ value: JSONView) throws(SchemaError) -> TypeSet {
        let named = { (view: JSONView) in TypeSet.names.first { $0.name == view.stringValue }?.type }
        if value.kind == .array {
            guard value.count > 0 else { throw invalid("type", "must not be an empty array") }
            var types: TypeSet = []
            for element in value.elements {
                guard let type = named(element) else { throw invalid("type", Self.typeRule) }
                types.insert(type)
            }
            return types
        }
        guard let type = named(value) else { throw invalid("type", Self.typeRule) }
        return type
    }

    private static let typeRule =
        "must be null, boolean, number, integer, string, array or object, or an array of those names"

    private mutating func number(_ keyword: String, _ value: JSONView) throws(SchemaError) -> Int32 {
        guard value.isNumber else { throw invalid(keyword, "must be a number") }
        tables.numbers.append(NumberConstant(value))
        return Int32(tables.numbers.count - 1)
    }

    /// A non-negative integer, by value; one beyond `Int` is as good as endless.
    private func count(_ keyword: String, _ value: JSONView) throws(SchemaError) -> Int {
        guard value.isInteger, let decimal = JSONDecimal(value), !decimal.isNegative else {
            throw invalid(keyword, "must be an integer of at least 0")
        }
        return value.int64.map { Int($0) } ?? .max
    }

    /// An array of strings without repetition.
    func names(_ keyword: String, _ value: JSONView) throws(SchemaError) -> [JSONView] {
        guard value.kind == .array else { throw invalid(keyword, "must be an array of strings") }
        var seen: Set<[UInt8]> = []
        var names: [JSONView] = []
        for element in value.elements {
            guard let text = element.string else { throw invalid(keyword, "must be an array of strings") }
            guard seen.insert(Array(text)).inserted else { throw invalid(keyword, "must not name a key twice") }
            names.append(element)
        }
        return names
    }

    private mutating func dependentRequired(_ value: JSONView) throws(SchemaError) {
        guard value.kind == .object else { throw invalid("dependentRequired", "must be an object") }
        let start = tables.dependencies.count
        for (key, required) in value.members {
            for name in try names("dependentRequired", required) {
                tables.dependencies.append(Dependency(key: key, required: name.textUnchecked))
            }
        }
        node.dependentRequired = TableRange(start: Int32(start), count: Int32(tables.dependencies.count - start))
    }
}
