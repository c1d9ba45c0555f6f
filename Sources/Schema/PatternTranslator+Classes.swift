extension PatternTranslator {
    /// What one member of a character class stands for.
    enum ClassMember {
        case character(UInt32)
        /// The inside of an RE2 class.
        case set(String)
    }

    private static let digits = "0-9"
    private static let notDigits = #"\x{0}-\x{2f}\x{3a}-\x{10ffff}"#
    private static let words = "0-9A-Z_a-z"
    private static let notWords = #"\x{0}-\x{2f}\x{3a}-\x{40}\x{5b}-\x{5e}\x{60}\x{7b}-\x{10ffff}"#
    // WhiteSpace and LineTerminator of ECMA-262.
    private static let spaces =
        #"\x{9}-\x{d}\x{20}\x{a0}\x{1680}\x{2000}-\x{200a}\x{2028}\x{2029}\x{202f}\x{205f}\x{3000}\x{feff}"#
    private static let notSpaces =
        #"\x{0}-\x{8}\x{e}-\x{1f}\x{21}-\x{9f}\x{a1}-\x{167f}\x{1681}-\x{1fff}\x{200b}-\x{2027}\x{202a}-\x{202e}"#
        + #"\x{2030}-\x{205e}\x{2060}-\x{2fff}\x{3001}-\x{fefe}\x{ff00}-\x{10ffff}"#

    /// Writes a class; the opening bracket has been read.
    mutating func characterClass() throws(PatternError) {
        let negated = take("^")
        var members = ""
        while true {
            guard let scalar = next else { throw .invalid("A character class is not closed.") }
            if scalar == "]" {
                position += 1
                break
            }
            let low = try classMember()
            guard next == "-", let after = peek(1), after != "]" else {
                members += Self.text(low)
                continue
            }
            position += 1
            let high = try classMember()
            if case .character(let first) = low, case .character(let last) = high {
                guard first <= last else { throw .invalid("A range in a character class is out of order.") }
                members += Self.codePoint(first) + "-" + Self.codePoint(last)
            } else {
                // A hyphen beside a set such as \w is a hyphen.
                members += Self.text(low) + Self.codePoint(0x2D) + Self.text(high)
            }
        }
        switch (members.isEmpty, negated) {
        case (true, false): output += #"[^\x{0}-\x{10ffff}]"#
        case (true, true): output += #"[\x{0}-\x{10ffff}]"#
        case (false, _): output += (negated ? "[^" : "[") + members + "]"
        }
    }

    private static func text(_ member: ClassMember) -> String {
        switch member {
        case .character(let value): codePoint(value)
        case .set(let set): set
        }
    }

    private mutating func classMember() throws(PatternError) -> ClassMember {
        guard let scalar = next else { throw .invalid("A character class is not closed.") }
        position += 1
        return scalar == "\\" ? try classEscape(inClass: true) : .character(scalar.value)
    }

    /// Reads an escape that stands for characters; the backslash has been read.
    mutating func classEscape(inClass: Bool) throws(PatternError) -> ClassMember {
        guard let scalar = next else { throw .invalid("The pattern ends with a backslash.") }
        position += 1
        switch scalar {
        case "d": return .set(Self.digits)
        case "D": return .set(Self.notDigits)
        case "w": return .set(Self.words)
        case "W": return .set(Self.notWords)
        case "s": return .set(Self.spaces)
        case "S": return .set(Self.notSpaces)
        case "p", "P": return .set(try unicodeProperty(negated: scalar == "P"))
        case "t": return .character(0x09)
        case "n": return .character(0x0A)
        case "v": return .character(0x0B)
        case "f": return .character(0x0C)
        case "r": return .character(0x0D)
        case "b" where inClass: return .character(0x08)
        case "0":
            if let digit = next, ("0"..."9").contains(digit) { throw .unsupported("Octal escapes are not supported.") }
            return .character(0)
        case "c":
            guard let letter = next, ("a"..."z").contains(letter) || ("A"..."Z").contains(letter) else {
                throw .invalid("“\\c” must be followed by a letter.")
            }
            position += 1
            return .character(letter.value % 32)
        case "x":
            guard let value = hexadecimal(2) else {
                throw .invalid("“\\x” must be followed by two hexadecimal digits.")
            }
            return .character(value)
        case "u": return .character(try unicodeEscape())
        case "0"..."9", "a"..."z", "A"..."Z":
            throw .unsupported("The escape “\\\(scalar)” is not one of ECMA-262's.")
        default:
            guard scalar.isASCII else { throw .unsupported("Only ASCII punctuation can be escaped with a backslash.") }
            return .character(scalar.value)
        }
    }

    private mutating func hexadecimal(_ count: Int) -> UInt32? {
        guard position + count <= input.count else { return nil }
        var value: UInt32 = 0
        for scalar in input[position..<position + count] {
            guard scalar.isASCII, let digit = Character(scalar).hexDigitValue else { return nil }
            value = value << 4 | UInt32(digit)
        }
        position += count
        return value
    }

    private mutating func unicodeEscape() throws(PatternError) -> UInt32 {
        if take("{") {
            var value: UInt32 = 0
            var isEmpty = true
            while let scalar = next, scalar.isASCII, let digit = Character(scalar).hexDigitValue {
                value = value << 4 | UInt32(digit)
                guard value <= 0x10FFFF else { throw .invalid("A \\u escape is beyond U+10FFFF.") }
                isEmpty = false
                position += 1
            }
            guard !isEmpty, take("}") else { throw .invalid("A \\u{…} escape is not closed or not hexadecimal.") }
            guard !(0xD800...0xDFFF).contains(value) else { throw .unsupported("A lone surrogate matches no text.") }
            return value
        }
        guard let unit = hexadecimal(4) else { throw .invalid("“\\u” must be followed by four hexadecimal digits.") }
        guard (0xD800...0xDFFF).contains(unit) else { return unit }
        let start = position
        if unit < 0xDC00, take("\\"), take("u"), let low = hexadecimal(4), (0xDC00...0xDFFF).contains(low) {
            return 0x10000 + (unit - 0xD800) << 10 + (low - 0xDC00)
        }
        position = start
        throw .unsupported("A lone surrogate matches no text.")
    }

    /// Reads `{…}` after `\p` and writes RE2's name of the property.
    private mutating func unicodeProperty(negated: Bool) throws(PatternError) -> String {
        guard take("{") else { throw .invalid("“\\p” must be followed by a property in braces.") }
        var name = ""
        while let scalar = next, scalar != "}" {
            name.unicodeScalars.append(scalar)
            position += 1
        }
        guard take("}"), !name.isEmpty else { throw .invalid("A \\p{…} escape is not closed or empty.") }
        let parts = name.split(separator: "=", maxSplits: 1, omittingEmptySubsequences: false).map(String.init)
        let letter = negated ? "\\P" : "\\p"
        if parts.count == 2 {
            switch parts[0] {
            case "General_Category", "gc":
                if let category = UnicodeProperties.category(parts[1]) { return "\(letter){\(category)}" }
            case "Script", "sc":
                if UnicodeProperties.scripts.contains(parts[1]) { return "\(letter){\(parts[1])}" }
            default: break
            }
        } else if let category = UnicodeProperties.category(name) {
            return "\(letter){\(category)}"
        } else if name == "Any", !negated {
            return #"\x{0}-\x{10ffff}"#
        } else if name == "ASCII" {
            return negated ? #"\x{80}-\x{10ffff}"# : #"\x{0}-\x{7f}"#
        }
        throw .unsupported("The Unicode property “\(name)” is not supported.")
    }
}
