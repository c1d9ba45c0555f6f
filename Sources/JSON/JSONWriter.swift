internal import CSimdJSON

/// Writes JSON text into a byte array; commas are put where they belong.
///
/// The caller opens and closes what it opens and writes a key before each member's value; this is not checked.
/// No intermediate strings are made.
public struct JSONWriter {
    /// What has been written so far.
    public var bytes: [UInt8] = []
    private var needsComma = false

    /// Creates a writer with room for that many bytes.
    public init(reserving capacity: Int = 256) {
        bytes.reserveCapacity(capacity)
    }

    /// Forgets everything written and keeps the memory.
    public mutating func removeAll() {
        bytes.removeAll(keepingCapacity: true)
        needsComma = false
    }

    private mutating func separate() {
        if needsComma { bytes.append(UInt8(ascii: ",")) }
        needsComma = true
    }

    private mutating func open(_ bracket: UInt8) {
        separate()
        bytes.append(bracket)
        needsComma = false
    }

    private mutating func close(_ bracket: UInt8) {
        bytes.append(bracket)
        needsComma = true
    }

    /// Opens an object.
    public mutating func beginObject() { open(UInt8(ascii: "{")) }

    /// Closes an object.
    public mutating func endObject() { close(UInt8(ascii: "}")) }

    /// Opens an array.
    public mutating func beginArray() { open(UInt8(ascii: "[")) }

    /// Closes an array.
    public mutating func endArray() { close(UInt8(ascii: "]")) }

    /// Writes a member's key of the program's own, in which nothing needs an escape.
    public mutating func key(_ name: StaticString) {
        name.withUTF8Buffer { name in
            // Half of what an answer is made of: put together first and appended once.
            withUnsafeTemporaryAllocation(of: UInt8.self, capacity: name.count + 4) { buffer in
                var count = 0
                func put(_ byte: UInt8) {
                    buffer[count] = byte
                    count &+= 1
                }
                if needsComma { put(UInt8(ascii: ",")) }
                put(UInt8(ascii: "\""))
                for byte in name { put(byte) }
                put(UInt8(ascii: "\""))
                put(UInt8(ascii: ":"))
                bytes.append(contentsOf: UnsafeBufferPointer(rebasing: buffer[..<count]))
            }
        }
        needsComma = false
    }

    /// Writes a member's key.
    @_disfavoredOverload
    public mutating func key(_ name: String) {
        separate()
        var name = name
        name.withUTF8 { quote(UnsafeRawBufferPointer($0)) }
        endKey()
    }

    /// Writes a member's key from UTF-8.
    public mutating func key(_ name: UnsafeRawBufferPointer) {
        separate()
        quote(name)
        endKey()
    }

    private mutating func endKey() {
        bytes.append(UInt8(ascii: ":"))
        needsComma = false
    }

    /// Writes a string.
    public mutating func string(_ value: String) {
        separate()
        var value = value
        value.withUTF8 { quote(UnsafeRawBufferPointer($0)) }
    }

    /// Writes a string from bytes, which must be valid UTF-8.
    public mutating func string(_ utf8: UnsafeRawBufferPointer) {
        separate()
        quote(utf8)
    }

    /// Writes an integer.
    public mutating func integer(_ value: Int64) {
        separate()
        if value < 0 { bytes.append(UInt8(ascii: "-")) }
        digits(value.magnitude)
    }

    /// Writes an integer.
    public mutating func integer(_ value: Int) { integer(Int64(value)) }

    /// Writes an integer.
    public mutating func unsigned(_ value: UInt64) {
        separate()
        digits(value)
    }

    /// Writes the shortest text that reads back as the same double; `null` where JSON has none (NaN, infinities).
    ///
    /// Integers below 2^53 are written without a point or an exponent, and −0 as `-0`.
    public mutating func double(_ value: Double) {
        guard value.isFinite else { return null() }
        separate()
        withUnsafeTemporaryAllocation(of: CChar.self, capacity: 32) { buffer in
            guard let start = buffer.baseAddress else { return }
            let count = footfall_json_write_double(value, start)
            bytes.append(contentsOf: UnsafeRawBufferPointer(start: start, count: count))
        }
    }

    /// Writes a double rounded to `digits` (at most 9) after the point, without zeros at the end: for what nobody reads more
    /// exactly, shorter and quicker than ``double(_:)``. Beyond 10^9 it is written whole.
    public mutating func rounded(_ value: Double, digits: Int) {
        guard abs(value) < 1e9 else { return double(value) }
        let places = min(max(digits, 0), 9)
        var scale = 1.0
        for _ in 0..<places { scale *= 10 }
        let scaled = UInt64((abs(value) * scale).rounded())
        // Put together from the last digit on: 10 + 9 digits, sign, point and comma.
        withUnsafeTemporaryAllocation(of: UInt8.self, capacity: 24) { buffer in
            var (rest, index) = (scaled, 24)
            func put(_ byte: UInt8) {
                index -= 1
                buffer[index] = byte
            }
            func lastDigit() -> UInt8 {
                let (quotient, digit) = rest.quotientAndRemainder(dividingBy: 10)
                rest = quotient
                return UInt8(ascii: "0") &+ UInt8(truncatingIfNeeded: digit)
            }
            for _ in 0..<places {
                let digit = lastDigit()
                if index < 24 || digit != UInt8(ascii: "0") { put(digit) }
            }
            if index < 24 { put(UInt8(ascii: ".")) }
            repeat { put(lastDigit()) } while rest != 0
            if value < 0, scaled > 0 { put(UInt8(ascii: "-")) }
            if needsComma { put(UInt8(ascii: ",")) }
            bytes.append(contentsOf: UnsafeBufferPointer(rebasing: buffer[index...]))
        }
        needsComma = true
    }

