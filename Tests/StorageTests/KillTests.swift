import Domain
import Foundation
import Storage
import StorageSQLite
import Testing

@Suite("Kill -9")
struct KillTests {
    @Test("What was acknowledged before the process was killed is there, in order and once")
    func killed() async throws {
        var overflows = 0
        // A machine may be so slow that few of these processes come as far as the overflow: then some more.
        for round in 0..<40 where round < 8 || overflows == 0 {
            let folder = try TemporaryFolder()
            for life in 0..<3 {
                await #expect(processExitsWith: .signal(SIGKILL)) {
                    [path = folder.path as String, seed = UInt64(round * 10 + life) as UInt64] in
                    try KillTests.writeUntilKilled(path, seed: seed)
                }
                if folder.size("t/overflow.sqlite") > 0 { overflows += 1 }
                try check(folder, "round \(round), life \(life)")
            }
        }
        #expect(overflows > 0)
    }

    private func check(_ folder: TemporaryFolder, _ note: Comment) throws {
        let path = folder.path
        let acknowledged = try KillTests.acknowledged(path)
        let store = try SQLiteTenantStore.open(folder: path + "/t", options: KillTests.options())
        #expect(store.lastPosition >= acknowledged, note)
        // At most the commit that was under way is there without having been acknowledged.
        #expect(store.lastPosition <= acknowledged + 200, note)
        try ForeignReaderTests.expectWhole(store, note)
        for _ in 0..<30_000 where folder.size("t/overflow.sqlite") > 0 { usleep(2000) }
        #expect(folder.size("t/overflow.sqlite") == 0, note)
        try ForeignReaderTests.expectWhole(store, note)
        store.close()
        let reader = try ForeignReader(path + "/t/" + SQLiteTenantStore.fileName)
        #expect(try reader.query("PRAGMA integrity_check") == [["ok"]], note)
        #expect(
            try reader.query("SELECT coalesce(max(seq), 0) FROM user_interactions") == [["\(store.lastPosition)"]], note
        )
        try KillTests.acknowledge(path, store.lastPosition)
    }

    private static func options() -> StoreOptions {
        var options = StoreOptions()
        options.checkpointBytes = 60_000
        options.overflowBytes = 120_000
        options.overflowPollMilliseconds = 3
        return options
    }

    private static func acknowledge(_ path: String, _ position: Int64) throws {
        guard let file = fopen(path + "/acknowledged", "a") else { throw StorageError("test", "no file") }
        fputs("\(position)\n", file)
        fclose(file)
    }

    private static func acknowledged(_ path: String) throws -> Int64 {
        let text = (try? String(contentsOfFile: path + "/acknowledged", encoding: .utf8)) ?? ""
        return text.split(separator: "\n").last.flatMap { Int64($0) } ?? 0
    }

    /// Commits small batches, with foreign readers coming and going, until another thread kills the process.
    private static func writeUntilKilled(_ path: String, seed: UInt64) throws {
        var random = SplitMix64(seed: seed)
        let delay = UInt32.random(in: 30_000..<500_000, using: &random)
        let store = try SQLiteTenantStore.open(folder: path + "/t", options: options())
        Thread.detachNewThread {
            usleep(delay)
            kill(getpid(), SIGKILL)
        }
        var reader: ForeignReader?
        for number in 0... {
            try ForeignReaderTests.write(store, count: Int.random(in: 1...200, using: &random))
            try acknowledge(path, store.lastPosition)
            if number % 20 == 5 {
                reader = try ForeignReader(path + "/t/" + SQLiteTenantStore.fileName)
                try reader?.begin()
            } else if number % 20 == 15 {
                reader = nil
            }
        }
        withExtendedLifetime(reader) {}
    }
}
