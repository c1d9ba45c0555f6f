public import Numerics

/// What stands near what in the histories: item-to-item by the distance between two places.
///
/// S_ij = p_i^−b · Σ over persons d^−a · e^(−(gap − 1) / length), gap being by how many entries j lies after i (or, times
/// `backward`, before it), at most `reach`; p the persons of an item and d the length of a history. With a short length it
/// is the sequential rules of Ludewig and Jannach 2018, with a long one a co-occurrence in time. Persons × reach operations
/// an entry.
public struct SequenceModel: RowModel {
    /// Hyper-parameters.
    public struct Parameters: Sendable, Hashable, Codable {
        /// How fast it falls with the gap, in entries.
        public var length: Float = 8
        /// Greatest gap.
        public var reach = 40
        /// What going back counts beside going forward, 0…1.
        public var backward: Float = 1
        /// a: how little long histories count.
        public var personExponent: Float = 0.5
        /// b: how little popular items lead on.
        public var sourceExponent: Float = 0.7
        /// Entries kept of each row.
        public var neighbours = 200
        /// How the late part of a history counts.
        public var recency = Recency(growth: 2)

        /// The defaults.
        public init() {}
    }

    public let name = "sequence"
    /// The rows kept.
    public let rows: SparseRows
    /// How histories are weighted.
    public var recency: Recency

    /// Fits to histories whose order is known; entries of unknown place are left out.
    public init(_ histories: Histories, _ parameters: Parameters, threads: Int = Parallel.processors) {
        let count = histories.itemCount
        let reach = max(1, parameters.reach)
        let falls = (0...reach).map { (-Float(max(0, $0 - 1)) / max(0.01, parameters.length)).exponential }
        // Where each item stands: places in the histories, with the person.
        var counts = [Int](repeating: 0, count: count + 1)
        let counted = histories.items.indices.map { histories.weights[$0] > 0 && histories.positions[$0] >= 0 }
        for place in histories.items.indices where counted[place] { counts[Int(histories.items[place]) + 1] += 1 }
        for item in 0..<count { counts[item + 1] += counts[item] }
        let starts = counts
        var occurrences = [(place: UInt32, person: UInt32)](repeating: (0, 0), count: counts[count])
        for person in 0..<histories.count {
            for place in histories.places(of: person) where counted[place] {
                let item = Int(histories.items[place])
                occurrences[counts[item]] = (UInt32(place), UInt32(person))
                counts[item] += 1
            }
        }
        let lengths = (0..<histories.count).map {
            Float(max(1, histories.places(of: $0).count)).raised(to: -parameters.personExponent)
        }
        let known = occurrences
        rows = SparseRows(rowCount: count, columnCount: count, grain: 256, threads: threads) { range in
            var sums = [Float](repeating: 0, count: count)
            var touched: [UInt32] = []
            var selection = TopSelection(capacity: parameters.neighbours)
            var lists: [[(column: UInt32, value: Float)]] = []
            for item in range {
                func take(_ place: Int, _ weight: Float) {
                    let target = histories.items[place]
                    guard weight > 0, Int(target) != item, counted[place] else { return }
                    if sums[Int(target)] == 0 { touched.append(target) }
                    sums[Int(target)] += weight
                }
                for (place, person) in known[starts[item]..<starts[item + 1]] {
                    let run = histories.places(of: Int(person))
                    let place = Int(place)
                    let factor = lengths[Int(person)]
                    for gap in 1...reach {
                        if place + gap < run.upperBound { take(place + gap, factor * falls[gap]) }
                        if place - gap >= run.lowerBound {
                            take(place - gap, factor * falls[gap] * parameters.backward)
                        }
                    }
                }
                selection.removeAll()
                let source = Float(max(1, starts[item + 1] - starts[item])).raised(to: -parameters.sourceExponent)
                for target in touched {
                    selection.add(target, sums[Int(target)] * source)
                    sums[Int(target)] = 0
                }
                touched.removeAll(keepingCapacity: true)
                lists.append(selection.sorted().map { ($0.index, $0.value) })
            }
            return lists
        }
        recency = parameters.recency
    }
}
