internal import Domain
internal import Models
internal import Recommend
internal import Storage
internal import Training

extension TaskScheduler.Run {
    /// Interactions without which a training is not begun by itself.
    static let fewestForTraining: Int64 = 100
    /// Seconds that lie between two trainings that begin by themselves, at least, and how many times as long as the last one
    /// took: a flood of interactions does not have them follow each other.
    private static let shortestPause = 30.0
    private static let pauseFactor = 10.0

    /// Trains when it is due: asked for, by the clock, or because enough is new. Waits for the end.
    func trainWhenDue() throws(TaskFailure) -> TaskOutcome {
        let models = tenant.models
        guard wasRequested || isDue(models) else { return .done(rows: 0) }
        guard models.start(tenant) else { return .done(rows: 0) }
        while models.status.state != "idle" {
            // A stop of the server ends the training too.
            if isStopping() { throw Self.stopping }
            sleep(milliseconds: 50)
        }
        guard let last = models.status.last else { return .done(rows: 0) }
        if let failure = last.failure {
            // A tenant that is new has nothing to learn from, which is no fault.
            if failure.code == ModelError.Code.noData.text { return .done(rows: 0) }
            throw TaskFailure(code: failure.code, message: failure.message)
        }
        return .done(rows: last.version == nil ? 0 : 1)
    }

    private func isDue(_ models: ModelKeeper) -> Bool {
        let settings = tenant.settings.training
        let status = models.status
        if let endedAt = status.endedAt, let last = status.last {
            let pause = max(Self.shortestPause, last.seconds * Self.pauseFactor)
            if Double(monotonicNanoseconds() &- endedAt) / 1e9 < pause { return false }
        }
        let position = tenant.store.lastPosition
        guard let current = models.current,
            let card = models.store.entries.first(where: { $0.version == current.version })?.card
        else {
            return settings.intervalHours != nil && position >= Self.fewestForTraining
                && position > status.triedPosition
        }
        let learned = max(card.position, status.triedPosition)
        let new = position - learned
        guard new > 0 else { return false }
        if let share = settings.newShare, new >= Self.fewestForTraining,
            Double(new) >= share * Double(max(1, card.rows))
        {
            return true
        }
        guard let hours = settings.intervalHours else { return false }
        let since = max(card.trainedAt, status.last?.endedAt ?? .min)
        return Double(clock() - since) >= hours * Double(Timestamp.millisecondsPerHour)
    }
}