    /// Writes `true` or `false`.
    public mutating func bool(_ value: Bool) { literal(value ? "true" : "false") }

    /// Writes `null`.
    public mutating func null() { literal("null") }

    /// Writes bytes that are a JSON value already.
    public mutating func raw(_ json: UnsafeRawBufferPointer) {
        separate()
        bytes.append(contentsOf: json)
    }

    /// Writes bytes that are a JSON value already, or members of an object as ``bytes(since:)`` gives them.
    public mutating func raw(_ json: [UInt8]) {
        separate()
        bytes.append(contentsOf: json)
    }

    /// What has been written since there were `count` bytes, without the comma before it: for another object that has the
    /// same members.
    public func bytes(since count: Int) -> [UInt8] {
        let isSeparated = count < bytes.count && bytes[count] == UInt8(ascii: ",")
        return Array(bytes.dropFirst(isSeparated ? count + 1 : count))
    }

    private mutating func literal(_ text: StaticString) {
        separate()
        text.withUTF8Buffer { bytes.append(contentsOf: $0) }
    }

    private mutating func digits(_ value: UInt64) {
        withUnsafeTemporaryAllocation(of: UInt8.self, capacity: 20) { buffer in
            var rest = value
            var index = 20
            repeat {
                let (quotient, digit) = rest.quotientAndRemainder(dividingBy: 10)
                index -= 1
                buffer[index] = UInt8(ascii: "0") &+ UInt8(truncatingIfNeeded: digit)
                rest = quotient
            } while rest != 0
            bytes.append(contentsOf: UnsafeMutableBufferPointer(rebasing: buffer[index...]))
        }
    }

    private mutating func quote(_ text: UnsafeRawBufferPointer) {
        bytes.append(UInt8(ascii: "\""))
        var clean = 0  // from here on nothing needs an escape and nothing has been copied yet
        var index = 0
        while index < text.count {
            if index &+ 8 <= text.count {
                let word = text.loadUnaligned(fromByteOffset: index, as: UInt64.self)
                if !Self.needsEscape(word) {
                    index &+= 8
                    continue
                }
            }
            let limit = Swift.min(index &+ 8, text.count)
            while index < limit {
                let byte = text[index]
                if byte < 0x20 || byte == UInt8(ascii: "\"") || byte == UInt8(ascii: "\\") {
                    append(text, clean..<index)
                    escape(byte)
                    clean = index &+ 1
                }
                index &+= 1
            }
        }
        append(text, clean..<text.count)
        bytes.append(UInt8(ascii: "\""))
    }

    private mutating func append(_ text: UnsafeRawBufferPointer, _ range: Range<Int>) {
        guard !range.isEmpty else { return }
        bytes.append(contentsOf: UnsafeRawBufferPointer(rebasing: text[range]))
    }

    /// Whether one of eight bytes is a control character, a quote or a backslash; may say yes without need.
    private static func needsEscape(_ word: UInt64) -> Bool {
        let ones: UInt64 = 0x0101_0101_0101_0101
        let quotes = word ^ (ones &* 0x22)
        let backslashes = word ^ (ones &* 0x5C)
        let found = (word &- ones &* 0x20) & ~word | (quotes &- ones) & ~quotes | (backslashes &- ones) & ~backslashes
        return found & (ones &* 0x80) != 0
    }

    private mutating func escape(_ byte: UInt8) {
        bytes.append(UInt8(ascii: "\\"))
        switch byte {
        case 0x08: bytes.append(UInt8(ascii: "b"))
        case 0x0C: bytes.append(UInt8(ascii: "f"))
        case 0x0A: bytes.append(UInt8(ascii: "n"))
        case 0x0D: bytes.append(UInt8(ascii: "r"))
        case 0x09: bytes.append(UInt8(ascii: "t"))
        case 0x00..<0x20:
            let low = byte & 0x0F
            bytes.append(contentsOf: [UInt8(ascii: "u"), UInt8(ascii: "0"), UInt8(ascii: "0")])
            bytes.append(UInt8(ascii: "0") &+ byte >> 4)
            bytes.append(low < 10 ? UInt8(ascii: "0") &+ low : UInt8(ascii: "a") &+ (low &- 10))
        default: bytes.append(byte)
        }
    }
}
