internal import Collect
internal import Dispatch
internal import JSON
internal import Storage
internal import Synchronization

/// Runs every tenant's tasks when they are due, each kind of task on a thread of its own: one that fails or takes long
/// holds up none of the others.
public final class TaskScheduler: Sendable {
    /// How often what is done.
    public struct Configuration: Sendable {
        /// Seconds between two runs of a task; 0: it runs only when asked.
        public var seconds: [TaskName: Double] = [:]
        /// Rows that one commit of a task writes or removes.
        public var rowsPerCommit = 1000
        /// Rows of a table of its own that a task has in one commit of interactions: these are dearer than a removal.
        public var rowsPerWrite = 250

        /// Whether nothing runs: a command has the folder for a moment only.
        public var isOff = false

        /// The documented defaults.
        public init() {}
    }

    /// What a run works with.
    struct Run: Sendable {
        let tenant: TenantService
        let configuration: Configuration
        let log: Log
        let clock: @Sendable () -> Int64
        /// Whether somebody asked for this run.
        let wasRequested: Bool
        let isStopping: @Sendable () -> Bool
        /// Tenants that the task runs for, one after the other.
        var tenants = 1
    }

    typealias Work = @Sendable (Run) throws(TaskFailure) -> TaskOutcome

    private let directory: TenantDirectory
    private let configuration: Configuration
    private let work: [TaskName: Work]
    private let log: Log
    private let clock: @Sendable () -> Int64
    private let isStopping = Shared(Atomic(false))
    private let stopped = DispatchGroup()

    /// Starts the work for a directory's tenants.
    public convenience init(
        directory: TenantDirectory, configuration: Configuration = Configuration(), log: Log,
        clock: @escaping @Sendable () -> Int64 = wallClockMilliseconds
    ) {
        self.init(
            directory: directory, configuration: configuration, work: TaskScheduler.allWork, log: log, clock: clock)
    }

    init(
        directory: TenantDirectory, configuration: Configuration, work: [TaskName: Work], log: Log,
        clock: @escaping @Sendable () -> Int64
    ) {
        self.directory = directory
        self.configuration = configuration
        self.work = work
        self.log = log
        self.clock = clock
        for (name, work) in work where !configuration.isOff { start(name, work) }
    }

    /// Of the time that work took, how many times as long it rests: an eighth of the writer's time and of a processor's.
    static let shortestPause = 7.0

    static let allWork: [TaskName: Work] = [
        .productPopularity: { (run) throws(TaskFailure) in try run.writePopularity() },
        .userPreferences: { (run) throws(TaskFailure) in try run.writePreferences() },
        .itemSimilarity: { (run) throws(TaskFailure) in try run.writeSimilarity() },
        .cleanUp: { (run) throws(TaskFailure) in try run.cleanUp() },
        .modelTraining: { (run) throws(TaskFailure) in try run.trainWhenDue() },
    ]

    /// Ends the work and waits for what is under way. Idempotent.
    public func stop() {
        isStopping.value.store(true, ordering: .releasing)
        stopped.wait()
    }

    private func start(_ name: TaskName, _ work: @escaping Work) {
        let seconds = configuration.seconds[name] ?? name.standardSeconds
        stopped.enter()
        background { [self] in
            while !isStopping.value.load(ordering: .acquiring) {
                for tenant in directory.all where !isStopping.value.load(ordering: .acquiring) {
                    let start = monotonicNanoseconds()
                    let wasRequested = tenant.tasks.state(name).isRequested
                    guard tenant.tasks.begin(name, every: seconds, nanoseconds: start, at: clock()) else { continue }
                    run(name, work, tenant, from: start, wasRequested: wasRequested)
                }
                sleep(milliseconds: 50)
            }
            stopped.leave()
        }
    }

    private func run(_ name: TaskName, _ work: Work, _ tenant: TenantService, from start: UInt64, wasRequested: Bool) {
        let stopping = isStopping
        let run = Run(
            tenant: tenant, configuration: configuration, log: log, clock: clock, wasRequested: wasRequested,
            isStopping: { stopping.value.load(ordering: .acquiring) }, tenants: directory.all.count)
        let result: Result<TaskOutcome, TaskFailure>
        do throws(TaskFailure) {
            result = .success(try work(run))
        } catch {
            // A stop in the middle of a run is no failure; the next start goes on.
            if error == Run.stopping { return }
            result = .failure(error)
            log.error(
                "task_failed",
                [
                    "tenant": .string(tenant.id), "task": .string(name.rawValue), "code": .string(error.code),
                    "message": .string(error.message),
                ])
        }
        let now = monotonicNanoseconds()
        let seconds = Double(now &- start) / 1e9
        tenant.tasks.end(name, result, seconds: seconds, nanoseconds: now, at: clock())
        guard case .success(.done(let rows)) = result else { return }
        log.debug(
            "task",
            [
                "tenant": .string(tenant.id), "task": .string(name.rawValue), "rows": .integer(Int64(rows)),
                "seconds": .double(seconds),
            ])
    }
}

extension TaskScheduler.Run {
    /// Writes rows of a derived table among the interactions of a commit, so that they cost no sync of their own, and waits
    /// for them. `nil` while the store cannot take them. `values` are stored in the same commit. `begun` is when their making
    /// began; a pause of `pause` times as long follows.
    func write(
        _ rows: DerivedRows, _ values: [String: String] = [:], begun: UInt64 = monotonicNanoseconds(),
        pause: Double = TaskScheduler.shortestPause
    ) throws(TaskFailure) -> Int? {
        let outcome = Shared(Mutex<Result<Int?, StorageError>>(.success(nil)))
        let finished = DispatchSemaphore(value: 0)
        let now = clock()
        for attempt in 0..<100 {
            let work = CollectWork.addition(bytes: 65_536) { (transaction) throws(StorageError) in
                let count = try transaction.write(rows, updatedAt: now)
                if count != nil { for (key, value) in values { try transaction.setValue(value, forKey: key) } }
                outcome.value.withLock { $0 = .success(count) }
            } completion: { result in
                if case .failure(let error) = result { outcome.value.withLock { $0 = .failure(error) } }
                finished.signal()
            }
            if tenant.collector.submit(work) { break }
            // Interactions come first: the queue is full of them.
            if attempt == 99 || isStopping() {
                throw TaskFailure(code: "queue_full", message: "More interactions arrive than can be stored.")
            }
            sleep(milliseconds: 100)
        }
        finished.wait()
        rest(since: begun, pause)
        switch outcome.value.withLock({ $0 }) {
        case .success(let count): return count
        case .failure(let error): throw TaskFailure(error)
        }
    }

    /// Rests `pause` times as long as what began at `begun` took. The writer has other things to do, and so has the machine: a
    /// task takes an eighth of their time at most.
    func rest(since begun: UInt64, _ pause: Double = TaskScheduler.shortestPause) {
        sleep(milliseconds: UInt32(min(max(2, pause * Double((monotonicNanoseconds() &- begun) / 1_000_000)), 500)))
    }

    static let waiting =
        "the end of another program's long read of footfall.sqlite, during which only interactions are written"
    static let stopping = TaskFailure(code: "stopping", message: "The server is stopping.")
}

extension TaskFailure {
    init(_ error: StorageError) {
        code = error.code
        message = error.message
    }
}
