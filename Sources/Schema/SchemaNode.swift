internal import JSON

/// The types of JSON Schema as a set; an integer is a number as well.
struct TypeSet: OptionSet, BitwiseCopyable {
    let rawValue: UInt8

    static let null = TypeSet(rawValue: 1)
    static let boolean = TypeSet(rawValue: 2)
    static let number = TypeSet(rawValue: 4)
    static let integer = TypeSet(rawValue: 8)
    static let string = TypeSet(rawValue: 16)
    static let array = TypeSet(rawValue: 32)
    static let object = TypeSet(rawValue: 64)
    static let all: TypeSet = [.null, .boolean, .number, .integer, .string, .array, .object]

    static let names: [(name: String, type: TypeSet)] = [
        ("null", .null), ("boolean", .boolean), ("number", .number), ("integer", .integer), ("string", .string),
        ("array", .array), ("object", .object),
    ]
}

/// Which groups of keywords a schema uses, so that the others cost nothing.
struct KeywordGroups: OptionSet, BitwiseCopyable {
    let rawValue: UInt8

    static let numbers = KeywordGroups(rawValue: 1)
    static let strings = KeywordGroups(rawValue: 2)
    static let arrays = KeywordGroups(rawValue: 4)
    static let objects = KeywordGroups(rawValue: 8)
    static let values = KeywordGroups(rawValue: 16)
    static let applicators = KeywordGroups(rawValue: 32)
}

/// A stretch of one of the program's tables.
struct TableRange: BitwiseCopyable {
    var start: Int32 = 0
    var count: Int32 = 0

    var isEmpty: Bool { count == 0 }
    var indices: Range<Int> { Int(start)..<Int(start) &+ Int(count) }
}

/// A subschema's index in the program; `none` where the keyword is absent.
typealias SchemaIndex = Int32

extension SchemaIndex {
    static let none: SchemaIndex = -1
}

/// One compiled subschema. Plain bits without references, so that walking over schemas counts no owners.
struct SchemaNode: BitwiseCopyable {
    enum Constant: UInt8, BitwiseCopyable { case no, allowsAll, allowsNothing }

    var constant = Constant.no
    var types = TypeSet.all
    var groups: KeywordGroups = []
    var format = Format.none
    var hasUniqueItems = false
    var hasEnumeration = false
    /// Where the subschema stands; an index into the program's paths.
    var path: Int32 = 0

    // Numbers: indexes into the program's numbers, -1 where absent.
    var minimum: Int32 = -1
    var maximum: Int32 = -1
    var exclusiveMinimum: Int32 = -1
    var exclusiveMaximum: Int32 = -1
    var multipleOf: Int32 = -1

    // Strings.
    var minLength = 0
    var maxLength = Int.max
    var pattern: Int32 = -1

    // Values allowed by `enum` and by `const`.
    var enumeration = TableRange()
    var const: Int32 = -1

    // Arrays.
    var minItems = 0
    var maxItems = Int.max
    var prefixItems = TableRange()
    var items = SchemaIndex.none
    var contains = SchemaIndex.none
    var minContains = 1
    var maxContains = Int.max

    // Objects.
    var minProperties = 0
    var maxProperties = Int.max
    var keys = TableRange()
    /// Hash slots over `keys`; a power of two many, or none.
    var keySlots = TableRange()
    /// The bits of required keys that are all to be seen.
    var required: UInt64 = 0
    /// Required keys beyond the 64 that have a bit.
    var moreRequired = TableRange()
    var patternProperties = TableRange()
    var additionalProperties = SchemaIndex.none
    var propertyNames = SchemaIndex.none
    var dependentRequired = TableRange()

    // Applied to the same value.
    var allOf = TableRange()
    var anyOf = TableRange()
    var oneOf = TableRange()
    var not = SchemaIndex.none
    var `if` = SchemaIndex.none
    var then = SchemaIndex.none
    var `else` = SchemaIndex.none
    var reference = SchemaIndex.none
}

/// A key that `properties` or `required` names. The text lives in the schema's own document.
struct KeyEntry: BitwiseCopyable {
    var text: UnsafeRawBufferPointer
    var hash: UInt64
    var schema: SchemaIndex
    /// Which bit of `required` stands for the key; -1 for none.
    var requiredBit: Int8
}

/// One key of `dependentRequired` with one key that it requires.
struct Dependency: BitwiseCopyable {
    var key: UnsafeRawBufferPointer
    var required: UnsafeRawBufferPointer
}

/// One entry of `patternProperties`.
struct PatternProperty: BitwiseCopyable {
    var pattern: Int32
    var schema: SchemaIndex
}

/// A bound with what decides most comparisons at once.
struct NumberConstant: BitwiseCopyable {
    var view: JSONView
    var double: Double
    var isInt64: Bool
    var int64: Int64

    init(_ view: JSONView) {
        self.view = view
        double = view.double ?? 0
        let exact = view.int64
        isInt64 = exact != nil
        int64 = exact ?? 0
    }
}

/// Spreads keys over hash slots: the length with the first and the last eight bytes.
@inline(__always)
func hashKey(_ text: UnsafeRawBufferPointer) -> UInt64 {
    let count = text.count
    var head: UInt64 = 0
    var tail: UInt64 = 0
    if count >= 8 {
        head = text.loadUnaligned(fromByteOffset: 0, as: UInt64.self)
        tail = text.loadUnaligned(fromByteOffset: count &- 8, as: UInt64.self)
    } else if count >= 4 {
        head = UInt64(text.loadUnaligned(fromByteOffset: 0, as: UInt32.self))
        tail = UInt64(text.loadUnaligned(fromByteOffset: count &- 4, as: UInt32.self))
    } else if count > 0 {
        head = UInt64(text[0])
        tail = UInt64(text[count &- 1]) &<< 8 | UInt64(text[count &>> 1])
    }
    let mixed = (head ^ (tail &<< 29 | tail &>> 35)) &* 0x9E37_79B9_7F4A_7C15 &+ UInt64(truncatingIfNeeded: count)
    return (mixed ^ mixed &>> 32) &* 0xD6E8_FEB8_6659_FD93
}
