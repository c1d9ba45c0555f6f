public import Evaluation
internal import Numerics
internal import Synchronization

/// Next-item evaluation as session-rec does it (Ludewig and Jannach 2018): each place of each test session is predicted
/// from what stands before it; nothing is masked; means are over predictions. Items unknown to training are passed over
/// in what stands before, and are misses where they are to be predicted.
public struct SessionEvaluation: Sendable {
    /// Lengths at which lists are cut off, rising.
    public let cutoffs: [Int]
    /// Processors used.
    public let threads: Int

    private static let block = 64
    private static let measured: [Measure] = [.hr, .mrr]

    /// An evaluation; cut-offs below 1 are left out.
    public init(cutoffs: [Int], threads: Int) {
        self.cutoffs = Set(cutoffs.filter { $0 > 0 }).sorted()
        self.threads = max(1, threads)
    }

    /// Measures of every prediction, a unit for each session, and the lists of the longest cut-off with the items that
    /// stood before each.
    public func run(_ model: some SessionModel, _ dataset: SessionDataset) -> Result {
        let names = cutoffs.flatMap { cutoff in SessionEvaluation.measured.map { $0.name(at: cutoff) } }
        let count = dataset.tests.count
        let found = Mutex<[Int: Result]>([:])
        Parallel.ranges(count, grain: SessionEvaluation.block, threads: threads) { range in
            var scores = SessionScores(itemCount: dataset.itemCount)
            var result = Result(table: MeasureTable(names: names))
            for session in range { predict(dataset.tests[session], model, &scores, &result) }
            found.withLock { $0[range.lowerBound] = result }
        }
        return found.withLock { blocks in
            var whole = Result(table: MeasureTable(names: names))
            for start in blocks.keys.sorted() {
                guard let block = blocks[start] else { continue }
                whole.table.append(block.table)
                whole.lists += block.lists
                whole.histories += block.histories
            }
            return whole
        }
    }

    private func predict(
        _ session: [DatasetEntry], _ model: some SessionModel, _ scores: inout SessionScores, _ result: inout Result
    ) {
        guard session.count >= 2 else { return }
        var sums = [Double](repeating: 0, count: result.table.names.count)
        var before: [UInt32] = []
        for place in 0..<session.count - 1 {
            if Int(session[place].item) < model.itemCount { before.append(session[place].item) }
            scores.removeAll()
            model.score(before, at: session[place].time, into: &scores)
            let ranks = scores.rank(of: session[place + 1].item).map { [$0] } ?? []
            var column = 0
            for cutoff in cutoffs {
                for measure in SessionEvaluation.measured {
                    sums[column] += measure.value(ranks: ranks, relevantCount: 1, cutoff: cutoff)
                    column += 1
                }
            }
            result.lists.append(scores.best(cutoffs.last ?? 0).map(\.index))
            result.histories.append(before)
        }
        result.table.append(sums, predictions: session.count - 1)
    }

    /// What a model did.
    public struct Result: Sendable {
        /// Measures, a unit for each session.
        public var table: MeasureTable
        /// The list of each prediction.
        public var lists: [[UInt32]] = []
        /// What stood before each prediction.
        public var histories: [[UInt32]] = []
    }
}
