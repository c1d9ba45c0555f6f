internal import JSON

/// Turns a schema document into a program's tables.
///
/// Subschemas wait in a queue instead of being compiled recursively, so that no document exhausts the stack.
struct SchemaCompiler {
    /// A subschema that has an index and awaits its turn.
    private struct Pending {
        var index: SchemaIndex
        var view: JSONView
        var path: String
        /// The resource that `#` means here: the nearest schema around with an `$id`.
        var resource: JSONView
        var resourcePath: String
    }

    /// References are looked up linearly, so the size is bounded.
    static let maximumSchemas = 10_000

    let root: JSONView
    let strict: Bool
    var tables = SchemaTables()
    private var indexes: [Int: SchemaIndex] = [:]  // by offset in the document
    private var queue: [Pending] = []
    private var patternIndexes: [String: Int32] = [:]

    /// The subschema being compiled.
    var node = SchemaNode()
    var path = ""
    var resource: JSONView
    var resourcePath = ""

    init(root: JSONView, strict: Bool) {
        self.root = root
        self.strict = strict
        resource = root
    }

    /// Compiles the whole document and answers with the root's index.
    mutating func compile() throws(SchemaError) -> SchemaIndex {
        guard !root.containsDuplicateKey else {
            throw SchemaError(
                code: "invalid_schema", path: "", message: "The schema has an object with two equal keys.")
        }
        let rootIndex = try request(root, path: "")
        var done = 0
        while done < queue.count {
            let pending = queue[done]
            done += 1
            try compile(pending)
        }
        try checkApplicationDepth()
        return rootIndex
    }

    /// The index of a subschema, which is compiled later if it has not been.
    mutating func request(_ view: JSONView, path: String) throws(SchemaError) -> SchemaIndex {
        guard view.kind == .object || view.kind == .bool else {
            throw SchemaError(code: "invalid_schema", path: path, message: "A schema must be an object or a boolean.")
        }
        if let known = indexes[view.offset] { return known }
        guard tables.nodes.count < Self.maximumSchemas else {
            throw SchemaError(
                code: "schema_too_large", path: path,
                message: "The schema has more than \(Self.maximumSchemas) subschemas.")
        }
        let index = SchemaIndex(tables.nodes.count)
        indexes[view.offset] = index
        tables.nodes.append(SchemaNode())
        queue.append(Pending(index: index, view: view, path: path, resource: resource, resourcePath: resourcePath))
        return index
    }

    private mutating func compile(_ pending: Pending) throws(SchemaError) {
        node = SchemaNode()
        node.path = Int32(tables.paths.count)
        tables.paths.append(pending.path)
        path = pending.path
        resource = pending.resource
        resourcePath = pending.resourcePath
        if let allows = pending.view.bool {
            node.constant = allows ? .allowsAll : .allowsNothing
        } else {
            try compileObject(pending.view)
        }
        tables.nodes[Int(pending.index)] = node
    }

    private mutating func compileObject(_ schema: JSONView) throws(SchemaError) {
        try identifier(schema)
        for (key, value) in schema.members {
            let keyword = String(decoding: key, as: UTF8.self)
            if try assertion(keyword, value) { continue }
            if try applicator(keyword, value, in: schema) { continue }
            try otherKeyword(keyword, value)
        }
        try finishKeys(schema)
        if node.if == .none || (node.then == .none && node.else == .none) {
            node.if = .none
            node.then = .none
            node.else = .none
        }
        noteGroups()
    }

    /// `$id` and `$schema`, which change what the rest of the subschema means.
    private mutating func identifier(_ schema: JSONView) throws(SchemaError) {
        if let id = schema.member("$id") {
            guard let text = id.stringValue else { throw invalid("$id", "must be a string") }
            let fragment = text.firstIndex(of: "#")
            guard fragment == nil || fragment == text.index(before: text.endIndex) else {
                throw error("unsupported_keyword", "$id", "An “$id” with a fragment is not supported.")
            }
            // Empty, it names the resource around anew, and what `#` means here becomes a matter of opinion.
            guard path.isEmpty || !(text.isEmpty || text == "#") else {
                throw error("unsupported_keyword", "$id", "An empty “$id” is not supported within a schema.")
            }
            resource = schema
            resourcePath = path
        }
        if let dialect = schema.member("$schema") {
            let known = [
                "https://json-schema.org/draft/2020-12/schema", "https://json-schema.org/draft/2020-12/schema#",
            ]
            guard let text = dialect.stringValue, known.contains(text) else {
                throw error("unsupported_dialect", "$schema", "Only JSON Schema draft 2020-12 is supported.")
            }
        }
    }

