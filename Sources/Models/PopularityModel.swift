internal import Numerics

/// Popularity, the same for everybody: for each item the sum of its entries' weights, each entry halved with every half-life
/// of age.
///
/// s_i = max(0, Σ over entries of the item of w · 2^(−age / halfLife)), age being counted from the latest time known. Without
/// a half-life, or where times are not known, nothing decays. (The trending score of Footfall's plan is this over a window.)
/// Costs an addition an entry to fit, and a copy a request.
public struct PopularityModel: ItemModel {
    /// Hyper-parameters.
    public struct Parameters: Sendable, Hashable {
        /// Milliseconds in which an entry loses half of what it counts; `nil`: entries do not age.
        public var halfLife: Double?
        /// The most that one person's entries of an item count together: one person alone makes nothing popular.
        public var mostPerPerson: Float = .greatestFiniteMagnitude

        /// The defaults.
        public init() {}
    }

    public let name: String
    /// What each item scores; 0 for items that nobody touched or that people turned away from.
    public let popularity: [Float]

    public var itemCount: Int { popularity.count }

    /// Counts histories.
    public init(_ histories: Histories, _ parameters: Parameters = Parameters()) {
        var sums = [Double](repeating: 0, count: histories.itemCount)
        let halfLife = parameters.halfLife.flatMap { $0 > 0 && $0.isFinite ? $0 : nil }
        let latest = halfLife == nil ? nil : histories.times.max()
        name = latest == nil ? "popularity" : "decayed popularity"
        let most = Double(max(0, parameters.mostPerPerson))
        var own: [UInt32: Double] = [:]
        for person in 0..<histories.count {
            own.removeAll(keepingCapacity: true)
            for place in histories.places(of: person) {
                var weight = Double(histories.weights[place])
                if let halfLife, let latest {
                    // Times of any two years apart still subtract without overflow in floating point.
                    let age = Double(latest) - Double(histories.times[place])
                    weight *= Double(Float(-age / halfLife * Double.logarithmOfTwo).exponential)
                }
                own[histories.items[place], default: 0] += weight
            }
            for (item, weight) in own { sums[Int(item)] += min(most, weight) }
        }
        popularity = sums.map { Float(min(Double(Float.greatestFiniteMagnitude), max(0, $0))) }
    }

    public func score(_ histories: Histories, into scores: UnsafeMutableBufferPointer<Float>) {
        for person in 0..<histories.count {
            for item in popularity.indices { scores[person * itemCount + item] = popularity[item] }
        }
    }
}

extension Double {
    /// ln 2.
    fileprivate static let logarithmOfTwo = 0.693_147_180_559_945_3
}
