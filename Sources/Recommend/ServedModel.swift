internal import Dispatch
public import Models
internal import Numerics
internal import Synchronization

/// A learned model in service: the model, the numbers that its items have in the live state, and room to work in.
///
/// Memory besides the model's own: 8 bytes an item, 4 for each number of an entity up to the greatest, and for each of a
/// few requests at once 10.2 bytes an item and at most 640 KiB, and with sessions 16 bytes an item.
public final class ServedModel: Sendable {
    /// Number of the model.
    public let version: Int64
    let model: ServingModel
    /// Number of each item's entity; ``none`` for one that the catalogue no longer has.
    let entities: [UInt32]
    /// Number of each entity's item; ``none`` for one that came after the training.
    let items: [UInt32]
    /// Entity type of each item, a place in ``typeNames``.
    let types: [UInt16]
    let typeNames: [String]
    /// Milliseconds after which an interaction counts half.
    let halfLife: Double
    /// What comes next in a session; `nil` where the model of lists says that as well.
    let sessions: SessionRecommender?
    private let free = Mutex<[ServingScratch]>([])
    private let freeScores = Mutex<[SessionScores]>([])
    private let seats: DispatchSemaphore

    static let none = UInt32.max
    /// Requests that may ask at once; further ones wait, each for a fraction of a millisecond.
    public static let concurrentRequests = 8

    /// A model with the numbers of its items' entities in the live state (`nil` for one that is not there) and their types.
    public init(
        version: Int64, model: ServingModel, entities: [UInt32?], types: [UInt16], typeNames: [String],
        halfLifeDays: Double, sessions: SessionRecommender? = nil
    ) {
        self.version = version
        self.model = model
        self.sessions = sessions
        self.entities = entities.map { $0 ?? Self.none }
        self.types = types
        self.typeNames = typeNames
        halfLife = max(halfLifeDays, 0.04) * 86_400_000
        var items = [UInt32](
            repeating: Self.none, count: entities.reduce(0) { max($0, ($1.map { Int($0) } ?? -1) + 1) })
        for (item, entity) in entities.enumerated() { if let entity { items[Int(entity)] = UInt32(item) } }
        self.items = items
        seats = DispatchSemaphore(value: Self.concurrentRequests)
    }

    /// Items that it knows.
    public var itemCount: Int { model.itemCount }

    /// Bytes of memory besides the model's own, with all room to work in.
    public var memoryBytes: Int {
        let entries = model.layers.reduce(0) { $0 + $1.rows.columns.count }
        let room = model.itemCount * (sessions == nil ? 21 : 53) / 2 + min(entries * 18, 512 << 10)
        return (sessions?.memoryBytes ?? 0) + entities.count * 4 + items.count * 4 + types.count * 2 + Self
            .concurrentRequests * room
    }

    /// Number of an entity's item.
    func item(_ entity: UInt32) -> UInt32? {
        guard Int(entity) < items.count, items[Int(entity)] != Self.none else { return nil }
        return items[Int(entity)]
    }

    /// What the model says of a history, oldest first, about entities of a type that are not ruled out.
    public func opinions(
        of history: [ServingModel.Action], limit: Int, type: String?, excluded: NumberTable = NumberTable()
    ) -> [ServingModel.Opinion] {
        guard let admits = admission(type, excluded) else { return [] }
        seats.wait()
        defer { seats.signal() }
        var scratch = free.withLock { $0.popLast() } ?? ServingScratch()
        let opinions = model.opinions(of: history, limit: limit, admits: admits, &scratch)
        free.withLock { $0.append(scratch) }
        return opinions
    }

    /// What may come next in a session, oldest item first: what it has may come again. ``ServingModel/Opinion/because`` is
    /// the latest item. `nil` where there is no model of sessions.
    func next(
        in session: [UInt32], limit: Int, type: String?, excluded: NumberTable
    ) -> [ServingModel.Opinion]? {
        guard let sessions else { return nil }
        guard let last = session.last, limit > 0, let admits = admission(type, excluded) else { return [] }
        seats.wait()
        defer { seats.signal() }
        var scores =
            freeScores.withLock { $0.popLast() } ?? SessionScores(itemCount: sessions.itemCount)
        scores.removeAll()
        // Without a time the session is one that follows the training at once: however long that is ago, what the training
        // sessions count beside each other stays.
        sessions.score(session, at: nil, into: &scores)
        let best = scores.best(limit, admits: admits)
        freeScores.withLock { $0.append(scores) }
        guard let most = best.first?.value, most > 0 else { return [] }
        return best.map { ServingModel.Opinion(item: $0.index, score: $0.value / most, because: last) }
    }

    /// Which items may be named; `nil` when there is no such type.
    private func admission(_ type: String?, _ excluded: NumberTable) -> ((UInt32) -> Bool)? {
        var wanted: UInt16?
        if let type {
            guard let place = typeNames.firstIndex(of: type) else { return nil }
            wanted = UInt16(truncatingIfNeeded: place)
        }
        return { [entities, types] item in
            entities[Int(item)] != Self.none && (wanted == nil || types[Int(item)] == wanted)
                && (excluded.isEmpty || !excluded.contains(entities[Int(item)]))
        }
    }
}
