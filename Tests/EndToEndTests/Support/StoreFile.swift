import CSQLite
import Foundation

/// One row of `user_interactions`.
struct StoredRow {
    var position: Int64
    var id: String
    var type: String
    var originalType: String?
    var entityType: String
    var entityID: String
    var user: String?
    var visitor: String?
    var session: String?
    var context: String?
    var occurredAt: Int64
    var receivedAt: Int64
    var listID: String?
    var value: Double?
    var metadata: String?

    /// When it counts: no later than an hour after its receipt.
    var moment: Int64 { min(occurredAt, receivedAt + 3_600_000) }
    var entity: EntityName { EntityName(type: entityType, id: entityID) }
}

struct EntityName: Hashable, Comparable, CustomStringConvertible {
    var type: String
    var id: String
    var description: String { "\(type)/\(id)" }

    static func < (left: EntityName, right: EntityName) -> Bool {
        left.type != right.type
            ? Array(left.type.utf8).lexicographicallyPrecedes(Array(right.type.utf8))
            : Array(left.id.utf8).lexicographicallyPrecedes(Array(right.id.utf8))
    }
}

/// A tenant's file as any SQL tool reads it: SQLite's own interface, read-only.
final class StoreFile {
    private let handle: OpaquePointer

    init(_ path: String) throws {
        var handle: OpaquePointer?
        let result = sqlite3_open_v2(path, &handle, SQLITE_OPEN_READONLY, nil)
        guard result == SQLITE_OK, let handle else {
            sqlite3_close(handle)
            throw TestFailure("\(path) cannot be opened: \(result)")
        }
        self.handle = handle
        sqlite3_busy_timeout(handle, 10_000)
    }

    /// The file of the tenant `demo`.
    convenience init(_ folder: TestFolder) throws {
        let found = TestFolder.files(below: folder.tenant).filter { $0.hasSuffix("/footfall.sqlite") }
        guard found.count == 1 else { throw TestFailure("The tenant's file is not one of \(found)") }
        try self.init(found[0])
    }

    deinit { sqlite3_close(handle) }

    func execute(_ sql: String) throws {
        let result = sqlite3_exec(handle, sql, nil, nil, nil)
        guard result == SQLITE_OK else { throw failure(sql) }
    }

    private func failure(_ sql: String) -> TestFailure {
        TestFailure("\(String(cString: sqlite3_errmsg(handle))): \(sql)")
    }

    /// Calls `row` for every row of a query.
    func query(_ sql: String, _ row: (OpaquePointer) throws -> Void) throws {
        var statement: OpaquePointer?
        guard sqlite3_prepare_v2(handle, sql, -1, &statement, nil) == SQLITE_OK, let statement else {
            throw failure(sql)
        }
        defer { sqlite3_finalize(statement) }
        while true {
            switch sqlite3_step(statement) {
            case SQLITE_ROW: try row(statement)
            case SQLITE_DONE: return
            default: throw failure(sql)
            }
        }
    }

    static func text(_ statement: OpaquePointer, _ column: Int32) -> String? {
        guard let pointer = sqlite3_column_text(statement, column) else { return nil }
        let count = Int(sqlite3_column_bytes(statement, column))
        return String(decoding: UnsafeBufferPointer(start: pointer, count: count), as: UTF8.self)
    }

    /// Every row of a query as texts.
    func rows(_ sql: String) throws -> [[String?]] {
        var rows: [[String?]] = []
        try query(sql) { statement in
            rows.append((0..<sqlite3_column_count(statement)).map { Self.text(statement, $0) })
        }
        return rows
    }

    /// The number that a query answers.
    func integer(_ sql: String) throws -> Int64 {
        var value: Int64 = 0
        try query(sql) { value = sqlite3_column_int64($0, 0) }
        return value
    }

    /// The interactions after a position, in their order.
    func interactions(after position: Int64 = 0) throws -> [StoredRow] {
        var rows: [StoredRow] = []
        try query(
            """
            SELECT seq, id, type, original_type, entity_type, entity_id, user_id, anonymous_id, session_id, context,
                occurred_at, received_at, list_id, value, metadata
            FROM user_interactions WHERE seq > \(position) ORDER BY seq
            """
        ) { statement in
            rows.append(
                StoredRow(
                    position: sqlite3_column_int64(statement, 0), id: Self.text(statement, 1) ?? "",
                    type: Self.text(statement, 2) ?? "", originalType: Self.text(statement, 3),
                    entityType: Self.text(statement, 4) ?? "", entityID: Self.text(statement, 5) ?? "",
                    user: Self.text(statement, 6), visitor: Self.text(statement, 7), session: Self.text(statement, 8),
                    context: Self.text(statement, 9), occurredAt: sqlite3_column_int64(statement, 10),
                    receivedAt: sqlite3_column_int64(statement, 11), listID: Self.text(statement, 12),
                    value: sqlite3_column_type(statement, 13) == SQLITE_NULL
                        ? nil : sqlite3_column_double(statement, 13),
                    metadata: Self.text(statement, 14)))
        }
        return rows
    }

    /// What `PRAGMA integrity_check` says; `ok` when all is well.
    func integrity() throws -> String {
        try rows("PRAGMA integrity_check").compactMap { $0[0] }.joined(separator: "; ")
    }
}
