internal import Numerics
internal import Synchronization

/// Sessions that came after the training, and how well models say what came next in them: hit rate and MRR at 20.
public struct SessionTrial: Sendable {
    /// Predictions that are looked at; further ones are passed over evenly.
    public static let mostPredictions = 3_000
    /// Length of the lists.
    public static let cutoff = 20

    /// What was measured.
    public struct Result: Sendable, Equatable {
        /// Share of the predictions that were among the best 20.
        public var hitRate: Double
        /// Mean of 1 / rank, 0 past the 20th.
        public var reciprocalRank: Double
        /// Both together: what decides.
        public var sum: Double { hitRate + reciprocalRank }
    }

    private let questions: [SessionChooser.Question]
    private let threads: Int

    /// A trial on sessions over the catalogue of the models.
    public init(_ sessions: Histories, threads: Int) {
        questions = SessionChooser.thinned(
            SessionChooser.questions(sessions, 0..<sessions.count), to: SessionTrial.mostPredictions)
        self.threads = max(1, threads)
    }

    /// Predictions.
    public var count: Int { questions.count }

    /// Measures a session model.
    public func run(_ model: SessionRecommender) -> Result {
        measure(room: { SessionScores(itemCount: model.itemCount) }) { question, scores in
            scores.removeAll()
            model.score(question.session, at: question.time, into: &scores)
            return scores.rank(of: question.answer)
        }
    }

    /// Measures a model of lists, which takes a session for a history and does not list what it has.
    public func run(_ model: ServingModel) -> Result {
        measure(room: { ServingScratch() }) { question, scratch in
            var seen: Set<UInt32> = []
            let latest = question.session.reversed().filter { seen.insert($0).inserted }.reversed()
            let opinions = model.opinions(
                of: latest.map { ServingModel.Action(item: $0, weight: 1) }, limit: SessionTrial.cutoff, &scratch)
            return opinions.firstIndex { $0.item == question.answer }.map { $0 + 1 }
        }
    }

    private func measure<Room>(
        room: @Sendable () -> Room, _ rank: @Sendable (SessionChooser.Question, inout Room) -> Int?
    ) -> Result {
        let sums = Mutex<[Int: (hits: Int, ranks: Double)]>([:])
        Parallel.ranges(questions.count, grain: 256, threads: threads) { range in
            var room = room()
            var (hits, ranks) = (0, 0.0)
            for question in questions[range] {
                guard let rank = rank(question, &room), rank <= SessionTrial.cutoff else { continue }
                hits += 1
                ranks += 1 / Double(rank)
            }
            sums.withLock { $0[range.lowerBound] = (hits, ranks) }
        }
        let all = sums.withLock { blocks in blocks.keys.sorted().compactMap { blocks[$0] } }
        let count = Double(max(1, questions.count))
        return Result(
            hitRate: Double(all.reduce(0) { $0 + $1.hits }) / count,
            reciprocalRank: all.reduce(0) { $0 + $1.ranks } / count)
    }
}
