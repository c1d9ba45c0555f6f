internal import CSQLite
internal import Domain
internal import Storage

/// One commit of served lists.
final class SQLiteListTransaction: ListTransaction {
    private let connection: Connection

    init(_ connection: Connection) { self.connection = connection }

    func insert(_ list: StoredList) throws(StorageError) {
        let insert = try connection.cached(
            "INSERT OR IGNORE INTO lists(list_id, document, audience) VALUES(?1, ?2, ?3)")
        insert.bind(1, blob: list.id.bytes)
        list.document.withUnsafeBytes { insert.bind(2, copying: $0) }
        if let audience = list.audience { insert.bind(3, blob: audience.bytes) } else { insert.bind(3, nil as Int64?) }
        try insert.run()
        guard let audience = list.audience else { return }
        let index = try connection.cached("INSERT OR IGNORE INTO list_audiences(audience, list_id) VALUES(?1, ?2)")
        index.bind(1, blob: audience.bytes)
        index.bind(2, blob: list.id.bytes)
        try index.run()
    }

    func document(_ id: ListID) throws(StorageError) -> [UInt8]? {
        let statement = try connection.cached("SELECT document FROM lists WHERE list_id = ?1")
        defer { statement.reset() }
        statement.bind(1, blob: id.bytes)
        return try statement.step() ? Array(statement.bytes(0)) : nil
    }

    func attribute(_ id: ListID, position: Int64) throws(StorageError) -> Bool {
        let insert = try connection.cached("INSERT OR IGNORE INTO list_interactions(list_id, position) VALUES(?1, ?2)")
        insert.bind(1, blob: id.bytes)
        insert.bind(2, position)
        try insert.run()
        return sqlite3_changes(connection.handle) > 0
    }

    func click(_ id: ListID, entity: Key128) throws(StorageError) -> Bool {
        let insert = try connection.cached("INSERT OR IGNORE INTO list_clicks(list_id, entity) VALUES(?1, ?2)")
        insert.bind(1, blob: id.bytes)
        insert.bind(2, blob: entity.bytes)
        try insert.run()
        return sqlite3_changes(connection.handle) > 0
    }

    func credit(_ id: ListID, person: Key128, entity: Key128) throws(StorageError) {
        let insert = try connection.cached(
            "INSERT OR REPLACE INTO list_credits(person, entity, list_id) VALUES(?1, ?2, ?3)")
        insert.bind(1, blob: person.bytes)
        insert.bind(2, blob: entity.bytes)
        insert.bind(3, blob: id.bytes)
        try insert.run()
    }

    func credited(person: Key128, entity: Key128) throws(StorageError) -> ListID? {
        let statement = try connection.cached("SELECT list_id FROM list_credits WHERE person = ?1 AND entity = ?2")
        defer { statement.reset() }
        statement.bind(1, blob: person.bytes)
        statement.bind(2, blob: entity.bytes)
        guard try statement.step() else { return nil }
        return ListID(bytes: statement.bytes(0))
    }

    func add(_ amount: Double, to measure: ListMeasure) throws(StorageError) {
        let add = try connection.cached(
            """
            INSERT INTO list_measures(day, surface, source, model, measure, currency, amount)
            VALUES(?1, ?2, ?3, ?4, ?5, ?6, ?7)
            ON CONFLICT DO UPDATE SET amount = amount + excluded.amount
            """)
        add.bind(1, measure.day)
        add.bind(2, measure.surface)
        add.bind(3, measure.source)
        add.bind(4, measure.model)
        add.bind(5, measure.name.rawValue)
        add.bind(6, measure.currency)
        sqlite3_bind_double(add.handle, 7, amount)
        try add.run()
    }
}

extension Key128 {
    /// The key with these bytes.
    init(stored bytes: UnsafeRawBufferPointer) {
        self.init(
            high: bytes.prefix(8).reduce(0) { $0 << 8 | UInt64($1) },
            low: bytes.dropFirst(8).reduce(0) { $0 << 8 | UInt64($1) })
    }

    /// Its 16 bytes.
    var bytes: [UInt8] {
        var bytes: [UInt8] = []
        bytes.reserveCapacity(16)
        for half in [high, low] {
            for shift in stride(from: UInt64(56), through: 0, by: -8) {
                bytes.append(UInt8(truncatingIfNeeded: half >> shift))
            }
        }
        return bytes
    }
}
