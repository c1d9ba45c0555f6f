internal import Models

extension TrainingRun {
    /// Sessions on either side of the cut that a session model needs.
    static let fewestSessions = 50

    /// What a session model is to be made of: where the hold-out was cut by time, when it says better what comes next in a
    /// session than the model of lists does; where it was cut by person, in any case.
    ///
    /// It learns from the sessions that began before the cut and is tried on the others. Where the hold-out was cut by
    /// person, most do not come back: what there is to go by is the session, and a model that follows its last steps fits
    /// that. The model of lists has seen the beginnings of those sessions, so nothing is said of it there: that would be no
    /// comparison, and a fair one would take a fit more.
    func chooseSessions(
        _ data: TrainingData, cutAt moment: Int64?, beside list: ServingModel, _ card: inout ModelCard,
        _ isCancelled: @escaping @Sendable () -> Bool
    ) -> SessionRecommender.Choice? {
        let (before, after) = data.splitSessions(at: moment ?? data.moment(ofShare: TrainingRun.share))
        guard before.count >= TrainingRun.fewestSessions, after.count >= TrainingRun.fewestSessions else { return nil }
        let choice = SessionChooser(threads: options.threads, isCancelled: isCancelled).choose(before)
        guard !isCancelled() else { return nil }
        let trial = SessionTrial(after, threads: options.threads)
        let own = trial.run(SessionRecommender(before, choice))
        let cutoff = SessionTrial.cutoff
        card.candidates["sessions"] = [
            "session_hr@\(cutoff)": own.hitRate, "session_mrr@\(cutoff)": own.reciprocalRank,
        ]
        guard moment != nil else { return choice }
        let theirs = trial.run(list)
        card.candidates["lists"] = [
            "session_hr@\(cutoff)": theirs.hitRate, "session_mrr@\(cutoff)": theirs.reciprocalRank,
        ]
        return own.sum > theirs.sum ? choice : nil
    }
}
