internal import Numerics
internal import Synchronization

/// Chooses what ``SessionRecommender`` needs on the latest part of the training sessions: the last day, or, where that is
/// less than a twentieth or more than a fifth of the sessions, the last tenth.
///
/// First each hyper-parameter's values are tried on the model alone, then the weights are climbed one by one, both for the
/// sum of hit rate and MRR at 20. The same seed and sessions give the same choice on any number of threads.
public struct SessionChooser: Sendable {
    /// Most predictions that a choice is made on; further ones are passed over evenly.
    public static let mostPredictions = 8_000
    /// Predictions that hyper-parameters are tried on.
    private static let mostTrials = 3_000
    /// Items of each model that are kept of a prediction.
    private static let kept = 80
    private static let cutoff = 20

    private let threads: Int
    private let isCancelled: @Sendable () -> Bool

    /// A chooser on a number of processors. `isCancelled` is asked often; once it is true, whatever is chosen is soon answered.
    public init(threads: Int, isCancelled: @escaping @Sendable () -> Bool = { false }) {
        self.threads = max(1, threads)
        self.isCancelled = isCancelled
    }

    /// What is asked and what came.
    struct Question: Sendable {
        var session: [UInt32]
        var time: Int64?
        var answer: UInt32
    }

    /// Chooses. `sessions` are in order of their starts. With too few sessions to hold any back the defaults stay.
    public func choose(_ sessions: Histories) -> SessionRecommender.Choice {
        var choice = SessionRecommender.Choice()
        let boundary = SessionChooser.boundary(sessions)
        let learned = sessions.slice(0..<boundary)
        let questions = SessionChooser.questions(sessions, boundary..<sessions.count)
        guard learned.count >= 20, questions.count >= 20 else { return choice }
        let index = SessionIndex(learned)
        let few = SessionChooser.thinned(questions, to: SessionChooser.mostTrials)

        choice.neighbours = best(of: SessionChooser.neighbourTrials) {
            quality(SessionNeighbourModel(index, $0), few)
        }
        choice.stan = best(of: SessionChooser.stanTrials) { quality(SequenceTimeNeighbourModel(index, $0), few) }
        climb(&choice, on: candidates(SessionRecommender(learned, choice), questions))
        return choice
    }

    private static var neighbourTrials: [SessionNeighbourModel.Parameters] {
        [(Float(0.5), Float(3)), (0, 2), (0.5, 2), (1, 3)].map { length, power in
            var parameters = SessionNeighbourModel.Parameters()
            (parameters.lengthExponent, parameters.power) = (length, power)
            return parameters
        }
    }

    private static var stanTrials: [SequenceTimeNeighbourModel.Parameters] {
        [(Float(1.02), Float(5)), (1.02, 1.5), (1.02, 20), (1.02, 200), (3, 5), (3, 20)].map { own, days in
            var parameters = SequenceTimeNeighbourModel.Parameters()
            (parameters.ownClicks, parameters.days) = (own, days)
            return parameters
        }
    }

    /// The first of the greatest quality.
    private func best<Parameters>(of trials: [Parameters], _ quality: (Parameters) -> Double) -> Parameters {
        var best = trials[0]
        var greatest = -Double.infinity
        for trial in trials {
            let value = quality(trial)
            if value > greatest { (best, greatest) = (trial, value) }
        }
        return best
    }

    // MARK: The hold-out

    /// The first session that is held back.
    static func boundary(_ sessions: Histories) -> Int {
        let count = sessions.count
        let tenth = count - count / 10
        guard !sessions.times.isEmpty else { return tenth }
        let starts = (0..<count).map { session -> Int64 in
            let places = sessions.places(of: session)
            return places.isEmpty ? .min : sessions.times[places.lowerBound]
        }
        guard let newest = starts.max() else { return tenth }
        let day = starts.firstIndex { $0 > newest - 86_400_000 } ?? tenth
        return (count - day) * 20 < count || (count - day) * 5 > count ? tenth : day
    }

    static func questions(_ sessions: Histories, _ range: Range<Int>) -> [Question] {
        var questions: [Question] = []
        for session in range {
            let run = sessions.entries(of: session).filter { $0.weight > 0 }
            for place in run.indices.dropLast() {
                questions.append(
                    Question(
                        session: run[...place].suffix(50).map(\.item), time: run[place].time,
                        answer: run[place + 1].item))
            }
        }
        return thinned(questions, to: mostPredictions)
    }

    static func thinned(_ questions: [Question], to most: Int) -> [Question] {
        guard questions.count > most else { return questions }
        return (0..<most).map { questions[$0 * questions.count / most] }
    }

    // MARK: Hyper-parameters of one model

    /// Hit rate and MRR of a model, added.
    private func quality(_ model: some SessionModel, _ questions: [Question]) -> Double {
        let sums = Mutex<[Int: Double]>([:])
        Parallel.ranges(questions.count, grain: 256, threads: threads) { range in
            if isCancelled() { return }
            var scores = SessionScores(itemCount: model.itemCount)
            var sum = 0.0
            for question in questions[range] {
                scores.removeAll()
                model.score(question.session, at: question.time, into: &scores)
                if let rank = scores.rank(of: question.answer) { sum += SessionChooser.gain(rank) }
            }
            sums.withLock { $0[range.lowerBound] = sum }
        }
        return sums.withLock { all in all.keys.sorted().reduce(0) { $0 + (all[$1] ?? 0) } } / Double(questions.count)
    }

