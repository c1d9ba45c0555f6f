internal import Foundation
public import Storage

/// The one writer of a tenant: takes what has gathered in the queue, removes duplicates, gives sessions, appends all of
/// it in one commit, and, once that is on disk, has the live state updated and those told who wait. Waiting for the disk and
/// what follows have a thread each, so that the next commit is written, and the one before it made durable, meanwhile.
public final class Collector: Sendable {
    /// Sizes of the queue and of a commit.
    public struct Configuration: Sendable {
        /// Most interactions waiting; past it requests are refused.
        public var maximumQueuedRows = 200_000
        /// Most bytes waiting.
        public var maximumQueuedBytes = 256 << 20
        /// Most interactions in one commit, apart from a single larger request.
        public var maximumCommitRows = 8192

        /// The documented defaults.
        public init() {}
    }

    /// What only the writer thread touches.
    final class WriterState: @unchecked Sendable {
        let deduplication: DeduplicationIndex
        let sessions: Sessioniser
        init(_ deduplication: DeduplicationIndex, _ sessions: Sessioniser) {
            self.deduplication = deduplication
            self.sessions = sessions
        }
    }

    private let queue: BoundedQueue<CollectWork>
    let store: any TenantStore
    let state: WriterState
    let follower: any LogFollower
    private let configuration: Configuration
    let clock: @Sendable () -> Int64
    let note: @Sendable (String) -> Void
    let failed: @Sendable (StorageError) -> Void
    /// Makes commits durable, in log order.
    let syncing = DispatchQueue(label: "footfall.sync", qos: .userInitiated)
    /// What follows a durable commit, in log order, while the disk is busy with the next.
    let followUp = DispatchQueue(label: "footfall.follow-up", qos: .userInitiated)
    /// Commits that may wait to be made durable and followed up; past it the writer waits.
    let followUps = DispatchSemaphore(value: 3)
    /// An idle writer still drops ids and sessions that have had their time.
    private static let idleMilliseconds = 60_000
    /// Nanoseconds from the beginning of a commit for several requests to the next: with so many about, waiting a moment
    /// lets them share one. A fifth of the processor time is saved at half of the top rate.
    private static let gathering: UInt64 = 500_000
    private let finished = DispatchSemaphore(value: 0)
    /// What it has done.
    public let metrics = CollectorMetrics()

    /// A collector that owns the index and the sessioniser from now on, and starts its writer thread. `note` is told what
    /// the index of ids has to say, `failed` of every commit that could not be stored; both on the writer thread.
    public init(
        store: any TenantStore, deduplication: sending DeduplicationIndex, sessions: sending Sessioniser,
        follower: any LogFollower, configuration: Configuration = Configuration(),
        clock: @escaping @Sendable () -> Int64, note: @escaping @Sendable (String) -> Void,
        failed: @escaping @Sendable (StorageError) -> Void
    ) {
        queue = BoundedQueue(
            maximumRows: configuration.maximumQueuedRows, maximumBytes: configuration.maximumQueuedBytes)
        self.store = store
        state = WriterState(deduplication, sessions)
        self.follower = follower
        self.configuration = configuration
        self.clock = clock
        self.note = note
        self.failed = failed
        state.deduplication.beforeSealing = { () throws(StorageError) in try store.synchronize() }
        let thread = Thread { [self] in
            run()
            finished.signal()
        }
        thread.name = "footfall-writer"
        thread.stackSize = 8 << 20
        thread.start()
    }

    /// Queues work; false, with nothing taken, when the queue is full or the collector is stopping.
    public func submit(_ work: CollectWork) -> Bool {
        if queue.tryEnqueue(work, rows: work.rows, bytes: work.bytes) { return true }
        metrics.update { $0.refused += 1 }
        return false
    }

    /// Interactions and bytes that wait.
    public var queueDepth: (rows: Int, bytes: Int) {
        let report = queue.report
        return (report.rows, report.bytes)
    }

    /// Size and health of the index of ids, as of the last commit.
    public var deduplicationReport: DeduplicationIndex.Report { state.deduplication.report }

    /// Sessions made and found, as of the last commit.
    public var sessionReport: Sessioniser.Report { state.sessions.report }

    /// Gives the sessioniser once the writer has stopped, for a last snapshot.
    public func withStoppedState(_ body: (Sessioniser) -> Void) {
        stop()
        body(state.sessions)
        state.deduplication.close()
    }

    /// Finishes what is queued and ends the writer thread. Idempotent.
    public func stop() {
        queue.close()
        finished.wait()
        finished.signal()
    }

    private func run() {
        var begun = DispatchTime.now().uptimeNanoseconds
        var requests = 0
        while true {
            if requests > 1 { gather(since: begun) }
            guard
                let group = queue.dequeueAll(
                    maximumRows: configuration.maximumCommitRows, waiting: Collector.idleMilliseconds)
            else { break }
            begun = DispatchTime.now().uptimeNanoseconds
            requests = group.count
            if group.isEmpty {
                state.deduplication.commit(through: store.lastPosition, now: clock())
                state.sessions.commit()
                tellNotes()
                continue
            }
            // A change has a commit of its own: it may read what those before it have left. So has what reads or changes
            // the same as something before it.
            var start = 0
            var keys: Set<String> = []
            for index in group.indices {
                let own = group[index].keys
                guard group[index].isAlone || !keys.isDisjoint(with: own) else {
                    keys.formUnion(own)
                    continue
                }
                if start < index { process(Array(group[start..<index])) }
                keys = Set(own)
                start = index
                guard group[index].isAlone else { continue }
                waitForFollowUps()
                process([group[index]])
                start = index + 1
            }
            if start < group.count { process(start == 0 ? group : Array(group[start...])) }
        }
        waitForFollowUps()
    }

    /// Waits until the last commit began long enough ago.
    private func gather(since begun: UInt64) {
        let (due, now) = (begun + Collector.gathering, DispatchTime.now().uptimeNanoseconds)
        if now < due { usleep(UInt32((due - now) / 1000)) }
    }
}
