internal import Domain
internal import HTTP
internal import JSON

/// The query of a request, taken parameter by parameter; what is left over is refused by name, never ignored.
struct Query {
    private var items: [(name: String, value: String)]

    /// The items of a query; those of one name may be many only when it is `repeatable`.
    init(_ items: [(name: String, value: String)], repeatable: String? = nil) throws(Problem) {
        var seen: Set<String> = []
        for item in items where !seen.insert(item.name).inserted && item.name != repeatable {
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

    /// Every value of a repeatable parameter, in order.
    mutating func strings(_ name: String, longest: Int = 1024, most: Int = 16) throws(Problem) -> [String] {
        var values: [String] = []
        while let value = try string(name, longest: longest) { values.append(value) }
        guard values.count <= most else {
            throw Problem(400, "invalid_parameter", "\"\(name)\" may be given \(most) times at most.")
        }
        return values
    }

    /// A moment as RFC 3339 text, in milliseconds since the epoch.
    mutating func moment(_ name: String) throws(Problem) -> Int64? {
        guard let text = try string(name) else { return nil }
        // A + that stands for itself in an address arrives as a space.
        guard let moment = Timestamp(rfc3339: text.replacing(" ", with: "+")) else {
            throw Problem(
                400, "invalid_parameter", "\"\(name)\" must be an RFC 3339 time, such as 2026-01-31T12:00:00Z.")
        }
        return moment.milliseconds
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
