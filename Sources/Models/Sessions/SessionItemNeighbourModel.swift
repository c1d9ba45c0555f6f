internal import Numerics

/// Item-to-item by what sessions have both, with recency: the association rules of Ludewig and Jannach 2018, as a cosine.
///
/// S_ij = Σ over sessions with both of e^(−age / ``Parameters/days``), divided by √(n_i · n_j), n being the same sum over the
/// sessions with an item. The age is that before the newest session. Scores are Σ over the session's clicks, each counting
/// ``Parameters/fall`` times the next.
public struct SessionItemNeighbourModel: SessionModel {
    /// Hyper-parameters.
    public struct Parameters: Sendable, Hashable {
        /// Days after which a training session counts 1/e.
        public var days: Float = 30
        /// What a click counts of the one after it.
        public var fall: Float = 0.7
        /// Clicks of the session that are looked at.
        public var lastItems = 20
        /// Entries kept of each row.
        public var neighbours = 200
        /// Sessions of each item that are looked at: the latest.
        public var perItem = 5_000

        /// The defaults.
        public init() {}
    }

    public let name = "session-items"
    private let rows: SparseRows
    private let parameters: Parameters

    public var itemCount: Int { rows.columnCount }

    /// Learns from sessions. O(entries · items a session).
    public init(_ sessions: Histories, _ parameters: Parameters = .init()) {
        self.parameters = parameters
        let index = SessionIndex(sessions)
        let newest = index.ends.first ?? 0
        let weights = index.ends.map { (-Float(newest - $0) / 86_400_000 / parameters.days).exponential }
        var sizes = [Float](repeating: 0, count: index.itemCount)
        for item in sizes.indices {
            sizes[item] = index.sessions(of: UInt32(item)).prefix(parameters.perItem)
                .reduce(0) { $0 + weights[Int($1)] }
        }
        var sums = SessionScores(itemCount: index.itemCount)
        var rows = SparseRows(columnCount: index.itemCount)
        for item in sizes.indices {
            sums.removeAll()
            for session in index.sessions(of: UInt32(item)).prefix(parameters.perItem) {
                for place in index.offsets[Int(session)]..<index.offsets[Int(session) + 1] {
                    let other = index.items[place]
                    if Int(other) != item { sums.add(other, weights[Int(session)]) }
                }
            }
            var selection = TopSelection(capacity: parameters.neighbours)
            for other in sums.touched {
                let size = (sizes[item] * sizes[Int(other)]).squareRoot()
                if size > 0 { selection.add(other, sums[other] / size) }
            }
            rows.append(selection.sorted().map { ($0.index, $0.value) })
        }
        self.rows = rows
    }

    public func score(_ session: [UInt32], at time: Int64?, into scores: inout SessionScores) {
        var weight: Float = 1
        for item in session.suffix(parameters.lastItems).reversed() {
            if Int(item) < rows.rowCount {
                for place in rows.places(of: Int(item)) { scores.add(rows.columns[place], weight * rows.values[place]) }
            }
            weight *= parameters.fall
        }
    }
}
