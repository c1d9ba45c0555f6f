public import Numerics
internal import Synchronization

/// A linear autoencoder on each item's neighbourhood: EASE (Steck 2019), solved for one item at a time over the items that
/// occur with it most.
///
/// G = Xᵀ · D_u^−a · X. Of item j the `neighbours` items N with the greatest G_ij · G_ii^−½ are regressed on it:
/// (G_NN + λI) · w = G_Nj. A history's score is the sum of its items' weights. One Cholesky factorisation of `neighbours`³ / 3
/// operations an item, and Σ over its neighbours of their co-occurring items of greater popularity.
public struct LocalAutoencoderModel: RowModel {
    /// Hyper-parameters.
    public struct Parameters: Sendable, Hashable, Codable {
        /// Items of a neighbourhood; 0: as many as about 20 billion operations allow, 60 to 400.
        public var neighbours = 0
        /// λ: how strongly weights are kept small.
        public var regularisation: Float = 20
        /// a: how little long histories count.
        public var personExponent: Float = 0.5
        /// As ``AutoencoderModel/Parameters/dropout``.
        public var dropout: Float?
        /// How the late part of a history counts.
        public var recency = Recency.none

        /// The defaults.
        public init() {}
    }

    public let name = "autoencoder"
    /// For each item the items that it speaks for.
    public let rows: SparseRows
    /// How histories are weighted.
    public var recency: Recency

    /// Fits to histories.
    public init(_ histories: Histories, _ parameters: Parameters, threads: Int = Parallel.processors) {
        let together = Cooccurrence(histories, longest: WalkModel.longestHistory)
        let gram = OrderedGram(together, personExponent: parameters.personExponent, threads: threads)
        let size = LocalAutoencoderModel.neighbourhood(parameters.neighbours, items: histories.itemCount)
        let count = histories.itemCount
        let found = Mutex<[[(column: UInt32, value: Float)]]>(Array(repeating: [], count: count))
        Parallel.ranges(count, grain: 256, threads: threads) { range in
            var solver = NeighbourhoodSolver(gram, size: size, parameters)
            let solved = range.map { solver.weights(ofRank: $0) }
            found.withLock { all in for (rank, weights) in zip(range, solved) { all[rank] = weights } }
        }
        var targets = Array(repeating: [(column: UInt32, value: Float)](), count: count)
        found.withLock { all in
            for (rank, weights) in all.enumerated() { targets[Int(gram.items[rank])] = weights }
        }
        var byTarget = SparseRows(columnCount: count)
        for weights in targets { byTarget.append(weights) }
        rows = byTarget.transposed()
        recency = parameters.recency
    }

    static func neighbourhood(_ asked: Int, items: Int) -> Int {
        guard asked <= 0 else { return min(asked, 1_000) }
        var size = 400
        while size > 60, size * size * size / 3 * max(1, items) > 20_000_000_000 { size -= 5 }
        return size
    }
}

/// G = Xᵀ · D_u^−a · X with items ranked by popularity, rarest first; row r holds its entries with items of greater rank, so
/// that no row is long: a popular item has few above it.
struct OrderedGram {
    /// Item of each rank.
    let items: [UInt32]
    /// Entries with greater ranks, and those with lesser ranks.
    let above: SparseRows
    let below: SparseRows
    /// G_rr.
    let diagonal: [Float]

    init(_ together: Cooccurrence, personExponent: Float, threads: Int) {
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
        for person in 0..<together.byPerson.rowCount {
            let row = together.byPerson.places(of: person).map { ranks[Int(together.byPerson.columns[$0])] }.sorted()
            persons.append(row.map { ($0, factors[person]) })
        }
        let byRank = persons.transposed()
        let sorted = persons
        above = SparseRows(rowCount: count, columnCount: count, grain: 256, threads: threads) { range in
            var sums = [Float](repeating: 0, count: count)
            var touched: [UInt32] = []
            var lists: [[(column: UInt32, value: Float)]] = []
            for rank in range {
                for place in byRank.places(of: rank) {
                    let person = Int(byRank.columns[place])
                    let factor = byRank.values[place]
                    for other in sorted.places(of: person).reversed() {
                        let column = sorted.columns[other]
                        guard column > rank else { break }
                        if sums[Int(column)] == 0 { touched.append(column) }
                        sums[Int(column)] += factor
                    }
                }
                touched.sort()
                lists.append(touched.map { ($0, sums[Int($0)]) })
                for column in touched { sums[Int(column)] = 0 }
                touched.removeAll(keepingCapacity: true)
            }
            return lists
        }
        self.items = items
        below = above.transposed()
        diagonal = (0..<count).map { rank in byRank.places(of: rank).reduce(0) { $0 + byRank.values[$1] } }
    }
}

/// Solves one neighbourhood after the other in the same memory.
struct NeighbourhoodSolver {
    private let gram: OrderedGram
    private let regularisation: Float
    private let noise: Float
    private let size: Int
    private var places: [Int32]
    private var selection: TopSelection

    init(_ gram: OrderedGram, size: Int, _ parameters: LocalAutoencoderModel.Parameters) {
        self.gram = gram
        regularisation = parameters.regularisation
        noise = AutoencoderModel.noise(parameters.dropout)
        self.size = size
        places = Array(repeating: -1, count: gram.items.count)
        selection = TopSelection(capacity: size)
    }

    /// The weights with which other items speak for the item of a rank, by item.
    mutating func weights(ofRank rank: Int) -> [(column: UInt32, value: Float)] {
        selection.removeAll()
        func offer(_ rows: SparseRows, _ selection: inout TopSelection) {
            for place in rows.places(of: rank) {
                let other = rows.columns[place]
                selection.add(other, rows.values[place] / gram.diagonal[Int(other)].squareRoot())
            }
        }
        offer(gram.above, &selection)
        offer(gram.below, &selection)
        let ranks = selection.unsorted.map(\.index).sorted()
        guard !ranks.isEmpty else { return [] }
        let order = ranks.count
        for (place, other) in ranks.enumerated() { places[Int(other)] = Int32(place) }
        defer { for other in ranks { places[Int(other)] = -1 } }
        var matrix = [Float](repeating: 0, count: order * order)
        var side = [Float](repeating: 0, count: order)
        func read(_ rows: SparseRows, _ row: Int, _ take: (Int, Float) -> Void) {
            for entry in rows.places(of: row) {
                let place = places[Int(rows.columns[entry])]
                if place >= 0 { take(Int(place), rows.values[entry]) }
            }
        }
        read(gram.above, rank) { side[$0] = $1 }
        read(gram.below, rank) { side[$0] = $1 }
        for (place, other) in ranks.enumerated() {
            // Row-major upper triangle: entries with greater ranks lie to the right.
            read(gram.above, Int(other)) { matrix[place * order + $0] = $1 }
            matrix[place * order + place] = gram.diagonal[Int(other)] * (1 + noise) + regularisation
        }
        let isSolved = matrix.withUnsafeMutableBufferPointer { matrix in
            guard BLAS.factorise(matrix, order: order) else { return false }
            side.withUnsafeMutableBufferPointer { BLAS.solve(matrix, order: order, $0) }
            return true
        }
        guard isSolved else { return [] }
        return zip(ranks, side).compactMap { other, weight in
            weight.isFinite && weight != 0 ? (gram.items[Int(other)], weight) : nil
        }
    }
}
