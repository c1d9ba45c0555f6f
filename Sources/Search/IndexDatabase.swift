internal import CSQLite
internal import Storage

/// A connection to the index file. Belongs to one thread.
final class IndexDatabase {
    let handle: OpaquePointer
    private var statements: [String: IndexStatement] = [:]

    init(path: String, readOnly: Bool) throws(StorageError) {
        var opened: OpaquePointer?
        let flags =
            SQLITE_OPEN_NOMUTEX | SQLITE_OPEN_PRIVATECACHE | SQLITE_OPEN_EXRESCODE
            | (readOnly ? SQLITE_OPEN_READONLY : SQLITE_OPEN_READWRITE | SQLITE_OPEN_CREATE)
        let result = sqlite3_open_v2(path, &opened, flags, nil)
        guard result == SQLITE_OK, let opened else {
            sqlite3_close_v2(opened)
            throw IndexDatabase.failure(result)
        }
        handle = opened
        sqlite3_busy_timeout(handle, 5000)
        ff_sqlite3_db_config_bool(handle, SQLITE_DBCONFIG_TRUSTED_SCHEMA, 0)
        ff_sqlite3_db_config_bool(handle, SQLITE_DBCONFIG_DQS_DML, 0)
    }

    deinit {
        statements.removeAll()
        sqlite3_close_v2(handle)
    }

    static func failure(_ result: Int32) -> StorageError {
        let text = String(cString: sqlite3_errstr(result))
        switch result & 0xff {
        case SQLITE_CORRUPT, SQLITE_NOTADB, SQLITE_FORMAT:
            return StorageError("store_corrupt", "The search index is damaged: \(text).")
        case SQLITE_FULL: return StorageError("disk_full", "The search index cannot grow: \(text).")
        default: return StorageError("store_io", "The search index cannot be used: \(text).")
        }
    }

    func execute(_ sql: String) throws(StorageError) {
        let result = sqlite3_exec(handle, sql, nil, nil, nil)
        if result != SQLITE_OK { throw IndexDatabase.failure(result) }
    }

    /// A statement that is kept for the next call with the same text.
    func cached(_ sql: String) throws(StorageError) -> IndexStatement {
        if let statement = statements[sql] { return statement }
        var prepared: OpaquePointer?
        let result = sqlite3_prepare_v3(handle, sql, -1, UInt32(SQLITE_PREPARE_PERSISTENT), &prepared, nil)
        guard result == SQLITE_OK, let prepared else { throw IndexDatabase.failure(result) }
        let statement = IndexStatement(prepared)
        statements[sql] = statement
        return statement
    }

    /// The first column of the first row as a number.
    func integer(_ sql: String) throws(StorageError) -> Int64? {
        let statement = try cached(sql)
        defer { statement.reset() }
        return try statement.step() && !statement.isNull(0) ? statement.integer(0) : nil
    }

    /// Runs `body` in a transaction that may write; after an error it is as if it had never been.
    func transaction(_ body: () throws(StorageError) -> Void) throws(StorageError) {
        try execute("BEGIN IMMEDIATE")
        do {
            try body()
            try execute("COMMIT")
        } catch {
            if sqlite3_get_autocommit(handle) == 0 { sqlite3_exec(handle, "ROLLBACK", nil, nil, nil) }
            throw error
        }
    }
}

/// A prepared statement of an index file.
final class IndexStatement {
    private let handle: OpaquePointer

    init(_ handle: OpaquePointer) { self.handle = handle }

    deinit { sqlite3_finalize(handle) }

    func bind(_ index: Int32, _ value: Int64?) {
        if let value { sqlite3_bind_int64(handle, index, value) } else { sqlite3_bind_null(handle, index) }
    }

    func bind(_ index: Int32, _ value: String?) {
        guard var value else {
            sqlite3_bind_null(handle, index)
            return
        }
        value.withUTF8 { _ = ff_sqlite3_bind_text_copy(handle, index, $0.baseAddress, UInt64($0.count)) }
    }

    func step() throws(StorageError) -> Bool {
        let result = sqlite3_step(handle)
        switch result {
        case SQLITE_ROW: return true
        case SQLITE_DONE: return false
        default: throw IndexDatabase.failure(result)
        }
    }

    /// Runs a statement that gives no rows.
    func run() throws(StorageError) {
        defer { reset() }
        _ = try step()
    }

    func reset() { sqlite3_reset(handle) }

    func isNull(_ column: Int32) -> Bool { sqlite3_column_type(handle, column) == SQLITE_NULL }
    func integer(_ column: Int32) -> Int64 { sqlite3_column_int64(handle, column) }
    func double(_ column: Int32) -> Double { sqlite3_column_double(handle, column) }
    func textOrNil(_ column: Int32) -> String? { isNull(column) ? nil : text(column) }

    func text(_ column: Int32) -> String {
        guard let start = sqlite3_column_blob(handle, column) else { return "" }
        let bytes = UnsafeRawBufferPointer(start: start, count: Int(sqlite3_column_bytes(handle, column)))
        return String(decoding: bytes, as: UTF8.self)
    }
}
