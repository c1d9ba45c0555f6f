import Domain
import Storage

/// What a store must do, in the plainest form: arrays and dictionaries.
struct StoreModel {
    enum Item: Equatable {
        case interaction(PlainRow)
        case record(LogRecord)

        var position: Int64 {
            switch self {
            case .interaction(let row): row.position
            case .record(let record): record.position
            }
        }
    }

    struct Total: Hashable {
        var day: Int64
        var entityType: String
        var entityID: String
        var type: String
    }

    var log: [Item] = []
    var lastPosition: Int64 = 0
    var rejected: [RejectedInteraction] = []
    var lastRejected: Int64 = 0
    var errors: [SystemError] = []
    var entities: [String: Entity] = [:]
    var plans: [(version: Int64, createdAt: Int64, document: String)] = []
    var settings: String?
    var values: [String: String] = [:]
    var totals: [Total: DailyTotal] = [:]
    var sessions: [Int64: DailySessions] = [:]

    mutating func append(_ rows: [PlainRow], sentAt: Int64?) {
        for var row in rows {
            switch row.verdict {
            case .accepted:
                lastPosition += 1
                row.position = lastPosition
                log.append(.interaction(row))
            case .rejected:
                lastRejected += 1
                rejected.append(
                    RejectedInteraction(
                        number: lastRejected, receivedAt: row.receivedAt, sentAt: sentAt, id: row.id,
                        code: row.code ?? "",
                        message: row.message ?? "", raw: row.raw ?? "", planVersion: Int64(row.planVersion)))
            case .duplicate: break
            }
        }
    }

    mutating func append(_ record: LogRecord, entity: Entity?) {
        var record = record
        lastPosition += 1
        record.position = lastPosition
        log.append(.record(record))
        let body = String(decoding: record.body, as: UTF8.self)
        if record.kind == .plan { plans.append((Int64(plans.count + 1), record.receivedAt, body)) }
        if record.kind == .settings { settings = body }
        if let entity { entities[entity.type + "\u{0}" + entity.id] = entity }
    }

    /// Removes what is older, and no later in the log, and folds it into daily totals.
    mutating func expire(before: Int64, upTo position: Int64) {
        log.removeAll { item in
            guard case .interaction(let row) = item, row.occurredAt < before, row.position <= position else {
                return false
            }
            let key = Total(
                day: Timestamp(milliseconds: row.occurredAt).day, entityType: row.entityType, entityID: row.entityID,
                type: row.type)
            var total =
                totals[key]
                ?? DailyTotal(
                    day: key.day, entityType: key.entityType, entityID: key.entityID, type: key.type, count: 0,
                    lastAt: .min)
            total.count += 1
            total.lastAt = max(total.lastAt, row.occurredAt)
            totals[key] = total
            return true
        }
        rejected.removeAll { $0.receivedAt < before }
        errors.removeAll { $0.timestamp < before }
    }

    func expirable(before: Int64, upTo position: Int64) -> Int {
        interactions.count { $0.occurredAt < before && $0.position <= position }
    }

    var interactions: [PlainRow] {
        log.compactMap { if case .interaction(let row) = $0 { row } else { nil } }
    }

    /// Entities that are not deleted, in order of the bytes of type and id.
    func listed(type: String?) -> [Entity] {
        entities.values.filter { !$0.isDeleted && (type == nil || $0.type == type) }.sorted { left, right in
            left.type == right.type
                ? left.id.utf8.lexicographicallyPrecedes(right.id.utf8)
                : left.type.utf8.lexicographicallyPrecedes(right.type.utf8)
        }
    }
}
