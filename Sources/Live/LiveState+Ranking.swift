internal import Domain

/// What ranking and filters need to know of an entity, in numbers: about 110 bytes, and no memory of its own as long as
/// it has no more than four categories.
public struct RankingFacts: Sendable {
    /// Its number in this state.
    public var number: EntityNumber
    /// Number of its type in the tenant's name table.
    public var type: UInt16 = 0
    /// Place of its type among all, by name.
    public var typeRank: UInt16 = 0
    /// Whether lists may show it: neither hidden nor deleted.
    public var isListed = true
    /// Whether it is in stock; true where stock is not kept.
    public var isAvailable = true
    /// Whether it was ever met together with something.
    public var isPaired = false
    /// Numbers of its first four categories, most important first; ``none`` after the last.
    public var categories = InlineArray<4, UInt32>(repeating: RankingFacts.none)
    /// Its further categories.
    public var furtherCategories: [UInt32] = []
    /// Number of its brand, or ``none``.
    public var brand = RankingFacts.none
    /// Three letters of the price's currency as a number; 0 for none.
    public var currency: UInt32 = 0
    /// Its price; NaN for none.
    public var price = Double.nan
    /// Pieces in stock; −1 where stock is not kept.
    public var inventory: Int64 = -1
    /// `popularity_score`.
    public var popularity = 0.0
    /// Usual price of its first category that has one in its currency; NaN for none, and where it was not asked for.
    public var categoryPrice = Double.nan
    /// The first 16 bytes of its id.
    public var idStart: (UInt64, UInt64) = (0, 0)

    /// The number of no category and no brand.
    public static let none = UInt32.max

    /// An entity of which nothing more is known.
    public init(number: EntityNumber) { self.number = number }

    /// Whether it is in a category.
    @inlinable
    public func isIn(_ category: UInt32) -> Bool {
        for place in 0..<4 where categories[place] == category { return true }
        return furtherCategories.contains(category)
    }
}

/// What ranking knows of a person or a session, in numbers.
public struct RankingProfile: Sendable {
    /// The person's number in this state; changes with a restart.
    public var person: UInt32?
    /// Interactions so far.
    public var interactions = 0
    /// The last interactions, newest first: at most 100 of a person, 10 of a session.
    public var recent: ContiguousArray<ProfileInteraction> = []
    /// Categories with their decayed weights, in no order that matters.
    public var categories: ContiguousArray<(number: UInt32, weight: Double)> = []
    /// Brands with their decayed weights.
    public var brands: ContiguousArray<(number: UInt32, weight: Double)> = []
    /// The usual price.
    public var usualPrice: UsualPrice?
    /// What was ordered within 30 days, and when last.
    public var ordered: ContiguousArray<OrderedItem> = []

    /// Nothing is known.
    public init() {}
}

extension OrderedItem {
    /// What was ordered, and when last.
    public init(_ entity: EntityNumber, at moment: Int64) { self.init(entity: entity, orderedAt: moment) }
}

/// The usual price that candidates are compared with where they are in its currency; others are compared with their
/// category's.
public struct PriceMeasure: Sendable {
    /// Currency of the usual price as a number; `nil` when there is no usual price.
    public var currency: UInt32?

    /// A measure.
    public init(currency: UInt32?) { self.currency = currency }
}

/// What lists read: each call holds the lock for some 10 µs at most, and others get in between.
extension LiveState {
    /// Entities looked at under one hold of the lock.
    private static let rankedAtOnce = 64

    /// What is known of entities, in their order; numbers of no entity are left out. About 0.1 µs each.
    public func rankingFacts(of entities: ContiguousArray<EntityNumber>, _ measure: PriceMeasure)
        -> ContiguousArray<RankingFacts>
    {
        var facts: ContiguousArray<RankingFacts> = []
        facts.reserveCapacity(entities.count)
        var start = 0
        while start < entities.count {
            let end = min(start + Self.rankedAtOnce, entities.count)
            state.withReadLock { state in
                // What lies far apart is fetched at once, before one of them is waited for.
                state.core.touch(entities[start..<end])
                for place in start..<end where Int(entities[place]) < state.core.entities.count {
                    // Filled where it lies: a copy counts references.
                    facts.append(RankingFacts(number: entities[place]))
                    state.core.fill(&facts[facts.count - 1], measure)
                }
            }
            start = end
        }
        return facts
    }

