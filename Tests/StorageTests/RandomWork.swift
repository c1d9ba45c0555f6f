import Domain
import Storage
import Testing

/// Does the same random things to a store and to a model.
struct RandomWork {
    var random: SplitMix64
    var store: any TenantStore
    var model = StoreModel()
    private var moment: Int64 = 1_700_000_000_000
    private let names = NameTable()

    init(seed: UInt64, store: any TenantStore) {
        random = SplitMix64(seed: seed)
        self.store = store
    }

    /// One thing that can be done in a transaction, prepared so that the model and the store do the same.
    private enum Step {
        case batch([PlainRow], sentAt: Int64?)
        case record(LogRecord, Entity?)
        case remove([Int64])
        case reasons([RefusalReason])
        case error(SystemError)
        case sessions([DailySessions])
        case value(String, String)
    }

    private mutating func step() -> Step {
        let sentAt = random.chance(0.5) ? moment : nil
        switch Int.random(in: 0..<13, using: &random) {
        case 0: return .record(record(.plan, "{\"plan\":\(random.next())}"), nil)
        case 1: return .record(record(.settings, "{\"settings\":\(random.next())}"), nil)
        case 2: return .record(record(LogRecord.Kind(rawValue: "retention"), "{\"before\":1}"), nil)
        case 3, 4:
            let entity = random.entity()
            return .record(record(.entity, "{\"title\":\"é\"}"), entity)
        case 5:
            let numbers = model.rejected.map(\.number).filter { _ in random.chance(0.3) }
            return .remove(numbers + [model.lastRejected + 100])
        case 6:
            let error = SystemError(
                context: random.anyText(), category: "network", message: random.anyText(),
                stack: random.maybe { $0.anyText() }, metadata: "{}", userID: random.maybe { $0.text("u", below: 9) },
                timestamp: moment)
            return .error(error)
        case 7:
            return .sessions(
                (0..<3).map { _ in
                    DailySessions(
                        day: Int64.random(in: -2...3, using: &random),
                        sessions: Int64.random(in: 0...9, using: &random),
                        bounces: Int64.random(in: 0...9, using: &random))
                })
        case 8:
            let numbers = model.rejected.map(\.number).filter { _ in random.chance(0.3) }
            return .reasons(
                (numbers + [model.lastRejected + 100]).map { number in
                    RefusalReason(
                        number: number, code: random.text("code", below: 3), message: random.anyText(),
                        planVersion: Int64.random(in: 0...9, using: &random))
                })
        case 9: return .value(random.text("key", below: 4), random.anyText())
        default:
            let count = Int.random(in: 0...(random.chance(0.1) ? 3000 : 60), using: &random)
            let around = moment
            return .batch((0..<count).map { _ in random.row(around: around) }, sentAt: sentAt)
        }
    }

    private func record(_ kind: LogRecord.Kind, _ body: String) -> LogRecord {
        LogRecord(kind: kind, version: 3, receivedAt: moment, body: Array(body.utf8))
    }

    private static func apply(_ step: Step, to transaction: any TenantTransaction) throws(StorageError) {
        switch step {
        case .batch(let rows, let sentAt):
            var batch = PlainRow.batch(rows)
            try transaction.append(&batch, sentAt: sentAt)
        case .record(let record, let entity): _ = try transaction.append(record, entity: entity)
        case .remove(let numbers): try transaction.removeRejected(numbers)
        case .reasons(let reasons): try transaction.setReasons(reasons)
        case .error(let error): try transaction.append(error)
        case .sessions(let totals): try transaction.foldSessions(totals)
        case .value(let key, let value): try transaction.setValue(value, forKey: key)
        }
    }

    private static func apply(_ step: Step, to model: inout StoreModel) {
        switch step {
        case .batch(let rows, let sentAt): model.append(rows, sentAt: sentAt)
        case .record(let record, let entity): model.append(record, entity: entity)
        case .remove(let numbers): model.rejected.removeAll { numbers.contains($0.number) }
        case .reasons(let reasons):
            for reason in reasons {
                if let index = model.rejected.firstIndex(where: { $0.number == reason.number }) {
                    model.rejected[index].reason = reason
                }
            }
        case .error(let error): model.errors.append(error)
        case .sessions(let totals):
            for total in totals {
                var sum = model.sessions[total.day] ?? DailySessions(day: total.day, sessions: 0, bounces: 0)
                sum.sessions += total.sessions
                sum.bounces += total.bounces
                model.sessions[total.day] = sum
            }
        case .value(let key, let value): model.values[key] = value
        }
    }

