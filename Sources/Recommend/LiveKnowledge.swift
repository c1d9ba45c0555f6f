public import Domain
public import Live

/// The live state as recommendations need it.
public struct LiveKnowledge: Knowledge {
    private let live: LiveState
    private let names: NameTable
    /// Silence that ends a session, in milliseconds.
    private let sessionTimeout: Int64
    /// Popular entities among which those of a brand are looked for.
    private static let brandReach = 300
    /// Entities of the catalogue that are looked at under one hold of the lock.
    private static let stretch = 1024

    /// A tenant's live state, with its names, and the silence that ends a session.
    public init(_ live: LiveState, names: NameTable, sessionTimeout: Int64) {
        self.live = live
        self.names = names
        self.sessionTimeout = sessionTimeout
    }

    public func audience(_ audience: Audience, now: Int64) -> AudienceFacts {
        var facts = AudienceFacts()
        let person =
            audience.user.flatMap { live.profile(user: $0, now: now) }
            ?? audience.visitor.flatMap { live.profile(visitor: $0, now: now) }
        if let person {
            facts.interactions = Int(clamping: person.interactionCount)
            facts.recents = person.recent.map(action)
            facts.categories = person.categories.map { Affinity(number: $0.number, value: $0.weight) }
            facts.brands = person.brands.map { Affinity(number: $0.number, value: $0.weight) }
            facts.usualPrice = person.usualPrice?.price
            facts.usualCurrency = person.usualPrice?.currency
            for order in person.ordered { facts.orders[order.entity] = order.orderedAt }
            // The person's running session: what happened without a longer pause until now.
            var end = now
            for action in facts.recents {
                guard end &- action.occurredAt <= sessionTimeout else { break }
                end = min(end, action.occurredAt)
                facts.session.append(action)
            }
        }
        if let session = audience.session.flatMap({ live.profile(session: $0, now: now) }) {
            let own = session.recent.map(action)
            let known = Set(facts.session.map { "\($0.entity) \($0.occurredAt) \($0.type)" })
            facts.session += own.filter { !known.contains("\($0.entity) \($0.occurredAt) \($0.type)") }
            facts.session.sort {
                $0.occurredAt != $1.occurredAt ? $0.occurredAt > $1.occurredAt : $0.entity < $1.entity
            }
            facts.sessionPrice = session.usualPrice?.price
            facts.sessionCurrency = session.usualPrice?.currency
        }
        return facts
    }

    private func action(_ interaction: ProfileInteraction) -> Action {
        Action(
            entity: interaction.entity, type: names.name(interaction.type) ?? "", weight: interaction.weight,
            occurredAt: interaction.occurredAt)
    }

    public func entity(type: String, id: String) -> UInt32? { live.entityNumber(type: type, id: id) }

    public func facts(of entities: [UInt32]) -> [EntityFacts] { live.facts(of: entities) }

    public func neighbours(of entities: [UInt32], each: Int, now: Int64) -> [[Neighbour]] {
        // One at a time: each sorts up to 64 under the lock.
        entities.map { entity in
            live.neighbours(of: entity, limit: each, now: now).map { Neighbour(entity: $0.entity, weight: $0.score) }
        }
    }

    public func top(_ order: TopOrder, in scope: CatalogueScope, limit: Int, now: Int64) -> [UInt32] {
        let mode: PopularMode = order == .popular ? .overall : .trending
        let query = PopularQuery(mode: mode, entityType: scope.type, category: scope.category, limit: limit)
        return live.candidates(query, now: now).map(\.entity)
    }

    public func entities(ofBrand brand: UInt32, type: String?, limit: Int, now: Int64) -> [UInt32] {
        let popular = top(.popular, in: CatalogueScope(type: type), limit: Self.brandReach, now: now)
        return live.features(of: popular, now: now).filter { $0.brand == brand }.prefix(limit).map(\.number)
    }

    public func newest(in scope: CatalogueScope, passing filters: Filters, from place: Int) -> (
        entities: [UInt32], next: Int?
    ) {
        var filter = CatalogueFilter()
        filter.priceMinimum = filters.priceMinimum
        filter.priceMaximum = filters.priceMaximum
        filter.currency = filters.currency
        filter.onlyInStock = filters.onlyInStock
        return live.newest(
            entityType: scope.type, category: scope.category, passing: filter, from: place, count: Self.stretch)
    }

    public func usualPrice(category: UInt32, currency: String?) -> Double? {
        guard let usual = live.usualPrice(category: category), usual.currency == currency else { return nil }
        return usual.price
    }

    public func category(named name: String) -> UInt32? { live.categoryNumber(name) }

    public func categoryName(_ number: UInt32) -> String { live.categoryName(number) }

    public func brandName(_ number: UInt32) -> String { live.brandName(number) ?? "" }
}
