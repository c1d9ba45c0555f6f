import Domain
import Foundation
import Storage
import Testing

@testable import Live

extension Harness {
    /// The oracle's view of preferences, with the numbers that the state has given.
    func preferences() -> PreferenceOracle {
        PreferenceOracle(
            oracle.events,
            entity: { name in state.entityNumber(type: name.type, id: name.id) ?? .max },
            affinity: { label in
                let name = String(label.dropFirst(2))
                return state.state.withLock { state in
                    if label.hasPrefix("c:") { return (state.core.categories.find(name) ?? 0) * 2 }
                    return UInt32(state.core.brands.names.firstIndex(of: name) ?? 0) * 2 + 1
                }
            })
    }

    func name(_ number: EntityNumber) -> Oracle.Name {
        let described = state.descriptions(of: [number]).first
        return Oracle.Name(type: described?.entityType ?? "", id: described?.entityID ?? "")
    }

    func checkPreferences(_ comment: Comment) {
        let model = preferences()
        let present = PreferenceDecay().factor(now)
        for number in 0..<10 {
            check(state.profile(user: "u\(number)", now: now), model.persons["u:u\(number)"], present, comment)
            check(state.profile(visitor: "v\(number)", now: now), model.persons["v:v\(number)"], present, comment)
        }
        for id in Set(oracle.rows.compactMap(\.session)) {
            let profile = state.profile(session: id, now: now)
            #expect(profile?.interactionCount == model.sessions[id].map { Int64($0.count) }, "\(id) \(comment)")
            let window = model.sessions[id].map { _ in model.window(id).reversed().map(\.name) }
            #expect(profile?.recent.map { name($0.entity) } == window, "\(id) \(comment)")
            #expect(profile?.ordered ?? [] == [], "\(comment)")
        }
        checkNeighbours(model, present, comment)
        for category in Self.categoryNames {
            check(state.usualPrice(category: category), model.categoryPrices[category] ?? .init(), comment)
        }
    }

    private func check(
        _ profile: PersonProfile?, _ person: PreferenceOracle.Person?, _ present: Double, _ comment: Comment
    ) {
        #expect((profile == nil) == (person == nil), comment)
        guard let profile, let person else { return }
        #expect(profile.interactionCount == Int64(person.kept.count), comment)
        let all = person.affinities.all
        for (sort, got) in [("c:", profile.categories), ("b:", profile.brands)] {
            let wanted = all.filter { $0.key.hasPrefix(sort) }
            #expect(Set(got.map { sort + $0.name }) == Set(wanted.keys), comment)
            let greatest = wanted.values.map { abs($0) }.max() ?? 0
            for affinity in got {
                let weight = wanted[sort + affinity.name] ?? 0
                #expect(Self.near(affinity.weight, weight / present), comment)
                #expect(Self.near(affinity.share, greatest > 0 ? weight / greatest : 0), comment)
            }
            #expect(got.map(\.share) == got.map(\.share).sorted(by: >), comment)
        }
        #expect(profile.categories.count + profile.brands.count <= ProfileLimits.affinities, comment)
        check(profile.usualPrice, person.price, comment)
        #expect(profile.recent.map { name($0.entity) } == person.kept.reversed().map(\.name), comment)
        #expect(profile.recent.map(\.occurredAt) == person.kept.reversed().map(\.moment), comment)
        let types = Dictionary(uniqueKeysWithValues: oracle.types.map { ($0.name, $0) })
        let weights = person.kept.reversed().map { types[$0.type].map { $0.preference ?? $0.weight } ?? 0 }
        #expect(profile.recent.map(\.weight) == weights, comment)
        let ordered = person.orders.filter { $0.at >= now - 30 * 86_400_000 }
        let got = Dictionary(uniqueKeysWithValues: profile.ordered.map { (name($0.entity), $0.orderedAt) })
        #expect(got == Dictionary(uniqueKeysWithValues: ordered.map { ($0.name, $0.at) }), comment)
        #expect(profile.ordered.map(\.orderedAt) == ordered.map(\.at).sorted(by: >), comment)
    }

