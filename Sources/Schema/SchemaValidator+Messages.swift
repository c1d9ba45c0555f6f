internal import JSON

extension SchemaValidator {
    /// The violation that the check found.
    func violation(called root: String) -> SchemaViolation {
        guard !isExhausted, let failure else {
            return SchemaViolation(
                instancePath: "", keyword: "limit", schemaPath: "",
                message: "\(root) takes too many steps to be checked against its schema.")
        }
        var pointer = ""
        var name = root
        for step in failure.path.reversed() {
            switch step {
            case .key(let key):
                let text = String(decoding: key, as: UTF8.self)
                pointer = SchemaCompiler.append(text, to: pointer)
                name = Self.append(text, to: name)
            case .index(let index):
                pointer += "/\(index)"
                name += "[\(index)]"
            }
        }
        let node = nodes[Int(failure.node)]
        let keyword = failure.keyword.description
        let path = program.paths[Int(node.path)]
        return SchemaViolation(
            instancePath: pointer, keyword: keyword,
            schemaPath: keyword == "false" ? path : SchemaCompiler.append(keyword, to: path),
            message: message(failure, node, name) + ".")
    }

    private static func append(_ key: String, to name: String) -> String {
        let isPlain =
            !key.isEmpty && key.utf8.allSatisfy { TextScanner.isLetter($0) || TextScanner.isDigit($0) || $0 == 0x5F }
        return isPlain ? "\(name).\(key)" : "\(name)[\(JSONValue.string(shortened(key)).text)]"
    }

    private func message(_ failure: Failure, _ node: SchemaNode, _ name: String) -> String {
        switch failure.keyword.description {
        case "type": "\(name) must be \(Self.list(of: node.types))"
        case "const": "\(name) must be \(text(ofValue: Int(node.const)))"
        case "enum": "\(name) must be \(allowedValues(node))"
        case "minimum": "\(name) must be at least \(text(ofNumber: node.minimum))"
        case "maximum": "\(name) must be at most \(text(ofNumber: node.maximum))"
        case "exclusiveMinimum": "\(name) must be greater than \(text(ofNumber: node.exclusiveMinimum))"
        case "exclusiveMaximum": "\(name) must be less than \(text(ofNumber: node.exclusiveMaximum))"
        case "multipleOf": "\(name) must be a multiple of \(text(ofNumber: node.multipleOf))"
        case "minLength": "\(name) must have at least \(Self.number(node.minLength, "character"))"
        case "maxLength": "\(name) must have at most \(Self.number(node.maxLength, "character"))"
        case "pattern": "\(name) must match the pattern \(program.patterns[Int(node.pattern)].source)"
        case "format": "\(name) must be \(node.format.description)"
        case "minItems": "\(name) must have at least \(Self.number(node.minItems, "element"))"
        case "maxItems": "\(name) must have at most \(Self.number(node.maxItems, "element"))"
        case "contains": "\(name) must have an element that fits the schema under “contains”"
        case "minContains":
            "\(name) must have at least \(Self.number(node.minContains, "element")) that fit the schema under “contains”"
        case "maxContains":
            "\(name) must have at most \(Self.number(node.maxContains, "element")) that fit the schema under “contains”"
        case "minProperties": "\(name) must have at least \(Self.number(node.minProperties, "field"))"
        case "maxProperties": "\(name) must have at most \(Self.number(node.maxProperties, "field"))"
        case "anyOf": "\(name) must fit one of the \(node.anyOf.count) schemas under “anyOf”"
        case "not": "\(name) must not fit the schema under “not”"
        case "additionalProperties", "false": "\(name) is not allowed"
        default: detailedMessage(failure, node, name)
        }
    }

    private func detailedMessage(_ failure: Failure, _ node: SchemaNode, _ name: String) -> String {
        switch (failure.keyword.description, failure.detail) {
        case ("required", .key(let key)):
            "\(Self.append(String(decoding: key, as: UTF8.self), to: name)) is missing"
        case ("dependentRequired", .dependency(let key, let missing)):
            "\(Self.append(String(decoding: missing, as: UTF8.self), to: name)) is missing, which "
                + "\(Self.append(String(decoding: key, as: UTF8.self), to: name)) requires"
        case ("propertyNames", .key(let key)):
            "\(name) must not have a field named \(JSONValue.string(Self.shortened(String(decoding: key, as: UTF8.self))).text)"
        case ("uniqueItems", .positions(let first, let second)):
            "\(name) must not repeat elements, but \(name)[\(first)] and \(name)[\(second)] are equal"
        case ("oneOf", .count(let fitting)):
            "\(name) must fit exactly one of the \(node.oneOf.count) schemas under “oneOf”, but fits \(fitting == 0 ? "none" : "\(fitting)")"
        default: "\(name) does not fit its schema"
        }
    }

    private static func number(_ count: Int, _ noun: String) -> String {
        "\(count) \(noun)\(count == 1 ? "" : "s")"
    }

    private static func list(of types: TypeSet) -> String {
        let names = TypeSet.names.filter { types.contains($0.type) }.map { entry in
            switch entry.name {
            case "null": "null"
            case "integer", "array", "object": "an \(entry.name)"
            default: "a \(entry.name)"
            }
        }
        return alternatives(names)
    }

    private static func alternatives(_ names: [String]) -> String {
        guard let last = names.last, names.count > 1 else { return names.first ?? "nothing" }
        return names.dropLast().joined(separator: ", ") + " or " + last
    }

    private func allowedValues(_ node: SchemaNode) -> String {
        let most = 12
        let texts = node.enumeration.indices.prefix(most).map { text(ofValue: $0) }
        if texts.isEmpty { return "left out: no value is allowed" }
        guard node.enumeration.indices.count > most else {
            return (texts.count > 1 ? "one of " : "") + Self.alternatives(texts)
        }
        return "one of " + texts.joined(separator: ", ") + " and \(node.enumeration.indices.count - most) more"
    }

    private func text(ofValue index: Int) -> String {
        Self.shortened(String(decoding: program.values[index].raw, as: UTF8.self))
    }

    private func text(ofNumber index: Int32) -> String {
        Self.shortened(String(decoding: program.numbers[Int(index)].view.raw, as: UTF8.self))
    }

    /// Texts from the schema or the value are cut, so that a message stays readable.
    private static func shortened(_ text: String) -> String {
        text.utf8.count > 80 ? text.shortened(toBytes: 80) + "…" : text
    }
}
