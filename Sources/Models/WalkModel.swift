public import Numerics

/// Item-to-item by a normalised random walk: from an item to a person who has it and on to another item of that person.
///
/// S_ij = (Σ over persons with both of d^−a) / (p_i^b · p_j^c), d being the length of a person's history and p the number of
/// persons of an item; the `neighbours` greatest of each source row i are kept. A history's score is the sum of its items'
/// rows. (P3α of Cooper et al. 2014 and RP3β of Paudel et al. 2017 are its relatives.) Fitting costs Σ d² with histories cut
/// to the latest ``longestHistory`` entries, so it grows linearly with interactions.
public struct WalkModel: RowModel {
    /// Hyper-parameters.
    public struct Parameters: Sendable, Hashable, Codable {
        /// a: how little long histories count.
        public var personExponent: Float = 1
        /// b: how little popular items lead on.
        public var sourceExponent: Float = 1
        /// c: how little popular items are led to.
        public var targetExponent: Float = 0
        /// Entries kept of each row.
        public var neighbours = 200
        /// How the late part of a history counts.
        public var recency = Recency.none

        /// The defaults.
        public init() {}
    }

    /// Entries of a history that are looked at.
    public static let longestHistory = 1_000

    public let name = "walk"
    /// The rows kept.
    public let rows: SparseRows
    /// How histories are weighted.
    public var recency: Recency

    /// Fits to histories.
    public init(_ histories: Histories, _ parameters: Parameters, threads: Int = Parallel.processors) {
        rows = Cooccurrence(histories, longest: WalkModel.longestHistory).rows(
            personExponent: parameters.personExponent, keep: parameters.neighbours, threads: threads
        ) { sum, source, target in
            sum * source.raised(to: -parameters.sourceExponent) * target.raised(to: -parameters.targetExponent)
        }
        recency = parameters.recency
    }
}
