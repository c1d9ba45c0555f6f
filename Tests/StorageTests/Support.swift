import Domain
import Foundation
import Storage

@testable import StorageSQLite

/// Random numbers that a failing test can repeat.
struct SplitMix64: RandomNumberGenerator {
    var state: UInt64

    init(seed: UInt64) { state = seed }

    mutating func next() -> UInt64 {
        state &+= 0x9e37_79b9_7f4a_7c15
        var value = state
        value = (value ^ (value >> 30)) &* 0xbf58_476d_1ce4_e5b9
        value = (value ^ (value >> 27)) &* 0x94d0_49bb_1331_11eb
        return value ^ (value >> 31)
    }

    mutating func chance(_ probability: Double) -> Bool { Double.random(in: 0..<1, using: &self) < probability }
}

/// A folder that is gone when the test is over.
final class TemporaryFolder: Sendable {
    let path: String

    init() throws {
        path = NSTemporaryDirectory() + "footfall-" + UUID().uuidString
        try FileManager.default.createDirectory(atPath: path, withIntermediateDirectories: true)
    }

    deinit { try? FileManager.default.removeItem(atPath: path) }

    func size(_ name: String) -> Int {
        let attributes = try? FileManager.default.attributesOfItem(atPath: path + "/" + name)
        return attributes?[.size] as? Int ?? 0
    }
}

/// One interaction with its fields spelled out.
struct PlainRow: Equatable {
    var position: Int64 = 0
    var id = ""
    var type = ""
    var originalType: String?
    var entityType = ""
    var entityID = ""
    var userID: String?
    var anonymousID: String?
    var sessionID: String?
    var context: String?
    var occurredAt: Int64 = 0
    var receivedAt: Int64 = 0
    var listID: String?
    var value: Double?
    var metadata: String?
    var planVersion: UInt32 = 0
    var verdict = Verdict.accepted
    var code: String?
    var message: String?
    var raw: String?

    init() {}

    init(_ row: InteractionRow, in batch: InteractionBatch) {
        position = row.position
        id = batch.string(row.id) ?? "none"
        type = batch.string(row.typeName) ?? "none"
        originalType = batch.string(row.originalType)
        entityType = batch.string(row.entityTypeName) ?? "none"
        entityID = batch.string(row.entityID) ?? "none"
        userID = batch.string(row.userID)
        anonymousID = batch.string(row.anonymousID)
        sessionID = batch.string(row.sessionID)
        context = batch.string(row.context)
        occurredAt = row.occurredAt
        receivedAt = row.receivedAt
        listID = batch.string(row.listID)
        value = row.value.isNaN ? nil : row.value
        metadata = batch.string(row.metadata)
        planVersion = row.planVersion
    }

    func add(to batch: inout InteractionBatch) {
        var row = InteractionRow()
        func put(_ text: String?) -> ByteSpan { text.map { batch.append($0) } ?? .none }
        row.id = put(id)
        row.typeName = put(type)
        row.originalType = put(originalType)
        row.entityTypeName = put(entityType)
        row.entityID = put(entityID)
        row.userID = put(userID)
        row.anonymousID = put(anonymousID)
        row.sessionID = put(sessionID)
        row.context = put(context)
        row.occurredAt = occurredAt
        row.receivedAt = receivedAt
        row.listID = put(listID)
        row.value = value ?? .nan
        row.metadata = put(metadata)
        row.planVersion = planVersion
        row.verdict = verdict
        row.rejectionCode = put(code)
        row.rejectionMessage = put(message)
        row.raw = put(raw)
        batch.rows.append(row)
    }

    static func batch(_ rows: [PlainRow]) -> InteractionBatch {
        var batch = InteractionBatch()
        for row in rows { row.add(to: &batch) }
        return batch
    }
}

extension SplitMix64 {
    mutating func text(_ prefix: String, below count: Int) -> String {
        "\(prefix)\(Int.random(in: 0..<count, using: &self))"
    }

    mutating func maybe(_ make: (inout SplitMix64) -> String) -> String? { chance(0.5) ? make(&self) : nil }

    /// Ordinary and awkward text: empty, quotes, four-byte characters, long.
    mutating func anyText() -> String {
        switch Int.random(in: 0..<8, using: &self) {
        case 0: ""
        case 1: "a\"b\\c\n\u{1}d"
        case 2: "😀🎸e\u{301}é"
        case 3: String(repeating: "x", count: Int.random(in: 0..<20_000, using: &self))
        default: text("t", below: 1000)
        }
    }

    mutating func row(around moment: Int64) -> PlainRow {
        var row = PlainRow()
        row.id = "i" + String(next(), radix: 16)
        row.type = text("type", below: 5)
        row.originalType = maybe { $0.text("alias", below: 3) }
        row.entityType = text("kind", below: 3)
        row.entityID = chance(0.05) ? anyText() : text("e", below: 40)
        row.userID = maybe { $0.text("u", below: 30) }
        row.anonymousID = maybe { $0.text("a", below: 30) }
        row.sessionID = maybe { $0.text("s", below: 30) }
        row.context = maybe { $0.text("c", below: 4) }
        row.occurredAt = moment + Int64.random(in: -400_000_000...400_000_000, using: &self)
        row.receivedAt = moment + Int64.random(in: 0...1_000_000, using: &self)
        row.listID = maybe { $0.text("l", below: 30) }
        row.value = chance(0.5) ? Double(Int.random(in: -100...100, using: &self)) / 8 : nil
        row.metadata = chance(0.5) ? "{\"n\":\(next()),\"t\":\"\(text("m", below: 9))\"}" : nil
        row.planVersion = UInt32.random(in: 0...7, using: &self)
        switch Int.random(in: 0..<10, using: &self) {
        case 0:
            row.verdict = .rejected
            row.code = text("code", below: 3)
            row.message = anyText()
            row.raw = "{\"raw\":\(next())}"
            if chance(0.3) { row.id = "" }
        case 1: row.verdict = .duplicate
        default: break
        }
        return row
    }

    mutating func entity() -> Entity {
        var entity = Entity(
            type: text("kind", below: 3), id: chance(0.1) ? "é😀" + text("", below: 3) : text("e", below: 40))
        entity.title = maybe { $0.anyText() }
        entity.description = maybe { $0.anyText() }
        entity.categories = (0..<Int.random(in: 0..<4, using: &self)).map { "\($0)" + anyText() }
        entity.brand = maybe { $0.anyText() }
        entity.price = chance(0.5) ? "12.50" : nil
        entity.currency = chance(0.5) ? "EUR" : nil
        entity.inventory = chance(0.5) ? Int64.random(in: -5...500, using: &self) : nil
        entity.publishedAt =
            chance(0.5)
            ? Timestamp(milliseconds: Int64.random(in: -10_000_000_000...2_000_000_000_000, using: &self)) : nil
        entity.isHidden = chance(0.2)
        entity.labels = (0..<Int.random(in: 0..<3, using: &self)).map { "\($0)" + anyText() }
        entity.attributes = chance(0.5) ? "{}" : "{\"a\":\(next())}"
        entity.isDeleted = chance(0.2)
        return entity
    }
}
