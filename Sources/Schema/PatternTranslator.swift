/// Rewrites an ECMA-262 pattern (Unicode mode) in RE2's syntax.
///
/// Every character is written as a code point and every class as ranges, so nothing of RE2's own syntax gets in. What
/// differs in meaning between dialects is refused rather than guessed. Groups capture nothing, as only matching counts.
struct PatternTranslator {
    var input: [Unicode.Scalar]
    var position = 0
    var output = ""
    private var hasInnerBoundary = false

    /// The same language in RE2's syntax.
    static func translate(_ pattern: String) throws(PatternError) -> String {
        var translator = PatternTranslator(input: Array(pattern.unicodeScalars))
        try translator.pattern()
        // RE2 looks for the end of a word at each byte and so finds none of it inside a character. Here it is led from one
        // character to the next.
        return translator.hasInnerBoundary ? "\\A(?s:.)*?(?:\(translator.output))" : translator.output
    }

    var next: Unicode.Scalar? { position < input.count ? input[position] : nil }

    func peek(_ distance: Int) -> Unicode.Scalar? {
        position + distance < input.count ? input[position + distance] : nil
    }

    mutating func take(_ scalar: Unicode.Scalar) -> Bool {
        guard next == scalar else { return false }
        position += 1
        return true
    }

    private mutating func pattern() throws(PatternError) {
        var depth = 0
        // Whether a quantifier may follow what was just written.
        var repeatable = false
        while let scalar = next {
            position += 1
            switch scalar {
            case "^", "$":
                output.unicodeScalars.append(scalar)
                repeatable = false
            case "|":
                output += "|"
                repeatable = false
            case "(":
                try group()
                depth += 1
                guard depth <= 200 else { throw .unsupported("The pattern nests more than 200 groups.") }
                repeatable = false
            case ")":
                guard depth > 0 else { throw .invalid("The pattern closes a group that is not open.") }
                depth -= 1
                output += ")"
                repeatable = true
            case "*", "+", "?":
                guard repeatable else { throw .invalid("Nothing stands before “\(scalar)” that could repeat.") }
                output.unicodeScalars.append(scalar)
                lazySuffix()
                repeatable = false
            case "{":
                if let bounds = try quantifier() {
                    guard repeatable else { throw .invalid("Nothing stands before “{” that could repeat.") }
                    output += bounds
                    lazySuffix()
                    repeatable = false
                } else {
                    literal(scalar)
                    repeatable = true
                }
            case ".":
                output += #"[^\n\r\x{2028}\x{2029}]"#
                repeatable = true
            case "[":
                try characterClass()
                repeatable = true
            case "\\":
                repeatable = try escape()
            default:
                literal(scalar)
                repeatable = true
            }
        }
        guard depth == 0 else { throw .invalid("The pattern leaves a group open.") }
    }

    /// Laziness changes which match is found, never whether there is one.
    private mutating func lazySuffix() {
        _ = take("?")
    }

    mutating func literal(_ scalar: Unicode.Scalar) {
        output += Self.codePoint(scalar.value)
    }

    static func codePoint(_ value: UInt32) -> String {
        switch value {
        case 0x30...0x39, 0x41...0x5A, 0x61...0x7A: String(Character(Unicode.Scalar(UInt8(value))))
        default: "\\x{" + String(value, radix: 16) + "}"
        }
    }

    private mutating func group() throws(PatternError) {
        output += "(?:"
        guard take("?") else { return }
        switch next {
        case ":":
            position += 1
        case "=", "!":
            throw .unsupported("Look-ahead is not supported.")
        case "<":
            if peek(1) == "=" || peek(1) == "!" { throw .unsupported("Look-behind is not supported.") }
            position += 1
            var isEmpty = true
            while let scalar = next, scalar != ">" {
                let properties = scalar.properties
                guard scalar == "_" || scalar == "$" || (isEmpty ? properties.isIDStart : properties.isIDContinue)
                else {
                    throw .invalid("A group's name has a character that names cannot have.")
                }
                isEmpty = false
                position += 1
            }
            guard !isEmpty, take(">") else { throw .invalid("A group's name is missing or not closed.") }
        default:
            throw .unsupported("This kind of group is not supported.")
        }
    }

    /// Reads `{n}`, `{n,}` or `{n,m}` after the brace; `nil`, with nothing read, for a brace that is a character.
    private mutating func quantifier() throws(PatternError) -> String? {
        let start = position
        let digits = { (translator: inout PatternTranslator) -> String in
            var text = ""
            while let scalar = translator.next, ("0"..."9").contains(scalar) {
                text.unicodeScalars.append(scalar)
                translator.position += 1
            }
            return text
        }
        let low = digits(&self)
        var high: String?
        if !low.isEmpty, take(",") { high = digits(&self) }
        guard !low.isEmpty, take("}") else {
            position = start
            return nil
        }
        guard let lowest = Int(low), lowest <= 1000 else {
            throw .unsupported("A repetition above 1,000 is not supported.")
        }
        guard let high, !high.isEmpty else { return high == nil ? "{\(lowest)}" : "{\(lowest),}" }
        guard let highest = Int(high), highest <= 1000 else {
            throw .unsupported("A repetition above 1,000 is not supported.")
        }
        guard lowest <= highest else { throw .invalid("The numbers of a repetition are out of order.") }
        return "{\(lowest),\(highest)}"
    }

    /// Writes what an escape outside of classes means; answers whether it may be repeated.
    private mutating func escape() throws(PatternError) -> Bool {
        switch next {
        case "b", "B":
            output += next == "b" ? "\\b" : "\\B"
            if next == "B" { hasInnerBoundary = true }
            position += 1
            return false
        case "k":
            throw .unsupported("Back-references are not supported.")
        case .some("1"..."9"):
            throw .unsupported("Back-references are not supported.")
        default:
            switch try classEscape(inClass: false) {
            case .character(let value): output += Self.codePoint(value)
            case .set(let set): output += "[" + set + "]"
            }
            return true
        }
    }
}
