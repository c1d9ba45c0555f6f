/// The words of a filter.
struct FilterScanner {
    private let bytes: [UInt8]
    /// The next byte.
    private(set) var offset = 0

    init(_ text: String) {
        bytes = Array(text.utf8)
        skip()
    }

    var isAtEnd: Bool { offset >= bytes.count }

    private var next: UInt8? { offset < bytes.count ? bytes[offset] : nil }

    private mutating func skip() {
        while let byte = next, byte == 32 || (9...13).contains(byte) { offset += 1 }
    }

    func error(_ sentence: String) -> FilterError { FilterError(message: sentence, offset: offset) }

    func expected(_ what: String) -> FilterError {
        let found: String
        if isAtEnd {
            found = "the end"
        } else {
            found = "\"" + String(decoding: bytes[offset...].prefix(16), as: UTF8.self) + "\""
        }
        return FilterError(message: "Expected \(what) at byte \(offset), found \(found).", offset: offset)
    }

    /// Takes a sign if it comes next.
    mutating func take(_ sign: Unicode.Scalar) -> Bool {
        guard let byte = next, UInt32(byte) == sign.value else { return false }
        offset += 1
        skip()
        return true
    }

    /// Takes a word of the language, in whatever letters, if it comes next.
    mutating func takeWord(_ word: String) -> Bool {
        let count = word.utf8.count
        guard offset + count <= bytes.count,
            bytes[offset..<offset + count].elementsEqual(word.utf8, by: { $0 | 32 == $1 })
        else { return false }
        if offset + count < bytes.count, FilterScanner.isWord(bytes[offset + count]) { return false }
        offset += count
        skip()
        return true
    }

    private static func isWord(_ byte: UInt8) -> Bool {
        switch byte {
        case 48...57, 65...90, 97...122, 128...255: true
        default: byte == UInt8(ascii: "_") || byte == UInt8(ascii: ".") || byte == UInt8(ascii: "-")
        }
    }

    /// A field's name.
    mutating func name() -> String? {
        guard let first = next, FilterScanner.isWord(first), !(48...57).contains(first) else { return nil }
        return word(FilterScanner.isWord)
    }

    private mutating func word(_ belongs: (UInt8) -> Bool) -> String {
        let start = offset
        while let byte = next, belongs(byte) { offset += 1 }
        let text = String(decoding: bytes[start..<offset], as: UTF8.self)
        skip()
        return text
    }

    mutating func comparison() -> FilterExpression.Comparison? {
        for comparison in [FilterExpression.Comparison.unequal, .atMost, .atLeast, .less, .greater, .equal] {
            let sign = Array(comparison.rawValue.utf8)
            guard offset + sign.count <= bytes.count, bytes[offset..<offset + sign.count].elementsEqual(sign) else {
                continue
            }
            offset += sign.count
            // == is = as well.
            if comparison == .equal, next == UInt8(ascii: "=") { offset += 1 }
            skip()
            return comparison
        }
        return nil
    }

    /// A text in quotes, or a word, which may have a sign or a colon in it.
    mutating func value() throws(FilterError) -> (text: String, isQuoted: Bool)? {
        guard let first = next else { return nil }
        guard first == UInt8(ascii: "\"") else {
            let text = word { byte in
                FilterScanner.isWord(byte) || byte == UInt8(ascii: "+") || byte == UInt8(ascii: ":")
                    || byte == UInt8(ascii: "/")
            }
            return text.isEmpty ? nil : (text, false)
        }
        let start = offset
        offset += 1
        var text: [UInt8] = []
        while let byte = next, byte != UInt8(ascii: "\"") {
            offset += 1
            if byte == UInt8(ascii: "\\"), let escaped = next {
                text.append(escaped)
                offset += 1
            } else {
                text.append(byte)
            }
        }
        guard next != nil else {
            throw FilterError(message: "The text that begins at byte \(start) has no closing quote.", offset: start)
        }
        offset += 1
        skip()
        return (String(decoding: text, as: UTF8.self), true)
    }

    mutating func number() -> Double? {
        let start = offset
        let text = word { FilterScanner.isWord($0) || $0 == UInt8(ascii: "+") }
        guard let number = FilterScanner.decimal(text) else {
            offset = start
            return nil
        }
        return number
    }

    /// A finite number in decimal digits.
    static func decimal(_ text: String) -> Double? {
        guard !text.isEmpty,
            text.utf8.allSatisfy({ (48...57).contains($0) || $0 == 46 || $0 == 45 || $0 == 43 || $0 | 32 == 101 }),
            let number = Double(text), number.isFinite
        else { return nil }
        return number
    }
}
