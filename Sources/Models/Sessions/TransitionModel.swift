public import Numerics

/// What follows what within sessions, the nearer the more: sequential rules (SR; Ludewig and Jannach 2018), with edges
/// that also lead back, and optionally walked twice.
///
/// T_ij = Σ over sessions with i at place a and j at a later place b, b − a ≤ ``Parameters/steps``, of 1 / (b − a); the edge
/// counts ``Parameters/backward`` times that from j to i. Rows are divided by their sums; the ``Parameters/neighbours``
/// greatest entries of each stay. With ``Parameters/isWalkedTwice`` the rows are those of two steps,
/// (Σ_j T_ij · T_jl) / (c_l + 1)^``Parameters/popularityExponent`` over the ``Parameters/leading`` greatest T_ij, c being
/// clicks: they reach items that never stood beside i. Scores are Σ over the session's last ``Parameters/lastItems``
/// clicks, each counting ``Parameters/fall`` times the next.
public struct TransitionModel: SessionModel {
    /// Hyper-parameters.
    public struct Parameters: Sendable, Hashable {
        /// Longest distance of an edge, in clicks.
        public var steps = 10
        /// Weight of an edge against its direction; 0 none.
        public var backward: Float = 0.6
        /// Whether two steps are taken.
        public var isWalkedTwice = false
        /// Entries of a row that the second step is taken from.
        public var leading = 50
        /// How little popular items are led to in two steps.
        public var popularityExponent: Float = 0.25
        /// Clicks of the session that are looked at.
        public var lastItems = 4
        /// What a click counts of the one after it.
        public var fall: Float = 0.5
        /// Entries kept of each row.
        public var neighbours = 200

        /// The defaults.
        public init() {}

        /// Only what follows at once on the last click.
        public static var next: Parameters {
            var parameters = Parameters()
            (parameters.steps, parameters.backward, parameters.lastItems) = (1, 0, 1)
            return parameters
        }

        /// Two steps.
        public static var walkedTwice: Parameters {
            var parameters = Parameters()
            parameters.isWalkedTwice = true
            return parameters
        }
    }

    public let name: String
    /// What each item leads to.
    public let rows: SparseRows
    private let parameters: Parameters

    public var itemCount: Int { rows.columnCount }

    /// Learns from sessions. O(entries · steps), and O(items · leading · neighbours) for two steps.
    public init(_ sessions: Histories, _ parameters: Parameters = .init(), named name: String = "transitions") {
        self.name = name
        self.parameters = parameters
        let counted = TransitionCounter.rows(sessions, parameters)
        rows = parameters.isWalkedTwice ? TransitionCounter.walkedTwice(counted, sessions, parameters) : counted
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

/// Counts what follows what.
enum TransitionCounter {
    static func rows(_ sessions: Histories, _ parameters: TransitionModel.Parameters) -> SparseRows {
        // Where each item stands, so that a row is made at a time and nothing but rows is held.
        let count = sessions.itemCount
        var offsets = [Int](repeating: 0, count: count + 1)
        for item in sessions.items { offsets[Int(item) + 1] += 1 }
        for item in 0..<count { offsets[item + 1] += offsets[item] }
        var next = offsets
        var entries = [Int](repeating: 0, count: sessions.items.count)
        var owners = [Int](repeating: 0, count: sessions.items.count)
        for session in 0..<sessions.count {
            for place in sessions.places(of: session) {
                owners[place] = session
                let item = Int(sessions.items[place])
                entries[next[item]] = place
                next[item] += 1
            }
        }
        var sums = SessionScores(itemCount: count)
        var rows = SparseRows(columnCount: count)
        for item in 0..<count {
            sums.removeAll()
            for entry in entries[offsets[item]..<offsets[item + 1]] where sessions.weights[entry] > 0 {
                let places = sessions.places(of: owners[entry])
                let after = entry + 1..<max(entry + 1, min(places.upperBound, entry + 1 + parameters.steps))
                for other in after where sessions.weights[other] > 0 {
                    sums.add(sessions.items[other], 1 / Float(other - entry))
                }
                guard parameters.backward > 0 else { continue }
                for other in max(places.lowerBound, entry - parameters.steps)..<entry where sessions.weights[other] > 0
                {
                    sums.add(sessions.items[other], parameters.backward / Float(entry - other))
                }
            }
            let total = sums.touched.reduce(Float(0)) { $0 + sums[$1] }
            rows.append(sums.best(parameters.neighbours).map { ($0.index, $0.value / total) })
        }
        return rows
    }

    static func walkedTwice(
        _ rows: SparseRows, _ sessions: Histories, _ parameters: TransitionModel.Parameters
    ) -> SparseRows {
        var clicks = [Float](repeating: 0, count: rows.columnCount)
        for item in sessions.items { clicks[Int(item)] += 1 }
        let damping = clicks.map { ($0 + 1).raised(to: -parameters.popularityExponent) }
        var sums = SessionScores(itemCount: rows.columnCount)
        var walked = SparseRows(columnCount: rows.columnCount)
        for item in 0..<rows.rowCount {
            sums.removeAll()
            // Rows stand in order of their values, the greatest first.
            for first in rows.places(of: item).prefix(parameters.leading) {
                for second in rows.places(of: Int(rows.columns[first])) {
                    let target = rows.columns[second]
                    sums.add(target, rows.values[first] * rows.values[second] * damping[Int(target)])
                }
            }
            walked.append(sums.best(parameters.neighbours).map { ($0.index, $0.value) })
        }
        return walked
    }
}
