internal import CSQLite
public import Domain
internal import Glibc
public import Storage
internal import Synchronization

/// Served lists in `lists.sqlite` of a tenant's folder: a file of its own, so that serving lists never waits for the log's
/// writer nor holds it up.
public final class SQLiteListStore: ListStore {
    /// Name of the file in the tenant's folder.
    public static let fileName = "lists.sqlite"

    private struct Box: Sendable {
        var connection: Connection?
    }

    private let path: String
    private let writer: Mutex<Box>
    private let reader: Mutex<Box>
    private let reached: Atomic<Int64>

    /// Opens the lists of a folder. A new file begins at `position` of the log.
    public init(folder: String, position: Int64) throws(StorageError) {
        try DatabaseFile.makeFolder(folder)
        path = folder + "/" + SQLiteListStore.fileName
        try DatabaseFile.checkHeader(
            path, applicationID: SQLiteListStore.applicationID, known: SQLiteListStore.migrations.count)
        let opened = try Connection(path: path, .readWrite)
        if sqlite3_db_readonly(opened.handle, "main") == 1 {
            throw .unwritable(opened.file, "the file is write-protected")
        }
        try DatabaseFile.checkIdentity(
            opened, applicationID: SQLiteListStore.applicationID, known: SQLiteListStore.migrations.count)
        try opened.execute(
            """
            PRAGMA page_size = 4096; PRAGMA journal_mode = WAL; PRAGMA synchronous = NORMAL; PRAGMA cache_size = -2048;
            PRAGMA journal_size_limit = 33554432
            """)
        try DatabaseFile.migrate(
            opened, applicationID: SQLiteListStore.applicationID, steps: SQLiteListStore.migrations
        ) { connection throws(StorageError) in
            try connection.execute("INSERT INTO store_state(name, value) VALUES('position', \(position))")
        }
        let found = try opened.integer("SELECT value FROM store_state WHERE name = 'position'") ?? 0
        // Ahead of the log: the log was put back from a backup, and its positions are given anew.
        reached = Atomic(min(found, position))
        writer = Mutex(Box(connection: opened))
        reader = Mutex(Box(connection: try Connection(path: path, .readOnly)))
    }

    /// `FOOL` in ASCII: not a tenant's log.
    static let applicationID: Int64 = 0x464f_4f4c

    /// The n-th step leads to version n.
    static let migrations = [
        """
        CREATE TABLE store_state(name TEXT PRIMARY KEY, value INTEGER NOT NULL) WITHOUT ROWID;
        CREATE TABLE lists(list_id BLOB PRIMARY KEY, document TEXT NOT NULL) WITHOUT ROWID;
        CREATE TABLE list_interactions(
            list_id BLOB NOT NULL,
            position INTEGER NOT NULL,
            PRIMARY KEY(list_id, position)) WITHOUT ROWID;
        """,
        """
        ALTER TABLE lists ADD COLUMN audience BLOB;
        CREATE TABLE list_audiences(
            audience BLOB NOT NULL,
            list_id BLOB NOT NULL,
            PRIMARY KEY(audience, list_id)) WITHOUT ROWID;
        CREATE TABLE list_clicks(
            list_id BLOB NOT NULL,
            entity BLOB NOT NULL,
            PRIMARY KEY(list_id, entity)) WITHOUT ROWID;
        CREATE TABLE list_credits(
            person BLOB NOT NULL,
            entity BLOB NOT NULL,
            list_id BLOB NOT NULL,
            PRIMARY KEY(person, entity)) WITHOUT ROWID;
        CREATE TABLE list_measures(
            day INTEGER NOT NULL,
            surface TEXT NOT NULL,
            source TEXT NOT NULL,
            model TEXT NOT NULL,
            measure TEXT NOT NULL,
            currency TEXT NOT NULL,
            amount REAL NOT NULL,
            PRIMARY KEY(day, surface, source, model, measure, currency)) WITHOUT ROWID;
        """,
    ]

    public var position: Int64 { reached.load(ordering: .acquiring) }

    public func commit(
        through position: Int64, _ work: (any ListTransaction) throws(StorageError) -> Void
    ) throws(StorageError) {
        let end = max(position, self.position)
        try use(writer) { connection throws(StorageError) in
            try connection.begin()
            do throws(StorageError) {
                try work(SQLiteListTransaction(connection))
                let note = try connection.cached("UPDATE store_state SET value = ?1 WHERE name = 'position'")
                note.bind(1, end)
                try note.run()
                try connection.commit()
            } catch {
                connection.rollback()
                throw error
            }
        }
        reached.store(end, ordering: .releasing)
    }

    public func list(_ id: ListID, limit: Int) throws(StorageError) -> (list: StoredList, positions: [Int64])? {
        try use(reader) { connection throws(StorageError) in
            let statement = try connection.cached("SELECT document FROM lists WHERE list_id = ?1")
            defer { statement.reset() }
            statement.bind(1, blob: id.bytes)
            guard try statement.step() else { return nil }
            let list = StoredList(id: id, document: Array(statement.bytes(0)))
            let interactions = try connection.cached(
                "SELECT position FROM list_interactions WHERE list_id = ?1 ORDER BY position LIMIT ?2")
            defer { interactions.reset() }
            interactions.bind(1, blob: id.bytes)
            interactions.bind(2, Int64(limit))
            var positions: [Int64] = []
            while try interactions.step() { positions.append(interactions.integer(0)) }
            return (list, positions)
        }
    }

