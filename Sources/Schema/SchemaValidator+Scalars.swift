internal import JSON

extension SchemaValidator {
    mutating func number(_ node: UnsafeMutablePointer<SchemaNode>, _ index: SchemaIndex, _ value: JSONView) -> Bool {
        let node = node.pointee
        if node.minimum >= 0, NumberOrder.compare(value, program.numbers[Int(node.minimum)]) < 0 {
            return fail("minimum", index, value)
        }
        if node.maximum >= 0, NumberOrder.compare(value, program.numbers[Int(node.maximum)]) > 0 {
            return fail("maximum", index, value)
        }
        if node.exclusiveMinimum >= 0, NumberOrder.compare(value, program.numbers[Int(node.exclusiveMinimum)]) <= 0 {
            return fail("exclusiveMinimum", index, value)
        }
        if node.exclusiveMaximum >= 0, NumberOrder.compare(value, program.numbers[Int(node.exclusiveMaximum)]) >= 0 {
            return fail("exclusiveMaximum", index, value)
        }
        if node.multipleOf >= 0, !DecimalMultiple.isMultiple(value, of: program.numbers[Int(node.multipleOf)]) {
            return fail("multipleOf", index, value)
        }
        return true
    }

    mutating func string(_ node: UnsafeMutablePointer<SchemaNode>, _ index: SchemaIndex, _ value: JSONView) -> Bool {
        let text = value.textUnchecked
        let minLength = node.pointee.minLength
        let maxLength = node.pointee.maxLength
        // A code point has one to four bytes, which decides most lengths without counting.
        if minLength > 0, text.count / 4 < minLength {
            guard text.count >= minLength, Self.codePoints(text) >= minLength else {
                return fail("minLength", index, value)
            }
        }
        if text.count > maxLength, Self.codePoints(text) > maxLength { return fail("maxLength", index, value) }
        if node.pointee.format != .none, !node.pointee.format.matches(text) { return fail("format", index, value) }
        if node.pointee.pattern >= 0, !program.patterns[Int(node.pointee.pattern)].matches(text) {
            return fail("pattern", index, value)
        }
        return true
    }

    private static func codePoints(_ text: UnsafeRawBufferPointer) -> Int {
        var count = 0
        for byte in text where byte & 0xC0 != 0x80 { count &+= 1 }
        return count
    }
}

/// The order of numbers by their exact value.
enum NumberOrder {
    /// Negative, zero or positive as the value is below, equal to or above the bound.
    @inline(__always)
    static func compare(_ value: JSONView, _ bound: NumberConstant) -> Int {
        if value.kind == .integer, bound.isInt64 {
            let number = value.int64 ?? 0
            return number < bound.int64 ? -1 : number > bound.int64 ? 1 : 0
        }
        return compareDoubles(value, value.double ?? 0, bound.view, bound.double)
    }

    /// The order of two numbers.
    static func compare(_ a: JSONView, _ b: JSONView) -> Int {
        if a.kind == .integer, b.kind == .integer {
            let (x, y) = (a.int64 ?? 0, b.int64 ?? 0)
            return x < y ? -1 : x > y ? 1 : 0
        }
        return compareDoubles(a, a.double ?? 0, b, b.double ?? 0)
    }

    @inline(__always)
    private static func compareDoubles(_ a: JSONView, _ x: Double, _ b: JSONView, _ y: Double) -> Int {
        // Rounding keeps the order, so two different doubles decide; equal ones may hide a difference.
        if x < y { return -1 }
        if x > y { return 1 }
        return compareDecimals(a, b)
    }

    @inline(never)
    private static func compareDecimals(_ a: JSONView, _ b: JSONView) -> Int {
        guard let x = JSONDecimal(a), let y = JSONDecimal(b) else { return 0 }
        return JSONDecimal.compare(x, y)
    }
}

/// `multipleOf` in exact decimal arithmetic.
enum DecimalMultiple {
    /// A divisor of more digits does not fit in 64 bits.
    static let maximumDigits = 19

    /// Whether the value is an integer times the divisor, which is above 0 and has at most ``maximumDigits`` digits.
    static func isMultiple(_ value: JSONView, of divisor: NumberConstant) -> Bool {
        if value.kind == .integer, divisor.isInt64, let number = value.int64 {
            return number.magnitude % UInt64(divisor.int64.magnitude) == 0
        }
        guard let number = JSONDecimal(value), let unit = JSONDecimal(divisor.view) else { return false }
        if number.isZero { return true }
        // number = A·10^a and unit = D·10^d, where neither A nor D ends in 0.
        let shift = (number.magnitude - number.digitCount) - (unit.magnitude - unit.digitCount)
        // Then A would have to be divisible by a power of ten.
        guard shift >= 0 else { return false }
        var modulus: UInt64 = 0
        for digit in unit.significantDigits { modulus = modulus &* 10 &+ UInt64(digit) }
        guard modulus > 0 else { return false }
        var remainder: UInt64 = 0
        for digit in number.significantDigits {
            remainder = multiply(remainder, 10, modulus)
            remainder = UInt64((UInt128(remainder) + UInt128(digit)) % UInt128(modulus))
        }
        return multiply(remainder, powerOfTen(shift, modulus), modulus) == 0
    }

    private static func multiply(_ a: UInt64, _ b: UInt64, _ modulus: UInt64) -> UInt64 {
        UInt64(UInt128(a) * UInt128(b) % UInt128(modulus))
    }

    private static func powerOfTen(_ exponent: Int, _ modulus: UInt64) -> UInt64 {
        var result = 1 % modulus
        var square = 10 % modulus
        var rest = exponent
        while rest > 0 {
            if rest & 1 == 1 { result = multiply(result, square, modulus) }
            square = multiply(square, square, modulus)
            rest >>= 1
        }
        return result
    }
}
