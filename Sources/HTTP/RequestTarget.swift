/// Reads a request target: where its path and query are, whether they can be decoded, and what they hold.
enum RequestTarget {
    /// The places of the path and the query in a target, or nil when it is not one of HTTP's forms, holds a byte that
    /// may not stand there, or does not decode to UTF-8 without NUL.
    static func split(_ target: UnsafeRawBufferPointer) -> (path: Range<Int>, query: Range<Int>)? {
        guard let first = target.first else { return nil }
        if target.count == 1 && first == UInt8(ascii: "*") { return (0..<1, 1..<1) }
        var start = 0
        if first != UInt8(ascii: "/") {
            // The absolute form, which a client sends to a proxy and every server must take.
            guard let authority = authorityStart(target) else { return nil }
            start = authority
            while start < target.count, target[start] != UInt8(ascii: "/"), target[start] != UInt8(ascii: "?") {
                start += 1
            }
        }
        var mark = start
        while mark < target.count, target[mark] != UInt8(ascii: "?") { mark += 1 }
        let query = mark < target.count ? mark + 1..<target.count : mark..<mark
        guard isDecodable(target[start..<mark]), isDecodable(target[query]) else { return nil }
        return (start..<mark, query)
    }

    private static func authorityStart(_ target: UnsafeRawBufferPointer) -> Int? {
        for scheme in ["http://", "https://"] as [StaticString] {
            let count = scheme.utf8CodeUnitCount
            guard target.count > count else { continue }
            let matches = scheme.withUTF8Buffer { literal in
                literal.indices.allSatisfy { literal[$0] == target[$0] | 0x20 || literal[$0] == target[$0] }
            }
            if matches { return count }
        }
        return nil
    }

    /// Whether the bytes are printable, their escapes are whole, and what they stand for is UTF-8 without NUL.
    private static func isDecodable(_ bytes: Slice<UnsafeRawBufferPointer>) -> Bool {
        var plain = true
        for byte in bytes {
            guard byte > 0x20, byte != 0x7f, byte != UInt8(ascii: "#") else { return false }
            if byte == UInt8(ascii: "%") || byte >= 0x80 { plain = false }
        }
        if plain { return true }
        guard let decoded = decodeBytes(bytes, plusIsSpace: false) else { return false }
        return !decoded.contains(0) && String(validating: decoded, as: UTF8.self) != nil
    }

    /// The segments of a path that `split` accepted.
    static func segments(of path: UnsafeRawBufferPointer) -> [String] {
        guard path.first == UInt8(ascii: "/"), path.count > 1 else { return [] }
        var segments: [String] = []
        var start = 1
        for index in 1...path.count where index == path.count || path[index] == UInt8(ascii: "/") {
            segments.append(decode(path[start..<index], plusIsSpace: false))
            start = index + 1
        }
        return segments
    }

    /// The items of a query that `split` accepted.
    static func queryItems(of query: UnsafeRawBufferPointer) -> [(name: String, value: String)] {
        var items: [(name: String, value: String)] = []
        var start = 0
        while start < query.count {
            var end = start
            var equals: Int?
            while end < query.count, query[end] != UInt8(ascii: "&") {
                if equals == nil, query[end] == UInt8(ascii: "=") { equals = end }
                end += 1
            }
            if end > start {
                let name = decode(query[start..<(equals ?? end)], plusIsSpace: true)
                let value = equals.map { decode(query[($0 + 1)..<end], plusIsSpace: true) } ?? ""
                items.append((name, value))
            }
            start = end + 1
        }
        return items
    }

    private static func decode(_ bytes: Slice<UnsafeRawBufferPointer>, plusIsSpace: Bool) -> String {
        let isPlain = bytes.allSatisfy { $0 != UInt8(ascii: "%") && !(plusIsSpace && $0 == UInt8(ascii: "+")) }
        if isPlain { return String(decoding: UnsafeRawBufferPointer(rebasing: bytes), as: UTF8.self) }
        return String(decoding: decodeBytes(bytes, plusIsSpace: plusIsSpace) ?? [], as: UTF8.self)
    }

    private static func decodeBytes(_ bytes: Slice<UnsafeRawBufferPointer>, plusIsSpace: Bool) -> [UInt8]? {
        var decoded: [UInt8] = []
        decoded.reserveCapacity(bytes.count)
        var index = bytes.startIndex
        while index < bytes.endIndex {
            let byte = bytes[index]
            if byte == UInt8(ascii: "%") {
                guard bytes.endIndex - index > 2, let high = hexDigit(bytes[index + 1]),
                    let low = hexDigit(bytes[index + 2])
                else { return nil }
                decoded.append(high << 4 | low)
                index += 3
            } else {
                decoded.append(plusIsSpace && byte == UInt8(ascii: "+") ? 0x20 : byte)
                index += 1
            }
        }
        return decoded
    }

    private static func hexDigit(_ byte: UInt8) -> UInt8? {
        switch byte {
        case UInt8(ascii: "0")...UInt8(ascii: "9"): byte &- UInt8(ascii: "0")
        case UInt8(ascii: "a")...UInt8(ascii: "f"): byte &- UInt8(ascii: "a") &+ 10
        case UInt8(ascii: "A")...UInt8(ascii: "F"): byte &- UInt8(ascii: "A") &+ 10
        default: nil
        }
    }
}
