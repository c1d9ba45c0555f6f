internal import Domain

/// The keys received lately: a hash table with open addressing and linear probing, in 256 segments by the first byte of
/// the key. Each segment grows by half when it is full, and no two at the same moment, so that no insertion ever pays
/// for more than one segment. A slot is 24 bytes; 30 to 48 bytes a key, 38 on average.
///
/// The writer thread changes it until it is handed over for sealing; from then on nobody changes it and any thread reads.
final class RecentKeys: @unchecked Sendable {
    struct Slot {
        var low: UInt64
        var high: UInt64
        var time: Int64

        @inline(__always) var isFree: Bool { low == 0 && high == 0 }
        @inline(__always)
        static func isBefore(_ first: Slot, _ second: Slot) -> Bool {
            first.high != second.high ? first.high < second.high : first.low < second.low
        }
        static let free = Slot(low: 0, high: 0, time: 0)
    }

    /// What was found where a key belongs. Valid until the table next changes.
    struct Place {
        fileprivate var segment: Int
        fileprivate var slot: Int
        /// When the key was received, if it is there.
        var time: Int64?
    }

    private struct Segment {
        var slots: UnsafeMutablePointer<Slot>?
        var capacity: UInt32 = 0
        var count: UInt32 = 0
    }

    static let segmentCount = 256
    private static let smallest = 8

    private let segments: UnsafeMutablePointer<Segment>
    @exclusivity(unchecked)
    private var slotCount = 0
    /// How many keys it holds.
    @exclusivity(unchecked)
    private(set) var count = 0
    /// The earliest and latest time ever stored in it.
    @exclusivity(unchecked)
    private(set) var earliest = Int64.max
    @exclusivity(unchecked)
    private(set) var latest = Int64.min
    /// The log positions whose rows it holds.
    var ranges = PositionRanges()

    init() {
        segments = .allocate(capacity: RecentKeys.segmentCount)
        segments.initialize(repeating: Segment(), count: RecentKeys.segmentCount)
    }

    deinit {
        for index in 0..<RecentKeys.segmentCount { segments[index].slots?.deallocate() }
        segments.deallocate()
    }

    /// Memory of the slots, in bytes.
    var memoryBytes: Int {
        slotCount * MemoryLayout<Slot>.stride + RecentKeys.segmentCount * MemoryLayout<Segment>.stride
    }

    @inline(__always)
    private static func home(_ low: UInt64, _ capacity: UInt32) -> Int {
        Int(truncatingIfNeeded: ((low >> 32) &* UInt64(capacity)) >> 32)
    }

    /// Loads the place of a key into the cache, without waiting for it unless the result is used.
    @inline(__always)
    func touch(_ key: Key128) -> UInt64 {
        let segment = segments[Int(truncatingIfNeeded: key.high >> 56)]
        guard let slots = segment.slots else { return 0 }
        return slots[RecentKeys.home(key.low, segment.capacity)].low
    }

    /// Looks for a key: one cache miss as a rule.
    @inline(__always)
    func find(_ key: Key128) -> Place {
        let index = Int(truncatingIfNeeded: key.high >> 56)
        let segment = segments[index]
        guard let slots = segment.slots else { return Place(segment: index, slot: -1, time: nil) }
        let capacity = Int(segment.capacity)
        var slot = RecentKeys.home(key.low, segment.capacity)
        while true {
            let held = slots[slot]
            if held.low == key.low && held.high == key.high {
                return Place(segment: index, slot: slot, time: held.time)
            }
            if held.isFree { return Place(segment: index, slot: slot, time: nil) }
            slot += 1
            if slot == capacity { slot = 0 }
        }
    }

    /// Stores a key, or gives it a new time, where ``find(_:)`` has just looked.
    @inline(__always)
    func store(_ key: Key128, time: Int64, at place: Place) {
        earliest = min(earliest, time)
        latest = max(latest, time)
        let index = place.segment
        if place.time != nil {
            segments[index].slots?[place.slot].time = time
            return
        }
        var slot = place.slot
        // At most three quarters full.
        if segments[index].count &* 4 >= segments[index].capacity &* 3 {
            grow(index)
            slot = find(key).slot
        }
        segments[index].slots?[slot] = Slot(low: key.low, high: key.high, time: time)
        segments[index].count += 1
        count += 1
    }

