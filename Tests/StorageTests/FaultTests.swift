import Domain
import Foundation
import Storage
import StorageSQLite
import Synchronization
import Testing

@Suite("Faults of the disk", .serialized)
struct FaultTests {
    private func options(overflowing: Bool) -> StoreOptions {
        FaultyFileSystem.register
        var options = StoreOptions()
        options.fileSystem = FaultyFileSystem.name
        options.checkpointBytes = 200_000
        if overflowing {
            options.overflowBytes = 1
            options.overflowPollMilliseconds = 5
        }
        return options
    }

    @Test(
        "On a full disk a commit fails whole, and once there is room the store goes on",
        arguments: [1, 2, 3, 4, 5, 6] as [UInt64])
    func fullDisk(_ seed: UInt64) throws {
        let folder = try TemporaryFolder()
        let overflowing = seed % 2 == 0
        let options = options(overflowing: overflowing)
        defer { FaultyFileSystem.writesLeft.store(-1, ordering: .relaxed) }
        let path = folder.path + "/t"
        var work = RandomWork(seed: seed, store: try SQLiteTenantStore.open(folder: path, options: options))
        var reader: ForeignReader?
        var failures = 0
        // Whether a write fails inside a commit or in the copying beside it depends on the pace of both.
        var step = -1
        while step < 119 || (failures <= 10 && step < 3000) {
            step += 1
            let note: Comment = "seed \(seed), step \(step)"
            if overflowing, step % 20 == 5 {
                reader = try ForeignReader(path + "/" + SQLiteTenantStore.fileName)
                try reader?.begin()
            } else if step % 20 == 15 {
                reader = nil
            }
            FaultyFileSystem.writesLeft.store(Int.random(in: 0..<60, using: &work.random), ordering: .relaxed)
            do throws(StorageError) {
                try work.commitOrThrow()
            } catch {
                failures += 1
                #expect(error.code == "disk_full", note)
            }
            FaultyFileSystem.writesLeft.store(-1, ordering: .relaxed)
            if step % 10 == 0 {
                try work.compare(note)
                try work.commit(note)
            }
            if step % 40 == 39 {
                work.store.close()
                work.store = try SQLiteTenantStore.open(folder: path, options: options)
                try work.compare(note)
            }
        }
        #expect(failures > 10)
        withExtendedLifetime(reader) {}
        reader = nil
        work.store.close()
        work.store = try SQLiteTenantStore.open(folder: path, options: options)
        try work.compare("seed \(seed), end")
        work.store.close()
    }

    @Test("After a sync that failed nothing is written until the store is opened anew")
    func lostSync() throws {
        let folder = try TemporaryFolder()
        let options = options(overflowing: false)
        defer { FaultyFileSystem.failsSync.store(false, ordering: .relaxed) }
        var work = RandomWork(seed: 21, store: try SQLiteTenantStore.open(folder: folder.path, options: options))
        for _ in 0..<20 { try work.commit("before") }
        FaultyFileSystem.failsSync.store(true, ordering: .relaxed)
        let write: (any TenantTransaction) throws(StorageError) -> Void = { (transaction) throws(StorageError) in
            try transaction.setValue("x", forKey: "doubtful")
        }
        #expect(throws: StorageError.self) { _ = try work.store.commit(write) }
        FaultyFileSystem.failsSync.store(false, ordering: .relaxed)
        for _ in 0..<3 {
            do throws(StorageError) {
                _ = try work.store.commit(write)
                Issue.record("a commit after a lost sync")
            } catch {
                #expect(error.code == "store_io")
            }
        }
        try work.compare("what was committed can still be read")
        work.store.close()
        work.store = try SQLiteTenantStore.open(folder: folder.path, options: options)
        try work.compare("reopened")
        for _ in 0..<20 { try work.commit("after") }
        try work.compare("after")
        work.store.close()
    }

    @Test("After a separate sync that failed nothing is written, and what was written is there whole or not at all")
    func lostSeparateSync() throws {
        let folder = try TemporaryFolder()
        let options = options(overflowing: false)
        defer { FaultyFileSystem.failsSync.store(false, ordering: .relaxed) }
        var store = try SQLiteTenantStore.open(folder: folder.path, options: options)
        let write: (any TenantTransaction) throws(StorageError) -> Void = { (transaction) throws(StorageError) in
            try transaction.setValue("1", forKey: "first")
            try transaction.setValue("1", forKey: "second")
        }
        try store.write { (transaction) throws(StorageError) in try transaction.setValue("1", forKey: "before") }
        try store.synchronize()
        try store.write(write)
        FaultyFileSystem.failsSync.store(true, ordering: .relaxed)
        #expect(throws: StorageError.self) { try store.synchronize() }
        FaultyFileSystem.failsSync.store(false, ordering: .relaxed)
        for attempt in 0..<4 {
            do throws(StorageError) {
                if attempt % 2 == 0 { try store.write(write) } else { try store.synchronize() }
                Issue.record("attempt \(attempt) after a lost sync")
            } catch {
                #expect(error.code == "store_io")
            }
        }
        store.close()
        #expect(throws: StorageError.self) { try store.synchronize() }
        store = try SQLiteTenantStore.open(folder: folder.path, options: options)
        #expect(try store.value(forKey: "before") == "1")
        #expect(try store.value(forKey: "first") == store.value(forKey: "second"))
        try store.commit(write)
        store.close()
    }

    @Test("A store that has reached its greatest size says so, and clean-up makes room")
    func greatestSize() throws {
        let folder = try TemporaryFolder()
        var options = StoreOptions()
        options.maximumPages = 120
        let store = try SQLiteTenantStore.open(folder: folder.path, options: options)
        defer { store.close() }
        var random = SplitMix64(seed: 5)
        var stored: Int64 = 0
        var failure: StorageError?
        while failure == nil {
            var rows = (0..<100).map { _ in random.row(around: 1_700_000_000_000) }
            for index in rows.indices {
                rows[index].verdict = .accepted
                rows[index].entityID = "e"
            }
            var batch = PlainRow.batch(rows)
            do throws(StorageError) {
                _ = try store.commit { (transaction) throws(StorageError) in try transaction.append(&batch, sentAt: nil)
                }
                stored += 100
            } catch { failure = error }
        }
        #expect(failure?.code == "disk_full")
        #expect(stored > 0)
        #expect(try store.interactionCount() == stored)
        #expect(store.lastPosition == stored)
        _ = try store.commit { (transaction) throws(StorageError) in
            _ = try transaction.expire(before: 1_700_000_000_000, upTo: .max, maximumRows: .max)
        }
        var batch = PlainRow.batch([random.row(around: 0)])
        batch.rows[0].verdict = .accepted
        _ = try store.commit { (transaction) throws(StorageError) in try transaction.append(&batch, sentAt: nil) }
        #expect(store.lastPosition == stored + 1)
    }
}
