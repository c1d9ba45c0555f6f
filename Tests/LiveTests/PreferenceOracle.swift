import Domain

@testable import Live

/// Preferences, neighbours, usual prices and orders, computed from the first interaction on at each question, in plain
/// dictionaries and lists.
struct PreferenceOracle {
    typealias Name = Oracle.Name

    /// What happened, with the plan and the catalogue as they were then.
    enum Event {
        case row(PlainRow, moment: Int64, types: [String: PlainType], known: Oracle.Known)
        case retention(Int64, types: [String: PlainType], known: [Name: Oracle.Known])
    }

    /// A table of weights as its description has it: sets of eight in order of arrival.
    struct Table<Key: Hashable> {
        var sets: [Int: [(key: Key, weight: Double)]] = [:]
        var all: [Key: Double] {
            Dictionary(uniqueKeysWithValues: sets.values.flatMap { $0 }.map { ($0.key, $0.weight) })
        }

        mutating func add(_ key: Key, number: UInt32, sets count: Int, _ amount: Double) {
            let place = Int((number &* 0x9e37_79b1) >> 24) % count
            var set = sets[place] ?? []
            if let index = set.firstIndex(where: { $0.key == key }) {
                set[index].weight = short(set[index].weight + amount, amount)
            } else if set.count < 8 {
                set.append((key, short(amount, amount)))
            } else {
                let least = set.map { abs($0.weight) }.min() ?? 0
                let weakest = set.firstIndex { abs($0.weight) == least } ?? 0
                if least > abs(amount) {
                    let worn = set[weakest].weight - (set[weakest].weight < 0 ? -1 : 1) * abs(amount)
                    set[weakest].weight = short(worn, amount)
                } else {
                    set[weakest] = (key, short(amount, amount))
                }
            }
            sets[place] = set
        }

        /// A sum as it is kept: the next number with 20 bits of fraction below or above it.
        private func short(_ sum: Double, _ amount: Double) -> Double {
            ShortWeight.value(ShortWeight.bits(sum, adding: amount))
        }
    }

    struct Price {
        var weight = 0.0
        var logarithms = 0.0
        var currency: String?
        var count = 0

        mutating func add(_ price: Double, _ currency: String?, _ amount: Double) {
            if count == 0 || currency != self.currency {
                if weight > amount {
                    logarithms *= (weight - amount) / weight
                    weight -= amount
                    return
                }
                self = Price(currency: currency)
            }
            weight += amount
            logarithms += amount * binaryLogarithm(price)
            count += 1
        }
    }

    struct Kept {
        var moment: Int64
        var position: Int64
        var type: String
        var name: Name
    }

    struct Person {
        var kept: [Kept] = []
        var affinities = Table<String>()
        var price = Price()
        var orders: [(name: Name, at: Int64)] = []

        /// Counts an interaction in the affinities and the usual price.
        mutating func prefer(
            _ known: Oracle.Known, _ amount: Double, _ affinityNumber: (String) -> UInt32
        ) {
            guard amount != 0 else { return }
            let liked = known.categories.prefix(4).map { "c:" + $0 } + (known.brand.map { ["b:" + $0] } ?? [])
            for label in liked { affinities.add(label, number: affinityNumber(label), sets: 4, amount) }
            if let price = known.price, price > 0, amount > 0 { self.price.add(price, known.currency, amount) }
        }
    }

    struct Session {
        var last: Int64
        var count = 0
        var window: [Kept] = []
    }

    struct Thing {
        var neighbours = Table<Name>()
        var pairs = 0.0
    }

    private let decay = PreferenceDecay()
    private let entityNumber: (Name) -> UInt32
    private let affinityNumber: (String) -> UInt32
    private var watermark: Int64 = 0
    private(set) var persons: [String: Person] = [:]
    private(set) var sessions: [String: Session] = [:]
    private(set) var things: [Name: Thing] = [:]
    private(set) var categoryPrices: [String: Price] = [:]
    /// Sums of pairs of which nothing was ever worn down.
    private(set) var trueSums: [Name: [Name: Double]] = [:]

    init(_ events: [Event], entity: @escaping (Name) -> UInt32, affinity: @escaping (String) -> UInt32) {
        entityNumber = entity
        affinityNumber = affinity
        for event in events {
            switch event {
            case .row(let row, let moment, let types, let known): add(row, moment, types, known)
            case .retention(let before, let types, let known): clean(before, types, known)
            }
        }
    }

