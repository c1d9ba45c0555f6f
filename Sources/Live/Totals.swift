/// A tenant's counts, all time and by hour and minute.
struct Totals: Sendable {
    /// Interactions of one type.
    struct ByType: Sendable {
        var type: UInt16
        var all: Int64 = 0
        var hours = SlotRing(size: 1024)
        var minutes = SlotRing(size: 256)
    }

    /// In the order of their first interaction.
    var byType: ContiguousArray<ByType> = []
    /// Place in ``byType`` by number of the type; −1 for none.
    private var places: ContiguousArray<Int32> = []
    var sessions: Int64 = 0
    var bounces: Int64 = 0
    // By when they began.
    var sessionHours = SlotRing(size: 1024)
    var sessionMinutes = SlotRing(size: 256)
    var bounceHours = SlotRing(size: 1024)
    var bounceMinutes = SlotRing(size: 256)
    /// Position of the first interaction in each hour's buckets: where a replay for them must begin.
    var firstPositions = SlotRing(size: 1024)

    /// Place of a type's figures, made when missing.
    @inline(__always)
    mutating func place(_ type: UInt16) -> Int {
        let index = Int(type)
        if index < places.count, places[index] >= 0 { return Int(places[index]) }
        return addPlace(type)
    }

    private mutating func addPlace(_ type: UInt16) -> Int {
        let index = Int(type)
        if index >= places.count { places.append(contentsOf: repeatElement(-1, count: index + 1 - places.count)) }
        places[index] = Int32(byType.count)
        byType.append(ByType(type: type))
        return byType.count - 1
    }

    var bytes: Int { byType.count * (1280 * 12 + 128) + places.count * 4 + (3 * 1024 + 2 * 256) * 12 }
}