    private func check(_ got: UsualPrice?, _ wanted: PreferenceOracle.Price, _ comment: Comment) {
        #expect((got == nil) == (wanted.weight <= 0), comment)
        guard let got, wanted.weight > 0 else { return }
        #expect(abs(got.price - pow(2, wanted.logarithms / wanted.weight)) <= 1e-9 * got.price, comment)
        #expect(got.currency == wanted.currency, comment)
        #expect(got.interactions == Int64(wanted.count), comment)
    }

    private func checkNeighbours(_ model: PreferenceOracle, _ present: Double, _ comment: Comment) {
        for (name, known) in oracle.entities {
            guard let number = state.entityNumber(type: name.type, id: name.id) else {
                Issue.record("\(name) is missing; \(comment)")
                continue
            }
            let thing = model.things[name] ?? .init()
            let wanted = thing.neighbours.all.filter {
                let known = oracle.entities[$0.key]
                return known?.isHidden == false && known?.isDeleted == false && $0.value > 0
            }
            let got = state.neighbours(of: number, now: now)
            #expect(Set(got.map { self.name($0.entity) }) == Set(wanted.keys), "\(name) \(comment)")
            #expect(got.map(\.score) == got.map(\.score).sorted(by: >), comment)
            for neighbour in got {
                let other = self.name(neighbour.entity)
                let weight = wanted[other] ?? 0
                let score = weight / (thing.pairs.squareRoot() * (model.things[other]?.pairs ?? 0).squareRoot())
                #expect(Self.near(neighbour.weight, weight / present), "\(name) \(comment)")
                #expect(Self.near(neighbour.score, min(1, score)) && neighbour.score <= 1, "\(name) \(comment)")
                #expect(weight <= (model.trueSums[name]?[other] ?? 0) * 1.000_1, "\(name) \(comment)")
            }
            #expect(got.count <= ProfileLimits.neighbours)
            #expect(state.neighbours(of: number, limit: 3, now: now) == Array(got.prefix(3)), comment)
            let posts = names.intern("post")
            #expect(
                state.neighbours(of: number, ofType: posts, now: now)
                    == got.filter { self.name($0.entity).type == "post" }, comment)
            let features = state.features(of: [number], now: now).first
            #expect(features?.price == known.price, comment)
            #expect(features?.inventory == known.inventory, comment)
            #expect(features?.isHidden == known.isHidden && features?.isDeleted == known.isDeleted, comment)
            #expect(features?.isPlaceholder == known.isPlaceholder, comment)
            #expect(Currency.code(features?.currency ?? 0) == known.currency, comment)
            #expect(Self.near(features?.pairWeight ?? -1, thing.pairs / present), comment)
            let categories = (0..<4).compactMap { place -> String? in
                guard let number = features?.categories[place], number != EntityFeatures.none else { return nil }
                return state.categoryName(number)
            }
            #expect(categories == Array(known.categories.prefix(4)), comment)
            #expect(state.descriptions(of: [number]).first?.brand == known.brand, comment)
        }
        #expect(state.neighbours(of: .max, now: now).isEmpty)
        #expect(state.features(of: [.max], now: now).isEmpty && state.descriptions(of: [.max]).isEmpty)
        #expect(state.profile(user: "nobody", now: now) == nil && state.profile(session: "", now: now) == nil)
    }
}

