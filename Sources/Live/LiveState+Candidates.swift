internal import Domain

/// What ranking and filters need to know of one entity.
public struct EntityFacts: Sendable, Equatable {
    /// Its number in this state.
    public var number: EntityNumber
    /// Entity type.
    public var type: String
    /// Entity id.
    public var id: String
    /// Title, when the catalogue has one.
    public var title: String?
    /// Numbers of all its categories, most important first.
    public var categories: [UInt32] = []
    /// Number of its brand.
    public var brand: UInt32?
    /// Its price.
    public var price: Double?
    /// Currency of the price.
    public var currency: String?
    /// Whether it is in stock; true where stock is not kept.
    public var isAvailable = true
    /// Whether lists may show it: neither hidden nor deleted.
    public var isListed = true
    /// `popularity_score`.
    public var popularity = 0.0

    /// An entity of which nothing more is known.
    public init(number: EntityNumber, type: String, id: String) {
        self.number = number
        self.type = type
        self.id = id
    }
}

extension LiveState {
    /// Entities looked at under one hold of the lock.
    private static let looked = 64

    /// What is known of entities, in their order; numbers of no entity are left out. About 0.2 µs each; others get in
    /// between.
    public func facts(of entities: [EntityNumber]) -> [EntityFacts] {
        var facts: [EntityFacts] = []
        facts.reserveCapacity(entities.count)
        var start = 0
        while start < entities.count {
            let end = min(start + Self.looked, entities.count)
            state.withReadLock { state in
                for number in entities[start..<end] where Int(number) < state.core.entities.count {
                    facts.append(state.core.facts(number))
                }
            }
            start = end
        }
        return facts
    }

    /// A stretch of the entities of a type, a category, or both that pass a filter, newest first, from a place on (0 at
    /// first); `count` is how many are looked at, some 10 ns each. `next` is where to go on, `nil` at the end. What comes
    /// or goes meanwhile may be missed or met twice.
    public func newest(
        entityType: String?, category: String?, passing filter: CatalogueFilter, from place: Int, count: Int
    ) -> (entities: ContiguousArray<EntityNumber>, next: Int?) {
        state.withLock { state in
            let type = entityType.flatMap { state.core.names.index(of: $0) }
            if entityType != nil, type == nil { return ([], nil) }
            var found: ContiguousArray<EntityNumber> = []
            func stretch(of total: Int, _ number: (Int) -> EntityNumber) -> Int? {
                let end = min(total, place + max(1, count))
                for index in stride(from: place, to: end, by: 1) {
                    let entity = number(total - 1 - index)
                    if state.core.passes(entity, type, filter) { found.append(entity) }
                }
                return end < total ? end : nil
            }
            let next: Int?
            if let category {
                guard let number = state.core.categories.find(category) else { return ([], nil) }
                let members = state.core.categories.entities(number)
                next = stretch(of: members.count) { members[$0] }
            } else if let type {
                let members = state.core.types.entities(type)
                next = stretch(of: members.count) { members[$0] }
            } else {
                next = stretch(of: state.core.entities.count) { EntityNumber(truncatingIfNeeded: $0) }
            }
            return (found, next)
        }
    }

    /// Name of a brand; `nil` for the number of none.
    public func brandName(_ number: UInt32) -> String? { state.withReadLock { $0.core.brands.name(number) } }
}

/// What a walk through the catalogue leaves out, besides what no list may show.
public struct CatalogueFilter: Sendable, Equatable {
    /// Only prices from here on.
    public var priceMinimum: Double?
    /// Only prices up to here.
    public var priceMaximum: Double?
    /// Only prices in this currency.
    public var currency: String?
    /// Only what is in stock.
    public var onlyInStock = false

    /// Leaves nothing else out.
    public init() {}
}

extension LiveCore {
    @inline(__always)
    fileprivate func passes(_ number: EntityNumber, _ type: UInt16?, _ filter: CatalogueFilter) -> Bool {
        let record = entities.address(Int(number))
        guard record.pointee.isListed, type == nil || record.pointee.type == type else { return false }
        let traits = self.traits.address(Int(number))
        if filter.onlyInStock, traits.pointee.inventory == 0 { return false }
        if filter.priceMinimum != nil || filter.priceMaximum != nil {
            let price = traits.pointee.price
            guard price >= filter.priceMinimum ?? 0, price <= filter.priceMaximum ?? .infinity else { return false }
        }
        return filter.currency == nil || traits.pointee.currency == Currency.number(filter.currency)
    }

    fileprivate func facts(_ number: EntityNumber) -> EntityFacts {
        let record = entities.address(Int(number))
        let traits = self.traits.address(Int(number))
        let info = infos[Int(number)]
        var facts = EntityFacts(number: number, type: types.name(record.pointee.type), id: info.id)
        facts.title = info.title
        facts.categories = info.categories.map(\.category)
        if traits.pointee.brand != .max { facts.brand = traits.pointee.brand }
        if !traits.pointee.price.isNaN { facts.price = traits.pointee.price }
        facts.currency = Currency.code(traits.pointee.currency)
        facts.isAvailable = traits.pointee.inventory != 0
        facts.isListed = record.pointee.isListed
        facts.popularity = popularity(Int(number))
        return facts
    }
}
