internal import CSQLite
internal import Dispatch
internal import Glibc
public import Storage
internal import Synchronization

/// A tenant's log and tables in a SQLite file of the tenant's folder.
///
/// The file is in WAL mode and any program may read it at any time, with SQL too. When such a program sits in a long read
/// while collecting goes on, commits go to a second file until it is done (``StoreOptions/overflowBytes``), so that the
/// write-ahead log stays short; the rows then move into the main file by themselves.
public final class SQLiteTenantStore: TenantStore {
    /// Name of the main file in the tenant's folder.
    public static let fileName = "footfall.sqlite"

    /// The secret seed of the tenant's keys, made with the file.
    public let seed: UInt64
    let folder: String
    let options: StoreOptions
    let readers: ReaderPool
    /// Guards ``parts``; held during a commit and a step of maintenance.
    let lock = Mutex<Void>(())
    let parts = Parts()
    let queue = DispatchQueue(label: "footfall.store.maintenance")
    let state = SharedState()
    /// `nil` when the store only reads.
    private let log: LogSync?

    /// What only one thread may touch at a time.
    final class Parts: @unchecked Sendable {
        /// Under the lock. `nil` when the store is closed or only reads.
        var writer: Writer?
        /// On the maintenance queue.
        var checkpointer: Connection?
    }

    enum Copying: UInt8, AtomicRepresentable {
        case none
        /// In the queue, perhaps behind a step that waits for the lock: whoever has the lock must not wait for it.
        case queued
        case running
    }

    /// What is read without the lock.
    final class SharedState: Sendable {
        let position = Atomic<Int64>(0)
        let interactions = Atomic<Int64>(0)
        let rejected = Atomic<Int64>(0)
        let dropped = Atomic<Int64>(0)
        let maximumRefusedBytes = Atomic<Int64>(.max)
        /// Odd while there is an overflow.
        let overflows = Atomic<UInt64>(0)
        /// The thread that is inside ``SQLiteTenantStore/commit(_:)``, 0 for none.
        let committing = Atomic<UInt>(0)
        /// Where the background copy of the write-ahead log stands.
        let copying = Atomic<Copying>(.none)
        let wantsRestart = Atomic<Bool>(false)
        let isClosed = Atomic<Bool>(false)
    }

    /// Opens the store in a tenant's folder, making it when there is none and ``StoreOptions/readOnly`` is not set. The
    /// caller holds the data folder's ``FolderLock`` unless it only reads.
    ///
    /// Throws `store_too_new`, `store_corrupt`, `store_unwritable`, `store_locked`, `disk_full`, `store_io`; a file that is
    /// too new or another program's is left as it was.
    public static func open(folder: String, options: StoreOptions = StoreOptions()) throws(StorageError)
        -> SQLiteTenantStore
    {
        try SQLiteTenantStore(folder: folder, options: options)
    }

    private init(folder: String, options: StoreOptions) throws(StorageError) {
        self.folder = folder
        self.options = options
        if !options.readOnly { try DatabaseFile.makeFolder(folder) }
        let path = folder + "/" + SQLiteTenantStore.fileName
        try DatabaseFile.checkHeader(
            path, applicationID: TenantSchema.applicationID, known: TenantSchema.migrations.count)
        readers = ReaderPool(path: path, options: options)
        if options.readOnly {
            let (seed, recovery) = try readers.withConnection { connection throws(StorageError) in
                try DatabaseFile.checkIdentity(
                    connection, applicationID: TenantSchema.applicationID, known: TenantSchema.migrations.count)
                return (try connection.state(.seed), try Recovery(main: connection, overflow: nil))
            }
            self.seed = UInt64(bitPattern: seed ?? 0)
            log = nil
            publish(recovery.counters, recovery.summary)
            return
        }
        let tenant = options.tenant ?? String(folder.split(separator: "/").last ?? "")
        let main = try SQLiteTenantStore.openMain(path, tenant: tenant, options: options)
        let overflow = try SQLiteTenantStore.openOverflow(folder, main: main, options: options)
        let recovery = try Recovery(main: main, overflow: overflow?.tables.connection)
        guard let seed = try main.state(.seed) else { throw .corrupt(main.file, "it has no seed") }
        self.seed = UInt64(bitPattern: seed)
        let writer = try Writer(
            main: TableWriter(main), overflow: overflow, recovery: recovery, folder: folder, options: options)
        parts.writer = writer
        // What an earlier process left in the log may be in the page cache only; copying it makes it durable.
        _ = try main.checkpoint(SQLITE_CHECKPOINT_TRUNCATE, patience: 20)
        let checkpointer = try Connection(path: path, .readWrite, vfs: options.fileSystem)
        try checkpointer.execute("PRAGMA synchronous = FULL; PRAGMA wal_autocheckpoint = 0; PRAGMA cache_size = -64")
        parts.checkpointer = checkpointer
        try main.separateSync()
        log = main.log
        publish(recovery.counters, recovery.summary)
        if overflow != nil {
            state.overflows.store(1, ordering: .releasing)
            scheduleDrain()
        }
    }

