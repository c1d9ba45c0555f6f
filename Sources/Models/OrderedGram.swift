internal import Numerics

/// G = Xᵀ · D_u^−a · X with items ranked by popularity, rarest first, in bounded memory: 4 bytes for each pair of items up to
/// ``mostDense`` items where many pairs occur, else 16 bytes for each pair that occurs, of which ``mostPairs`` are kept.
struct OrderedGram {
    /// The most items whose pairs all have a place: 1.1 GB.
    static let mostDense = 23_000
    /// Pairs that are kept of more items, which take 1.6 GB, half as much again while they are counted.
    static let mostPairs = 100_000_000

    /// Item of each rank.
    let items: [UInt32]
    /// G_rr.
    let diagonal: [Float]
    private let pairs: Pairs

    /// Off the diagonal.
    private enum Pairs {
        /// Row r holds its entries with items of greater rank, so that no row is long: a popular item has few above it.
        case sparse(above: SparseRows, below: SparseRows)
        /// The upper triangle, row after row.
        case dense(DenseMatrix)
    }

    /// Counts; `mostDense` and `mostPairs` are as above.
    init(
        _ together: Cooccurrence, personExponent: Float, threads: Int, mostDense: Int = mostDense,
        mostPairs: Int = mostPairs
    ) {
        let count = together.byItem.rowCount
        let popularity = (0..<count).map { together.byItem.places(of: $0).count }
        let items = (0..<UInt32(count)).sorted {
            (popularity[Int($0)], $0) < (popularity[Int($1)], $1)
        }
        var ranks = [UInt32](repeating: 0, count: count)
        for (rank, item) in items.enumerated() { ranks[Int(item)] = UInt32(rank) }
        // A person's ranks, rising, so that what is above one is what follows it.
        let factors = (0..<together.byPerson.rowCount).map {
            Float(max(1, together.byPerson.places(of: $0).count)).raised(to: -personExponent)
        }
        var persons = SparseRows(columnCount: count)
        // Of each rank, how many pairs with greater ranks there can be.
        var lengths = [Int](repeating: 0, count: count)
        for person in 0..<together.byPerson.rowCount {
            let row = together.byPerson.places(of: person).map { ranks[Int(together.byPerson.columns[$0])] }.sorted()
            persons.append(row.map { ($0, factors[person]) })
            for (place, rank) in row.enumerated() { lengths[Int(rank)] += row.count - place - 1 }
        }
        for rank in 0..<count { lengths[rank] = min(lengths[rank], count - rank - 1) }
        let byRank = persons.transposed()
        let sorted = persons
        let diagonal = (0..<count).map { rank in byRank.places(of: rank).reduce(0) { $0 + byRank.values[$1] } }
        /// What two ranks have together, for each that is greater.
        @Sendable func visit(_ rank: Int, _ take: (_ greater: Int, _ factor: Float) -> Void) {
            for place in byRank.places(of: rank) {
                let factor = byRank.values[place]
                for other in sorted.places(of: Int(byRank.columns[place])).reversed() {
                    let column = Int(sorted.columns[other])
                    guard column > rank else { break }
                    take(column, factor)
                }
            }
        }
        self.items = items
        self.diagonal = diagonal
        let bound = lengths.reduce(0, +)
        if count <= mostDense, bound > count * count / 8 {
            let triangle = DenseMatrix(rows: 1, columns: count * (count - 1) / 2)
            Parallel.ranges(count, grain: 64, threads: threads) { range in
                for rank in range {
                    let start = OrderedGram.start(rank, count) - rank - 1
                    visit(rank) { triangle.values[start + $0] += $1 }
                }
            }
            pairs = .dense(triangle)
            return
        }
        let most = OrderedGram.longest(lengths, total: mostPairs)
        let above = SparseRows(rowCount: count, columnCount: count, grain: 256, threads: threads) { range in
            var sums = [Float](repeating: 0, count: count)
            var touched: [UInt32] = []
            var selection = TopSelection(capacity: most)
            var lists: [[(column: UInt32, value: Float)]] = []
            for rank in range {
                visit(rank) {
                    if sums[$0] == 0 { touched.append(UInt32($0)) }
                    sums[$0] += $1
                }
                if touched.count > most {
                    selection.removeAll()
                    for column in touched {
                        selection.add(column, sums[Int(column)] / diagonal[Int(column)].squareRoot())
                    }
                    lists.append(selection.unsorted.map(\.index).sorted().map { ($0, sums[Int($0)]) })
                } else {
                    touched.sort()
                    lists.append(touched.map { ($0, sums[Int($0)]) })
                }
                for column in touched { sums[Int(column)] = 0 }
                touched.removeAll(keepingCapacity: true)
            }
            return lists
        }
        pairs = .sparse(above: above, below: above.transposed())
    }

    /// Where a rank's row of the triangle begins.
    private static func start(_ rank: Int, _ count: Int) -> Int { rank * (2 * count - rank - 1) / 2 }

    /// The greatest length at which rows can be cut so that they have no more than `total` entries together; at least 1.
    static func longest(_ lengths: [Int], total: Int) -> Int {
        var (fits, tooLong) = (1, max(2, (lengths.max() ?? 0) + 1))
        while tooLong - fits > 1 {
            let middle = (fits + tooLong) / 2
            if lengths.reduce(0, { $0 + min($1, middle) }) <= total { fits = middle } else { tooLong = middle }
        }
        return fits
    }

    /// Each rank that occurs together with one, with G's entry. Rising in the dense form only.
    func forEachPair(of rank: Int, _ take: (_ other: Int, _ value: Float) -> Void) {
        switch pairs {
        case .sparse(let above, let below):
            for rows in [above, below] {
                for place in rows.places(of: rank) { take(Int(rows.columns[place]), rows.values[place]) }
            }
        case .dense(let triangle):
            let count = items.count
            for other in 0..<rank {
                let value = triangle.values[OrderedGram.start(other, count) + rank - other - 1]
                if value != 0 { take(other, value) }
            }
            let start = OrderedGram.start(rank, count) - rank - 1
            for other in rank + 1..<max(rank + 1, count) where triangle.values[start + other] != 0 {
                take(other, triangle.values[start + other])
            }
        }
    }

    /// G's entries of a rank with `ranks`, all of which are greater, by their places; `places` holds the place of each rank,
    /// −1 of what is not among them.
    func forEachPair(
        above rank: Int, in ranks: ArraySlice<UInt32>, places: [Int32], _ take: (_ place: Int, _ value: Float) -> Void
    ) {
        switch pairs {
        case .sparse(let above, _):
            for entry in above.places(of: rank) {
                let place = places[Int(above.columns[entry])]
                if place >= 0 { take(Int(place), above.values[entry]) }
            }
        case .dense(let triangle):
            let start = OrderedGram.start(rank, items.count) - rank - 1
            for place in ranks.indices { take(place, triangle.values[start + Int(ranks[place])]) }
        }
    }
}
