/// An exact amount of some currency, at least 0: up to 15 digits before the point and 6 after it when read; sums may be
/// longer. Adds and compares as whole millionths, and keeps as many places as it was written with.
public struct Money: Sendable, Hashable {
    /// Millionths.
    public let millionths: Int128
    /// Places after the point that it is shown with, 0 to 6.
    public let places: Int

    /// Nothing.
    public static let zero = Money(millionths: 0, places: 0)

    private static let greatestPlaces = 6
    private static let greatestDigits = 15

    private init(millionths: Int128, places: Int) {
        self.millionths = millionths
        self.places = places
    }

    /// Reads decimal text such as `12.50`; `nil` for a sign, an exponent or more digits than it takes.
    public init?(_ text: some StringProtocol) {
        var value: Int128 = 0
        var (digits, places) = (0, 0)
        var isPastPoint = false
        for byte in text.utf8 {
            if byte == 46, !isPastPoint, digits > 0 {
                isPastPoint = true
                continue
            }
            guard (48...57).contains(byte) else { return nil }
            if isPastPoint { places += 1 } else { digits += 1 }
            guard digits <= Money.greatestDigits, places <= Money.greatestPlaces else { return nil }
            value = value * 10 + Int128(byte - 48)
        }
        guard digits > 0, !isPastPoint || places > 0 else { return nil }
        for _ in places..<Money.greatestPlaces { value *= 10 }
        self.init(millionths: value, places: places)
    }

    /// Reads text that ``description`` has written, however long its sum has grown.
    public init?(stored text: String) {
        let parts = text.split(separator: ".", omittingEmptySubsequences: false)
        guard (1...2).contains(parts.count), let whole = Int128(parts[0]), whole >= 0 else { return nil }
        let fraction = parts.count == 2 ? parts[1] : ""
        guard fraction.utf8.count <= Money.greatestPlaces, fraction.utf8.allSatisfy({ (48...57).contains($0) }) else {
            return nil
        }
        let padded = fraction + String(repeating: "0", count: Money.greatestPlaces - fraction.utf8.count)
        let (scaled, overflow) = whole.multipliedReportingOverflow(by: 1_000_000)
        guard !overflow, let rest = Int128(padded) else { return nil }
        self.init(millionths: scaled &+ rest, places: fraction.utf8.count)
    }

    /// Whether it is nothing.
    public var isZero: Bool { millionths == 0 }

    /// The sum, with the places of the longer one; stays at the greatest amount rather than overflow.
    public static func + (left: Money, right: Money) -> Money {
        let (sum, overflow) = left.millionths.addingReportingOverflow(right.millionths)
        return Money(millionths: overflow ? .max : sum, places: Swift.max(left.places, right.places))
    }

    /// So many of them; stays at the greatest amount rather than overflow.
    public static func * (left: Money, count: Int64) -> Money {
        let (product, overflow) = left.millionths.multipliedReportingOverflow(by: Int128(Swift.max(0, count)))
        return Money(millionths: overflow ? .max : product, places: left.places)
    }

    /// One of `count` equal parts, rounded half up to its own places, two at least.
    public func divided(by count: Int64) -> Money {
        guard count > 0 else { return self }
        let places = Swift.max(2, self.places)
        var unit: Int128 = 1
        for _ in places..<Money.greatestPlaces { unit *= 10 }
        let units = millionths / unit
        // Whole units of the last place; what is below one of them counts towards the rounding.
        let divisor = Int128(count)
        let quotient = units / divisor
        let isHalf = (units % divisor) * 2 + (millionths % unit > 0 ? 1 : 0) >= divisor
        return Money(millionths: (quotient + (isHalf ? 1 : 0)) * unit, places: places)
    }

    /// Whether two amounts are the same, however many zeros they end with.
    public func equals(_ other: Money) -> Bool { millionths == other.millionths }
}

extension Money: CustomStringConvertible {
    /// Decimal text with ``places`` digits after the point.
    public var description: String {
        let whole = String(millionths / 1_000_000)
        guard places > 0 else { return whole }
        let rest = String(millionths % 1_000_000)
        let fraction = String(repeating: "0", count: Money.greatestPlaces - rest.utf8.count) + rest
        return "\(whole).\(fraction.prefix(places))"
    }
}