    private static func openMain(_ path: String, tenant: String, options: StoreOptions) throws(StorageError)
        -> Connection
    {
        let isNew = DatabaseFile.size(path) ?? 0 == 0
        let main = try Connection(path: path, .readWrite, vfs: options.fileSystem)
        if sqlite3_db_readonly(main.handle, "main") == 1 {
            throw .unwritable(main.file, "the file is write-protected")
        }
        try DatabaseFile.checkIdentity(
            main, applicationID: TenantSchema.applicationID, known: TenantSchema.migrations.count)
        try main.execute(
            """
            PRAGMA page_size = 8192; PRAGMA journal_mode = WAL; PRAGMA synchronous = FULL;
            PRAGMA cache_size = -\(options.cacheKiB); PRAGMA temp_store = MEMORY; PRAGMA wal_autocheckpoint = 0;
            PRAGMA journal_size_limit = \(options.busyRestartBytes + options.checkpointBytes)
            """)
        if options.maximumPages > 0 { try main.execute("PRAGMA max_page_count = \(options.maximumPages)") }
        try DatabaseFile.migrate(main, applicationID: TenantSchema.applicationID, steps: TenantSchema.migrations) {
            connection throws(StorageError) in
            let tables = try TableWriter(connection)
            try tables.setState(.seed, Int64(bitPattern: UInt64.random(in: .min ... .max)))
        }
        if try main.text("SELECT value FROM store_state WHERE name = 'tenant'") != tenant {
            try TableWriter(main).setState(.tenant, tenant)
        }
        if isNew { DatabaseFile.synchronizeFolder(String(path[..<(path.lastIndex(of: "/") ?? path.startIndex)])) }
        return main
    }

    /// The overflow that an earlier process left, if there is one that is not moved over whole.
    private static func openOverflow(_ folder: String, main: Connection, options: StoreOptions) throws(StorageError)
        -> Overflow?
    {
        let path = folder + "/" + Overflow.fileName
        guard DatabaseFile.size(path) ?? 0 > 0 else { return nil }
        let settled = try main.state(.overflow) ?? 0
        let overflow = try Overflow(
            path: path, number: settled + 1, moved: try Watermarks(main), options: options)
        if overflow.number > settled { return overflow }
        try Overflow.remove(path)
        return nil
    }

    /// The last position of the log. Read from memory.
    public var lastPosition: Int64 { state.position.load(ordering: .acquiring) }

    /// Number of interactions stored now. Read from memory.
    public func interactionCount() throws(StorageError) -> Int64 { state.interactions.load(ordering: .acquiring) }

    /// How many rejected interactions are kept. Read from memory.
    public func rejectedCount() throws(StorageError) -> Int64 { state.rejected.load(ordering: .acquiring) }

    /// Bounds what is kept of refused interactions, and of error reports, from the next one on.
    public func keepRefused(atMost bytes: Int64) {
        state.maximumRefusedBytes.store(max(0, bytes), ordering: .relaxed)
    }

    /// How many of those have been removed for that since the store was opened. Read from memory.
    public var droppedRefused: Int64 { state.dropped.load(ordering: .acquiring) }

    func publish(_ counters: Counters, _ summary: BlockSummary) {
        state.interactions.store(summary.interactions, ordering: .releasing)
        state.rejected.store(counters.rejectedKept, ordering: .releasing)
        state.dropped.store(counters.dropped, ordering: .releasing)
        state.position.store(counters.position, ordering: .releasing)
    }

    // MARK: Committing

    /// Runs `work` in one transaction and makes it durable: one sync, of the write-ahead log. `work` must not read from the
    /// store (`store_misuse`).
    public func commit(_ work: (any TenantTransaction) throws(StorageError) -> Void) throws(StorageError) {
        try commit(isDurable: true, work)
    }

    /// Runs `work` in one transaction without waiting for the disk. `work` must not read from the store (`store_misuse`).
    public func write(_ work: (any TenantTransaction) throws(StorageError) -> Void) throws(StorageError) {
        try commit(isDurable: false, work)
    }

    /// Makes durable what was written, with one sync of the write-ahead log at most.
    public func synchronize() throws(StorageError) { try log?.synchronize() }

    private func commit(
        isDurable: Bool, _ work: (any TenantTransaction) throws(StorageError) -> Void
    ) throws(StorageError) {
        try lock.withLock { _ throws(StorageError) in
            guard let writer = parts.writer else {
                throw options.readOnly
                    ? StorageError("store_misuse", "The store was opened for reading alone.") : .closed()
            }
            state.committing.store(UInt(pthread_self()), ordering: .relaxed)
            defer { state.committing.store(0, ordering: .relaxed) }
            try chooseFile(writer)
            writer.maximumRefusedBytes = state.maximumRefusedBytes.load(ordering: .relaxed)
            let before = writer.counters.position
            try writer.commit(isDurable: isDurable, work)
            publish(writer.counters, writer.summary)
            afterCommit(writer, appended: Int(writer.counters.position - before))
        }
    }

    // MARK: Size and end

    /// Bytes of the main file, its write-ahead log and the overflow.
    public func sizes() -> [(part: String, bytes: Int64)] {
        let main = folder + "/" + SQLiteTenantStore.fileName
        let overflow = folder + "/" + Overflow.fileName
        return [
            ("database", DatabaseFile.size(main) ?? 0), ("wal", DatabaseFile.size(main + "-wal") ?? 0),
            ("overflow", (DatabaseFile.size(overflow) ?? 0) + (DatabaseFile.size(overflow + "-wal") ?? 0)),
        ]
    }

    /// Closes everything. Idempotent.
    public func close() {
        guard !state.isClosed.exchange(true, ordering: .acquiringAndReleasing) else { return }
        readers.close()
        // A step of maintenance that has begun ends first.
        queue.sync { parts.checkpointer = nil }
        lock.withLock { _ in
            _ = try? parts.writer?.main.connection.checkpoint(SQLITE_CHECKPOINT_TRUNCATE, patience: 100)
            parts.writer = nil
        }
    }
}
