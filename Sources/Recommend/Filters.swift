internal import Live

/// What a caller wants left out. Hidden and deleted entities, and events that are over, are always left out.
public struct Filters: Sendable, Equatable {
    /// Ids that must not be shown, of whatever type.
    public var excluded: Set<ExactText> = []
    /// Only these ids, of whatever type; `nil` for all.
    public var included: Set<ExactText>?
    /// Only entities in this category.
    public var category: String?
    /// Only entities that cost at least so much.
    public var priceMinimum: Double?
    /// Only entities that cost at most so much.
    public var priceMaximum: Double?
    /// Only entities whose price is in this currency.
    public var currency: String?
    /// Only entities that are in stock.
    public var onlyInStock = false
    /// Only entities of this type.
    public var entityType: String?
    /// Only entities that pass this.
    public var expression: FilterExpression?

    /// Everything that may be listed.
    public init() {}

    /// The part of the catalogue that is left by type and category.
    public var scope: CatalogueScope { CatalogueScope(type: entityType, category: category) }
}

/// A text that equals only what has the same bytes: ids that look alike may be two entities.
public struct ExactText: Hashable, Sendable {
    /// The text.
    public let text: String

    /// A text.
    public init(_ text: String) { self.text = text }

    public static func == (left: ExactText, right: ExactText) -> Bool {
        left.text.utf8.elementsEqual(right.text.utf8)
    }

    public func hash(into hasher: inout Hasher) {
        for byte in text.utf8 { hasher.combine(byte) }
        hasher.combine(text.utf8.count)
    }
}

/// What may stand on one list: filters and rules with numbers in place of names.
struct Admission<Source: Knowledge> {
    private let knowledge: Source
    private let filters: Filters
    private let now: Int64
    private let type: UInt16?
    private let currency: UInt32
    private let filter: CompiledFilter?
    private let included: NumberTable?
    /// Entities that are ruled out one by one.
    private(set) var excluded: NumberTable
    /// Number of the category asked for; `nil` for none, or one that no entity ever had.
    let category: UInt32?
    /// Whether nothing can pass: a type, category or currency that there is not.
    let isEmpty: Bool

    init(_ filters: Filters, _ knowledge: Source, now: Int64) {
        self.knowledge = knowledge
        self.filters = filters
        self.now = now
        type = filters.entityType.flatMap { knowledge.name($0) }
        category = filters.category.flatMap { knowledge.category(named: $0) }
        currency = knowledge.currency(filters.currency)
        filter = filters.expression.map { CompiledFilter($0, knowledge, type: filters.entityType) }
        excluded = NumberTable(capacity: filters.excluded.count)
        if !filters.excluded.isEmpty {
            for number in knowledge.entities(ids: filters.excluded.map(\.text), type: nil) { excluded.set(number, 1) }
        }
        included = filters.included.map { ids in
            var table = NumberTable(capacity: ids.count)
            for number in knowledge.entities(ids: ids.map(\.text), type: filters.entityType) { table.set(number, 1) }
            return table
        }
        isEmpty = (filters.entityType != nil && type == nil) || (filters.category != nil && category == nil)
    }

    /// Rules an entity out.
    mutating func exclude(_ entity: UInt32) { excluded.set(entity, 1) }

    /// The only entities that are asked for; `nil` when all may come.
    var chosen: ContiguousArray<UInt32>? {
        guard let included else { return nil }
        var list: ContiguousArray<UInt32> = []
        included.forEach { number, _ in list.append(number) }
        list.sort()
        return list
    }

    /// The candidates that may be shown, with what is known of them, in their order.
    func admitted(_ candidates: ContiguousArray<Candidate>, _ measure: PriceMeasure) -> ContiguousArray<Scored> {
        guard !isEmpty else { return [] }
        let entities = ContiguousArray(candidates.lazy.map { $0.entity })
        let facts = knowledge.rankingFacts(of: entities, measure)
        let needsDetails = filter?.needsDetails == true || knowledge.hasEvents
        var admitted: ContiguousArray<Scored> = []
        admitted.reserveCapacity(facts.count)
        var next = 0
        for place in facts.indices {
            while next < candidates.count, candidates[next].entity != facts[place].number { next += 1 }
            guard next < candidates.count else { break }
            if isAdmitted(facts[place]) {
                admitted.append(Scored(facts: facts[place], candidate: candidates[next]))
            }
            next += 1
        }
        guard needsDetails || filter != nil else { return admitted }
        let details =
            needsDetails ? knowledge.details(of: ContiguousArray(admitted.lazy.map { $0.facts.number })) : []
        var kept: ContiguousArray<Scored> = []
        kept.reserveCapacity(admitted.count)
        for (place, entry) in admitted.enumerated() {
            let own = place < details.count ? details[place] : nil
            if let end = own?.overAt, end <= now { continue }
            if let filter, !filter.admits(entry.facts, own) { continue }
            kept.append(entry)
        }
        return kept
    }

    @inline(__always)
    private func isAdmitted(_ entity: RankingFacts) -> Bool {
        guard entity.isListed, !filters.onlyInStock || entity.isAvailable else { return false }
        if let type, entity.type != type { return false }
        if let category, !entity.isIn(category) { return false }
        if filters.priceMinimum != nil || filters.priceMaximum != nil {
            // A price that is not known is no number, and passes neither.
            guard entity.price >= filters.priceMinimum ?? 0, entity.price <= filters.priceMaximum ?? .infinity else {
                return false
            }
        }
        if currency != 0, entity.currency != currency { return false }
        if let included, !included.contains(entity.number) { return false }
        return excluded.isEmpty || !excluded.contains(entity.number)
    }
}
