internal import Dispatch
public import Models
internal import Numerics
internal import Synchronization

/// A learned model in service: the model, the numbers that its items have in the live state, and room to work in.
///
/// Memory besides the model's own: 8 bytes an item, 4 for each number of an entity up to the greatest, and for each of a
/// few requests at once 6.2 bytes an item and at most 512 KiB.
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
    private let free = Mutex<[ServingScratch]>([])
    private let seats: DispatchSemaphore

    static let none = UInt32.max
    /// Requests that may ask at once; further ones wait, each for a fraction of a millisecond.
    public static let concurrentRequests = 8

    /// A model with the numbers of its items' entities in the live state (`nil` for one that is not there) and their types.
    public init(
        version: Int64, model: ServingModel, entities: [UInt32?], types: [UInt16], typeNames: [String],
        halfLifeDays: Double
    ) {
        self.version = version
        self.model = model
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
        let room = model.itemCount * 13 / 2 + min(entries * 18, 512 << 10)
        return entities.count * 4 + items.count * 4 + types.count * 2 + Self.concurrentRequests * room
    }

    /// Number of an entity's item.
    func item(_ entity: UInt32) -> UInt32? {
        guard Int(entity) < items.count, items[Int(entity)] != Self.none else { return nil }
        return items[Int(entity)]
    }

    /// What the model says of a history, oldest first, about entities of a type.
    public func opinions(of history: [ServingModel.Action], limit: Int, type: String?) -> [ServingModel.Opinion] {
        var wanted: UInt16?
        if let type {
            guard let place = typeNames.firstIndex(of: type) else { return [] }
            wanted = UInt16(truncatingIfNeeded: place)
        }
        seats.wait()
        defer { seats.signal() }
        var scratch = free.withLock { $0.popLast() } ?? ServingScratch()
        let opinions = model.opinions(
            of: history, limit: limit,
            admits: { item in
                entities[Int(item)] != Self.none && (wanted == nil || types[Int(item)] == wanted)
            }, &scratch)
        free.withLock { $0.append(scratch) }
        return opinions
    }
}
