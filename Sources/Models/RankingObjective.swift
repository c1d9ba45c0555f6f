internal import Glibc
internal import Numerics

/// What is made great when hyper-parameters are chosen: NDCG@cutoff + recall@cutoff, a mean over histories.
struct RankingObjective: Sendable {
    let cutoff: Int
    /// 1 / log₂(rank + 2) of each rank, and the sums of the first so many.
    private let gains: [Double]
    private let ideals: [Double]

    init(cutoff: Int) {
        self.cutoff = max(1, cutoff)
        gains = (0..<self.cutoff).map { 1 / log2(Double($0) + 2) }
        var sum = 0.0
        ideals =
            [0]
            + gains.map { gain in
                sum += gain
                return sum
            }
    }

    /// The value of one list, best first.
    func value(_ list: [TopSelection.Entry], _ truth: Set<UInt32>) -> Double {
        var (gain, hits) = (0.0, 0.0)
        for (rank, entry) in list.prefix(cutoff).enumerated() where truth.contains(entry.index) {
            gain += gains[rank]
            hits += 1
        }
        guard hits > 0 else { return 0 }
        return gain / ideals[min(cutoff, truth.count)] + hits / Double(truth.count)
    }
}
