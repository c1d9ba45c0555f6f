/// An owned JSON value, for plans, settings and answers; the hot path reads ``JSONView`` instead.
///
/// Numbers compare by value: `.integer(1) == .double(1)`, and are written as they were read. Numbers beyond the doubles
/// become an infinity (which is written as `null`): check ``JSONView/containsNumberOverflow`` first where that matters.
public enum JSONValue: Sendable {
    case null
    case bool(Bool)
    case integer(Int64)
    case double(Double)
    /// A number's own text, where neither an `Int64` nor a double would be written the same: `12.50`, twenty digits.
    case number(String)
    case string(String)
    case array([JSONValue])
    case object(JSONObject)
}

extension JSONValue {
    /// Copies a view, which must be valid; recursion is as deep as the document.
    public init(_ view: JSONView) {
        switch view.kind {
        case .null: self = .null
        case .bool: self = .bool(view.bool ?? false)
        case .integer: self = .integer(view.int64 ?? 0)
        case .unsigned, .double, .bigNumber: self = JSONValue(number: view)
        case .string: self = .string(view.stringValue ?? "")
        case .array: self = .array(view.elements.map { JSONValue($0) })
        case .object:
            self = .object(
                JSONObject(
                    view.members.lazy.map { (key: String(decoding: $0.key, as: UTF8.self), value: JSONValue($0.value)) }
                ))
        }
    }

    private init(number view: JSONView) {
        let value = view.double ?? 0
        var writer = JSONWriter(reserving: 32)
        writer.double(value)
        let isKept = !value.isFinite || writer.bytes.elementsEqual(view.raw)
        self = isKept ? .double(value) : .number(String(decoding: view.raw, as: UTF8.self))
    }

    /// Parses a document.
    ///
    /// - Throws: ``JSONError`` as ``JSONParser`` does.
    public init(parsing bytes: [UInt8], maximumDepth: Int = 256) throws(JSONError) {
        let parser = JSONParser()
        let view = try parser.parse(bytes, maximumDepth: maximumDepth)
        self = withExtendedLifetime(parser) { JSONValue(view) }
    }

    /// Parses a document.
    ///
    /// - Throws: ``JSONError`` as ``JSONParser`` does.
    public init(parsing text: String, maximumDepth: Int = 256) throws(JSONError) {
        try self.init(parsing: Array(text.utf8), maximumDepth: maximumDepth)
    }
}

extension JSONValue {
    /// Whether this is `null`.
    public var isNull: Bool { if case .null = self { true } else { false } }

    /// The truth value of a boolean.
    public var boolValue: Bool? { if case .bool(let value) = self { value } else { nil } }

    /// The number as an `Int64` where it is exactly one; `1.0` is.
    public var integerValue: Int64? {
        switch self {
        case .integer(let value): value
        case .double(let value): Int64(exactly: value)
        case .number(let text): JSONValue.withDecimal(text) { $0.int64 }
        default: nil
        }
    }

    /// Whether this is a number.
    public var isNumber: Bool {
        switch self {
        case .integer, .double, .number: true
        default: false
        }
    }

    private static func withDecimal<Result>(_ text: String, _ body: (JSONDecimal) -> Result) -> Result {
        var text = text
        return text.withUTF8 { body(JSONDecimal(numberText: UnsafeRawBufferPointer($0))) }
    }

    /// Whether two numbers are the same by value.
    private static func areEqual(_ a: JSONValue, _ b: JSONValue) -> Bool {
        // Rounding never parts what is equal; equal doubles may hide a difference.
        guard a.doubleValue == b.doubleValue, a.doubleValue?.isFinite == true else { return false }
        return withDecimal(a.text) { x in withDecimal(b.text) { JSONDecimal.compare(x, $0) == 0 } }
    }

    /// The number as a double, the nearest one to a large integer.
    public var doubleValue: Double? {
        switch self {
        case .integer(let value): Double(value)
        case .double(let value): value
        case .number(let text): Double(text)
        default: nil
        }
    }

    /// The text of a string.
    public var stringValue: String? { if case .string(let value) = self { value } else { nil } }

    /// The elements of an array.
    public var arrayValue: [JSONValue]? { if case .array(let value) = self { value } else { nil } }

    /// An object.
    public var objectValue: JSONObject? { if case .object(let value) = self { value } else { nil } }

    /// The member under that key; `nil` when there is none or this is no object.
    public subscript(_ key: String) -> JSONValue? { objectValue?[key] }

    /// The element at that index; `nil` outside the bounds or when this is no array.
    public subscript(_ index: Int) -> JSONValue? {
        guard let array = arrayValue, array.indices.contains(index) else { return nil }
        return array[index]
    }
}

extension JSONValue: Hashable {
    /// JSON equality: numbers by value, objects without regard to order.
    public static func == (a: JSONValue, b: JSONValue) -> Bool {
        switch (a, b) {
        case (.null, .null): true
        case (.bool(let x), .bool(let y)): x == y
        case (.integer(let x), .integer(let y)): x == y
        case (.double(let x), .double(let y)): x == y || (x.isNaN && y.isNaN)
        case (.integer(let x), .double(let y)), (.double(let y), .integer(let x)): Int64(exactly: y) == x
        case (.number, _) where b.isNumber, (_, .number) where a.isNumber: areEqual(a, b)
        case (.string(let x), .string(let y)): x.utf8.elementsEqual(y.utf8)
        case (.array(let x), .array(let y)): x == y
        case (.object(let x), .object(let y)): x == y
        default: false
        }
    }

    /// Hashes so that equal numbers of either case agree.
    public func hash(into hasher: inout Hasher) {
        switch self {
        case .null: hasher.combine(0)
        case .bool(let value): hasher.combine(value)
        case .integer(let value): hasher.combine(value)
        case .double(let value):
            if let integer = Int64(exactly: value) { hasher.combine(integer) } else { hasher.combine(value.bitPattern) }
        case .number:
            if let integer = integerValue {
                hasher.combine(integer)
            } else {
                hasher.combine((doubleValue ?? 0).bitPattern)
            }
        case .string(let value): hasher.combine(value)
        case .array(let value): hasher.combine(value)
        case .object(let value): hasher.combine(value)
        }
    }
}

extension JSONValue: ExpressibleByNilLiteral, ExpressibleByBooleanLiteral, ExpressibleByIntegerLiteral,
    ExpressibleByFloatLiteral, ExpressibleByStringLiteral, ExpressibleByArrayLiteral, ExpressibleByDictionaryLiteral
{
    /// `nil` is `null`.
    public init(nilLiteral: ()) { self = .null }
    /// A literal boolean.
    public init(booleanLiteral value: Bool) { self = .bool(value) }
    /// A literal integer.
    public init(integerLiteral value: Int64) { self = .integer(value) }
    /// A literal double.
    public init(floatLiteral value: Double) { self = .double(value) }
    /// A literal string.
    public init(stringLiteral value: String) { self = .string(value) }
    /// A literal array.
    public init(arrayLiteral elements: JSONValue...) { self = .array(elements) }
    /// A literal object; of equal keys the last value counts.
    public init(dictionaryLiteral elements: (String, JSONValue)...) {
        self = .object(JSONObject(elements.map { (key: $0.0, value: $0.1) }))
    }
}
