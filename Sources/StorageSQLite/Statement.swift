internal import CSQLite
internal import Storage

/// A prepared statement. Belongs to the thread that uses its connection.
final class Statement {
    let handle: OpaquePointer
    private let file: String

    /// Takes over `handle`.
    init(_ handle: OpaquePointer, file: String) {
        self.handle = handle
        self.file = file
    }

    deinit { sqlite3_finalize(handle) }

    // MARK: Parameters

    func bind(_ index: Int32, _ value: Int64) { sqlite3_bind_int64(handle, index, value) }

    func bind(_ index: Int32, _ value: Int64?) {
        if let value { bind(index, value) } else { sqlite3_bind_null(handle, index) }
    }

    func bind(_ index: Int32, _ value: String?) {
        guard var value else {
            sqlite3_bind_null(handle, index)
            return
        }
        value.withUTF8 { bind(index, copying: UnsafeRawBufferPointer($0)) }
    }

    func bind(_ index: Int32, copying text: UnsafeRawBufferPointer) {
        ff_sqlite3_bind_text_copy(handle, index, text.baseAddress, UInt64(text.count))
    }

    func bind(_ index: Int32, blob: [UInt8]) {
        blob.withUnsafeBytes { _ = ff_sqlite3_bind_blob_copy(handle, index, $0.baseAddress, UInt64($0.count)) }
    }

    // MARK: Running

    /// Moves to the next row; false when there is none.
    func step() throws(StorageError) -> Bool {
        switch sqlite3_step(handle) {
        case SQLITE_ROW: return true
        case SQLITE_DONE: return false
        default: throw failure()
        }
    }

    /// Runs a statement that gives no rows and makes it ready for the next use.
    func run() throws(StorageError) {
        let result = sqlite3_step(handle)
        if result != SQLITE_DONE, result != SQLITE_ROW {
            let error = failure()
            reset()
            throw error
        }
        reset()
    }

    /// Makes the statement ready for the next use and ends its part of a transaction.
    func reset() { sqlite3_reset(handle) }

    private func failure() -> StorageError {
        let connection = sqlite3_db_handle(handle)
        return .sqlite(sqlite3_extended_errcode(connection), connection, file: file)
    }

    // MARK: Columns

    func isNull(_ column: Int32) -> Bool { sqlite3_column_type(handle, column) == SQLITE_NULL }

    func integer(_ column: Int32) -> Int64 { sqlite3_column_int64(handle, column) }

    func integerOrNil(_ column: Int32) -> Int64? { isNull(column) ? nil : integer(column) }

    /// The bytes of a text or blob; valid until the next step or reset.
    func bytes(_ column: Int32) -> UnsafeRawBufferPointer {
        let start = sqlite3_column_blob(handle, column)
        return UnsafeRawBufferPointer(start: start, count: start == nil ? 0 : Int(sqlite3_column_bytes(handle, column)))
    }

    func text(_ column: Int32) -> String { String(decoding: bytes(column), as: UTF8.self) }

    func textOrNil(_ column: Int32) -> String? { isNull(column) ? nil : text(column) }
}
