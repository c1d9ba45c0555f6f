internal import Domain
internal import JSON

/// The pieces that records of every format are made of.
enum RecordWriter {
    /// An id for an interaction that has none: the same for the same line at the same place of a file, so that sending it
    /// again is safe.
    static func generatedID(line: Int, _ content: UnsafeRawBufferPointer) -> String {
        let key = KeyHasher(seed: UInt64(truncatingIfNeeded: line)).key(content, .interaction)
        return "import-" + hex(key.high) + hex(key.low)
    }

    private static func hex(_ value: UInt64) -> String {
        let digits = String(value, radix: 16)
        return String(repeating: "0", count: 16 - digits.count) + digits
    }

    /// The lane of whoever or whatever has these bytes as its id.
    static func lane(_ id: UnsafeRawBufferPointer) -> UInt64 { checksum64(id) }
}

extension JSONWriter {
    /// Writes a moment as RFC 3339, moved by `shift` milliseconds.
    mutating func time(_ milliseconds: Int64, shiftedBy shift: Int64) {
        Timestamp(milliseconds: milliseconds).advanced(byMilliseconds: shift).withRFC3339 { string($0) }
    }
}
