import Domain
import Foundation
import Storage
import Testing

@testable import Live

/// What a state that lived through a clean-up shows, beside one that is derived from the totals and the rows that are left.
@Suite("After a clean-up")
struct RetentionTests {
    private struct World {
        var harness: Harness
        var fresh: LiveState
        let before: Int64

        /// Thirty days of interactions of a few persons, and a clean-up of all but the last ten.
        init(seed: UInt64) {
            harness = Harness(seed: seed)
            for number in 0..<12 {
                harness.position += 1
                var entity = Entity(type: "product", id: "e-\(number)")
                entity.categories = ["c\(number % 4)", "c\(4 + number % 3)"]
                entity.brand = "brand \(number % 3)"
                entity.price = "\(3 + number).50"
                entity.currency = "EUR"
                harness.state.apply(entity: entity, position: harness.position)
                harness.oracle.put(entity)
            }
            for day in 0..<30 {
                var rows: [PlainRow] = []
                for number in 0..<40 {
                    var row = harness.randomRow(entities: 12)
                    row.entityType = "product"
                    row.entityID = "e-\(Int.random(in: 0..<12, using: &harness.random))"
                    row.verdict = .accepted
                    // Some are up to two days late.
                    let age = Int64.random(
                        in: 0..<(number % 5 == 0 ? 2 * 86_400_000 : 3_600_000), using: &harness.random)
                    row.occurredAt = row.receivedAt - age
                    (row.user, row.visitor) = (nil, nil)
                    row.session = "s-\(day)-\(number % 7)"
                    // Most come every day, some only in the first days.
                    switch number % 4 {
                    case 0: row.user = "u\(number % 9)"
                    case 1: row.user = day < 12 ? "u9" : "u\(number % 3)"
                    case 2: row.visitor = "v\(number % 6)"
                    default: break
                    }
                    rows.append(row)
                }
                harness.apply(rows)
                harness.now += 86_400_000
            }
            before = harness.now / 86_400_000 * 86_400_000 - 10 * 86_400_000
            fresh = LiveState(
                names: harness.names, hasher: harness.hasher, plan: Harness.livePlan(harness.oracle, harness.names))
            for number in 0..<12 {
                var entity = Entity(type: "product", id: "e-\(number)")
                entity.categories = ["c\(number % 4)", "c\(4 + number % 3)"]
                entity.brand = "brand \(number % 3)"
                entity.price = "\(3 + number).50"
                entity.currency = "EUR"
                fresh.apply(entity: entity)
            }
            for batch in harness.log {
                var rest = batch
                rest.rows.removeAll { $0.occurredAt < before }
                fresh.apply(rest)
            }
            _ = harness.state.applyRetention(before: before)
            _ = fresh.applyRetention(before: before)
        }

        func preferences(of rows: (PlainRow) -> Bool) -> PreferenceOracle {
            let events = harness.oracle.events.filter {
                if case .row(let row, _, _, _) = $0 { return rows(row) }
                return false
            }
            return PreferenceOracle(events, entity: { _ in 0 }, affinity: { _ in 0 })
        }
    }

    @Test("What is known of a person is what the rows say that are left", arguments: 1...3)
    func persons(seed: UInt64) {
        let world = World(seed: 9000 + seed)
        let now = world.harness.now
        var seen = 0
        for number in 0..<10 {
            for profile in [
                { (state: LiveState) in state.profile(user: "u\(number)", now: now) },
                { (state: LiveState) in state.profile(visitor: "v\(number)", now: now) },
            ] {
                let (left, right) = (profile(world.harness.state), profile(world.fresh))
                #expect(left == right)
                if left != nil { seen += 1 }
            }
        }
        #expect(seen > 8)
        // Came in the first days only.
        #expect(world.harness.state.profile(user: "u9", now: now) == nil)
    }

    @Test("Neighbours and usual prices keep what was cleaned up, and a rebuild shows what is left of them")
    func sums() {
        let world = World(seed: 77)
        let now = world.harness.now
        let all = world.preferences { _ in true }
        let left = world.preferences { $0.occurredAt >= world.before }
        let present = PreferenceDecay().factor(now)
        var checked = 0
        for number in 0..<12 {
            let name = Oracle.Name(type: "product", id: "e-\(number)")
            for (state, model) in [(world.harness.state, all), (world.fresh, left)] {
                guard let entity = state.entityNumber(type: name.type, id: name.id) else { continue }
                let got = state.neighbours(of: entity, now: now)
                for neighbour in got {
                    let other = state.descriptions(of: [neighbour.entity])[0].entityID
                    let wanted = (model.trueSums[name]?[.init(type: "product", id: other)] ?? 0) / present
                    #expect(abs(neighbour.weight - wanted) <= 1e-4 * wanted)
                    checked += 1
                }
                #expect(got.count == (model.trueSums[name] ?? [:]).count)
            }
            // So they differ by the pairs with what was cleaned up alone, and those fade.
            for (other, weight) in left.trueSums[name] ?? [:] {
                #expect(weight <= (all.trueSums[name]?[other] ?? 0) * (1 + 1e-9))
            }
        }
        #expect(checked > 200)
        for number in 0..<7 {
            for (state, model) in [(world.harness.state, all), (world.fresh, left)] {
                let got = state.usualPrice(category: "c\(number)")
                let wanted = model.categoryPrices["c\(number)"]
                #expect(got?.interactions == wanted.map { Int64($0.count) })
                guard let got, let wanted else { continue }
                #expect(abs(got.price - pow(2, wanted.logarithms / wanted.weight)) <= 1e-9 * got.price)
            }
        }
    }
}
