internal import Domain
internal import Glibc
internal import Live

/// What persons ordered together with what was done: in one order, or within a day.
///
/// For each entity that the list goes out from: the persons who ordered it last (at most 32), and what else each of them
/// ordered within ``window`` of it. Closeness is n / √(a · b): n persons ordered both, a and b of those at hand the one and
/// the other. A request looks at 12 · 32 persons and at 64 orders of each at most.
public struct BoughtSource: CandidateSource {
    /// How far apart two orders may lie that count as one, in milliseconds.
    static let window = Timestamp.millisecondsPerDay

    /// The documented bound.
    public init() {}

    public func add(to pool: inout CandidatePool, _ request: SourceRequest, _ knowledge: some Knowledge) {
        let actions = request.evidence.actions
        guard !actions.isEmpty else { return }
        let seeds = ContiguousArray(actions.lazy.map { $0.action.entity })
        var buyers: ContiguousArray<UInt32> = []
        var places: ContiguousArray<Int> = []
        knowledge.forEachCompanion(of: seeds, whoOrdered: true) { place, person in
            buyers.append(person)
            places.append(place)
        }
        guard !buyers.isEmpty else { return }
        var counts = ContiguousArray(repeating: NumberTable(), count: seeds.count)
        var own = ContiguousArray(repeating: 0, count: seeds.count)
        knowledge.forEachOrder(ofPersons: buyers) { buyer, orders in
            let place = places[buyer]
            guard let time = orders.first(where: { $0.entity == seeds[place] })?.orderedAt else { return }
            own[place] += 1
            for order in orders where order.entity != seeds[place] {
                let apart = order.orderedAt.subtractingReportingOverflow(time)
                guard !apart.overflow, apart.partialValue.magnitude <= UInt64(Self.window) else { continue }
                counts[place].add(order.entity, 1)
            }
        }
        var found = ClosenessTable(capacity: 256)
        for place in seeds.indices where own[place] > 0 {
            var entities: ContiguousArray<UInt32> = []
            var together: ContiguousArray<Double> = []
            counts[place].forEach { entity, count in
                entities.append(entity)
                together.append(count)
            }
            for (index, theirs) in knowledge.buyerCounts(of: entities).enumerated() {
                let score = together[index] / (Double(own[place]) * Double(max(theirs, 1))).squareRoot()
                found.add(entities[index], actions[place].strength * min(1, score) * request.weight, place: place)
            }
        }
        pool.add(closest: found, .bought, actions, request)
    }
}

/// What the persons did lately whose histories are most like the audience's (Resnick et al. 1994, on what is live).
///
/// The audience is its last ``longest`` different entities, each with weight · 0.98^place ÷ √(persons at hand who had to do
/// with it). Those persons (at most 32 of each) for whom that adds up to most, ``persons`` of them, speak: likeness is the
/// sum over what they have in common ÷ √(their different entities), and each of their entities counts likeness · ln(1 + its
/// greatest weight). A request looks at 50 · 32 numbers and at 30 · 100 interactions at most.
public struct PeopleSource: CandidateSource {
    /// Entities of a history that are looked up.
    static let longest = 50
    /// Persons that speak.
    static let persons = 30

    /// The documented bound.
    public init() {}

    public func add(to pool: inout CandidatePool, _ request: SourceRequest, _ knowledge: some Knowledge) {
        let actions = PeopleSource.history(request)
        guard !actions.isEmpty else { return }
        let entities = ContiguousArray(actions.lazy.map { $0.action.entity })
        var met = ContiguousArray(repeating: ContiguousArray<UInt32>(), count: actions.count)
        knowledge.forEachCompanion(of: entities, whoOrdered: false) { place, person in met[place].append(person) }
        var shared = NumberTable(capacity: actions.count)
        var places = NumberTable(capacity: actions.count)
        var sums = NumberTable(capacity: 256)
        for (place, persons) in met.enumerated() where !persons.isEmpty {
            let strength = actions[place].strength / Double(persons.count).squareRoot()
            shared.set(entities[place], strength)
            places.set(entities[place], Double(place))
            for person in persons where !request.facts.persons.contains(person) { sums.add(person, strength) }
        }
        var alike: ContiguousArray<(person: UInt32, sum: Double)> = []
        sums.forEach { alike.append(($0, $1)) }
        func isNearer(_ left: (person: UInt32, sum: Double), _ right: (person: UInt32, sum: Double)) -> Bool {
            left.sum != right.sum ? left.sum > right.sum : left.person < right.person
        }
        alike.keep(Self.persons, isNearer)
        alike.sort(by: isNearer)

        var found = ClosenessTable(capacity: 1024)
        let nearest = ContiguousArray(alike.lazy.map { $0.person })
        knowledge.forEachRecent(ofPersons: nearest) { _, recents in
            var weights = NumberTable(capacity: recents.count)
            for action in recents where action.weight > weights.value(action.entity) {
                weights.set(action.entity, action.weight)
            }
            var (likeness, most, because) = (0.0, 0.0, 0)
            weights.forEach { entity, _ in
                let strength = shared.value(entity)
                likeness += strength
                let place = Int(places.value(entity))
                guard strength > most || (strength == most && strength > 0 && place < because) else { return }
                (most, because) = (strength, place)
            }
            guard likeness > 0 else { return }
            likeness /= Double(weights.count).squareRoot()
            weights.forEach { entity, weight in
                guard !places.contains(entity) else { return }
                found.add(entity, likeness * log1p(weight) * request.weight, place: because)
            }
        }
        pool.add(closest: found, .people, actions, request)
    }

    /// The latest different entities of the history that were not turned down with what they weigh, falling by a fiftieth from
    /// one to the next.
    static func history(_ request: SourceRequest) -> ContiguousArray<Evidence.Weighted> {
        let facts = request.facts
        var actions: ContiguousArray<Evidence.Weighted> = []
        var seen = NumberTable(capacity: longest)
        var factor = 1.0
        for action in facts.recents.isEmpty ? facts.session : facts.recents where action.weight > 0 {
            guard !seen.contains(action.entity), request.evidence.isWanted(action.entity) else { continue }
            seen.set(action.entity, 1)
            actions.append((action, action.weight * factor))
            factor *= 0.98
            if actions.count == longest { break }
        }
        return actions
    }
}
