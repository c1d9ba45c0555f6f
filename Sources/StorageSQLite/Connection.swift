internal import CSQLite
internal import Glibc
internal import Storage

/// A connection to one database file. Not for two threads at once: whoever holds it (the pool's borrower, the writer's
/// lock, the maintenance queue) sees to that, which is why it may cross threads.
final class Connection: @unchecked Sendable {
    let handle: OpaquePointer
    /// The file's name without its folder, for messages.
    let file: String
    /// Whether the operating system has failed to make written data durable. What is on disk is unknown from then on:
    /// the kernel may have dropped the data and will not report it again.
    private(set) var hasLostSync = false
    /// Syncs the write-ahead log in SQLite's place, once commits are no longer synced one by one.
    private(set) var log: LogSync?
    private var statements: [String: Statement] = [:]

    /// How a file is opened.
    enum Access {
        /// As if nobody could write it: no locks, no write-ahead log.
        case unchangeable
        case readOnly
        case readWrite
    }

    /// Statistics of SQLite's allocator cost a process-wide lock at each allocation.
    private static let configured: Void = { _ = ff_sqlite3_config_memory_status(0) }()

    /// Opens a file, making it when it is missing and may be written.
    init(path: String, _ access: Access, vfs: String? = nil) throws(StorageError) {
        _ = Connection.configured
        file = String(path.split(separator: "/").last ?? "")
        var opened: OpaquePointer?
        let flags =
            SQLITE_OPEN_NOMUTEX | SQLITE_OPEN_PRIVATECACHE | SQLITE_OPEN_EXRESCODE
            | (access == .readWrite ? SQLITE_OPEN_READWRITE | SQLITE_OPEN_CREATE : SQLITE_OPEN_READONLY)
        let result =
            if access == .unchangeable {
                sqlite3_open_v2(Connection.unchangeable(path), &opened, flags | SQLITE_OPEN_URI, vfs)
            } else {
                sqlite3_open_v2(path, &opened, flags, vfs)
            }
        guard result == SQLITE_OK, let opened else {
            let error = StorageError.sqlite(result, opened, file: file)
            sqlite3_close_v2(opened)
            throw error
        }
        handle = opened
        sqlite3_busy_timeout(handle, 5000)
        ff_sqlite3_db_config_bool(handle, SQLITE_DBCONFIG_TRUSTED_SCHEMA, 0)
        ff_sqlite3_db_config_bool(handle, SQLITE_DBCONFIG_DQS_DML, 0)
    }

    private static func unchangeable(_ path: String) -> String {
        var bytes = Array("file:".utf8)
        for byte in path.utf8 {
            switch byte {
            case UInt8(ascii: "%"), UInt8(ascii: "?"), UInt8(ascii: "#"):
                bytes += Array("%\(String(byte, radix: 16))".utf8)
            default: bytes.append(byte)
            }
        }
        return String(decoding: bytes, as: UTF8.self) + "?immutable=1"
    }

    deinit {
        log?.close()
        statements.removeAll()
        sqlite3_close_v2(handle)
    }

    // MARK: Statements

    func prepare(_ sql: String) throws(StorageError) -> Statement {
        var statement: OpaquePointer?
        let result = sqlite3_prepare_v3(handle, sql, -1, UInt32(SQLITE_PREPARE_PERSISTENT), &statement, nil)
        guard result == SQLITE_OK, let statement else { throw error(result) }
        return Statement(statement, file: file)
    }

    /// A statement that is kept for the next call with the same text.
    func cached(_ sql: String) throws(StorageError) -> Statement {
        if let statement = statements[sql] { return statement }
        let statement = try prepare(sql)
        statements[sql] = statement
        return statement
    }

    /// Runs one or more statements without parameters; rows are passed over.
    func execute(_ sql: String) throws(StorageError) {
        let result = sqlite3_exec(handle, sql, nil, nil, nil)
        if result != SQLITE_OK { throw error(result) }
    }

