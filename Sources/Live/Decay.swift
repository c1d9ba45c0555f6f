/// Exponential decay without a clock. What an interaction weighs is kept as `2^((t − start)/h)` relative to the start of
/// its bucket, which time never changes and which cannot overflow; the bucket's own start is brought in by ``Factors``
/// when buckets are summed.
///
/// Only additions, multiplications and the powers of two below are used, so that every machine gets the same bits.
struct Decay: Sendable {
    /// Half-life in hours.
    let halfLife: Double
    private let minutes: ContiguousArray<Double>
    private let seconds: ContiguousArray<Double>
    private let rate: Double

    init(halfLife: Double) {
        self.halfLife = halfLife
        minutes = ContiguousArray((0..<60).map { powerOfTwo(Double($0) / 60 / halfLife) })
        seconds = ContiguousArray((0..<60).map { powerOfTwo(Double($0) / 3600 / halfLife) })
        rate = 0.693_147_180_559_945_309_4 / (halfLife * 3_600_000)
    }

    /// Weight of a moment relative to the start of its minute; milliseconds 0..<60,000.
    @inline(__always)
    func inMinute(_ milliseconds: Int) -> Double {
        let second = milliseconds / 1000
        let z = Double(milliseconds - second * 1000) * rate
        return seconds[second] * (1 + z * (1 + z / 2 * (1 + z / 3 * (1 + z / 4))))
    }

    /// Weight of the start of a minute relative to the start of its hour; 0..<60.
    @inline(__always)
    func minuteInHour(_ minute: Int) -> Double { minutes[minute] }
}

/// 2^x within two units in the last place; 0 and infinity beyond the range.
func powerOfTwo(_ x: Double) -> Double {
    guard x > -1100 else { return 0 }
    guard x < 1100 else { return .infinity }
    let whole = x.rounded()
    let z = (x - whole) * 0.693_147_180_559_945_309_4
    // Taylor series of e^z for |z| ≤ 0.35: the terms from the 15th on are below 2^-60.
    var sum = 1.0
    var divisor = 14.0
    while divisor >= 1 {
        sum = 1 + z / divisor * sum
        divisor -= 1
    }
    return scaled(sum, Int(whole))
}

@inline(__always)
private func scaled(_ value: Double, _ exponent: Int) -> Double {
    Double(sign: .plus, exponent: exponent, significand: value)
}

/// What the start of each bucket weighs, in units of `2^shift` half-lives since 2020. The shift is whole, so that the
/// bits of a sum's significand do not depend on it: scores compare alike whenever they were computed.
struct Factors: Sendable {
    let halfLife: Double
    /// Whole half-lives from the anchor to the unit.
    let shift: Int
    private let hourBase: Int32
    private let hours: ContiguousArray<Double>
    private let minuteBase: Int32
    private let minutes: ContiguousArray<Double>

    /// 2020-01-01T00:00:00Z in hours since the epoch: near enough for the fraction to be exact to 2^-35 and better.
    private static let anchor: Int64 = 438_288

    /// Factors for the buckets around `hour` and `minute` (the newest that can have any).
    init(halfLife: Double, shift: Int, hour: Int32, minute: Int32) {
        self.halfLife = halfLife
        self.shift = shift
        hourBase = Slots.back(hour, 760)
        minuteBase = Slots.back(minute, 140)
        let (firstHour, firstMinute) = (Int64(hourBase), Int64(minuteBase))
        hours = ContiguousArray(
            (0..<Int64(820)).map { index in
                Self.factor(Double(firstHour + index - Self.anchor) / halfLife, shift)
            })
        minutes = ContiguousArray(
            (0..<Int64(260)).map { index in
                Self.factor(Double(firstMinute + index - Self.anchor * 60) / 60 / halfLife, shift)
            })
    }

    private static func factor(_ x: Double, _ shift: Int) -> Double {
        let whole = x.rounded(.down)
        return scaled(powerOfTwo(x - whole), Int(whole) - shift)
    }

    /// Half-lives from the anchor to a moment, rounded down.
    static func halfLives(_ milliseconds: Int64, _ halfLife: Double) -> Int {
        Int(exponent(milliseconds, halfLife).rounded(.down))
    }

    private static func exponent(_ milliseconds: Int64, _ halfLife: Double) -> Double {
        (Double(milliseconds) / 3_600_000 - Double(anchor)) / halfLife
    }

    /// Whether every bucket that can be live is covered.
    func covers(hour: Int32, minute: Int32) -> Bool {
        hour >= hourBase && hour - hourBase >= 725 && hour - hourBase < 815
            && minute >= minuteBase && minute - minuteBase >= 130 && minute - minuteBase < 190
    }

    /// Factor of an hour's bucket; 0 for one outside.
    @inline(__always)
    func hour(_ slot: Int32) -> Double {
        let index = Int(slot) - Int(hourBase)
        return index >= 0 && index < hours.count ? hours[index] : 0
    }

    /// Factor of a minute's bucket; 0 for one outside.
    @inline(__always)
    func minute(_ slot: Int32) -> Double {
        let index = Int(slot) - Int(minuteBase)
        return index >= 0 && index < minutes.count ? minutes[index] : 0
    }

    /// A sum in these units as a score at a moment.
    func score(_ sum: Double, at now: Int64) -> Double {
        let x = Self.exponent(now, halfLife)
        let whole = x.rounded(.down)
        let score = scaled(sum * powerOfTwo(whole - x), shift - Int(whole))
        return min(max(score, -.greatestFiniteMagnitude), .greatestFiniteMagnitude)
    }
}
