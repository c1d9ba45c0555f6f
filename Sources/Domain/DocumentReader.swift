public import JSON

/// Takes the fields of a JSON object one by one, so that what is left over at the end can be refused by name: an option
/// that nobody reads is an error, never ignored.
public struct DocumentReader {
    private let object: JSONObject
    private var rest: Set<String>
    private let path: String
    private let code: String

    /// A reader of a JSON object that stands at `path`; errors carry `code`.
    public init(_ document: JSONValue, path: String, code: String) throws(FootfallError) {
        guard case .object(let object) = document else {
            throw FootfallError(code, "This must be an object.", path: path)
        }
        self.object = object
        rest = Set(object.keys)
        self.path = path
        self.code = code
    }

    private func wrong(_ name: String, _ what: String) -> FootfallError {
        FootfallError(code, "\"\(name)\" must be \(what).", path: "\(path)/\(name)")
    }

    private mutating func take(_ name: String) -> JSONValue? {
        rest.remove(name)
        return object[name]
    }

    /// Whether the object has a field.
    public func has(_ name: String) -> Bool { object[name] != nil }

    /// A text, if the field is there.
    public mutating func string(_ name: String) throws(FootfallError) -> String? {
        switch take(name) {
        case nil: return nil
        case .string(let text): return text
        default: throw wrong(name, "a text")
        }
    }

    /// A text or null; `default` when the field is absent.
    public mutating func optionalString(_ name: String, default standard: String?) throws(FootfallError) -> String? {
        switch take(name) {
        case nil: return standard
        case .null: return nil
        case .string(let text): return text
        default: throw wrong(name, "a text or null")
        }
    }

    /// A truth value, if the field is there.
    public mutating func bool(_ name: String) throws(FootfallError) -> Bool? {
        switch take(name) {
        case nil: return nil
        case .bool(let value): return value
        default: throw wrong(name, "true or false")
        }
    }

    /// A finite number, if the field is there.
    public mutating func number(_ name: String) throws(FootfallError) -> Double? {
        guard let value = take(name) else { return nil }
        guard let number = value.doubleValue, number.isFinite else { throw wrong(name, "a number") }
        return number
    }

    /// A whole number within a range, if the field is there.
    public mutating func integer(_ name: String, in range: ClosedRange<Int64>) throws(FootfallError) -> Int64? {
        guard let taken = take(name) else { return nil }
        guard let value = taken.integerValue else { throw wrong(name, "a whole number") }
        guard range.contains(value) else {
            throw wrong(name, "a whole number between \(range.lowerBound) and \(range.upperBound)")
        }
        return value
    }

    /// A whole number within a range or null (`.some(nil)`), if the field is there.
    public mutating func optionalInteger(_ name: String, in range: ClosedRange<Int64>) throws(FootfallError)
        -> Int64??
    {
        if case .null = object[name] {
            rest.remove(name)
            return .some(nil)
        }
        guard let value = try integer(name, in: range) else { return nil }
        return .some(value)
    }

    /// A list of texts, if the field is there.
    public mutating func strings(_ name: String) throws(FootfallError) -> [String]? {
        guard let value = take(name) else { return nil }
        guard case .array(let elements) = value else { throw wrong(name, "a list of texts") }
        var texts: [String] = []
        for element in elements {
            guard case .string(let text) = element else { throw wrong(name, "a list of texts") }
            texts.append(text)
        }
        return texts
    }

    /// The members of an object field in their order; none when it is absent.
    public mutating func object(_ name: String) throws(FootfallError) -> [(String, JSONValue)] {
        guard let value = take(name) else { return [] }
        guard case .object(let object) = value else { throw wrong(name, "an object") }
        return object.members.map { ($0.key, $0.value) }
    }

    /// A schema (an object, true or false), if the field is there.
    public mutating func schema(_ name: String) throws(FootfallError) -> JSONValue? {
        guard let value = take(name) else { return nil }
        switch value {
        case .object, .bool: return value
        default: throw wrong(name, "a JSON Schema: an object, true or false")
        }
    }

    /// Any value, if the field is there.
    public mutating func value(_ name: String) -> JSONValue? { take(name) }

    /// Refuses what nobody has taken.
    public func refuseRest() throws(FootfallError) {
        guard let name = rest.min() else { return }
        let shown = name.shortened(toBytes: 64)
        throw FootfallError(code, "There is no field \"\(shown)\" here.", path: "\(path)/\(shown)")
    }
}

/// The reader of tracking plans.
typealias PlanReader = DocumentReader

extension DocumentReader {
    /// Names of types, aliases, counters and contexts: 1 to 64 letters, digits, `_`, `-`, `.`, `:` or `/`.
    static func checkName(_ name: String, path: String) throws(FootfallError) {
        guard isName(name.utf8) else {
            throw FootfallError(
                "invalid_plan", "A name has 1 to 64 letters, digits, or any of _ - . : /.", path: path)
        }
    }

    /// Whether text is a name: 1 to 64 letters, digits, `_`, `-`, `.`, `:` or `/`.
    @inlinable
    public static func isName(_ bytes: some Collection<UInt8>) -> Bool {
        guard (1...64).contains(bytes.count) else { return false }
        return bytes.allSatisfy { byte in
            switch byte {
            case 48...58, 65...90, 97...122, 95, 45, 46, 47: true
            default: false
            }
        }
    }
}
