internal import Numerics

/// How far means may lie from the truth, by drawing units with replacement (Efron 1979): a percentile interval. The same
/// seed gives the same interval.
public struct Bootstrap: Sendable {
    /// Times that as many units are drawn as there are.
    public var resamples: Int
    /// Probability that the interval is to have.
    public var level: Double
    /// Seed of the drawing.
    public var seed: UInt64

    /// A bootstrap of 1,000 resamples and 95 % unless told otherwise.
    public init(resamples: Int = 1_000, level: Double = 0.95, seed: UInt64 = 1) {
        self.resamples = max(1, resamples)
        self.level = min(max(level, 0), 1)
        self.seed = seed
    }

    /// A mean with its interval.
    public struct Estimate: Sendable, Equatable {
        /// The mean of the units there are.
        public var mean: Double
        /// Lower end.
        public var lower: Double
        /// Upper end.
        public var upper: Double
        /// How likely a mean this far from 0 on either side would be if the truth were 0: twice the share of resampled
        /// means on the other side of 0, at most 1.
        public var probability: Double
    }

    /// The means of a table with their intervals. O(resamples · units · measures).
    public func estimates(_ table: MeasureTable) -> [Estimate] {
        let width = table.names.count
        let units = table.unitCount
        let means = table.means
        guard units > 0 else { return means.map { Estimate(mean: $0, lower: $0, upper: $0, probability: 1) } }
        var drawn = [[Double]](repeating: [], count: width)
        var random = SplitMix(seed: seed)
        var totals = [Double](repeating: 0, count: width)
        for _ in 0..<resamples {
            for place in totals.indices { totals[place] = 0 }
            var predictions = 0.0
            for _ in 0..<units {
                // The high half of the product is below `units`, and even enough: its bias is units / 2^64.
                let unit = Int(UInt64(units).multipliedFullWidth(by: random.next()).high)
                predictions += table.predictions[unit]
                for place in 0..<width { totals[place] += table.sums[unit * width + place] }
            }
            for place in 0..<width { drawn[place].append(predictions > 0 ? totals[place] / predictions : 0) }
        }
        return zip(means, drawn).map { mean, values in
            let sorted = values.sorted()
            let opposite = Double(sorted.count { mean >= 0 ? $0 <= 0 : $0 >= 0 }) / Double(sorted.count)
            return Estimate(
                mean: mean, lower: Bootstrap.quantile((1 - level) / 2, of: sorted),
                upper: Bootstrap.quantile((1 + level) / 2, of: sorted), probability: min(1, 2 * opposite))
        }
    }

    /// What one model has more than another on the same units (paired): both are drawn together, so that what makes a unit
    /// easy for both does not count. `nil` when the tables do not have the same units.
    public func differences(_ table: MeasureTable, _ other: MeasureTable) -> [Estimate]? {
        table.minus(other).map(estimates)
    }

    /// The quantile of sorted values, interpolated between neighbours.
    static func quantile(_ share: Double, of sorted: [Double]) -> Double {
        guard let last = sorted.last else { return 0 }
        let place = share * Double(sorted.count - 1)
        let lower = Int(place)
        guard lower + 1 < sorted.count else { return last }
        return sorted[lower] + (place - Double(lower)) * (sorted[lower + 1] - sorted[lower])
    }
}
