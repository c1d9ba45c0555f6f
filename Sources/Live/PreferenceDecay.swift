internal import Domain

/// Decay of preferences and neighbours: a weight at time t is kept as `weight · 2^((t − 2020-01-01) / 30 days)`, which
/// the passing of time does not touch. Moments before 1946 and after 2093 count as of then, so that no sum overflows.
/// Only additions, multiplications and powers of two: every machine gets the same bits.
struct PreferenceDecay: Sendable {
    /// Half-life in hours.
    static let halfLife: Int64 = 720
    /// 2020-01-01T00:00:00Z in hours since the epoch.
    static let anchor: Int64 = 438_288
    /// Hours from the anchor beyond which nothing decays.
    static let reach: Int64 = 900 * halfLife

    private let within = Decay(halfLife: Double(halfLife))
    private let hours = ContiguousArray((0..<halfLife).map { powerOfTwo(Double($0) / Double(halfLife)) })

    /// What a moment weighs, in milliseconds since the epoch.
    @inline(__always)
    func factor(_ moment: Int64) -> Double {
        let hour = Timestamp.floorDivide(moment, 3_600_000)
        let distance = hour &- Self.anchor
        guard hour > -Self.reach, distance >= -Self.reach else { return scale(-900) }
        guard distance < Self.reach else { return scale(900) }
        let inHour = Int(truncatingIfNeeded: moment &- hour &* 3_600_000)
        let minute = inHour / 60_000
        let whole = Timestamp.floorDivide(distance, Self.halfLife)
        return hours[Int(distance - whole * Self.halfLife)] * within.minuteInHour(minute)
            * within.inMinute(inHour - minute * 60_000) * scale(whole)
    }

    @inline(__always)
    private func scale(_ exponent: Int64) -> Double { Double(bitPattern: UInt64(exponent + 1023) << 52) }
}

/// log2 x of a finite number above 0, within a few units in the last place, the same bits everywhere.
func binaryLogarithm(_ x: Double) -> Double {
    var exponent = Double(x.exponent)
    var significand = x.significand
    if significand > 1.414_213_562_373_095 {
        significand /= 2
        exponent += 1
    }
    // ln m = 2 artanh z; |z| ≤ 0.1716, so that the terms from z^25 on are below 2^-60.
    let z = (significand - 1) / (significand + 1)
    let square = z * z
    var sum = 0.0
    var divisor = 23.0
    while divisor >= 1 {
        sum = 1 / divisor + square * sum
        divisor -= 2
    }
    return exponent + 2 * z * sum * 1.442_695_040_888_963_4
}

/// A usual price: the weighted geometric mean `2^(Σ w·log2 p / Σ w)` of the prices of what was interacted with, w the
/// decayed weights of the interactions above 0. In one currency: weights of another wear the sum down (the mean stays as
/// it is) and take over once they are the greater ones.
struct PriceSum: Sendable, BitwiseCopyable {
    /// Σ w, decayed as ``PreferenceDecay`` has it.
    var weight = 0.0
    /// Σ w · log2 p.
    var logarithms = 0.0
    /// Three letters in the low bytes; 0 for none.
    var currency: UInt32 = 0
    /// How many interactions there were in this currency since it took over.
    var count: UInt32 = 0

    @inline(__always)
    mutating func add(_ logarithm: Double, _ currency: UInt32, _ amount: Double) {
        if currency != self.currency {
            if weight > amount {
                logarithms *= (weight - amount) / weight
                weight -= amount
                return
            }
            self = PriceSum()
            self.currency = currency
        }
        weight += amount
        logarithms += amount * logarithm
        if count < .max { count += 1 }
    }

    /// The mean; `nil` before the first.
    var mean: Double? {
        guard weight > 0 else { return nil }
        let mean = powerOfTwo(logarithms / weight)
        return mean.isFinite ? mean : nil
    }
}

/// Currency codes as numbers.
enum Currency {
    /// 0 for none.
    static func number(_ code: String?) -> UInt32 {
        var number: UInt32 = 0
        for byte in (code ?? "").utf8.prefix(3) { number = number << 8 | UInt32(byte) }
        return number
    }

    /// `nil` for 0, and for what is no text.
    static func code(_ number: UInt32) -> String? {
        if number == 0 { return nil }
        // Three letters, without a piece of memory for them: every entity on a list has one.
        if number & 0x0080_8080 == 0, number >> 16 & 0xff != 0, number >> 8 & 0xff != 0, number & 0xff != 0 {
            return String(unsafeUninitializedCapacity: 3) { buffer in
                for place in 0..<3 { buffer[place] = UInt8(truncatingIfNeeded: number >> UInt32(16 - 8 * place)) }
                return 3
            }
        }
        let bytes = [number >> 16, number >> 8, number].map { UInt8(truncatingIfNeeded: $0) }.filter { $0 != 0 }
        return String(validating: bytes, as: UTF8.self)
    }
}
