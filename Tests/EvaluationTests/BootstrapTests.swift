import Evaluation
import Foundation
import Numerics
import Testing

@Suite("Bootstrap")
struct BootstrapTests {
    static func table(_ values: [Double], _ predictions: [Int]? = nil) -> MeasureTable {
        var table = MeasureTable(names: ["m"])
        for (unit, value) in values.enumerated() { table.append([value], predictions: predictions?[unit] ?? 1) }
        return table
    }

    @Test("The same seed gives the same interval, another seed another")
    func seeds() {
        var random = SplitMix(seed: 1)
        let table = BootstrapTests.table((0..<50).map { _ in Double.random(in: 0...1, using: &random) })
        #expect(Bootstrap(seed: 4).estimates(table) == Bootstrap(seed: 4).estimates(table))
        #expect(Bootstrap(seed: 4).estimates(table) != Bootstrap(seed: 5).estimates(table))
    }

    @Test("The interval is about that of the normal distribution when there are many units")
    func width() throws {
        var random = SplitMix(seed: 2)
        let values = (0..<2_000).map { _ in random.nextNormal() }
        let estimate = try #require(Bootstrap(resamples: 2_000).estimates(BootstrapTests.table(values)).first)
        let mean = values.reduce(0, +) / 2_000
        let deviation = (values.reduce(0) { $0 + ($1 - mean) * ($1 - mean) } / 2_000).squareRoot()
        let half = 1.96 * deviation / 2_000.0.squareRoot()
        #expect(abs(estimate.lower - (mean - half)) < 0.15 * half)
        #expect(abs(estimate.upper - (mean + half)) < 0.15 * half)
    }

    @Test("The interval holds the truth about as often as it says")
    func calibration() {
        var random = SplitMix(seed: 3)
        var held = 0
        for seed in 0..<300 {
            let values = (0..<60).map { _ in random.nextNormal() + 1 }
            let estimate = Bootstrap(resamples: 300, seed: UInt64(seed)).estimates(BootstrapTests.table(values))[0]
            held += estimate.lower <= 1 && 1 <= estimate.upper ? 1 : 0
        }
        #expect((265...296).contains(held))
    }

    @Test("Paired, a small steady difference shows that would drown otherwise; no difference does not show")
    func paired() throws {
        var random = SplitMix(seed: 5)
        let base = (0..<400).map { _ in Double.random(in: 0...1, using: &random) }
        let better = base.map { $0 + 0.01 + Double.random(in: -0.01...0.01, using: &random) }
        let other = base.map { $0 + Double.random(in: -0.01...0.01, using: &random) }
        let bootstrap = Bootstrap()
        let shown = try #require(
            bootstrap.differences(BootstrapTests.table(better), BootstrapTests.table(base))?.first)
        #expect(shown.lower > 0 && shown.probability < 0.01)
        let unshown = try #require(
            bootstrap.differences(BootstrapTests.table(other), BootstrapTests.table(base))?.first)
        #expect(unshown.lower < 0 && unshown.upper > 0 && unshown.probability > 0.05)
        #expect(bootstrap.differences(BootstrapTests.table([1]), BootstrapTests.table([1, 2])) == nil)
    }

    @Test("A unit with more predictions weighs more; no units, or one, give an interval without width")
    func units() {
        #expect(BootstrapTests.table([3, 0], [3, 1]).means == [0.75])
        for table in [BootstrapTests.table([]), BootstrapTests.table([0.5])] {
            let estimate = Bootstrap().estimates(table)[0]
            #expect(estimate.lower == estimate.mean && estimate.upper == estimate.mean)
        }
    }
}

@Suite("Exposure")
struct ExposureTests {
    @Test("Everything shown alike, and one thing shown always")
    func ends() {
        let even = Exposure(lists: [[0], [1], [2], [3]], histories: [[0]], popularity: [1, 1, 1, 1], persons: 4)
        #expect(even.coverage == 1 && even.gini == 0 && even.novelty == 2 && even.popularityBias == 1)
        let one = Exposure(lists: [[0], [0]], histories: [[1]], popularity: [4, 1, 0, 0], persons: 4)
        #expect(one.coverage == 0.25 && one.gini == 0.75 && one.novelty == 0 && one.popularityBias == 4)
        let unseen = Exposure(lists: [[2]], histories: [], popularity: [4, 1, 0, 0], persons: 4)
        #expect(unseen.novelty == 3 && unseen.popularityBias == 0)
    }

    @Test("The Gini coefficient is half the mean difference by the mean, taken slowly")
    func gini() {
        var random = SplitMix(seed: 9)
        for _ in 0..<30 {
            let catalogue = Int.random(in: 1...12, using: &random)
            let lists = (0..<20).map { _ in [UInt32.random(in: 0..<UInt32(catalogue), using: &random)] }
            var shown = [Double](repeating: 0, count: catalogue)
            for list in lists { shown[Int(list[0])] += 1 }
            var differences = 0.0
            for left in shown { for right in shown { differences += abs(left - right) } }
            let slow = differences / (2 * Double(catalogue * catalogue) * (20 / Double(catalogue)))
            let exposure = Exposure(
                lists: lists, histories: [], popularity: Array(repeating: 1, count: catalogue), persons: 1)
            #expect(abs(exposure.gini - slow) < 1e-12)
        }
    }

    @Test("No lists and no catalogue are no trouble")
    func empty() {
        let exposure = Exposure(lists: [], histories: [], popularity: [], persons: 0)
        #expect(exposure.coverage == 0 && exposure.gini == 0 && exposure.novelty == 0)
    }
}
