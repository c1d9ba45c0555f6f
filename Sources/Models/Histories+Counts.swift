extension Histories {
    /// How many persons have a history at all: who is only tested stands among the persons without one.
    public var activeCount: Int { (0..<count).count { !places(of: $0).isEmpty } }

    /// How many persons have each item; entries that speak against their item do not count. O(entries).
    public var personCounts: [Int] {
        var counts = [Int](repeating: 0, count: itemCount)
        var last = [Int](repeating: -1, count: itemCount)
        for person in 0..<count {
            for place in places(of: person) where weights[place] > 0 {
                let item = Int(items[place])
                guard last[item] != person else { continue }
                last[item] = person
                counts[item] += 1
            }
        }
        return counts
    }
}
