internal import Numerics

/// The linear autoencoder EASE (Steck 2019) over a whole catalogue, which must be small.
///
/// G = Xᵀ · D_u^−a · X, P = (G + λI)⁻¹, B_ij = −P_ij / P_jj, 0 on the diagonal: the weights that say each item best from all
/// others. A history's score is the sum of its items' rows of B. Fitting costs Σ d² of the histories and 2 · items³ operations;
/// memory is 4 · items² bytes, twice that while fitting. ``LocalAutoencoderModel`` is for larger catalogues.
public struct AutoencoderModel: RecencyModel {
    /// Hyper-parameters.
    public struct Parameters: Sendable, Hashable, Codable {
        /// λ: how strongly weights are kept small.
        public var regularisation: Float = 100
        /// a: how little long histories count.
        public var personExponent: Float = 0.5
        /// Share of the entries that are thought away, as noise that the weights must stand (EDLAE; Steck 2020): λ grows with
        /// p / (1 − p) times the item's own G_ii. `nil`: none.
        public var dropout: Float?
        /// How the late part of a history counts.
        public var recency = Recency.none

        /// The defaults.
        public init() {}
    }

    /// The largest catalogue: its weights take 144 MB.
    public static let mostItems = 6_000

    public let name = "autoencoder"
    /// How histories are weighted.
    public var recency: Recency
    /// B.
    let weights: DenseMatrix

    public var itemCount: Int { weights.rows }

    /// Fits to histories; `nil` where the catalogue has more than ``mostItems``, or the numbers run away.
    public init?(_ histories: Histories, _ parameters: Parameters) {
        let count = histories.itemCount
        guard count > 0, count <= AutoencoderModel.mostItems else { return nil }
        let persons = Cooccurrence(histories, longest: WalkModel.longestHistory).byPerson
        let matrix = DenseMatrix(rows: count, columns: count)
        for person in 0..<persons.rowCount {
            let items = persons.columns[persons.places(of: person)]
            let factor = Float(max(1, items.count)).raised(to: -parameters.personExponent)
            for item in items {
                let row = matrix.row(Int(item))
                for other in items { row[Int(other)] += factor }
            }
        }
        let noise = AutoencoderModel.noise(parameters.dropout)
        for item in 0..<count {
            let row = matrix.row(item)
            row[item] += max(1e-3, parameters.regularisation) + noise * row[item]
        }
        guard BLAS.factorise(matrix.values, order: count), BLAS.invert(matrix.values, order: count) else { return nil }
        let scale = (0..<count).map { -1 / matrix.row($0)[$0] }
        for item in 0..<count {
            let row = matrix.row(item)
            for other in 0..<count { row[other] *= scale[other] }
            row[item] = 0
        }
        guard matrix.values.allSatisfy(\.isFinite) else { return nil }
        weights = matrix
        recency = parameters.recency
    }

    /// p / (1 − p).
    static func noise(_ dropout: Float?) -> Float {
        let share = max(0, min(0.95, dropout ?? 0))
        return share.isFinite ? share / (1 - share) : 0
    }

    public func score(_ histories: Histories, into scores: UnsafeMutableBufferPointer<Float>) {
        scores.update(repeating: 0)
        for person in 0..<histories.count {
            let row = UnsafeMutableBufferPointer(rebasing: scores[person * itemCount..<(person + 1) * itemCount])
            for (weight, place) in zip(recency.profile(of: person, in: histories), histories.places(of: person)) {
                BLAS.add(weight, UnsafeBufferPointer(weights.row(Int(histories.items[place]))), to: row)
            }
        }
    }
}
