internal import Domain

/// Where a page ended: opaque to clients. What was broken on the way, or was given out for pages of another kind, is refused
/// rather than taken for some place. The digest keeps no secret: whoever makes one up gets at most another place.
enum PageCursor {
    /// Longest text of a cursor: of an entity whose id is as long as settings allow (4,096 bytes). An address has room for it.
    static let longest = 6144

    /// Bytes of the digest that stands before the fields.
    private static let digestBytes = 4

    /// The cursor of a kind of pages. Of the fields the last one alone may have a U+001F in it.
    static func encode(_ kind: String, _ fields: String...) -> String {
        let body = Array(([kind] + fields).joined(separator: "\u{1f}").utf8)
        return KeyText.base64URL(digest(body[...]) + body)
    }

    /// So many fields of a cursor that was given out for this kind of pages, `nil` for any other text.
    static func decode(_ text: String, _ kind: String, fields count: Int) -> [String]? {
        guard text.utf8.count <= longest, let bytes = KeyText.decodeBase64URL(text), bytes.count > digestBytes,
            KeyText.base64URL(bytes).utf8.elementsEqual(text.utf8)
        else { return nil }
        let body = bytes.dropFirst(digestBytes)
        guard Array(bytes.prefix(digestBytes)) == digest(body), let fields = String(validating: body, as: UTF8.self)
        else { return nil }
        // By bytes: a combining mark that follows a separator would hide it from a search by characters.
        let parts = Array(fields.utf8).split(separator: 0x1f, maxSplits: count, omittingEmptySubsequences: false)
        guard parts.count == count + 1, parts[0].elementsEqual(kind.utf8) else { return nil }
        return parts.dropFirst().map { String(decoding: $0, as: UTF8.self) }
    }

    private static func digest(_ bytes: ArraySlice<UInt8>) -> [UInt8] {
        let sum = bytes.withUnsafeBytes { checksum64($0) }
        return (0..<digestBytes).map { UInt8(truncatingIfNeeded: sum >> UInt64(8 * $0)) }
    }
}
