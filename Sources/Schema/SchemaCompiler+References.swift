internal import JSON

extension SchemaCompiler {
    /// How many schemas may apply to one value in a chain of `$ref`, `allOf`, `not` and their like.
    private static let maximumChain = 256

    /// The subschema that a `$ref` names: `#` or a JSON pointer after it.
    mutating func reference(_ value: JSONView) throws(SchemaError) -> SchemaIndex {
        guard let text = value.stringValue else { throw invalid("$ref", "must be a string") }
        guard text.first == "#" else {
            throw error(
                "unsupported_reference", "$ref",
                "Only references within the schema, such as “#/$defs/name”, are supported.")
        }
        guard let pointer = Self.percentDecoded(text.dropFirst()) else {
            throw error("missing_reference", "$ref", "“\(text)” is not a valid reference.")
        }
        if pointer.isEmpty { return try request(resource, path: resourcePath) }
        guard pointer.first == "/" else {
            throw error(
                "unsupported_reference", "$ref", "References to an anchor are not supported; use a JSON pointer.")
        }
        var target = resource
        var targetPath = resourcePath
        for step in pointer.dropFirst().split(separator: "/", omittingEmptySubsequences: false) {
            // Past another `$id` the pointer's meaning is undefined.
            if target.offset != resource.offset, target.member("$id")?.string != nil {
                throw error(
                    "unsupported_reference", "$ref", "A reference through a schema with its own “$id” is not supported."
                )
            }
            guard let name = Self.unescaped(step), let next = Self.step(from: target, to: name) else {
                throw error("missing_reference", "$ref", "“\(text)” names nothing in the schema.")
            }
            target = next
            targetPath = Self.append(name, to: targetPath)
        }
        return try request(target, path: targetPath)
    }

    private static func step(from view: JSONView, to name: String) -> JSONView? {
        switch view.kind {
        case .object: return view[name]
        case .array:
            guard let position = Int(name), String(position) == name, position >= 0, position < view.count else {
                return nil
            }
            return view.elements.dropFirst(position).first { _ in true }
        default: return nil
        }
    }

    /// Undoes `~1` and `~0`; `nil` for a tilde before anything else.
    private static func unescaped(_ step: Substring) -> String? {
        var result = ""
        var scalars = step.unicodeScalars.makeIterator()
        while let scalar = scalars.next() {
            guard scalar == "~" else {
                result.unicodeScalars.append(scalar)
                continue
            }
            switch scalars.next() {
            case "0": result += "~"
            case "1": result += "/"
            default: return nil
            }
        }
        return result
    }

    private static func percentDecoded(_ text: Substring) -> String? {
        var bytes: [UInt8] = []
        var rest = Array(text.utf8)[...]
        while let byte = rest.popFirst() {
            guard byte == UInt8(ascii: "%") else {
                bytes.append(byte)
                continue
            }
            guard let high = rest.popFirst(), let low = rest.popFirst(), let first = Self.hexadecimal(high),
                let second = Self.hexadecimal(low)
            else { return nil }
            bytes.append(first << 4 | second)
        }
        return String(validating: bytes, as: UTF8.self)
    }

    private static func hexadecimal(_ byte: UInt8) -> UInt8? {
        switch byte {
        case UInt8(ascii: "0")...UInt8(ascii: "9"): byte - UInt8(ascii: "0")
        case UInt8(ascii: "a")...UInt8(ascii: "f"): byte - UInt8(ascii: "a") + 10
        case UInt8(ascii: "A")...UInt8(ascii: "F"): byte - UInt8(ascii: "A") + 10
        default: nil
        }
    }

    /// Refuses schemas that apply to the same value without end, and chains too long for the stack.
    ///
    /// Takes schemas whose predecessors are all done, one after another; what is left over stands in a circle.
    func checkApplicationDepth() throws(SchemaError) {
        let count = tables.nodes.count
        var incoming = [Int](repeating: 0, count: count)
        for node in tables.nodes {
            for target in inPlace(node) { incoming[Int(target)] += 1 }
        }
        var ready = (0..<count).filter { incoming[$0] == 0 }
        var depth = [Int](repeating: 1, count: count)
        var done = 0
        while let index = ready.popLast() {
            done += 1
            guard depth[index] <= Self.maximumChain else {
                throw SchemaError(
                    code: "schema_too_deep", path: tables.paths[Int(tables.nodes[index].path)],
                    message: "More than \(Self.maximumChain) schemas apply to one value in a chain.")
            }
            for target in inPlace(tables.nodes[index]) {
                let position = Int(target)
                depth[position] = max(depth[position], depth[index] + 1)
                incoming[position] -= 1
                if incoming[position] == 0 { ready.append(position) }
            }
        }
        guard done == count else {
            let index = (0..<count).first { incoming[$0] > 0 } ?? 0
            throw SchemaError(
                code: "endless_reference", path: tables.paths[Int(tables.nodes[index].path)],
                message: "The schema refers back to itself for the same value, which never ends.")
        }
    }

    /// The schemas that a schema applies to its own value.
    private func inPlace(_ node: SchemaNode) -> [SchemaIndex] {
        let lists = [node.allOf, node.anyOf, node.oneOf].flatMap { tables.children[$0.indices] }
        return lists + [node.not, node.if, node.then, node.else, node.reference].filter { $0 != .none }
    }
}
