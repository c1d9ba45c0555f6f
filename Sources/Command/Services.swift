internal import API
internal import Glibc
internal import Schema
internal import Storage
internal import StorageSQLite
internal import Synchronization

extension Program.Services {
    /// The product's own.
    public static let live = Program.Services(
        serve: { (options, console) throws(CommandError) in try Serving.run(options, console: console) },
        openRegistry: { (folder) throws(StorageError) in try SQLiteRegistry(folder: folder) },
        makeKey: { tenant, scope, now in KeyText.make(tenant: tenant, scope: scope, now: now) },
        revokeKey: { (folder, key, now) throws(CommandError) in
            try KeyRevocation(folder: folder, key: key).run(now: now)
        },
        openSink: { (folder, tenant) throws(CommandError) in
            // A mistyped folder must not come into being by an import.
            guard access("\(folder)/\(SQLiteRegistry.fileName)", F_OK) == 0 else {
                throw .failure(
                    "\(folder) is no data folder; give one with --data, or make one with \"footfall serve\".")
            }
            return try LocalSink(folder: folder, tenant: tenant)
        },
        checkPair: { line in pairs.check(line) })

    private static let pairs = PairJudge()
}

/// Judges one pair of a schema and data at a time.
private final class PairJudge: Sendable {
    private let judge = Mutex(SchemaCheck())

    func check(_ line: UnsafeRawBufferPointer) -> String? {
        let text = Array(line)
        return judge.withLock { judge in
            text.withUnsafeBytes { try? judge.check($0).rawValue }
        }
    }
}
