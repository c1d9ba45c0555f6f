/// Persons with the items that they had to do with, each pair once, whatever number of interactions it comes from.
///
/// Memory: 40 bytes a pair and as much again while it grows.
struct PairTable {
    /// A person with an item.
    struct Pair {
        var person: UInt32
        var item: UInt32
        /// Σ weight · 2^((time − landmark) / half-life).
        var weight: Float
        /// Place of the latest interaction in the log, among those taken.
        var order: UInt32
        /// When the first interaction was, in milliseconds since the epoch.
        var first: Int64
        /// When the latest one was.
        var last: Int64
    }

    private(set) var pairs: [Pair] = []
    /// Open addressing: place of the pair + 1, 0 for none.
    private var slots: [UInt32] = [UInt32](repeating: 0, count: 1024)

    var count: Int { pairs.count }

    /// Adds an interaction.
    mutating func add(person: UInt32, item: UInt32, weight: Float, order: UInt32, time: Int64) {
        let mask = slots.count - 1
        var slot = Self.hash(person, item) & mask
        while slots[slot] != 0 {
            let place = Int(slots[slot]) - 1
            if pairs[place].person == person, pairs[place].item == item {
                pairs[place].weight += weight
                pairs[place].first = min(pairs[place].first, time)
                if time >= pairs[place].last {
                    pairs[place].last = time
                    pairs[place].order = order
                }
                return
            }
            slot = (slot + 1) & mask
        }
        pairs.append(Pair(person: person, item: item, weight: weight, order: order, first: time, last: time))
        slots[slot] = UInt32(truncatingIfNeeded: pairs.count)
        if pairs.count * 2 > slots.count { index(slots.count * 2) }
    }

    /// Multiplies every weight: the landmark has moved. A weight does not lose its sign.
    mutating func scale(by factor: Float) {
        for place in pairs.indices where pairs[place].weight != 0 {
            let scaled = pairs[place].weight * factor
            let least: Float = pairs[place].weight > 0 ? 1e-30 : -1e-30
            pairs[place].weight = abs(scaled) < 1e-30 ? least : scaled
        }
    }

    /// Keeps other pairs than those it has.
    mutating func replace(with kept: [Pair]) {
        pairs = kept
        var size = 1024
        while size < pairs.count * 2 { size *= 2 }
        index(size)
    }

    private mutating func index(_ size: Int) {
        slots = [UInt32](repeating: 0, count: size)
        let mask = size - 1
        for place in pairs.indices {
            var slot = Self.hash(pairs[place].person, pairs[place].item) & mask
            while slots[slot] != 0 { slot = (slot + 1) & mask }
            slots[slot] = UInt32(truncatingIfNeeded: place + 1)
        }
    }

    private static func hash(_ person: UInt32, _ item: UInt32) -> Int {
        var mixed = (UInt64(person) << 32 | UInt64(item)) &* 0x9E37_79B9_7F4A_7C15
        mixed ^= mixed >> 32
        return Int(truncatingIfNeeded: mixed & 0x7FFF_FFFF)
    }
}
