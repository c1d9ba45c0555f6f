internal import CKernels
internal import Domain

/// Finds a record's number by its key: open addressing in 256 shards that grow one by one, so that no single insertion
/// of millions takes longer than the doubling of one shard. A slot holds 32 bits of the key beside the number, and the
/// caller compares the whole key in its record. 11 to 21 bytes a key.
struct KeyIndex: Sendable {
    private var shards: ContiguousArray<Shard>
    private(set) var count = 0

    private struct Shard: Sendable {
        var slots: ContiguousArray<UInt64> = ContiguousArray(repeating: 0, count: 8)
        var used = 0
    }

    init() { shards = ContiguousArray(repeating: Shard(), count: 256) }

    /// An index with room for so many keys.
    init(capacity: Int) {
        self.init()
        var size = 8
        while size * 3 * 256 < capacity * 4 { size *= 2 }
        for index in shards.indices { shards[index].slots = ContiguousArray(repeating: 0, count: size) }
    }

    var bytes: Int { shards.reduce(0) { $0 + $1.slots.count * 8 + 56 } }

    @inline(__always)
    private static func place(_ key: Key128) -> (shard: Int, fingerprint: UInt32) {
        (Int(truncatingIfNeeded: key.high >> 56), UInt32(truncatingIfNeeded: key.low))
    }

    /// The number of the record with a key. `matches` says whether the record with a number has it.
    @inline(__always)
    func find(_ key: Key128, _ matches: (UInt32) -> Bool) -> UInt32? {
        let (shard, fingerprint) = Self.place(key)
        return shards[shard].slots.withUnsafeBufferPointer { slots in
            let mask = slots.count - 1
            var slot = Int(fingerprint) & mask
            while true {
                let entry = slots[slot]
                if entry == 0 { return nil }
                if UInt32(truncatingIfNeeded: entry >> 32) == fingerprint {
                    let number = UInt32(truncatingIfNeeded: entry) &- 1
                    if matches(number) { return number }
                }
                slot = (slot &+ 1) & mask
            }
        }
    }

    /// Asks for the memory that ``find(_:_:)`` and ``guess(_:)`` will look at first.
    @inline(__always)
    func prefetch(_ key: Key128) {
        let (shard, fingerprint) = Self.place(key)
        shards[shard].slots.withUnsafeBufferPointer { slots in
            ff_prefetch(slots.baseAddress.map { $0 + (Int(fingerprint) & (slots.count - 1)) })
        }
    }

    /// The number of the first record that may well have a key: for asking for its memory.
    @inline(__always)
    func guess(_ key: Key128) -> UInt32? {
        find(key) { _ in true }
    }

    /// Adds a key that is not there.
    mutating func insert(_ key: Key128, _ number: UInt32) {
        let (index, fingerprint) = Self.place(key)
        if (shards[index].used + 1) * 4 > shards[index].slots.count * 3 { grow(index) }
        Self.put(UInt64(fingerprint) << 32 | UInt64(number &+ 1), &shards[index].slots)
        shards[index].used += 1
        count += 1
    }

    /// Removes the key of a record.
    mutating func remove(_ key: Key128, _ number: UInt32) {
        let (index, fingerprint) = Self.place(key)
        let entry = UInt64(fingerprint) << 32 | UInt64(number &+ 1)
        let mask = shards[index].slots.count - 1
        var hole = Int(fingerprint) & mask
        while shards[index].slots[hole] != entry {
            if shards[index].slots[hole] == 0 { return }
            hole = (hole + 1) & mask
        }
        // Entries behind the hole move up unless that would put them before their home.
        var next = (hole + 1) & mask
        while shards[index].slots[next] != 0 {
            let home = Int(truncatingIfNeeded: shards[index].slots[next] >> 32) & mask
            if (next - home) & mask >= (next - hole) & mask {
                shards[index].slots[hole] = shards[index].slots[next]
                hole = next
            }
            next = (next + 1) & mask
        }
        shards[index].slots[hole] = 0
        shards[index].used -= 1
        count -= 1
    }

    private static func put(_ entry: UInt64, _ slots: inout ContiguousArray<UInt64>) {
        let mask = slots.count - 1
        var slot = Int(truncatingIfNeeded: entry >> 32) & mask
        while slots[slot] != 0 { slot = (slot + 1) & mask }
        slots[slot] = entry
    }

    private mutating func grow(_ index: Int) {
        var slots = ContiguousArray<UInt64>(repeating: 0, count: shards[index].slots.count * 2)
        for entry in shards[index].slots where entry != 0 { Self.put(entry, &slots) }
        shards[index].slots = slots
    }
}
