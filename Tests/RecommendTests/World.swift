import Domain
import Live
import Recommend

/// A small random catalogue with people, of which everything is known, as ``Knowledge``.
struct World: Knowledge {
    var entities: [EntityFacts] = []
    /// What filters alone ask for; empty unless a test fills it.
    var details: [EntityDetails] = []
    var trend: [Double] = []
    var people: [String: AudienceFacts] = [:]
    var near: [UInt32: [(entity: UInt32, weight: Double)]] = [:]
    var categoryPrices: [UInt32: Double] = [:]
    /// What others did, newest first, and ordered, by number of the person; the last of them have to do with nothing.
    var others: [(actions: [Action], orders: [OrderedItem])] = []
    /// Persons of each entity, the latest last; some have nothing to do with it.
    var circles: [UInt32: (people: [UInt32], buyers: [UInt32])] = [:]

    static let categories = ["a", "b", "c", "d", "e", "f"]
    static let types = ["post", "product"]
    static let brands = 4

    init(_ random: inout SeededRandom, size: Int) {
        for number in 0..<size {
            let type = World.types[random.below(World.types.count)]
            var entity = EntityFacts(number: UInt32(number), type: type, id: "e\(random.below(3))-\(number)")
            if random.below(3) > 0 { entity.title = "Title \(number)" }
            entity.categories = World.categories.indices.filter { _ in random.below(4) == 0 }.map { UInt32($0) }
            if random.below(2) == 0 { entity.brand = UInt32(random.below(World.brands)) }
            if random.below(4) > 0 {
                entity.price = Double(random.below(200)) / 4
                entity.currency = ["EUR", "USD", nil][random.below(3)]
            }
            entity.isAvailable = random.below(4) > 0
            entity.isListed = random.below(6) > 0
            // Few values, so that there are ties.
            entity.popularity = Double(random.below(8)) * Double(random.below(5))
            entities.append(entity)
            trend.append(Double(random.below(6)))
            details.append(EntityDetails())
        }
        func number() -> UInt32 { UInt32(random.below(size)) }
        for entity in 0..<UInt32(size) where random.below(3) > 0 {
            var weights: [UInt32: Double] = [:]
            for _ in 0..<random.below(8) { weights[number()] = Double(1 + random.below(8)) / 8 }
            weights[entity] = nil
            near[entity] = weights.map { (entity: $0.key, weight: $0.value) }
                .sorted { $0.weight != $1.weight ? $0.weight > $1.weight : $0.entity < $1.entity }
        }
        for category in World.categories.indices where random.below(2) == 0 {
            categoryPrices[UInt32(category)] = Double(1 + random.below(40))
        }
        for name in ["u0", "u1", "u2"] {
            var facts = AudienceFacts()
            facts.interactions = random.below(12)
            func actions(_ most: Int) -> [Action] {
                (0..<random.below(most)).map { index in
                    let type = UInt16(random.below(4))
                    let weight: Double = [2, 5, 10, -5][Int(type)]
                    return Action(
                        entity: number(), type: type, weight: weight, occurredAt: World.now - Int64(index) * 60_000)
                }
            }
            if random.below(3) > 0 { facts.session = actions(5) }
            if facts.interactions > 0 { facts.recents = facts.session + actions(20) }
            for category in World.categories.indices where random.below(2) == 0 {
                facts.categories.append(
                    Recommend.Affinity(number: UInt32(category), value: Double(random.below(20)) - 5))
            }
            for brand in 0..<World.brands where random.below(2) == 0 {
                facts.brands.append(Recommend.Affinity(number: UInt32(brand), value: Double(random.below(20)) - 5))
            }
            if random.below(2) == 0 {
                facts.usualPrice = Double(random.below(50))
                facts.usualCurrency = "EUR"
            }
            for _ in 0..<random.below(4) {
                let item = OrderedItem(
                    number(), at: World.now - Int64(random.below(60)) * Timestamp.millisecondsPerDay)
                if !facts.orders.contains(where: { $0.entity == item.entity }) { facts.orders.append(item) }
            }
            people[name] = facts
        }
        fillOthers(&random, size: size)
    }