    private func otherKeyword(_ keyword: String, _ value: JSONView) throws(SchemaError) {
        if Self.annotations.contains(keyword) || keyword.hasPrefix("x-") { return }
        if let advice = Self.unsupported[keyword] {
            throw error("unsupported_keyword", keyword, "The keyword “\(keyword)” is not supported\(advice).")
        }
        if strict { throw error("unknown_keyword", keyword, "There is no keyword “\(keyword)”.") }
    }

    private static let annotations: Set<String> = [
        "$id", "$schema", "$comment", "title", "description", "default", "deprecated", "readOnly", "writeOnly",
        "examples", "contentEncoding", "contentMediaType", "contentSchema",
    ]

    /// Keywords of this draft or earlier ones that change a verdict somewhere, with what to use instead.
    private static let unsupported: [String: String] = [
        "unevaluatedProperties": "; use additionalProperties", "unevaluatedItems": "; use items",
        "dependentSchemas": "; use if and then", "$anchor": "; refer with a JSON pointer",
        "$dynamicRef": "; use $ref", "$dynamicAnchor": "", "$recursiveRef": "; use $ref", "$recursiveAnchor": "",
        "$vocabulary": "", "dependencies": "; use dependentRequired", "additionalItems": "; use items and prefixItems",
        "extends": "; use allOf", "disallow": "; use not", "divisibleBy": "; use multipleOf",
    ]

    private mutating func noteGroups() {
        let anyBound = [node.minimum, node.maximum, node.exclusiveMinimum, node.exclusiveMaximum, node.multipleOf]
            .contains { $0 >= 0 }
        if anyBound { node.groups.insert(.numbers) }
        if node.minLength > 0 || node.maxLength < .max || node.pattern >= 0 || node.format != .none {
            node.groups.insert(.strings)
        }
        if node.minItems > 0 || node.maxItems < .max || !node.prefixItems.isEmpty || node.items != .none
            || node.contains != .none || node.hasUniqueItems
        {
            node.groups.insert(.arrays)
        }
        if node.minProperties > 0 || node.maxProperties < .max || !node.keys.isEmpty || !node.moreRequired.isEmpty
            || !node.patternProperties.isEmpty || node.additionalProperties != .none || node.propertyNames != .none
            || !node.dependentRequired.isEmpty
        {
            node.groups.insert(.objects)
        }
        if node.hasEnumeration || node.const >= 0 { node.groups.insert(.values) }
        let lists = [node.allOf, node.anyOf, node.oneOf].contains { !$0.isEmpty }
        if lists || node.not != .none || node.if != .none || node.reference != .none {
            node.groups.insert(.applicators)
        }
    }

    /// The index of a compiled pattern.
    mutating func pattern(_ source: String, at path: String) throws(SchemaError) -> Int32 {
        if let known = patternIndexes[source] { return known }
        do throws(PatternError) {
            let index = Int32(tables.patterns.count)
            tables.patterns.append(try Pattern(source))
            patternIndexes[source] = index
            return index
        } catch {
            switch error {
            case .invalid(let message): throw SchemaError(code: "invalid_pattern", path: path, message: message)
            case .unsupported(let message): throw SchemaError(code: "unsupported_pattern", path: path, message: message)
            }
        }
    }

    func error(_ code: String, _ keyword: String, _ message: String) -> SchemaError {
        SchemaError(code: code, path: Self.append(keyword, to: path), message: message)
    }

    func invalid(_ keyword: String, _ rule: String) -> SchemaError {
        error("invalid_keyword", keyword, "“\(keyword)” \(rule).")
    }

    /// A JSON pointer one step longer.
    static func append(_ step: some StringProtocol, to path: String) -> String {
        var result = path + "/"
        for scalar in step.unicodeScalars {
            switch scalar {
            case "~": result += "~0"
            case "/": result += "~1"
            default: result.unicodeScalars.append(scalar)
            }
        }
        return result
    }
}
