internal import CSQLite
internal import Domain
internal import Storage

/// What counts positions and numbers. Copied when a transaction begins; the copy takes its place when it is durable.
struct Counters {
    /// Last position of the log.
    var position: Int64 = 0
    /// Last number of a rejected interaction.
    var rejected: Int64 = 0
    /// Last number of an error report.
    var error: Int64 = 0
    /// Last version of the tracking plan.
    var plan: Int64 = 0
    /// Rejected interactions kept.
    var rejectedKept: Int64 = 0
    /// Rejected interactions and error reports that have made room for newer ones since the store was opened.
    var dropped: Int64 = 0
}

/// One commit's writes to one file: the main one, or the overflow while there is one.
final class Transaction: TenantTransaction {
    let tables: TableWriter
    let isOverflow: Bool
    /// The main file while `tables` is the overflow's; rejected interactions and totals of sessions may be there.
    private let main: TableWriter
    private let summary: BlockSummary
    private(set) var counters: Counters
    /// Runs of positions as they are after this transaction.
    private(set) var blocks: [Int: BlockSummary.Block] = [:]
    private let firstBlock: Int
    private(set) var failure: StorageError?
    private(set) var appended = 0
    /// Rows of a batch that are to be inserted, kept for its memory.
    private var accepted: [Int] = []
    private var isOpen = true
    /// Sizes as they are after this transaction.
    private(set) var refused: RefusedBytes
    private let maximumRefusedBytes: Int64
    /// Numbers that the main file holds already, while this writes to the overflow.
    private let moved: Watermarks
    private var rejectedBytes: Int64 = 0
    private var errorBytes: Int64 = 0

    init(
        _ tables: TableWriter, main: TableWriter, counters: Counters, summary: BlockSummary, refused: RefusedBytes,
        maximumRefusedBytes: Int64, moved: Watermarks
    ) {
        self.refused = refused
        self.maximumRefusedBytes = maximumRefusedBytes
        self.moved = moved
        self.tables = tables
        self.main = main
        isOverflow = tables !== main
        self.counters = counters
        self.summary = summary
        firstBlock = BlockSummary.index(of: counters.position + 1)
    }

    // MARK: Log

    func append(_ batch: inout InteractionBatch, sentAt: Int64?) throws(StorageError) {
        try attempt { () throws(StorageError) in
            var index = -1
            var block = BlockSummary.Block()
            var position = counters.position
            accepted.removeAll(keepingCapacity: true)
            defer {
                if index >= 0 { blocks[index] = block }
                appended += Int(position - counters.position)
                counters.position = position
            }
            var error: StorageError?
            batch.bytes.withUnsafeBytes { bytes in
                do throws(StorageError) {
                    for row in batch.rows.indices {
                        switch batch.rows[row].verdict {
                        case .accepted:
                            position += 1
                            batch.rows[row].position = position
                            accepted.append(row)
                            let place = BlockSummary.index(of: position)
                            if place != index {
                                if index >= 0 { blocks[index] = block }
                                index = place
                                block = blocks[place] ?? summary[place]
                            }
                            block.add(occurredAt: batch.rows[row].occurredAt)
                        case .rejected:
                            counters.rejected += 1
                            counters.rejectedKept += 1
                            try tables.insertRejected(batch.rows[row], number: counters.rejected, sentAt: sentAt, bytes)
                            rejectedBytes +=
                                RefusedTable.rowBytes + Int64(batch.rows[row].raw.length)
                                + Int64(batch.rows[row].rejectionMessage.length)
                        case .duplicate: break
                        }
                    }
                    try tables.insert(batch.rows, at: accepted[...], bytes)
                } catch let thrown {
                    error = thrown
                }
            }
            if let error { throw error }
        }
    }

    func append(_ record: LogRecord, entity: Entity?) throws(StorageError) -> Int64 {
        try attempt { () throws(StorageError) in
            let position = counters.position + 1
            try tables.insert(record, position: position)
            switch record.kind {
            case .plan:
                try tables.insertPlan(record, version: counters.plan + 1, position: position)
                counters.plan += 1
            case .settings: try tables.setSettings(record, position: position)
            default: break
            }
            if let entity { try tables.upsert(entity, position: position) }
            counters.position = position
            appended += 1
            return position
        }
    }

    func append(_ record: LogRecord, document: StoredDocument) throws(StorageError) -> Int64 {
        let position = try append(record, entity: nil)
        try put(document)
        return position
    }

    // MARK: Tables beside the log

    func put(_ document: StoredDocument) throws(StorageError) {
        try attempt { () throws(StorageError) in try tables.upsert(document, position: counters.position) }
    }

