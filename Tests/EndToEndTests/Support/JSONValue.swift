import Foundation

/// A JSON value as an outsider reads and writes it: nothing of the product's own reader is in it.
enum JSONValue: Sendable {
    case null
    case bool(Bool)
    case integer(Int64)
    case double(Double)
    case string(String)
    case array([JSONValue])
    case object([Member])

    struct Member: Sendable {
        var key: String
        var value: JSONValue
    }

    var stringValue: String? { if case .string(let text) = self { text } else { nil } }
    var boolValue: Bool? { if case .bool(let value) = self { value } else { nil } }
    var arrayValue: [JSONValue]? { if case .array(let values) = self { values } else { nil } }
    /// The members of an object, in their order.
    var members: [Member] { if case .object(let members) = self { members } else { [] } }

    var integerValue: Int64? {
        switch self {
        case .integer(let value): value
        case .double(let value): Int64(exactly: value)
        default: nil
        }
    }

    var doubleValue: Double? {
        switch self {
        case .integer(let value): Double(value)
        case .double(let value): value
        default: nil
        }
    }

    subscript(_ key: String) -> JSONValue? {
        get { members.first { $0.key == key }?.value }
        set {
            var members = members
            members.removeAll { $0.key == key }
            if let newValue { members.append(Member(key: key, value: newValue)) }
            self = .object(members)
        }
    }

    subscript(_ index: Int) -> JSONValue? {
        guard let values = arrayValue, values.indices.contains(index) else { return nil }
        return values[index]
    }
}

/// Numbers are equal by value, objects without regard to order.
extension JSONValue: Equatable {
    static func == (left: JSONValue, right: JSONValue) -> Bool {
        switch (left, right) {
        case (.null, .null): return true
        case (.bool(let a), .bool(let b)): return a == b
        case (.integer(let a), .integer(let b)): return a == b
        case (.integer, .double), (.double, .integer), (.double, .double): return left.doubleValue == right.doubleValue
        case (.string(let a), .string(let b)): return a.utf8.elementsEqual(b.utf8)
        case (.array(let a), .array(let b)): return a == b
        case (.object(let a), .object(let b)):
            return a.count == b.count && a.allSatisfy { member in right[member.key] == member.value }
        default: return false
        }
    }
}

extension JSONValue: ExpressibleByNilLiteral, ExpressibleByBooleanLiteral, ExpressibleByIntegerLiteral,
    ExpressibleByFloatLiteral, ExpressibleByStringLiteral, ExpressibleByArrayLiteral, ExpressibleByDictionaryLiteral
{
    init(nilLiteral: ()) { self = .null }
    init(booleanLiteral value: Bool) { self = .bool(value) }
    init(integerLiteral value: Int64) { self = .integer(value) }
    init(floatLiteral value: Double) { self = .double(value) }
    init(stringLiteral value: String) { self = .string(value) }
    init(arrayLiteral elements: JSONValue...) { self = .array(elements) }
    init(dictionaryLiteral elements: (String, JSONValue)...) {
        self = .object(elements.map { Member(key: $0.0, value: $0.1) })
    }
}

// MARK: - Writing

extension JSONValue {
    var text: String {
        switch self {
        case .null: return "null"
        case .bool(let value): return value ? "true" : "false"
        case .integer(let value): return String(value)
        case .double(let value): return "\(value)"
        case .string(let text): return JSONValue.quoted(text)
        case .array(let values): return "[" + values.map(\.text).joined(separator: ",") + "]"
        case .object(let members):
            return "{" + members.map { JSONValue.quoted($0.key) + ":" + $0.value.text }.joined(separator: ",") + "}"
        }
    }

    static func quoted(_ text: String) -> String {
        var result = "\""
        for scalar in text.unicodeScalars {
            switch scalar {
            case "\"", "\\":
                result.unicodeScalars.append("\\")
                result.unicodeScalars.append(scalar)
            case _ where scalar.value < 32:
                let digits = String(scalar.value, radix: 16)
                result += "\\u" + String(repeating: "0", count: 4 - digits.count) + digits
            default: result.unicodeScalars.append(scalar)
            }
        }
        return result + "\""
    }
}

// MARK: - Reading

extension JSONValue {
    init(parsing text: String) throws { try self.init(parsing: Array(text.utf8)) }

    /// Reads one value; throws on anything that RFC 8259 does not allow.
    init(parsing bytes: [UInt8]) throws {
        var reader = Reader(bytes: bytes)
        self = try reader.value(0)
        reader.skipSpace()
        guard reader.place == bytes.count else { throw reader.failure("something after the value") }
    }

    private struct Reader {
        let bytes: [UInt8]
        var place = 0

        func failure(_ reason: String) -> TestFailure {
            TestFailure("Not JSON at byte \(place): \(reason): \(String(decoding: bytes.prefix(200), as: UTF8.self))")
        }

