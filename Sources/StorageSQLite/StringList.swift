/// Lists of text as JSON arrays in a column. Reads what ``encode(_:)`` and other JSON writers write; anything that is not
/// an array of strings reads as empty.
enum StringList {
    static func encode(_ list: [String]) -> String {
        var text = "["
        for (index, element) in list.enumerated() {
            text += index == 0 ? "\"" : ",\""
            for scalar in element.unicodeScalars {
                switch scalar {
                case "\"": text += "\\\""
                case "\\": text += "\\\\"
                case "\u{0}"..<"\u{20}":
                    let digits = String(scalar.value, radix: 16)
                    text += "\\u" + String(repeating: "0", count: 4 - digits.count) + digits
                default: text.unicodeScalars.append(scalar)
                }
            }
            text += "\""
        }
        return text + "]"
    }

    static func decode(_ text: String) -> [String] {
        var reader = Reader(scalars: Array(text.unicodeScalars))
        return reader.array() ?? []
    }

    private struct Reader {
        let scalars: [Unicode.Scalar]
        var index = 0

        init(scalars: [Unicode.Scalar]) { self.scalars = scalars }

        mutating func next() -> Unicode.Scalar? {
            guard index < scalars.count else { return nil }
            index += 1
            return scalars[index - 1]
        }

        mutating func nextToken() -> Unicode.Scalar? {
            while let scalar = next() {
                if scalar != " ", scalar != "\n", scalar != "\t", scalar != "\r" { return scalar }
            }
            return nil
        }

        mutating func array() -> [String]? {
            guard nextToken() == "[" else { return nil }
            var list: [String] = []
            while let token = nextToken() {
                if token == "]" { return list }
                if !list.isEmpty, token != "," { return nil }
                guard list.isEmpty ? token == "\"" : nextToken() == "\"", let element = string() else { return nil }
                list.append(element)
            }
            return nil
        }

        mutating func string() -> String? {
            var text = String.UnicodeScalarView()
            while let scalar = next() {
                if scalar == "\"" { return String(text) }
                guard scalar == "\\" else {
                    text.append(scalar)
                    continue
                }
                switch next() {
                case "n": text.append("\n")
                case "t": text.append("\t")
                case "r": text.append("\r")
                case "b": text.append("\u{8}")
                case "f": text.append("\u{c}")
                case "u":
                    guard let unit = unit() else { return nil }
                    if unit & 0xfc00 == 0xd800 {
                        guard next() == "\\", next() == "u", let low = self.unit(), low & 0xfc00 == 0xdc00,
                            let scalar = Unicode.Scalar(0x10000 + (unit & 0x3ff) << 10 + low & 0x3ff)
                        else { return nil }
                        text.append(scalar)
                    } else {
                        guard let scalar = Unicode.Scalar(unit) else { return nil }
                        text.append(scalar)
                    }
                case let scalar?: text.append(scalar)
                case nil: return nil
                }
            }
            return nil
        }

        mutating func unit() -> UInt32? {
            guard index + 4 <= scalars.count else { return nil }
            var value: UInt32 = 0
            for _ in 0..<4 {
                guard let scalar = next(), let digit = hex(scalar) else { return nil }
                value = value << 4 | digit
            }
            return value
        }

        func hex(_ scalar: Unicode.Scalar) -> UInt32? {
            switch scalar {
            case "0"..."9": scalar.value - 48
            case "a"..."f": scalar.value - 87
            case "A"..."F": scalar.value - 55
            default: nil
            }
        }
    }
}
