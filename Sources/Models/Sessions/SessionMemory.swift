internal import Numerics

/// What a session recommender is made from, in the form in which it is stored: the sessions (item and time of each click;
/// nothing of who it was) and what was chosen. 12 bytes a click. The models are made from it anew when it is put into
/// service, O(clicks · steps + items · 10⁴).
public struct SessionMemory: Sendable, Equatable {
    /// The sessions, in order of their starts.
    public let sessions: Histories
    /// What was chosen for them.
    public let choice: SessionRecommender.Choice

    private static let magic: UInt32 = 0x3153_4646

    /// Sessions with what was chosen.
    public init(_ sessions: Histories, _ choice: SessionRecommender.Choice) {
        self.sessions = sessions
        self.choice = choice
    }

    /// The models.
    public var recommender: SessionRecommender { SessionRecommender(sessions, choice) }

    /// Bytes: "FFS1", items, sessions, clicks, what was chosen; offsets, items, times (0 where they are not known).
    public func encoded() -> [UInt8] {
        var bytes = ByteSink()
        bytes.put(SessionMemory.magic)
        bytes.put(UInt64(sessions.itemCount))
        bytes.put(UInt64(sessions.count))
        bytes.put(UInt64(sessions.items.count))
        for number in numbers { bytes.put(number.bitPattern) }
        for offset in sessions.offsets { bytes.put(UInt64(offset)) }
        for item in sessions.items { bytes.put(item) }
        for place in sessions.items.indices { bytes.put(sessions.times.isEmpty ? 0 : sessions.times[place]) }
        return bytes.bytes
    }

    private var numbers: [Float] {
        choice.weights + [
            choice.ownShare, choice.neighbours.lengthExponent, choice.neighbours.power, choice.stan.ownClicks,
            choice.stan.days,
        ]
    }

    /// Reads what ``encoded()`` wrote. Every length and index is checked.
    public init(decoding bytes: [UInt8]) throws(ModelError) {
        let broken = ModelError(.unreadable, "the bytes are no sessions of a known version; train anew")
        let weights = SessionRecommender.componentNames.count
        var source = ByteSource(bytes)
        guard source.take(UInt32.self) == SessionMemory.magic,
            let items = source.take(UInt64.self).flatMap(Int.init(exactly:)), items <= Int(UInt32.max),
            let count = source.take(UInt64.self).flatMap(Int.init(exactly:)), count < Int.max,
            let clicks = source.take(UInt64.self).flatMap(Int.init(exactly:)),
            let chosen = source.take(UInt32.self, weights + 5)?.map({ Float(bitPattern: $0) }),
            chosen.allSatisfy({ $0.isFinite && $0 >= 0 }),
            let offsets = source.take(UInt64.self, count + 1),
            let run = source.take(UInt32.self, clicks), let times = source.take(Int64.self, clicks),
            source.isAtEnd, offsets.first == 0, offsets.last == UInt64(clicks),
            zip(offsets, offsets.dropFirst()).allSatisfy({ $0 <= $1 }), run.allSatisfy({ Int($0) < items })
        else { throw broken }
        var sessions = Histories(itemCount: items)
        for session in 0..<count {
            sessions.append(ordered: (Int(offsets[session])..<Int(offsets[session + 1])).map { (run[$0], times[$0]) })
        }
        var choice = SessionRecommender.Choice()
        choice.weights = Array(chosen[..<weights])
        choice.ownShare = chosen[weights]
        (choice.neighbours.lengthExponent, choice.neighbours.power) = (chosen[weights + 1], chosen[weights + 2])
        (choice.stan.ownClicks, choice.stan.days) = (chosen[weights + 3], chosen[weights + 4])
        self.init(sessions, choice)
    }
}

extension Histories {
    /// Adds a session's clicks with their times, oldest first, placed evenly from 0 to 1.
    public mutating func append(ordered clicks: [(item: UInt32, time: Int64)]) {
        append(
            clicks.enumerated().map { place, click in
                Entry(item: click.item, position: Histories.position(place, of: clicks.count), time: click.time)
            })
    }
}
