public import CSimdJSON

#if canImport(Glibc)
    public import Glibc
#else
    public import Foundation
#endif

/// What a JSON value is; numbers are split by what holds them exactly.
public enum JSONKind: UInt8, Sendable {
    case null, bool
    /// A number written as an integer that fits in `Int64`.
    case integer
    /// A number written as an integer above `Int64.max` that fits in `UInt64`.
    case unsigned
    /// A number with a fraction or an exponent, or `-0`.
    case double
    /// An integer beyond 64 bits.
    case bigNumber
    case string, array, object
}

/// One value of a parsed document: a handle of two words into the parser's buffers.
///
/// Valid until the parser's next `parse`; reading it later reads other data. It owns nothing, so copying is free.
/// Where an object repeats a key, `member` and the subscript answer with the last of them, and ``members`` shows all;
/// ``containsDuplicateKey`` tells.
public struct JSONView: BitwiseCopyable {
    @usableFromInline let node: UnsafePointer<footfall_json_node>
    @usableFromInline let source: UnsafePointer<UInt8>

    @inlinable
    init(node: UnsafePointer<footfall_json_node>, source: UnsafePointer<UInt8>) {
        self.node = node
        self.source = source
    }

    /// What the value is.
    @inlinable
    public var kind: JSONKind {
        switch Int32(node.pointee.kind) {
        case Int32(FOOTFALL_JSON_NULL): .null
        case Int32(FOOTFALL_JSON_FALSE), Int32(FOOTFALL_JSON_TRUE): .bool
        case Int32(FOOTFALL_JSON_INTEGER): .integer
        case Int32(FOOTFALL_JSON_UNSIGNED): .unsigned
        case Int32(FOOTFALL_JSON_DOUBLE): .double
        case Int32(FOOTFALL_JSON_BIG_NUMBER): .bigNumber
        case Int32(FOOTFALL_JSON_STRING): .string
        case Int32(FOOTFALL_JSON_ARRAY): .array
        default: .object
        }
    }

    @inlinable
    func has(_ flag: Int) -> Bool {
        Int(node.pointee.flags) & flag != 0
    }

    /// Whether the value is `null`.
    @inlinable public var isNull: Bool { Int(node.pointee.kind) == FOOTFALL_JSON_NULL }

    /// The truth value of `true` and `false`.
    @inlinable
    public var bool: Bool? {
        switch Int(node.pointee.kind) {
        case FOOTFALL_JSON_TRUE: true
        case FOOTFALL_JSON_FALSE: false
        default: nil
        }
    }

    /// Whether the value is a number of any kind.
    @inlinable
    public var isNumber: Bool {
        Int(node.pointee.kind) >= FOOTFALL_JSON_INTEGER && Int(node.pointee.kind) <= FOOTFALL_JSON_BIG_NUMBER
    }

    /// Whether the value is a number without a fraction, by value: `1.0` and `1e400` are integers.
    @inlinable public var isInteger: Bool { has(FOOTFALL_JSON_INTEGRAL) }

    /// The number as an `Int64`, by value and exactly: `1.0` and `1e2` have one; fractions and larger numbers do not.
    @inlinable
    public var int64: Int64? {
        if Int(node.pointee.kind) == FOOTFALL_JSON_INTEGER { return Int64(bitPattern: node.pointee.bits) }
        return isInteger ? integerByValue : nil
    }

    @usableFromInline
    var integerByValue: Int64? {
        if kind == .double {
            let value = Double(bitPattern: node.pointee.bits)
            // An exact integer below 2^53 is its double; above, the double may be a rounded one.
            if value.magnitude < 0x1p53 { return Int64(value) }
        }
        return JSONDecimal(self)?.int64
    }

    /// The number as the nearest double; infinite where ``containsNumberOverflow`` says so.
    @inlinable
    public var double: Double? {
        switch Int(node.pointee.kind) {
        case FOOTFALL_JSON_DOUBLE, FOOTFALL_JSON_BIG_NUMBER: Double(bitPattern: node.pointee.bits)
        case FOOTFALL_JSON_INTEGER: Double(Int64(bitPattern: node.pointee.bits))
        case FOOTFALL_JSON_UNSIGNED: Double(node.pointee.bits)
        default: nil
        }
    }

    /// The number as a double that is written again with the same decimal value: `0.1` and `1e300` have one; a number with
    /// more digits or another exponent than doubles keep has none.
    public var exactDouble: Double? {
        guard let value = double else { return nil }
        if kind == .integer, value.magnitude < 0x1p53 { return value }
        return JSONDecimal(self)?.isWritten(as: value) == true ? value : nil
    }

    /// The string's unescaped UTF-8.
    @inlinable
    public var string: UnsafeRawBufferPointer? {
        guard Int(node.pointee.kind) == FOOTFALL_JSON_STRING else { return nil }
        return textUnchecked
    }

    /// The unescaped text of a value known to be a string; for other kinds its length is 0.
    @inlinable
    public var textUnchecked: UnsafeRawBufferPointer {
        UnsafeRawBufferPointer(
            start: UnsafeRawPointer(bitPattern: UInt(node.pointee.bits)), count: Int(node.pointee.text_length))
    }

