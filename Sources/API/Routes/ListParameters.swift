internal import Domain
internal import HTTP
internal import JSON

/// What a request for a list says, as the query of an address or as a JSON body: the same names in both.
struct ListParameters {
    // One of the two.
    private var query: Query?
    private var object: JSONObject?
    /// Fields of the body that have been asked for.
    private var taken: [String] = []

    /// Most ids in one list of them.
    static let mostIDs = 1000

    init(_ query: Query) { self.query = query }

    init(body: JSONValue) throws(Problem) {
        guard let object = body.objectValue else {
            throw Problem(400, "invalid_body", "The body must be a JSON object.")
        }
        self.object = object
        taken.reserveCapacity(32)
    }

    private static func wrong(_ name: String, _ what: String) -> Problem {
        Problem(400, "invalid_parameter", "\"\(name)\" must be \(what).", path: "/\(name)")
    }

    private mutating func take(_ name: String) -> JSONValue? {
        guard let object else { return nil }
        taken.append(name)
        return object[name].flatMap { $0.isNull ? nil : $0 }
    }

    private mutating func fromQuery(_ name: String, longest: Int) throws(Problem) -> String? {
        try query?.string(name, longest: longest)
    }

    /// A text.
    mutating func text(_ name: String, longest: Int = 256) throws(Problem) -> String? {
        if isQuery { return try fromQuery(name, longest: longest) }
        guard let value = take(name) else { return nil }
        guard let text = value.stringValue, (1...longest).contains(text.unicodeScalars.count) else {
            throw ListParameters.wrong(name, "a text of 1 to \(longest) characters")
        }
        return text
    }

    /// An id: a text, or in a body a whole number.
    mutating func id(_ name: String, longest: Int) throws(Problem) -> String? {
        if let number = object?[name]?.integerValue {
            taken.append(name)
            return String(number)
        }
        return try text(name, longest: longest)
    }

    mutating func integer(_ name: String, in range: ClosedRange<Int>, code: String = "invalid_parameter")
        throws(Problem) -> Int?
    {
        let value: Int?
        if isQuery {
            guard let text = try fromQuery(name, longest: 256) else { return nil }
            value = Int(text)
        } else {
            guard let sent = take(name) else { return nil }
            value = sent.integerValue.flatMap { Int(exactly: $0) }
        }
        guard let value, range.contains(value) else {
            throw Problem(
                400, code, "\"\(name)\" must be a whole number between \(range.lowerBound) and \(range.upperBound).",
                path: "/\(name)")
        }
        return value
    }

    mutating func flag(_ name: String) throws(Problem) -> Bool? {
        if isQuery {
            switch try fromQuery(name, longest: 256) {
            case nil: return nil
            case "true": return true
            case "false": return false
            default: throw ListParameters.wrong(name, "one of true, false")
            }
        }
        guard let value = take(name) else { return nil }
        guard case .bool(let flag) = value else { throw ListParameters.wrong(name, "true or false") }
        return flag
    }

    /// One of a few words.
    mutating func choice<Value: RawRepresentable & CaseIterable>(_ name: String, _ type: Value.Type) throws(Problem)
        -> Value? where Value.RawValue == String
    {
        guard let text = try text(name) else { return nil }
        guard let value = Value(rawValue: text) else {
            throw ListParameters.wrong(name, "one of " + Value.allCases.map(\.rawValue).joined(separator: ", "))
        }
        return value
    }

