internal import CSQLite
public import Domain
internal import Glibc
public import Storage
internal import Synchronization

/// One unchanging state of the store: the main file, and the overflow while there is one.
struct ReadView {
    let main: Connection
    let overflow: Connection?
    /// What the main file holds; above, the overflow does.
    let moved: Watermarks
}

extension SQLiteTenantStore {
    /// Runs one short read on an unchanging state of the store. Waits for no commit, unless there is an overflow.
    func read<Result: Sendable>(_ body: (ReadView) throws(StorageError) -> Result) throws(StorageError) -> Result {
        if state.committing.load(ordering: .relaxed) == UInt(pthread_self()) {
            throw StorageError("store_misuse", "The store was read from inside a commit.")
        }
        return try readers.withConnection { connection throws(StorageError) in
            let overflows = state.overflows.load(ordering: .acquiring)
            if overflows & 1 == 0 {
                let result = try connection.snapshot { () throws(StorageError) -> Result? in
                    // An overflow that began or ended meanwhile may hold what this state of the main file lacks.
                    guard state.overflows.load(ordering: .acquiring) == overflows else { return nil }
                    return try body(ReadView(main: connection, overflow: nil, moved: Watermarks()))
                }
                if let result { return result }
            }
            return try lock.withLock { _ throws(StorageError) in
                let overflow = parts.writer?.overflow
                return try connection.snapshot { () throws(StorageError) in
                    try body(
                        ReadView(
                            main: connection, overflow: overflow?.tables.connection,
                            moved: overflow?.moved ?? Watermarks()))
                }
            }
        }
    }

    // MARK: Interactions by position

    /// The interactions at the given positions: one key look-up each.
    public func interactions(at positions: [Int64], resolver: RowResolver) throws(StorageError) -> InteractionBatch {
        var batch = try read { view throws(StorageError) in
            let reader = RowReader()
            for position in positions {
                let connection =
                    if let overflow = view.overflow, position > view.moved.position { overflow } else { view.main }
                let statement = try connection.cached(
                    "SELECT \(RowReader.columns) FROM user_interactions WHERE seq = ?1")
                defer { statement.reset() }
                statement.bind(1, position)
                guard try statement.step() else { continue }
                guard reader.append(statement) else {
                    throw StorageError(
                        "store_misuse", "More interactions were asked for at once than fit into a batch.")
                }
            }
            return reader.take()
        }
        resolver.resolve(&batch)
        return batch
    }

    // MARK: Folded totals

    /// Folded totals in order of day and entity.
    public func dailyTotals(_ body: (DailyTotal) -> Void) throws(StorageError) {
        // In stretches, so that the write-ahead log is not held up by a slow receiver.
        var last: DailyTotal?
        while true {
            let stretch = try read { view throws(StorageError) in
                let statement = try view.main.cached(
                    """
                    SELECT * FROM daily_totals WHERE (day, entity_type, entity_id, type) > (?1, ?2, ?3, ?4)
                    ORDER BY day, entity_type, entity_id, type LIMIT 4096
                    """)
                defer { statement.reset() }
                statement.bind(1, last?.day ?? .min)
                statement.bind(2, last?.entityType ?? "")
                statement.bind(3, last?.entityID ?? "")
                statement.bind(4, last?.type ?? "")
                var totals: [DailyTotal] = []
                while try statement.step() {
                    totals.append(
                        DailyTotal(
                            day: statement.integer(0), entityType: statement.text(1), entityID: statement.text(2),
                            type: statement.text(3), count: statement.integer(4), lastAt: statement.integer(5)))
                }
                return totals
            }
            guard let end = stretch.last else { return }
            for total in stretch { body(total) }
            last = end
        }
    }

    /// Folded totals of sessions in order of day.
    public func dailySessions() throws(StorageError) -> [DailySessions] {
        try read { view throws(StorageError) in
            var totals: [Int64: DailySessions] = [:]
            // The overflow's row of a day is the whole total.
            for connection in [view.main, view.overflow].compactMap(\.self) {
                let statement = try connection.cached("SELECT day, sessions, bounces FROM daily_sessions")
                defer { statement.reset() }
                while try statement.step() {
                    totals[statement.integer(0)] = DailySessions(
                        day: statement.integer(0), sessions: statement.integer(1), bounces: statement.integer(2))
                }
            }
            return totals.values.sorted { $0.day < $1.day }
        }
    }

    // MARK: Plan, settings, values

    /// The newest record of a kind at or below a position.
    public func lastRecord(_ kind: LogRecord.Kind, upTo position: Int64) throws(StorageError) -> LogRecord? {
        try newest { connection throws(StorageError) in
            let statement = try connection.cached(
                """
                SELECT seq, version, received_at, body FROM log_records WHERE kind = ?1 AND seq <= ?2
                ORDER BY seq DESC LIMIT 1
                """)
            defer { statement.reset() }
            statement.bind(1, kind.rawValue)
            statement.bind(2, position)
            guard try statement.step() else { return nil }
            var record = LogRecord(
                kind: kind, version: Int(statement.integer(1)), receivedAt: statement.integer(2),
                body: Array(statement.text(3).utf8))
            record.position = statement.integer(0)
            return record
        }
    }

    /// The newest plan and its version.
    public func plan() throws(StorageError) -> (version: Int64, document: String)? {
        try read { view throws(StorageError) in
            for connection in [view.overflow, view.main].compactMap(\.self) {
                let statement = try connection.cached(
                    "SELECT version, document FROM plan_versions ORDER BY version DESC LIMIT 1")
                defer { statement.reset() }
                if try statement.step() { return (statement.integer(0), statement.text(1)) }
            }
            return nil
        }
    }

    /// The plan of a version.
    public func plan(version: Int64) throws(StorageError) -> String? {
        try newest { connection throws(StorageError) in
            let statement = try connection.cached("SELECT document FROM plan_versions WHERE version = ?1")
            defer { statement.reset() }
            statement.bind(1, version)
            return try statement.step() ? statement.text(0) : nil
        }
    }

    /// Plan versions, newest first.
    public func planVersions() throws(StorageError) -> [(version: Int64, createdAt: Int64)] {
        try read { view throws(StorageError) in
            var versions: [(version: Int64, createdAt: Int64)] = []
            for connection in [view.overflow, view.main].compactMap(\.self) {
                let statement = try connection.cached(
                    "SELECT version, created_at FROM plan_versions ORDER BY version DESC")
                defer { statement.reset() }
                while try statement.step() {
                    // After a crash in the middle of moving over, a version may be in both.
                    if let last = versions.last, last.version <= statement.integer(0) { continue }
                    versions.append((statement.integer(0), statement.integer(1)))
                }
            }
            return versions
        }
    }

    /// The settings document.
    public func settings() throws(StorageError) -> String? {
        try newest { connection throws(StorageError) in try connection.text("SELECT document FROM tenant_settings") }
    }

    /// A small named value.
    public func value(forKey key: String) throws(StorageError) -> String? {
        try newest { connection throws(StorageError) in
            try connection.text("SELECT value FROM store_values WHERE key = ?1", key)
        }
    }

    /// What the overflow says, else what the main file says.
    private func newest<Result: Sendable>(_ body: (Connection) throws(StorageError) -> Result?) throws(StorageError)
        -> Result?
    {
        try read { view throws(StorageError) in
            if let overflow = view.overflow, let result = try body(overflow) { return result }
            return try body(view.main)
        }
    }
}
