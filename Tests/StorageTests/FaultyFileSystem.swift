import CSQLite
import Glibc
import Synchronization

/// A file system for SQLite that fails when it is told to: writes as on a full disk, syncs as on a broken one. One for the
/// whole process; tests that use it run one after another.
enum FaultyFileSystem {
    static let name = "faulty"

    /// Writes until one fails as on a full disk, and all after it; negative is never.
    static let writesLeft = Atomic<Int>(-1)
    /// Whether syncs fail.
    static let failsSync = Atomic<Bool>(false)
    /// How many writes and syncs have failed.
    static let failures = Atomic<Int>(0)

    // Written under the lock, read by SQLite's calls afterwards.
    private static let wrapping = Mutex<Void>(())
    nonisolated(unsafe) private static var system = sqlite3_vfs()
    nonisolated(unsafe) private static var original: UnsafeMutablePointer<sqlite3_vfs>?
    nonisolated(unsafe) private static var wrapped:
        [UnsafePointer<sqlite3_io_methods>: UnsafeMutablePointer<sqlite3_io_methods>] = [:]
    nonisolated(unsafe) private static var write: (@convention(c) (Handle?, UnsafeRawPointer?, Int32, Int64) -> Int32)?
    nonisolated(unsafe) private static var sync: (@convention(c) (Handle?, Int32) -> Int32)?

    private typealias Handle = UnsafeMutablePointer<sqlite3_file>

    static let register: Void = {
        guard let found = sqlite3_vfs_find(nil) else { return }
        original = found
        system = found.pointee
        system.zName = UnsafePointer(strdup(name))
        system.pNext = nil
        system.xOpen = { _, path, file, flags, out in
            guard let original = FaultyFileSystem.original, let open = original.pointee.xOpen, let file else {
                return SQLITE_ERROR
            }
            let result = open(original, path, file, flags, out)
            guard result == SQLITE_OK, let plain = file.pointee.pMethods else { return result }
            FaultyFileSystem.wrapping.withLock { _ in
                FaultyFileSystem.wrap(plain)
                file.pointee.pMethods = FaultyFileSystem.wrapped[plain].map { UnsafePointer($0) }
            }
            return result
        }
        sqlite3_vfs_register(&system, 0)
    }()

    /// Database files and logs have tables of methods of their own; writing and syncing are the same in all.
    private static func wrap(_ plain: UnsafePointer<sqlite3_io_methods>) {
        if wrapped[plain] != nil { return }
        write = plain.pointee.xWrite
        sync = plain.pointee.xSync
        let methods = UnsafeMutablePointer<sqlite3_io_methods>.allocate(capacity: 1)
        methods.initialize(to: plain.pointee)
        methods.pointee.xWrite = { file, bytes, count, offset in
            if FaultyFileSystem.isFull() { return SQLITE_FULL }
            return FaultyFileSystem.write?(file, bytes, count, offset) ?? SQLITE_ERROR
        }
        methods.pointee.xSync = { file, flags in
            if FaultyFileSystem.failsSync.load(ordering: .relaxed) {
                FaultyFileSystem.failures.add(1, ordering: .relaxed)
                return ff_sqlite3_ioerr_fsync
            }
            return FaultyFileSystem.sync?(file, flags) ?? SQLITE_ERROR
        }
        wrapped[plain] = methods
    }

    private static func isFull() -> Bool {
        let left = writesLeft.load(ordering: .relaxed)
        if left < 0 { return false }
        if left > 0 {
            writesLeft.subtract(1, ordering: .relaxed)
            return false
        }
        failures.add(1, ordering: .relaxed)
        return true
    }
}
