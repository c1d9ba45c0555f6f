internal import Numerics

/// Sequence and time aware neighbourhood (STAN; Garg et al. 2019).
///
/// An item that `d` clicks follow weighs e^(−d / ``Parameters/ownClicks``). The likeness of a training session s is the sum
/// over the shared items / √(clicks · |s|), times e^(−age / ``Parameters/days``). Each of the ``Parameters/neighbours`` likest
/// adds to each of its items its likeness times e^(−g / ``Parameters/theirClicks``), g being the clicks in s between that
/// item and the shared one that stands latest here.
public struct SequenceTimeNeighbourModel: SessionModel {
    /// Hyper-parameters.
    public struct Parameters: Sendable, Hashable {
        /// k: sessions that have a say.
        public var neighbours = 500
        /// Sessions of each item that are looked at: the latest.
        public var perItem = 1_000
        /// λ1: clicks of the session after which an item counts 1/e.
        public var ownClicks: Float = 1.02
        /// λ2: days after which a training session counts 1/e.
        public var days: Float = 5
        /// λ3: clicks of the training session after which an item counts 1/e.
        public var theirClicks: Float = 2.05

        /// The defaults.
        public init() {}
    }

    public let name = "stan"
    private let index: SessionIndex
    private let parameters: Parameters
    private let lengthFactors: [Float]
    /// e^(−g / λ3) of the first gaps; what lies further counts nothing.
    private let gapFactors: [Float]

    public var itemCount: Int { index.itemCount }

    /// Indexes sessions. O(entries).
    public init(_ sessions: Histories, _ parameters: Parameters = .init()) {
        self.init(SessionIndex(sessions), parameters)
    }

    init(_ index: SessionIndex, _ parameters: Parameters) {
        self.index = index
        self.parameters = parameters
        lengthFactors = (0..<index.sessionCount).map {
            1 / Float(index.offsets[$0 + 1] - index.offsets[$0]).squareRoot()
        }
        gapFactors = (0..<64).map { (-Float($0) / max(0.01, parameters.theirClicks)).exponential }
    }

    public func score(_ session: [UInt32], at time: Int64?, into scores: inout SessionScores) {
        let neighbours = SessionNeighbours.find(session, in: index, perItem: parameters.perItem) {
            (-Float($0) / parameters.ownClicks).exponential
        }
        let now = time ?? index.ends.first ?? 0
        var selection = TopSelection(capacity: parameters.neighbours)
        for (place, neighbour) in neighbours.enumerated() {
            let days = Float(max(0, now - index.ends[neighbour.session])) / 86_400_000
            selection.add(
                UInt32(place),
                neighbour.weight * lengthFactors[neighbour.session] * (-days / parameters.days).exponential)
        }
        for entry in selection.unsorted {
            let neighbour = neighbours[Int(entry.index)]
            let places = index.offsets[neighbour.session]..<index.offsets[neighbour.session + 1]
            guard let shared = places.first(where: { index.items[$0] == neighbour.shared }) else { continue }
            for place in places {
                let gap = abs(Int(index.places[place]) - Int(index.places[shared]))
                if gap < gapFactors.count { scores.add(index.items[place], entry.value * gapFactors[gap]) }
            }
        }
    }
}
