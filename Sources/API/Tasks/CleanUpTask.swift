internal import Collect
internal import Dispatch
public import Domain
internal import JSON
internal import Live
internal import Storage
internal import Synchronization

extension TaskScheduler.Run {
    /// Removes what happened before the tenant's retention, in steps that let requests in between, and folds it into daily
    /// totals that name no person.
    func cleanUp() throws(TaskFailure) -> TaskOutcome {
        do throws(StorageError) { try tenant.lists?.expire(now: clock()) } catch {
            throw TaskFailure(code: error.code, message: error.message)
        }
        guard let days = tenant.settings.retentionDays else { return .done(rows: 0) }
        let now = clock()
        let moment = now - days * Timestamp.millisecondsPerDay
        let before =
            Timestamp.floorDivide(moment, Timestamp.millisecondsPerHour) * Timestamp.millisecondsPerHour
        // Ids are remembered for 7 days from their receipt. What happened long ago may have been received just now (an
        // import, a retention made shorter), so no id may need its row in the log any more.
        guard tenant.sealIDs(unless: isStopping) else {
            if isStopping() { throw Self.stopping }
            throw TaskFailure(
                code: "ids_not_sealed", message: "The ids of what is to be removed were not on disk in time.")
        }
        // A start after a kill at any moment has what is removed from here on in the snapshot. Without one (a full disk, which
        // the clean-up mends) it goes by the rows that are left.
        let through = tenant.snapshots.make(of: tenant, unless: isStopping)
        let rows = configuration.rowsPerCommit
        var total = 0
        while true {
            if isStopping() { throw Self.stopping }
            let begun = monotonicNanoseconds()
            guard let removed = tenant.expire(before: before, through: through, maximumRows: rows, now: now) else {
                throw TaskFailure(
                    code: "commit_failed", message: "A commit of the clean-up could not be stored; the log says why.")
            }
            total += removed
            if removed < rows { break }
            rest(since: begun)
        }
        let isFoldDue: Bool
        do throws(StorageError) { isFoldDue = try tenant.hasUnfoldedSessions } catch { throw TaskFailure(error) }
        if isFoldDue {
            tenant.foldSessions(before: before, through: through, now: now)
            tenant.snapshots.request()
        }
        if total > 0 {
            log.info(
                "clean_up",
                ["tenant": .string(tenant.id), "removed": .integer(Int64(total)), "retention_days": .integer(days)])
        }
        guard let refreshed = try refreshPreferences(before: before) else {
            return .waiting(rows: total, reason: Self.waiting)
        }
        return .done(rows: total + refreshed)
    }

    /// Writes the rows of `user_preferences` anew that show what has outlived its retention. `nil` while the store cannot
    /// take them.
    private func refreshPreferences(before: Int64) throws(TaskFailure) -> Int? {
        var changed = 0
        var last = ""
        while true {
            if isStopping() { throw Self.stopping }
            let users: [(id: String, oldest: Int64?)]
            do throws(StorageError) {
                users = try tenant.store.preferencesUsers(after: last, limit: configuration.rowsPerWrite)
            } catch {
                throw TaskFailure(error)
            }
            guard let end = users.last else { return changed }
            last = end.id
            var rows: [PreferencesRow] = []
            var gone: [String] = []
            for user in users where user.oldest.map({ $0 < before }) ?? true {
                if tenant.live.recent(user: user.id)?.isEmpty ?? true {
                    gone.append(user.id)
                } else {
                    rows.append(try row(user.id, 0, 0))
                }
            }
            for write in [DerivedRows.preferences(rows), .noPreferences(gone)] {
                if case .preferences(let rows) = write, rows.isEmpty { continue }
                if case .noPreferences(let ids) = write, ids.isEmpty { continue }
                guard let count = try self.write(write) else { return nil }
                changed += count
            }
        }
    }
}