    /// A finite number within a range; a price is written as a decimal number without a sign.
    mutating func number(_ name: String, in range: ClosedRange<Double>, isPrice: Bool = false) throws(Problem)
        -> Double?
    {
        var wrong: Problem {
            ListParameters.wrong(
                name,
                isPrice
                    ? "a decimal number of at least 0 such as 12.50"
                    : "a number from \(range.lowerBound) to \(range.upperBound)")
        }
        var text: String?
        if isQuery {
            guard let sent = try fromQuery(name, longest: 32) else { return nil }
            text = sent
        } else {
            guard let sent = take(name) else { return nil }
            if let number = sent.doubleValue, sent.stringValue == nil {
                guard number.isFinite, range.contains(number) else { throw wrong }
                return number
            }
            text = sent.stringValue
        }
        guard let text, ListParameters.isDecimal(text, isSigned: !isPrice), let value = Double(text), value.isFinite,
            range.contains(value)
        else { throw wrong }
        return value
    }

    private static func isDecimal(_ text: String, isSigned: Bool) -> Bool {
        let digits = isSigned && text.hasPrefix("-") ? text.dropFirst() : Substring(text)
        let parts = digits.split(separator: ".", omittingEmptySubsequences: false)
        return text.utf8.count <= 32 && (1...2).contains(parts.count)
            && parts.allSatisfy { !$0.isEmpty && $0.utf8.allSatisfy { (48...57).contains($0) } }
    }

    /// Ids: with commas between them in a query, a list in a body.
    mutating func ids(_ name: String, longest: Int) throws(Problem) -> [String]? {
        var what: String { "up to \(ListParameters.mostIDs) ids of 1 to \(longest) bytes" }
        var ids: [String] = []
        if isQuery {
            guard let text = try fromQuery(name, longest: 65_536) else { return nil }
            ids = text.split(separator: ",", omittingEmptySubsequences: true).map(String.init)
        } else {
            guard let sent = take(name) else { return nil }
            guard let list = sent.arrayValue else { throw ListParameters.wrong(name, "a list of " + what) }
            for element in list {
                guard let id = element.stringValue ?? element.integerValue.map({ String($0) }) else {
                    throw ListParameters.wrong(name, "a list of " + what)
                }
                ids.append(id)
            }
        }
        guard ids.count <= ListParameters.mostIDs, ids.allSatisfy({ (1...longest).contains($0.utf8.count) }) else {
            throw ListParameters.wrong(
                name, what + (isQuery ? ", with commas between them" : ""))
        }
        return ids
    }

    private var isQuery: Bool { query != nil }

    /// Entities and the places they are wanted in: `id:1,id:2` in a query, a list of objects in a body.
    mutating func pins(longest: Int) throws(Problem) -> [(type: String?, id: String, position: Int)] {
        var pins: [(type: String?, id: String, position: Int)] = []
        if isQuery {
            let what = "ids with their places, such as p1:1,p2:4"
            guard let text = try fromQuery("pin", longest: 65_536) else { return [] }
            for part in text.split(separator: ",") {
                guard let colon = part.lastIndex(of: ":"), let position = Int(part[part.index(after: colon)...]),
                    (1...longest).contains(part[..<colon].utf8.count)
                else { throw ListParameters.wrong("pin", what) }
                pins.append((nil, String(part[..<colon]), position))
            }
        } else if let sent = take("pin") {
            let what = "a list of objects with entity_id, position and perhaps entity_type"
            guard let list = sent.arrayValue, list.count <= 100 else { throw ListParameters.wrong("pin", what) }
            for element in list {
                var own = try ListParameters(body: element)
                guard let id = try own.id("entity_id", longest: longest),
                    let position = try own.integer("position", in: 1...100)
                else { throw ListParameters.wrong("pin", what) }
                pins.append((try own.text("entity_type"), id, position))
                try own.refuseRest()
            }
        }
        guard pins.count <= 100 else { throw ListParameters.wrong("pin", "at most 100 entities") }
        return pins
    }

    /// Refuses what nobody has asked for.
    func refuseRest() throws(Problem) {
        try query?.refuseRest()
        guard let name = object?.keys.filter({ !taken.contains($0) }).min() else { return }
        let short = name.shortened(toBytes: 64)
        throw Problem(400, "unknown_field", "There is no field \"\(short)\" here.", path: "/\(short)")
    }
}
