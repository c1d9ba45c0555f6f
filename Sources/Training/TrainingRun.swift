internal import Evaluation
internal import Models

/// Makes a model of a tenant's data and says whether it is to take the place of the current one.
///
/// The newest tenth of the log (with too few persons on both sides of that cut: the last fifth of each person's history) is
/// held out. A candidate is fitted to the rest, with its hyper-parameters chosen within that rest, and measured on the
/// hold-out beside the current model, which is taken as it was before it had seen any of it. Only when the candidate is kept
/// is it fitted again, to everything.
public struct TrainingRun: Sendable {
    /// Share of the pairs that come before the cut.
    static let share = 0.9
    /// Persons that a hold-out by time needs; with fewer it is cut by person.
    static let fewestPersons = 50
    /// Share of the hold-out's pairs whose items the current model may not know before it no longer fits.
    static let unknownShare = 0.05

    /// The model that serves, and what a later one may be compared with.
    public struct Current: Sendable {
        /// The model.
        public var model: StoredModel
        /// The same fitted without its hold-out.
        public var heldOut: StoredModel?

        /// A current model.
        public init(model: StoredModel, heldOut: StoredModel?) {
            self.model = model
            self.heldOut = heldOut
        }
    }

    /// What came of it.
    public struct Outcome: Sendable {
        /// The new model, when it is to be kept.
        public var model: StoredModel?
        /// The candidate that was fitted without the hold-out.
        public var heldOut: StoredModel?
        /// What is known of the new model, kept or not.
        public var card: ModelCard
    }

    let options: TrainingOptions

    /// A training.
    public init(_ options: TrainingOptions) { self.options = options }

    /// Trains. `progress` is told the share that is done, 0…1, and what is being done; `isCancelled` is asked often.
    public func run(
        _ data: TrainingData, current: Current?, progress: @escaping @Sendable (Double, String) -> Void,
        isCancelled: @escaping @Sendable () -> Bool
    ) throws(TrainingError) -> Outcome {
        guard data.pairs > 0 else {
            throw TrainingError(
                ModelError.Code.noData.text,
                data.interactions == 0
                    ? "There are no interactions to learn from yet: collect some whose type has a weight, and train again."
                    : "There is nothing to learn from: the entities of all interactions are hidden or deleted.")
        }
        var card = self.card(data)
        let (cut, before, hold) = split(data)
        var candidate: Trainer.Outcome?
        if let cut {
            card.split = cut.name
            card.cutAt = cut.moment
            card.heldOutPersons = hold.persons.count
            var trainer = trainerOptions(items: data.items.count)
            trainer.tuningSeconds = options.tuningSeconds
            candidate = try train(before, trainer, from: 0, to: 0.5, "candidate", progress, isCancelled)
        }
        var heldOut: StoredModel?
        var sessions: SessionRecommender.Choice?
        if let candidate {
            progress(0.5, "measuring")
            let numbers = (0..<UInt32(data.items.count)).map { Optional($0) }
            guard let result = hold.run(candidate.model, own: numbers, isCancelled: isCancelled) else {
                throw .cancelled
            }
            for (name, estimate) in zip(result.table.names, Bootstrap().estimates(result.table)) {
                card.measures[name] = estimate.mean
                card.intervals[name] = [estimate.lower, estimate.upper]
            }
            card.exposure = hold.exposure(of: result.lists)
            card.candidates = candidate.measures
            sessions = chooseSessions(data, cutAt: cut?.moment, beside: candidate.model, &card, isCancelled)
            guard !isCancelled() else { throw .cancelled }
            card.parameters = candidate.parameters
            heldOut = StoredModel(card: card, items: data.items, model: candidate.model)
            if let current {
                card.comparison = try compare(result.table, hold, data, current, cut, isCancelled)
            }
        }
        let verdict = self.verdict(data, current, card)
        card.reason = verdict.reason
        guard verdict.isKept else { return Outcome(model: nil, heldOut: nil, card: card) }

        var trainer = trainerOptions(items: data.items.count)
        if let candidate {
            trainer.fixed = candidate.parameters
        } else {
            trainer.tuningSeconds = options.tuningSeconds
        }
        let final = try train(data.histories, trainer, from: 0.55, to: 1, "model", progress, isCancelled)
        card.parameters = final.parameters
        if candidate == nil { card.candidates = final.measures }
        card.memoryBytes = StoredModel.memoryBytes(final.model, data.items)
        heldOut?.card = card
        return Outcome(
            model: StoredModel(
                card: card, items: data.items, model: final.model,
                sessions: sessions.map { SessionMemory(data.sessions, $0) }), heldOut: heldOut, card: card)
    }

    // MARK: - The hold-out

    private struct Cut {
        var name: String
        var moment: Int64?
    }

