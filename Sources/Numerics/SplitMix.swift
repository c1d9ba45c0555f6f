/// A small random number generator of fixed outcome (SplitMix64, Steele et al. 2014): the same seed gives the same numbers
/// on every machine. Not for secrets.
public struct SplitMix: RandomNumberGenerator, Sendable {
    private var state: UInt64

    /// A generator that starts at a seed.
    public init(seed: UInt64) { state = seed }

    public mutating func next() -> UInt64 {
        state &+= 0x9E37_79B9_7F4A_7C15
        var mixed = state
        mixed = (mixed ^ (mixed >> 30)) &* 0xBF58_476D_1CE4_E5B9
        mixed = (mixed ^ (mixed >> 27)) &* 0x94D0_49BB_1331_11EB
        return mixed ^ (mixed >> 31)
    }

    /// A number of the standard normal distribution (Box and Muller).
    public mutating func nextNormal() -> Double {
        let radius = (-2 * Double.random(in: Double.leastNormalMagnitude..<1, using: &self).logarithm).squareRoot()
        return radius * Double.random(in: 0..<(2 * .pi), using: &self).cosine
    }
}
