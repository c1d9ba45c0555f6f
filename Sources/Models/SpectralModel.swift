public import Numerics

/// A spectral low-pass filter: what a history says, seen through the strongest common patterns of all histories.
///
/// A = D_u^−a · X · D_i^−½ is decomposed to its `rank` greatest right singular vectors V; the score of a history x is
/// x · D_i^−½ · V · Vᵀ · D_i^½. (GF-CF of Shen et al. 2021, whose ideal low-pass filter this is, with an exponent for
/// persons.) Scoring costs 2 · items · rank operations a history beyond the history's own entries.
public struct SpectralModel: RecencyModel {
    /// Hyper-parameters.
    public struct Parameters: Sendable, Hashable, Codable {
        /// Singular vectors kept, at most the number of persons or items.
        public var rank = 512
        /// a: how little long histories count.
        public var personExponent: Float = 0.3
        /// How the late part of a history counts.
        public var recency = Recency.none

        /// The defaults.
        public init() {}
    }

    public let name = "spectral"
    /// How histories are weighted.
    public var recency: Recency
    /// Vectors of the items, items × rank.
    let vectors: DenseMatrix
    /// p^−½ of each item, p being the number of persons who have it; 0 for items nobody has.
    let scale: [Float]

    public var itemCount: Int { vectors.rows }
    /// Singular vectors kept.
    public var rank: Int { vectors.columns }

    /// Fits to histories; `nil` when there is nothing to decompose.
    public init?(
        _ histories: Histories, _ parameters: Parameters, seed: UInt64 = 1, threads: Int = Parallel.processors
    ) {
        let together = Cooccurrence(histories, longest: WalkModel.longestHistory)
        let scale = (0..<histories.itemCount).map { item in
            let persons = together.byItem.places(of: item).count
            return persons == 0 ? 0 : 1 / Float(persons).squareRoot()
        }
        var matrix = SparseRows(columnCount: histories.itemCount)
        for person in 0..<together.byPerson.rowCount {
            let places = together.byPerson.places(of: person)
            let factor = Float(max(1, places.count)).raised(to: -parameters.personExponent)
            matrix.append(
                places.map { place in
                    let item = together.byPerson.columns[place]
                    return (item, factor * scale[Int(item)])
                })
        }
        guard let decomposed = TruncatedSVD(matrix, rank: parameters.rank, seed: seed, threads: threads) else {
            return nil
        }
        vectors = decomposed.vectors
        self.scale = scale
        recency = parameters.recency
    }

    private init(vectors: DenseMatrix, scale: [Float], recency: Recency) {
        self.vectors = vectors
        self.scale = scale
        self.recency = recency
    }

    /// The same model with fewer vectors.
    public func reduced(to rank: Int) -> SpectralModel {
        SpectralModel(vectors: vectors.prefix(columns: rank), scale: scale, recency: recency)
    }

    /// What the vectors say of histories, histories × rank.
    func projections(of histories: Histories) -> DenseMatrix {
        let projections = DenseMatrix(rows: histories.count, columns: rank)
        for person in 0..<histories.count {
            let profile = recency.profile(of: person, in: histories)
            for (weight, place) in zip(profile, histories.places(of: person)) {
                let item = Int(histories.items[place])
                BLAS.add(weight * scale[item], UnsafeBufferPointer(vectors.row(item)), to: projections.row(person))
            }
        }
        return projections
    }

    public func score(_ histories: Histories, into scores: UnsafeMutableBufferPointer<Float>) {
        let projections = projections(of: histories)
        BLAS.multiply(
            UnsafeBufferPointer(projections.values), UnsafeBufferPointer(vectors.values), into: scores,
            rows: histories.count, inner: rank, columns: itemCount, rightIsTurned: true)
        // Back to the items' own scale; items nobody has say nothing.
        let back = scale.map { $0 == 0 ? 0 : 1 / $0 }
        for person in 0..<histories.count {
            let row = UnsafeMutableBufferPointer(rebasing: scores[person * itemCount..<(person + 1) * itemCount])
            for item in 0..<itemCount { row[item] *= back[item] }
        }
    }
}
