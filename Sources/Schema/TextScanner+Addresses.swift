// RFC 5321, section 4.1.2: Mailbox.
extension TextScanner {
    /// A whole mailbox: a local part, `@`, and a domain or an address in brackets.
    mutating func mailbox() -> Bool {
        guard next == UInt8(ascii: "\"") ? quotedString() : dotString() else { return false }
        guard take("@") else { return false }
        return next == UInt8(ascii: "[") ? addressLiteral() : domain()
    }

    private mutating func dotString() -> Bool {
        repeat {
            let start = position
            while Self.isAtomText(next) { position &+= 1 }
            guard position > start else { return false }
        } while take(".")
        return true
    }

    private static func isAtomText(_ byte: UInt8) -> Bool {
        if isDigit(byte) || isLetter(byte) { return true }
        switch byte {
        case UInt8(ascii: "!"), UInt8(ascii: "#"), UInt8(ascii: "$"), UInt8(ascii: "%"), UInt8(ascii: "&"),
            UInt8(ascii: "'"), UInt8(ascii: "*"), UInt8(ascii: "+"), UInt8(ascii: "-"), UInt8(ascii: "/"),
            UInt8(ascii: "="), UInt8(ascii: "?"), UInt8(ascii: "^"), UInt8(ascii: "_"), UInt8(ascii: "`"),
            UInt8(ascii: "{"), UInt8(ascii: "|"), UInt8(ascii: "}"), UInt8(ascii: "~"):
            return true
        default: return false
        }
    }

    private mutating func quotedString() -> Bool {
        position &+= 1
        while !isAtEnd {
            let byte = next
            position &+= 1
            if byte == UInt8(ascii: "\"") { return true }
            guard byte >= 0x20, byte <= 0x7E else { return false }
            guard byte == UInt8(ascii: "\\") else { continue }
            guard next >= 0x20, next <= 0x7E else { return false }
            position &+= 1
        }
        return false
    }

    /// Labels of letters, digits and inner hyphens, to the end of the text.
    private mutating func domain() -> Bool {
        repeat {
            let start = position
            while Self.isDigit(next) || Self.isLetter(next) || next == UInt8(ascii: "-") { position &+= 1 }
            guard position > start, text[start] != UInt8(ascii: "-"), text[position &- 1] != UInt8(ascii: "-") else {
                return false
            }
        } while take(".")
        return isAtEnd
    }

    private mutating func addressLiteral() -> Bool {
        position &+= 1
        let isIPv6 =
            (next | 0x20) == UInt8(ascii: "i") && (peek(1) | 0x20) == UInt8(ascii: "p")
            && (peek(2) | 0x20) == UInt8(ascii: "v") && peek(3) == UInt8(ascii: "6") && peek(4) == UInt8(ascii: ":")
        if isIPv6 { position &+= 5 }
        guard isIPv6 ? ipv6() : ipv4() else { return false }
        return take("]") && isAtEnd
    }
}

// RFC 3986, appendix A: URI.
extension TextScanner {
    /// A whole URI with a scheme.
    mutating func uri() -> Bool {
        guard Self.isLetter(next) else { return false }
        while Self.isLetter(next) || Self.isDigit(next) || next == UInt8(ascii: "+") || next == UInt8(ascii: "-")
            || next == UInt8(ascii: ".")
        {
            position &+= 1
        }
        guard take(":") else { return false }
        if next == UInt8(ascii: "/"), peek(1) == UInt8(ascii: "/") {
            position &+= 2
            guard authority() else { return false }
            // After an authority the path is empty or begins with a slash.
            guard isAtEnd || next == UInt8(ascii: "/") || next == UInt8(ascii: "?") || next == UInt8(ascii: "#") else {
                return false
            }
        }
        while pathCharacter() || take("/") {}
        if take("?") { while pathCharacter() || take("/", or: "?") {} }
        if take("#") { while pathCharacter() || take("/", or: "?") {} }
        return isAtEnd
    }

    private mutating func authority() -> Bool {
        // A user's name is told from a host only by the @ behind it.
        let start = position
        while registeredNameCharacter() || take(":") {}
        if !take("@") { position = start }
        if take("[") {
            guard next == UInt8(ascii: "v") || next == UInt8(ascii: "V") ? futureAddress() : ipv6() else {
                return false
            }
            guard take("]") else { return false }
        } else {
            while registeredNameCharacter() {}
        }
        if take(":") { while Self.isDigit(next) { position &+= 1 } }
        return true
    }

    private mutating func futureAddress() -> Bool {
        position &+= 1
        let start = position
        while Self.isHexadecimal(next) { position &+= 1 }
        guard position > start, take(".") else { return false }
        let body = position
        while Self.isUnreservedOrDelimiter(next) || next == UInt8(ascii: ":") { position &+= 1 }
        return position > body
    }

    private mutating func registeredNameCharacter() -> Bool {
        if Self.isUnreservedOrDelimiter(next) {
            position &+= 1
            return true
        }
        return percentTriplet()
    }

    private mutating func pathCharacter() -> Bool {
        registeredNameCharacter() || take(":", or: "@")
    }

    private mutating func percentTriplet() -> Bool {
        guard next == UInt8(ascii: "%"), Self.isHexadecimal(peek(1)), Self.isHexadecimal(peek(2)) else { return false }
        position &+= 3
        return true
    }

    private static func isUnreservedOrDelimiter(_ byte: UInt8) -> Bool {
        if isDigit(byte) || isLetter(byte) { return true }
        switch byte {
        case UInt8(ascii: "-"), UInt8(ascii: "."), UInt8(ascii: "_"), UInt8(ascii: "~"), UInt8(ascii: "!"),
            UInt8(ascii: "$"), UInt8(ascii: "&"), UInt8(ascii: "'"), UInt8(ascii: "("), UInt8(ascii: ")"),
            UInt8(ascii: "*"), UInt8(ascii: "+"), UInt8(ascii: ","), UInt8(ascii: ";"), UInt8(ascii: "="):
            return true
        default: return false
        }
    }
}
