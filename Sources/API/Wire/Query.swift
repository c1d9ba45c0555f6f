internal import HTTP
internal import JSON

/// The query of a request, taken parameter by parameter; what is left over is refused by name, never ignored.
struct Query {
    private var items: [(name: String, value: String)]

    init(_ items: [(name: String, value: String)]) throws(Problem) {
        var seen: Set<String> = []
        for item in items where !seen.insert(item.name).inserted {
            throw Problem(
                400, "invalid_parameter", "The parameter \"\(item.name.shortened(toBytes: 64))\" is given twice.")
        }
        // The key may stand in the query of any request; authentication has read it already.
        self.items = items.filter { $0.name != "key" }
    }

    mutating func string(_ name: String, longest: Int = 256) throws(Problem) -> String? {
        guard let index = items.firstIndex(where: { $0.name == name }) else { return nil }
        let value = items.remove(at: index).value
        guard !value.isEmpty, value.unicodeScalars.count <= longest else {
            throw Problem(400, "invalid_parameter", "\"\(name)\" must have 1 to \(longest) characters.")
        }
        return value
    }

    mutating func integer(_ name: String, in range: ClosedRange<Int>) throws(Problem) -> Int? {
        guard let text = try string(name) else { return nil }
        guard let value = Int(text), range.contains(value) else {
            throw Problem(
                400, "invalid_parameter",
                "\"\(name)\" must be a whole number between \(range.lowerBound) and \(range.upperBound).")
        }
        return value
    }

    mutating func choice<Value: RawRepresentable & CaseIterable>(_ name: String, _ type: Value.Type) throws(Problem)
        -> Value? where Value.RawValue == String
    {
        guard let text = try string(name) else { return nil }
        guard let value = Value(rawValue: text) else {
            let known = Value.allCases.map(\.rawValue).joined(separator: ", ")
            throw Problem(400, "invalid_parameter", "\"\(name)\" must be one of \(known).")
        }
        return value
    }

    func refuseRest() throws(Problem) {
        guard let item = items.first else { return }
        throw Problem(400, "unknown_parameter", "There is no parameter \"\(item.name.shortened(toBytes: 64))\" here.")
    }
}
