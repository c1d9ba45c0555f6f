internal import CSQLite
internal import Storage

extension TableWriter {
    /// Removes up to `maximumRows` searches received before a moment and up to a position, oldest first, and adds the products
    /// that they showed to the daily totals. Returns how many searches it removed.
    func expireSearches(before: Int64, upTo position: Int64, maximumRows: Int) throws(StorageError) -> Int {
        guard maximumRows > 0 else { return 0 }
        // Oldest first by position: the first one that is young enough ends it.
        let last = try connection.cached(
            """
            SELECT max(seq) FROM (SELECT seq, received_at FROM log_records INDEXED BY log_records_search
                WHERE kind = 'search' AND seq <= ?3 ORDER BY seq LIMIT ?2)
            WHERE received_at < ?1
            """)
        defer { last.reset() }
        last.bind(1, before)
        last.bind(2, Int64(maximumRows))
        last.bind(3, position)
        guard try last.step(), let end = last.integerOrNil(0) else { return 0 }
        for sql in [
            TableWriter.foldSearches,
            "DELETE FROM log_records INDEXED BY log_records_search WHERE kind = 'search' AND seq <= ?1 AND received_at < ?2",
        ] {
            let statement = try connection.cached(sql)
            statement.bind(1, end)
            statement.bind(2, before)
            try statement.run()
        }
        return Int(sqlite3_changes(connection.handle))
    }

    /// Days are rounded down before the epoch too.
    private static let foldSearches = """
        INSERT INTO daily_totals
        SELECT (received_at - (received_at % 86400000 + 86400000) % 86400000) / 86400000,
            coalesce(json_extract(body, '$.entity_type'), 'product'), shown.value, '\(SearchRecord.countedType)',
            count(*), max(received_at)
        FROM log_records INDEXED BY log_records_search, json_each(body, '$.product_ids') AS shown
        WHERE kind = 'search' AND seq <= ?1 AND received_at < ?2 GROUP BY 1, 2, 3
        ON CONFLICT(day, entity_type, entity_id, type)
        DO UPDATE SET count = count + excluded.count, last_at = max(last_at, excluded.last_at)
        """
}
