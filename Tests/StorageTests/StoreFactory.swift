import CSQLite
import Foundation
import Storage
import StorageSQLite
import Testing

/// A back end under the contract: how its store is opened in a folder, and what goes on around it.
struct StoreFactory: Sendable, CustomTestStringConvertible {
    let testDescription: String
    let open: @Sendable (_ folder: String) throws -> any TenantStore
    /// Called before clean-up is asked for; ends what stands in its way.
    let calm: @Sendable (_ folder: String, _ store: any TenantStore) throws -> Void
    /// Called when a commit has been made.
    let afterCommit: @Sendable (_ folder: String) throws -> Void

    /// Every back end; one more is one more line.
    static let all = [sqlite, smallLog, overflowing]

    static let sqlite = StoreFactory(
        testDescription: "SQLite", open: { try SQLiteTenantStore.open(folder: $0 + "/t1") }, calm: { _, _ in },
        afterCommit: { _ in })

    /// The write-ahead log is copied and begun anew all the time.
    static let smallLog = StoreFactory(
        testDescription: "SQLite with a short log",
        open: { folder in
            var options = StoreOptions()
            options.checkpointBytes = 50_000
            return try SQLiteTenantStore.open(folder: folder + "/t1", options: options)
        }, calm: { _, _ in }, afterCommit: { _ in })

    /// Foreign readers come and go, and the store goes over to its overflow file and back.
    static let overflowing: StoreFactory = {
        let readers = ForeignReaders()
        return StoreFactory(
            testDescription: "SQLite with foreign readers",
            open: { folder in
                var options = StoreOptions()
                options.checkpointBytes = 100_000
                options.overflowBytes = 1
                options.overflowPollMilliseconds = 5
                return try SQLiteTenantStore.open(folder: folder + "/t1", options: options)
            },
            calm: { folder, store in
                readers.end(folder)
                for _ in 0..<12_000 where store.sizes().contains(where: { $0.part == "overflow" && $0.bytes > 0 }) {
                    usleep(5000)
                }
            },
            afterCommit: { folder in try readers.comeAndGo(folder) })
    }()
}

/// A connection as another program would have it.
final class ForeignReader: @unchecked Sendable {
    private var handle: OpaquePointer?

    init(_ path: String) throws {
        #expect(sqlite3_open_v2(path, &handle, SQLITE_OPEN_READONLY | SQLITE_OPEN_FULLMUTEX, nil) == SQLITE_OK)
        sqlite3_busy_timeout(handle, 60_000)
    }

    deinit { sqlite3_close_v2(handle) }

    /// Begins a read that goes on until ``end()``.
    func begin() throws { _ = try query("BEGIN; SELECT count(*) FROM store_state") }

    func end() { sqlite3_exec(handle, "COMMIT", nil, nil, nil) }

    /// All rows as text; NULL is `nil`.
    func query(_ sql: String) throws -> [[String?]] {
        final class Rows { var rows: [[String?]] = [] }
        let rows = Rows()
        var message: UnsafeMutablePointer<CChar>?
        let result = sqlite3_exec(
            handle, sql,
            { context, count, values, _ in
                guard let context, let values else { return 1 }
                Unmanaged<Rows>.fromOpaque(context).takeUnretainedValue().rows.append(
                    (0..<Int(count)).map { values[$0].map { String(cString: $0) } })
                return 0
            }, Unmanaged.passUnretained(rows).toOpaque(), &message)
        defer { sqlite3_free(message) }
        guard result == SQLITE_OK else {
            throw StorageError("test", message.map { String(cString: $0) } ?? "result \(result)")
        }
        return rows.rows
    }
}

/// At most one foreign reader a folder; it begins and ends a long read every few commits.
private final class ForeignReaders: @unchecked Sendable {
    private let lock = NSLock()
    private var readers: [String: ForeignReader] = [:]
    private var commits = 0

    func comeAndGo(_ folder: String) throws {
        try lock.withLock {
            commits += 1
            if commits % 13 == 1 {
                let reader = try ForeignReader(folder + "/t1/" + SQLiteTenantStore.fileName)
                try reader.begin()
                readers[folder] = reader
            } else if commits % 13 == 9 {
                readers[folder] = nil
            }
        }
    }

    func end(_ folder: String) { lock.withLock { readers[folder] = nil } }
}