    /// What is known of a user; `nil` for one without any interactions at hand.
    public func rankingProfile(user: String, now: Int64) -> RankingProfile? {
        rankingProfile(hasher.key(user, .user), now)
    }

    /// What is known of a visitor as long as no user was known; `nil` for one without any interactions at hand.
    public func rankingProfile(visitor: String, now: Int64) -> RankingProfile? {
        rankingProfile(hasher.key(visitor, .visitor), now)
    }

    private func rankingProfile(_ key: Key128, _ now: Int64) -> RankingProfile? {
        state.withReadLock { state in
            guard let number = state.core.person(key) else { return nil }
            return state.core.rankingProfile(ofPerson: Int(number), now: now)
        }
    }

    /// The neighbours of entities with their scores, 0…1, in no order that matters: `body` is given the place of the
    /// entity among `entities`. Some may be hidden or deleted by now. At most 64 each, some 2 µs.
    public func forEachNeighbour(
        of entities: ContiguousArray<EntityNumber>,
        _ body: (_ place: Int, _ neighbour: EntityNumber, _ score: Double) -> Void
    ) {
        var found: ContiguousArray<(neighbour: EntityNumber, score: Double)> = []
        found.reserveCapacity(64)
        for (place, entity) in entities.enumerated() {
            found.removeAll(keepingCapacity: true)
            state.withReadLock { $0.core.neighbours(of: entity, into: &found) }
            for entry in found { body(place, entry.neighbour, entry.score) }
        }
    }

    /// The newest entities of a category, at most `limit`, newest first.
    public func newest(inCategory category: UInt32, limit: Int) -> ContiguousArray<EntityNumber> {
        state.withReadLock { ContiguousArray($0.core.categories.entities(category).suffix(limit).reversed()) }
    }

    /// The newest entities, at most `limit`, newest first.
    public func newest(limit: Int) -> ContiguousArray<EntityNumber> {
        let count = state.withReadLock { $0.core.entities.count }
        return ContiguousArray(
            stride(from: count - 1, through: max(0, count - limit), by: -1).map { EntityNumber(truncatingIfNeeded: $0) }
        )
    }

    /// Number of a brand; `nil` for one that no entity ever had.
    public func brandNumber(_ name: String) -> UInt32? { state.withReadLock { $0.core.brands.find(name) } }

    /// Whether an entity stands before another among equals: by type, then by id.
    public func precedes(_ left: EntityNumber, _ right: EntityNumber) -> Bool {
        state.withReadLock { state in
            let count = state.core.entities.count
            guard Int(left) < count, Int(right) < count else { return left < right }
            return state.core.precedes(left, right)
        }
    }

    /// Numbers of all entities with one of these ids, of a type or of any.
    public func numbers(ofIDs ids: some Collection<String>, type: String?) -> ContiguousArray<EntityNumber> {
        var found: ContiguousArray<EntityNumber> = []
        for id in ids {
            state.withReadLock { state in
                for known in state.core.types.known where type == nil || known.name == type {
                    if let number = state.core.entity(state.core.entityKey(known.number, id)) { found.append(number) }
                }
            }
        }
        return found
    }

    /// A currency's code as a number, 0 for none.
    public static func currencyNumber(_ code: String?) -> UInt32 { Currency.number(code) }
}

extension LiveCore {
    /// Asks for the memory that ``fill(_:_:)`` looks at.
    fileprivate func touch(_ numbers: ContiguousArray<EntityNumber>.SubSequence) {
        for number in numbers {
            entities.prefetch(Int(number))
            traits.prefetch(Int(number))
            meetings.prefetch(Int(number))
        }
        for number in numbers where Int(number) < entities.count {
            cells.prefetch(entities.address(Int(number)).pointee.cells, 0)
        }
    }