    func removeRejected(_ numbers: [Int64]) throws(StorageError) {
        try attempt { () throws(StorageError) in
            let delete = try tables.connection.cached("DELETE FROM rejected_interactions WHERE number = ?1")
            for number in numbers {
                delete.bind(1, number)
                try delete.run()
                var removed = sqlite3_changes(tables.connection.handle) > 0
                if isOverflow, try isInMain(number) {
                    let mark = try tables.connection.cached("INSERT OR IGNORE INTO removed_rejected VALUES(?1)")
                    mark.bind(1, number)
                    try mark.run()
                    removed = sqlite3_changes(tables.connection.handle) > 0
                }
                if removed { counters.rejectedKept -= 1 }
            }
            refused.rejected = nil
            try tables.setState(.lastRejected, counters.rejected)
        }
    }

    func setReasons(_ reasons: [RefusalReason]) throws(StorageError) {
        try attempt { () throws(StorageError) in
            let update = try tables.connection.cached(RefusalReason.update)
            for reason in reasons {
                try update.run(reason)
                if isOverflow, try isInMain(reason.number) {
                    try tables.connection.cached("INSERT OR REPLACE INTO changed_rejected VALUES(?1,?2,?3,?4)").run(
                        reason)
                }
            }
            // Messages have other lengths now.
            if !reasons.isEmpty { refused.rejected = nil }
        }
    }

    private func isInMain(_ number: Int64) throws(StorageError) -> Bool {
        let statement = try main.connection.cached("SELECT 1 FROM rejected_interactions WHERE number = ?1")
        defer { statement.reset() }
        statement.bind(1, number)
        return try statement.step()
    }

    func append(_ error: SystemError) throws(StorageError) {
        try attempt { () throws(StorageError) in
            try tables.insert(error, number: counters.error + 1)
            counters.error += 1
            let texts = error.message.utf8.count + error.metadata.utf8.count + (error.stack?.utf8.count ?? 0)
            errorBytes += RefusedTable.rowBytes + Int64(texts)
        }
    }

    func foldSessions(_ totals: [DailySessions]) throws(StorageError) {
        try attempt { () throws(StorageError) in
            let add = try tables.connection.cached(
                """
                INSERT INTO daily_sessions VALUES(?1, ?2, ?3) ON CONFLICT(day)
                DO UPDATE SET sessions = sessions + excluded.sessions, bounces = bounces + excluded.bounces
                """)
            for total in totals {
                if isOverflow { try seedSessions(day: total.day) }
                add.bind(1, total.day)
                add.bind(2, total.sessions)
                add.bind(3, total.bounces)
                try add.run()
            }
        }
    }

    /// Takes a day's total from the main file, so that the overflow's row is the whole total and moving it over twice
    /// does no harm.
    private func seedSessions(day: Int64) throws(StorageError) {
        let read = try main.connection.cached("SELECT sessions, bounces FROM daily_sessions WHERE day = ?1")
        defer { read.reset() }
        read.bind(1, day)
        guard try read.step() else { return }
        let seed = try tables.connection.cached("INSERT OR IGNORE INTO daily_sessions VALUES(?1, ?2, ?3)")
        seed.bind(1, day)
        seed.bind(2, read.integer(0))
        seed.bind(3, read.integer(1))
        try seed.run()
    }

    func setValue(_ value: String, forKey key: String) throws(StorageError) {
        try attempt { () throws(StorageError) in try tables.setValue(value, forKey: key) }
    }

    // MARK: Clean-up

    func expire(before: Int64, upTo position: Int64, maximumRows: Int) throws(StorageError) -> Int {
        try attempt { () throws(StorageError) in
            // The main file is not written while there is an overflow; the next clean-up finds what this one leaves.
            if isOverflow || maximumRows <= 0 { return 0 }
            var removed = 0
            // Rows of this very transaction may lie in runs that the summary does not know yet.
            let own = blocks.keys.sorted().filter { $0 >= summary.blocks.count }
            for blocks in [Array(summary.blocks.indices), own] {
                for block in blocks where removed < maximumRows && self.block(block).oldest < before {
                    removed += try expire(
                        block, before: before, upTo: position, maximumRows: maximumRows - removed)
                }
            }
            removed += try tables.expireSearches(
                before: before, upTo: position, maximumRows: maximumRows - removed)
            try removeReports(before: before, maximumRows: maximumRows)
            if removed > 0 { try tables.setState(.lastPosition, counters.position) }
            return removed
        }
    }

    private func block(_ index: Int) -> BlockSummary.Block { blocks[index] ?? summary[index] }

    private func expire(_ block: Int, before: Int64, upTo position: Int64, maximumRows: Int) throws(StorageError)
        -> Int
    {
        let (first, last) = BlockSummary.positions(of: block)
        guard first <= position else { return 0 }
        let end = try self.position(
            ofExpired: maximumRows, first: first, last: min(last, position), before: before)
        _ = try change(Transaction.fold, first: first, last: end, before: before)
        let removed = try change(
            "DELETE FROM user_interactions WHERE seq BETWEEN ?1 AND ?2 AND occurred_at < ?3", first: first, last: end,
            before: before)
        let left = try BlockSummary.Block(tables.connection, first: first, last: last)
        blocks[block] = left
        if last <= counters.position { try tables.setBlock(block, left) }
        return removed
    }