extension TenantService {
    /// Has the ids of everything in the log written to files of their own, and waits for it; false when that takes more
    /// than 30 seconds or `isStopping` says so.
    func sealIDs(unless isStopping: () -> Bool) -> Bool {
        let position = store.lastPosition
        _ = collector.submit(.inspect { _, deduplication in deduplication.requestSeal() })
        for _ in 0..<300 {
            let isSealed = wait { [collector] done in
                let look = CollectWork.inspect { _, deduplication in done(deduplication.sealedThrough >= position) }
                if !collector.submit(look) { done(false) }
            }
            if isSealed { return true }
            if isStopping() { return false }
            sleep(milliseconds: 100)
        }
        return false
    }

    /// Removes up to `maximumRows` expired interactions in a commit of their own and waits for it; `nil` when it failed. With
    /// `through`, the position of a snapshot, only what that has. A record in the same commit says so: a snapshot of an
    /// earlier position cannot be brought up to date from the log any more.
    func expire(before: Int64, through: Int64?, maximumRows: Int, now: Int64) -> Int? {
        let outcome = Shared(Mutex((removed: 0, position: Int64(0))))
        let isDone = wait { [self] done in
            change(
                { (transaction) throws(StorageError) in
                    let count = try transaction.expire(
                        before: before, upTo: through ?? .max, maximumRows: maximumRows)
                    var position: Int64 = 0
                    if count > 0 {
                        let record = RetentionRecord(before: before, removed: count, through: through)
                        position = try transaction.append(record.logged(now), entity: nil)
                    }
                    outcome.value.withLock { $0 = (count, position) }
                },
                applied: { [live] _ in
                    let position = outcome.value.withLock { $0.position }
                    if position > 0 { live.skip(to: position) }
                }, completion: { done($0 == nil) })
        }
        return isDone ? outcome.value.withLock { $0.removed } : nil
    }

    /// Whether interactions were removed since sessions were folded last, by a clean-up that a kill ended perhaps.
    var hasUnfoldedSessions: Bool {
        get throws(StorageError) {
            guard let last = try store.lastRecord(.retention, upTo: store.lastPosition) else { return false }
            return try RetentionRecord(last).removed != nil
        }
    }

    /// Records the clean-up in the log, drops the sessions and recent interactions that it concerns, and folds the
    /// sessions into daily totals.
    func foldSessions(before: Int64, through: Int64?, now: Int64) {
        let position = Shared(Mutex<Int64>(0))
        _ = wait { [self] done in
            change(
                { [live, pendingFold] (transaction) throws(StorageError) in
                    let record = RetentionRecord(before: before, removed: nil, through: through)
                    let own = try transaction.append(record.logged(now), entity: nil)
                    position.value.withLock { $0 = own }
                    // What is dropped is gone from the state even when this commit fails: it is folded by the next one then.
                    let dropped = live.applyRetention(before: before)
                    let folding = pendingFold.value.withLock { pending in
                        pending += dropped
                        return pending
                    }
                    try transaction.foldSessions(folding)
                },
                applied: { [live, pendingFold] _ in
                    pendingFold.value.withLock { $0 = [] }
                    live.skip(to: position.value.withLock { $0 })
                }, completion: { done($0 == nil) })
        }
    }

    /// Puts a new version of the plan into force and waits until it is stored.
    public func setPlanAndWait(_ plan: TrackingPlan, now: Int64) throws {
        let outcome = Shared(Mutex<Result<CompiledPlan, ChangeFailure>?>(nil))
        _ = wait { [self] done in
            setPlan(plan, now: now) { result in
                outcome.value.withLock { $0 = result }
                done(true)
            }
        }
        switch outcome.value.withLock({ $0 }) {
        case .success, nil: return
        case .failure(.invalid(let error)): throw error
        case .failure(.storage(let error)): throw error
        case .failure(.queueFull): throw StorageError("store_busy", "The queue is full; try again.")
        }
    }

    private func wait(_ start: (@escaping @Sendable (Bool) -> Void) -> Void) -> Bool {
        let finished = DispatchSemaphore(value: 0)
        let result = Shared(Mutex(false))
        start { isGood in
            result.value.withLock { $0 = isGood }
            finished.signal()
        }
        finished.wait()
        return result.value.withLock { $0 }
    }
}
