public import Numerics

/// How much more the late part of a history counts than the early part:
/// e^(growth · r) · (n + 1)^(−fall), r being the place in the history from 0 (oldest) to 1 (latest) and n the number of
/// entries that are later.
public struct Recency: Sendable, Hashable, Codable {
    /// Growth along the history; 0 none.
    public var growth: Float
    /// Fall with each later entry; 0 none.
    public var fall: Float

    /// A weighting; none unless told otherwise.
    public init(growth: Float = 0, fall: Float = 0) {
        self.growth = growth
        self.fall = fall
    }

    /// All entries count the same.
    public static let none = Recency()

    /// The weight of an entry at place `position`, 0…1, that `later` entries follow. A place that is not known counts as
    /// the middle.
    @inlinable
    public func weight(position: Float, later: Int) -> Float {
        var weight: Float = 1
        if growth != 0 { weight = (growth * (position < 0 ? 0.5 : position)).exponential }
        if fall != 0 { weight *= Float(later + 1).raised(to: -fall) }
        return weight
    }

    /// The weights of a person's entries, made to sum up to 1 by size; entries that speak against their item stay below 0.
    public func profile(of person: Int, in histories: Histories) -> [Float] {
        let places = histories.places(of: person)
        var profile = places.map { place in
            let position = histories.positions[place]
            return histories.weights[place]
                * weight(
                    position: position, later: position < 0 ? places.count / 2 : places.upperBound - 1 - place)
        }
        let sum = profile.reduce(0) { $0 + abs($1) }
        if sum > 0 { for place in profile.indices { profile[place] /= sum } }
        return profile
    }
}
