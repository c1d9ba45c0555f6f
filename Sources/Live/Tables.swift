internal import Domain

/// Entities that changed, in order, so that whoever keeps something derived from them can catch up. A ring: one who lags
/// by more than its size must start anew.
struct ChangeList: Sendable {
    /// Places of the ring, a power of two.
    let size: Int
    private var ring: ContiguousArray<UInt32>
    /// The next place.
    private(set) var head: UInt64 = 1
    /// Up to where someone has looked: an entity that stands behind it need not be listed again.
    private(set) var seen: UInt64 = 1

    init(size: Int) {
        self.size = size
        ring = ContiguousArray(repeating: 0, count: size)
    }

    /// Lists an entity unless it is listed where nobody has looked yet.
    @inline(__always)
    mutating func add(_ number: UInt32, _ record: inout EntityRecord) {
        if record.stamp >= seen { return }
        record.stamp = head
        ring[Int(truncatingIfNeeded: head) & (size - 1)] = number
        head += 1
    }

    /// The entity at a place not older than the ring's size.
    @inline(__always)
    func entity(at place: UInt64) -> UInt32 { ring[Int(truncatingIfNeeded: place) & (size - 1)] }

    /// Says that something has been derived from entities as they are now.
    @inline(__always)
    mutating func look() { seen = head }
}

/// Entities that have left a category, in their order. Whoever has fallen behind by more than are kept must start anew.
struct MovedList: Sendable {
    typealias Entry = (entity: UInt32, category: UInt32)

    private static let most = 4096
    private var entries: ContiguousArray<Entry> = []
    /// How many are no longer kept.
    private var dropped: UInt64 = 0

    /// How many there have been.
    var count: UInt64 { dropped + UInt64(entries.count) }

    mutating func add(_ entity: UInt32, left category: UInt32) {
        if entries.count == Self.most {
            dropped += UInt64(Self.most)
            entries.removeAll(keepingCapacity: true)
        }
        entries.append((entity, category))
    }

    /// Those after so many; `nil` when some of them are no longer kept.
    func after(_ count: UInt64) -> ArraySlice<Entry>? {
        guard count >= dropped else { return nil }
        return entries.dropFirst(Int(clamping: count - dropped))
    }
}

/// Categories and the entities in each.
struct CategoryTable: Sendable {
    private var numbers: [String: UInt32] = [:]
    private var names: ContiguousArray<String> = []
    private var members: ContiguousArray<ContiguousArray<UInt32>> = []

    /// In the order of their numbers.
    var allNames: [String] { Array(names) }

    var count: Int { names.count }

    func find(_ name: String) -> UInt32? { numbers[name] }

    func name(_ number: UInt32) -> String { Int(number) < names.count ? names[Int(number)] : "" }

    func entities(_ number: UInt32) -> ContiguousArray<UInt32> {
        Int(number) < members.count ? members[Int(number)] : []
    }

    /// Number of a category, given now if it is new.
    mutating func number(of name: String) -> UInt32? {
        if let number = numbers[name] { return number }
        // Twice the number must have room too.
        guard names.count < Int(Int32.max) else { return nil }
        let number = UInt32(names.count)
        numbers[name] = number
        names.append(name)
        members.append([])
        return number
    }

    /// Puts an entity into a category's list and says where it stands.
    mutating func add(_ entity: UInt32, to category: UInt32) -> UInt32 {
        members[Int(category)].append(entity)
        return UInt32(members[Int(category)].count - 1)
    }

    /// Takes an entity out; says which entity, if any, has taken its place.
    mutating func remove(_ place: CategoryPlace) -> UInt32? {
        let category = Int(place.category)
        let last = members[category].removeLast()
        guard Int(place.place) < members[category].count else { return nil }
        members[category][Int(place.place)] = last
        return last
    }

    var bytes: Int {
        names.reduce(0) { $0 + $1.utf8.count + 96 } + members.reduce(0) { $0 + $1.capacity * 4 + 32 }
    }
}

/// Brands, numbered in the order of their first entity.
struct BrandTable: Sendable {
    private var numbers: [String: UInt32] = [:]
    /// In the order of their numbers.
    private(set) var names: ContiguousArray<String> = []

    var count: Int { names.count }

    /// `nil` for the number of none.
    func name(_ number: UInt32) -> String? { Int(number) < names.count ? names[Int(number)] : nil }

    func find(_ name: String) -> UInt32? { numbers[name] }

    /// Number of a brand, given now if it is new.
    mutating func number(of name: String) -> UInt32? {
        if let number = numbers[name] { return number }
        guard names.count < Int(Int32.max) else { return nil }
        let number = UInt32(names.count)
        numbers[name] = number
        names.append(name)
        return number
    }

    var bytes: Int { names.reduce(0) { $0 + $1.utf8.count + 96 } }
}

/// Entity types: how their names sort, and the entities of each.
struct TypeTable: Sendable {
    private var ranks: ContiguousArray<UInt16> = []
    /// By name.
    private(set) var known: [(number: UInt16, name: String)] = []
    private var labels: [UInt16: String] = [:]
    private var members: [UInt16: ContiguousArray<UInt32>] = [:]

    /// Place of a type among those seen, by name, byte by byte.
    @inline(__always)
    func rank(_ type: UInt16) -> UInt16 { Int(type) < ranks.count ? ranks[Int(type)] : .max }

    func entities(_ type: UInt16) -> ContiguousArray<UInt32> { members[type] ?? [] }

    /// Name of a type that some entity has.
    func name(_ type: UInt16) -> String { labels[type] ?? "" }

    mutating func add(_ entity: UInt32, type: UInt16, names: NameTable) {
        if members[type] == nil {
            let name = names.name(type) ?? ""
            labels[type] = name
            known.append((type, name))
            known.sort { $0.name.utf8.lexicographicallyPrecedes($1.name.utf8) }
            if Int(type) >= ranks.count {
                ranks.append(contentsOf: repeatElement(.max, count: Int(type) + 1 - ranks.count))
            }
            for (rank, entry) in known.enumerated() { ranks[Int(entry.number)] = UInt16(clamping: rank) }
        }
        members[type, default: []].append(entity)
    }

    var bytes: Int { members.values.reduce(0) { $0 + $1.capacity * 4 + 64 } }
}
