internal import CSQLite
internal import Glibc
internal import Storage

/// A second file of the same tables, which takes the commits while another program's read keeps the main file's
/// write-ahead log from being used from its start again. No other program can open it, so its own log stays short.
///
/// From its first commit to its removal it takes every commit, so its rows are always the newer ones: the log is the main
/// file up to ``Watermarks/position``, then the overflow. Rows are moved over oldest first; each step is one transaction
/// of the main file, which is what moves the watermarks, and only then removed here. A crash between the two leaves rows
/// that the watermarks hide.
final class Overflow {
    let tables: TableWriter
    let path: String
    /// Number of this overflow; the main file keeps the last number that was moved over whole.
    let number: Int64
    /// What the main file holds already.
    var moved: Watermarks
    /// Position up to which entities have been moved; they are written over if it is forgotten.
    private var movedEntities: Int64 = 0
    /// The same of documents.
    private var movedDocuments: Int64 = 0
    private var removedUpTo: Int64
    /// Whether the main file's log is short enough to write to it.
    var mainIsFree = false

    static let fileName = "overflow.sqlite"

    /// Opens the overflow file, making it when it is missing.
    init(path: String, number: Int64, moved: Watermarks, options: StoreOptions) throws(StorageError) {
        self.path = path
        self.moved = moved
        removedUpTo = moved.position
        let isNew = DatabaseFile.size(path) ?? 0 == 0
        try DatabaseFile.checkHeader(
            path, applicationID: TenantSchema.applicationID, known: TenantSchema.overflowMigrations.count)
        let connection = try Connection(path: path, .readWrite, vfs: options.fileSystem)
        // Before the first read: from then on no other program can open the file.
        try connection.execute("PRAGMA locking_mode = EXCLUSIVE")
        try DatabaseFile.checkIdentity(
            connection, applicationID: TenantSchema.applicationID, known: TenantSchema.overflowMigrations.count)
        try connection.execute(
            """
            PRAGMA page_size = 8192; PRAGMA journal_mode = WAL; PRAGMA synchronous = FULL;
            PRAGMA cache_size = -\(options.cacheKiB / 2); PRAGMA wal_autocheckpoint = 2048;
            PRAGMA journal_size_limit = \(64 << 20)
            """)
        if options.maximumPages > 0 { try connection.execute("PRAGMA max_page_count = \(options.maximumPages)") }
        try DatabaseFile.migrate(
            connection, applicationID: TenantSchema.applicationID, steps: TenantSchema.overflowMigrations
        ) { _ in }
        tables = try TableWriter(connection)
        if let known = try connection.state(.overflow) {
            self.number = known
        } else {
            try tables.setState(.overflow, number)
            self.number = number
        }
        if isNew { DatabaseFile.synchronizeFolder(String(path[..<(path.lastIndex(of: "/") ?? path.startIndex)])) }
    }

    /// Removes an overflow that has been moved over whole.
    static func remove(_ path: String) throws(StorageError) {
        guard unlink(path) == 0 || errno == ENOENT else {
            throw .unwritable(Overflow.fileName, String(cString: strerror(errno)))
        }
        for suffix in ["-wal", "-shm", "-journal"] { unlink(path + suffix) }
    }

    // MARK: Moving over

    /// Moves up to `rows` rows (and about 4 MiB) into the main file, where they are durable when this returns. True
    /// when nothing is left but what ``settle(into:counters:)`` moves.
    func move(into main: TableWriter, rows: Int) throws(StorageError) -> Bool {
        var budget = Budget(rows: rows, bytes: 4 << 20)
        var reached = moved
        var (entities, documents) = (movedEntities, movedDocuments)
        try main.connection.begin()
        do {
            reached.position = try moveLog(into: main.connection, &budget)
            reached.rejected = try copy(
                "rejected_interactions", key: "number", columns: 8, above: moved.rejected, into: main.connection,
                &budget)
            reached.error = try copy(
                "system_errors", key: "number", columns: 8, above: moved.error, into: main.connection, &budget)
            entities = try copy(
                "entities", key: "position", columns: 16, above: movedEntities, into: main.connection, &budget)
            documents = try copy(
                "documents", key: "position", columns: 6, above: movedDocuments, into: main.connection, &budget)
        } catch {
            main.connection.rollback()
            throw error
        }
        try main.connection.commit()
        moved = reached
        (movedEntities, movedDocuments) = (entities, documents)
        return budget.isLeft
    }

    /// How much one step may still move.
    private struct Budget {
        var rows: Int
        var bytes: Int
        var isLeft: Bool { rows > 0 && bytes > 0 }

        mutating func take(_ statement: Statement, columns: Int32) {
            rows -= 1
            for column in 0..<columns { bytes -= Int(sqlite3_column_bytes(statement.handle, column)) }
        }
    }

