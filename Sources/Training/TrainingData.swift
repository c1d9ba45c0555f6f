public import Models

/// What a tenant's log says about who had to do with what, and how it is split to measure models.
public struct TrainingData: Sendable {
    /// A person's dealings with an item.
    struct Entry: Sendable {
        var item: UInt32
        var weight: Float
        /// When they began and when they were last, in milliseconds since the epoch.
        var first: Int64
        var last: Int64
    }

    /// What entities the items' numbers stand for.
    public let items: ItemKeys
    /// Log position up to which it was read.
    public let position: Int64
    /// The newest interaction, in milliseconds since the epoch; 0 when there is none.
    public let newest: Int64
    /// Interactions read.
    public let rows: Int64
    /// Those of them that weigh something.
    public let interactions: Int64
    /// Days after which an interaction counts half.
    public let halfLifeDays: Double
    /// Whether there was more than the memory allowed, and the oldest was left out.
    public internal(set) var isCut = false

    /// The clicks of sessions of at least two, in order of their starts, over the same items.
    public internal(set) var sessions: Histories

    private var entries: [Entry] = []
    private var offsets = [0]

    /// Weights do not fall below this by their age, so that an old entry still says for or against.
    static let leastWeight: Float = 1e-6

    init(items: ItemKeys, position: Int64, newest: Int64, rows: Int64, interactions: Int64, halfLifeDays: Double) {
        self.items = items
        sessions = Histories(itemCount: items.count)
        self.position = position
        self.newest = newest
        self.rows = rows
        self.interactions = interactions
        self.halfLifeDays = halfLifeDays
    }

    /// Adds a person, oldest entry first.
    mutating func append(_ run: some Sequence<Entry>) {
        entries.append(contentsOf: run)
        if entries.count > (offsets.last ?? 0) { offsets.append(entries.count) }
    }

    /// A person's entries, oldest first.
    func run(of person: Int) -> ArraySlice<Entry> { entries[offsets[person]..<offsets[person + 1]] }

    /// Persons.
    public var persons: Int { offsets.count - 1 }
    /// Pairs of person and item.
    public var pairs: Int { entries.count }

    /// Everything, with times.
    public var histories: Histories { histories { Array($0) } }

    /// Everything before a moment, and what each person first had to do with from then on and that speaks for it, both in
    /// the order of persons; times are with them. What a person knew before does not count as new.
    public func split(at moment: Int64) -> (before: Histories, after: Histories) {
        (
            histories { run in
                run.filter { $0.first < moment }.map { entry in
                    var entry = entry
                    // The latest time lies on the other side; the first is the last that is known on this one.
                    if entry.last >= moment { entry.last = entry.first }
                    return entry
                }.sorted { $0.last < $1.last }
            },
            histories { run in run.filter { $0.first >= moment && $0.weight > 0 } }
        )
    }

    /// For persons who have at least three entries the last fifth of them, at least one, as what came after, where it
    /// speaks for its item; the rest as what was before.
    public func splitByPerson() -> (before: Histories, after: Histories) {
        func cut(_ count: Int) -> Int { count < 3 ? count : count - max(1, count / 5) }
        return (
            histories { run in Array(run.prefix(cut(run.count))) },
            histories { run in run.dropFirst(cut(run.count)).filter { $0.weight > 0 } }
        )
    }

    /// The sessions that began before a moment, and the others.
    func splitSessions(at moment: Int64) -> (before: Histories, after: Histories) {
        let boundary =
            (0..<sessions.count).first { sessions.times[sessions.places(of: $0).lowerBound] >= moment }
            ?? sessions.count
        return (sessions.slice(0..<boundary), sessions.slice(boundary..<sessions.count))
    }

    /// The moment before which a share of the pairs began.
    public func moment(ofShare share: Double) -> Int64 {
        guard !entries.isEmpty else { return 0 }
        let times = entries.map(\.first).sorted()
        return times[min(times.count - 1, max(0, Int(Double(times.count) * share)))]
    }

    /// Pairs that began at a moment or later, and how many of them have an item that `isKnown` does not know.
    public func news(since moment: Int64, isKnown: (UInt32) -> Bool) -> (pairs: Int, unknown: Int) {
        var (pairs, unknown) = (0, 0)
        for entry in entries where entry.first >= moment && entry.weight > 0 {
            pairs += 1
            if !isKnown(entry.item) { unknown += 1 }
        }
        return (pairs, unknown)
    }

    private func histories(_ choose: (ArraySlice<Entry>) -> [Entry]) -> Histories {
        var histories = Histories(itemCount: items.count)
        for person in 0..<persons {
            let run = choose(run(of: person))
            let last = Float(max(1, run.count - 1))
            histories.append(
                run.enumerated().map { place, entry in
                    Histories.Entry(
                        item: entry.item, weight: entry.weight,
                        position: run.count == 1 ? 1 : Float(place) / last, time: entry.last)
                })
        }
        return histories
    }
}
