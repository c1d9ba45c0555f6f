import Evaluation
import Numerics
import Testing

@testable import Models

/// Two forms of one thing, each where it is cheap, must say the same.
@Suite("One meaning in two places")
struct OneMeaningTests {
    @Test("The objective of choosing is NDCG and recall as evaluations measure them", arguments: [1, 3, 20])
    func objective(cutoff: Int) {
        var random = SplitMix(seed: UInt64(cutoff))
        let objective = RankingObjective(cutoff: cutoff)
        for _ in 0..<500 {
            let items = (0..<40).map { UInt32($0) }.shuffled(using: &random)
            let list = Array(items.prefix(Int.random(in: 0...25, using: &random)))
            let truth = Set((0..<40).map { UInt32($0) }.filter { _ in Int.random(in: 0..<6, using: &random) == 0 })
            let entries = list.map { TopSelection.Entry(index: $0, value: 1) }
            let ranked = RankedList(ranked: list, relevant: truth)
            let expected = ranked.value(.ndcg, at: cutoff) + ranked.value(.recall, at: cutoff)
            #expect(abs(objective.value(entries, truth) - expected) < 1e-12)
        }
    }

    @Test("A blend's deviation is that of the rows it was chosen on")
    func deviation() {
        var random = SplitMix(seed: 3)
        for _ in 0..<200 {
            let count = Int.random(in: 1...60, using: &random)
            var scores = (0..<count).map { _ in Float.random(in: -1...4, using: &random) }
            let powers = (0..<count).map { _ in Float.random(in: 0.1...2, using: &random) }
            let own = (0..<UInt32(count)).filter { _ in Int.random(in: 0..<5, using: &random) == 0 }
            let before = scores
            let fast = scores.withUnsafeMutableBufferPointer { BlendModel.deviation($0, powers, without: own[...]) }
            #expect(scores == before)
            for item in own { scores[Int(item)] = 0 }
            let slow = scores.withUnsafeMutableBufferPointer {
                QueryScores.Row(scores: $0, touched: nil).deviation(powers)
            }
            #expect(abs(fast - slow) <= 1e-4 * max(1, slow))
        }
    }
}
