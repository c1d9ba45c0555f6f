import Domain
import Foundation
import Storage
import Testing

@testable import StorageSQLite

@Suite("Documents")
struct DocumentTests {
    /// What the store should hold.
    private struct Model {
        var documents: [String: StoredDocument] = [:]

        func list(_ kind: StoredDocument.Kind, after: String?, limit: Int) -> [StoredDocument] {
            let all = documents.values.filter {
                $0.kind == kind && !$0.isDeleted
                    && after.map { Array($0.utf8) }.map($0.id.utf8.follows) ?? true
            }
            return Array(all.sorted { $1.id.utf8.follows(Array($0.id.utf8)) }.prefix(limit))
        }

        func list(_ kind: StoredDocument.Kind, owner: String, before: Int64?, limit: Int) -> [StoredDocument] {
            let all = documents.values.filter {
                $0.kind == kind && $0.owner == owner && !$0.isDeleted && $0.position < before ?? .max
            }
            return Array(all.sorted { $0.position > $1.position }.prefix(limit))
        }
    }

    private static func check(
        _ store: SQLiteTenantStore, _ model: Model, using random: inout SplitMix64, _ note: Comment
    )
        throws
    {
        for kind in [StoredDocument.Kind.cart, .purchases] {
            let id = "id \(Int.random(in: 0..<60, using: &random))"
            #expect(try store.document(kind, id: id) == model.documents["\(kind.rawValue) \(id)"], note)
            let limit = Int.random(in: 1...80, using: &random)
            let after = random.chance(0.3) ? nil : id
            #expect(
                try store.documents(kind, after: after, limit: limit)
                    == model.list(kind, after: after, limit: limit), note)
            let owner = "u\(Int.random(in: 0..<4, using: &random))"
            let before = random.chance(0.3) ? nil : Int64.random(in: 0...(store.lastPosition + 1), using: &random)
            #expect(
                try store.documents(kind, owner: owner, before: before, limit: limit)
                    == model.list(kind, owner: owner, before: before, limit: limit), note)
        }
    }

    @Test("Documents are as last written, through an overflow, its moving over and restarts")
    func overflow() throws {
        let seed = UInt64.random(in: 1..<1_000_000)
        print("Documents: seed \(seed)")
        var random = SplitMix64(seed: seed)
        let folder = try TemporaryFolder()
        var options = StoreOptions()
        options.checkpointBytes = 50_000
        options.overflowBytes = 100_000
        options.overflowPollMilliseconds = 5
        var store = try SQLiteTenantStore.open(folder: folder.path, options: options)
        var model = Model()
        var isOverflown = 0
        for round in 0..<12 {
            // Another program's read keeps the main file from being written to, for a while.
            let reader = try Connection(path: folder.path + "/" + SQLiteTenantStore.fileName, .readOnly)
            try reader.execute("BEGIN; SELECT count(*) FROM documents")
            for _ in 0..<Int.random(in: 20...120, using: &random) {
                var own = StoredDocument(
                    kind: .cart, id: "id \(Int.random(in: 0..<60, using: &random))",
                    owner: "u\(Int.random(in: 0..<4, using: &random))",
                    body: "{\"text\":\"\(String(repeating: "x", count: Int.random(in: 0..<4000, using: &random)))\"}",
                    isDeleted: random.chance(0.1))
                var derived = own
                derived.kind = .purchases
                let hasDerived = random.chance(0.5)
                let document = own
                let second = derived
                var position: Int64 = 0
                try store.commit { (transaction) throws(StorageError) in
                    position = try transaction.append(
                        LogRecord(kind: .cart, receivedAt: 1, body: Array(document.body.utf8)), document: document)
                    if hasDerived { try transaction.put(second) }
                }
                own.position = position
                derived.position = position
                model.documents["cart \(own.id)"] = own
                if hasDerived { model.documents["purchases \(own.id)"] = derived }
                if random.chance(0.1) { try Self.check(store, model, using: &random, "round \(round)") }
            }
            if folder.size(Overflow.fileName) > 0 { isOverflown += 1 }
            if random.chance(0.3) {
                store.close()
                store = try SQLiteTenantStore.open(folder: folder.path, options: options)
            }
            for _ in 0..<5 { try Self.check(store, model, using: &random, "round \(round), pinned") }
            try reader.execute("COMMIT")
            // While it moves over, and after.
            for _ in 0..<20 {
                try Self.check(store, model, using: &random, "round \(round), moving")
                usleep(2000)
            }
        }
        #expect(isOverflown > 3, "the overflow was hardly used")
        for _ in 0..<3000 where folder.size(Overflow.fileName) > 0 { usleep(10_000) }
        for _ in 0..<50 { try Self.check(store, model, using: &random, "in the end") }
        store.close()
    }
}

extension String.UTF8View {
    /// Whether this stands behind other bytes.
    fileprivate func follows(_ other: [UInt8]) -> Bool { other.lexicographicallyPrecedes(self) }
}
