internal import Domain

/// Why a filter cannot be read.
public struct FilterError: Error, Sendable, Equatable {
    /// A sentence that says what to change, and where.
    public var message: String
    /// Where in the text, in bytes from 0.
    public var offset: Int
}

/// Reads a filter:
///
///     price <= 20 AND (category = "Shoes" OR brand IN (Acme, "Two Words")) AND NOT label = sale
///     starts_at >= now AND distance(52.5, 13.4) <= 30 AND attributes.colour = red AND EXISTS(attributes.size)
///
/// AND binds more than OR, NOT more than AND; words of the language may be in small letters. A value is a number, true,
/// false, a text (in double quotes unless it is one word), or for times an RFC 3339 time, a day, `now`, `now-7d` or
/// `now+12h`. A comparison with a field that an entity does not have is false, `!=` true.
public struct FilterParser {
    /// Longest text, in bytes.
    public static let longest = 8192
    /// Deepest nesting, and most comparisons.
    public static let deepest = 32
    static let mostComparisons = 128
    static let mostValues = 500

    private var scanner: FilterScanner
    private let now: Int64
    private var comparisons = 0

    /// Reads a filter as of a moment.
    public static func parse(_ text: String, now: Int64) throws(FilterError) -> FilterExpression {
        guard text.utf8.count <= longest else {
            throw FilterError(message: "A filter has at most \(longest) bytes.", offset: longest)
        }
        var parser = FilterParser(scanner: FilterScanner(text), now: now)
        let expression = try parser.alternatives(1)
        guard parser.scanner.isAtEnd else {
            throw parser.scanner.expected("AND, OR or the end")
        }
        return expression
    }

    private init(scanner: FilterScanner, now: Int64) {
        self.scanner = scanner
        self.now = now
    }

    private mutating func alternatives(_ depth: Int) throws(FilterError) -> FilterExpression {
        var parts = [try conjunction(depth)]
        while scanner.takeWord("or") { parts.append(try conjunction(depth)) }
        return parts.count == 1 ? parts[0] : .or(parts)
    }

    private mutating func conjunction(_ depth: Int) throws(FilterError) -> FilterExpression {
        var parts = [try factor(depth)]
        while scanner.takeWord("and") { parts.append(try factor(depth)) }
        return parts.count == 1 ? parts[0] : .and(parts)
    }

    private mutating func factor(_ depth: Int) throws(FilterError) -> FilterExpression {
        guard depth <= FilterParser.deepest else {
            throw scanner.error("A filter is nested at most \(FilterParser.deepest) deep.")
        }
        if scanner.takeWord("not") { return .not(try factor(depth + 1)) }
        if scanner.take("(") {
            let inner = try alternatives(depth + 1)
            guard scanner.take(")") else { throw scanner.expected("a closing bracket") }
            return inner
        }
        comparisons += 1
        guard comparisons <= FilterParser.mostComparisons else {
            throw scanner.error("A filter has at most \(FilterParser.mostComparisons) comparisons.")
        }
        return try comparison()
    }

    private mutating func comparison() throws(FilterError) -> FilterExpression {
        let start = scanner.offset
        guard let name = scanner.name() else { throw scanner.expected("a field, NOT or a bracket") }
        if name == "distance" { return try distance() }
        if name.lowercased() == "exists" {
            guard scanner.take("(") else { throw scanner.expected("an opening bracket") }
            let place = scanner.offset
            guard let inner = scanner.name(), let field = FilterExpression.Field(name: inner) else {
                throw FilterParser.unknown(place)
            }
            guard scanner.take(")") else { throw scanner.expected("a closing bracket") }
            return .exists(field)
        }
        guard let field = FilterExpression.Field(name: name) else { throw FilterParser.unknown(start) }
        if scanner.takeWord("in") {
            guard scanner.take("(") else { throw scanner.expected("an opening bracket") }
            var values = [try value(of: field)]
            while scanner.take(",") { values.append(try value(of: field)) }
            guard scanner.take(")") else { throw scanner.expected("a comma or a closing bracket") }
            guard values.count <= FilterParser.mostValues else {
                throw scanner.error("A list has at most \(FilterParser.mostValues) values.")
            }
            return .compare(field, .among, values)
        }
        guard let comparison = scanner.comparison() else {
            throw scanner.expected("one of = != < <= > >= IN")
        }
        let isOrdered = comparison != .equal && comparison != .unequal
        let place = scanner.offset
        let value = try value(of: field)
        if isOrdered {
            switch value {
            case .number, .moment: break
            case .text, .truth:
                throw FilterError(
                    message: "\"\(field.name)\" is compared with = and != only, at byte \(place).", offset: place)
            }
        }
        return .compare(field, comparison, [value])
    }

