/// What each entity on a board is worth: open addressing, as a board is asked for every entity that changes.
struct MemberTable: Sendable {
    private var slots: ContiguousArray<Slot> = []
    private(set) var count = 0

    /// An entity's number plus one; 0 is free.
    private struct Slot: Sendable {
        var entity: UInt32 = 0
        var value = 0.0
    }

    init() {}

    /// A table with room for so many.
    init(capacity: Int) {
        var size = 16
        while size < capacity * 2 { size *= 2 }
        slots = ContiguousArray(repeating: Slot(), count: size)
    }

    var bytes: Int { slots.count * MemoryLayout<Slot>.stride }

    @inline(__always)
    private func home(_ key: UInt32) -> Int { Int((key &* 0x9e37_79b9) >> 7) & (slots.count - 1) }

    /// Where an entity's slot is, or the free one where it would be.
    @inline(__always)
    private func find(_ key: UInt32) -> Int {
        var slot = home(key)
        while slots[slot].entity != 0, slots[slot].entity != key { slot = (slot + 1) & (slots.count - 1) }
        return slot
    }

    /// An entity's value; `nil` for one that is not there, which setting to `nil` makes it.
    subscript(entity: UInt32) -> Double? {
        @inline(__always) get {
            if slots.isEmpty { return nil }
            let slot = slots[find(entity &+ 1)]
            return slot.entity == 0 ? nil : slot.value
        }
        set {
            guard let newValue else { return remove(entity &+ 1) }
            if (count + 1) * 2 > slots.count { grow() }
            let slot = find(entity &+ 1)
            if slots[slot].entity == 0 { count += 1 }
            slots[slot] = Slot(entity: entity &+ 1, value: newValue)
        }
    }

    private mutating func remove(_ key: UInt32) {
        if slots.isEmpty { return }
        var hole = find(key)
        guard slots[hole].entity != 0 else { return }
        let mask = slots.count - 1
        // Entries behind the hole move up unless that would put them before their home.
        var next = (hole + 1) & mask
        while slots[next].entity != 0 {
            if (next - home(slots[next].entity)) & mask >= (next - hole) & mask {
                slots[hole] = slots[next]
                hole = next
            }
            next = (next + 1) & mask
        }
        slots[hole] = Slot()
        count -= 1
    }

    private mutating func grow() {
        let old = slots
        slots = ContiguousArray(repeating: Slot(), count: max(16, old.count * 2))
        for entry in old where entry.entity != 0 { slots[find(entry.entity)] = entry }
    }
}
