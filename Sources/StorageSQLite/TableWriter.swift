internal import CSQLite
internal import Domain
internal import Storage

/// The prepared statements that write the tables of ``TenantSchema/tables``, in the main file or in the overflow.
final class TableWriter {
    let connection: Connection
    /// Statements that insert so many interactions at a time, most first: what SQLite does once a statement costs as much
    /// as a row.
    private let interactions: [(rows: Int, statement: Statement)]
    private static let interactionColumns: Int32 = 16
    private let record: Statement
    private let rejected: Statement
    private let error: Statement
    private let entity: Statement

    init(_ connection: Connection) throws(StorageError) {
        self.connection = connection
        var interactions: [(Int, Statement)] = []
        let row = "(" + Array(repeating: "?", count: Int(TableWriter.interactionColumns)).joined(separator: ",") + ")"
        for rows in [32, 16, 4, 1] {
            let values = Array(repeating: row, count: rows).joined(separator: ",")
            interactions.append((rows, try connection.prepare("INSERT INTO user_interactions VALUES" + values)))
        }
        self.interactions = interactions
        record = try connection.prepare("INSERT INTO log_records VALUES(?1,?2,?3,?4,?5)")
        rejected = try connection.prepare("INSERT INTO rejected_interactions VALUES(?1,?2,?3,?4,?5,?6,?7,?8)")
        error = try connection.prepare("INSERT INTO system_errors VALUES(?1,?2,?3,?4,?5,?6,?7,?8)")
        entity = try connection.prepare(
            "INSERT OR REPLACE INTO entities VALUES(?1,?2,?3,?4,?5,?6,?7,?8,?9,?10,?11,?12,?13,?14,?15,?16)")
    }

    // MARK: Rows of a batch

    /// Inserts the interactions of a batch that stand at `indices`; their positions are set. Texts are bound where they
    /// lie, so `bytes` must stay until the call returns.
    func insert(
        _ rows: [InteractionRow], at indices: ArraySlice<Int>, _ bytes: UnsafeRawBufferPointer
    ) throws(StorageError) {
        var rest = indices
        for (count, statement) in interactions {
            while rest.count >= count {
                var first: Int32 = 0
                for index in rest.prefix(count) {
                    guard bind(rows[index], statement.handle, after: first, bytes) else { throw TableWriter.badSpan }
                    first += TableWriter.interactionColumns
                }
                try statement.run()
                rest = rest.dropFirst(count)
            }
        }
    }

    /// Binds one interaction to the parameters after `first`. False when a field lies outside the bytes.
    @inline(__always)
    private func bind(
        _ row: InteractionRow, _ handle: OpaquePointer, after first: Int32, _ bytes: UnsafeRawBufferPointer
    ) -> Bool {
        sqlite3_bind_int64(handle, first + 1, row.position)
        var fits = bind(handle, first + 2, row.id, bytes)
        fits = bind(handle, first + 3, row.typeName, bytes) && fits
        fits = bind(handle, first + 4, row.originalType, bytes) && fits
        fits = bind(handle, first + 5, row.entityTypeName, bytes) && fits
        fits = bind(handle, first + 6, row.entityID, bytes) && fits
        fits = bind(handle, first + 7, row.userID, bytes) && fits
        fits = bind(handle, first + 8, row.anonymousID, bytes) && fits
        fits = bind(handle, first + 9, row.sessionID, bytes) && fits
        fits = bind(handle, first + 10, row.context, bytes) && fits
        sqlite3_bind_int64(handle, first + 11, row.occurredAt)
        sqlite3_bind_int64(handle, first + 12, row.receivedAt)
        fits = bind(handle, first + 13, row.listID, bytes) && fits
        if row.value.isNaN {
            sqlite3_bind_null(handle, first + 14)
        } else {
            sqlite3_bind_double(handle, first + 14, row.value)
        }
        fits = bind(handle, first + 15, row.metadata, bytes) && fits
        sqlite3_bind_int64(handle, first + 16, Int64(row.planVersion))
        return fits
    }

    /// Inserts a rejected interaction.
    func insertRejected(_ row: InteractionRow, number: Int64, sentAt: Int64?, _ bytes: UnsafeRawBufferPointer)
        throws(StorageError)
    {
        let handle = rejected.handle
        rejected.bind(1, number)
        rejected.bind(2, row.receivedAt)
        rejected.bind(3, sentAt)
        var fits = bind(handle, 4, row.id, bytes)
        fits = bind(handle, 5, row.rejectionCode, bytes) && fits
        fits = bind(handle, 6, row.rejectionMessage, bytes) && fits
        fits = bind(handle, 7, row.raw, bytes) && fits
        rejected.bind(8, Int64(row.planVersion))
        guard fits else { throw TableWriter.badSpan }
        try rejected.run()
    }

    private static let badSpan = StorageError("store_misuse", "A field of an interaction lies outside its batch.")

    /// Binds a span without copying; none is NULL. False when it lies outside the bytes.
    @inline(__always)
    private func bind(_ handle: OpaquePointer, _ index: Int32, _ span: ByteSpan, _ bytes: UnsafeRawBufferPointer)
        -> Bool
    {
        if span.isNone {
            sqlite3_bind_null(handle, index)
            return true
        }
        guard Int(span.offset) + Int(span.length) <= bytes.count else { return false }
        let start = bytes.baseAddress.map { $0 + Int(span.offset) }
        ff_sqlite3_bind_text_kept(handle, index, start, Int32(truncatingIfNeeded: span.length))
        return true
    }