    /// Interactions and records are moved in one order, so that one position says how far it has come.
    private func moveLog(into main: Connection, _ budget: inout Budget) throws(StorageError) -> Int64 {
        let overflow = tables.connection
        let interactions = try overflow.cached("SELECT * FROM user_interactions WHERE seq > ?1 ORDER BY seq")
        let records = try overflow.cached("SELECT * FROM log_records WHERE seq > ?1 ORDER BY seq")
        defer {
            interactions.reset()
            records.reset()
        }
        let putInteraction = try insert(into: main, "user_interactions", columns: 16)
        let putRecord = try insert(into: main, "log_records", columns: 5)
        interactions.bind(1, moved.position)
        records.bind(1, moved.position)
        var interaction = try interactions.step() ? interactions.integer(0) : Int64.max
        var record = try records.step() ? records.integer(0) : Int64.max
        var position = moved.position
        while budget.isLeft, min(interaction, record) != .max {
            if interaction < record {
                budget.take(interactions, columns: 16)
                try put(interactions, putInteraction, columns: 16)
                position = interaction
                interaction = try interactions.step() ? interactions.integer(0) : .max
            } else {
                budget.take(records, columns: 5)
                try put(records, putRecord, columns: 5)
                position = record
                record = try records.step() ? records.integer(0) : .max
            }
        }
        return position
    }

    private func copy(
        _ table: String, key: String, columns: Int32, above: Int64, into main: Connection, _ budget: inout Budget
    ) throws(StorageError) -> Int64 {
        let rows = try tables.connection.cached("SELECT *, \(key) FROM \(table) WHERE \(key) > ?1 ORDER BY \(key)")
        defer { rows.reset() }
        let put = try insert(into: main, table, columns: columns)
        rows.bind(1, above)
        var reached = above
        while try rows.step() {
            // Rows with one key, an order and what follows from it, are moved together.
            let key = rows.integer(columns)
            guard budget.isLeft || key == reached else { break }
            budget.take(rows, columns: columns)
            try self.put(rows, put, columns: columns)
            reached = key
        }
        return reached
    }

    private func insert(into main: Connection, _ table: String, columns: Int32) throws(StorageError) -> Statement {
        let places = (1...columns).map { "?\($0)" }.joined(separator: ",")
        return try main.cached("INSERT OR REPLACE INTO \(table) VALUES(\(places))")
    }

    private func put(_ row: Statement, _ insert: Statement, columns: Int32) throws(StorageError) {
        for column in 0..<columns {
            sqlite3_bind_value(insert.handle, column + 1, sqlite3_column_value(row.handle, column))
        }
        try insert.run()
    }

    /// Whether so much has been moved that removing it here is worth a transaction.
    var isWorthRemoving: Bool { moved.position - removedUpTo >= 50_000 }

    /// Removes here what has been moved, for its room on disk; the watermarks hide it until then.
    func removeMoved() throws(StorageError) {
        let connection = tables.connection
        try connection.begin()
        do {
            for (sql, mark) in [
                ("DELETE FROM user_interactions WHERE seq <= ?1", moved.position),
                ("DELETE FROM log_records WHERE seq <= ?1", moved.position),
                ("DELETE FROM rejected_interactions WHERE number <= ?1", moved.rejected),
                ("DELETE FROM system_errors WHERE number <= ?1", moved.error),
                ("DELETE FROM entities WHERE position <= ?1", movedEntities),
                ("DELETE FROM documents WHERE position <= ?1", movedDocuments),
            ] {
                let delete = try connection.cached(sql)
                delete.bind(1, mark)
                try delete.run()
            }
        } catch {
            connection.rollback()
            throw error
        }
        try connection.commit()
        removedUpTo = moved.position
    }

    /// Moves the small tables, each of which stands here as it is to be, and says in the main file that this overflow is
    /// done with. Afterwards the file may be removed.
    func settle(into main: TableWriter, counters: Counters) throws(StorageError) {
        try main.connection.begin()
        do {
            for (table, columns) in [
                ("plan_versions", 4), ("tenant_settings", 4), ("daily_sessions", 3), ("store_values", 2),
                ("log_blocks", 3), ("log_block_ends", 2),
            ] as [(String, Int32)] {
                let rows = try tables.connection.cached("SELECT * FROM \(table)")
                defer { rows.reset() }
                let put = try insert(into: main.connection, table, columns: columns)
                while try rows.step() { try self.put(rows, put, columns: columns) }
            }
            try settleReasons(into: main.connection)
            let removed = try tables.connection.cached("SELECT number FROM removed_rejected")
            defer { removed.reset() }
            let delete = try main.connection.cached("DELETE FROM rejected_interactions WHERE number = ?1")
            while try removed.step() {
                delete.bind(1, removed.integer(0))
                try delete.run()
            }
            try main.setState(.lastPosition, counters.position)
            try main.setState(.lastRejected, counters.rejected)
            try main.setState(.lastError, counters.error)
            try main.setState(.overflow, number)
        } catch {
            main.connection.rollback()
            throw error
        }
        try main.connection.commit()
    }

    private func settleReasons(into main: Connection) throws(StorageError) {
        let changed = try tables.connection.cached("SELECT number, code, message, plan_version FROM changed_rejected")
        defer { changed.reset() }
        let update = try main.cached(RefusalReason.update)
        while try changed.step() { try update.run(RefusalReason(changed)) }
    }
}