    public func expire(before milliseconds: Int64, maximum: Int) throws(StorageError) -> Int {
        let first = ListID(milliseconds: milliseconds, order: 0, random: 0).bytes
        return try use(writer) { connection throws(StorageError) in
            try connection.begin()
            do throws(StorageError) {
                let edge = try connection.cached(
                    "SELECT list_id FROM lists WHERE list_id < ?1 ORDER BY list_id LIMIT 1 OFFSET ?2")
                defer { edge.reset() }
                edge.bind(1, blob: first)
                edge.bind(2, Int64(maximum))
                let end = try edge.step() ? Array(edge.bytes(0)) : first
                edge.reset()
                let audiences = try connection.cached(
                    """
                    DELETE FROM list_audiences WHERE (audience, list_id) IN
                    (SELECT audience, list_id FROM lists WHERE list_id < ?1)
                    """)
                audiences.bind(1, blob: end)
                try audiences.run()
                for table in ["list_interactions", "list_clicks", "lists"] {
                    let delete = try connection.cached("DELETE FROM \(table) WHERE list_id < ?1")
                    delete.bind(1, blob: end)
                    try delete.run()
                }
                let removed = Int(sqlite3_changes(connection.handle))
                if removed < maximum {
                    // By person: all of them are looked at, once at the end.
                    let credits = try connection.cached("DELETE FROM list_credits WHERE list_id < ?1")
                    credits.bind(1, blob: first)
                    try credits.run()
                }
                try connection.commit()
                return removed
            } catch {
                connection.rollback()
                throw error
            }
        }
    }

    public func documents(of audience: Key128, limit: Int) throws(StorageError) -> [[UInt8]] {
        try use(reader) { connection throws(StorageError) in
            let statement = try connection.cached(
                """
                SELECT document FROM list_audiences JOIN lists USING(list_id) WHERE list_audiences.audience = ?1
                ORDER BY list_id DESC LIMIT ?2
                """)
            defer { statement.reset() }
            statement.bind(1, blob: audience.bytes)
            statement.bind(2, Int64(limit))
            var documents: [[UInt8]] = []
            while try statement.step() { documents.append(Array(statement.bytes(0))) }
            return documents
        }
    }

    public func forEachCredit(_ body: (_ person: Key128, _ entity: Key128) -> Void) throws(StorageError) {
        try use(reader) { connection throws(StorageError) in
            let statement = try connection.cached("SELECT person, entity FROM list_credits")
            defer { statement.reset() }
            while try statement.step() {
                body(Key128(stored: statement.bytes(0)), Key128(stored: statement.bytes(1)))
            }
        }
    }

    public func measures(from first: Int64, through last: Int64) throws(StorageError) -> [(
        measure: ListMeasure, amount: Double
    )] {
        try use(reader) { connection throws(StorageError) in
            let statement = try connection.cached(
                """
                SELECT day, surface, source, model, measure, currency, amount FROM list_measures
                WHERE day BETWEEN ?1 AND ?2 ORDER BY day, surface, source, model, measure, currency
                """)
            defer { statement.reset() }
            statement.bind(1, first)
            statement.bind(2, last)
            var measures: [(measure: ListMeasure, amount: Double)] = []
            while try statement.step() {
                guard let name = ListMeasure.Name(rawValue: statement.text(4)) else { continue }
                let measure = ListMeasure(
                    day: statement.integer(0), surface: statement.text(1), source: statement.text(2),
                    model: statement.text(3), name: name, currency: statement.text(5))
                measures.append((measure, sqlite3_column_double(statement.handle, 6)))
            }
            return measures
        }
    }

    public func expireMeasures(before day: Int64) throws(StorageError) {
        try use(writer) { connection throws(StorageError) in
            let delete = try connection.cached("DELETE FROM list_measures WHERE day < ?1")
            delete.bind(1, day)
            try delete.run()
        }
    }

    public var bytes: Int64 {
        ["", "-wal"].reduce(0) { $0 + (DatabaseFile.size(path + $1) ?? 0) }
    }

    public func close() {
        reader.withLock { $0.connection = nil }
        writer.withLock { $0.connection = nil }
    }

    private func use<Result>(
        _ side: borrowing Mutex<Box>, _ body: (Connection) throws(StorageError) -> Result
    ) throws(StorageError) -> Result {
        try side.withLock { box throws(StorageError) in
            guard let connection = box.connection else { throw .closed() }
            return try body(connection)
        }
    }
}

extension SQLiteTenantStore {
    public func openLists(anew: Bool) throws(StorageError) -> any ListStore {
        if anew {
            let path = folder + "/" + SQLiteListStore.fileName
            for end in ["-wal", "-shm", ""] { rename(path + end, path + ".unusable" + end) }
        }
        return try SQLiteListStore(folder: folder, position: lastPosition)
    }
}
