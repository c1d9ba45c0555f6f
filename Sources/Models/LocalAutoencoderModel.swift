public import Numerics
internal import Synchronization

/// A linear autoencoder on each item's neighbourhood: EASE (Steck 2019), solved for one item at a time over the items that
/// occur with it most.
///
/// G = Xᵀ · D_u^−a · X. Of item j the `neighbours` items N with the greatest G_ij · G_ii^−½ are regressed on it:
/// (G_NN + λI) · w = G_Nj. A history's score is the sum of its items' weights. One Cholesky factorisation of `neighbours`³ / 3
/// operations an item, and Σ over its neighbours of their co-occurring items of greater popularity. What it takes of memory while
/// fitting is bounded (``OrderedGram``).
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
        gram.forEachPair(of: rank) {
            selection.add(UInt32($0), $1 / gram.diagonal[$0].squareRoot())
        }
        let ranks = selection.unsorted.map(\.index).sorted()
        guard !ranks.isEmpty else { return [] }
        let order = ranks.count
        for (place, other) in ranks.enumerated() { places[Int(other)] = Int32(place) }
        defer { for other in ranks { places[Int(other)] = -1 } }
        var side = [Float](repeating: 0, count: order)
        gram.forEachPair(of: rank) {
            let place = places[$0]
            if place >= 0 { side[Int(place)] = $1 }
        }
        // Where pairs were left out the matrix may be too far from a sum of squares: then with more of the ridge.
        guard [1, 10, 100].contains(where: { isSolved(ranks, ridge: $0 * regularisation, &side) }) else { return [] }
        return zip(ranks, side).compactMap { other, weight in
            weight.isFinite && weight != 0 ? (gram.items[Int(other)], weight) : nil
        }
    }

    /// Solves for `side` in place; leaves it as it is when that fails.
    private func isSolved(_ ranks: [UInt32], ridge: Float, _ side: inout [Float]) -> Bool {
        let order = ranks.count
        var matrix = [Float](repeating: 0, count: order * order)
        for (place, other) in ranks.enumerated() {
            // Row-major upper triangle: entries with greater ranks lie to the right.
            gram.forEachPair(above: Int(other), in: ranks[(place + 1)...], places: places) {
                matrix[place * order + $0] = $1
            }
            matrix[place * order + place] = gram.diagonal[Int(other)] * (1 + noise) + ridge
        }
        return matrix.withUnsafeMutableBufferPointer { matrix in
            guard BLAS.factorise(matrix, order: order) else { return false }
            side.withUnsafeMutableBufferPointer { BLAS.solve(matrix, order: order, $0) }
            return true
        }
    }
}
