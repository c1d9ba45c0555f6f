internal import CSQLite
internal import Storage
internal import Synchronization

/// Size of the main file's write-ahead log, as its last commit left it. Shared by the writer and the maintenance queue.
final class LogSize: Sendable {
    /// Frames in the log.
    let frames = Atomic<Int>(0)
    /// Frames of those that are in the database file.
    let copied = Atomic<Int>(0)
    /// Size of the log below which it is not copied again, after a reader was in the way.
    let retryBytes = Atomic<Int>(0)
    /// Whether a copy could not be made durable.
    let hasLostSync = Atomic<Bool>(false)
    /// Bytes of one frame.
    let frameBytes: Int

    init(pageBytes: Int) { frameBytes = pageBytes + 24 }

    /// Bytes in the log.
    var bytes: Int { frames.load(ordering: .relaxed) * frameBytes }

    /// Bytes in the log that are not in the database file.
    var outstandingBytes: Int { (frames.load(ordering: .relaxed) - copied.load(ordering: .relaxed)) * frameBytes }

    /// Notes the frames after a commit. Fewer than before: the log has begun anew.
    func note(frames count: Int) {
        if count < frames.exchange(count, ordering: .relaxed) {
            copied.store(0, ordering: .relaxed)
            retryBytes.store(0, ordering: .relaxed)
        } else if count < copied.load(ordering: .relaxed) {
            // A background copy has just told of the log before.
            copied.store(0, ordering: .relaxed)
        }
    }
}

/// How much of the time commits take, over the last quarter of a second or so.
struct Load {
    private var busy: Duration = .zero
    private var since: ContinuousClock.Instant?
    /// Whether writing them takes so much that all that waits for them is close to its limit.
    private(set) var isFull = false
    /// Whether writing them takes a good part of the time.
    private(set) var isBusy = false

    mutating func note(from start: ContinuousClock.Instant, to end: ContinuousClock.Instant) {
        busy += end - start
        let elapsed = end - (since ?? start)
        if since == nil { since = start }
        guard elapsed > .milliseconds(250) else { return }
        isFull = busy > elapsed * 0.6
        isBusy = busy > elapsed * 0.15
        busy = .zero
        since = end
    }
}

/// Everything that writes. Used under the store's lock only, which is why it may cross threads.
final class Writer: @unchecked Sendable {
    let main: TableWriter
    let logSize: LogSize
    let options: StoreOptions
    private let folder: String
    private(set) var overflow: Overflow?
    private(set) var counters: Counters
    private(set) var summary: BlockSummary
    private(set) var load = Load()
    private var failure: StorageError?
    /// Bytes that each table of what was refused may hold in a file.
    var maximumRefusedBytes = Int64.max
    private var refused = RefusedBytes()

    init(main: TableWriter, overflow: Overflow?, recovery: Recovery, folder: String, options: StoreOptions)
        throws(StorageError)
    {
        self.main = main
        self.overflow = overflow
        self.folder = folder
        self.options = options
        counters = recovery.counters
        summary = recovery.summary
        logSize = LogSize(pageBytes: Int(try main.connection.integer("PRAGMA page_size") ?? 8192))
        // The hook takes the place of SQLite's own checkpoints, which would happen inside a commit.
        sqlite3_wal_hook(
            main.connection.handle,
            { context, _, _, frames in
                guard let context else { return SQLITE_OK }
                Unmanaged<LogSize>.fromOpaque(context).takeUnretainedValue().note(frames: Int(frames))
                return SQLITE_OK
            }, Unmanaged.passUnretained(logSize).toOpaque())
    }

    deinit { sqlite3_wal_hook(main.connection.handle, nil, nil) }

    // MARK: Committing

    /// Runs `work` in one transaction, which is durable on return only if `isDurable`.
    func commit(isDurable: Bool, _ work: (any TenantTransaction) throws(StorageError) -> Void) throws(StorageError) {
        if let failure = failed() { throw failure }
        let tables = overflow?.tables ?? main
        let clock = ContinuousClock()
        let start = clock.now
        let transaction = Transaction(
            tables, main: main, counters: counters, summary: summary, refused: refused,
            maximumRefusedBytes: maximumRefusedBytes, moved: overflow?.moved ?? Watermarks())
        defer { transaction.abandon() }
        try tables.connection.begin()
        do {
            try work(transaction)
            try transaction.finish()
        } catch {
            tables.connection.rollback()
            throw refuse(error)
        }
        do {
            if isDurable { try tables.connection.commit() } else { try tables.connection.write() }
        } catch {
            throw refuse(error)
        }
        counters = transaction.counters
        refused = transaction.refused
        for (index, block) in transaction.blocks { summary[index] = block }
        load.note(from: start, to: clock.now)
    }

    /// After a lost sync, what is on disk is unknown: nothing is written until the store is opened anew, which reads the
    /// log back and makes it durable before anything else.
    private func failed() -> StorageError? {
        let isLost =
            logSize.hasLostSync.load(ordering: .acquiring) || main.connection.hasLostSync
            || main.connection.log?.isLost == true || overflow?.tables.connection.hasLostSync == true
        if isLost, failure == nil {
            failure = LogSync.failure
        }
        return failure
    }

    private func refuse(_ error: StorageError) -> StorageError { failed() ?? error }

    // MARK: Write-ahead log

    /// Size from which the log is begun anew as soon as all is copied.
    var restartBytes: Int { load.isBusy ? options.busyRestartBytes : options.checkpointBytes }

    /// Copies what is left of the log into the file and waits up to `patience` milliseconds for readers, so that the next
    /// commit uses the log from its start. False when a reader is still in the way.
    func restartLog(patience: Int32) throws(StorageError) -> Bool {
        do {
            let result = try main.connection.checkpoint(SQLITE_CHECKPOINT_RESTART, patience: patience)
            if result.copied >= 0 { logSize.copied.store(result.copied, ordering: .relaxed) }
            if !result.isComplete {
                logSize.retryBytes.store(logSize.bytes + options.stepBytes, ordering: .relaxed)
            }
            return result.isComplete
        } catch {
            throw refuse(error)
        }
    }

    // MARK: Overflow

    /// From now on commits go to the overflow file.
    func beginOverflow() throws(StorageError) {
        guard overflow == nil else { return }
        let path = folder + "/" + Overflow.fileName
        // One that was moved over whole but could not be removed.
        try Overflow.remove(path)
        var moved = Watermarks()
        moved.position = counters.position
        moved.rejected = counters.rejected
        moved.error = counters.error
        let number = (try main.connection.state(.overflow) ?? 0) + 1
        overflow = try Overflow(path: path, number: number, moved: moved, options: options)
        refused = RefusedBytes()
    }

    /// Moves a step of the overflow into the main file. True when the overflow is gone.
    func drain(rows: Int) throws(StorageError) -> Bool {
        guard let overflow else { return true }
        refused = RefusedBytes()
        if let failure = failed() { throw failure }
        do {
            guard try overflow.move(into: main, rows: rows) else {
                if overflow.isWorthRemoving { try overflow.removeMoved() }
                return false
            }
            try overflow.settle(into: main, counters: counters)
        } catch {
            throw refuse(error)
        }
        return true
    }

    /// Removes the overflow file, after ``drain(rows:)`` has said that it is moved over whole.
    func endOverflow() throws(StorageError) {
        guard let path = overflow?.path else { return }
        overflow = nil
        try Overflow.remove(path)
    }
}