    /// The string as an owned `String`.
    @inlinable
    public var stringValue: String? {
        guard let string else { return nil }
        return String(decoding: string, as: UTF8.self)
    }

    /// The value's source text, byte for byte, without white space around it.
    @inlinable
    public var raw: UnsafeRawBufferPointer {
        UnsafeRawBufferPointer(start: source + Int(node.pointee.raw_offset), count: Int(node.pointee.raw_length))
    }

    /// Where ``raw`` begins in the document, in bytes.
    @inlinable public var offset: Int { Int(node.pointee.raw_offset) }

    /// How many elements an array or members an object has, repeated keys counted each time; 0 for scalars.
    @inlinable public var count: Int { Int(node.pointee.count) }

    /// Whether some object in the value, itself included, has two equal keys (after unescaping).
    @inlinable public var containsDuplicateKey: Bool { has(FOOTFALL_JSON_DUPLICATE_KEY) }

    /// Whether some string or key in the value contains U+0000.
    @inlinable public var containsNUL: Bool { has(FOOTFALL_JSON_HAS_NUL) }

    /// Whether some number in the value is beyond the finite doubles.
    @inlinable public var containsNumberOverflow: Bool { has(FOOTFALL_JSON_NUMBER_OVERFLOW) }

    @inlinable
    var next: UnsafePointer<footfall_json_node> { node + Int(node.pointee.span) }
}

extension JSONView {
    /// The members of an object in source order; none for other kinds.
    @inlinable
    public var members: Members {
        Members(view: self, remaining: Int(node.pointee.kind) == FOOTFALL_JSON_OBJECT ? count : 0)
    }

    /// The elements of an array in order; none for other kinds.
    @inlinable
    public var elements: Elements {
        Elements(view: self, remaining: Int(node.pointee.kind) == FOOTFALL_JSON_ARRAY ? count : 0)
    }

    /// Members one after another, without allocation.
    public struct Members: Sequence, IteratorProtocol {
        @usableFromInline var key: UnsafePointer<footfall_json_node>
        @usableFromInline let source: UnsafePointer<UInt8>
        @usableFromInline var remaining: Int

        @inlinable
        init(view: JSONView, remaining: Int) {
            key = view.node + 1
            source = view.source
            self.remaining = remaining
        }

        /// The next member; its key is unescaped UTF-8.
        @inlinable
        public mutating func next() -> (key: UnsafeRawBufferPointer, value: JSONView)? {
            guard remaining > 0 else { return nil }
            remaining &-= 1
            let text = JSONView(node: key, source: source).textUnchecked
            let value = JSONView(node: key + 1, source: source)
            key = value.next
            return (text, value)
        }

        /// The next member with its key as a value of kind string.
        @inlinable
        public mutating func nextViews() -> (key: JSONView, value: JSONView)? {
            guard remaining > 0 else { return nil }
            remaining &-= 1
            let name = JSONView(node: key, source: source)
            let value = JSONView(node: key + 1, source: source)
            key = value.next
            return (name, value)
        }

        /// How many members are left.
        @inlinable public var underestimatedCount: Int { remaining }
    }

    /// Elements one after another, without allocation.
    public struct Elements: Sequence, IteratorProtocol {
        @usableFromInline var element: UnsafePointer<footfall_json_node>
        @usableFromInline let source: UnsafePointer<UInt8>
        @usableFromInline var remaining: Int

        @inlinable
        init(view: JSONView, remaining: Int) {
            element = view.node + 1
            source = view.source
            self.remaining = remaining
        }

        /// The next element.
        @inlinable
        public mutating func next() -> JSONView? {
            guard remaining > 0 else { return nil }
            remaining &-= 1
            let value = JSONView(node: element, source: source)
            element = value.next
            return value
        }

        /// How many elements are left.
        @inlinable public var underestimatedCount: Int { remaining }
    }

    /// The member of that name, linear in the number of members; the last one where a key is repeated.
    @inlinable
    public func member(_ name: StaticString) -> JSONView? {
        guard name.hasPointerRepresentation else { return self[name.description] }
        return member(UnsafeRawBufferPointer(start: name.utf8Start, count: name.utf8CodeUnitCount))
    }

    /// The member whose unescaped key has these bytes; the last one where a key is repeated.
    @inlinable
    public func member(_ name: UnsafeRawBufferPointer) -> JSONView? {
        var found: JSONView?
        for (key, value) in members where key.count == name.count {
            guard Self.equal(key, name) else { continue }
            if !containsDuplicateKey { return value }
            found = value
        }
        return found
    }

    /// The member of that name; the last one where a key is repeated.
    @inlinable
    public subscript(_ name: String) -> JSONView? {
        var name = name
        return name.withUTF8 { member(UnsafeRawBufferPointer($0)) }
    }

    /// Whether two texts have the same bytes.
    @inlinable
    public static func equal(_ a: UnsafeRawBufferPointer, _ b: UnsafeRawBufferPointer) -> Bool {
        guard a.count == b.count else { return false }
        guard a.count > 0, let start = a.baseAddress, let other = b.baseAddress else { return true }
        return memcmp(start, other, a.count) == 0
    }
}
