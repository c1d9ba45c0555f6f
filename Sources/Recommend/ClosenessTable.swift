internal import Live

/// How closely entities go with what was done: for each the sum over actions, and which action adds most.
///
/// Two dozen bytes an entity, because a request meets a thousand of them and takes two hundred: as whole candidates they
/// cost more to move about than to find.
struct ClosenessTable {
    struct Entry: BitwiseCopyable {
        var entity: UInt32
        /// Place of the action that adds most; the first of those that add the same.
        var place: Int32
        var closeness: Double
        /// What that action adds.
        var share: Double
    }

    private(set) var entries: ContiguousArray<Entry> = []
    private var slots: ContiguousArray<Int32>

    init(capacity: Int) {
        var size = 64
        while size < capacity * 2, size < 4096 { size *= 2 }
        slots = ContiguousArray(repeating: -1, count: size)
        entries.reserveCapacity(min(capacity, 2048))
    }

    /// Adds what an action says of an entity.
    @inline(__always)
    mutating func add(_ entity: UInt32, _ closeness: Double, place: Int) {
        let mask = slots.count - 1
        var slot = Int((entity &* 0x9e37_79b9) >> 8) & mask
        while slots[slot] >= 0 {
            let known = Int(slots[slot])
            if entries[known].entity == entity {
                entries[known].closeness += closeness
                if closeness > entries[known].share {
                    entries[known].share = closeness
                    entries[known].place = Int32(truncatingIfNeeded: place)
                }
                return
            }
            slot = (slot + 1) & mask
        }
        slots[slot] = Int32(truncatingIfNeeded: entries.count)
        entries.append(
            Entry(entity: entity, place: Int32(truncatingIfNeeded: place), closeness: closeness, share: closeness))
        if entries.count * 2 > slots.count { grow() }
    }

    private mutating func grow() {
        slots = ContiguousArray(repeating: -1, count: slots.count * 2)
        let mask = slots.count - 1
        for (place, entry) in entries.enumerated() {
            var slot = Int((entry.entity &* 0x9e37_79b9) >> 8) & mask
            while slots[slot] >= 0 { slot = (slot + 1) & mask }
            slots[slot] = Int32(truncatingIfNeeded: place)
        }
    }
}

extension CandidatePool {
    /// Adds the closest that are not ruled out, at most ``SourceRequest/most``. Those that are there already are spoken for
    /// without taking a place.
    mutating func add(
        closest table: ClosenessTable, _ origin: Origin, _ actions: ContiguousArray<Evidence.Weighted>,
        _ request: SourceRequest
    ) {
        func candidate(_ entry: ClosenessTable.Entry) -> Candidate {
            var candidate = Candidate(entity: entry.entity, origin: origin)
            candidate.closeness = entry.closeness
            candidate.becauseShare = entry.share
            candidate.because = actions[Int(entry.place)].action
            return candidate
        }
        var fresh: ContiguousArray<ClosenessTable.Entry> = []
        fresh.reserveCapacity(table.entries.count)
        let isFirst = candidates.isEmpty
        for entry in table.entries {
            if !isFirst, contains(entry.entity) {
                add(candidate(entry))
            } else if request.excluded.isEmpty || !request.excluded.contains(entry.entity) {
                fresh.append(entry)
            }
        }
        fresh.keep(request.most) {
            $0.closeness != $1.closeness ? $0.closeness > $1.closeness : $0.entity < $1.entity
        }
        for entry in fresh { add(candidate(entry)) }
    }
}
