/// Which entities are over next, so that nobody has to look at all of them as time passes.
///
/// A change costs O(log n), and so does each end that is reached; 16 bytes for each entity that is over at some time, twice
/// that at most.
struct EndQueue: Sendable {
    /// An entity, and a moment at which it may be over, in milliseconds since the epoch.
    private struct End: Sendable {
        var at: Int64
        var entity: UInt32
    }

    /// A binary heap, the next end first. Ends that have been moved stay until they are reached or are half of all.
    private var heap: ContiguousArray<End> = []
    /// Entities with an end.
    private var count = 0

    /// When something has to be looked at; `Int64.max` for never.
    var next: Int64 { heap.first?.at ?? .max }

    /// Takes over that an entity is over at another time than before. It is looked at as soon as somebody asks.
    mutating func move(_ entity: UInt32, from old: Int64?, to new: Int64?) {
        guard old != new else { return }
        count += (new == nil ? 0 : 1) - (old == nil ? 0 : 1)
        push(End(at: .min, entity: entity))
        if let new { push(End(at: new, entity: entity)) }
    }

    /// The entities whose end is reached or has been changed; any may be there twice.
    mutating func reached(_ now: Int64, end: (UInt32) -> Int64?) -> ContiguousArray<UInt32> {
        var entities: ContiguousArray<UInt32> = []
        while let first = heap.first, first.at <= now {
            entities.append(first.entity)
            pop()
        }
        if heap.count > 2 * count + 64 {
            let held = Set(heap.map(\.entity))
            heap = []
            for entity in held {
                if let at = end(entity), at > now { push(End(at: at, entity: entity)) }
            }
        }
        return entities
    }

    private mutating func push(_ end: End) {
        heap.append(end)
        var place = heap.count - 1
        while place > 0, heap[place].at < heap[(place - 1) / 2].at {
            heap.swapAt(place, (place - 1) / 2)
            place = (place - 1) / 2
        }
    }

    private mutating func pop() {
        heap.swapAt(0, heap.count - 1)
        heap.removeLast()
        var place = 0
        while true {
            var least = place
            for child in [2 * place + 1, 2 * place + 2] where child < heap.count && heap[child].at < heap[least].at {
                least = child
            }
            if least == place { return }
            heap.swapAt(place, least)
            place = least
        }
    }
}
