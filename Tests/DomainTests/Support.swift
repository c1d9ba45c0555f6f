import Domain
import JSON
import Testing

/// SplitMix64: the same numbers from the same seed everywhere.
struct SeededGenerator: RandomNumberGenerator {
    var state: UInt64

    init(seed: UInt64) { state = seed }

    mutating func next() -> UInt64 {
        state &+= 0x9e37_79b9_7f4a_7c15
        var mixed = state
        mixed = (mixed ^ (mixed >> 30)) &* 0xbf58_476d_1ce4_e5b9
        mixed = (mixed ^ (mixed >> 27)) &* 0x94d0_49bb_1331_11eb
        return mixed ^ (mixed >> 31)
    }

    mutating func below(_ bound: Int) -> Int { Int(next() % UInt64(bound)) }
    mutating func pick<Element>(_ choices: [Element]) -> Element { choices[below(choices.count)] }
}

/// A document from its text.
func document(_ text: String) throws -> JSONValue { try JSONValue(parsing: text) }

/// The error that a body throws, if it throws.
func refusal(_ body: () throws(FootfallError) -> Void) -> FootfallError? {
    do throws(FootfallError) {
        try body()
        return nil
    } catch { return error }
}