    // MARK: Records and the tables they show in

    func insert(_ value: LogRecord, position: Int64) throws(StorageError) {
        record.bind(1, position)
        record.bind(2, value.kind.rawValue)
        record.bind(3, Int64(value.version))
        record.bind(4, value.receivedAt)
        value.body.withUnsafeBytes { record.bind(5, copying: $0) }
        try record.run()
    }

    func insert(_ value: SystemError, number: Int64) throws(StorageError) {
        error.bind(1, number)
        error.bind(2, value.category)
        error.bind(3, value.context)
        error.bind(4, value.message)
        error.bind(5, value.stack)
        error.bind(6, value.metadata)
        error.bind(7, value.userID)
        error.bind(8, Timestamp(milliseconds: value.timestamp).rfc3339)
        try error.run()
    }

    func upsert(_ value: Entity, position: Int64) throws(StorageError) {
        entity.bind(1, value.type)
        entity.bind(2, value.id)
        entity.bind(3, value.title)
        entity.bind(4, value.description)
        entity.bind(5, StringList.encode(value.categories))
        entity.bind(6, value.brand)
        entity.bind(7, value.price)
        entity.bind(8, value.currency)
        entity.bind(9, value.inventory)
        entity.bind(10, value.publishedAt?.milliseconds)
        entity.bind(11, value.isHidden ? 1 : 0)
        entity.bind(12, StringList.encode(value.labels))
        entity.bind(13, value.attributes)
        entity.bind(14, value.isPlaceholder ? 1 : 0)
        entity.bind(15, value.isDeleted ? 1 : 0)
        entity.bind(16, position)
        try entity.run()
    }

    func upsert(_ value: StoredDocument, position: Int64) throws(StorageError) {
        let statement = try connection.cached("INSERT OR REPLACE INTO documents VALUES(?1, ?2, ?3, ?4, ?5, ?6)")
        statement.bind(1, value.kind.rawValue)
        statement.bind(2, value.id)
        statement.bind(3, value.owner)
        statement.bind(4, value.body)
        statement.bind(5, value.isDeleted ? 1 : 0)
        statement.bind(6, position)
        try statement.run()
    }

    func insertPlan(_ record: LogRecord, version: Int64, position: Int64) throws(StorageError) {
        let statement = try connection.cached("INSERT INTO plan_versions VALUES(?1, ?2, ?3, ?4)")
        statement.bind(1, version)
        statement.bind(2, position)
        statement.bind(3, record.receivedAt)
        record.body.withUnsafeBytes { statement.bind(4, copying: $0) }
        try statement.run()
    }

    func setSettings(_ record: LogRecord, position: Int64) throws(StorageError) {
        let statement = try connection.cached("INSERT OR REPLACE INTO tenant_settings VALUES(1, ?1, ?2, ?3)")
        statement.bind(1, position)
        statement.bind(2, record.receivedAt)
        record.body.withUnsafeBytes { statement.bind(3, copying: $0) }
        try statement.run()
    }

    // MARK: Small values

    func setValue(_ value: String, forKey key: String) throws(StorageError) {
        let statement = try connection.cached("INSERT OR REPLACE INTO store_values VALUES(?1, ?2)")
        statement.bind(1, key)
        statement.bind(2, value)
        try statement.run()
    }

    func setState(_ name: StateName, _ value: Int64) throws(StorageError) {
        let statement = try connection.cached("INSERT OR REPLACE INTO store_state VALUES(?1, ?2)")
        statement.bind(1, name.rawValue)
        statement.bind(2, value)
        try statement.run()
    }

    func setState(_ name: StateName, _ value: String) throws(StorageError) {
        let statement = try connection.cached("INSERT OR REPLACE INTO store_state VALUES(?1, ?2)")
        statement.bind(1, name.rawValue)
        statement.bind(2, value)
        try statement.run()
    }

    func setBlock(_ block: Int, _ value: BlockSummary.Block) throws(StorageError) {
        let statement = try connection.cached("INSERT OR REPLACE INTO log_blocks VALUES(?1, ?2, ?3)")
        statement.bind(1, Int64(block))
        statement.bind(2, value.interactions)
        statement.bind(3, value.oldest)
        try statement.run()
        guard value.newest != .max else { return }
        let end = try connection.cached("INSERT OR REPLACE INTO log_block_ends VALUES(?1, ?2)")
        end.bind(1, Int64(block))
        end.bind(2, value.newest)
        try end.run()
    }
}

extension Connection {
    /// A number of the store's own memory.
    func state(_ name: StateName) throws(StorageError) -> Int64? {
        let statement = try cached("SELECT value FROM store_state WHERE name = ?1")
        defer { statement.reset() }
        statement.bind(1, name.rawValue)
        return try statement.step() ? statement.integerOrNil(0) : nil
    }
}

/// Names in `store_state`, the store's own memory.
enum StateName: String {
    /// The tenant's id, which a view shows.
    case tenant
    /// Seed of the tenant's keys.
    case seed
    /// Last position ever given, once rows at the end have been removed.
    case lastPosition = "last_position"
    /// Last number of a rejected interaction ever given, likewise.
    case lastRejected = "last_rejected"
    /// Last number of an error report ever given, likewise.
    case lastError = "last_error"
    /// In an overflow file: its number. In the main file: the number of the last overflow that was moved over whole.
    case overflow
}
