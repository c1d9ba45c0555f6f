internal import Collect
internal import Dispatch
public import Domain
internal import JSON
internal import Live
internal import Storage
internal import Synchronization

/// What runs beside the requests: keeps popular lists warm, writes snapshots when they are due, and cleans up what has
/// outlived its retention.
public final class Maintenance: Sendable {
    /// How often what is done.
    public struct Configuration: Sendable {
        /// Seconds between two clean-ups.
        public var cleanupSeconds: Double = 3600
        /// Rows that one commit of a clean-up removes.
        public var rowsPerCommit = 5000

        /// The documented defaults.
        public init() {}
    }

    private let directory: TenantDirectory
    private let configuration: Configuration
    private let log: Log
    private let clock: @Sendable () -> Int64
    private let isStopping = Atomic(false)
    private let stopped = DispatchGroup()

    /// Starts the work for a directory's tenants.
    public init(
        directory: TenantDirectory, configuration: Configuration = Configuration(), log: Log,
        clock: @escaping @Sendable () -> Int64 = wallClockMilliseconds
    ) {
        self.directory = directory
        self.configuration = configuration
        self.log = log
        self.clock = clock
        run(every: 0.1) { tenant, now in
            tenant.live.maintain(now: now)
            tenant.snapshots.tick(tenant)
        }
        run(every: configuration.cleanupSeconds) { [self] tenant, now in
            try? tenant.lists?.expire(now: now)
            cleanUp(tenant, now: now)
        }
    }

    /// Ends the work and waits for what is under way. Idempotent.
    public func stop() {
        isStopping.store(true, ordering: .releasing)
        stopped.wait()
    }

    private func run(every seconds: Double, _ work: @escaping @Sendable (TenantService, Int64) -> Void) {
        stopped.enter()
        background { [self] in
            while !isStopping.load(ordering: .acquiring) {
                for tenant in directory.all { work(tenant, clock()) }
                let end = monotonicNanoseconds() + UInt64(max(0.01, seconds) * 1e9)
                while monotonicNanoseconds() < end, !isStopping.load(ordering: .acquiring) {
                    sleep(milliseconds: UInt32(min(100, max(10, seconds * 1000))))
                }
            }
            stopped.leave()
        }
    }

    /// Removes what happened before the tenant's retention, in steps that let requests in between, and folds it into daily
    /// totals that name no person.
    private func cleanUp(_ tenant: TenantService, now: Int64) {
        guard let days = tenant.settings.retentionDays else { return }
        let moment = now - days * Timestamp.millisecondsPerDay
        let before =
            Timestamp.floorDivide(moment, Timestamp.millisecondsPerHour) * Timestamp.millisecondsPerHour
        // Ids are remembered for 7 days from their receipt. What happened long ago may have been received just now (an
        // import, a retention made shorter), so no id may need its row in the log any more.
        guard tenant.sealIDs(unless: { isStopping.load(ordering: .acquiring) }) else { return }
        let rows = configuration.rowsPerCommit
        var total = 0
        while !isStopping.load(ordering: .acquiring) {
            guard let removed = tenant.expire(before: before, maximumRows: rows, now: now) else { return }
            total += removed
            if removed < rows { break }
        }
        guard total > 0 else { return }
        tenant.foldSessions(before: before, now: now)
        tenant.snapshots.request()
        log.info(
            "clean_up",
            ["tenant": .string(tenant.id), "removed": .integer(Int64(total)), "retention_days": .integer(days)])
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

    /// Removes up to `maximumRows` expired interactions in a commit of their own and waits for it; `nil` when it failed. A
    /// record in the same commit says so: a snapshot from before it cannot be brought up to date from the log any more.
    func expire(before: Int64, maximumRows: Int, now: Int64) -> Int? {
        let outcome = Shared(Mutex((removed: 0, position: Int64(0))))
        let isDone = wait { [self] done in
            change(
                { (transaction) throws(StorageError) in
                    let count = try transaction.expire(before: before, maximumRows: maximumRows)
                    var position: Int64 = 0
                    if count > 0 {
                        let body: JSONValue = ["before": .integer(before), "removed": .integer(Int64(count))]
                        let record = LogRecord(kind: .retention, receivedAt: now, body: Array(body.text.utf8))
                        position = try transaction.append(record, entity: nil)
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

    /// Records the clean-up in the log, drops the sessions and recent interactions that it concerns, and folds the
    /// sessions into daily totals.
    func foldSessions(before: Int64, now: Int64) {
        let position = Shared(Mutex<Int64>(0))
        _ = wait { [self] done in
            change(
                { [live, pendingFold] (transaction) throws(StorageError) in
                    let body: JSONValue = ["before": .integer(before)]
                    let record = LogRecord(kind: .retention, receivedAt: now, body: Array(body.text.utf8))
                    let own = try transaction.append(record, entity: nil)
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
