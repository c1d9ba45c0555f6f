/// How many persons have an item: the same answer for everyone. The yardstick that every other model must beat.
public struct PopularityModel: ItemModel {
    public let name = "popularity"
    /// Persons of each item.
    public let counts: [Int]

    public var itemCount: Int { counts.count }

    /// Counts the persons of each item; entries that speak against their item do not count. O(entries).
    public init(_ histories: Histories) {
        var counts = [Int](repeating: 0, count: histories.itemCount)
        var last = [Int](repeating: -1, count: histories.itemCount)
        for person in 0..<histories.count {
            for place in histories.places(of: person) where histories.weights[place] > 0 {
                let item = Int(histories.items[place])
                guard last[item] != person else { continue }
                last[item] = person
                counts[item] += 1
            }
        }
        self.counts = counts
    }

    public func score(_ histories: Histories, into scores: UnsafeMutableBufferPointer<Float>) {
        for person in 0..<histories.count {
            for item in counts.indices { scores[person * itemCount + item] = Float(counts[item]) }
        }
    }
}
