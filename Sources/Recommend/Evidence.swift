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

    /// An action, and how much it counts.
    public typealias Weighted = (action: Action, strength: Double)

    /// Whether the person has too few interactions for a long-term personal part.
    public let isCold: Bool
    /// What neighbours are looked up for, strongest first, each entity once: what is left of it after all that spoke against
    /// it.
    public let actions: ContiguousArray<Weighted>
    /// Everything at hand that was done, newest first: what the session shows, and unless the person is new the long term.
    public let history: [Action]
    /// Affinity to categories, the greatest 1.
    public let categories: NumberTable
    /// Affinity to brands, the greatest 1.
    public let brands: NumberTable
    /// Usual price of the person, else of what the session shows.
    public let usualPrice: Double?
    /// Its currency.
    public let usualCurrency: String?
    /// When what was last ordered.
    public let orders: NumberTable
    /// What the person took back, or turned down, more than it was wanted.
    public let disliked: NumberTable
    private let standing: Standing
    /// The best liked categories, best first, for sources.
    public let likedCategories: [UInt32]
    /// The best liked brands, best first.
    public let likedBrands: [UInt32]

    /// Whether anything personal is known.
    public var isPersonal: Bool { !actions.isEmpty || !categories.isEmpty || !brands.isEmpty }

    /// Draws together the long term (unless the person is new) and the running session, which count the same where both
    /// speak. `session` are the facts of what the session names. What was turned down is looked for in `whole`, where that
    /// is more than `facts`.
    public init(_ facts: AudienceFacts, session: ContiguousArray<RankingFacts>, whole: AudienceFacts? = nil) {
        let standing = Standing(facts)
        self.standing = standing
        disliked = (whole.map { Standing($0) } ?? standing).disliked
        isCold = facts.interactions < Evidence.coldStart
        var orders = NumberTable(capacity: facts.orders.count)
        for order in facts.orders { orders.set(order.entity, Double(order.orderedAt)) }
        self.orders = orders
        let hasUsual = !isCold && facts.usualPrice != nil
        usualPrice = hasUsual ? facts.usualPrice : facts.sessionPrice
        usualCurrency = hasUsual ? facts.usualCurrency : facts.sessionCurrency

        var actions: ContiguousArray<Weighted> = []
        actions.reserveCapacity(Evidence.sessionActions + Evidence.longTermActions)
        func take(_ list: ArraySlice<Action>, from first: Double, falling: Double) {
            var factor = first
            for action in list where action.weight > 0 {
                let share = standing.share(action.entity)
                guard share > 0 else { continue }
                let strength = action.weight * factor * share
                factor *= falling
                if let place = actions.firstIndex(where: { $0.action.entity == action.entity }) {
                    if strength > actions[place].strength { actions[place] = (action, strength) }
                } else {
                    actions.append((action, strength))
                }
            }
        }
        take(facts.session.prefix(Evidence.sessionActions), from: 1, falling: 0.9)
        if !isCold { take(facts.recents.prefix(Evidence.longTermActions), from: 0.5, falling: 0.95) }
        actions.sort {
            $0.strength != $1.strength ? $0.strength > $1.strength : $0.action.entity < $1.action.entity
        }
        if actions.count > Evidence.lookedUp { actions.removeSubrange(Evidence.lookedUp...) }
        self.actions = actions
        history = Evidence.history(facts.session, isCold ? [] : facts.recents)

        var sessionCategories = NumberTable(capacity: 16)
        var sessionBrands = NumberTable(capacity: 16)
        var factor = 1.0
        for action in facts.session.prefix(Evidence.sessionActions) {
            if let entity = session.first(where: { $0.number == action.entity }) {
                entity.forEachCategory { sessionCategories.add($0, action.weight * factor) }
                sessionBrands.add(entity.brand, action.weight * factor)
            }
            factor *= 0.9
        }
        categories = Evidence.merge(isCold ? [] : facts.categories, sessionCategories)
        brands = Evidence.merge(isCold ? [] : facts.brands, sessionBrands)
        likedCategories = Evidence.best(categories)
        likedBrands = Evidence.best(brands)
    }

    /// Whether what was done with an entity still speaks for it, after all that spoke against it.
    func isWanted(_ entity: UInt32) -> Bool { standing.share(entity) > 0 }

    /// Both together, newest first, each interaction once.
    static func history(_ session: [Action], _ recents: [Action]) -> [Action] {
        if recents.isEmpty { return session }
        // Mostly the session is the beginning of what the person did.
        if recents.starts(with: session) { return recents }
        let others = session.filter { action in
            !recents.contains {
                $0.entity == action.entity && $0.occurredAt == action.occurredAt && $0.type == action.type
            }
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
    private static func merge(_ longTerm: ContiguousArray<Affinity>, _ session: NumberTable) -> NumberTable {
        var most = (0.0, 0.0)
        for affinity in longTerm { most.0 = max(most.0, affinity.value) }
        session.forEach { most.1 = max(most.1, $1) }
        let factor = most.0 > 0 && most.1 > 0 ? 0.5 : 1.0
        var merged = NumberTable(capacity: longTerm.count + session.count)
        if most.0 > 0 {
            for affinity in longTerm where affinity.value > 0 {
                merged.add(affinity.number, factor * affinity.value / most.0)
            }
        }
        if most.1 > 0 {
            session.forEach { if $1 > 0 { merged.add($0, factor * $1 / most.1) } }
        }
        return merged
    }

    private static func best(_ affinities: NumberTable) -> [UInt32] {
        var best: [(number: UInt32, value: Double)] = []
        affinities.forEach { number, value in
            let place =
                best.firstIndex { value != $0.value ? value > $0.value : number < $0.number } ?? best.count
            guard place < 3 else { return }
            best.insert((number, value), at: place)
            if best.count > 3 { best.removeLast() }
        }
        return best.map(\.number)
    }
}

extension RankingFacts {
    /// All its categories, most important first.
    @inline(__always)
    public func forEachCategory(_ body: (UInt32) -> Void) {
        for place in 0..<4 where categories[place] != RankingFacts.none { body(categories[place]) }
        if !furtherCategories.isEmpty { for category in furtherCategories { body(category) } }
    }

    /// How many categories it has.
    @inline(__always)
    public var categoryCount: Int {
        var count = furtherCategories.count
        for place in 0..<4 where categories[place] != RankingFacts.none { count += 1 }
        return count
    }
}
