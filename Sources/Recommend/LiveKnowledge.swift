public import Domain
public import Live

/// The live state, and the catalogue beside it, as recommendations need them.
public struct LiveKnowledge: Knowledge {
    private let live: LiveState
    private let names: NameTable
    private let catalogue: Catalogue
    /// Silence that ends a session, in milliseconds.
    private let sessionTimeout: Int64
    /// Popular entities among which those of a brand are looked for.
    private static let brandReach = 1000
    /// Entities of the catalogue that are looked at under one hold of the lock.
    private static let stretch = 1024

    /// A tenant's live state, with its names, its catalogue, and the silence that ends a session.
    public init(_ live: LiveState, names: NameTable, sessionTimeout: Int64, catalogue: Catalogue = Catalogue()) {
        self.live = live
        self.names = names
        self.sessionTimeout = sessionTimeout
        self.catalogue = catalogue
    }

    public func audience(_ audience: Audience, now: Int64) -> AudienceFacts {
        var facts = AudienceFacts()
        let person =
            audience.user.flatMap { live.rankingProfile(user: $0, now: now) }
            ?? audience.visitor.flatMap { live.rankingProfile(visitor: $0, now: now) }
        facts.persons = [person?.person].compactMap(\.self)
        // What a visitor did before the user was known is the same person's.
        if audience.user != nil, let visitor = audience.visitor.flatMap({ live.personNumber(visitor: $0) }) {
            facts.persons.append(visitor)
        }
        if let person {
            facts.interactions = person.interactions
            facts.recents = person.recent.map(action)
            facts.categories = ContiguousArray(
                person.categories.lazy.map { Affinity(number: $0.number, value: $0.weight) })
            facts.brands = ContiguousArray(person.brands.lazy.map { Affinity(number: $0.number, value: $0.weight) })
            facts.usualPrice = person.usualPrice?.price
            facts.usualCurrency = person.usualPrice?.currency
            facts.orders = person.ordered
            // The person's running session: what happened without a longer pause until now.
            var end = now
            for action in facts.recents {
                guard end &- action.occurredAt <= sessionTimeout else { break }
                end = min(end, action.occurredAt)
                facts.session.append(action)
            }
        }
        if let session = audience.session.flatMap({ live.profile(session: $0, now: now) }) {
            let known = facts.session
            for interaction in session.recent {
                let own = action(interaction)
                let isKnown = known.contains {
                    $0.entity == own.entity && $0.occurredAt == own.occurredAt && $0.type == own.type
                }
                if !isKnown { facts.session.append(own) }
            }
            // Stable: what happened in the same millisecond stays in the order in which it came.
            facts.session.sort { $0.occurredAt > $1.occurredAt }
            facts.sessionPrice = session.usualPrice?.price
            facts.sessionCurrency = session.usualPrice?.currency
        }
        return facts
    }

    private func action(_ interaction: ProfileInteraction) -> Action {
        Action(
            entity: interaction.entity, type: interaction.type, weight: interaction.weight,
            occurredAt: interaction.occurredAt)
    }

    public func entity(type: String, id: String) -> UInt32? { live.entityNumber(type: type, id: id) }

    public func entities(ids: [String], type: String?) -> ContiguousArray<UInt32> {
        live.numbers(ofIDs: ids, type: type)
    }

    public func facts(of entities: [UInt32]) -> [EntityFacts] { live.facts(of: entities) }

    public func rankingFacts(of entities: ContiguousArray<UInt32>, _ measure: PriceMeasure)
        -> ContiguousArray<RankingFacts>
    {
        live.rankingFacts(of: entities, measure)
    }

    public func details(of entities: ContiguousArray<UInt32>) -> ContiguousArray<EntityDetails> {
        catalogue.details(of: entities)
    }

    public var hasEvents: Bool { catalogue.hasEvents }

    public func forEachNeighbour(
        of entities: ContiguousArray<UInt32>, _ body: (_ place: Int, _ neighbour: UInt32, _ score: Double) -> Void
    ) {
        live.forEachNeighbour(of: entities, body)
    }