    func window(_ id: String) -> [Kept] {
        guard let session = sessions[id], session.last >= watermark - 86_400_000 else { return [] }
        return session.window
    }

    private mutating func add(
        _ row: PlainRow, _ moment: Int64, _ types: [String: PlainType], _ known: Oracle.Known
    ) {
        watermark = max(watermark, row.receivedAt)
        let name = Name(type: row.entityType, id: row.entityID)
        let kept = Kept(moment: moment, position: row.position, type: row.type, name: name)
        let weight = types[row.type].map { $0.preference ?? $0.weight } ?? 0
        let amount = weight * decay.factor(moment)
        let price = known.price.flatMap { $0 > 0 ? $0 : nil }
        if let price, amount > 0 {
            for category in known.categories.prefix(4) {
                categoryPrices[category, default: Price()].add(price, known.currency, amount)
            }
        }
        let who = row.user.map { "u:" + $0 } ?? row.visitor.map { "v:" + $0 }
        if let who {
            pair(kept, Array((persons[who]?.kept ?? []).filter { precedes($0, kept) }.suffix(30)), amount, types)
        } else if let id = row.session {
            pair(kept, window(id).filter { precedes($0, kept) }, amount, types)
        }
        if let id = row.session {
            var session = sessions[id] ?? Session(last: moment)
            if session.last < watermark - 86_400_000 { session.window = [] }
            session.last = max(session.last, moment)
            session.count += 1
            session.window.append(kept)
            session.window.sort(by: precedes)
            var seen: Set<Name> = []
            session.window = session.window.reversed().filter { seen.insert($0.name).inserted }.prefix(10).reversed()
            sessions[id] = session
        }
        guard let id = who else { return }
        var person = persons[id] ?? Person()
        person.prefer(known, amount, affinityNumber)
        if types[row.type]?.counter == "order_count" {
            if let index = person.orders.firstIndex(where: { $0.name == name }) {
                person.orders[index].at = max(person.orders[index].at, moment)
            } else {
                person.orders.append((name, moment))
                if person.orders.count > 64 {
                    let oldest = person.orders.map(\.at).min()
                    // Among equals the newcomer goes.
                    let index = moment == oldest ? 64 : person.orders.firstIndex { $0.at == oldest } ?? 64
                    person.orders.remove(at: index)
                }
            }
        }
        person.kept.append(kept)
        person.kept.sort(by: precedes)
        person.kept = person.kept.suffix(100)
        persons[id] = person
    }

    private func precedes(_ left: Kept, _ right: Kept) -> Bool {
        (left.moment, left.position) < (right.moment, right.position)
    }

    private mutating func pair(
        _ kept: Kept, _ earlier: [Kept], _ amount: Double, _ types: [String: PlainType]
    ) {
        guard amount > 0 else { return }
        var partners: [(name: Name, weight: Double)] = []
        for other in earlier.reversed() where other.name != kept.name {
            let weight = types[other.type].map { $0.preference ?? $0.weight } ?? 0
            if weight > 0, !partners.contains(where: { $0.name == other.name }) {
                partners.append((other.name, weight))
            }
        }
        for (index, partner) in partners.prefix(10).enumerated() {
            let weight = amount * partner.weight * (Double(10 - index) / 10)
            for (one, two) in [(kept.name, partner.name), (partner.name, kept.name)] {
                things[one, default: Thing()].pairs += weight
                things[one, default: Thing()].neighbours.add(two, number: entityNumber(two), sets: 8, weight)
                trueSums[one, default: [:]][two, default: 0] += weight
            }
        }
    }

    private mutating func clean(_ moment: Int64, _ types: [String: PlainType], _ known: [Name: Oracle.Known]) {
        let before = Int64((Double(moment) / 3_600_000).rounded(.down)) * 3_600_000
        sessions = sessions.filter { $0.value.last >= before }
        for (id, old) in persons {
            var person = old
            person.orders.removeAll { $0.at < before }
            if person.kept.contains(where: { $0.moment < before }) {
                person.kept.removeAll { $0.moment < before }
                (person.affinities, person.price) = (Table(), Price())
                for kept in person.kept.sorted(by: { $0.position < $1.position }) {
                    let weight = types[kept.type].map { $0.preference ?? $0.weight } ?? 0
                    person.prefer(known[kept.name] ?? .init(), weight * decay.factor(kept.moment), affinityNumber)
                }
            }
            persons[id] = person.kept.isEmpty ? nil : person
        }
    }
}
