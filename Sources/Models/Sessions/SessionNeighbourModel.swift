internal import Numerics

/// What the sessions most like this one have: vector multiplication session nearest neighbours (V-SkNN; Ludewig and
/// Jannach 2018), with short neighbours preferred.
///
/// An item that `d` clicks follow weighs w = 1 / log10(d + 1.7). The likeness of a training session s is
/// r = Σ w over the shared items / (clicks · (|s| + 3)^``Parameters/lengthExponent``). Each of the
/// ``Parameters/neighbours`` likest adds r^``Parameters/power`` · (1 + ln(sessions / sessions with j)) to each item j that
/// it has. With a length exponent of 0 and a power of 2 it is V-SkNN as published.
public struct SessionNeighbourModel: SessionModel {
    /// Hyper-parameters.
    public struct Parameters: Sendable, Hashable {
        /// k: sessions that have a say.
        public var neighbours = 1_000
        /// Sessions of each item that are looked at: the latest.
        public var perItem = 1_000
        /// How little long sessions count.
        public var lengthExponent: Float = 0.5
        /// How much more the likest count.
        public var power: Float = 3

        /// The defaults.
        public init() {}
    }

    public let name = "session-neighbours"
    private let index: SessionIndex
    private let parameters: Parameters
    private let rarities: [Float]
    private let lengthFactors: [Float]

    public var itemCount: Int { index.itemCount }

    /// Indexes sessions. O(entries).
    public init(_ sessions: Histories, _ parameters: Parameters = .init()) {
        self.init(SessionIndex(sessions), parameters)
    }

    init(_ index: SessionIndex, _ parameters: Parameters) {
        self.index = index
        self.parameters = parameters
        rarities = (0..<index.itemCount).map { 1 + index.rarity(of: $0) }
        lengthFactors = (0..<index.sessionCount).map {
            Float(index.offsets[$0 + 1] - index.offsets[$0] + 3).raised(to: -parameters.lengthExponent)
        }
    }

    public func score(_ session: [UInt32], at time: Int64?, into scores: inout SessionScores) {
        let neighbours = SessionNeighbours.find(session, in: index, perItem: parameters.perItem) {
            1 / (Float($0) + 1.7).logarithm
        }
        var selection = TopSelection(capacity: parameters.neighbours)
        for (place, neighbour) in neighbours.enumerated() {
            selection.add(UInt32(place), neighbour.weight * lengthFactors[neighbour.session])
        }
        for entry in selection.unsorted {
            let neighbour = neighbours[Int(entry.index)]
            let weight = entry.value.raised(to: parameters.power)
            for place in index.offsets[neighbour.session]..<index.offsets[neighbour.session + 1] {
                let item = index.items[place]
                scores.add(item, weight * rarities[Int(item)])
            }
        }
    }
}
