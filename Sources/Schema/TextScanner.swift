/// Reads a text byte by byte for the grammars of formats; every read is checked against the end.
struct TextScanner {
    let text: UnsafeRawBufferPointer
    var position = 0

    init(_ text: UnsafeRawBufferPointer) {
        self.text = text
    }

    var isAtEnd: Bool { position >= text.count }

    /// The next byte; 0 at the end, which no grammar here takes.
    var next: UInt8 { position < text.count ? text[position] : 0 }

    func peek(_ distance: Int) -> UInt8 {
        position &+ distance < text.count ? text[position &+ distance] : 0
    }

    mutating func take(_ scalar: Unicode.Scalar) -> Bool {
        guard !isAtEnd, text[position] == UInt8(truncatingIfNeeded: scalar.value) else { return false }
        position &+= 1
        return true
    }

    mutating func take(_ scalar: Unicode.Scalar, or other: Unicode.Scalar) -> Bool {
        take(scalar) || take(other)
    }

    /// Reads exactly that many decimal digits.
    mutating func digits(_ count: Int) -> Int? {
        guard position &+ count <= text.count else { return nil }
        var value = 0
        for index in position..<position &+ count {
            guard Self.isDigit(text[index]) else { return nil }
            value = value &* 10 &+ Int(text[index] & 0x0F)
        }
        position &+= count
        return value
    }

    static func isDigit(_ byte: UInt8) -> Bool { byte &- 0x30 < 10 }

    static func isLetter(_ byte: UInt8) -> Bool { (byte | 0x20) &- 0x61 < 26 }

    static func isHexadecimal(_ byte: UInt8) -> Bool { isDigit(byte) || (byte | 0x20) &- 0x61 < 6 }
}

// RFC 3339.
extension TextScanner {
    mutating func date() -> Bool {
        guard let year = digits(4), take("-"), let month = digits(2), take("-"), let day = digits(2) else {
            return false
        }
        guard month >= 1, month <= 12, day >= 1 else { return false }
        let isLeap = year % 4 == 0 && (year % 100 != 0 || year % 400 == 0)
        let length =
            switch month {
            case 2: isLeap ? 29 : 28
            case 4, 6, 9, 11: 30
            default: 31
            }
        return day <= length
    }

    /// A time with its offset; second 60 only where it is 23:59 in UTC.
    mutating func time() -> Bool {
        guard let hour = digits(2), take(":"), let minute = digits(2), take(":"), let second = digits(2) else {
            return false
        }
        guard hour < 24, minute < 60, second <= 60 else { return false }
        if take(".") {
            guard Self.isDigit(next) else { return false }
            while Self.isDigit(next) { position &+= 1 }
        }
        var offset = 0
        if !take("Z", or: "z") {
            let isBehind = next == UInt8(ascii: "-")
            guard take("+", or: "-"), let offsetHour = digits(2), take(":"), let offsetMinute = digits(2) else {
                return false
            }
            guard offsetHour < 24, offsetMinute < 60 else { return false }
            offset = (offsetHour * 60 + offsetMinute) * (isBehind ? -1 : 1)
        }
        guard second == 60 else { return true }
        let minutesInUTC = (hour * 60 + minute - offset + 2 * 1440) % 1440
        return minutesInUTC == 23 * 60 + 59
    }
}

// RFC 4122 and RFC 3986, section 3.2.2.
extension TextScanner {
    mutating func uuid() -> Bool {
        guard text.count == 36 else { return false }
        for index in 0..<36 {
            let isDash = index == 8 || index == 13 || index == 18 || index == 23
            guard isDash ? text[index] == UInt8(ascii: "-") : Self.isHexadecimal(text[index]) else { return false }
        }
        position = 36
        return true
    }

    /// Four numbers up to 255 without leading zeros.
    mutating func ipv4() -> Bool {
        for part in 0..<4 {
            if part > 0, !take(".") { return false }
            let start = position
            var value = 0
            while Self.isDigit(next), position &- start < 4 {
                value = value &* 10 &+ Int(next & 0x0F)
                position &+= 1
            }
            let count = position &- start
            guard count > 0, value <= 255, count == 1 || text[start] != UInt8(ascii: "0") else { return false }
        }
        return true
    }

    /// Eight groups of up to four hexadecimal digits, `::` for one or more of them, an IPv4 address for the last two.
    mutating func ipv6() -> Bool {
        var groups = 0
        var isShortened = false
        if next == UInt8(ascii: ":") {
            guard peek(1) == UInt8(ascii: ":") else { return false }
            position &+= 2
            isShortened = true
        }
        var needsGroup = !isShortened
        while Self.isHexadecimal(next) {
            let start = position
            while Self.isHexadecimal(next), position &- start < 5 { position &+= 1 }
            if next == UInt8(ascii: ".") {
                position = start
                guard ipv4() else { return false }
                groups &+= 2
                needsGroup = false
                break
            }
            guard position &- start <= 4 else { return false }
            groups &+= 1
            needsGroup = false
            guard groups <= 8, next == UInt8(ascii: ":") else { break }
            position &+= 1
            if take(":") {
                guard !isShortened else { return false }
                isShortened = true
            } else {
                needsGroup = true
            }
        }
        guard !needsGroup else { return false }
        return isShortened ? groups <= 7 : groups == 8
    }
}
