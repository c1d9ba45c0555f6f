internal import Numerics

/// Training sessions as neighbour models look at them: which items a session has, where and when, and which sessions have
/// an item, the latest first. 12 bytes an entry and 24 a session.
struct SessionIndex: Sendable {
    /// Where each session's entries begin; one more than there are sessions.
    private(set) var offsets: [Int] = [0]
    /// Items of the sessions, each once a session.
    private(set) var items: [UInt32] = []
    /// The last place of each item in its session, counted from 1.
    private(set) var places: [UInt32] = []
    /// When each session ended, in milliseconds since the epoch; 0 where unknown.
    private(set) var ends: [Int64] = []
    /// Clicks of each session, repeats included.
    private(set) var lengths: [UInt32] = []
    /// Where each item's sessions begin; one more than there are items.
    private(set) var itemOffsets: [Int] = []
    /// Sessions of each item, the latest first.
    private(set) var itemSessions: [UInt32] = []

    var sessionCount: Int { offsets.count - 1 }
    var itemCount: Int { itemOffsets.count - 1 }

    /// Indexes sessions; entries that speak against their item are left out. O(entries).
    init(_ sessions: Histories) {
        let latestFirst = (0..<sessions.count).map { session -> (session: Int, end: Int64) in
            let places = sessions.places(of: session)
            return (session, sessions.times.isEmpty || places.isEmpty ? 0 : sessions.times[places.upperBound - 1])
        }.sorted { $0.end != $1.end ? $0.end > $1.end : $0.session > $1.session }
        var last = [UInt32](repeating: 0, count: sessions.itemCount)
        var counts = [Int](repeating: 0, count: sessions.itemCount + 1)
        for (session, end) in latestFirst {
            let run = sessions.places(of: session).filter { sessions.weights[$0] > 0 }
            guard !run.isEmpty else { continue }
            for (place, entry) in run.enumerated() { last[Int(sessions.items[entry])] = UInt32(place + 1) }
            for entry in run {
                let item = sessions.items[entry]
                guard last[Int(item)] > 0 else { continue }
                items.append(item)
                places.append(last[Int(item)])
                last[Int(item)] = 0
                counts[Int(item) + 1] += 1
            }
            offsets.append(items.count)
            ends.append(end)
            lengths.append(UInt32(run.count))
        }
        for item in 0..<sessions.itemCount { counts[item + 1] += counts[item] }
        itemOffsets = counts
        itemSessions = [UInt32](repeating: 0, count: items.count)
        for session in 0..<sessionCount {
            for entry in offsets[session]..<offsets[session + 1] {
                let item = Int(items[entry])
                itemSessions[counts[item]] = UInt32(session)
                counts[item] += 1
            }
        }
    }

    /// Sessions that have an item, the latest first.
    func sessions(of item: UInt32) -> ArraySlice<UInt32> {
        Int(item) < itemCount ? itemSessions[itemOffsets[Int(item)]..<itemOffsets[Int(item) + 1]] : []
    }

    /// The natural logarithm of sessions by sessions with the item.
    func rarity(of item: Int) -> Float {
        let count = itemOffsets[item + 1] - itemOffsets[item]
        return count == 0 ? 0 : (Float(sessionCount) / Float(count)).logarithm
    }
}
