import Domain
import Foundation
import Storage
import Testing

@testable import Live

@Suite("Live state: time, retention, plans, threads")
struct LiveBehaviourTests {
    @Test("A new half-life holds after the decayed sums are rebuilt from the log, to the bit", arguments: 1...3)
    func halfLife(seed: Int) {
        var harness = Harness(seed: UInt64(seed) &+ 300, limits: LivePropertyTests.small)
        for _ in 0..<20 {
            harness.applyRandom(40, entities: 40)
            harness.now += Int64.random(in: 0..<40_000_000, using: &harness.random)
        }
        #expect(!harness.state.needsDecayRebuild)
        let old = harness.state.popular(PopularQuery(mode: .trending, limit: 8), now: harness.now)
        harness.oracle.halfLife = [0.5, 6, 400][seed - 1]
        harness.oracle.windowHours = [24, 100, 700][seed - 1]
        harness.applyPlan()
        #expect(harness.state.needsDecayRebuild)
        if seed == 3 {
            // Until the rebuild the old half-life holds, over the new window.
            let still = harness.state.popular(PopularQuery(mode: .trending, window: .day, limit: 8), now: harness.now)
            #expect(still.allSatisfy { $0.score >= 0 } && !old.isEmpty)
        }
        // Interactions go on before the rebuild, and the scan hands over more than it must.
        harness.applyRandom(30, entities: 40)
        let start = harness.state.decayRebuildPosition
        harness.state.rebuildDecay { feed in
            for batch in harness.log {
                var rest = batch
                rest.rows.removeAll { $0.position <= start }
                feed(rest)
            }
        }
        #expect(!harness.state.needsDecayRebuild)
        harness.checkAll("seed \(seed)")
        // One that had the new half-life from the start says the same, to the bit.
        let core = LiveCore(
            names: harness.names, hasher: harness.hasher, plan: Harness.livePlan(harness.oracle, harness.names),
            limits: LivePropertyTests.small)
        let fresh = LiveState(core, limits: LivePropertyTests.small)
        for batch in harness.log { fresh.apply(batch) }
        for mode in PopularMode.allCases {
            for window in TimeWindow.allCases {
                let query = PopularQuery(mode: mode, window: window, limit: 8)
                #expect(fresh.popular(query, now: harness.now) == harness.state.popular(query, now: harness.now))
            }
        }
        harness.now += 5_000_000
        harness.applyRandom(60, entities: 40)
        harness.checkAll("seed \(seed), afterwards")
    }

    @Test("Retention drops old sessions and interactions of persons and returns their totals", arguments: 1...3)
    func retention(seed: Int) {
        var harness = Harness(seed: UInt64(seed) &+ 400, limits: LivePropertyTests.small)
        var folded: [Int64: (Int64, Int64)] = [:]
        var all: (Int64, Int64) = (0, 0)
        for round in 0..<24 {
            harness.applyRandom(40, entities: 40)
            harness.now += Int64.random(in: 0..<50_000_000, using: &harness.random)
            guard round % 6 == 5 else { continue }
            let moment = harness.now - Int64.random(in: 0..<12 * 86_400_000, using: &harness.random)
            let before = Oracle.floorDivide(moment, 3_600_000) * 3_600_000
            harness.oracle.retainedFrom = max(harness.oracle.retainedFrom, before)
            for row in harness.oracle.rows where harness.oracle.moment(row) < before {
                harness.oracle.gone.insert(row.position)
            }
            for id in Set(harness.oracle.rows.compactMap(\.session)) {
                guard let session = harness.oracle.session(id), session.last < before else { continue }
                harness.oracle.dropped.insert(id)
                let day = Oracle.floorDivide(session.start, 86_400_000)
                folded[day, default: (0, 0)].0 += 1
                folded[day, default: (0, 0)].1 += session.isBounce ? 1 : 0
            }
            // A session that comes back after it was dropped begins anew: the oracle would need its past, so rounds
            // after this one use other names.
            let got = harness.state.applyRetention(before: moment)
            #expect(got.map(\.day) == got.map(\.day).sorted())
            for day in got {
                all = (all.0 + day.sessions, all.1 + day.bounces)
                folded[day.day, default: (0, 0)].0 -= day.sessions
                folded[day.day, default: (0, 0)].1 -= day.bounces
            }
            #expect(folded.values.allSatisfy { $0 == (0, 0) }, "seed \(seed), round \(round)")
            let kept = Set(harness.oracle.rows.compactMap(\.session)).subtracting(harness.oracle.dropped)
            let total = harness.state.totals(window: .all, now: harness.now)
            #expect(total.sessions == Int64(kept.count) + all.0)
            harness.checkEntities("seed \(seed), round \(round)")
            harness.checkPersons("seed \(seed), round \(round)")
            harness.checkSessions("seed \(seed), round \(round)")
            harness.sessionPrefix = "s\(round)-"
            for _ in 0..<20 { harness.check(harness.randomQuery(), "seed \(seed), round \(round)") }
        }
    }

