public import Numerics

/// Scores of the few items that a session speaks for: 8 bytes an item of the catalogue, forgotten at the cost of what was touched.
public struct SessionScores: Sendable {
    /// Items that have a score, in order of first touch.
    public private(set) var touched: [UInt32] = []
    private var sums: [Float]
    private var stamps: [UInt32]
    private var stamp: UInt32 = 1
    private var spares: [SessionScores] = []

    /// Nothing said about any of `itemCount` items.
    public init(itemCount: Int) {
        sums = Array(repeating: 0, count: itemCount)
        stamps = Array(repeating: 0, count: itemCount)
    }

    /// Items of the catalogue.
    public var itemCount: Int { sums.count }

    /// Forgets every score.
    public mutating func removeAll() {
        touched.removeAll(keepingCapacity: true)
        stamp &+= 1
        guard stamp == 0 else { return }
        for item in stamps.indices { stamps[item] = 0 }
        stamp = 1
    }

    /// Adds to an item's score. Items past the catalogue and what is no number are passed over.
    @inline(__always)
    public mutating func add(_ item: UInt32, _ value: Float) {
        let place = Int(item)
        guard place < sums.count, value.isFinite else { return }
        if stamps[place] != stamp {
            stamps[place] = stamp
            sums[place] = value
            touched.append(item)
        } else {
            sums[place] += value
        }
    }

    /// Further scores over the same catalogue, for what a model must work out apart; ``giveBack(_:)`` keeps them for the
    /// next question.
    mutating func takeSpare() -> SessionScores {
        var spare = spares.popLast() ?? SessionScores(itemCount: itemCount)
        spare.removeAll()
        return spare
    }

    mutating func giveBack(_ spare: consuming SessionScores) { spares.append(spare) }

    /// The score of an item, 0 where nothing was said.
    public subscript(item: UInt32) -> Float {
        let place = Int(item)
        return place < sums.count && stamps[place] == stamp ? sums[place] : 0
    }

    /// The greatest score; 0 when there is none above.
    public var greatest: Float { touched.reduce(0) { max($0, sums[Int($1)]) } }

    /// The best items that are admitted, best first.
    public func best(_ limit: Int, admits: (UInt32) -> Bool = { _ in true }) -> [TopSelection.Entry] {
        var selection = TopSelection(capacity: limit)
        for item in touched where admits(item) { selection.add(item, sums[Int(item)]) }
        return selection.sorted()
    }

    /// The rank of an item, from 1: items of a greater score stand before it, and those of the same score and a smaller
    /// number. `nil` when nothing was said about it.
    public func rank(of item: UInt32) -> Int? {
        guard Int(item) < sums.count, stamps[Int(item)] == stamp else { return nil }
        let own = sums[Int(item)]
        return 1
            + touched.count {
                let score = sums[Int($0)]
                return score > own || score == own && $0 < item
            }
    }
}
