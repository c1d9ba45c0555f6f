internal import Domain

/// Recent sessions by key: a hash table with open addressing and linear probing in 256 segments by the first byte of the
/// key, up to ``perKey`` sessions a key, each in a slot of its own. 56 bytes a slot, 75 to 120 bytes a session. One thread.
final class SessionTable {
    /// A session as the sessioniser needs it.
    struct Session: Equatable {
        var key: Key128
        var id: SessionID
        /// Times of its first and last interaction, in milliseconds.
        var start: Int64
        var last: Int64
        /// When the server last received an interaction of it, in milliseconds.
        var seen: Int64

        static let free = Session(key: .none, id: SessionID(high: 0, low: 0), start: 0, last: 0, seen: 0)

        /// How long before or after the session a moment lies; 0 within.
        @inline(__always)
        func distance(to moment: Int64) -> Int64 {
            if moment < start { return start &- moment }
            return moment > last ? moment &- last : 0
        }
    }

    private struct Segment {
        var slots: UnsafeMutablePointer<Session>?
        var capacity: UInt32 = 0
        var count: UInt32 = 0
    }

    /// How many sessions of one key are remembered.
    static let perKey = 4
    static let segmentCount = 256
    private static let smallest: UInt32 = 4

    private let segments: UnsafeMutablePointer<Segment>
    @exclusivity(unchecked)
    private var slotCount = 0
    @exclusivity(unchecked)
    private(set) var count = 0

    init() {
        segments = .allocate(capacity: SessionTable.segmentCount)
        segments.initialize(repeating: Segment(), count: SessionTable.segmentCount)
    }

    deinit {
        for index in 0..<SessionTable.segmentCount { segments[index].slots?.deallocate() }
        segments.deallocate()
    }

    var memoryBytes: Int {
        slotCount * MemoryLayout<Session>.stride + SessionTable.segmentCount * MemoryLayout<Segment>.stride
    }

    @inline(__always)
    private static func home(_ key: Key128, _ capacity: UInt32) -> Int {
        Int(truncatingIfNeeded: ((key.low >> 32) &* UInt64(capacity)) >> 32)
    }

    @inline(__always)
    private static func segment(_ key: Key128) -> Int { Int(truncatingIfNeeded: key.high >> 56) }

    /// Loads the place of a key into the cache, without waiting for it unless the result is used.
    @inline(__always)
    func touch(_ key: Key128) -> UInt64 {
        let segment = segments[SessionTable.segment(key)]
        guard let slots = segment.slots else { return 0 }
        return slots[SessionTable.home(key, segment.capacity)].key.low
    }

    /// The session of a key that is nearest to a moment and less than `reach` away; of equals the later one.
    /// The pointer is valid until the table next changes.
    @inline(__always)
    func nearest(_ key: Key128, to moment: Int64, reach: Int64) -> UnsafeMutablePointer<Session>? {
        var found: UnsafeMutablePointer<Session>?
        var best = reach
        var start = Int64.min
        forEach(key) { session in
            let distance = session.pointee.distance(to: moment)
            if distance < best || (distance == best && found != nil && session.pointee.start > start) {
                best = distance
                start = session.pointee.start
                found = session
            }
        }
        return found
    }

    /// The session with a key and an id.
    @inline(__always)
    func session(_ key: Key128, _ id: SessionID) -> UnsafeMutablePointer<Session>? {
        var found: UnsafeMutablePointer<Session>?
        forEach(key) { if $0.pointee.id == id { found = $0 } }
        return found
    }

    @inline(__always)
    private func forEach(_ key: Key128, _ body: (UnsafeMutablePointer<Session>) -> Void) {
        let segment = segments[SessionTable.segment(key)]
        guard let slots = segment.slots else { return }
        var slot = SessionTable.home(key, segment.capacity)
        while !slots[slot].key.isNone {
            if slots[slot].key == key { body(slots + slot) }
            slot += 1
            if slot == Int(segment.capacity) { slot = 0 }
        }
    }

