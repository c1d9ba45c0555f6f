public import Live

/// What speaks for an audience's taste, made ready for sources and scoring.
public struct Evidence: Sendable {
    /// Interactions below which there is no long-term personal part.
    public static let coldStart = 5
    /// Actions of a session, and of a person, that neighbours are looked up for.
    static let sessionActions = 10
    static let longTermActions = 10
    /// Entities whose neighbours are looked up.
    static let lookedUp = 12

    /// Whether the person has too few interactions for a long-term personal part.
    public let isCold: Bool
    /// What neighbours are looked up for, strongest first, each entity once.
    public let actions: [(action: Action, strength: Double)]
    /// Everything at hand that was done, newest first: what the session shows, and unless the person is new the long term.
    public let history: [Action]
    /// Affinity to categories, the greatest 1.
    public let categories: [UInt32: Double]
    /// Affinity to brands, the greatest 1.
    public let brands: [UInt32: Double]
    /// Usual price of the person, else of what the session shows.
    public let usualPrice: Double?
    /// Its currency.
    public let usualCurrency: String?
    /// When what was last ordered.
    public let orders: [UInt32: Int64]
    /// The best liked categories and brands, best first, for sources.
    public let likedCategories: [UInt32]
    /// The best liked brands, best first.
    public let likedBrands: [UInt32]

    /// Whether anything personal is known.
    public var isPersonal: Bool { !actions.isEmpty || !categories.isEmpty || !brands.isEmpty }

    /// Draws together the long term (unless the person is new) and the running session, which count the same where both
    /// speak. `sessionEntities` are the facts of what the session names.
    public init(_ facts: AudienceFacts, sessionEntities: [EntityFacts]) {
        isCold = facts.interactions < Evidence.coldStart
        orders = facts.orders
        let hasUsual = !isCold && facts.usualPrice != nil
        usualPrice = hasUsual ? facts.usualPrice : facts.sessionPrice
        usualCurrency = hasUsual ? facts.usualCurrency : facts.sessionCurrency

        var actions: [(action: Action, strength: Double)] = []
        var seen: [UInt32: Int] = [:]
        func take(_ list: some Sequence<Action>, from first: Double, falling: Double) {
            var factor = first
            for action in list where action.weight > 0 {
                let strength = action.weight * factor
                factor *= falling
                if let place = seen[action.entity] {
                    if strength > actions[place].strength { actions[place] = (action, strength) }
                } else {
                    seen[action.entity] = actions.count
                    actions.append((action, strength))
                }
            }
        }
        take(facts.session.prefix(Evidence.sessionActions), from: 1, falling: 0.9)
        if !isCold { take(facts.recents.prefix(Evidence.longTermActions), from: 0.5, falling: 0.95) }
        let strongest = actions.sorted {
            $0.strength != $1.strength ? $0.strength > $1.strength : $0.action.entity < $1.action.entity
        }
        self.actions = Array(strongest.prefix(Evidence.lookedUp))
        history = Evidence.history(facts.session, isCold ? [] : facts.recents)

        var known: [UInt32: EntityFacts] = [:]
        for entity in sessionEntities { known[entity.number] = entity }
        var sessionCategories: [UInt32: Double] = [:]
        var sessionBrands: [UInt32: Double] = [:]
        var factor = 1.0
        for action in facts.session.prefix(Evidence.sessionActions) {
            if let entity = known[action.entity] {
                for category in entity.categories { sessionCategories[category, default: 0] += action.weight * factor }
                if let brand = entity.brand { sessionBrands[brand, default: 0] += action.weight * factor }
            }
            factor *= 0.9
        }
        categories = Evidence.merge(isCold ? [] : facts.categories, sessionCategories)
        brands = Evidence.merge(isCold ? [] : facts.brands, sessionBrands)
        likedCategories = Evidence.best(categories)
        likedBrands = Evidence.best(brands)
    }

    /// Both together, newest first, each interaction once.
    private static func history(_ session: [Action], _ recents: [Action]) -> [Action] {
        if recents.isEmpty { return session }
        // Mostly the session is the beginning of what the person did.
        if recents.starts(with: session) { return recents }
        struct Moment: Hashable {
            var entity: UInt32
            var occurredAt: Int64
            var type: String
        }
        let known = Set(recents.map { Moment(entity: $0.entity, occurredAt: $0.occurredAt, type: $0.type) })
        let others = session.filter {
            !known.contains(Moment(entity: $0.entity, occurredAt: $0.occurredAt, type: $0.type))
        }
        var history: [Action] = []
        history.reserveCapacity(recents.count + others.count)
        var next = others.startIndex
        for action in recents {
            while next < others.endIndex, others[next].occurredAt > action.occurredAt {
                history.append(others[next])
                next += 1
            }
            history.append(action)
        }
        return history + others[next...]
    }

    /// Shares of the greatest; what is disliked counts 0.
    private static func merge(_ longTerm: [Affinity], _ session: [UInt32: Double]) -> [UInt32: Double] {
        let most = (longTerm.map(\.value).max() ?? 0, session.values.max() ?? 0)
        let factor = most.0 > 0 && most.1 > 0 ? 0.5 : 1.0
        var merged: [UInt32: Double] = [:]
        if most.0 > 0 {
            for affinity in longTerm where affinity.value > 0 {
                merged[affinity.number, default: 0] += factor * affinity.value / most.0
            }
        }
        if most.1 > 0 {
            for (number, value) in session where value > 0 { merged[number, default: 0] += factor * value / most.1 }
        }
        return merged
    }

    private static func best(_ affinities: [UInt32: Double]) -> [UInt32] {
        affinities.sorted { $0.value != $1.value ? $0.value > $1.value : $0.key < $1.key }.prefix(3).map(\.key)
    }
}
