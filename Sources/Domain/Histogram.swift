/// Counts of values at or below fixed bounds, as Prometheus shows them.
public struct Histogram: Sendable {
    /// Upper bounds, ascending; a last bucket without bound is implied.
    public let bounds: [Double]
    /// How many values fell into each bucket, the unbounded one last; not cumulative.
    public private(set) var counts: [UInt64]
    /// Sum of all values.
    public private(set) var sum: Double = 0

    /// An empty histogram.
    public init(bounds: [Double]) {
        self.bounds = bounds
        counts = Array(repeating: 0, count: bounds.count + 1)
    }

    /// Bounds for durations in seconds, from 100 µs to 10 s.
    public static let seconds: [Double] = [
        0.0001, 0.00025, 0.0005, 0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 10,
    ]
    /// Bounds for numbers of rows, from 1 to 20,000.
    public static let rows: [Double] = [1, 2, 5, 10, 20, 50, 100, 200, 500, 1000, 2000, 5000, 10_000, 20_000]

    /// Counts one value. O(log buckets).
    public mutating func record(_ value: Double) {
        var low = 0
        var high = bounds.count
        while low < high {
            let middle = (low + high) / 2
            if value <= bounds[middle] { high = middle } else { low = middle + 1 }
        }
        counts[low] += 1
        sum += value
    }

    /// Number of values counted.
    public var count: UInt64 { counts.reduce(0, +) }
}
