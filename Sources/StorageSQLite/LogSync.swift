internal import CSQLite
internal import Storage
internal import Synchronization

/// Makes the main file's write-ahead log durable apart from the commits that write to it, so that the next commit can be
/// written while the disk is still busy with the last. One sync serves all commits that were written before it began.
///
/// SQLite itself syncs the log before it copies any of it into the database and before it begins the log anew, so what is
/// written here in vain is never needed: a crash leaves the commits up to some point, and none is acknowledged before its
/// sync.
final class LogSync: Sendable {
    private let file: UInt
    private let written = Atomic<UInt64>(0)
    private let lost = Atomic<Bool>(false)
    /// Commits that are durable; `nil` once the connection is closed.
    private let synced = Mutex<UInt64?>(0)

    /// For the log of an open connection in WAL mode.
    init(_ connection: Connection) throws(StorageError) {
        guard let file = ff_sqlite3_log_file(connection.handle) else {
            throw StorageError("store_io", "The write-ahead log of \(connection.file) cannot be reached.")
        }
        self.file = UInt(bitPattern: file)
        // The first sync of a file makes its name durable too, and is the only one that changes SQLite's own state.
        guard ff_sqlite3_sync(file) == SQLITE_OK else { throw LogSync.failure }
    }

    /// Whether the operating system has failed to make the log durable. What is on disk is unknown from then on: the kernel
    /// may have dropped the data and will not report it again.
    var isLost: Bool { lost.load(ordering: .acquiring) }

    /// Notes that a commit has been written.
    func noteCommit() { written.add(1, ordering: .releasing) }

    /// Returns when every commit that was noted before the call is durable.
    func synchronize() throws(StorageError) {
        try synced.withLock { synced throws(StorageError) in
            guard let done = synced else { throw .closed() }
            let target = written.load(ordering: .acquiring)
            guard done < target else { return }
            guard !isLost, let file = UnsafeMutablePointer<sqlite3_file>(bitPattern: file),
                ff_sqlite3_sync(file) == SQLITE_OK
            else {
                lost.store(true, ordering: .releasing)
                throw LogSync.failure
            }
            synced = target
        }
    }

    /// Ends its use; to be called before the connection is closed.
    func close() { synced.withLock { $0 = nil } }

    static let failure = StorageError(
        "store_io", "The disk did not confirm a write to \(SQLiteTenantStore.fileName): check it, then start again.")
}
