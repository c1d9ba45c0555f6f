import CSQLite
import Domain
import Foundation
import Storage
import Synchronization
import Testing

@testable import StorageSQLite

@Suite("Foreign readers")
struct ForeignReaderTests {
    private static func options() -> StoreOptions {
        var options = StoreOptions()
        options.checkpointBytes = 1 << 20
        options.overflowBytes = 4 << 20
        options.overflowPollMilliseconds = 10
        return options
    }

    /// Rows whose ids say which position they must have.
    static func batch(after position: Int64, count: Int) -> InteractionBatch {
        var batch = InteractionBatch()
        let type = batch.append("view")
        let entityType = batch.append("product")
        for number in (position + 1)...(position + Int64(count)) {
            var row = InteractionRow()
            row.id = batch.append("interaction-\(number)")
            row.typeName = type
            row.entityTypeName = entityType
            row.entityID = batch.append("product-\(number % 97)")
            row.metadata = batch.append("{\"number\":\(number),\"text\":\"xxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxx\"}")
            row.occurredAt = 1_700_000_000_000 + number
            row.receivedAt = row.occurredAt
            batch.rows.append(row)
        }
        return batch
    }

    static func write(_ store: SQLiteTenantStore, count: Int) throws {
        var batch = batch(after: store.lastPosition, count: count)
        _ = try store.commit { (transaction) throws(StorageError) in try transaction.append(&batch, sentAt: nil) }
    }

    /// Whether the store holds exactly the interactions 1…last, each at its position.
    static func expectWhole(_ store: SQLiteTenantStore, _ note: Comment) throws {
        var expected: Int64 = 0
        let resolver = RowResolver(names: NameTable(), hasher: KeyHasher(seed: store.seed))
        try store.scan(after: 0, resolver: resolver) { (chunk) throws(StorageError) in
            guard case .interactions(let batch) = chunk else { return true }
            for row in batch.rows {
                expected += 1
                #expect(row.position == expected && batch.string(row.id) == "interaction-\(expected)", note)
                if row.position != expected { return false }
            }
            return true
        }
        #expect(expected == store.lastPosition, note)
        #expect(try store.interactionCount() == store.lastPosition, note)
    }

    @Test("A read that never ends neither lets the log grow nor stops collecting, and nothing is lost")
    func longRead() throws {
        let folder = try TemporaryFolder()
        let options = ForeignReaderTests.options()
        let store = try SQLiteTenantStore.open(folder: folder.path, options: options)
        defer { store.close() }
        try ForeignReaderTests.write(store, count: 5000)
        let path = folder.path + "/" + SQLiteTenantStore.fileName
        let reader = try ForeignReader(path)
        try reader.begin()
        var greatest = 0
        for round in 0..<100 {
            try ForeignReaderTests.write(store, count: 1000)
            greatest = max(greatest, folder.size(SQLiteTenantStore.fileName + "-wal"))
            if round % 25 == 0 {
                try ForeignReaderTests.expectWhole(store, "round \(round)")
                #expect(try reader.query("SELECT count(*) FROM user_interactions") == [["5000"]])
            }
        }
        // One commit of 1,000 rows is about 200 kB.
        #expect(greatest < options.overflowBytes + 500_000)
        #expect(folder.size(Overflow.fileName + "-wal") < 40 << 20)
        #expect(store.sizes().contains { $0.part == "overflow" && $0.bytes > 5 << 20 })

        // Reads by position see both files.
        let resolver = RowResolver(names: NameTable(), hasher: KeyHasher(seed: store.seed))
        let some = try store.interactions(at: [105_000, 1, 50_000, 105_001, 5000, 5001], resolver: resolver)
        #expect(some.rows.map(\.position) == [105_000, 1, 50_000, 5000, 5001])
        // Nobody else can open the overflow, which is what keeps its log short.
        #expect(throws: StorageError.self) {
            _ = try shell(folder.path + "/" + Overflow.fileName, "SELECT count(*) FROM user_interactions")
        }
        #expect(try reader.query("SELECT count(*) FROM user_interactions") == [["5000"]])