    /// Takes a key out again; the ones behind it move up.
    func remove(_ key: Key128) {
        let place = find(key)
        guard place.time != nil, let slots = segments[place.segment].slots else { return }
        let capacity = segments[place.segment].capacity
        var hole = place.slot
        var next = hole
        while true {
            next += 1
            if next == Int(capacity) { next = 0 }
            let held = slots[next]
            if held.isFree { break }
            let home = RecentKeys.home(held.low, capacity)
            // The one at `next` may fill the hole unless its home lies between them, cyclically.
            let staysBehind = hole <= next ? (home > hole && home <= next) : (home > hole || home <= next)
            if staysBehind { continue }
            slots[hole] = held
            hole = next
        }
        slots[hole] = .free
        segments[place.segment].count -= 1
        count -= 1
    }

    private func grow(_ index: Int) {
        let old = segments[index]
        let capacity: Int
        switch Int(old.capacity) {
        case 0: capacity = RecentKeys.smallest
        // Spreads the segments' later capacities evenly, so that they do not all grow together.
        case ..<64: capacity = 64 + index / 8
        case let size: capacity = size + size / 2
        }
        let slots = UnsafeMutablePointer<Slot>.allocate(capacity: capacity)
        slots.initialize(repeating: .free, count: capacity)
        if let held = old.slots {
            for position in 0..<Int(old.capacity) where !held[position].isFree {
                var slot = RecentKeys.home(held[position].low, UInt32(capacity))
                while !slots[slot].isFree {
                    slot += 1
                    if slot == capacity { slot = 0 }
                }
                slots[slot] = held[position]
            }
            held.deallocate()
        }
        segments[index].slots = slots
        segments[index].capacity = UInt32(capacity)
        slotCount += capacity - Int(old.capacity)
    }

    /// Calls `body` with every key in order of (high, low), a segment at a time, so that the copy being sorted is small.
    func sorted<Failure: Error>(_ body: (Slot) throws(Failure) -> Void) throws(Failure) {
        var sorted: [Slot] = []
        var ends: [Int] = []
        for index in 0..<RecentKeys.segmentCount {
            sort(segments[index], &sorted, &ends)
            for slot in sorted { try body(slot) }
        }
    }

    /// Keys are hashes and so spread evenly: each goes to a place by its leading bits, where it has a neighbour or two to be
    /// compared with. Five times faster than sorting by comparison; keys that are not spread only make it slower.
    private func sort(_ segment: Segment, _ sorted: inout [Slot], _ ends: inout [Int]) {
        sorted.removeAll(keepingCapacity: true)
        guard let slots = segment.slots, segment.count > 0 else { return }
        let bits = Int.bitWidth - Int(segment.count).leadingZeroBitCount
        // The first byte is the segment's.
        let shift = UInt64(56 - bits)
        let mask = (1 << bits) - 1
        let held = UnsafeBufferPointer(start: slots, count: Int(segment.capacity))
        ends.removeAll(keepingCapacity: true)
        ends.append(contentsOf: repeatElement(0, count: mask + 1))
        for slot in held where !slot.isFree { ends[Int(truncatingIfNeeded: slot.high >> shift) & mask] += 1 }
        var end = 0
        var most = 0
        for place in ends.indices {
            most = max(most, ends[place])
            end += ends[place]
            ends[place] = end
        }
        sorted.append(contentsOf: repeatElement(.free, count: end))
        for slot in held where !slot.isFree {
            let place = Int(truncatingIfNeeded: slot.high >> shift) & mask
            ends[place] -= 1
            sorted[ends[place]] = slot
        }
        // What is left are the orders within the places.
        if most > 64 { return sorted.sort(by: Slot.isBefore) }
        for index in sorted.indices.dropFirst() where Slot.isBefore(sorted[index], sorted[index - 1]) {
            let slot = sorted[index]
            var hole = index
            while hole > 0, Slot.isBefore(slot, sorted[hole - 1]) {
                sorted[hole] = sorted[hole - 1]
                hole -= 1
            }
            sorted[hole] = slot
        }
    }
}
