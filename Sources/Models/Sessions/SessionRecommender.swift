internal import Numerics

/// The default for sessions: a weighted sum of neighbour models, transitions of one and of two steps, and repeats.
///
/// Each model's scores are divided by its greatest, so that the weights mean the same for every session. The weights and the few hyper-parameters that depend on the data are chosen by ``SessionChooser`` on a hold-out
/// of the training part. When no model has anything to say, the popular items of the last days answer.
public struct SessionRecommender: SessionModel {
    /// What was chosen.
    public struct Choice: Sendable, Hashable {
        /// Weights of the models, in the order of ``SessionRecommender/componentNames``.
        public var weights: [Float] = [0.7, 0.35, 0.1, 0.1, 0.4, 0.3]
        /// What the models' scores of items that the session has count, 0…1; repeats count whole. Neighbours share items
        /// with the session, so that they speak for those above all, also where nobody ever comes back to one.
        public var ownShare: Float = 1
        /// Hyper-parameters of the neighbours.
        public var neighbours = SessionNeighbourModel.Parameters()
        /// Hyper-parameters of STAN.
        public var stan = SequenceTimeNeighbourModel.Parameters()

        /// The defaults.
        public init() {}
    }

    /// Names of the models that are blended.
    public static let componentNames = ["session-neighbours", "stan", "transitions", "next", "walk", "repeats"]

    public let name = "default"
    /// What is in force.
    public let choice: Choice
    let components: [any SessionModel]
    private let fallback: RecentPopularity
    /// Bytes of the sessions in the index.
    private let size: Int

    public var itemCount: Int { fallback.itemCount }

    /// Fits every model to sessions. O(entries · steps + items · 10⁴).
    public init(_ sessions: Histories, _ choice: Choice = .init()) {
        self.choice = choice
        let index = SessionIndex(sessions)
        // Rows of a very large catalogue are shorter, so that a table has at most 10 million entries.
        let kept = max(20, min(200, 10_000_000 / max(1, sessions.itemCount)))
        var (follows, next, walked) = (
            TransitionModel.Parameters(), TransitionModel.Parameters.next, TransitionModel.Parameters.walkedTwice
        )
        (follows.neighbours, next.neighbours, walked.neighbours) = (kept, kept, kept)
        components = [
            SessionNeighbourModel(index, choice.neighbours), SequenceTimeNeighbourModel(index, choice.stan),
            TransitionModel(sessions, follows), TransitionModel(sessions, next, named: "next"),
            TransitionModel(sessions, walked, named: "walk"), RepeatModel(itemCount: sessions.itemCount),
        ]
        fallback = RecentPopularity(sessions)
        size = sessions.items.count * 12 + sessions.count * 28
    }

    public func score(_ session: [UInt32], at time: Int64?, into scores: inout SessionScores) {
        var one = scores.takeSpare()
        for (component, weight) in zip(components, choice.weights) where weight > 0 {
            one.removeAll()
            component.score(session, at: time, into: &one)
            let scale = SessionRecommender.scale(one)
            let isOwnShared = choice.ownShare != 1 && !(component is RepeatModel)
            for item in one.touched {
                let share = isOwnShared && session.contains(item) ? choice.ownShare : 1
                if share > 0 { scores.add(item, share * weight * scale * one[item]) }
            }
        }
        scores.giveBack(one)
        if scores.touched.isEmpty { fallback.score(session, at: time, into: &scores) }
    }

    /// Bytes that it takes: 20 a click at most, 8 an entry of the three tables, and 60 an item.
    public var memoryBytes: Int {
        components.reduce(size + itemCount * 60) {
            $0 + (($1 as? TransitionModel)?.rows.columns.count ?? 0) * 8
        }
    }

    /// What a model's scores are multiplied by before they are weighted.
    static func scale(_ scores: SessionScores) -> Float {
        let greatest = scores.greatest
        return greatest > 0 ? 1 / greatest : 0
    }
}