    @inline(__always)
    fileprivate func fill(_ facts: inout RankingFacts, _ measure: PriceMeasure) {
        let index = Int(facts.number)
        let record = entities.address(index)
        let traits = self.traits.address(index)
        facts.type = record.pointee.type
        facts.typeRank = types.rank(record.pointee.type)
        facts.isListed = record.pointee.isListed
        facts.isAvailable = traits.pointee.inventory != 0
        facts.isPaired = meetings.address(index).pointee.neighbours.count > 0
        facts.categories = traits.pointee.categories
        facts.brand = traits.pointee.brand
        facts.currency = traits.pointee.currency
        facts.price = traits.pointee.price
        facts.inventory = traits.pointee.inventory
        facts.popularity = popularity(index)
        facts.idStart = record.pointee.order.words
        // The fourth is the last that the traits hold: only then can there be more.
        if traits.pointee.categories[3] != .max {
            let all = infos.address(index).pointee.categories
            if all.count > EntityTraits.categoriesKept {
                facts.furtherCategories = all.dropFirst(EntityTraits.categoriesKept).map(\.category)
            }
        }
        if !facts.price.isNaN, measure.currency != facts.currency {
            facts.categoryPrice = categoryPrice(facts)
        }
    }

    private func categoryPrice(_ facts: RankingFacts) -> Double {
        func mean(_ category: UInt32) -> Double? {
            guard Int(category) < categoryPrices.count else { return nil }
            let sum = categoryPrices.address(Int(category))
            return sum.pointee.currency == facts.currency ? sum.pointee.mean : nil
        }
        for place in 0..<4 where facts.categories[place] != .max {
            if let price = mean(facts.categories[place]) { return price }
        }
        for category in facts.furtherCategories {
            if let price = mean(category) { return price }
        }
        return .nan
    }

    fileprivate func rankingProfile(ofPerson index: Int, now: Int64) -> RankingProfile {
        let person = persons.address(index)
        let present = preferenceDecay.factor(now)
        var profile = RankingProfile()
        profile.person = UInt32(truncatingIfNeeded: index)
        profile.interactions = Int(person.pointee.recents.count)
        appendRecents(ofPerson: index, to: &profile.recent)
        for set in affinities.elements(person.pointee.affinities) {
            set.forEachKey { key, sum in
                let weight = min(max(sum / present, -.greatestFiniteMagnitude), .greatestFiniteMagnitude)
                if key & 1 == 0 {
                    profile.categories.append((key / 2, weight))
                } else {
                    profile.brands.append((key / 2, weight))
                }
            }
        }
        profile.usualPrice = person.pointee.price.mean.map {
            UsualPrice(
                price: $0, currency: Currency.code(person.pointee.price.currency),
                interactions: Int64(person.pointee.price.count))
        }
        let edge = now &- ProfileLimits.orderedFor
        for order in orders.elements(person.pointee.orders) where order.time >= edge {
            profile.ordered.append(OrderedItem(entity: order.entity, orderedAt: order.time))
        }
        return profile
    }

    /// A person's last interactions, newest first.
    func appendRecents(ofPerson index: Int, to list: inout ContiguousArray<ProfileInteraction>) {
        let person = persons.address(index)
        let ring = recents.elements(person.pointee.recents)
        list.reserveCapacity(list.count + ring.count)
        var place = Int(person.pointee.head)
        for _ in 0..<ring.count {
            place = place == 0 ? ring.count - 1 : place - 1
            let recent = ring[place]
            list.append(
                ProfileInteraction(
                    entity: recent.entity, occurredAt: recent.occurredAt, type: recent.type,
                    weight: plan.preference(recent.type)))
        }
    }

    fileprivate func neighbours(
        of entity: EntityNumber, into found: inout ContiguousArray<(neighbour: EntityNumber, score: Double)>
    ) {
        guard Int(entity) < meetings.count else { return }
        let own = meetings.address(Int(entity))
        let pairs = own.pointee.pairs
        for set in neighbours.elements(own.pointee.neighbours) {
            set.forEachKey { key, sum in
                guard sum > 0 else { return }
                let score = sum / (pairs * meetings.address(Int(key)).pointee.pairs).squareRoot()
                // Pairs may overflow, or be worn down to nothing by what was taken back.
                found.append((key, score.isNaN ? 0 : min(1, score)))
            }
        }
    }
}
