public import Numerics

/// Implicit matrix factorisation by alternating least squares (Hu, Koren and Volinsky 2008) with regularisation that grows
/// with what is known of a row (Rendle et al. 2021, "Revisiting the performance of iALS").
///
/// Minimises Σ over entries (g + |w|)(t − x_u·y_i)² + g · Σ over all other pairs (x_u·y_i)² + Σ over persons λ(s_u)|x_u|² +
/// Σ over items λ(s_i)|y_i|², with t = 1 for entries of weight above 0 and 0 below, w the entry's weight times
/// ``Parameters/confidence``, g = ``Parameters/unobserved``, and λ(s) = regularisation · (s + g · rows of the other side)^ν,
/// s being the sum of the row's |w|. A history scores by the vector that solves its own row with the items held fixed, which
/// is made when it is asked for. A sweep costs 8 · factors² operations a person and an item and 32 · factors an entry; a
/// request 2 · items · factors beyond its fold-in; memory is 4 · factors bytes an item that somebody touched, and a person
/// while training. Items that nobody touched score 0.
public struct ALSModel: RecencyModel {
    /// Hyper-parameters.
    public struct Parameters: Sendable, Hashable, Codable {
        /// Length of the vectors.
        public var factors = 128
        /// Sweeps over persons and items.
        public var iterations = 12
        /// λ.
        public var regularisation: Float = 0.007
        /// ν: 0 the same for every row, 1 in proportion to what is known of it.
        public var frequencyExponent: Float = 1
        /// g: how much a pair counts of which nothing is known; `nil`: ``ALSModel/unobservedTogether`` by the number of items
        /// that somebody touched, at most 1.
        public var unobserved: Float?
        /// How much an entry of weight 1 counts.
        public var confidence: Float = 1
        /// Steps of conjugate gradients for each row in a sweep.
        public var steps = 3
        /// How the late part of a history counts when it is folded in.
        public var recency = Recency.none

        /// The defaults.
        public init() {}
    }

    /// Steps of a fold-in, at most; it ends when the residual has fallen to a thousandth.
    static let foldInSteps = 24
    /// What the pairs of a person count together of which nothing is known, unless told otherwise. (The best g of catalogues of
    /// 1,700 and of 41,000 items differ by a factor of 30; this product hardly does.)
    static let unobservedTogether: Float = 500
    /// Weights are cut to this multiple of what an unobserved pair counts: beyond it 32-bit numbers fail and nothing changes.
    static let greatestConfidence: Float = 10_000

    public let name = "als"
    /// Hyper-parameters in force.
    public let parameters: Parameters
    /// How histories are weighted.
    public var recency: Recency
    public let itemCount: Int
    /// The items that somebody touched, ascending.
    private let touched: [UInt32]
    /// Place of each item among the touched ones.
    private let places: [UInt32?]
    /// Vectors of the touched items, by factors rounded up to ``LeastSquaresRows/widthUnit``.
    private let items: DenseMatrix
    private let problems: LeastSquaresRows

    /// Fits to histories. The outcome depends on the seed, not on the number of threads. `isCancelled` is asked twice a sweep
    /// and ends the fit where it is.
    public init(
        _ histories: Histories, _ parameters: Parameters, seed: UInt64 = 1, threads: Int = Parallel.processors,
        isCancelled: @Sendable () -> Bool = { false }
    ) {
        let unit = LeastSquaresRows.widthUnit
        let width = max(1, (max(1, parameters.factors) + unit - 1) / unit) * unit
        var isTouched = [Bool](repeating: false, count: histories.itemCount)
        for item in histories.items { isTouched[Int(item)] = true }
        touched = isTouched.indices.lazy.filter { isTouched[$0] }.map { UInt32($0) }
        var places = [UInt32?](repeating: nil, count: histories.itemCount)
        for (place, item) in touched.enumerated() { places[Int(item)] = UInt32(place) }
        self.places = places
        itemCount = histories.itemCount
        let rating = Rating(parameters, items: touched.count)
        let byPerson = rating.rows(histories, recency: .none, places: places, width: touched.count)
        let byItem = byPerson.transposed()
        var random = SplitMix(seed: seed)
        let items = DenseMatrix(rows: touched.count, columns: width)
        let persons = DenseMatrix(rows: histories.count, columns: width)
        let spread = 0.1 / Float(max(1, parameters.factors)).squareRoot()
        for item in 0..<items.rows {
            let row = items.row(item)
            for factor in 0..<max(1, parameters.factors) { row[factor] = Float(random.nextNormal()) * spread }
        }
        let personRidge = rating.ridges(of: byPerson)
        let itemRidge = rating.ridges(of: byItem)
        for _ in 0..<max(1, parameters.iterations) {
            if isCancelled() { break }
            LeastSquaresRows(factors: items, unobserved: rating.unobserved, threads: threads).solve(
                byPerson, ridge: personRidge, into: persons, steps: parameters.steps, threads: threads)
            if isCancelled() { break }
            LeastSquaresRows(factors: persons, unobserved: rating.unobserved, threads: threads).solve(
                byItem, ridge: itemRidge, into: items, steps: parameters.steps, threads: threads)
        }
        for place in items.values.indices where !items.values[place].isFinite { items.values[place] = 0 }
        self.items = items
        self.parameters = parameters
        recency = parameters.recency
        problems = LeastSquaresRows(factors: items, unobserved: rating.unobserved, threads: threads)
    }