        reader.end()
        // Collecting goes on while the overflow moves over.
        for _ in 0..<30 {
            try ForeignReaderTests.write(store, count: 1000)
            greatest = max(greatest, folder.size(SQLiteTenantStore.fileName + "-wal"))
        }
        for _ in 0..<12_000 where folder.size(Overflow.fileName) > 0 { usleep(10_000) }
        #expect(folder.size(Overflow.fileName) == 0)
        #expect(greatest < options.overflowBytes + 500_000)
        try ForeignReaderTests.expectWhole(store, "moved over")
        let last = "\(store.lastPosition)"
        #expect(try reader.query("SELECT count(*), min(seq), max(seq) FROM user_interactions") == [[last, "1", last]])
        #expect(try reader.query("PRAGMA integrity_check") == [["ok"]])
        try ForeignReaderTests.write(store, count: 1000)
        #expect(folder.size(Overflow.fileName) == 0)
    }

    private func shell(_ path: String, _ sql: String) throws -> String {
        guard FileManager.default.isExecutableFile(atPath: "/usr/bin/sqlite3") else {
            throw StorageError("test", "no shell")
        }
        let shell = Process()
        shell.executableURL = URL(fileURLWithPath: "/usr/bin/sqlite3")
        shell.arguments = ["-readonly", path, sql]
        let output = Pipe()
        shell.standardOutput = output
        shell.standardError = FileHandle.nullDevice
        try shell.run()
        let text = String(decoding: output.fileHandleForReading.readDataToEndOfFile(), as: UTF8.self)
        shell.waitUntilExit()
        guard shell.terminationStatus == 0 else { throw StorageError("test", "the shell failed") }
        return text
    }

    @Test("A sqlite3 shell in another process that sits in a read is as harmless")
    func longReadOfAnotherProcess() throws {
        guard FileManager.default.isExecutableFile(atPath: "/usr/bin/sqlite3") else { return }
        let folder = try TemporaryFolder()
        let options = ForeignReaderTests.options()
        let store = try SQLiteTenantStore.open(folder: folder.path, options: options)
        defer { store.close() }
        try ForeignReaderTests.write(store, count: 1000)
        let shell = Process()
        shell.executableURL = URL(fileURLWithPath: "/usr/bin/sqlite3")
        shell.arguments = [folder.path + "/" + SQLiteTenantStore.fileName]
        let (input, output) = (Pipe(), Pipe())
        shell.standardInput = input
        shell.standardOutput = output
        try shell.run()
        input.fileHandleForWriting.write(Data("BEGIN; SELECT count(*) FROM user_interactions;\n".utf8))
        #expect(String(decoding: output.fileHandleForReading.availableData, as: UTF8.self) == "1000\n")
        for _ in 0..<60 { try ForeignReaderTests.write(store, count: 1000) }
        #expect(folder.size(SQLiteTenantStore.fileName + "-wal") < options.overflowBytes + 500_000)
        #expect(folder.size(Overflow.fileName) > 0)
        input.fileHandleForWriting.write(Data("SELECT count(*) FROM user_interactions; COMMIT;\n".utf8))
        #expect(String(decoding: output.fileHandleForReading.availableData, as: UTF8.self) == "1000\n")
        for _ in 0..<12_000 where folder.size(Overflow.fileName) > 0 { usleep(10_000) }
        input.fileHandleForWriting.write(Data("SELECT count(*) FROM user_interactions;\n".utf8))
        #expect(String(decoding: output.fileHandleForReading.availableData, as: UTF8.self) == "61000\n")
        try input.fileHandleForWriting.close()
        shell.waitUntilExit()
        try ForeignReaderTests.expectWhole(store, "end")
    }

    private final class Progress: Sendable {
        let isOver = Atomic<Bool>(false)
        let reads = Atomic<Int>(0)
    }

    @Test("Short reads that overlap without a gap keep the log short under constant writing")
    func overlappingReads() throws {
        let folder = try TemporaryFolder()
        let options = ForeignReaderTests.options()
        let store = try SQLiteTenantStore.open(folder: folder.path, options: options)
        defer { store.close() }
        try ForeignReaderTests.write(store, count: 1000)
        let path = folder.path + "/" + SQLiteTenantStore.fileName
        let progress = Progress()
        let threads = DispatchGroup()
        for number in 0..<3 {
            threads.enter()
            Thread.detachNewThread {
                defer { threads.leave() }
                guard let reader = try? ForeignReader(path) else { return }
                usleep(UInt32(number) * 2000)
                while !progress.isOver.load(ordering: .relaxed) {
                    guard (try? reader.begin()) != nil else { return }
                    usleep(6000)
                    reader.end()
                    progress.reads.add(1, ordering: .relaxed)
                }
            }
        }
        var greatest = 0
        // As many writes as it takes until there were reads beside them, however slow the machine is.
        var writes = 0
        while writes < 200 || (progress.reads.load(ordering: .relaxed) <= 20 && writes < 10_000) {
            try ForeignReaderTests.write(store, count: 500)
            greatest = max(greatest, folder.size(SQLiteTenantStore.fileName + "-wal"))
            writes += 1
        }
        progress.isOver.store(true, ordering: .relaxed)
        threads.wait()
        #expect(greatest < options.overflowBytes + 500_000)
        #expect(progress.reads.load(ordering: .relaxed) > 20)
        try ForeignReaderTests.expectWhole(store, "end")
    }

    @Test("A commit does not wait for a copy of the log that stands behind a step that waits for the commit")
    func queuedCopy() throws {
        let folder = try TemporaryFolder()
        var options = StoreOptions()
        options.checkpointBytes = 50_000
        options.overflowBytes = 1
        let store = try SQLiteTenantStore.open(folder: folder.path, options: options)
        try ForeignReaderTests.write(store, count: 100)
        // The queue is busy with something that needs the lock, and a copy waits in it.
        store.queue.sync {}
        store.queue.suspend()
        store.state.copying.store(.queued, ordering: .releasing)
        let done = DispatchSemaphore(value: 0)
        Thread.detachNewThread {
            try? ForeignReaderTests.write(store, count: 100)
            done.signal()
        }
        let isDone = done.wait(timeout: .now() + 60) == .success
        store.state.copying.store(.none, ordering: .releasing)
        store.queue.resume()
        #expect(isDone)
        if !isDone { done.wait() }
        #expect(store.lastPosition == 200)
        store.close()
    }

    @Test("The log is used from its start again and again without any reader")
    func restarts() throws {
        let folder = try TemporaryFolder()
        let options = ForeignReaderTests.options()
        let store = try SQLiteTenantStore.open(folder: folder.path, options: options)
        defer { store.close() }
        var greatest = 0
        for _ in 0..<200 {
            try ForeignReaderTests.write(store, count: 500)
            greatest = max(greatest, folder.size(SQLiteTenantStore.fileName + "-wal"))
        }
        #expect(greatest < options.overflowBytes + 500_000)
        #expect(folder.size(Overflow.fileName) == 0)
        #expect(folder.size(SQLiteTenantStore.fileName) > 8 << 20)
    }

    @Test("Reads see every acknowledged row, in order, while the store goes over to the overflow and back")
    func readsMeanwhile() throws {
        let folder = try TemporaryFolder()
        var options = ForeignReaderTests.options()
        options.checkpointBytes = 50_000
        options.overflowBytes = 100_000
        options.overflowPollMilliseconds = 1
        let store = try SQLiteTenantStore.open(folder: folder.path, options: options)
        defer { store.close() }
        try ForeignReaderTests.write(store, count: 100)
        let progress = Progress()
        let threads = DispatchGroup()
        for _ in 0..<2 {
            threads.enter()
            Thread.detachNewThread {
                defer { threads.leave() }
                let resolver = RowResolver(names: NameTable(), hasher: KeyHasher(seed: store.seed))
                while !progress.isOver.load(ordering: .relaxed) {
                    do throws(StorageError) {
                        let last = store.lastPosition
                        var expected = max(0, last - 7000)
                        try store.scan(after: expected, resolver: resolver) { (chunk) throws(StorageError) in
                            guard case .interactions(let batch) = chunk else { return true }
                            for row in batch.rows {
                                expected += 1
                                guard row.position == expected else { throw StorageError("test", "out of order") }
                            }
                            return true
                        }
                        guard expected >= last else { throw StorageError("test", "acknowledged and not there") }
                        guard try store.interactions(at: [last], resolver: resolver).rows.count == 1 else {
                            throw StorageError("test", "acknowledged and not found")
                        }
                        progress.reads.add(1, ordering: .relaxed)
                    } catch {
                        Issue.record("\(error)")
                        return
                    }
                }
            }
        }
        var reader: ForeignReader?
        var overflows = 0
        for round in 0..<400 {
            try ForeignReaderTests.write(store, count: 50)
            if round % 20 == 3 {
                reader = try ForeignReader(folder.path + "/" + SQLiteTenantStore.fileName)
                try reader?.begin()
            } else if round % 20 == 16 {
                if folder.size(Overflow.fileName) > 0 { overflows += 1 }
                reader = nil
            }
        }
        withExtendedLifetime(reader) {}
        progress.isOver.store(true, ordering: .relaxed)
        threads.wait()
        #expect(overflows > 0)
        #expect(progress.reads.load(ordering: .relaxed) > 0)
    }

    // MARK: Crashes

    /// Copies a folder as a crash at this moment would leave it; by another process, because closing a file here would
    /// take away this process's locks on it.
    private func crashCopy(_ folder: String, _ name: String, in place: TemporaryFolder) throws -> String {
        let copy = Process()
        copy.executableURL = URL(fileURLWithPath: "/bin/cp")
        copy.arguments = ["-r", folder, place.path + "/" + name]
        try copy.run()
        copy.waitUntilExit()
        // A crashed process leaves the shared memory behind, but no lock on it.
        return place.path + "/" + name
    }

    @Test(
        "A crash between any two steps of moving over loses nothing and doubles nothing",
        arguments: [1, 2] as [UInt64])
    func crashWhileMoving(_ seed: UInt64) throws {
        let folder = try TemporaryFolder()
        let copies = try TemporaryFolder()
        let path = folder.path + "/t"
        var options = ForeignReaderTests.options()
        options.overflowBytes = 1
        options.overflowPollMilliseconds = 1_000_000
        let store = try SQLiteTenantStore.open(folder: path, options: options)
        var work = RandomWork(seed: seed, store: store)
        for _ in 0..<15 { try work.commit("before") }
        let reader = try ForeignReader(path + "/" + SQLiteTenantStore.fileName)
        try reader.begin()
        for _ in 0..<30 { try work.commit("overflowing") }
        var names: [String] = []
        func copy(_ name: String) throws { names.append(try crashCopy(path, name, in: copies)) }

        try copy("pinned")
        reader.end()
        let writer = try #require(store.parts.writer)
        let overflow = try #require(writer.overflow)
        #expect(try writer.restartLog(patience: 1000))
        var isLast = false
        repeat {
            isLast = try overflow.move(into: writer.main, rows: 50)
            try copy("moved-\(names.count)")
            if names.count % 3 == 0 {
                try overflow.removeMoved()
                try copy("removed-\(names.count)")
            }
        } while !isLast
        try overflow.settle(into: writer.main, counters: writer.counters)
        try copy("settled")
        try writer.endOverflow()
        store.state.overflows.add(1, ordering: .relaxed)
        try copy("ended")
        #expect(names.count > 6)
        try work.compare("original")
        store.close()

        for name in names {
            var crashed = work
            crashed.store = try SQLiteTenantStore.open(folder: name, options: ForeignReaderTests.options())
            try crashed.compare("\(name), opened")
            for _ in 0..<5 { try crashed.commit("\(name), going on") }
            try crashed.compare("\(name), gone on")
            for _ in 0..<30_000 where DatabaseFile.size(name + "/" + Overflow.fileName) != nil { usleep(2000) }
            try crashed.compare("\(name), moved over")
            crashed.store.close()
            crashed.store = try SQLiteTenantStore.open(folder: name)
            try crashed.compare("\(name), opened again")
            crashed.store.close()
        }
    }
}
