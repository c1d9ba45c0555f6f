internal import Domain

/// An id of a session that the server has made: a UUID of version 8 (RFC 9562, custom) with 74 random bits, 32 bits that
/// say for which browser session it was made, and 16 check bits, both under the tenant's secret seed. So the ids in the
/// log tell which sessions are the server's own and how they are found again, and nobody else can read that from them.
struct SessionID: Hashable {
    var high: UInt64
    var low: UInt64

    /// Length of the text form.
    static let textLength = 36
    private static let sealed: UInt64 = 0xffff_ffff_ffff

    init(high: UInt64, low: UInt64) {
        self.high = high
        self.low = low
    }

    /// A new id from two random numbers, for a browser session's tag; 0 for none.
    init(random: (UInt64, UInt64), tag: UInt32, hasher: KeyHasher) {
        high = random.0 & 0xffff_ffff_ffff_0fff | 0x8000
        low = random.1 & 0x3fff_0000_0000_0000 | 0x8000_0000_0000_0000
        let (mask, check) = SessionID.seal(high, low, tag, hasher)
        low |= UInt64(tag ^ mask) << 16 | UInt64(check)
    }

    /// The tag it was made with, `nil` when it was not made by this tenant's server.
    func tag(_ hasher: KeyHasher) -> UInt32? {
        guard high & 0xf000 == 0x8000, low >> 62 == 2 else { return nil }
        let masked = UInt32(truncatingIfNeeded: low >> 16)
        let (mask, _) = SessionID.seal(high, low & ~SessionID.sealed, 0, hasher)
        let tag = masked ^ mask
        let (_, check) = SessionID.seal(high, low & ~SessionID.sealed, tag, hasher)
        return check == UInt16(truncatingIfNeeded: low) ? tag : nil
    }

    private static func seal(_ high: UInt64, _ low: UInt64, _ tag: UInt32, _ hasher: KeyHasher) -> (UInt32, UInt16) {
        var words = (high.littleEndian, low.littleEndian)
        let hash = withUnsafeBytes(of: &words) { hasher.key($0, .browserSession) }
        let check = (hash.high ^ UInt64(tag)) &* 0x9e37_79b9_7f4a_7c15
        return (UInt32(truncatingIfNeeded: hash.low), UInt16(truncatingIfNeeded: check >> 48))
    }

    /// Reads lower-case text as ``write(to:)`` writes it.
    init?(text: UnsafeRawBufferPointer) {
        guard text.count == SessionID.textLength else { return nil }
        var halves: (UInt64, UInt64) = (0, 0)
        var digits = 0
        for index in 0..<SessionID.textLength {
            let byte = text[index]
            if index == 8 || index == 13 || index == 18 || index == 23 {
                guard byte == 45 else { return nil }
                continue
            }
            let digit: UInt8
            switch byte {
            case 48...57: digit = byte - 48
            case 97...102: digit = byte - 87
            default: return nil
            }
            if digits < 16 {
                halves.0 = halves.0 << 4 | UInt64(digit)
            } else {
                halves.1 = halves.1 << 4 | UInt64(digit)
            }
            digits += 1
        }
        high = halves.0
        low = halves.1
    }

    /// Calls `body` with the 36 bytes of its text.
    @inline(__always)
    func withText<Result>(_ body: (UnsafeRawBufferPointer) -> Result) -> Result {
        withUnsafeTemporaryAllocation(byteCount: SessionID.textLength, alignment: 4) { text in
            let words = (
                SessionID.hexadecimal(high >> 32), SessionID.hexadecimal(high), SessionID.hexadecimal(low >> 32),
                SessionID.hexadecimal(low)
            )
            text.storeBytes(of: words.0, toByteOffset: 0, as: UInt64.self)
            text.storeBytes(of: UInt32(truncatingIfNeeded: words.1), toByteOffset: 9, as: UInt32.self)
            text.storeBytes(of: UInt32(truncatingIfNeeded: words.1 >> 32), toByteOffset: 14, as: UInt32.self)
            text.storeBytes(of: UInt32(truncatingIfNeeded: words.2), toByteOffset: 19, as: UInt32.self)
            text.storeBytes(of: UInt32(truncatingIfNeeded: words.2 >> 32), toByteOffset: 24, as: UInt32.self)
            text.storeBytes(of: words.3, toByteOffset: 28, as: UInt64.self)
            text[8] = 45
            text[13] = 45
            text[18] = 45
            text[23] = 45
            return body(UnsafeRawBufferPointer(text))
        }
    }

    /// The eight digits of the low 32 bits, the first in the lowest byte: eight at once in the bytes of a word.
    @inline(__always)
    private static func hexadecimal(_ word: UInt64) -> UInt64 {
        var digits = word & 0xffff_ffff
        digits = (digits << 16 | digits) & 0x0000_ffff_0000_ffff
        digits = (digits << 8 | digits) & 0x00ff_00ff_00ff_00ff
        digits = (digits << 4 | digits) & 0x0f0f_0f0f_0f0f_0f0f
        let letters = ((digits &+ 0x0606_0606_0606_0606) >> 4) & 0x0101_0101_0101_0101
        return (digits &+ 0x3030_3030_3030_3030 &+ letters &* 39).byteSwapped
    }
}
