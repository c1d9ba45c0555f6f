internal import CSimdJSON

/// The exact decimal value of a JSON number, read from its source text without allocation.
///
/// The value is `0.d₁d₂…dₙ × 10^magnitude` with `d₁` and `dₙ` not zero; zero has no digits. Valid as long as the text is.
public struct JSONDecimal {
    /// Whether the number is below zero; never for zero.
    public let isNegative: Bool
    /// How many digits there are from the first to the last that is not zero.
    public let digitCount: Int
    /// The power of ten just above the number; exponents beyond 10^15 are cut off there.
    public let magnitude: Int
    // From the first significant digit to past the last one, possibly with a point between.
    private let digits: UnsafeRawBufferPointer

    private static let exponentLimit = 1_000_000_000_000_000

    /// The value of a number's view; `nil` for other kinds.
    public init?(_ view: JSONView) {
        guard view.isNumber else { return nil }
        self.init(numberText: view.raw)
    }

    /// Reads a number in JSON's grammar; other text gives an unspecified value, never a trap.
    public init(numberText text: UnsafeRawBufferPointer) {
        var index = 0
        let negative = text.first == UInt8(ascii: "-")
        if negative { index = 1 }
        var integerDigits = 0  // digits before the point, from the first significant one on
        var leadingZeros = 0  // zeros between the point and the first significant digit
        var count = 0
        var trailingZeros = 0
        var pastPoint = false
        var first = -1
        var last = -1
        while index < text.count {
            let byte = text[index]
            if byte == UInt8(ascii: ".") {
                pastPoint = true
            } else if byte >= UInt8(ascii: "0"), byte <= UInt8(ascii: "9") {
                let isZero = byte == UInt8(ascii: "0")
                if first < 0, isZero {
                    if pastPoint { leadingZeros += 1 }
                } else {
                    if first < 0 { first = index }
                    count += 1
                    trailingZeros = isZero ? trailingZeros + 1 : 0
                    if !isZero { last = index }
                    if !pastPoint { integerDigits += 1 }
                }
            } else {
                break
            }
            index += 1
        }
        guard first >= 0, last >= first else {
            isNegative = false
            digitCount = 0
            magnitude = 0
            digits = UnsafeRawBufferPointer(start: nil, count: 0)
            return
        }
        isNegative = negative
        digitCount = count - trailingZeros
        magnitude = (integerDigits > 0 ? integerDigits : -leadingZeros) + Self.exponent(text, from: index)
        digits = UnsafeRawBufferPointer(rebasing: text[first...last])
    }

    private static func exponent(_ text: UnsafeRawBufferPointer, from start: Int) -> Int {
        var index = start + 1
        guard index < text.count else { return 0 }
        let negative = text[index] == UInt8(ascii: "-")
        if negative || text[index] == UInt8(ascii: "+") { index += 1 }
        var value = 0
        while index < text.count {
            if value < exponentLimit { value = value * 10 + Int(text[index] & 0x0F) }
            index += 1
        }
        return negative ? -value : value
    }

    /// Whether the value is 0, of either sign.
    public var isZero: Bool { digitCount == 0 }

    /// Whether the value has no fraction.
    public var isInteger: Bool { magnitude >= digitCount }

    /// How many digits after the point the value needs; 0 for integers.
    public var scale: Int { Swift.max(0, digitCount - magnitude) }

    /// The value as an `Int64` where it is exactly one.
    public var int64: Int64? {
        guard isInteger else { return nil }
        guard magnitude <= 19 else { return isZero ? 0 : nil }
        var value: Int64 = 0
        for digit in significantDigits {
            guard let next = Self.append(digit, to: value, negative: isNegative) else { return nil }
            value = next
        }
        for _ in digitCount..<Swift.max(digitCount, magnitude) {
            guard let next = Self.append(0, to: value, negative: isNegative) else { return nil }
            value = next
        }
        return value
    }

    private static func append(_ digit: UInt8, to value: Int64, negative: Bool) -> Int64? {
        let (scaled, overflow) = value.multipliedReportingOverflow(by: 10)
        let (sum, carry) =
            negative
            ? scaled.subtractingReportingOverflow(Int64(digit)) : scaled.addingReportingOverflow(Int64(digit))
        return overflow || carry ? nil : sum
    }

    /// The significant digits from the highest on, each 0…9.
    public var significantDigits: Digits { Digits(remaining: digits) }

    /// A number's digits, highest first.
    public struct Digits: Sequence, IteratorProtocol {
        fileprivate var remaining: UnsafeRawBufferPointer
        fileprivate var index = 0

        fileprivate init(remaining: UnsafeRawBufferPointer) {
            self.remaining = remaining
        }

        /// The next lower digit.
        public mutating func next() -> UInt8? {
            guard index < remaining.count else { return nil }
            if remaining[index] == UInt8(ascii: ".") { index += 1 }
            guard index < remaining.count else { return nil }
            defer { index += 1 }
            return remaining[index] &- UInt8(ascii: "0")
        }
    }

    /// Exact order of two values: negative, zero or positive as `a` is below, equal to or above `b`.
    public static func compare(_ a: JSONDecimal, _ b: JSONDecimal) -> Int {
        if a.isZero || b.isZero {
            let signOfA = a.isZero ? 0 : a.isNegative ? -1 : 1
            let signOfB = b.isZero ? 0 : b.isNegative ? -1 : 1
            return signOfA - signOfB
        }
        guard a.isNegative == b.isNegative else { return a.isNegative ? -1 : 1 }
        let order = compareMagnitudes(a, b)
        return a.isNegative ? -order : order
    }

    /// Whether a double is written with this value: as its shortest text, which need not be all of its digits.
    func isWritten(as double: Double) -> Bool {
        withUnsafeTemporaryAllocation(of: CChar.self, capacity: 32) { buffer in
            guard double.isFinite, let start = buffer.baseAddress else { return false }
            let count = footfall_json_write_double(double, start)
            let text = UnsafeRawBufferPointer(start: start, count: count)
            return JSONDecimal.compare(self, JSONDecimal(numberText: text)) == 0
        }
    }

    private static func compareMagnitudes(_ a: JSONDecimal, _ b: JSONDecimal) -> Int {
        guard a.magnitude == b.magnitude else { return a.magnitude < b.magnitude ? -1 : 1 }
        var left = a.significantDigits
        var right = b.significantDigits
        while true {
            switch (left.next(), right.next()) {
            case (nil, nil): return 0
            case (nil, _): return -1
            case (_, nil): return 1
            case (let x?, let y?) where x != y: return x < y ? -1 : 1
            default: continue
            }
        }
    }
}