    /// Where the n-th interaction stands that is to be removed; `last` when there are fewer.
    private func position(ofExpired n: Int, first: Int64, last: Int64, before: Int64) throws(StorageError) -> Int64 {
        let limit = try tables.connection.cached(
            "SELECT seq FROM user_interactions WHERE seq BETWEEN ?1 AND ?2 AND occurred_at < ?3 LIMIT 1 OFFSET ?4")
        defer { limit.reset() }
        limit.bind(1, first)
        limit.bind(2, last)
        limit.bind(3, before)
        limit.bind(4, Int64(n - 1))
        return try limit.step() ? limit.integer(0) : last
    }

    /// Runs a statement on a run of positions and returns how many rows it changed.
    private func change(_ sql: String, first: Int64, last: Int64, before: Int64) throws(StorageError) -> Int {
        let statement = try tables.connection.cached(sql)
        statement.bind(1, first)
        statement.bind(2, last)
        statement.bind(3, before)
        try statement.run()
        return Int(sqlite3_changes(tables.connection.handle))
    }

    /// Days are rounded down before the epoch too.
    private static let fold = """
        INSERT INTO daily_totals
        SELECT (occurred_at - (occurred_at % 86400000 + 86400000) % 86400000) / 86400000,
            entity_type, entity_id, type, count(*), max(occurred_at)
        FROM user_interactions WHERE seq BETWEEN ?1 AND ?2 AND occurred_at < ?3 GROUP BY 1, 2, 3, 4
        ON CONFLICT(day, entity_type, entity_id, type)
        DO UPDATE SET count = count + excluded.count, last_at = max(last_at, excluded.last_at)
        """

    private func removeReports(before: Int64, maximumRows: Int) throws(StorageError) {
        let rejected = try tables.connection.cached(
            """
            DELETE FROM rejected_interactions WHERE number IN
            (SELECT number FROM rejected_interactions WHERE received_at < ?1 ORDER BY received_at LIMIT ?2)
            """)
        rejected.bind(1, before)
        rejected.bind(2, Int64(maximumRows))
        try rejected.run()
        let removed = Int64(sqlite3_changes(tables.connection.handle))
        counters.rejectedKept -= removed
        refused = RefusedBytes()
        if removed > 0 { try tables.setState(.lastRejected, counters.rejected) }
        let errors = try tables.connection.cached(
            """
            DELETE FROM system_errors WHERE number IN
            (SELECT number FROM system_errors WHERE timestamp < ?1 ORDER BY timestamp LIMIT ?2)
            """)
        errors.bind(1, Timestamp(milliseconds: before).rfc3339)
        errors.bind(2, Int64(maximumRows))
        try errors.run()
        if sqlite3_changes(tables.connection.handle) > 0 { try tables.setState(.lastError, counters.error) }
    }

    // MARK: End

    /// Writes what is kept for runs of positions that are full now. Ends the transaction's use.
    func finish() throws(StorageError) {
        isOpen = false
        if let failure { throw failure }
        try makeRoom()
        for index in firstBlock..<max(firstBlock, BlockSummary.index(of: counters.position + 1)) {
            try tables.setBlock(index, block(index))
        }
    }

    /// Removes the oldest of what was refused or reported when this transaction has added to it beyond the limit. A little
    /// more than needed, so that the next ones find room.
    private func makeRoom() throws(StorageError) {
        let goal = maximumRefusedBytes - maximumRefusedBytes / 8
        if rejectedBytes > 0 {
            let total: Int64
            if let known = refused.rejected {
                total = known + rejectedBytes
            } else {
                total = try RefusedTable.rejected.bytes(in: tables.connection, above: moved.rejected)
            }
            refused.rejected = total
            if total > maximumRefusedBytes {
                let (removed, left) = try RefusedTable.rejected.trim(
                    tables.connection, above: moved.rejected, total: total, to: goal)
                refused.rejected = left
                counters.rejectedKept -= removed
                counters.dropped += removed
                try tables.setState(.lastRejected, counters.rejected)
            }
        }
        if errorBytes > 0 {
            let total: Int64
            if let known = refused.errors {
                total = known + errorBytes
            } else {
                total = try RefusedTable.errors.bytes(in: tables.connection, above: moved.error)
            }
            refused.errors = total
            if total > maximumRefusedBytes {
                let (removed, left) = try RefusedTable.errors.trim(
                    tables.connection, above: moved.error, total: total, to: goal)
                refused.errors = left
                counters.dropped += removed
                try tables.setState(.lastError, counters.error)
            }
        }
    }

    /// Ends the transaction's use without writing anything.
    func abandon() { isOpen = false }

    /// Runs one write. After a failure the whole transaction is lost, even if the caller goes on.
    func attempt<Result>(_ body: () throws(StorageError) -> Result) throws(StorageError) -> Result {
        guard isOpen else { throw StorageError("store_misuse", "A transaction was used after its end.") }
        if let failure { throw failure }
        do { return try body() } catch {
            failure = error
            throw error
        }
    }
}
