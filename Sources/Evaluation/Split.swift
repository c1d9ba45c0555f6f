/// How data without a test part is divided into one to learn from and one to be tested on.
public enum Split: Sendable, Equatable {
    /// The last interaction of each user with two or more is the test; for sessions, the sessions of the last day.
    case last
    /// What happened after a share of all interactions, in order of time, is the test; for sessions, of all sessions by start.
    case temporal(Double)

    /// Reads `last` or `temporal:0.8`; `nil` when it is neither.
    public init?(_ text: String) {
        if text == "last" {
            self = .last
            return
        }
        let parts = text.split(separator: ":", omittingEmptySubsequences: false)
        guard parts.count == 2, parts[0] == "temporal", let share = Double(parts[1]), share > 0, share < 1 else {
            return nil
        }
        self = .temporal(share)
    }

    /// Divides users' runs. Equal times are divided by the order of the runs, so that exactly the share is learned from.
    public func divide(_ part: DatasetPart) throws(DatasetError) -> (train: DatasetPart, test: DatasetPart) {
        var train = part
        var test = DatasetPart(runs: Array(repeating: [], count: part.runs.count), hasTimes: part.hasTimes)
        switch self {
        case .last:
            for user in part.runs.indices where part.runs[user].count >= 2 {
                test.runs[user] = [train.runs[user].removeLast()]
            }
        case .temporal(let share):
            guard part.hasTimes else { throw DatasetError("a temporal split needs times, and the data has none") }
            var order: [(time: Int64, user: Int, place: Int)] = []
            for (user, run) in part.runs.enumerated() {
                for (place, entry) in run.enumerated() { order.append((entry.time ?? 0, user, place)) }
            }
            order.sort { ($0.time, $0.user, $0.place) < ($1.time, $1.user, $1.place) }
            var kept = [Int](repeating: 0, count: part.runs.count)
            for (_, user, _) in order.prefix(Int(Double(order.count) * share)) { kept[user] += 1 }
            for (user, run) in part.runs.enumerated() {
                train.runs[user] = Array(run.prefix(kept[user]))
                test.runs[user] = Array(run.dropFirst(kept[user]))
            }
        }
        return (train, test)
    }

    /// Divides sessions, which stand in order of their starts: a session belongs whole to one side.
    public func divideSessions(_ part: DatasetPart) -> (train: DatasetPart, test: DatasetPart) {
        let starts = part.runs.map { $0.first?.time ?? 0 }
        let boundary: Int
        switch self {
        case .last:
            let newest = starts.last ?? 0
            boundary = starts.firstIndex { $0 > newest - 86_400_000 } ?? starts.count
        case .temporal(let share):
            boundary = Int(Double(starts.count) * share)
        }
        return (
            DatasetPart(runs: Array(part.runs[..<boundary]), hasTimes: part.hasTimes),
            DatasetPart(runs: Array(part.runs[boundary...]), hasTimes: part.hasTimes)
        )
    }
}
