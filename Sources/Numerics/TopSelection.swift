/// The `capacity` greatest of a stream of (index, value), in O(log capacity) an addition that counts.
///
/// Equal values go to the smaller index, so that the result does not depend on the order of arrival. What is not a number is
/// passed over.
public struct TopSelection: Sendable {
    /// An index with its value.
    public struct Entry: Sendable, Equatable {
        /// What was scored.
        public var index: UInt32
        /// Its score.
        public var value: Float

        /// An entry.
        public init(index: UInt32, value: Float) {
            self.index = index
            self.value = value
        }

        /// Whether it stands behind another.
        @inlinable
        func isBehind(_ other: Entry) -> Bool {
            value != other.value ? value < other.value : index > other.index
        }
    }

    @usableFromInline var heap: [Entry] = []
    @usableFromInline let capacity: Int

    /// A selection of at most `capacity`.
    public init(capacity: Int) {
        self.capacity = max(0, capacity)
        heap.reserveCapacity(self.capacity)
    }

    /// The value that a newcomer must reach; minus infinity while there is room.
    @inlinable
    public var threshold: Float { heap.count < capacity ? -.infinity : heap.first?.value ?? .infinity }

    /// Takes an entry if it is among the greatest.
    @inlinable
    public mutating func add(_ index: UInt32, _ value: Float) {
        guard value >= threshold, !value.isNaN else { return }
        let entry = Entry(index: index, value: value)
        if heap.count < capacity {
            heap.append(entry)
            var place = heap.count - 1
            while place > 0 {
                let parent = (place - 1) / 2
                guard heap[place].isBehind(heap[parent]) else { break }
                heap.swapAt(place, parent)
                place = parent
            }
        } else if let least = heap.first, least.isBehind(entry) {
            heap[0] = entry
            sink()
        }
    }

    @usableFromInline
    mutating func sink() {
        var place = 0
        while true {
            var least = place
            for child in (2 * place + 1)...(2 * place + 2)
            where child < heap.count && heap[child].isBehind(heap[least]) {
                least = child
            }
            guard least != place else { return }
            heap.swapAt(place, least)
            place = least
        }
    }

    /// The greatest, best first.
    public func sorted() -> [Entry] { heap.sorted { $1.isBehind($0) } }

    /// The greatest, in no order.
    public var unsorted: [Entry] { heap }

    /// Forgets everything.
    public mutating func removeAll() { heap.removeAll(keepingCapacity: true) }
}
