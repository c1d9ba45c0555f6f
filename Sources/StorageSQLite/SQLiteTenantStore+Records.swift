public import Storage

extension SQLiteTenantStore {
    /// Records of a kind in a stretch of the log, read along the key; those of others are passed over.
    public func records(_ kind: LogRecord.Kind, after: Int64, upTo: Int64, limit: Int) throws(StorageError)
        -> [LogRecord]
    {
        try read { view throws(StorageError) in
            var list: [LogRecord] = []
            for (connection, first) in [(view.main, after), (view.overflow, max(after, view.moved.position))] {
                guard let connection, list.count < limit else { continue }
                let statement = try connection.cached(
                    """
                    SELECT seq, kind, version, received_at, body FROM log_records NOT INDEXED
                    WHERE seq > ?1 AND seq <= ?2 AND kind = ?3 ORDER BY seq LIMIT ?4
                    """)
                defer { statement.reset() }
                statement.bind(1, first)
                statement.bind(2, upTo)
                statement.bind(3, kind.rawValue)
                statement.bind(4, Int64(limit - list.count))
                while try statement.step() { list.append(LogRecord(statement)) }
            }
            return list
        }
    }

    /// Searches, newest first, along an index that holds nothing else.
    public func searches(before: Int64, isEmpty: Bool, limit: Int) throws(StorageError) -> [LogRecord] {
        try read { view throws(StorageError) in
            var list: [LogRecord] = []
            for (connection, floor) in [(view.overflow, view.moved.position), (view.main, 0)] {
                guard let connection, list.count < limit else { continue }
                let statement = try connection.cached(
                    """
                    SELECT seq, kind, version, received_at, body FROM log_records
                    INDEXED BY log_records_search\(isEmpty ? "_empty" : "")
                    WHERE kind = 'search' \(isEmpty ? TenantSchema.foundNothing : "") AND seq < ?1 AND seq > ?2
                    ORDER BY seq DESC LIMIT ?3
                    """)
                defer { statement.reset() }
                statement.bind(1, before)
                statement.bind(2, floor)
                statement.bind(3, Int64(limit - list.count))
                while try statement.step() { list.append(LogRecord(statement)) }
            }
            return list
        }
    }
}

extension LogRecord {
    /// The record of a row with its position, kind, version, time and body.
    fileprivate init(_ row: Statement) {
        self.init(
            kind: LogRecord.Kind(rawValue: row.text(1)), version: Int(row.integer(2)), receivedAt: row.integer(3),
            body: Array(row.bytes(4)))
        position = row.integer(0)
    }
}