    /// Adds a session. Returns the one that had to go because its key has too many: the one that ended first.
    func insert(_ session: Session) -> Session? {
        var held = 0
        var oldest: Session?
        forEach(session.key) { other in
            held += 1
            let other = other.pointee
            if oldest.map({ (other.last, other.start, other.id.high) < ($0.last, $0.start, $0.id.high) }) ?? true {
                oldest = other
            }
        }
        var evicted: Session?
        if held >= SessionTable.perKey, let oldest {
            remove(oldest.key, oldest.id)
            evicted = oldest
        }
        let index = SessionTable.segment(session.key)
        if segments[index].count &* 4 >= segments[index].capacity &* 3 { resize(index, to: enlarged(index)) }
        if let slots = segments[index].slots {
            SessionTable.put(session, slots, segments[index].capacity)
            segments[index].count += 1
            count += 1
        }
        return evicted
    }

    private static func put(_ session: Session, _ slots: UnsafeMutablePointer<Session>, _ capacity: UInt32) {
        var slot = home(session.key, capacity)
        while !slots[slot].key.isNone {
            slot += 1
            if slot == Int(capacity) { slot = 0 }
        }
        slots[slot] = session
    }

    /// Spreads the segments' later capacities evenly, so that they do not all grow together.
    private func enlarged(_ index: Int) -> UInt32 {
        switch segments[index].capacity {
        case 0: SessionTable.smallest
        case ..<64: 64 + UInt32(index / 8)
        case let size: size + size / 2
        }
    }

    private func resize(_ index: Int, to capacity: UInt32) {
        let old = segments[index]
        let slots = UnsafeMutablePointer<Session>.allocate(capacity: Int(capacity))
        slots.initialize(repeating: .free, count: Int(capacity))
        if let held = old.slots {
            for slot in 0..<Int(old.capacity) where !held[slot].key.isNone {
                SessionTable.put(held[slot], slots, capacity)
            }
            held.deallocate()
        }
        segments[index].slots = slots
        segments[index].capacity = capacity
        slotCount += Int(capacity) - Int(old.capacity)
    }

    /// Makes room for sessions with these keys in an empty table. Without it, sessions that come in the order of another
    /// table's slots crowd the beginning of each smaller segment.
    func reserve(forKeys keys: some Sequence<Key128>) {
        var counts = [Int](repeating: 0, count: SessionTable.segmentCount)
        for key in keys { counts[SessionTable.segment(key)] += 1 }
        for (index, count) in counts.enumerated() where count > 0 && segments[index].slots == nil {
            resize(index, to: UInt32(clamping: max(Int(SessionTable.smallest), count * 3 / 2 + 1)))
        }
    }

    /// Takes a session out; the ones behind it move up.
    func remove(_ key: Key128, _ id: SessionID) {
        let index = SessionTable.segment(key)
        guard let slots = segments[index].slots, let found = session(key, id) else { return }
        empty(found - slots, slots, segments[index].capacity)
        segments[index].count -= 1
        count -= 1
    }

    private func empty(_ slot: Int, _ slots: UnsafeMutablePointer<Session>, _ capacity: UInt32) {
        var hole = slot
        var next = hole
        while true {
            next += 1
            if next == Int(capacity) { next = 0 }
            if slots[next].key.isNone { break }
            let home = SessionTable.home(slots[next].key, capacity)
            // The one at `next` may fill the hole unless its home lies between them, cyclically.
            let staysBehind = hole <= next ? (home > hole && home <= next) : (home > hole || home <= next)
            if staysBehind { continue }
            slots[hole] = slots[next]
            hole = next
        }
        slots[hole] = .free
    }

    /// Removes the sessions of one segment that were last seen before a moment, and gives back memory when three
    /// quarters of it lie idle.
    func sweep(segment index: Int, seenBefore moment: Int64) {
        guard let slots = segments[index].slots else { return }
        let capacity = segments[index].capacity
        var slot = 0
        while slot < Int(capacity) {
            if !slots[slot].key.isNone, slots[slot].seen < moment {
                // Another may have moved into its place.
                empty(slot, slots, capacity)
                segments[index].count -= 1
                count -= 1
            } else {
                slot += 1
            }
        }
        if capacity > 128, segments[index].count < capacity / 4 { resize(index, to: max(64, capacity / 2)) }
    }

    /// Calls `body` with every session.
    func forEach(_ body: (Session) -> Void) {
        for index in 0..<SessionTable.segmentCount {
            guard let slots = segments[index].slots else { continue }
            for slot in 0..<Int(segments[index].capacity) where !slots[slot].key.isNone { body(slots[slot]) }
        }
    }
}
