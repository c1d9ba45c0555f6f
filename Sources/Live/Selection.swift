/// Order of a list: score descending, then entity type, then id.
@inline(__always)
func precedes(_ left: Ranked, _ right: Ranked, _ core: borrowing LiveCore) -> Bool {
    left.value != right.value ? left.value > right.value : core.precedes(left.entity, right.entity)
}

/// Puts entries in the order of a list.
func sort(_ entries: inout ContiguousArray<Ranked>, _ core: borrowing LiveCore) {
    entries.sort { precedes($0, $1, core) }
}

/// The best of many, in a heap whose root is the worst kept.
struct Selection: Sendable {
    private let places: Int
    private var heap: ContiguousArray<Ranked> = []
    /// Whether there was no place for some.
    var hasLeftOut = false

    init(places: Int) { self.places = places }

    /// What there is still a place for must be worth.
    @inline(__always) var least: Double { heap.count < places ? -.infinity : heap[0].value }

    mutating func offer(_ entry: Ranked, _ core: borrowing LiveCore) {
        if heap.count < places {
            heap.append(entry)
            var child = heap.count - 1
            while child > 0 {
                let parent = (child - 1) / 2
                guard precedes(heap[parent], heap[child], core) else { break }
                heap.swapAt(parent, child)
                child = parent
            }
            return
        }
        hasLeftOut = true
        guard precedes(entry, heap[0], core) else { return }
        heap[0] = entry
        var parent = 0
        while true {
            var worst = parent
            for child in 2 * parent + 1...2 * parent + 2 where child < heap.count {
                if precedes(heap[worst], heap[child], core) { worst = child }
            }
            if worst == parent { return }
            heap.swapAt(parent, worst)
            parent = worst
        }
    }

    func sorted(_ core: borrowing LiveCore) -> ContiguousArray<Ranked> {
        var entries = heap
        sort(&entries, core)
        return entries
    }
}