    public func forEachCompanion(
        of entities: ContiguousArray<UInt32>, whoOrdered: Bool, _ body: (_ place: Int, _ person: UInt32) -> Void
    ) {
        live.forEachCompanion(of: entities, whoOrdered: whoOrdered, body)
    }

    public func buyerCounts(of entities: ContiguousArray<UInt32>) -> ContiguousArray<Int> {
        live.buyerCounts(of: entities)
    }

    public func forEachOrder(
        ofPersons persons: ContiguousArray<UInt32>,
        _ body: (_ place: Int, _ orders: ContiguousArray<OrderedItem>) -> Void
    ) {
        live.forEachOrder(ofPersons: persons, body)
    }

    public func forEachRecent(
        ofPersons persons: ContiguousArray<UInt32>, _ body: (_ place: Int, _ actions: ContiguousArray<Action>) -> Void
    ) {
        live.forEachRecent(ofPersons: persons) { place, recent in body(place, ContiguousArray(recent.lazy.map(action)))
        }
    }

    public func resembling(_ entities: ContiguousArray<UInt32>, limit: Int) -> ContiguousArray<Resembling> {
        catalogue.resembling(entities, limit: limit)
    }

    public func top(_ order: TopOrder, in scope: CatalogueScope, limit: Int, now: Int64) -> ContiguousArray<UInt32> {
        let mode: PopularMode = order == .popular ? .overall : .trending
        let query = PopularQuery(mode: mode, entityType: scope.type, category: scope.category, limit: limit)
        return live.candidates(query, now: now)
    }

    public func entities(ofBrand brand: UInt32, type: String?, limit: Int, now: Int64) -> ContiguousArray<UInt32> {
        let popular = catalogue.popularBrands(type: type, now: now) {
            let entities = top(.popular, in: CatalogueScope(type: type), limit: Self.brandReach, now: now)
            let features = live.features(of: Array(entities), now: now)
            return Catalogue.PopularBrands(
                moment: now, entities: ContiguousArray(features.lazy.map(\.number)),
                brands: ContiguousArray(features.lazy.map(\.brand)))
        }
        var found: ContiguousArray<UInt32> = []
        for place in popular.brands.indices where popular.brands[place] == brand {
            found.append(popular.entities[place])
            if found.count == limit { break }
        }
        return found
    }

    public func newest(inCategory category: UInt32?, limit: Int) -> ContiguousArray<UInt32> {
        category.map { live.newest(inCategory: $0, limit: limit) } ?? live.newest(limit: limit)
    }

    public func newest(ofBrand brand: UInt32, limit: Int) -> ContiguousArray<UInt32> {
        live.brandName(brand).map { catalogue.latest(ofBrand: $0, limit: limit) } ?? []
    }

    public func newest(in scope: CatalogueScope, passing filters: Filters, from place: Int) -> (
        entities: ContiguousArray<UInt32>, next: Int?
    ) {
        var filter = CatalogueFilter()
        filter.priceMinimum = filters.priceMinimum
        filter.priceMaximum = filters.priceMaximum
        filter.currency = filters.currency
        filter.onlyInStock = filters.onlyInStock
        return live.newest(
            entityType: scope.type, category: scope.category, passing: filter, from: place, count: Self.stretch)
    }

    public func precedes(_ left: UInt32, _ right: UInt32) -> Bool { live.precedes(left, right) }

    public func category(named name: String) -> UInt32? { live.categoryNumber(name) }

    public func brand(named name: String) -> UInt32? { live.brandNumber(name) }

    public func name(_ name: String) -> UInt16? { names.index(of: name) }

    public func text(named name: String) -> UInt32? { catalogue.text(named: name) }

    public func currency(_ code: String?) -> UInt32 { LiveState.currencyNumber(code) }

    public func name(_ number: UInt16) -> String { names.name(number) ?? "" }

    public func categoryName(_ number: UInt32) -> String { live.categoryName(number) }

    public func brandName(_ number: UInt32) -> String { live.brandName(number) ?? "" }
}
