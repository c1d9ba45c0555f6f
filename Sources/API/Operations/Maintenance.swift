internal import Dispatch
internal import Live
internal import Recommend
internal import Synchronization

/// What runs beside the requests: keeps popular lists warm, writes snapshots when they are due, and runs the scheduled
/// tasks.
public final class Maintenance: Sendable {
    /// How often what is done.
    public struct Configuration: Sendable {
        /// The scheduled tasks.
        public var tasks = TaskScheduler.Configuration()
        /// Seconds between two clean-ups.
        public var cleanupSeconds: Double {
            get { tasks.seconds[.cleanUp] ?? TaskName.cleanUp.standardSeconds }
            set { tasks.seconds[.cleanUp] = newValue }
        }

        /// The documented defaults.
        public init() {}
    }

    private let directory: TenantDirectory
    private let scheduler: TaskScheduler
    private let clock: @Sendable () -> Int64
    private let isStopping = Atomic(false)
    private let stopped = DispatchGroup()

    /// Starts the work for a directory's tenants.
    public init(
        directory: TenantDirectory, configuration: Configuration = Configuration(), log: Log,
        clock: @escaping @Sendable () -> Int64 = wallClockMilliseconds
    ) {
        self.directory = directory
        self.clock = clock
        scheduler = TaskScheduler(directory: directory, configuration: configuration.tasks, log: log, clock: clock)
        stopped.enter()
        background(givesWay: false) { [self] in
            while !isStopping.load(ordering: .acquiring) {
                for tenant in directory.all {
                    let now = clock()
                    // What lists start from leaves out what is over; what is served is looked at again in any case.
                    tenant.catalogue.tellEnds(to: tenant.live, now: now)
                    tenant.live.maintain(now: now)
                    tenant.snapshots.tick(tenant)
                }
                sleep(milliseconds: 100)
            }
            stopped.leave()
        }
    }

    /// Ends the work and waits for what is under way. Idempotent.
    public func stop() {
        isStopping.store(true, ordering: .releasing)
        scheduler.stop()
        stopped.wait()
    }
}
