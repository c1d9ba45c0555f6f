public import Domain
internal import Foundation
public import Storage

/// Something that follows the log: told of every batch once it is durable, in log order, on the writer thread.
public protocol LogFollower: AnyObject, Sendable {
    /// Takes in a batch; rows that were not accepted are to be passed over.
    func apply(_ batch: InteractionBatch)
}

/// A batch on its way to the writer, which takes it out: so there is one reference to its bytes, and completing them
/// copies nothing.
final class HandedBatch: @unchecked Sendable {
    // Unchecked: the producer does not touch it after the queue has it, and one thread takes from the queue.
    private var batch: InteractionBatch

    init(_ batch: consuming InteractionBatch) { self.batch = batch }

    func take() -> InteractionBatch {
        var taken = InteractionBatch()
        swap(&taken, &batch)
        return taken
    }
}

/// One thing for the writer to do.
public struct CollectWork: Sendable {
    enum Kind: Sendable {
        /// `replayed` are the rejected interactions that these take the place of.
        case interactions(HandedBatch, sentAt: Int64?, replayed: [Int64])
        case change(
            @Sendable (any TenantTransaction) throws(StorageError) -> Void, applied: @Sendable (Sessioniser) -> Void,
            prepare: (@Sendable () throws(StorageError) -> Void)?, isAlone: Bool)
        case inspect(@Sendable (Sessioniser, DeduplicationIndex) -> Void)
    }

    let kind: Kind
    let rows: Int
    let bytes: Int
    let completion: @Sendable (Result<InteractionBatch, StorageError>) -> Void

    /// Interactions to be stored. The completion gets the batch back with positions, sessions and verdicts.
    public static func interactions(
        _ batch: InteractionBatch, sentAt: Int64?,
        completion: @escaping @Sendable (Result<InteractionBatch, StorageError>) -> Void
    ) -> CollectWork {
        CollectWork(
            kind: .interactions(HandedBatch(batch), sentAt: sentAt, replayed: []), rows: batch.rows.count,
            bytes: batch.bytes.count + batch.rows.count * MemoryLayout<InteractionRow>.stride, completion: completion)
    }

    /// Interactions that were refused before and pass now: stored, and taken off the list of refused ones, in one commit.
    public static func replay(
        _ batch: InteractionBatch, numbers: [Int64],
        completion: @escaping @Sendable (Result<InteractionBatch, StorageError>) -> Void
    ) -> CollectWork {
        CollectWork(
            kind: .interactions(HandedBatch(batch), sentAt: nil, replayed: numbers), rows: batch.rows.count,
            bytes: batch.bytes.count + batch.rows.count * MemoryLayout<InteractionRow>.stride, completion: completion)
    }

    /// A change of something else, in its place in the log: `write` within the commit, `applied` once it is durable.
    /// `write` may run again in another commit only after its first one was undone. `prepare` runs before the commit
    /// begins, with everything before it stored, and may read the store, which `write` may not. `bytes` is what the change
    /// keeps in memory.
    public static func change(
        bytes: Int = 1024, prepare: (@Sendable () throws(StorageError) -> Void)? = nil,
        write: @escaping @Sendable (any TenantTransaction) throws(StorageError) -> Void,
        applied: @escaping @Sendable (Sessioniser) -> Void,
        completion: @escaping @Sendable (Result<InteractionBatch, StorageError>) -> Void
    ) -> CollectWork {
        CollectWork(
            kind: .change(write, applied: applied, prepare: prepare, isAlone: true), rows: 1, bytes: bytes,
            completion: completion)
    }

    /// Something that is only added and that nothing reads meanwhile, so that it may share a commit with others.
    public static func addition(
        bytes: Int, write: @escaping @Sendable (any TenantTransaction) throws(StorageError) -> Void,
        completion: @escaping @Sendable (Result<InteractionBatch, StorageError>) -> Void
    ) -> CollectWork {
        CollectWork(
            kind: .change(write, applied: { _ in }, prepare: nil, isAlone: false), rows: 1, bytes: bytes,
            completion: completion)
    }

    /// A look at the writer's own state between two commits, for snapshots. It takes place whether or not the commit that
    /// it has come with succeeds.
    public static func inspect(_ body: @escaping @Sendable (Sessioniser, DeduplicationIndex) -> Void) -> CollectWork {
        CollectWork(kind: .inspect(body), rows: 1, bytes: 0) { _ in }
    }
}

