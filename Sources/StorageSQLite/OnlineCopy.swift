internal import CSQLite
internal import Glibc
public import Storage
internal import Synchronization

/// Copies one unchanging state of a database file while others write to it.
enum OnlineCopy {
    /// Pages copied at a time; between two times the disk is left to others for a moment.
    private static let pages: Int32 = 256

    /// Copies what `source` shows, which must be inside a read transaction: then no change begins the copy anew. The
    /// destination must not exist. `progress` is told the pages done and all, and answers whether to go on.
    static func run(
        _ source: Connection, to path: String, progress: (Int64, Int64) -> Bool
    ) throws(StorageError) {
        guard access(path, F_OK) != 0 else {
            throw .unwritable(path, "there is something with this name already")
        }
        do throws(StorageError) {
            let destination = try Connection(path: path, .readWrite)
            chmod(path, 0o600)
            guard let copy = sqlite3_backup_init(destination.handle, "main", source.handle, "main") else {
                throw destination.error(sqlite3_extended_errcode(destination.handle))
            }
            var result = SQLITE_OK
            var goesOn = true
            repeat {
                result = sqlite3_backup_step(copy, pages)
                let all = Int64(sqlite3_backup_pagecount(copy))
                goesOn = progress(all - Int64(sqlite3_backup_remaining(copy)), all)
                if result == SQLITE_OK { usleep(1000) }
            } while goesOn && (result == SQLITE_OK || result == SQLITE_BUSY || result == SQLITE_LOCKED)
            let end = sqlite3_backup_finish(copy)
            guard goesOn else { throw StorageError("backup_stopped", "The backup was stopped.") }
            guard end == SQLITE_OK else { throw destination.error(end) }
        } catch {
            for suffix in ["", "-journal", "-wal", "-shm"] { unlink(path + suffix) }
            throw error
        }
        for suffix in ["-journal", "-wal", "-shm"] { unlink(path + suffix) }
    }
}

extension SQLiteTenantStore {
    /// Seconds that the end of an overflow is waited for.
    private static let patience = 120

    /// Copies everything committed before the call into a new file, in steps of 2 MiB beside the writer, and returns the
    /// last log position in it. The copy is of one moment. While it runs, the write-ahead log cannot begin anew; past its
    /// limit commits go to the overflow file meanwhile, as with every other long read. Waits while there is an overflow, of
    /// which the main file lacks the newest rows.
    public func backUp(to path: String, progress: (Int64, Int64) -> Bool) throws(StorageError) -> Int64 {
        let source = try Connection(path: folder + "/" + SQLiteTenantStore.fileName, .readOnly)
        var waited = 0
        while true {
            let overflows = state.overflows.load(ordering: .acquiring)
            if overflows & 1 == 0 {
                try source.execute("BEGIN")
                // The state is fixed by the first read.
                let position = try Watermarks(source).position
                if state.overflows.load(ordering: .acquiring) == overflows {
                    defer { source.rollback() }
                    try OnlineCopy.run(source, to: path, progress: progress)
                    return position
                }
                source.rollback()
            }
            guard waited < SQLiteTenantStore.patience * 10, progress(0, 0) else {
                throw StorageError(
                    "store_busy",
                    "Another program has been reading \(SQLiteTenantStore.fileName) for so long that the newest rows are "
                        + "not in it yet: end that read, then back up again.")
            }
            waited += 1
            usleep(100_000)
        }
    }
}

extension SQLiteRegistry {
    /// Copies the registry as it is now into a new file.
    public func backUp(to path: String) throws(StorageError) {
        let source = try Connection(path: self.path, .readOnly)
        try source.execute("BEGIN")
        defer { source.rollback() }
        _ = try source.integer("SELECT count(*) FROM tenants")
        try OnlineCopy.run(source, to: path) { _, _ in true }
    }
}
