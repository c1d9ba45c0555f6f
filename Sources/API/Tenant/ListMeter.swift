internal import Domain
internal import JSON
internal import Recommend
internal import Storage
internal import Synchronization

/// An interaction that names a list, or an order, which may come from one.
struct ListResponse: Sendable {
    let position: Int64
    let occurredAt: Int64
    let list: ListID?
    let isOrder: Bool
    let type: String
    let entityType: String
    let entityID: String
    let entity: Key128
    let person: Key128
    let session: Key128
    let value: Double
    let metadata: [UInt8]

    init(_ row: InteractionRow, _ batch: InteractionBatch, list: ListID?, isOrder: Bool) {
        position = row.position
        occurredAt = row.occurredAt
        self.list = list
        self.isOrder = isOrder
        type = batch.string(row.typeName) ?? ""
        entityType = batch.string(row.entityTypeName) ?? ""
        entityID = batch.string(row.entityID) ?? ""
        entity = row.entityKey
        person = row.personKey
        session = row.sessionKey
        value = row.value
        metadata = isOrder ? batch.bytes.withUnsafeBytes { Array(batch.slice($0, row.metadata)) } : []
    }
}

/// What a kept list says, as far as measuring and paging need it.
struct KeptList {
    let id: String
    let servedAt: Int64
    let surface: String
    let model: String
    /// The page before.
    let previous: ListID?
    let items: [(type: String, id: String, source: String)]

    init?(_ document: [UInt8]) {
        guard let value = try? JSONValue(parsing: document), let id = value["list_id"]?.stringValue else { return nil }
        self.id = id
        servedAt = ListID(id)?.milliseconds ?? 0
        // Lists of before there were surfaces.
        surface =
            value["surface"]?.stringValue
            ?? (value["similar_to"] == nil ? Surface.forYou.rawValue : Surface.similar.rawValue)
        model = value["model_version"]?.integerValue.map { String($0) } ?? ""
        previous = value["previous"]?.stringValue.flatMap { ListID($0) }
        items = (value["items"]?.arrayValue ?? []).map { item in
            (
                item["entity_type"]?.stringValue ?? "", item["entity_id"]?.stringValue ?? "",
                item["explain"]?["source"]?.stringValue ?? ""
            )
        }
    }
}

/// Writes served lists and what came of them, and measures both: by day, surface, source and model version.
///
/// A click is the first interaction with an entity of a list that names the list and is no impression
/// (`recommendation_viewed`). An order counts for the list that it names, else for the one that the person, or the session,
/// clicked the entity on last, within 7 days; whoever orders without a click before has clicked by that. Its revenue is
/// `metadata.price`, else the catalogue's price, times `metadata.quantity`, else `value`, else 1.
final class ListMeter: Sendable {
    /// What an entity costs, by type and id.
    typealias Price = @Sendable (_ type: String, _ id: String) -> (price: Double?, currency: String?)?

    /// Milliseconds from a click to an order that it counts for.
    static let window: Int64 = 7 * Timestamp.millisecondsPerDay
    /// Series that are told one by one since the start; what comes on top counts as `other`.
    static let mostSeries = 2000

    private let store: any ListStore
    /// Bits of the credits there are: most orders come from no list, which these say without looking into the file.
    private let credits = Mutex(ContiguousArray<UInt64>(repeating: 0, count: 1 << 16))
    private let price: Price
    private let sums: Mutex<[ListMeasure: Double]>

    /// A meter that goes on from what a store has.
    init(store: any ListStore, price: @escaping Price) {
        self.store = store
        self.price = price
        var sums: [ListMeasure: Double] = [:]
        if let known = try? store.measures(from: .min, through: .max) {
            for (measure, amount) in known { sums[ListMeter.total(measure), default: 0] += amount }
        }
        self.sums = Mutex(sums)
        try? store.forEachCredit { person, entity in note(person, entity) }
    }

    private static func bit(_ person: Key128, _ entity: Key128) -> (word: Int, mask: UInt64) {
        let hash = (person.low ^ entity.low &* 0x9e37_79b9_7f4a_7c15) &* 0xd6e8_feb8_6659_fd93
        return (Int(hash >> 48), 1 << (hash >> 42 & 63))
    }

    /// Notes that a person, or a session, may be credited with a click. Before it is written: the order may come at once.
    func note(_ person: Key128, _ entity: Key128) {
        let (word, mask) = ListMeter.bit(person, entity)
        credits.withLock { $0[word] |= mask }
    }

    /// Whether a person, or a session, may have clicked an entity on a list; false for nearly all who did not.
    func mayCredit(_ row: InteractionRow) -> Bool {
        credits.withLock { words in
            [row.personKey, row.sessionKey].contains { key in
                let (word, mask) = ListMeter.bit(key, row.entityKey)
                return !key.isNone && words[word] & mask != 0
            }
        }
    }

    /// Everything measured so far and still kept, over all days.
    var totals: [ListMeasure: Double] { sums.withLock { $0 } }

    /// Days since the epoch.
    static func day(_ milliseconds: Int64) -> Int64 {
        Timestamp.floorDivide(milliseconds, Timestamp.millisecondsPerDay)
    }

    private static func total(_ measure: ListMeasure) -> ListMeasure {
        var total = measure
        total.day = 0
        return total
    }