    private mutating func fillOthers(_ random: inout SeededRandom, size: Int) {
        for person in 0..<24 {
            let actions = (0..<random.below(12)).map { index in
                let type = UInt16(random.below(4))
                return Action(
                    entity: UInt32(random.below(size)), type: type, weight: [2, 5, 10, -5][Int(type)],
                    occurredAt: World.now - Int64(index) * 60_000)
            }
            var orders: [OrderedItem] = []
            for _ in 0..<random.below(8) {
                let item = OrderedItem(
                    UInt32(random.below(size)), at: World.now - Int64(random.below(96)) * 3_600_000)
                if !orders.contains(where: { $0.entity == item.entity }) { orders.append(item) }
            }
            others.append((actions, orders))
            for action in actions where action.weight > 0 {
                circles[action.entity, default: ([], [])].people.removeAll { $0 == person }
                circles[action.entity, default: ([], [])].people.append(UInt32(person))
            }
            for order in orders { circles[order.entity, default: ([], [])].buyers.append(UInt32(person)) }
            // A number that is another person's by now.
            circles[UInt32(random.below(size)), default: ([], [])].people.append(UInt32(24 + person % 3))
            circles[UInt32(random.below(size)), default: ([], [])].buyers.append(UInt32(random.below(24)))
        }
        func unique(_ persons: [UInt32]) -> [UInt32] {
            var seen: Set<UInt32> = []
            return persons.filter { seen.insert($0).inserted }
        }
        circles = circles.mapValues { (unique($0.people), unique($0.buyers)) }
        others += [([], []), ([], []), ([], [])]
        people["u0"]?.persons = [3]
    }

    static let now: Int64 = 1_769_860_800_000

    func audience(_ audience: Audience, now: Int64) -> AudienceFacts {
        people[audience.user ?? audience.session ?? ""] ?? AudienceFacts()
    }

    func entity(type: String, id: String) -> UInt32? {
        entities.first { $0.type == type && $0.id == id }?.number
    }

    func facts(of numbers: [UInt32]) -> [EntityFacts] {
        numbers.filter { $0 < entities.count }.map { entities[Int($0)] }
    }

    func entities(ids: [String], type: String?) -> ContiguousArray<UInt32> {
        ContiguousArray(
            ids.flatMap { id in
                entities.filter { $0.id == id && (type == nil || $0.type == type) }.map(\.number)
            })
    }

    func rankingFacts(of numbers: ContiguousArray<UInt32>, _ measure: PriceMeasure) -> ContiguousArray<RankingFacts> {
        ContiguousArray(
            numbers.filter { $0 < entities.count }.map { number in
                let entity = entities[Int(number)]
                var facts = RankingFacts(number: number)
                facts.type = UInt16(World.types.firstIndex(of: entity.type) ?? 0) + World.firstType
                facts.typeRank = facts.type
                facts.isListed = entity.isListed
                facts.isAvailable = entity.isAvailable
                facts.isPaired = !(near[number] ?? []).isEmpty
                for (place, category) in entity.categories.prefix(4).enumerated() { facts.categories[place] = category }
                facts.furtherCategories = Array(entity.categories.dropFirst(4))
                facts.brand = entity.brand ?? RankingFacts.none
                facts.price = entity.price ?? .nan
                facts.currency = currency(entity.currency)
                facts.inventory = entity.isAvailable ? Int64(number) + 1 : 0
                facts.popularity = entity.popularity
                if entity.currency == "EUR", measure.currency != facts.currency {
                    facts.categoryPrice = entity.categories.lazy.compactMap { categoryPrices[$0] }.first ?? .nan
                }
                return facts
            })
    }

    func details(of numbers: ContiguousArray<UInt32>) -> ContiguousArray<EntityDetails> {
        ContiguousArray(numbers.map { details[Int($0)] })
    }

    var hasEvents: Bool { details.contains { $0.overAt != nil } }

    func forEachNeighbour(
        of numbers: ContiguousArray<UInt32>, _ body: (_ place: Int, _ neighbour: UInt32, _ score: Double) -> Void
    ) {
        for (place, number) in numbers.enumerated() {
            for neighbour in near[number] ?? [] { body(place, neighbour.entity, neighbour.weight) }
        }
    }

    func forEachCompanion(
        of entities: ContiguousArray<UInt32>, whoOrdered: Bool, _ body: (_ place: Int, _ person: UInt32) -> Void
    ) {
        for (place, entity) in entities.enumerated() {
            for person in (whoOrdered ? circles[entity]?.buyers : circles[entity]?.people) ?? [] { body(place, person) }
        }
    }

    func buyerCounts(of entities: ContiguousArray<UInt32>) -> ContiguousArray<Int> {
        ContiguousArray(entities.map { circles[$0]?.buyers.count ?? 0 })
    }

