internal import Numerics

/// A measure of one ranked list against what is relevant, cut off at k. The definitions are those of trec_eval; `n` is the
/// number of relevant items, r_i whether the item at rank i is one of them.
public enum Measure: String, Sendable, CaseIterable {
    /// Relevant items in the list, as a share of the relevant ones: Σ r_i / n.
    case recall
    /// Normalised discounted cumulative gain (Järvelin and Kekäläinen 2002): Σ r_i / log2(i + 1), divided by what the best
    /// list would have, whose first min(k, n) are relevant.
    case ndcg
    /// Hit rate: whether any is relevant.
    case hr
    /// Reciprocal rank of the first relevant one, 0 when there is none.
    case mrr
    /// Average precision: Σ r_i · (relevant among the first i) / i, divided by n.
    case map
    /// Relevant items in the list, as a share of k: Σ r_i / k.
    case precision

    /// The value for a list; 0 when nothing is relevant. `ranks` are the ranks of the relevant items in the list, from 1,
    /// rising. O(ranks + min(k, n)).
    public func value(ranks: [Int], relevantCount: Int, cutoff: Int) -> Double {
        guard relevantCount > 0, cutoff > 0 else { return 0 }
        let ranks = ranks.prefix { $0 <= cutoff }
        switch self {
        case .recall: return Double(ranks.count) / Double(relevantCount)
        case .ndcg:
            let gain = ranks.reduce(0) { $0 + 1 / Measure.discount($1) }
            let ideal = (1...min(cutoff, relevantCount)).reduce(0) { $0 + 1 / Measure.discount($1) }
            return gain / ideal
        case .hr: return ranks.isEmpty ? 0 : 1
        case .mrr: return ranks.first.map { 1 / Double($0) } ?? 0
        case .map:
            let sum = ranks.enumerated().reduce(0.0) { $0 + Double($1.offset + 1) / Double($1.element) }
            return sum / Double(relevantCount)
        case .precision: return Double(ranks.count) / Double(cutoff)
        }
    }

    /// Its name at a cut-off: `ndcg@20`.
    public func name(at cutoff: Int) -> String { "\(rawValue)@\(cutoff)" }

    private static func discount(_ rank: Int) -> Double { Double(rank + 1).logarithm / Double(2).logarithm }
}

extension RankedList {
    /// Ranks of the relevant items in the list, from 1, rising.
    public var hitRanks: [Int] {
        ranked.enumerated().filter { relevant.contains($0.element) }.map { $0.offset + 1 }
    }

    /// A measure of the list.
    public func value(_ measure: Measure, at cutoff: Int) -> Double {
        measure.value(ranks: hitRanks, relevantCount: relevant.count, cutoff: cutoff)
    }
}
