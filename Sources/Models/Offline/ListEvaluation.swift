public import Evaluation
internal import Numerics
internal import Synchronization

/// All-ranking evaluation: every item of the catalogue is scored for every tested person, and the best make the list.
public struct ListEvaluation: Sendable {
    /// Lengths at which lists are cut off, rising.
    public let cutoffs: [Int]
    /// Processors used.
    public let threads: Int

    /// Scores held at once by a thread. With few histories a block, products spend their time on packing the other side.
    private static let blockScores = 16 << 20

    /// An evaluation; cut-offs below 1 are left out.
    public init(cutoffs: [Int], threads: Int) {
        self.cutoffs = Set(cutoffs.filter { $0 > 0 }).sorted()
        self.threads = max(1, threads)
    }

    /// The list of each trial, of the longest cut-off. Who has no history gets the most popular items, from every model
    /// alike. Memory: 64 MiB a thread and the model's own.
    public func lists(of model: any ItemModel, _ dataset: ListDataset) -> [[UInt32]] {
        let count = dataset.itemCount
        let longest = cutoffs.last ?? 0
        guard count > 0, longest > 0 else { return dataset.trials.map { _ in [] } }
        let popular = Self.popular(dataset.histories)
        let block = max(1, min(512, ListEvaluation.blockScores / count))
        let found = Mutex<[[UInt32]]>(Array(repeating: [], count: dataset.trials.count))
        Parallel.ranges(dataset.trials.count, grain: block, threads: threads) { range in
            var histories = Histories(itemCount: count)
            for trial in range {
                histories.append(dataset.histories.entries(of: dataset.trials[trial].person))
            }
            let scores = UnsafeMutableBufferPointer<Float>.allocate(capacity: range.count * count)
            defer { scores.deallocate() }
            model.score(histories, into: scores)
            var selection = TopSelection(capacity: longest)
            var lists: [[UInt32]] = []
            for person in 0..<range.count {
                let row = UnsafeMutableBufferPointer(rebasing: scores[person * count..<(person + 1) * count])
                let own = histories.items(of: person)
                if dataset.isMasked { for item in own { row[Int(item)] = -.infinity } }
                guard !own.isEmpty else {
                    lists.append(Array(popular.prefix(longest)))
                    continue
                }
                selection.removeAll()
                for item in 0..<count { selection.add(UInt32(truncatingIfNeeded: item), row[item]) }
                lists.append(selection.sorted().filter { $0.value > -.infinity }.map(\.index))
            }
            found.withLock { all in for (trial, list) in zip(range, lists) { all[trial] = list } }
        }
        return found.withLock { $0 }
    }

    /// Every measure at every cut-off, a unit for each trial.
    public func measures(_ lists: [[UInt32]], _ dataset: ListDataset) -> MeasureTable {
        var table = MeasureTable(names: cutoffs.flatMap { cutoff in Measure.allCases.map { $0.name(at: cutoff) } })
        for (list, trial) in zip(lists, dataset.trials) {
            let ranks = RankedList(ranked: list, relevant: Set(trial.relevant)).hitRanks
            table.append(
                cutoffs.flatMap { cutoff in
                    Measure.allCases.map {
                        $0.value(ranks: ranks, relevantCount: trial.relevant.count, cutoff: cutoff)
                    }
                })
        }
        return table
    }

    /// What the lists show, by cut-off.
    public func exposures(_ lists: [[UInt32]], _ dataset: ListDataset) -> [(cutoff: Int, exposure: Exposure)] {
        let popularity = dataset.histories.personCounts
        let persons = dataset.histories.activeCount
        let histories = dataset.trials.map { Array(dataset.histories.items(of: $0.person)) }
        return cutoffs.map { cutoff in
            (
                cutoff,
                Exposure(
                    lists: lists.map { Array($0.prefix(cutoff)) }, histories: histories, popularity: popularity,
                    persons: persons)
            )
        }
    }

    private static func popular(_ histories: Histories) -> [UInt32] {
        let counts = histories.personCounts
        return counts.indices.sorted { counts[$0] != counts[$1] ? counts[$0] > counts[$1] : $0 < $1 }
            .map { UInt32(truncatingIfNeeded: $0) }
    }
}
