internal import Live

/// Candidates in the order of their ranks, left where they lie: they are 200 bytes each, and few of them are shown.
struct Ranking {
    private let found: ContiguousArray<Scored>
    private let order: ContiguousArray<Int32>

    /// Ranks candidates by band (the lowest first), then score (the highest first), then `precedes`.
    ///
    /// n log n comparisons of two numbers; `precedes` is asked only where both are the same.
    init(_ found: ContiguousArray<Scored>, band: (_ place: Int) -> UInt32, precedes: (Scored, Scored) -> Bool) {
        var keys: ContiguousArray<Key> = []
        keys.reserveCapacity(found.count)
        for place in found.indices {
            keys.append(
                Key(
                    band: band(place), place: Int32(truncatingIfNeeded: place), rank: Ranking.rank(found[place].score)))
        }
        keys.sort()
        var start = 0
        while start < keys.count {
            var end = start + 1
            while end < keys.count, keys[end].rank == keys[start].rank, keys[end].band == keys[start].band { end += 1 }
            if end - start > 1 {
                keys[start..<end].sort { precedes(found[Int($0.place)], found[Int($1.place)]) }
            }
            start = end
        }
        self.found = found
        order = ContiguousArray(keys.lazy.map(\.place))
    }

    private struct Key: BitwiseCopyable, Comparable {
        var band: UInt32
        var place: Int32
        var rank: UInt64

        @inline(__always)
        static func < (left: Key, right: Key) -> Bool {
            left.band != right.band ? left.band < right.band : left.rank < right.rank
        }
    }

    /// A number that falls as the score rises; both zeros are the same.
    @inline(__always)
    static func rank(_ score: Double) -> UInt64 {
        let bits = (score + 0).bitPattern
        return bits >> 63 == 0 ? ~bits & ~(1 << 63) : bits
    }

    /// How many.
    var count: Int { order.count }
    /// Places, best first.
    var indices: Range<Int> { order.indices }

    /// The candidate at a place.
    subscript(place: Int) -> Scored {
        _read { yield found[Int(order[place])] }
    }
}