    private func split(_ data: TrainingData) -> (cut: Cut?, before: Histories, hold: Backtest) {
        let moment = data.moment(ofShare: Self.share)
        let (before, after) = data.split(at: moment)
        let hold = Backtest(before: before, after: after)
        if hold.persons.count >= Self.fewestPersons { return (Cut(name: "time", moment: moment), before, hold) }
        let (early, late) = data.splitByPerson()
        let other = Backtest(before: early, after: late)
        return (other.persons.isEmpty ? nil : Cut(name: "person", moment: nil), early, other)
    }

    /// What the candidate has more than the current model, on the measure that decides; `nil` when there is no way to compare
    /// them fairly, since the current one has seen what is held out.
    private func compare(
        _ table: MeasureTable, _ hold: Backtest, _ data: TrainingData, _ current: Current, _ cut: Cut?,
        _ isCancelled: () -> Bool
    ) throws(TrainingError) -> ModelCard.Comparison? {
        guard let cut else { return nil }
        let other: StoredModel
        if let moment = cut.moment, moment > current.model.card.newest {
            other = current.model
        } else if let held = current.heldOut, held.card.split == cut.name,
            held.card.cutAt ?? .min <= cut.moment ?? .max
        {
            other = held
        } else {
            return nil
        }
        let numbers = data.items.places(in: other.items)
        guard let theirs = hold.run(other.model, own: numbers, isCancelled: isCancelled)?.table else {
            throw .cancelled
        }
        guard let difference = Bootstrap().differences(table, theirs)?.first else { return nil }
        return ModelCard.Comparison(
            version: current.model.card.version, measure: table.names[0], current: theirs.means[0],
            difference: difference.mean, lower: difference.lower, upper: difference.upper)
    }

    // MARK: - Whether it is kept

    private func verdict(_ data: TrainingData, _ current: Current?, _ card: ModelCard) -> (
        isKept: Bool, reason: String
    ) {
        guard let current else { return (true, "There was no model before.") }
        let version = current.model.card.version
        let comparison = card.comparison
        if let comparison, comparison.lower > 0 {
            return (true, "It is better than model \(version) on the hold-out, beyond noise.")
        }
        let isWorse = comparison.map { $0.upper < 0 } ?? false
        let numbers = data.items.places(in: current.model.items)
        let news = data.news(since: current.model.card.newest + 1) { numbers[Int($0)] != nil }
        let isUnfit = Double(news.unknown) > Self.unknownShare * Double(max(20, news.pairs))
        if isUnfit, !isWorse {
            return (
                true,
                "Model \(version) no longer fits the catalogue: it does not know the entities of \(news.unknown) of "
                    + "\(news.pairs) new pairs of person and entity."
            )
        }
        if !isWorse, Double(news.pairs) >= options.renewalShare * Double(max(1, data.pairs)) {
            return (
                true,
                "Enough is new since model \(version) (\(news.pairs) of \(data.pairs) pairs of person and entity), and it "
                    + "is not worse beyond noise."
            )
        }
        guard comparison != nil else {
            return (false, "Model \(version) stays: there is too little to compare them on.")
        }
        return (
            false,
            "Model \(version) stays: the new one is \(isWorse ? "worse" : "not better beyond noise") on the hold-out."
        )
    }

    // MARK: - Fitting

    private func trainerOptions(items: Int) -> Trainer.Options {
        var trainer = Trainer.Options()
        trainer.threads = max(1, options.threads)
        // The widest model takes 12 bytes a dimension and item while it is fitted: a quarter of the memory for it.
        trainer.rank = max(16, min(trainer.rank, options.memoryBytes / 4 / (12 * max(1, items))))
        return trainer
    }

    private func train(
        _ histories: Histories, _ trainer: Trainer.Options, from: Double, to: Double, _ what: String,
        _ progress: @escaping @Sendable (Double, String) -> Void, _ isCancelled: @escaping @Sendable () -> Bool
    ) throws(TrainingError) -> Trainer.Outcome {
        let outcome: Trainer.Outcome?
        do throws(ModelError) {
            outcome = try Trainer(trainer).train(
                histories, progress: { share, step in progress(from + (to - from) * share, "\(what): \(step)") },
                isCancelled: isCancelled)
        } catch {
            throw TrainingError(error)
        }
        guard let outcome, !isCancelled() else { throw .cancelled }
        return outcome
    }

    private func card(_ data: TrainingData) -> ModelCard {
        var card = ModelCard()
        card.position = data.position
        card.newest = data.newest
        card.rows = data.rows
        card.interactions = data.interactions
        card.persons = data.persons
        card.pairs = data.pairs
        card.items = data.items.count
        card.halfLifeDays = data.halfLifeDays
        return card
    }
}