    /// The first column of a query's first row as a number; `nil` when there is no row or it is NULL.
    func integer(_ sql: String) throws(StorageError) -> Int64? {
        let statement = try cached(sql)
        defer { statement.reset() }
        return try statement.step() ? statement.integerOrNil(0) : nil
    }

    /// The first column of a query's first row as text.
    func text(_ sql: String, _ parameter: String? = nil) throws(StorageError) -> String? {
        let statement = try cached(sql)
        defer { statement.reset() }
        if let parameter { statement.bind(1, parameter) }
        return try statement.step() ? statement.textOrNil(0) : nil
    }

    func error(_ result: Int32) -> StorageError { .sqlite(result, handle, file: file) }

    // MARK: Transactions

    func begin() throws(StorageError) { try cached("BEGIN IMMEDIATE").run() }

    /// Makes the open transaction durable. After an error it is rolled back, whatever the error left behind.
    func commit() throws(StorageError) {
        try write()
        try log?.synchronize()
    }

    /// Ends the open transaction: readers see it, and it becomes durable with the next ``LogSync/synchronize()``, or at once
    /// when there is no ``log``. After an error it is rolled back, whatever the error left behind.
    func write() throws(StorageError) {
        do { try cached("COMMIT").run() } catch {
            noteSync(sqlite3_extended_errcode(handle))
            rollback()
            throw error
        }
        log?.noteCommit()
    }

    /// From now on ``commit()`` syncs the write-ahead log itself.
    func separateSync() throws(StorageError) {
        try execute("PRAGMA synchronous = NORMAL")
        log = try LogSync(self)
    }

    /// Ends the open transaction, if one is open, as if it had never been.
    func rollback() {
        noteSync(sqlite3_extended_errcode(handle))
        if sqlite3_get_autocommit(handle) == 0 { sqlite3_exec(handle, "ROLLBACK", nil, nil, nil) }
    }

    private func noteSync(_ result: Int32) {
        if result == ff_sqlite3_ioerr_fsync || result == ff_sqlite3_ioerr_dir_fsync { hasLostSync = true }
    }

    /// Runs `body` on one unchanging state of the file. Costs about 5 µs.
    func snapshot<Result>(_ body: () throws(StorageError) -> Result) throws(StorageError) -> Result {
        try cached("BEGIN").run()
        defer { rollback() }
        // The state is fixed by the first read, not by BEGIN.
        _ = try integer("SELECT 1 FROM store_state LIMIT 1")
        return try body()
    }

    // MARK: Write-ahead log

    /// What a checkpoint came to.
    struct Checkpoint {
        /// Whether it did all its mode promises.
        var isComplete: Bool
        /// Frames in the log.
        var frames: Int
        /// Frames of those that are in the database file.
        var copied: Int
    }

    /// Moves frames of the write-ahead log into the file. `patience` in milliseconds is how long it waits for readers.
    func checkpoint(_ mode: Int32, patience: Int32) throws(StorageError) -> Checkpoint {
        sqlite3_busy_timeout(handle, patience)
        defer { sqlite3_busy_timeout(handle, 5000) }
        var frames: Int32 = 0
        var copied: Int32 = 0
        let result = sqlite3_wal_checkpoint_v2(handle, "main", mode, &frames, &copied)
        guard result == SQLITE_OK || result & 0xff == SQLITE_BUSY || result & 0xff == SQLITE_LOCKED else {
            noteSync(result)
            throw error(result)
        }
        return Checkpoint(isComplete: result == SQLITE_OK, frames: Int(frames), copied: Int(copied))
    }

    /// Makes durable what was copied into the database's own file.
    func synchronizeFile() throws(StorageError) {
        guard let file = ff_sqlite3_main_file(handle), ff_sqlite3_sync(file) == SQLITE_OK else {
            hasLostSync = true
            throw LogSync.failure
        }
    }
}
