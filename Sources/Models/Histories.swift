/// What people did, as models learn from it: for each person the items, oldest first.
///
/// For models that treat a history as a set each item stands once in a person's run (at its latest place, with the summed
/// weight); for models of sequences, such as those of sessions, it may stand again.
public struct Histories: Sendable, Equatable {
    /// Where each person's run begins; one more than there are persons.
    public private(set) var offsets: [Int] = [0]
    /// Number of the item of each entry, below ``itemCount``.
    public private(set) var items: [UInt32] = []
    /// How much each entry counts: the sum of its interactions' plan weights, decayed. Below 0 it speaks against the item.
    public private(set) var weights: [Float] = []
    /// How late in its person's run each entry lies: 0 the oldest, 1 the latest, ``unknownPosition`` where nobody knows.
    public private(set) var positions: [Float] = []
    /// Milliseconds since the epoch of each entry; empty where times are not known.
    public private(set) var times: [Int64] = []
    /// Items of the catalogue that the numbers stand for.
    public let itemCount: Int

    /// The place of an entry whose place in its run is not known. Such entries stand before the others of a run.
    public static let unknownPosition: Float = -1

    /// Persons.
    public var count: Int { offsets.count - 1 }

    /// Nobody yet, over a catalogue of `itemCount` items.
    public init(itemCount: Int) {
        self.itemCount = itemCount
    }

    /// An entry of a run.
    public struct Entry: Sendable, Equatable {
        /// Number of the item.
        public var item: UInt32
        /// How much it counts.
        public var weight: Float
        /// How late it lies in the run, 0…1, or ``Histories/unknownPosition``.
        public var position: Float
        /// Milliseconds since the epoch, or `nil`.
        public var time: Int64?

        /// An entry that counts 1, of unknown place, unless told otherwise.
        public init(item: UInt32, weight: Float = 1, position: Float = Histories.unknownPosition, time: Int64? = nil) {
            self.item = item
            self.weight = weight
            self.position = position
            self.time = time
        }
    }

    /// The greatest weight, either way: products of two and sums of millions stay far from the infinite.
    public static let greatestWeight: Float = 1e9

    /// Adds a person's run as it stands. Items that the catalogue does not have, and weights that are no numbers, are left
    /// out; weights beyond ``greatestWeight`` are cut to it.
    public mutating func append(_ run: some Sequence<Entry>) {
        for entry in run where Int(entry.item) < itemCount && entry.weight.isFinite {
            items.append(entry.item)
            weights.append(max(-Histories.greatestWeight, min(Histories.greatestWeight, entry.weight)))
            positions.append(entry.position)
            if let time = entry.time, times.count == items.count - 1 { times.append(time) }
        }
        offsets.append(items.count)
        if times.count != items.count { times.removeAll() }
    }

    /// Adds a person's items, oldest first, each counting 1, placed evenly from 0 to 1.
    public mutating func append(ordered run: some Collection<UInt32>) {
        append(run.enumerated().map { Entry(item: $1, position: Histories.position($0, of: run.count)) })
    }

    /// Place from 0 (oldest) to 1 (latest) of one of `count` entries, evenly; of a lone one 1.
    @inlinable
    public static func position(_ place: Int, of count: Int) -> Float {
        count == 1 ? 1 : Float(place) / Float(max(1, count - 1))
    }

    /// The places of a person's entries.
    @inlinable
    public func places(of person: Int) -> Range<Int> { offsets[person]..<offsets[person + 1] }

    /// A person's items, oldest first.
    public func items(of person: Int) -> ArraySlice<UInt32> { items[places(of: person)] }

    /// A person's entries, oldest first.
    public func entries(of person: Int) -> [Entry] {
        places(of: person).map { place in
            Entry(
                item: items[place], weight: weights[place], position: positions[place],
                time: times.isEmpty ? nil : times[place])
        }
    }

    /// The persons of a range, in a matrix of their own.
    public func slice(_ persons: Range<Int>) -> Histories {
        var slice = Histories(itemCount: itemCount)
        for person in persons { slice.append(entries(of: person)) }
        return slice
    }

    /// The same as sets: entries by number of the item, of unknown place and time.
    public var withoutOrder: Histories {
        var sets = Histories(itemCount: itemCount)
        for person in 0..<count {
            sets.append(Histories.withoutOrder(entries(of: person)))
        }
        return sets
    }

    /// Entries by number of the item, of unknown place and time.
    static func withoutOrder(_ run: [Entry]) -> [Entry] {
        run.map { Entry(item: $0.item, weight: $0.weight) }.sorted { $0.item < $1.item }
    }
}