    /// The vectors of histories, histories × factors rounded up, by solving each one's row.
    func vectors(of histories: Histories) -> DenseMatrix {
        let rating = Rating(parameters, items: touched.count)
        let rows = rating.rows(histories, recency: recency, places: places, width: touched.count)
        let vectors = DenseMatrix(rows: histories.count, columns: items.columns)
        problems.solve(
            rows, ridge: rating.ridges(of: rows), into: vectors, steps: ALSModel.foldInSteps, tolerance: 1e-3,
            threads: 1)
        return vectors
    }

    public func score(_ histories: Histories, into scores: UnsafeMutableBufferPointer<Float>) {
        let vectors = vectors(of: histories)
        let isWhole = touched.count == itemCount
        // Items that nobody touched have no column in the product; they get theirs afterwards.
        let known = DenseMatrix(rows: isWhole ? 0 : histories.count, columns: touched.count)
        withExtendedLifetime((vectors, known, items)) {
            BLAS.multiply(
                UnsafeBufferPointer(vectors.values), UnsafeBufferPointer(items.values),
                into: isWhole ? scores : known.values, rows: histories.count, inner: items.columns,
                columns: touched.count, rightIsTurned: true)
        }
        guard !isWhole else { return }
        scores.update(repeating: 0)
        for history in 0..<histories.count {
            let row = known.row(history)
            for (place, item) in touched.enumerated() { scores[history * itemCount + Int(item)] = row[place] }
        }
    }

    /// What histories are to the equations.
    private struct Rating {
        let unobserved: Float
        let confidence: Float
        let regularisation: Float
        let exponent: Float

        init(_ parameters: Parameters, items: Int) {
            // Every row must keep its equations positive definite.
            let wanted = parameters.unobserved ?? min(1, ALSModel.unobservedTogether / Float(max(1, items)))
            unobserved = wanted.isFinite ? max(1e-4, wanted) : 1e-4
            confidence = parameters.confidence.isFinite ? max(0, parameters.confidence) : 1
            regularisation = parameters.regularisation.isFinite ? max(1e-6, parameters.regularisation) : 1e-6
            exponent = parameters.frequencyExponent.isFinite ? parameters.frequencyExponent : 0
        }

        /// The entries of each history with their confidence, each item once (where it stands again, weights are added), by
        /// the places of the items; those without a place are left out.
        func rows(_ histories: Histories, recency: Recency, places: [UInt32?], width: Int) -> SparseRows {
            var rows = SparseRows(columnCount: width)
            var place = [UInt32: Int](minimumCapacity: 64)
            let most = unobserved * ALSModel.greatestConfidence
            for person in 0..<histories.count {
                var row: [(column: UInt32, value: Float)] = []
                place.removeAll(keepingCapacity: true)
                let factors = recency.factors(of: person, in: histories)
                for (entry, factor) in zip(histories.places(of: person), factors) {
                    // Cut before anything is multiplied, so that nothing becomes infinite.
                    let weight = max(-most, min(most, histories.weights[entry])) * factor
                    guard let item = places[Int(histories.items[entry])] else { continue }
                    if let known = place[item] {
                        row[known].value += weight
                    } else {
                        place[item] = row.count
                        row.append((item, weight))
                    }
                }
                rows.append(
                    row.compactMap { column, weight in
                        let value = max(-most, min(most, weight * confidence))
                        return value == 0 || value.isNaN ? nil : (column, value)
                    })
            }
            return rows
        }

        /// λ of each row.
        func ridges(of rows: SparseRows) -> [Float] {
            (0..<rows.rowCount).map { row in
                let sum = rows.places(of: row).reduce(Float(0)) { $0 + abs(rows.values[$1]) }
                return regularisation * (sum + unobserved * Float(rows.columnCount)).raised(to: exponent)
            }
        }
    }
}