    func forEachOrder(
        ofPersons persons: ContiguousArray<UInt32>,
        _ body: (_ place: Int, _ orders: ContiguousArray<OrderedItem>) -> Void
    ) {
        for (place, person) in persons.enumerated() { body(place, ContiguousArray(others[Int(person)].orders)) }
    }

    func forEachRecent(
        ofPersons persons: ContiguousArray<UInt32>, _ body: (_ place: Int, _ actions: ContiguousArray<Action>) -> Void
    ) {
        for (place, person) in persons.enumerated() { body(place, ContiguousArray(others[Int(person)].actions)) }
    }

    func resembling(_ numbers: ContiguousArray<UInt32>, limit: Int) -> ContiguousArray<Resembling> {
        []
    }

    private func members(_ scope: CatalogueScope) -> [EntityFacts] {
        entities.filter { entity in
            (scope.type == nil || scope.type == entity.type)
                && (scope.category == nil
                    || category(named: scope.category ?? "").map { entity.categories.contains($0) } ?? false)
        }
    }

    func top(_ order: TopOrder, in scope: CatalogueScope, limit: Int, now: Int64) -> ContiguousArray<UInt32> {
        func value(_ entity: EntityFacts) -> Double {
            order == .popular ? entity.popularity : trend[Int(entity.number)]
        }
        let listed = members(scope).filter { $0.isListed && value($0) > 0 }
        let first = listed.sorted { (value($1), $0.number) < (value($0), $1.number) }.prefix(limit)
        return ContiguousArray(first.map(\.number))
    }

    func entities(ofBrand brand: UInt32, type: String?, limit: Int, now: Int64) -> ContiguousArray<UInt32> {
        ContiguousArray(members(CatalogueScope(type: type)).filter { $0.brand == brand }.prefix(limit).map(\.number))
    }

    func newest(inCategory category: UInt32?, limit: Int) -> ContiguousArray<UInt32> {
        let members = entities.reversed().filter { category.map($0.categories.contains) ?? true }
        return ContiguousArray(members.prefix(limit).map(\.number))
    }

    func newest(ofBrand brand: UInt32, limit: Int) -> ContiguousArray<UInt32> {
        ContiguousArray(entities.reversed().filter { $0.brand == brand }.prefix(limit).map(\.number))
    }

    func newest(in scope: CatalogueScope, passing filters: Filters, from place: Int) -> (
        entities: ContiguousArray<UInt32>, next: Int?
    ) {
        let all = members(scope).reversed().map(\.number)
        let end = min(all.count, place + 7)
        return (ContiguousArray(all[min(place, end)..<end]), end < all.count ? end : nil)
    }

    func precedes(_ left: UInt32, _ right: UInt32) -> Bool {
        let (left, right) = (entities[Int(left)], entities[Int(right)])
        return (left.type, left.id) < (right.type, right.id)
    }

    func brand(named name: String) -> UInt32? {
        name.hasPrefix("brand ") ? UInt32(name.dropFirst(6)).flatMap { $0 < World.brands ? $0 : nil } : nil
    }

    /// Number of the first entity type; those of interaction types come before.
    static let firstType: UInt16 = 4
    private static let names = ["view", "cart_add", "order", "cart_remove"] + types
    func name(_ name: String) -> UInt16? { World.names.firstIndex(of: name).map { UInt16($0) } }
    func name(_ number: UInt16) -> String { World.names[Int(number)] }

    static let texts = ["new", "sale", "colour", "size", "red", "blue"]
    func text(named name: String) -> UInt32? { World.texts.firstIndex(of: name).map { UInt32($0) } }
    func currency(_ code: String?) -> UInt32 { ["EUR": 1, "USD": 2][code ?? ""] ?? 0 }

    func category(named name: String) -> UInt32? { World.categories.firstIndex(of: name).map { UInt32($0) } }
    func categoryName(_ number: UInt32) -> String { World.categories[Int(number)] }
    func brandName(_ number: UInt32) -> String { "brand \(number)" }
}

/// SplitMix64: the same numbers from the same seed.
struct SeededRandom: RandomNumberGenerator {
    private var state: UInt64
    init(_ seed: UInt64) { state = seed }

    mutating func next() -> UInt64 {
        state &+= 0x9e37_79b9_7f4a_7c15
        var z = state
        z = (z ^ (z >> 30)) &* 0xbf58_476d_1ce4_e5b9
        z = (z ^ (z >> 27)) &* 0x94d0_49bb_1331_11eb
        return z ^ (z >> 31)
    }

    mutating func below(_ bound: Int) -> Int { Int(next() % UInt64(bound)) }
}
