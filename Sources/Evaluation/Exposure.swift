internal import Numerics

/// What lists show beyond being right: how much of the catalogue, how evenly, how surprising, how popular.
public struct Exposure: Sendable, Equatable {
    /// Share of the catalogue that stands in any list.
    public var coverage: Double
    /// Mean self-information of the listed items in bits (Zhou et al. 2010): −log2 of the share of persons who have the
    /// item; an item that nobody has counts as if half a person had it.
    public var novelty: Double
    /// Gini coefficient of how often items are listed, over the whole catalogue: 0 all alike, near 1 when few are shown.
    public var gini: Double
    /// Mean share of persons who have an item: over the listed items, averaged over lists.
    public var listedPopularity: Double
    /// The same over the items of the persons' histories, averaged over those with a history.
    public var historyPopularity: Double

    /// Listed popularity for each unit of the histories': above 1, lists are more popular than what their persons have.
    public var popularityBias: Double { historyPopularity > 0 ? listedPopularity / historyPopularity : 0 }

    /// Measures lists. `popularity` is the number of persons of each item of the catalogue, `persons` how many have a
    /// history at all; `histories` are those of the lists' persons, each item once. O(entries + catalogue · log catalogue).
    public init(
        lists: [[UInt32]], histories: [[UInt32]], popularity: [Int], persons: Int
    ) {
        let persons = Double(max(1, persons))
        var shown = [Int](repeating: 0, count: popularity.count)
        var bits = 0.0
        var listed = 0
        for list in lists {
            for item in list where Int(item) < popularity.count {
                shown[Int(item)] += 1
                listed += 1
                bits -= (max(0.5, Double(popularity[Int(item)])) / persons).logarithm / Double(2).logarithm
            }
        }
        coverage = Double(shown.count { $0 > 0 }) / Double(max(1, popularity.count))
        novelty = listed > 0 ? bits / Double(listed) : 0
        gini = Exposure.gini(shown)
        listedPopularity = Exposure.meanShare(lists, popularity, persons)
        historyPopularity = Exposure.meanShare(histories, popularity, persons)
    }

    private static func meanShare(_ lists: [[UInt32]], _ popularity: [Int], _ persons: Double) -> Double {
        var sum = 0.0
        var count = 0
        for list in lists {
            let known = list.filter { Int($0) < popularity.count }
            guard !known.isEmpty else { continue }
            count += 1
            sum += known.reduce(0) { $0 + Double(popularity[Int($1)]) / persons } / Double(known.count)
        }
        return count > 0 ? sum / Double(count) : 0
    }

    /// Gini coefficient of counts: Σ (2i − n − 1) · x_i / (n · Σ x), x rising.
    static func gini(_ counts: [Int]) -> Double {
        let sum = counts.reduce(0, +)
        guard sum > 0 else { return 0 }
        let count = Double(counts.count)
        let weighted = counts.sorted().enumerated().reduce(0.0) {
            $0 + (2 * Double($1.offset + 1) - count - 1) * Double($1.element)
        }
        return weighted / (count * Double(sum))
    }
}
