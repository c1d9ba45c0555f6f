import Domain
import Foundation
import Storage
import Testing

/// What every back end must do. Random work is done to the store and to a model, and both are compared in every way that
/// the protocol offers.
@Suite("Store contract")
struct ContractTests {
    @Test(
        "A store holds what was committed and nothing else, through errors, clean-up and reopening",
        arguments: StoreFactory.all, [1, 2, 3] as [UInt64])
    func randomWork(_ factory: StoreFactory, _ seed: UInt64) throws {
        let folder = try TemporaryFolder()
        var work = RandomWork(seed: seed, store: try factory.open(folder.path))
        for step in 0..<100 {
            let note: Comment = "seed \(seed), step \(step)"
            switch Int.random(in: 0..<20, using: &work.random) {
            case 0:
                work.store.close()
                let seed = work.store.seed
                work.store = try factory.open(folder.path)
                #expect(work.store.seed == seed, note)
            case 1:
                try factory.calm(folder.path, work.store)
                try work.expire(note)
            case 2...4: try work.failingCommit(note)
            default: try work.commit(note)
            }
            try factory.afterCommit(folder.path)
            if step % 7 == 0 { try work.compare(note) }
        }
        try work.compare("seed \(seed), end")
        try factory.calm(folder.path, work.store)
        try work.compare("seed \(seed), calm")
        work.store.close()
        work.store = try factory.open(folder.path)
        try work.compare("seed \(seed), reopened")
        work.store.close()
    }

