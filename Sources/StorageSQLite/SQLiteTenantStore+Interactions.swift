internal import JSON
public import Storage

extension SQLiteTenantStore {
    /// Runs of 4,096 positions that an answer passes over by their summary alone, at most: a key look-up each.
    private static let skippedRuns = 8192

    /// Reads runs of 4,096 positions, each in a transaction of its own, and passes over those whose summary says that
    /// nothing in them happened at the time asked for.
    public func interactions(_ query: InteractionQuery) throws(StorageError) -> InteractionPage {
        let walk = InteractionWalk(query, last: lastPosition)
        while !walk.isOver { try read { view throws(StorageError) in try walk.advance(view) } }
        return walk.page
    }

    /// One walk along the log, in either direction.
    private final class InteractionWalk {
        private let query: InteractionQuery
        private let last: Int64
        private let reader: RowReader
        private let parser = JSONParser()
        private let sql: String
        private let texts: [String]
        /// The next position to look at.
        private var position: Int64
        private var examined: Int64 = 0
        private var skipped = 0
        private(set) var isOver = false
        private var isFull = false

        init(_ query: InteractionQuery, last: Int64) {
            self.query = query
            self.last = last
            reader = RowReader(rows: min(query.limit, 1024))
            if query.newestFirst {
                position = min(last, (query.after ?? .max) &- 1)
            } else {
                position = max(1, (query.after ?? 0) &+ 1)
            }
            var conditions: [String] = []
            var texts: [String] = []
            let filter = query.filter
            for (column, value) in [
                ("user_id", filter.userID), ("anonymous_id", filter.anonymousID), ("session_id", filter.sessionID),
                ("entity_type", filter.entityType), ("entity_id", filter.entityID), ("type", filter.type),
                ("context", filter.context),
            ] {
                guard let value else { continue }
                texts.append(value)
                conditions.append(" AND \(column) = ?\(texts.count + 4)")
            }
            if filter.metadata.contains(where: { $0.comparison != .notEqual }) {
                conditions.append(" AND metadata IS NOT NULL")
            }
            self.texts = texts
            sql = """
                SELECT \(RowReader.columns) FROM user_interactions
                WHERE seq BETWEEN ?1 AND ?2 AND occurred_at >= ?3 AND occurred_at < ?4\(conditions.joined())
                ORDER BY seq\(query.newestFirst ? " DESC" : "")
                """
            isOver = isAtEnd
        }

        private var isAtEnd: Bool { query.newestFirst ? position < 1 : position > last }

        var page: InteractionPage {
            let next = isAtEnd ? nil : query.newestFirst ? position + 1 : position - 1
            return InteractionPage(batch: reader.take(), next: next, stoppedEarly: next != nil && !isFull)
        }

        /// Passes over runs that hold nothing, then reads one.
        func advance(_ view: ReadView) throws(StorageError) {
            while !isOver {
                let block = BlockSummary.index(of: position)
                let run = BlockSummary.positions(of: block)
                let (first, end) =
                    query.newestFirst ? (max(1, run.first), position) : (position, min(run.last, last))
                let holdsNothing = try isEmpty(block, view)
                if !holdsNothing {
                    try read(first, end, view)
                    examined += end - first + 1
                    if isFull { return }
                } else {
                    skipped += 1
                }
                position = query.newestFirst ? first - 1 : end + 1
                isOver =
                    isAtEnd || examined >= query.examined || skipped >= SQLiteTenantStore.skippedRuns
                if !holdsNothing || skipped & 255 == 0 { return }
            }
        }

        /// Whether the summary of a run says that nothing in it can pass. Only runs that are full have one.
        private func isEmpty(_ block: Int, _ view: ReadView) throws(StorageError) -> Bool {
            for connection in [view.main, view.overflow].compactMap(\.self) {
                let summary = try connection.cached(
                    """
                    SELECT interactions, oldest, newest FROM log_blocks LEFT JOIN log_block_ends USING (block)
                    WHERE block = ?1
                    """)
                defer { summary.reset() }
                summary.bind(1, Int64(block))
                guard try summary.step() else { continue }
                if summary.integer(0) == 0 { return true }
                if let to = query.filter.to, summary.integer(1) >= to { return true }
                if let from = query.filter.from, let newest = summary.integerOrNil(2), newest < from { return true }
                return false
            }
            return false
        }

        /// Reads what passes of a run that may lie in both files.
        private func read(_ first: Int64, _ end: Int64, _ view: ReadView) throws(StorageError) {
            guard let overflow = view.overflow else { return try read(view.main, first, end) }
            let moved = view.moved.position
            if query.newestFirst {
                try read(overflow, max(first, moved + 1), end)
                try read(view.main, first, min(end, moved))
            } else {
                try read(view.main, first, min(end, moved))
                try read(overflow, max(first, moved + 1), end)
            }
        }

        private func read(_ connection: Connection, _ first: Int64, _ end: Int64) throws(StorageError) {
            guard !isFull, first <= end else { return }
            let statement = try connection.cached(sql)
            defer { statement.reset() }
            statement.bind(1, first)
            statement.bind(2, end)
            statement.bind(3, query.filter.from ?? .min)
            statement.bind(4, query.filter.to ?? .max)
            for (index, text) in texts.enumerated() { statement.bind(Int32(index + 5), text) }
            while try statement.step() {
                guard passes(statement) else { continue }
                let place = statement.integer(0)
                guard reader.append(statement) else { return stop(after: place) }
                if reader.rows.count >= query.limit || reader.count >= query.bytes { return stop(after: place) }
            }
        }

        private func stop(after place: Int64) {
            isFull = true
            isOver = true
            position = query.newestFirst ? place - 1 : place + 1
        }

        private func passes(_ row: Statement) -> Bool {
            guard !query.filter.metadata.isEmpty else { return true }
            guard !row.isNull(14) else { return query.filter.metadata.allSatisfy { $0.holds(for: nil) } }
            guard let view = try? parser.parse(row.bytes(14), maximumDepth: 1024) else { return false }
            return withExtendedLifetime(parser) { query.filter.metadata.allSatisfy { $0.holds(for: view) } }
        }
    }
}