    /// Writes lists and responses in one commit. Says how many interactions named a list that is kept.
    func write(_ lists: [ServedList], _ responses: [ListResponse], through position: Int64) throws(StorageError) -> Int
    {
        var sums: [ListMeasure: Double] = [:]
        var attributed = 0
        try store.commit(through: position) { transaction throws(StorageError) in
            for served in lists {
                try transaction.insert(
                    StoredList(id: served.id, audience: served.audience, document: ListDocument.bytes(served)))
                count(served, &sums)
            }
            var kept: [ListID: KeptList] = [:]
            for response in responses {
                if try take(response, transaction, &kept, &sums) { attributed += 1 }
            }
            for (measure, amount) in sums { try transaction.add(amount, to: measure) }
        }
        self.sums.withLock { totals in
            for (measure, amount) in sums {
                var total = ListMeter.total(measure)
                if totals[total] == nil, totals.count >= ListMeter.mostSeries {
                    total.model = "other"
                    total.source = "other"
                }
                totals[total, default: 0] += amount
            }
        }
        return attributed
    }

    private func count(_ served: ServedList, _ sums: inout [ListMeasure: Double]) {
        var measure = ListMeasure(
            day: ListMeter.day(served.servedAt), surface: served.request.question.surface.rawValue, source: "",
            model: served.list.modelVersion.map { String($0) } ?? "", name: .lists)
        sums[measure, default: 0] += 1
        measure.name = .items
        var counts = [Double](repeating: 0, count: Origin.allCases.count)
        for item in served.list.items { counts[Int(item.origin.rawValue)] += 1 }
        for origin in Origin.allCases where counts[Int(origin.rawValue)] > 0 {
            measure.source = origin.name
            sums[measure, default: 0] += counts[Int(origin.rawValue)]
        }
    }

    /// Takes one response; says whether it names a list that is kept.
    private func take(
        _ response: ListResponse, _ transaction: any ListTransaction, _ kept: inout [ListID: KeptList],
        _ sums: inout [ListMeasure: Double]
    ) throws(StorageError) -> Bool {
        func list(_ id: ListID) throws(StorageError) -> KeptList? {
            if let known = kept[id] { return known }
            guard let document = try transaction.document(id), let list = KeptList(document) else { return nil }
            kept[id] = list
            return list
        }
        var isNamed = false
        var credited: (id: ListID, list: KeptList)?
        if let id = response.list, let own = try list(id) {
            // What was read from the log before is not counted again.
            guard try transaction.attribute(id, position: response.position) else { return false }
            isNamed = true
            credited = (id, own)
        } else if response.isOrder {
            for person in [response.person, response.session] where credited == nil && !person.isNone {
                guard let id = try transaction.credited(person: person, entity: response.entity),
                    response.occurredAt - id.milliseconds < ListMeter.window, let own = try list(id),
                    try transaction.attribute(id, position: response.position)
                else { continue }
                credited = (id, own)
            }
        }
        guard let credited,
            let item = credited.list.items.first(where: { $0.id == response.entityID && $0.type == response.entityType }
            )
        else { return isNamed }
        var measure = ListMeasure(
            day: ListMeter.day(response.occurredAt), surface: credited.list.surface, source: item.source,
            model: credited.list.model, name: .views)
        if response.isOrder {
            // A conversion implies its click. The person is not credited with it: a second notice of the same purchase, which
            // names no list, is not to count for this one too.
            if try transaction.click(credited.id, entity: response.entity) {
                measure.name = .clicks
                sums[measure, default: 0] += 1
            }
            measure.name = .conversions
            sums[measure, default: 0] += 1
            if let (amount, currency) = revenue(response) {
                measure.name = .revenue
                measure.currency = currency ?? ""
                sums[measure, default: 0] += amount
            }
        } else if response.type == "recommendation_viewed" {
            sums[measure, default: 0] += 1
        } else if response.type != "cart_remove", response.type != "refund" {
            for person in [response.person, response.session] where !person.isNone {
                try transaction.credit(credited.id, person: person, entity: response.entity)
            }
            if try transaction.click(credited.id, entity: response.entity) {
                measure.name = .clicks
                sums[measure, default: 0] += 1
            }
        }
        return isNamed
    }

    private func revenue(_ response: ListResponse) -> (amount: Double, currency: String?)? {
        let metadata = response.metadata.isEmpty ? nil : try? JSONValue(parsing: response.metadata)
        func number(_ name: String) -> Double? {
            guard let value = metadata?[name] else { return nil }
            return value.stringValue.flatMap { Double($0) } ?? value.doubleValue
        }
        let quantity = number("quantity") ?? (response.value.isFinite ? response.value : 1)
        let (paid, named) = (number("price"), metadata?["currency"]?.stringValue)
        let known = paid == nil || named == nil ? price(response.entityType, response.entityID) : nil
        guard let unit = paid ?? known?.price else { return nil }
        let amount = unit * quantity
        guard amount.isFinite, amount >= 0, amount < 1e15 else { return nil }
        // A currency that was sent is the currency of the price that was sent.
        let currency = paid == nil ? known?.currency : named ?? known?.currency
        let isCode = currency.map { $0.utf8.count == 3 && $0.utf8.allSatisfy { (65...90).contains($0) } } ?? true
        return (amount, isCode ? currency : nil)
    }
}