    @Test(
        "Positions are consecutive, shared by all kinds, and given back by a failed commit", arguments: StoreFactory.all
    )
    func positions(_ factory: StoreFactory) throws {
        let folder = try TemporaryFolder()
        let store = try factory.open(folder.path)
        defer { store.close() }
        var random = SplitMix64(seed: 7)
        var rows = (0..<3).map { _ in random.row(around: 1_700_000_000_000) }
        for index in rows.indices { rows[index].verdict = .accepted }
        var batch = PlainRow.batch(rows)
        var given: Int64 = 0
        _ = try store.commit { (transaction) throws(StorageError) in
            try transaction.append(&batch, sentAt: nil)
            given = try transaction.append(
                LogRecord(kind: .settings, receivedAt: 1, body: Array("{}".utf8)), entity: nil)
        }
        #expect(batch.rows.map(\.position) == [1, 2, 3])
        #expect(given == 4)
        #expect(store.lastPosition == 4)
        let refusal = StorageError("test", "refused")
        #expect(throws: refusal) {
            _ = try store.commit { (transaction) throws(StorageError) in
                try transaction.append(&batch, sentAt: nil)
                throw refusal
            }
        }
        #expect(store.lastPosition == 4)
        _ = try store.commit { (transaction) throws(StorageError) in try transaction.append(&batch, sentAt: nil) }
        #expect(batch.rows.map(\.position) == [5, 6, 7])
    }

    @Test("A position is not given twice, even when the newest rows are gone", arguments: StoreFactory.all)
    func positionsAfterExpiry(_ factory: StoreFactory) throws {
        let folder = try TemporaryFolder()
        var store = try factory.open(folder.path)
        var row = PlainRow()
        row.id = "a"
        row.type = "view"
        row.entityType = "product"
        row.entityID = "p"
        row.occurredAt = 1000
        var refused = row
        refused.verdict = .rejected
        refused.code = "c"
        refused.message = "m"
        refused.raw = "{}"
        var batch = PlainRow.batch([row, row, refused, refused])
        _ = try store.commit { (transaction) throws(StorageError) in try transaction.append(&batch, sentAt: nil) }
        try factory.calm(folder.path, store)
        var removed = 0
        _ = try store.commit { (transaction) throws(StorageError) in
            removed = try transaction.expire(before: 2000, upTo: .max, maximumRows: 10)
        }
        #expect(removed == 2)
        #expect(try store.interactionCount() == 0)
        #expect(try store.rejectedCount() == 0)
        store.close()
        store = try factory.open(folder.path)
        #expect(store.lastPosition == 2)
        _ = try store.commit { (transaction) throws(StorageError) in try transaction.append(&batch, sentAt: nil) }
        #expect(batch.rows[0].position == 3)
        #expect(try store.rejected(after: 0, code: nil, limit: 10).map(\.number) == [3, 4])
        store.close()
    }

    @Test(
        "What is refused or reported is kept up to a limit, the newest of it, whatever comes",
        arguments: StoreFactory.all)
    func refusedLimit(_ factory: StoreFactory) throws {
        let folder = try TemporaryFolder()
        var store = try factory.open(folder.path)
        let limit = 100_000
        var random = SplitMix64(seed: 77)
        var (sent, reported) = (0, 0)
        func add() throws {
            var row = random.row(around: 0)
            row.verdict = .rejected
            row.code = "c"
            row.message = "m"
            row.raw = "\(sent) " + String(repeating: "x", count: Int.random(in: 0...9000, using: &random))
            var batch = PlainRow.batch([row])
            let error = SystemError(
                context: "c", category: "network", message: "\(reported)",
                stack: random.maybe { String(repeating: "s", count: Int.random(in: 0...9000, using: &$0)) },
                metadata: "{}", userID: nil, timestamp: 0)
            _ = try store.commit { (transaction) throws(StorageError) in
                try transaction.append(&batch, sentAt: nil)
                try transaction.append(error)
            }
            sent += 1
            reported += 1
            try factory.afterCommit(folder.path)
        }
        func check(_ note: Comment) throws {
            let rejected = try store.rejected(after: 0, code: nil, limit: 100_000)
            #expect(try store.rejectedCount() == Int64(rejected.count), note)
            #expect(rejected.map(\.number) == rejected.map(\.number).sorted(), note)
            #expect(rejected.last?.raw.hasPrefix("\(sent - 1) ") == true, note)
            let errors = try store.systemErrors(limit: 100_000)
            #expect(errors.first?.message == "\(reported - 1)", note)
            // Twice while there are two files.
            #expect(rejected.reduce(0) { $0 + $1.raw.utf8.count } <= 2 * limit, note)
            #expect(errors.reduce(0) { $0 + ($1.stack?.utf8.count ?? 0) } <= 2 * limit, note)
        }
        // Without a limit everything stays.
        for _ in 0..<60 { try add() }
        #expect(try store.rejectedCount() == 60)
        for round in 0..<3 {
            store.keepRefused(atMost: Int64(limit))
            for step in 0..<150 {
                try add()
                if step % 10 == 9 {
                    // What is taken out in between is not counted any more.
                    let some = try store.rejected(after: 0, code: nil, limit: 5).map(\.number)
                    _ = try store.commit { (transaction) throws(StorageError) in
                        try transaction.removeRejected(some)
                    }
                }
                if step % 30 == 29 { try check("round \(round), step \(step)") }
            }
            #expect(store.droppedRefused > 0)
            try factory.calm(folder.path, store)
            try add()
            let rejected = try store.rejected(after: 0, code: nil, limit: 100_000)
            #expect(rejected.reduce(0) { $0 + $1.raw.utf8.count } <= limit, "round \(round)")
            #expect(rejected.count > 3, "round \(round)")
            store.close()
            store = try factory.open(folder.path)
            try check("round \(round), opened again")
        }
        store.close()
    }

    @Test("A transaction that lost one write is lost whole, and is of no use afterwards", arguments: StoreFactory.all)
    func swallowedErrors(_ factory: StoreFactory) throws {
        let folder = try TemporaryFolder()
        let store = try factory.open(folder.path)
        defer { store.close() }
        var random = SplitMix64(seed: 9)
        var good = random.row(around: 0)
        good.verdict = .accepted
        var batch = PlainRow.batch([good])
        var bad = batch
        bad.rows[0].id = .none
        var outside = batch
        outside.rows[0].metadata = ByteSpan(offset: 5, length: 1_000_000)
        var kept: (any TenantTransaction)?
        for var broken in [bad, outside] {
            #expect(throws: StorageError.self) {
                _ = try store.commit { (transaction) throws(StorageError) in
                    kept = transaction
                    try transaction.append(&batch, sentAt: nil)
                    do { try transaction.append(&broken, sentAt: nil) } catch {}
                }
            }
        }
        #expect(throws: StorageError.self) { try kept?.append(&batch, sentAt: nil) }
        #expect(store.lastPosition == 0)
        #expect(try store.interactionCount() == 0)
    }

    @Test("Reading from inside a commit is refused instead of waiting for itself", arguments: StoreFactory.all)
    func readingInsideCommit(_ factory: StoreFactory) throws {
        let folder = try TemporaryFolder()
        let store = try factory.open(folder.path)
        defer { store.close() }
        var refusal: StorageError?
        _ = try store.commit { (transaction) throws(StorageError) in
            try transaction.setValue("1", forKey: "k")
            do throws(StorageError) { _ = try store.value(forKey: "k") } catch { refusal = error }
        }
        #expect(refusal?.code == "store_misuse")
        #expect(try store.value(forKey: "k") == "1")
    }

    @Test("After close every call is refused, and closing again does nothing", arguments: StoreFactory.all)
    func closing(_ factory: StoreFactory) throws {
        let folder = try TemporaryFolder()
        let store = try factory.open(folder.path)
        store.close()
        store.close()
        #expect(throws: StorageError.self) { _ = try store.commit { _ in } }
        #expect(throws: StorageError.self) { _ = try store.settings() }
    }
}
