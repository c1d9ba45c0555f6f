internal import Domain

/// What filters look at, kept in memory: reading it for each of some thousand candidates from the file would cost more
/// than the search.
struct IndexMemory: Sendable {
    /// An entity.
    struct Facts: Sendable {
        var key: Key128
        /// NaN without a price.
        var price: Double
        var type: Int32
        var currency: Int32
        var categories: ContiguousArray<Int32>
        var isInStock: Bool
    }

    /// Filters with names turned into numbers; a name that no entity has finds nothing.
    struct Filters {
        var type: Int32
        var category: Int32?
        var currency: Int32?
        var minimum: Double?
        var maximum: Double?
        var isInStock: Bool

        func admits(_ facts: Facts) -> Bool {
            if facts.type != type || (isInStock && !facts.isInStock) { return false }
            if let category, !facts.categories.contains(category) { return false }
            if let currency, facts.currency != currency { return false }
            // Comparing with NaN is false: what has no price fits into no range.
            if let minimum, !(facts.price >= minimum) { return false }
            if let maximum, !(facts.price <= maximum) { return false }
            return true
        }
    }

    private var numbers: [String: Int32] = [:]
    private var facts: ContiguousArray<Facts?> = []
    private(set) var count = 0
    var vocabulary = Vocabulary()

    mutating func number(of name: String) -> Int32 {
        if let number = numbers[name] { return number }
        let number = Int32(truncatingIfNeeded: numbers.count)
        numbers[name] = number
        return number
    }

    /// The facts of an entity as the index has it.
    mutating func facts(
        key: Key128, type: String, categories: [String], price: String?, currency: String?, inventory: Int64?
    ) -> Facts {
        Facts(
            key: key, price: price.flatMap(Double.init) ?? .nan, type: number(of: "t" + type),
            currency: currency.map { number(of: "$" + $0.uppercased()) } ?? -1,
            categories: ContiguousArray(categories.map { number(of: "c" + $0) }), isInStock: inventory != 0)
    }

    subscript(row: Int64) -> Facts? {
        get {
            guard let index = Int(exactly: row), facts.indices.contains(index) else { return nil }
            return facts[index]
        }
        set {
            guard let index = Int(exactly: row), index >= 0 else { return }
            while facts.count <= index { facts.append(nil) }
            count += (newValue == nil ? 0 : 1) - (facts[index] == nil ? 0 : 1)
            facts[index] = newValue
        }
    }

    func filters(_ filters: SearchFilters) -> Filters {
        Filters(
            type: numbers["t" + filters.entityType] ?? -2, category: filters.category.map { numbers["c" + $0] ?? -2 },
            currency: filters.currency.map { numbers["$" + $0.uppercased()] ?? -2 }, minimum: filters.priceMinimum,
            maximum: filters.priceMaximum, isInStock: filters.isInStock)
    }
}