    private mutating func distance() throws(FilterError) -> FilterExpression {
        let start = scanner.offset
        guard scanner.take("("), let latitude = scanner.number(), scanner.take(","),
            let longitude = scanner.number(), scanner.take(")"),
            let point = GeoPoint(latitude: latitude, longitude: longitude)
        else {
            throw FilterError(
                message: "Write distance(LATITUDE, LONGITUDE) <= KILOMETRES, at byte \(start).", offset: start)
        }
        let place = scanner.offset
        let comparison = scanner.takeWord("in") ? .among : scanner.comparison()
        switch comparison {
        case .less, .atMost, .greater, .atLeast: break
        case .equal, .unequal, .among:
            // No two distances are the same to the last bit.
            throw FilterError(
                message: "\"distance\" is compared with <, <=, > and >= only, at byte \(place).", offset: place)
        case nil: throw scanner.expected("one of < <= > >=")
        }
        guard let comparison, let kilometres = scanner.number(), kilometres >= 0 else {
            throw scanner.expected("kilometres")
        }
        return .distance(point, comparison, kilometres: kilometres)
    }

    private mutating func value(of field: FilterExpression.Field) throws(FilterError) -> FilterExpression.Value {
        let start = scanner.offset
        guard let (text, isQuoted) = try scanner.value() else { throw scanner.expected("a value") }
        func wrong(_ what: String) -> FilterError {
            FilterError(message: "\"\(field.name)\" is compared with \(what), at byte \(start).", offset: start)
        }
        switch field.sort {
        case .text: return .text(text)
        case .number:
            guard let number = FilterScanner.decimal(text) else { throw wrong("a number") }
            return .number(number)
        case .truth:
            guard !isQuoted, text == "true" || text == "false" else { throw wrong("true or false") }
            return .truth(text == "true")
        case .moment:
            guard let moment = moment(text) else {
                throw wrong("a time such as 2026-01-31T12:00:00Z, 2026-01-31, now, now-7d or now+12h")
            }
            return .moment(moment)
        case nil:
            if isQuoted { return .text(text) }
            if text == "true" || text == "false" { return .truth(text == "true") }
            if let number = FilterScanner.decimal(text) { return .number(number) }
            return .text(text)
        }
    }

    /// A time, or one as far from now as `now-7d` says.
    private func moment(_ text: String) -> Int64? {
        guard text.lowercased().hasPrefix("now") else { return DetailsReader.moment(text)?.moment }
        let rest = text.dropFirst(3)
        if rest.isEmpty { return now }
        let units: [Character: Int64] = ["m": 60_000, "h": 3_600_000, "d": 86_400_000]
        guard let sign = rest.first, sign == "+" || sign == "-", let last = rest.last, let unit = units[last],
            let count = Int64(rest.dropFirst().dropLast()), (0...1_000_000).contains(count)
        else { return nil }
        return sign == "+" ? now &+ count * unit : now &- count * unit
    }

    private static func unknown(_ offset: Int) -> FilterError {
        FilterError(
            message:
                "There is no such field at byte \(offset); there are price, stock, in_stock, popularity, category, "
                + "brand, label, type, id, published_at, starts_at, attributes.NAME and distance(LATITUDE, LONGITUDE).",
            offset: offset)
    }
}
