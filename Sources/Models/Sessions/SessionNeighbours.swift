/// Training sessions that share items with a session.
struct SessionNeighbours {
    /// A session that shares items.
    struct Neighbour {
        /// Its number in the index.
        var session: Int
        /// Sum of the weights of the shared items.
        var weight: Float
        /// The shared item that stands latest in the session asked about.
        var shared: UInt32
    }

    /// Distinct items of a session that are looked at: its latest.
    static let longestSession = 20

    /// The sessions of `index` that share one of the latest items of `session`, the latest `perItem` of each item. `weigh`
    /// is given how many clicks lie behind an item: 0 for the last. O(f log f), f being what is found, at most
    /// 20 · `perItem`.
    static func find(
        _ session: [UInt32], in index: SessionIndex, perItem: Int, _ weigh: (_ later: Int) -> Float
    ) -> [Neighbour] {
        var items: [UInt32] = []
        var weights: [Float] = []
        for (later, item) in session.reversed().enumerated() where !items.contains(item) {
            items.append(item)
            weights.append(weigh(later))
            if items.count == longestSession { break }
        }
        // Session above, place of the item below: in order, what belongs together stands together, the latest item first.
        var found: [UInt64] = []
        for (place, item) in items.enumerated() {
            for neighbour in index.sessions(of: item).prefix(perItem) {
                found.append(UInt64(neighbour) << 32 | UInt64(place))
            }
        }
        if items.count > 1 { found.sort() }
        var neighbours: [Neighbour] = []
        neighbours.reserveCapacity(found.count)
        for pair in found {
            let session = Int(pair >> 32)
            let place = Int(pair & 0xFFFF_FFFF)
            if neighbours.last?.session == session {
                neighbours[neighbours.count - 1].weight += weights[place]
            } else {
                neighbours.append(Neighbour(session: session, weight: weights[place], shared: items[place]))
            }
        }
        return neighbours
    }
}
