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
        withUnsafeTemporaryAllocation(byteCount: SessionID.textLength, alignment: 1) { text in
            var place = 0
            @inline(__always) func put(_ word: UInt64, from first: UInt64, digits: Int) {
                var shift = first
                for _ in 0..<digits {
                    let digit = UInt8(truncatingIfNeeded: word >> shift) & 15
                    text[place] = digit < 10 ? digit &+ 48 : digit &+ 87
                    place += 1
                    shift = shift &- 4
                }
            }
            @inline(__always) func dash() {
                text[place] = 45
                place += 1
            }
            put(high, from: 60, digits: 8)
            dash()
            put(high, from: 28, digits: 4)
            dash()
            put(high, from: 12, digits: 4)
            dash()
            put(low, from: 60, digits: 4)
            dash()
            put(low, from: 44, digits: 12)
            return body(UnsafeRawBufferPointer(text))
        }
    }
}