        mutating func skipSpace() {
            while place < bytes.count, [32, 9, 10, 13].contains(bytes[place]) { place += 1 }
        }

        mutating func expect(_ byte: UInt8) throws {
            guard place < bytes.count, bytes[place] == byte else { throw failure("no \(Unicode.Scalar(byte))") }
            place += 1
        }

        mutating func take(_ word: String) throws {
            for byte in word.utf8 { try expect(byte) }
        }

        mutating func value(_ depth: Int) throws -> JSONValue {
            guard depth < 1000 else { throw failure("too deep") }
            skipSpace()
            guard place < bytes.count else { throw failure("it ends") }
            defer { skipSpace() }
            switch bytes[place] {
            case UInt8(ascii: "{"): return try object(depth)
            case UInt8(ascii: "["): return try array(depth)
            case UInt8(ascii: "\""): return .string(try string())
            case UInt8(ascii: "t"):
                try take("true")
                return true
            case UInt8(ascii: "f"):
                try take("false")
                return false
            case UInt8(ascii: "n"):
                try take("null")
                return .null
            default: return try number()
            }
        }

        private mutating func object(_ depth: Int) throws -> JSONValue {
            try expect(UInt8(ascii: "{"))
            skipSpace()
            var members: [Member] = []
            if place < bytes.count, bytes[place] == UInt8(ascii: "}") {
                place += 1
                return .object([])
            }
            while true {
                skipSpace()
                let key = try string()
                skipSpace()
                try expect(UInt8(ascii: ":"))
                members.append(Member(key: key, value: try value(depth + 1)))
                guard place < bytes.count, bytes[place] == UInt8(ascii: ",") else { break }
                place += 1
            }
            try expect(UInt8(ascii: "}"))
            return .object(members)
        }

        private mutating func array(_ depth: Int) throws -> JSONValue {
            try expect(UInt8(ascii: "["))
            skipSpace()
            if place < bytes.count, bytes[place] == UInt8(ascii: "]") {
                place += 1
                return .array([])
            }
            var values: [JSONValue] = []
            while true {
                values.append(try value(depth + 1))
                guard place < bytes.count, bytes[place] == UInt8(ascii: ",") else { break }
                place += 1
            }
            try expect(UInt8(ascii: "]"))
            return .array(values)
        }

        private mutating func number() throws -> JSONValue {
            let start = place
            while place < bytes.count, (48...57).contains(bytes[place]) || [43, 45, 46, 69, 101].contains(bytes[place])
            {
                place += 1
            }
            let text = String(decoding: bytes[start..<place], as: UTF8.self)
            if let value = Int64(text) { return .integer(value) }
            guard !text.isEmpty, let value = Double(text) else { throw failure("no value") }
            return .double(value)
        }

        private mutating func string() throws -> String {
            try expect(UInt8(ascii: "\""))
            var text: [UInt8] = []
            while place < bytes.count {
                let byte = bytes[place]
                place += 1
                switch byte {
                case UInt8(ascii: "\""):
                    guard let string = String(validating: text, as: UTF8.self) else { throw failure("not UTF-8") }
                    return string
                case UInt8(ascii: "\\"): try escape(&text)
                case 0..<32: throw failure("a control character")
                default: text.append(byte)
                }
            }
            throw failure("a text that does not end")
        }

        private mutating func escape(_ text: inout [UInt8]) throws {
            guard place < bytes.count else { throw failure("it ends") }
            let byte = bytes[place]
            place += 1
            switch byte {
            case UInt8(ascii: "n"): text.append(10)
            case UInt8(ascii: "t"): text.append(9)
            case UInt8(ascii: "r"): text.append(13)
            case UInt8(ascii: "b"): text.append(8)
            case UInt8(ascii: "f"): text.append(12)
            case UInt8(ascii: "\""), UInt8(ascii: "\\"), UInt8(ascii: "/"): text.append(byte)
            case UInt8(ascii: "u"):
                var code = try unit()
                if (0xd800..<0xdc00).contains(code) {
                    try take("\\u")
                    let low = try unit()
                    guard (0xdc00..<0xe000).contains(low) else { throw failure("a lone surrogate") }
                    code = 0x10000 + (code - 0xd800) << 10 + (low - 0xdc00)
                }
                guard let scalar = Unicode.Scalar(code) else { throw failure("a lone surrogate") }
                text.append(contentsOf: Array(String(scalar).utf8))
            default: throw failure("an unknown escape")
            }
        }

        private mutating func unit() throws -> UInt32 {
            guard place + 4 <= bytes.count,
                let code = UInt32(String(decoding: bytes[place..<place + 4], as: UTF8.self), radix: 16)
            else { throw failure("four digits are missing") }
            place += 4
            return code
        }
    }
}
