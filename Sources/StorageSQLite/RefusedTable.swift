internal import CSQLite
internal import Storage

/// A table of what was refused or reported. Whoever has a write key can fill it, so its oldest rows make room for new ones.
struct RefusedTable {
    private let name: String
    /// Bytes of a row, in SQL; ``Transaction`` counts the same when it adds one.
    private let size: String

    /// What a row takes beside its texts, roughly.
    static let rowBytes: Int64 = 128

    static let rejected = RefusedTable(
        name: "rejected_interactions",
        size: "\(rowBytes) + length(CAST(raw AS BLOB)) + length(CAST(message AS BLOB))")
    static let errors = RefusedTable(
        name: "system_errors",
        size: """
            \(rowBytes) + length(CAST(error_message AS BLOB)) + length(CAST(metadata AS BLOB))
                + coalesce(length(CAST(error_stack AS BLOB)), 0)
            """)

    /// Bytes of the rows above a number. Reads all of them.
    func bytes(in connection: Connection, above number: Int64) throws(StorageError) -> Int64 {
        let sum = try connection.cached("SELECT coalesce(sum(\(size)), 0) FROM \(name) WHERE number > ?1")
        defer { sum.reset() }
        sum.bind(1, number)
        return try sum.step() ? sum.integer(0) : 0
    }

    /// Removes the oldest rows above a number until what is left of `total` bytes is at most `limit`.
    func trim(_ connection: Connection, above number: Int64, total: Int64, to limit: Int64) throws(StorageError)
        -> (removed: Int64, left: Int64)
    {
        var left = total
        var last = number
        let rows = try connection.cached("SELECT number, \(size) FROM \(name) WHERE number > ?1 ORDER BY number")
        rows.bind(1, number)
        do {
            defer { rows.reset() }
            while left > limit, try rows.step() {
                last = rows.integer(0)
                left -= rows.integer(1)
            }
        }
        let delete = try connection.cached("DELETE FROM \(name) WHERE number > ?1 AND number <= ?2")
        delete.bind(1, number)
        delete.bind(2, last)
        try delete.run()
        return (Int64(sqlite3_changes(connection.handle)), max(0, left))
    }
}

/// What is known of the sizes of a file's ``RefusedTable``s; `nil` until it is needed, and after rows have gone.
struct RefusedBytes {
    var rejected: Int64?
    var errors: Int64?
}

extension RefusalReason {
    /// Gives a row of `rejected_interactions` another reason.
    static let update = "UPDATE rejected_interactions SET code = ?2, message = ?3, plan_version = ?4 WHERE number = ?1"

    /// The reason that a row of number, code, message and plan version says.
    init(_ row: Statement) {
        self.init(number: row.integer(0), code: row.text(1), message: row.text(2), planVersion: row.integer(3))
    }
}

extension Statement {
    /// Runs a statement whose parameters are number, code, message and plan version.
    func run(_ reason: RefusalReason) throws(StorageError) {
        bind(1, reason.number)
        bind(2, reason.code)
        bind(3, reason.message)
        bind(4, reason.planVersion)
        try run()
    }
}