@Suite("Preferences and neighbours against a slow recomputation")
struct PreferencePropertyTests {
    @Test("Everything equals the recomputation, whatever comes in whatever order", arguments: 1...8)
    func everything(seed: Int) throws {
        let folder = try ScratchFolder()
        var harness = Harness(seed: UInt64(seed) &+ 4000)
        harness.oracle.types[5].preference = -5
        harness.applyPlan()
        for round in 0..<40 {
            let comment: Comment = "seed \(seed), round \(round)"
            switch Int.random(in: 0..<10, using: &harness.random) {
            case 0: harness.now += Int64.random(in: 0..<3 * 86_400_000, using: &harness.random)
            case 1:
                for index in harness.oracle.types.indices {
                    harness.oracle.types[index].preference = Double(Int.random(in: -4...10, using: &harness.random))
                }
                harness.applyPlan()
            case 2..<7: for _ in 0..<8 { harness.putRandomEntity(entities: 160) }
            case 7 where round % 3 == 0:
                harness.position += 1
                let before = harness.now - Int64.random(in: 0..<40 * 86_400_000, using: &harness.random)
                _ = harness.state.applyRetention(before: before, position: harness.position)
                harness.oracle.noteRetention(before)
            case 8:
                let path = folder.file("live")
                try harness.state.freeze().write(to: path)
                let loading = LiveState.load(
                    from: path, names: harness.names, hasher: harness.hasher,
                    plan: Harness.livePlan(harness.oracle, harness.names))
                guard case .loaded(let loaded) = loading else {
                    Issue.record("The snapshot could not be loaded; \(comment)")
                    return
                }
                harness.state = loaded
            default: break
            }
            harness.applyRandom(Int.random(in: 0..<90, using: &harness.random), entities: 160)
            harness.now += Int64.random(in: 0..<90_000, using: &harness.random)
            if round % 8 == 7 { harness.checkPreferences(comment) }
        }
    }

    @Test("Tables overflow in the same way as the recomputation's")
    func overflow() {
        var harness = Harness(seed: 31)
        for number in 0..<300 {
            harness.position += 1
            var entity = Entity(type: "product", id: "e-\(number)")
            entity.categories = (0..<5).map { "c\((number * 7 + $0 * 11) % 90)" }
            entity.brand = "brand \(number % 50)"
            harness.state.apply(entity: entity, position: harness.position)
            harness.oracle.put(entity)
        }
        var rows: [PlainRow] = []
        for _ in 0..<3000 {
            var row = harness.randomRow(entities: 300)
            let share = Double.random(in: 0..<1, using: &harness.random)
            row.entityType = "product"
            row.entityID = "e-\(Int(share * share * 300))"
            row.user = "u\(Int.random(in: 0..<3, using: &harness.random))"
            rows.append(row)
            harness.now += 1000
        }
        harness.apply(rows)
        harness.checkPreferences("overflow")
        let full = harness.oracle.entities.keys.filter { name in
            guard let number = harness.state.entityNumber(type: name.type, id: name.id) else { return false }
            return harness.state.neighbours(of: number, now: harness.now).count >= 60
        }
        #expect(full.count > 10)
    }

    @Test("Decay and logarithm are right to the last few bits, at any moment")
    func numbers() {
        let decay = PreferenceDecay()
        var random = SeededGenerator(seed: 12)
        for _ in 0..<5000 {
            let moment = Int64.random(in: -700_000_000_000...3_800_000_000_000, using: &random)
            let exact = exp2((Double(moment) / 3_600_000 - 438_288) / 720)
            #expect(abs(decay.factor(moment) - exact) <= 1e-12 * exact)
            let x = exp(Double.random(in: -30...30, using: &random))
            #expect(abs(binaryLogarithm(x) - log2(x)) <= 1e-14 * max(1, abs(log2(x))))
        }
        #expect(binaryLogarithm(1) == 0 && binaryLogarithm(8) == 3)
        for moment in [Int64.min, .min + 1, -1 << 50, 1 << 50, .max - 1, .max] {
            #expect(decay.factor(moment).isNormal && decay.factor(moment) > 0)
        }
    }

    @Test("Two looks at the same two things make them neighbours at once, in a session without a person too")
    func firstPair() throws {
        for (user, session) in [("u", nil), (nil, "s"), ("u", "s")] as [(String?, String?)] {
            var harness = Harness(seed: 3)
            for id in ["a", "b"] {
                harness.position += 1
                harness.apply([
                    PlainRow(
                        position: harness.position, occurredAt: harness.now, receivedAt: harness.now, type: "view",
                        entityType: "product", entityID: id, user: user, session: session)
                ])
            }
            let number = try #require(harness.state.entityNumber(type: "product", id: "a"))
            let neighbours = harness.state.neighbours(of: number, now: harness.now)
            #expect(neighbours.map { harness.name($0.entity).id } == ["b"])
            #expect(abs((neighbours.first?.score ?? 0) - 1) < 2e-6)
            #expect(abs((neighbours.first?.weight ?? 0) - 4) < 8e-6)
        }
    }
}
