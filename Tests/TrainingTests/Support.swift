import Domain
import Foundation
import Models
import Numerics
import Storage
import StorageSQLite
import Training

/// A folder that is gone when the test is over.
final class TemporaryFolder: Sendable {
    let path: String

    init() throws {
        path = NSTemporaryDirectory() + "footfall-training-" + UUID().uuidString
        try FileManager.default.createDirectory(atPath: path, withIntermediateDirectories: true)
    }

    deinit { try? FileManager.default.removeItem(atPath: path) }
}

/// An interaction with its fields spelled out.
struct Deed {
    var type = "view"
    var entityType = "product"
    var entity = "e"
    var user: String?
    var visitor: String?
    var session: String?
    var at: Int64 = TestLog.noon
}

/// A tenant's log with what reads it.
final class TestLog {
    static let noon: Int64 = 1_769_860_800_000

    let folder: TemporaryFolder
    let store: SQLiteTenantStore
    let resolver: RowResolver
    let plan: CompiledPlan
    private var count = 0

    init() throws {
        folder = try TemporaryFolder()
        store = try SQLiteTenantStore.open(folder: folder.path)
        resolver = RowResolver(names: NameTable(), hasher: KeyHasher(seed: store.seed))
        plan = try CompiledPlan(
            TrackingPlan.preset("default") ?? { throw TestFailure() }(), version: 1, names: resolver.names)
    }

    deinit { store.close() }

    func append(_ deeds: [Deed]) throws {
        var batch = InteractionBatch()
        for deed in deeds {
            var row = InteractionRow()
            count += 1
            row.id = batch.append("i\(count)")
            row.typeName = batch.append(deed.type)
            row.entityTypeName = batch.append(deed.entityType)
            row.entityID = batch.append(deed.entity)
            if let user = deed.user { row.userID = batch.append(user) }
            if let visitor = deed.visitor { row.anonymousID = batch.append(visitor) }
            if let session = deed.session { row.sessionID = batch.append(session) }
            row.occurredAt = deed.at
            row.receivedAt = max(deed.at, TestLog.noon)
            batch.rows.append(row)
        }
        try store.commit { (transaction) throws(StorageError) in try transaction.append(&batch, sentAt: nil) }
    }

    func read(
        _ options: TrainingOptions = TrainingOptions(), hidden: Set<String> = []
    ) throws -> TrainingData {
        try TrainingLog(store: store, resolver: resolver, plan: plan, options: options).read(
            isListed: { $0.map { !hidden.contains($0.id) } })
    }
}

struct TestFailure: Error {}

extension TrainingData {
    /// Histories with the items' ids, and their weights.
    var readable: [[(id: String, weight: Float, time: Int64)]] {
        let histories = histories
        return (0..<histories.count).map { person in
            histories.entries(of: person).map { (items.id(of: Int($0.item)), $0.weight, $0.time ?? 0) }
        }
    }
}

/// Interactions of persons who each keep to one of a few groups of entities.
func groups(persons: Int, groups: Int = 4, size: Int = 12, each: Int = 8, seed: UInt64 = 1) -> [Deed] {
    var random = SplitMix(seed: seed)
    var deeds: [Deed] = []
    for person in 0..<persons {
        let items = (0..<size).map { "g\(person % groups)-\($0)" }.shuffled(using: &random).prefix(each)
        for item in items {
            let at = TestLog.noon - Int64.random(in: 0..<30 * 86_400_000, using: &random)
            deeds.append(Deed(entity: item, user: "u\(person)", at: at))
        }
    }
    return deeds.sorted { $0.at < $1.at }
}

/// A stored model over numbered entities, whose rows are drawn from a seed.
func randomModel(items: Int, seed: UInt64) -> StoredModel {
    var random = SplitMix(seed: seed)
    var rows = SparseRows(columnCount: items)
    for _ in 0..<items {
        let columns = (0..<UInt32(items)).filter { _ in Int.random(in: 0..<3, using: &random) == 0 }
        rows.append(columns.map { ($0, Float.random(in: 0...1, using: &random)) })
    }
    var keys = ItemKeys()
    for item in 0..<items { keys.append(type: item % 2 == 0 ? "product" : "post", id: "é\(item)") }
    var card = ModelCard()
    card.trainedAt = TestLog.noon
    card.position = Int64(seed)
    card.items = items
    card.measures = ["ndcg@20": 0.25]
    card.parameters = ["k": "3"]
    card.reason = "test"
    return StoredModel(
        card: card, items: keys,
        model: ServingModel(itemCount: items, layers: [.init(recency: Recency(growth: 1), rows: rows)]))
}
