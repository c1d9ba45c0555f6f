internal import Domain

/// How time is cut into buckets.
enum Slots {
    /// Hours that windows can look back.
    static let hoursKept: Int32 = 720
    /// Minutes that are kept: an hour for the window and one for clocks that differ.
    static let minutesKept: Int32 = 120
    /// How far ahead of its receipt an interaction may be; one further ahead counts from there.
    static let ahead: Int64 = 3_600_000

    /// Slots end here, far enough from the ends of the range of numbers to be added to; hours of the next 120,000 years
    /// and minutes of the next 2,000 lie between.
    private static let last: Int64 = 1 << 30

    @inline(__always)
    static func hour(_ milliseconds: Int64) -> Int32 {
        Int32(truncatingIfNeeded: min(max(Timestamp.floorDivide(milliseconds, 3_600_000), -last), last))
    }

    @inline(__always)
    static func minute(_ milliseconds: Int64) -> Int32 {
        Int32(truncatingIfNeeded: min(max(Timestamp.floorDivide(milliseconds, 60_000), -last), last))
    }

    /// Whether a slot stands for its own hour, or minute, alone.
    @inline(__always)
    static func isPlausible(_ slot: Int32) -> Bool { Int64(slot) > -last && Int64(slot) < last }

    /// `slot - count`, never below the smallest number.
    @inline(__always)
    static func back(_ slot: Int32, _ count: Int32) -> Int32 { slot < Int32.min + count ? Int32.min : slot - count }
}

/// Counts by slot of time in a ring: the newest `size` slots at most are remembered, whole numbers only, so that adding
/// and taking away are exact.
struct SlotRing: Sendable {
    var slots: ContiguousArray<Int32>
    var values: ContiguousArray<Int64>

    /// A ring of `size` slots, a power of two.
    init(size: Int) {
        slots = ContiguousArray(repeating: .min, count: size)
        values = ContiguousArray(repeating: 0, count: size)
    }

    /// Adds to a slot, unless a newer one has taken its place.
    @inline(__always)
    mutating func add(_ slot: Int32, _ amount: Int64) {
        let index = Int(slot) & (slots.count - 1)
        if slots[index] != slot {
            if slots[index] > slot || amount < 0 { return }
            slots[index] = slot
            values[index] = 0
        }
        values[index] &+= amount
    }

    /// Sets a slot that has no value yet.
    @inline(__always)
    mutating func setOnce(_ slot: Int32, _ value: Int64) {
        let index = Int(slot) & (slots.count - 1)
        if slots[index] < slot {
            slots[index] = slot
            values[index] = value
        }
    }

    /// Sum over the slots from `lower` on.
    func sum(from lower: Int32) -> Int64 {
        var sum: Int64 = 0
        for index in slots.indices where slots[index] >= lower && slots[index] != .min { sum &+= values[index] }
        return sum
    }

    /// Smallest value of the slots from `lower` on.
    func minimum(from lower: Int32) -> Int64? {
        var least: Int64?
        for index in slots.indices where slots[index] >= lower && slots[index] != .min {
            least = min(least ?? .max, values[index])
        }
        return least
    }

    var bytes: Int { slots.count * 12 + 64 }
}
