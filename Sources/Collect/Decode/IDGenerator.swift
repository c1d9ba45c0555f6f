/// Makes UUIDs of version 7 (time-ordered, RFC 9562) for interactions that came without an id. One per thread.
struct IDGenerator {
    private var state: (UInt64, UInt64, UInt64, UInt64)

    /// Seeded from the system's source of random numbers.
    init() {
        var system = SystemRandomNumberGenerator()
        state = (system.next(), system.next(), system.next(), system.next() | 1)
    }

    // xoshiro256**, Blackman and Vigna: ids must be unique, not secret.
    private mutating func next() -> UInt64 {
        let product = state.1 &* 5
        let result = ((product << 7) | (product >> 57)) &* 9
        let shifted = state.1 << 17
        state.2 ^= state.0
        state.3 ^= state.1
        state.1 ^= state.2
        state.0 ^= state.3
        state.2 ^= shifted
        state.3 = (state.3 << 45) | (state.3 >> 19)
        return result
    }

    /// Writes the 36 characters of a new id to the end of `bytes`.
    mutating func append(to bytes: inout [UInt8], at milliseconds: Int64) {
        let high = (UInt64(truncatingIfNeeded: milliseconds) << 16) | 0x7000 | (next() & 0x0fff)
        let low = 0x8000_0000_0000_0000 | (next() >> 2)
        for (half, dashes) in [(high, [8, 12]), (low, [0, 4])] {
            for digit in 0..<16 {
                if dashes.contains(digit) { bytes.append(45) }
                let nibble = UInt8(truncatingIfNeeded: half >> UInt64(60 - digit * 4)) & 15
                bytes.append(nibble < 10 ? 48 + nibble : 87 + nibble)
            }
        }
    }
}
