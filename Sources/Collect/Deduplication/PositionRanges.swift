/// A set of log positions, kept as runs: sorted, disjoint, none touching the next. A run holds the positions above
/// `after` up to and including `through`.
struct PositionRanges: Equatable, Sendable {
    struct Run: Equatable, Sendable {
        var after: Int64
        var through: Int64
    }

    private(set) var runs: [Run] = []

    init() {}

    init(after: Int64, through: Int64) { insert(after: after, through: through) }

    var isEmpty: Bool { runs.isEmpty }

    /// Adds the positions above `after` up to `through`.
    mutating func insert(after: Int64, through: Int64) {
        guard after < through else { return }
        var merged = Run(after: after, through: through)
        // Almost every call lengthens the last run.
        if let last = runs.last, last.after <= after, after <= last.through {
            runs[runs.count - 1].through = max(last.through, through)
            return
        }
        var result: [Run] = []
        result.reserveCapacity(runs.count + 1)
        for run in runs where run.through < merged.after { result.append(run) }
        var rest: [Run] = []
        for run in runs where run.through >= merged.after {
            if run.after > merged.through {
                rest.append(run)
            } else {
                merged.after = min(merged.after, run.after)
                merged.through = max(merged.through, run.through)
            }
        }
        result.append(merged)
        result.append(contentsOf: rest)
        runs = result
    }

    mutating func formUnion(_ other: PositionRanges) {
        for run in other.runs { insert(after: run.after, through: run.through) }
    }

    func contains(_ position: Int64) -> Bool {
        var low = 0
        var high = runs.count
        while low < high {
            let middle = (low + high) / 2
            if runs[middle].through < position { low = middle + 1 } else { high = middle }
        }
        return low < runs.count && runs[low].after < position
    }

    /// Whether every position of `other` is in this set.
    func isSuperset(of other: PositionRanges) -> Bool {
        other.runs.allSatisfy { run in runs.contains { $0.after <= run.after && run.through <= $0.through } }
    }

    /// The positions above 0 up to `through` that are not in this set.
    func gaps(through end: Int64) -> PositionRanges {
        var result = PositionRanges()
        var reached: Int64 = 0
        for run in runs {
            if run.after >= end { break }
            result.insert(after: reached, through: min(run.after, end))
            reached = max(reached, run.through)
        }
        result.insert(after: reached, through: end)
        return result
    }
}
