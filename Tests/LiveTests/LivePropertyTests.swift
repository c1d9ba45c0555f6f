import Domain
import Storage
import Synchronization
import Testing

@testable import Live

@Suite("Live state against a slow recomputation")
struct LivePropertyTests {
    static let small = Limits(
        places: 8, mostPlaces: 12, backlog: 24, singly: 4, changes: 32, boards: 12, slice: 5, waiting: 3)

    /// Few places, but a long memory for changes, so that lists are worked on rather than made anew.
    static let patient = Limits(
        places: 8, mostPlaces: 12, backlog: 2000, singly: 2, changes: 2048, boards: 30, slice: 50, waiting: 100)

    @Test("Everything equals the recomputation, whatever comes in whatever order", arguments: 1...12)
    func everything(seed: Int) {
        var harness = Harness(
            seed: UInt64(seed), limits: [Limits(), Self.small, Self.patient, Self.patient][seed % 4],
            negative: seed % 3 == 0)
        for round in 0..<60 {
            let comment: Comment = "seed \(seed), round \(round)"
            switch Int.random(in: 0..<12, using: &harness.random) {
            case 0: harness.now += Int64.random(in: 0..<3_600_000, using: &harness.random)
            case 1: harness.now = (harness.now / 3_600_000 + 1) * 3_600_000
            case 2: harness.now += Int64.random(in: 0..<3 * 86_400_000, using: &harness.random)
            case 3: harness.now += 60_000
            case 4:
                for index in harness.oracle.types.indices {
                    harness.oracle.types[index].weight = Double(
                        Int.random(in: seed % 3 == 0 ? -4...10 : 0...10, using: &harness.random))
                }
                harness.applyPlan()
            case 5..<8: harness.putRandomEntity(entities: 60)
            default: break
            }
            // Now and then only time goes on.
            if round % 4 != 3 {
                harness.applyRandom(Int.random(in: 0..<40, using: &harness.random), entities: 60)
            }
            harness.now += Int64.random(in: 0..<30_000, using: &harness.random)
            for _ in 0..<6 { harness.check(harness.randomQuery(), comment) }
            if round % 10 == 9 { harness.checkAll(comment) }
            if round % 3 == 0 { harness.state.maintain(now: harness.now) }
            if seed > 4 {
                // Boards half made are not to be taken for whole ones.
                harness.state.state.withLock { state in
                    for key in state.boards.behind(state.core, now: harness.now).prefix(round % 12) {
                        _ = state.boards.maintain(key, &state.core, now: harness.now)
                    }
                }
            }
        }
    }
}
