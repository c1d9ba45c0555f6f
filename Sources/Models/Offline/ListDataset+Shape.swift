internal import Evaluation

/// What the form of data says of where its test lies. The items of the test are never looked at.
extension ListDataset {
    /// How to hold out so that choosing sees what the test will ask; `nil` where nothing says so. Times say whether tests
    /// follow what was learned from, person by person or all after one moment, or were drawn from among it.
    static func cut(train: DatasetPart, valid: DatasetPart?, test: DatasetPart) -> HoldOut.Cut? {
        guard train.hasTimes, test.hasTimes, valid?.hasTimes ?? true else { return nil }
        var learned: [Int64] = []
        var (tested, later) = (0, 0)
        for (user, run) in test.runs.enumerated() where !run.isEmpty {
            let before = [train.run(user).last?.time, valid?.run(user).last?.time].compactMap(\.self).max()
            guard let before else { continue }
            tested += run.count
            later += run.count { $0.time ?? before >= before }
        }
        guard tested > 0 else { return nil }
        guard later * 10 >= tested * 7 else { return .random(0.2) }
        for part in [train, valid].compactMap(\.self) {
            for run in part.runs { learned += run.compactMap(\.time) }
        }
        learned.sort()
        let edge = learned[learned.count - 1 - learned.count / 100]
        let all = test.runs.reduce(0) { $0 + $1.count }
        let after = test.runs.reduce(0) { $0 + $1.count { $0.time ?? edge >= edge } }
        guard after * 100 >= all * 99 else { return .tail(0.2) }
        return .late(max(0.05, min(0.3, Double(all) / Double(all + learned.count))))
    }

    /// The same where there are no times, from how many of each user's interactions are in the test: if that varies about as
    /// chance has it, the test was drawn from all interactions; if it varies far more, it is what came after one moment. Equal
    /// shares or numbers say nothing: both the last and any of a user's interactions are held back so.
    static func cut(learned: [Int], tested: [Int]) -> HoldOut.Cut? {
        let users = zip(learned, tested).filter { $0.0 + $0.1 >= 5 }
        let entries = users.reduce(0) { $0 + $1.0 + $1.1 }
        let held = users.reduce(0) { $0 + $1.1 }
        guard users.count >= 100, held > 0, held < entries else { return nil }
        var usual: [Int: Int] = [:]
        for (_, held) in users { usual[held, default: 0] += 1 }
        guard usual.values.max() ?? 0 < users.count * 9 / 10 else { return nil }
        let share = Double(held) / Double(entries)
        var (found, expected) = (0.0, 0.0)
        for (kept, held) in users {
            let size = Double(kept + held)
            let difference = Double(held) - size * share
            found += difference * difference
            expected += size * share * (1 - share)
        }
        if found > 4 * expected { return .tail(0.2) }
        return found > expected / 1.5 && found < expected * 1.5 ? .random(0.2) : nil
    }
}
