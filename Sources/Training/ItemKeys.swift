/// The entities that a model's numbers stand for, by type and id: numbers of the live state may be others after a restart.
///
/// Memory: the ids' bytes and 10 bytes an entity.
public struct ItemKeys: Sendable, Equatable {
    /// The types that occur.
    public private(set) var types: [String] = []
    /// Place in ``types`` of each entity's type.
    public private(set) var typePlaces: [UInt16] = []
    /// The ids one after the other.
    private var bytes: [UInt8] = []
    /// Where each id ends.
    private var ends: [Int] = []
    private var typeIndex: [String: UInt16] = [:]

    /// None yet.
    public init() {}

    /// How many there are.
    public var count: Int { ends.count }

    /// The type of an entity.
    public func type(of item: Int) -> String { types[Int(typePlaces[item])] }

    /// The id of an entity.
    public func id(of item: Int) -> String { String(decoding: bytes[range(of: item)], as: UTF8.self) }

    /// Bytes of memory.
    public var memoryBytes: Int { bytes.capacity + ends.capacity * 8 + typePlaces.capacity * 2 }

    /// Adds an entity at the end. False when there are 65,536 types already and this is a new one.
    @discardableResult
    public mutating func append(type: String, id: String) -> Bool {
        var copy = id
        return copy.withUTF8 { append(type: type, id: UnsafeRawBufferPointer($0)) }
    }

    /// The same with the id's bytes.
    @discardableResult
    public mutating func append(type: String, id: UnsafeRawBufferPointer) -> Bool {
        let place: UInt16
        if let known = typeIndex[type] {
            place = known
        } else {
            guard let next = UInt16(exactly: types.count) else { return false }
            types.append(type)
            typeIndex[type] = next
            place = next
        }
        typePlaces.append(place)
        bytes.append(contentsOf: id)
        ends.append(bytes.count)
        return true
    }

    /// Some of the entities, in the order given.
    public func selecting(_ items: [UInt32]) -> ItemKeys {
        var kept = ItemKeys()
        for item in items where Int(item) < count {
            bytes[range(of: Int(item))].withUnsafeBytes { id in
                _ = kept.append(type: type(of: Int(item)), id: id)
            }
        }
        return kept
    }

    /// For each entity its number among others, `nil` for one that is not there. O(both).
    public func places(in others: ItemKeys) -> [UInt32?] {
        var numbers: [String: UInt32] = [:]
        numbers.reserveCapacity(others.count)
        for item in 0..<others.count { numbers[others.name(of: item)] = UInt32(item) }
        return (0..<count).map { numbers[name(of: $0)] }
    }

    private func name(of item: Int) -> String { "\(type(of: item))\u{0}\(id(of: item))" }

    private func range(of item: Int) -> Range<Int> { (item == 0 ? 0 : ends[item - 1])..<ends[item] }
}
