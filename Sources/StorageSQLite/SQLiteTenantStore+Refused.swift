internal import Domain
public import Storage

/// Rejected interactions and error reports.
extension SQLiteTenantStore {
    /// Rejected interactions in order of number. With a code, those of others are read and passed over.
    public func rejected(after: Int64, code: String?, limit: Int) throws(StorageError) -> [RejectedInteraction] {
        try read { view throws(StorageError) in
            var list: [RejectedInteraction] = []
            // While there is an overflow, it says which rows of the main file are gone or have another reason by now.
            for (connection, after, changes) in [
                (view.main, after, view.overflow), (view.overflow, max(after, view.moved.rejected), nil),
            ] {
                guard let connection else { continue }
                let statement = try connection.cached(
                    """
                    SELECT number, received_at, sent_at, id, code, message, raw, plan_version FROM rejected_interactions
                    WHERE number > ?1 AND (?2 IS NULL OR code = ?2) ORDER BY number
                    """)
                defer { statement.reset() }
                statement.bind(1, after)
                statement.bind(2, changes == nil ? code : nil)
                while list.count < limit, try statement.step() {
                    var item = RejectedInteraction(
                        number: statement.integer(0), receivedAt: statement.integer(1),
                        sentAt: statement.integerOrNil(2), id: statement.textOrNil(3), code: statement.text(4),
                        message: statement.text(5), raw: statement.text(6), planVersion: statement.integer(7))
                    if let changes {
                        if try isRemoved(item.number, changes) { continue }
                        if let reason = try changedReason(item.number, changes) { item.reason = reason }
                        if let code, !item.code.utf8.elementsEqual(code.utf8) { continue }
                    }
                    list.append(item)
                }
            }
            return list
        }
    }

    /// Rejected interactions of one code. Reads every row's code, some 0.1 µs each.
    public func rejectedCount(code: String) throws(StorageError) -> Int64 {
        try read { view throws(StorageError) in
            let sql = "SELECT count(*) FROM rejected_interactions WHERE number > ?1 AND code = ?2"
            var count: Int64 = 0
            for (connection, after) in [(view.main, 0), (view.overflow, view.moved.rejected)] {
                guard let statement = try connection?.cached(sql) else { continue }
                defer { statement.reset() }
                statement.bind(1, after)
                statement.bind(2, code)
                if try statement.step() { count += statement.integer(0) }
            }
            if let overflow = view.overflow { count += try correction(of: code, view.main, overflow) }
            return count
        }
    }

    /// How many rows of the main file count less or more than it says, by what the overflow knows of them.
    private func correction(of code: String, _ main: Connection, _ overflow: Connection) throws(StorageError) -> Int64 {
        var difference: Int64 = 0
        let own = try main.cached("SELECT code = ?2 FROM rejected_interactions WHERE number = ?1")
        let known = try overflow.cached(
            """
            SELECT number, 0 FROM removed_rejected UNION ALL
            SELECT number, code = ?1 FROM changed_rejected
            WHERE number NOT IN (SELECT number FROM removed_rejected)
            """)
        defer { known.reset() }
        known.bind(1, code)
        while try known.step() {
            defer { own.reset() }
            own.bind(1, known.integer(0))
            own.bind(2, code)
            if try own.step() { difference += known.integer(1) - own.integer(0) }
        }
        return difference
    }

    private func isRemoved(_ number: Int64, _ overflow: Connection) throws(StorageError) -> Bool {
        let statement = try overflow.cached("SELECT 1 FROM removed_rejected WHERE number = ?1")
        defer { statement.reset() }
        statement.bind(1, number)
        return try statement.step()
    }

    private func changedReason(_ number: Int64, _ overflow: Connection) throws(StorageError) -> RefusalReason? {
        let statement = try overflow.cached(
            "SELECT number, code, message, plan_version FROM changed_rejected WHERE number = ?1")
        defer { statement.reset() }
        statement.bind(1, number)
        return try statement.step() ? RefusalReason(statement) : nil
    }

    /// Error reports, newest first.
    public func systemErrors(limit: Int) throws(StorageError) -> [SystemError] {
        try read { view throws(StorageError) in
            var list: [SystemError] = []
            for (connection, after) in [(view.overflow, view.moved.error), (view.main, 0)] {
                guard let connection else { continue }
                let statement = try connection.cached(
                    """
                    SELECT context, category, error_message, error_stack, metadata, user_id, timestamp
                    FROM system_errors WHERE number > ?1 ORDER BY number DESC
                    """)
                defer { statement.reset() }
                statement.bind(1, after)
                while list.count < limit, try statement.step() {
                    list.append(
                        SystemError(
                            context: statement.text(0), category: statement.text(1), message: statement.text(2),
                            stack: statement.textOrNil(3), metadata: statement.text(4), userID: statement.textOrNil(5),
                            timestamp: Timestamp(rfc3339: statement.text(6))?.milliseconds ?? 0))
                }
            }
            return list
        }
    }
}