    @Test("Daily totals and the rows that are left give the same counts as all rows")
    func rebuild() {
        var harness = Harness(seed: 500)
        for _ in 0..<30 {
            harness.applyRandom(40, entities: 40)
            harness.now += 86_400_000
        }
        let before = harness.now / 86_400_000 * 86_400_000 - 10 * 86_400_000
        var totals: [String: DailyTotal] = [:]
        for row in harness.oracle.rows where harness.oracle.moment(row) < before {
            let day = Oracle.floorDivide(harness.oracle.moment(row), 86_400_000)
            let key = "\(day) \(row.entityType) \(row.entityID) \(row.type)"
            var total =
                totals[key]
                ?? DailyTotal(
                    day: day, entityType: row.entityType, entityID: row.entityID, type: row.type, count: 0,
                    lastAt: .min)
            total.count += 1
            total.lastAt = max(total.lastAt, harness.oracle.moment(row))
            totals[key] = total
        }
        let sessions = harness.state.applyRetention(before: before)
        let fresh = LiveState(
            names: harness.names, hasher: harness.hasher, plan: Harness.livePlan(harness.oracle, harness.names))
        fresh.restore(dailyTotals: Array(totals.values), dailySessions: sessions)
        _ = fresh.applyRetention(before: before)
        for batch in harness.log {
            var rest = batch
            rest.rows.removeAll { min($0.occurredAt, $0.receivedAt + 3_600_000) < before }
            fresh.apply(rest)
        }
        for name in harness.oracle.entities.keys {
            let left = fresh.stats(entityType: name.type, id: name.id, now: harness.now)
            let right = harness.state.stats(entityType: name.type, id: name.id, now: harness.now)
            #expect(left?.counts == right?.counts)
            #expect(left?.lastInteraction == right?.lastInteraction)
            #expect(Harness.near(left?.trendingScore ?? -1, right?.trendingScore ?? -2))
        }
        for window in TimeWindow.allCases {
            #expect(
                fresh.totals(window: window, now: harness.now).interactions
                    == harness.state.totals(window: window, now: harness.now).interactions)
        }
        for number in 0..<10 {
            #expect(fresh.recent(user: "u\(number)") == harness.state.recent(user: "u\(number)"))
        }
    }

    @Test("Batches that were applied before are passed over")
    func again() {
        var harness = Harness(seed: 600, limits: LivePropertyTests.small)
        harness.applyRandom(200, entities: 20)
        for batch in harness.log { harness.state.apply(batch) }
        harness.checkAll("applied twice")
    }

    @Test("The example of the documents: 2 views, 1 cart, 1 order, 3 search clicks are worth 2·2 + 5 + 10 + 3")
    func example() {
        var harness = Harness(seed: 700)
        let kinds = ["view", "view", "cart_add", "order", "search_click", "search_click", "search_click"]
        let rows = kinds.map { type in
            harness.position += 1
            return PlainRow(
                position: harness.position, occurredAt: harness.now - 72 * 3_600_000, receivedAt: harness.now,
                type: type, entityType: "product", entityID: "123", session: "s")
        }
        harness.apply(rows)
        let item = harness.state.popular(PopularQuery(mode: .overall, limit: 1), now: harness.now).first
        #expect(item?.score == 22)
        #expect(item?.popularityScore == 22)
        // One half-life ago: half of it.
        #expect(Harness.near(item?.trendingScore ?? 0, 11))
        #expect(
            item?.counts == [
                CounterValue(counter: "view_count", count: 2), CounterValue(counter: "cart_add_count", count: 1),
                CounterValue(counter: "order_count", count: 1), CounterValue(counter: "search_click_count", count: 3),
            ])
        #expect(harness.state.session(id: "s")?.engagementScore == 7)
        #expect(harness.state.popular(PopularQuery(mode: .overall, window: .day), now: harness.now).isEmpty)
        #expect(harness.state.popular(PopularQuery(mode: .overall, limit: 0), now: harness.now).isEmpty)
        #expect(harness.state.popular(PopularQuery(mode: .overall, category: "none"), now: harness.now).isEmpty)
    }

    @Test("A score that rises because a negative interaction leaves the window is seen at once")
    func risingScore() {
        var harness = Harness(seed: 900, negative: true)
        let hour: Int64 = 3_600_000
        harness.now = harness.now / hour * hour
        func row(_ type: String, _ id: String, hoursAgo: Int64) -> PlainRow {
            harness.position += 1
            return PlainRow(
                position: harness.position, occurredAt: harness.now - hoursAgo * hour, receivedAt: harness.now,
                type: type, entityType: "product", entityID: id)
        }
        harness.apply([
            row("cart_remove", "a", hoursAgo: 24), row("view", "a", hoursAgo: 1), row("view", "b", hoursAgo: 1),
        ])
        for mode in [PopularMode.overall, .trending] {
            let query = PopularQuery(mode: mode, window: .day)
            #expect(harness.state.popular(query, now: harness.now).map(\.entityID) == ["b"])
            #expect(harness.state.popular(query, now: harness.now + hour).map(\.entityID) == ["a", "b"])
            // And back, for a clock that was set back.
            #expect(harness.state.popular(query, now: harness.now).map(\.entityID) == ["b"])
        }
    }

    @Test("Readers on other threads see whole states that only go forward while interactions are applied")
    func threads() async throws {
        let folder = try ScratchFolder()
        let path = folder.file("live")
        var harness = Harness(seed: 800, limits: LivePropertyTests.small)
        let state = harness.state
        let now = harness.now
        var batches: [InteractionBatch] = []
        for _ in 0..<40 {
            let rows = (0..<200).map { _ in harness.randomRow(entities: 300) }
            batches.append(Harness.batch(rows, harness.names, harness.hasher))
        }
        let accepted = batches.reduce(0) { $0 + $1.rows.count { $0.verdict == .accepted } }
        try await withThrowingTaskGroup(of: Void.self) { group in
            group.addTask { [batches] in
                for (index, batch) in batches.enumerated() {
                    state.apply(batch)
                    if index % 10 == 5 {
                        // Written while interactions go on.
                        let frozen = state.freeze()
                        let writing = Task { try frozen.write(to: path) }
                        for batch in batches[index + 1..<min(index + 10, batches.count)] {
                            state.apply(batch)
                            await Task.yield()
                        }
                        try await writing.value
                    }
                    await Task.yield()
                }
            }
            for reader in 0..<3 {
                group.addTask {
                    var last: Int64 = 0
                    for round in 0..<100 {
                        let list = state.popular(
                            PopularQuery(
                                mode: PopularMode.allCases[(round + reader) % 6],
                                window: TimeWindow.allCases[round % 5], limit: 8), now: now)
                        for (one, next) in zip(list, list.dropFirst()) { #expect(one.score >= next.score) }
                        let total = state.totals(window: .all, now: now).interactions.reduce(0) { $0 + $1.count }
                        #expect(total >= last)
                        last = total
                        _ = state.recent(user: "u1")
                        _ = state.session(id: "s1")
                        if round % 10 == 0 { state.maintain(now: now) }
                        await Task.yield()
                    }
                }
            }
            try await group.waitForAll()
        }
        #expect(state.totals(window: .all, now: now).interactions.reduce(0) { $0 + $1.count } == Int64(accepted))
        #expect(
            state.memory().map(\.owner) == [
                "entities", "buckets", "persons", "sessions", "preferences", "neighbours", "circles", "boards", "names",
            ])
        #expect(state.memory().allSatisfy { $0.bytes > 0 })
    }
}
