public import Evaluation

/// Data for evaluating what comes next in sessions.
public struct SessionDataset: Sendable {
    /// The sessions to learn from, in order of their starts: items may stand again, times are known.
    public let sessions: Histories
    /// The sessions to be tested on, with the times of their clicks. Items that training does not know have numbers from
    /// the catalogue's size on.
    public let tests: [[DatasetEntry]]
    /// Names of the items, known ones first.
    public let itemNames: [String]

    /// Items that the sessions to learn from have.
    public var itemCount: Int { sessions.itemCount }
    /// Predictions that the test asks for: each place of each session but the first.
    public var predictionCount: Int { tests.reduce(0) { $0 + max(0, $1.count - 1) } }

    /// Puts parts together; the validation part is learned from as well. O(entries).
    public init(train: DatasetPart, valid: DatasetPart?, test: DatasetPart, itemNames: [String]) {
        var numbers = [UInt32?](repeating: nil, count: itemNames.count)
        var names: [String] = []
        func renumbered(_ run: [DatasetEntry]) -> [DatasetEntry] {
            run.map { entry in
                let known = numbers[Int(entry.item)]
                let number = known ?? UInt32(names.count)
                if known == nil {
                    names.append(itemNames[Int(entry.item)])
                    numbers[Int(entry.item)] = number
                }
                return DatasetEntry(item: number, weight: entry.weight, time: entry.time)
            }
        }
        let learned = (train.runs + (valid?.runs ?? [])).map(renumbered)
        let starts = learned.map { $0.first?.time ?? 0 }
        var sessions = Histories(itemCount: names.count)
        for session in learned.indices.sorted(by: { (starts[$0], $0) < (starts[$1], $1) }) {
            let run = learned[session]
            sessions.append(
                run.enumerated().map {
                    .init(
                        item: $0.element.item, weight: $0.element.weight,
                        position: Histories.position($0.offset, of: run.count), time: $0.element.time)
                })
        }
        self.sessions = sessions
        tests = test.runs.map(renumbered)
        self.itemNames = names
    }
}