    mutating func commit(_ note: Comment) throws {
        try commitOrThrow()
        #expect(store.lastPosition == model.lastPosition, note)
    }

    /// Commits random work; the model has it only if the store says so.
    mutating func commitOrThrow() throws(StorageError) {
        moment += Int64.random(in: 0...80_000_000, using: &random)
        var steps: [Step] = []
        for _ in 0..<Int.random(in: 0...4, using: &random) { steps.append(step()) }
        let work: (any TenantTransaction) throws(StorageError) -> Void = { (transaction) throws(StorageError) in
            for step in steps { try RandomWork.apply(step, to: transaction) }
        }
        if Bool.random(using: &random) {
            try store.commit(work)
        } else {
            // Several may share a sync, which the next commit or the end brings at the latest.
            try store.write(work)
            if Bool.random(using: &random) { try store.synchronize() }
        }
        for step in steps { RandomWork.apply(step, to: &model) }
    }

    mutating func failingCommit(_ note: Comment) throws {
        let refusal = StorageError("test", "refused")
        var steps: [Step] = []
        for _ in 0..<3 { steps.append(step()) }
        #expect(throws: refusal, note) {
            _ = try store.commit { (transaction) throws(StorageError) in
                for step in steps { try RandomWork.apply(step, to: transaction) }
                throw refusal
            }
        }
        #expect(store.lastPosition == model.lastPosition, note)
    }

    mutating func expire(_ note: Comment) throws {
        let before = moment - Int64.random(in: -300_000_000...600_000_000, using: &random)
        let position = Bool.random(using: &random) ? .max : Int64.random(in: 0...model.lastPosition, using: &random)
        var left = model.expirable(before: before, upTo: position)
        let maximum = Int.random(in: 1...2000, using: &random)
        var rounds = 0
        while true {
            var removed = -1
            _ = try store.commit { (transaction) throws(StorageError) in
                removed = try transaction.expire(before: before, upTo: position, maximumRows: maximum)
            }
            #expect(removed == min(left, maximum), note)
            left -= removed
            rounds += 1
            // Rejected ones and reports are removed in steps of the same size.
            let isClean = try store.rejectedCount() == model.rejected.filter({ $0.receivedAt >= before }).count
            if removed < maximum, isClean || rounds > 500 {
                break
            }
        }
        model.expire(before: before, upTo: position)
    }

    // MARK: Comparison

    mutating func compare(_ note: Comment) throws {
        #expect(store.lastPosition == model.lastPosition, note)
        #expect(try store.interactionCount() == model.interactions.count, note)
        #expect(try store.rejectedCount() == model.rejected.count, note)
        try compareLog(note)
        try compareTables(note)
        try compareEntities(note)
    }

    private mutating func compareLog(_ note: Comment) throws {
        let resolver = RowResolver(names: names, hasher: KeyHasher(seed: store.seed))
        let start = random.chance(0.5) ? 0 : Int64.random(in: 0...(model.lastPosition + 1), using: &random)
        var found: [StoreModel.Item] = []
        try store.scan(after: start, resolver: resolver) { (chunk) throws(StorageError) in
            switch chunk {
            case .record(let record): found.append(.record(record))
            case .interactions(let batch):
                #expect(!batch.rows.isEmpty, note)
                for row in batch.rows {
                    found.append(.interaction(PlainRow(row, in: batch)))
                    #expect(isResolved(row, in: batch), note)
                }
            }
            return true
        }
        let expected = model.log.filter { $0.position > start }
        #expect(found == expected, note)

        var seen = 0
        try store.scan(after: 0, resolver: resolver) { (_) throws(StorageError) in
            seen += 1
            return false
        }
        #expect(seen == min(1, model.log.count), note)

        let end = Int64.random(in: start...(model.lastPosition + 3), using: &random)
        var activity: [String: UserActivity] = [:]
        for row in model.interactions where row.position > start && row.position <= end {
            guard let user = row.userID else { continue }
            activity[user, default: UserActivity(userID: user, interactions: 0, orders: 0)].interactions += 1
            if row.type == "order" { activity[user]?.orders += 1 }
        }
        // A user with interactions in two files is named twice.
        var counted: [String: UserActivity] = [:]
        for part in try store.activity(after: start, through: end) {
            counted[part.userID, default: UserActivity(userID: part.userID, interactions: 0, orders: 0)].interactions +=
                part.interactions
            counted[part.userID]?.orders += part.orders
        }
        #expect(counted == activity, note)

        let positions = (0..<40).map { _ in Int64.random(in: 0...(model.lastPosition + 3), using: &random) }
        let batch = try store.interactions(at: positions, resolver: resolver)
        let rows = Dictionary(uniqueKeysWithValues: model.interactions.map { ($0.position, $0) })
        #expect(batch.rows.map { PlainRow($0, in: batch) } == positions.compactMap { rows[$0] }, note)
    }

    private func isResolved(_ row: InteractionRow, in batch: InteractionBatch) -> Bool {
        let hasher = KeyHasher(seed: store.seed)
        let plain = PlainRow(row, in: batch)
        let person: Key128 =
            if let user = plain.userID {
                hasher.key(user, .user)
            } else if let visitor = plain.anonymousID {
                hasher.key(visitor, .visitor)
            } else {
                .none
            }
        return names.name(row.type) == plain.type && names.name(row.entityType) == plain.entityType
            && row.idKey == hasher.key(plain.id, .interaction) && row.personKey == person
            && row.sessionKey == (plain.sessionID.map { hasher.key($0, .session) } ?? .none)
    }

    private mutating func compareTables(_ note: Comment) throws {
        let after = Int64.random(in: 0...max(1, model.lastRejected), using: &random)
        let code = random.maybe { $0.text("code", below: 3) }
        let limit = Int.random(in: 1...50, using: &random)
        let wanted = model.rejected.filter { $0.number > after && (code == nil || $0.code == code) }.prefix(limit)
        #expect(try store.rejected(after: after, code: code, limit: limit) == Array(wanted), note)
        #expect(try store.rejected(after: 0, code: nil, limit: .max) == model.rejected, note)
        for code in ["code0", "code1", "code2", "none"] {
            #expect(try store.rejectedCount(code: code) == model.rejected.count { $0.code == code }, note)
        }
        #expect(try store.systemErrors(limit: limit) == Array(model.errors.reversed().prefix(limit)), note)

        for kind in [LogRecord.Kind.plan, .settings, .entity, LogRecord.Kind(rawValue: "none")] {
            let position = Int64.random(in: 0...(model.lastPosition + 1), using: &random)
            let record = model.log.last { item in
                if case .record(let record) = item { record.kind == kind && record.position <= position } else { false }
            }
            #expect(try store.lastRecord(kind, upTo: position).map { .record($0) } == record, note)
        }

        let plans = try store.planVersions()
        #expect(plans.map(\.version) == model.plans.reversed().map(\.version), note)
        #expect(plans.map(\.createdAt) == model.plans.reversed().map(\.createdAt), note)
        #expect(try store.plan()?.version == model.plans.last?.version, note)
        #expect(try store.plan()?.document == model.plans.last?.document, note)
        for plan in model.plans { #expect(try store.plan(version: plan.version) == plan.document, note) }
        #expect(try store.plan(version: Int64(model.plans.count) + 1) == nil, note)
        #expect(try store.settings() == model.settings, note)
        for key in ["key0", "key1", "key2", "key3", "none"] {
            #expect(try store.value(forKey: key) == model.values[key], note)
        }

        var totals: [StoreModel.Total: DailyTotal] = [:]
        try store.dailyTotals { total in
            let key = StoreModel.Total(
                day: total.day, entityType: total.entityType, entityID: total.entityID, type: total.type)
            #expect(totals.updateValue(total, forKey: key) == nil, note)
        }
        #expect(totals == model.totals, note)
        #expect(try store.dailySessions() == model.sessions.values.sorted { $0.day < $1.day }, note)
    }

    private mutating func compareEntities(_ note: Comment) throws {
        for entity in model.entities.values {
            #expect(try store.entity(type: entity.type, id: entity.id) == entity, note)
        }
        #expect(try store.entity(type: "kind0", id: "unknown") == nil, note)
        for type in [nil, "kind0", "kind1", "kind2", "kind9"] {
            let expected = model.listed(type: type)
            let limit = Int.random(in: 1...30, using: &random)
            var found: [Entity] = []
            while true {
                let after = found.last.map { (type: $0.type, id: $0.id) }
                let page = try store.entities(type: type, after: after, limit: limit)
                found += page
                if page.count < limit { break }
            }
            #expect(found == expected, note)
        }
        // A cursor may name an entity that is gone, or another type's.
        let cursor = (type: "kind1", id: "e2x")
        for type in [nil, "kind0", "kind1", "kind2"] {
            let expected = model.listed(type: type).filter {
                $0.type == cursor.type
                    ? $0.id.utf8.elementsEqual(cursor.id.utf8) == false
                        && cursor.id.utf8.lexicographicallyPrecedes($0.id.utf8) : $0.type > cursor.type
            }
            #expect(try store.entities(type: type, after: cursor, limit: .max) == expected, note)
        }
    }
}
