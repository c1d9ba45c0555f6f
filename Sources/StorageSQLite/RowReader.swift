internal import CSQLite
internal import Domain
internal import Glibc
internal import Storage

/// Gathers rows of `user_interactions` into a batch. Texts go straight from SQLite's page into one run of bytes; a name
/// that many rows share is kept once.
final class RowReader {
    /// The columns it reads, in this order.
    static let columns = """
        seq, id, type, original_type, entity_type, entity_id, user_id, anonymous_id, session_id, context, occurred_at, \
        received_at, list_id, value, metadata, plan_version
        """

    private var bytes: UnsafeMutableRawPointer
    private var capacity: Int
    private(set) var count = 0
    private(set) var rows: [InteractionRow] = []
    private var typeName = ByteSpan.none
    private var entityTypeName = ByteSpan.none

    init(rows expected: Int = 16) {
        capacity = max(4096, expected * 192)
        bytes = .allocate(byteCount: capacity, alignment: 16)
        rows.reserveCapacity(expected)
    }

    deinit { bytes.deallocate() }

    /// Adds the row a statement stands on. False when the batch is full, which is at 4 GiB.
    func append(_ statement: Statement) -> Bool {
        let handle = statement.handle
        var row = InteractionRow()
        row.position = sqlite3_column_int64(handle, 0)
        row.id = span(handle, 1)
        typeName = span(handle, 2, like: typeName)
        row.typeName = typeName
        row.originalType = span(handle, 3)
        entityTypeName = span(handle, 4, like: entityTypeName)
        row.entityTypeName = entityTypeName
        row.entityID = span(handle, 5)
        row.userID = span(handle, 6)
        row.anonymousID = span(handle, 7)
        row.sessionID = span(handle, 8)
        row.context = span(handle, 9)
        row.occurredAt = sqlite3_column_int64(handle, 10)
        row.receivedAt = sqlite3_column_int64(handle, 11)
        row.listID = span(handle, 12)
        if sqlite3_column_type(handle, 13) != SQLITE_NULL { row.value = sqlite3_column_double(handle, 13) }
        row.metadata = span(handle, 14)
        row.planVersion = UInt32(truncatingIfNeeded: sqlite3_column_int64(handle, 15))
        rows.append(row)
        return count < UInt32.max
    }

    /// The batch of the rows so far, which leave the reader.
    func take() -> InteractionBatch {
        var batch = InteractionBatch()
        batch.bytes = Array(UnsafeRawBufferPointer(start: bytes, count: count))
        batch.rows = rows
        rows = []
        count = 0
        typeName = .none
        entityTypeName = .none
        return batch
    }

    private func span(_ handle: OpaquePointer, _ column: Int32) -> ByteSpan {
        guard let start = sqlite3_column_blob(handle, column) else {
            // Empty text has no address either.
            return sqlite3_column_type(handle, column) == SQLITE_NULL
                ? .none : ByteSpan(offset: UInt32(truncatingIfNeeded: count), length: 0)
        }
        return copy(start, Int(sqlite3_column_bytes(handle, column)))
    }

    private func span(_ handle: OpaquePointer, _ column: Int32, like last: ByteSpan) -> ByteSpan {
        guard let start = sqlite3_column_blob(handle, column) else { return span(handle, column) }
        let length = Int(sqlite3_column_bytes(handle, column))
        if !last.isNone, Int(last.length) == length, memcmp(bytes + Int(last.offset), start, length) == 0 {
            return last
        }
        return copy(start, length)
    }

    private func copy(_ start: UnsafeRawPointer, _ length: Int) -> ByteSpan {
        if count + length > capacity { grow(to: count + length) }
        (bytes + count).copyMemory(from: start, byteCount: length)
        defer { count += length }
        return ByteSpan(offset: UInt32(truncatingIfNeeded: count), length: UInt32(truncatingIfNeeded: length))
    }

    private func grow(to size: Int) {
        capacity = max(size, capacity * 2)
        let larger = UnsafeMutableRawPointer.allocate(byteCount: capacity, alignment: 16)
        larger.copyMemory(from: bytes, byteCount: count)
        bytes.deallocate()
        bytes = larger
    }
}
