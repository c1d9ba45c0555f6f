internal import Numerics

/// Popularity of late: Σ over all entries of e^(−(1 − r) · fall), r being the place of the entry among all that were
/// learned from (by time where times are known, else by its place in its person's history). The same for everybody.
public struct TrendModel: ItemModel {
    /// Hyper-parameters.
    public struct Parameters: Sendable, Hashable, Codable {
        /// How much less early entries count; 0: plain popularity.
        public var fall: Float

        /// Falls by e^10 from the latest to the earliest, unless told otherwise.
        public init(fall: Float = 10) { self.fall = fall }
    }

    public let name = "trend"
    /// Score of each item.
    public let values: [Float]

    public var itemCount: Int { values.count }

    /// Fits to histories. O(entries).
    public init(_ histories: Histories, _ parameters: Parameters) {
        var values = [Float](repeating: 0, count: histories.itemCount)
        let first = histories.times.min() ?? 0
        // In floating point, so that no two times are too far apart.
        let length = max(1, Double(histories.times.max() ?? 0) - Double(first))
        for place in histories.items.indices where histories.weights[place] > 0 {
            let position = histories.positions[place]
            let late =
                histories.times.isEmpty
                ? (position < 0 ? 0.5 : position) : Float((Double(histories.times[place]) - Double(first)) / length)
            values[Int(histories.items[place])] += (-(1 - late) * parameters.fall).exponential
        }
        self.values = values
    }

    public func score(_ histories: Histories, into scores: UnsafeMutableBufferPointer<Float>) {
        for person in 0..<histories.count {
            for item in 0..<itemCount { scores[person * itemCount + item] = values[item] }
        }
    }
}
