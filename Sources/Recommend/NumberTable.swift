/// Values by number: open addressing over flat memory, because a dictionary costs more than all else that is done with a
/// candidate.
public struct NumberTable: Sendable {
    private var keys: ContiguousArray<UInt32>
    private var values: ContiguousArray<Double>
    /// How many numbers have a value.
    public private(set) var count = 0

    private static let free = UInt32.max

    /// An empty table with room for so many.
    public init(capacity: Int = 8) {
        var size = 16
        while size < capacity * 2 { size *= 2 }
        keys = ContiguousArray(repeating: NumberTable.free, count: size)
        values = ContiguousArray(repeating: 0, count: size)
    }

    /// Whether there is nothing in it.
    public var isEmpty: Bool { count == 0 }

    @inline(__always)
    private func slot(_ key: UInt32) -> Int {
        let mask = keys.count - 1
        var slot = Int((key &* 0x9e37_79b9) >> 8) & mask
        while keys[slot] != key, keys[slot] != NumberTable.free { slot = (slot + 1) & mask }
        return slot
    }

    /// A number's value; `nil` for one that has none. The greatest number never has one.
    public subscript(_ key: UInt32) -> Double? {
        @inline(__always) get {
            let slot = slot(key)
            return keys[slot] == key && key != NumberTable.free ? values[slot] : nil
        }
    }

    /// A number's value, 0 for one that has none.
    @inline(__always)
    public func value(_ key: UInt32) -> Double {
        let slot = slot(key)
        return keys[slot] == key ? values[slot] : 0
    }

    /// Whether a number is there.
    @inline(__always)
    public func contains(_ key: UInt32) -> Bool { key != NumberTable.free && keys[slot(key)] == key }

    /// Adds to a number's value.
    public mutating func add(_ key: UInt32, _ amount: Double) {
        guard key != NumberTable.free else { return }
        let place = makePlace(key)
        values[place] += amount
    }

    /// Sets a number's value.
    public mutating func set(_ key: UInt32, _ value: Double) {
        guard key != NumberTable.free else { return }
        let place = makePlace(key)
        values[place] = value
    }

    private mutating func makePlace(_ key: UInt32) -> Int {
        let found = slot(key)
        if keys[found] == key { return found }
        if (count + 1) * 2 > keys.count {
            let old = (keys, values)
            keys = ContiguousArray(repeating: NumberTable.free, count: old.0.count * 2)
            values = ContiguousArray(repeating: 0, count: old.0.count * 2)
            for place in old.0.indices where old.0[place] != NumberTable.free {
                let slot = slot(old.0[place])
                keys[slot] = old.0[place]
                values[slot] = old.1[place]
            }
        }
        let place = slot(key)
        keys[place] = key
        values[place] = 0
        count += 1
        return place
    }

    /// All numbers and their values, in an order that the numbers alone decide.
    public func forEach(_ body: (_ key: UInt32, _ value: Double) -> Void) {
        for place in keys.indices where keys[place] != NumberTable.free { body(keys[place], values[place]) }
    }
}
