internal import CSQLite
public import Storage
internal import Synchronization

/// Tenants and keys in `footfall.db` of the data folder. Each call is one short transaction; other processes may use the
/// file at the same time.
public final class SQLiteRegistry: Registry {
    /// Name of the file in the data folder.
    public static let fileName = "footfall.db"

    private let connection: Mutex<Box>
    let path: String

    private struct Box: Sendable {
        var connection: Connection?
    }

    /// Opens the registry of a data folder, making it when it is missing.
    public init(folder: String) throws(StorageError) {
        try DatabaseFile.makeFolder(folder)
        path = folder + "/" + SQLiteRegistry.fileName
        try DatabaseFile.checkHeader(
            path, applicationID: SQLiteRegistry.applicationID, known: SQLiteRegistry.migrations.count)
        let isNew = DatabaseFile.size(path) ?? 0 == 0
        let opened = try Connection(path: path, .readWrite)
        if sqlite3_db_readonly(opened.handle, "main") == 1 {
            throw .unwritable(opened.file, "the file is write-protected")
        }
        try DatabaseFile.checkIdentity(
            opened, applicationID: SQLiteRegistry.applicationID, known: SQLiteRegistry.migrations.count)
        try opened.execute("PRAGMA journal_mode = WAL; PRAGMA synchronous = FULL")
        try DatabaseFile.migrate(opened, applicationID: SQLiteRegistry.applicationID, steps: SQLiteRegistry.migrations)
        { _ in }
        if isNew { DatabaseFile.synchronizeFolder(folder) }
        connection = Mutex(Box(connection: opened))
    }

    /// `FOOR` in ASCII: not a tenant's file.
    static let applicationID: Int64 = 0x464f_4f52

    /// The n-th step leads to version n.
    static let migrations = [
        """
        CREATE TABLE tenants(id TEXT PRIMARY KEY, created_at INTEGER NOT NULL) WITHOUT ROWID;
        CREATE TABLE keys(
            hash BLOB PRIMARY KEY,
            tenant TEXT NOT NULL,
            scope TEXT NOT NULL,
            created_at INTEGER NOT NULL,
            revoked_at INTEGER,
            signing_secret TEXT) WITHOUT ROWID;
        """
    ]

    /// All tenants in order of id.
    public func tenants() throws(StorageError) -> [Tenant] {
        try use { connection throws(StorageError) in
            let statement = try connection.cached("SELECT id, created_at FROM tenants ORDER BY id")
            defer { statement.reset() }
            var list: [Tenant] = []
            while try statement.step() {
                list.append(Tenant(id: statement.text(0), createdAt: statement.integer(1)))
            }
            return list
        }
    }

    /// Adds a tenant; false when there is one with its id.
    public func add(_ tenant: Tenant) throws(StorageError) -> Bool {
        try use { connection throws(StorageError) in
            let statement = try connection.cached("INSERT OR IGNORE INTO tenants VALUES(?1, ?2)")
            statement.bind(1, tenant.id)
            statement.bind(2, tenant.createdAt)
            try statement.run()
            return sqlite3_changes(connection.handle) > 0
        }
    }

    /// All keys that are not revoked, oldest first.
    public func keys() throws(StorageError) -> [KeyEntry] {
        try use { connection throws(StorageError) in
            let statement = try connection.cached(
                """
                SELECT hash, tenant, scope, created_at, signing_secret FROM keys
                WHERE revoked_at IS NULL ORDER BY created_at, hash
                """)
            defer { statement.reset() }
            var list: [KeyEntry] = []
            while try statement.step() {
                // A scope that only a newer program knows opens nothing here.
                guard let scope = KeyScope(rawValue: statement.text(2)) else { continue }
                list.append(
                    KeyEntry(
                        hash: Array(statement.bytes(0)), tenant: statement.text(1), scope: scope,
                        createdAt: statement.integer(3), signingSecret: statement.textOrNil(4)))
            }
            return list
        }
    }

    /// Adds a key.
    public func add(_ key: KeyEntry) throws(StorageError) {
        try use { connection throws(StorageError) in
            let statement = try connection.cached("INSERT INTO keys VALUES(?1, ?2, ?3, ?4, NULL, ?5)")
            statement.bind(1, blob: key.hash)
            statement.bind(2, key.tenant)
            statement.bind(3, key.scope.rawValue)
            statement.bind(4, key.createdAt)
            statement.bind(5, key.signingSecret)
            try statement.run()
        }
    }

    /// Makes a key open nothing from now on; false when there is none, or it is revoked already. A signing secret's text
    /// goes with it.
    public func revoke(_ hash: [UInt8], at time: Int64) throws(StorageError) -> Bool {
        try use { connection throws(StorageError) in
            let statement = try connection.cached(
                "UPDATE keys SET revoked_at = ?2, signing_secret = NULL WHERE hash = ?1 AND revoked_at IS NULL")
            statement.bind(1, blob: hash)
            statement.bind(2, time)
            try statement.run()
            return sqlite3_changes(connection.handle) > 0
        }
    }

    /// SQLite's own count of what other connections have written: a few microseconds.
    public func changeToken() throws(StorageError) -> Int64 {
        try use { connection throws(StorageError) in try connection.integer("PRAGMA data_version") ?? 0 }
    }

    /// Closes everything. Idempotent.
    public func close() { connection.withLock { $0.connection = nil } }

    private func use<Result: Sendable>(_ body: (Connection) throws(StorageError) -> Result) throws(StorageError)
        -> Result
    {
        try connection.withLock { box throws(StorageError) in
            guard let connection = box.connection else { throw .closed() }
            return try body(connection)
        }
    }
}