    private static func gain(_ rank: Int) -> Double { rank <= cutoff ? 1 + 1 / Double(rank) : 0 }

    // MARK: Weights

    /// A question's best items of every model, with what each model says of them.
    private struct Candidates: Sendable {
        /// Scaled scores: items × models.
        var scores: [Float]
        /// Whether the session has the item already.
        var isOwn: [Bool] = []
        /// Which of them is the answer; `nil` when no model has it among its best.
        var answer: Int?
    }

    private func candidates(_ recommender: SessionRecommender, _ questions: [Question]) -> [Candidates] {
        let width = recommender.components.count
        let found = Mutex<[Candidates]>(Array(repeating: Candidates(scores: [], answer: nil), count: questions.count))
        Parallel.ranges(questions.count, grain: 128, threads: threads) { range in
            if isCancelled() { return }
            var scores = (0..<width).map { _ in SessionScores(itemCount: recommender.itemCount) }
            var union = SessionScores(itemCount: recommender.itemCount)
            var block: [Candidates] = []
            for question in questions[range] {
                union.removeAll()
                var scales: [Float] = []
                for (place, component) in recommender.components.enumerated() {
                    scores[place].removeAll()
                    component.score(question.session, at: question.time, into: &scores[place])
                    scales.append(SessionRecommender.scale(scores[place]))
                    for entry in scores[place].best(SessionChooser.kept) { union.add(entry.index, 1) }
                }
                var values: [Float] = []
                values.reserveCapacity(union.touched.count * width)
                for item in union.touched {
                    for place in 0..<width { values.append(scores[place][item] * scales[place]) }
                }
                block.append(
                    Candidates(
                        scores: values, isOwn: union.touched.map(question.session.contains),
                        answer: union.touched.firstIndex(of: question.answer)))
            }
            found.withLock { all in for (place, one) in zip(range, block) { all[place] = one } }
        }
        return found.withLock { $0 }
    }

    /// What is climbed: the weights, and behind them the share of the session's own items.
    private func climb(_ choice: inout SessionRecommender.Choice, on candidates: [Candidates]) {
        var place = choice.weights + [choice.ownShare]
        let own = choice.weights.count
        var greatest = gain(place, candidates)
        func attempt(_ trial: [Float]) -> Bool {
            let value = gain(trial, candidates)
            // Less than this is noise, and would make choices differ for nothing.
            guard value > greatest + 0.0001 * Double(candidates.count) else { return false }
            (place, greatest) = (trial, value)
            return true
        }
        for share in [Float(0.7), 0.4, 0.2, 0] {
            var trial = place
            trial[own] = share
            _ = attempt(trial)
        }
        // One after the other, in steps that grow smaller.
        var step: Float = 0.5
        for _ in 0..<5 {
            for index in place.indices {
                for change in [step, -step] {
                    var trial = place
                    trial[index] = max(0, trial[index] + change * max(0.2, trial[index]))
                    if index == own { trial[index] = min(1, trial[index]) }
                    if trial[index] != place[index], attempt(trial) { break }
                }
            }
            step *= 0.6
        }
        (choice.weights, choice.ownShare) = (Array(place[..<own]), place[own])
    }

    private func gain(_ place: [Float], _ candidates: [Candidates]) -> Double {
        let sums = Mutex<[Int: Double]>([:])
        Parallel.ranges(candidates.count, grain: 512, threads: threads) { range in
            var sum = 0.0
            for number in range {
                if let rank = SessionChooser.rank(place, candidates[number]) { sum += SessionChooser.gain(rank) }
            }
            sums.withLock { $0[range.lowerBound] = sum }
        }
        return sums.withLock { all in all.keys.sorted().reduce(0) { $0 + (all[$1] ?? 0) } }
    }

    /// The rank of the answer, as far as it matters. Repeats, the last model, count whole.
    private static func rank(_ place: [Float], _ candidates: Candidates) -> Int? {
        guard let answer = candidates.answer else { return nil }
        let width = place.count - 1
        return candidates.scores.withUnsafeBufferPointer { scores in
            place.withUnsafeBufferPointer { place in
                candidates.isOwn.withUnsafeBufferPointer { isOwn in
                    func value(_ item: Int) -> Float {
                        var sum: Float = 0
                        for model in 0..<width - 1 { sum += place[model] * scores[item * width + model] }
                        if isOwn[item] { sum *= place[width] }
                        return sum + place[width - 1] * scores[item * width + width - 1]
                    }
                    let own = value(answer)
                    guard own > 0 else { return nil }
                    var rank = 1
                    for item in isOwn.indices where item != answer {
                        let other = value(item)
                        if other > own || other == own && item < answer { rank += 1 }
                        if rank > cutoff { return nil }
                    }
                    return rank
                }
            }
        }
    }
}