/// The one writer of a tenant: takes what has gathered in the queue, removes duplicates, gives sessions, appends all of
/// it in one commit, and tells those who wait once it is on disk.
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
    private final class WriterState: @unchecked Sendable {
        let deduplication: DeduplicationIndex
        let sessions: Sessioniser
        init(_ deduplication: DeduplicationIndex, _ sessions: Sessioniser) {
            self.deduplication = deduplication
            self.sessions = sessions
        }
    }

    private let queue: BoundedQueue<CollectWork>
    private let store: any TenantStore
    private let state: WriterState
    private let follower: any LogFollower
    private let configuration: Configuration
    private let clock: @Sendable () -> Int64
    private let note: @Sendable (String) -> Void
    private let failed: @Sendable (StorageError) -> Void
    /// An idle writer still drops ids and sessions that have had their time.
    private static let idleMilliseconds = 60_000
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
        while let group = queue.dequeueAll(
            maximumRows: configuration.maximumCommitRows, waiting: Collector.idleMilliseconds)
        {
            if group.isEmpty {
                state.deduplication.commit(through: store.lastPosition, now: clock())
                state.sessions.commit()
                tellNotes()
                continue
            }
            // A change has a commit of its own: it may read what the changes before it have left.
            var start = 0
            for index in group.indices {
                guard case .change(_, _, _, true) = group[index].kind else { continue }
                if start < index { process(Array(group[start..<index])) }
                process([group[index]])
                start = index + 1
            }
            if start < group.count { process(start == 0 ? group : Array(group[start...])) }
        }
    }
}

// MARK: - One commit

extension Collector {
    private func tellNotes() {
        for text in state.deduplication.takeNotes() { note(text) }
    }
}

extension Collector {
    private func process(_ group: [CollectWork]) {
        let start = DispatchTime.now().uptimeNanoseconds
        var batches = group.map { work -> InteractionBatch? in
            if case .interactions(let handed, _, _) = work.kind { handed.take() } else { nil }
        }
        let sessionMark = state.sessions.mark
        do throws(StorageError) {
            for work in group { if case .change(_, _, let prepare?, _) = work.kind { try prepare() } }
            let report = try store.commit { (transaction) throws(StorageError) in
                for index in group.indices {
                    switch group[index].kind {
                    case .interactions(_, let sentAt, let replayed):
                        guard var batch = batches[index].take() else { continue }
                        try state.deduplication.judge(&batch)
                        state.sessions.assign(&batch)
                        try transaction.append(&batch, sentAt: sentAt)
                        if !replayed.isEmpty { try transaction.removeRejected(replayed) }
                        batches[index] = batch
                    case .change(let write, _, _, _): try write(transaction)
                    case .inspect: break
                    }
                }
            }
            apply(group, batches, report, seconds: Double(DispatchTime.now().uptimeNanoseconds - start) / 1e9)
        } catch {
            state.deduplication.rollback(to: 0)
            state.sessions.rollback(to: sessionMark)
            metrics.update { $0.failedCommits += 1 }
            failed(error)
            for work in group {
                if case .inspect(let look) = work.kind { look(state.sessions, state.deduplication) }
                work.completion(.failure(error))
            }
        }
    }

    private func apply(
        _ group: [CollectWork], _ batches: [InteractionBatch?], _ report: CommitReport, seconds: Double
    ) {
        state.deduplication.commit(through: store.lastPosition, now: clock())
        state.sessions.commit()
        tellNotes()
        var accepted: UInt64 = 0
        var duplicates: UInt64 = 0
        var rejected: [String: UInt64] = [:]
        for (work, batch) in zip(group, batches) {
            switch work.kind {
            case .interactions:
                guard let batch else { continue }
                for row in batch.rows {
                    switch row.verdict {
                    case .accepted: accepted += 1
                    case .duplicate: duplicates += 1
                    case .rejected: rejected[batch.string(row.rejectionCode) ?? "", default: 0] += 1
                    }
                }
                follower.apply(batch)
            case .change(_, let applied, _, _): applied(state.sessions)
            case .inspect(let look): look(state.sessions, state.deduplication)
            }
        }
        let sessions = state.sessions.report
        metrics.update { figures in
            figures.accepted += accepted
            figures.duplicates += duplicates
            for (code, count) in rejected { figures.rejected[code, default: 0] += count }
            figures.sessionsCreated = UInt64(max(0, sessions.created))
            figures.sessionsFound = UInt64(max(0, sessions.found))
            figures.sessionFailures = UInt64(max(0, sessions.failed))
            figures.commitRows.record(Double(accepted))
            figures.commitSeconds.record(seconds)
            figures.syncSeconds.record(Double(report.syncing) / 1e9)
        }
        for (work, batch) in zip(group, batches) { work.completion(.success(batch ?? InteractionBatch())) }
    }
}
