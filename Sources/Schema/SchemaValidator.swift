internal import JSON

/// One check of one value: walks over the value and the program's nodes together.
///
/// The way to a fault is put together only while unwinding from it, so valid values pay nothing for messages.
struct SchemaValidator {
    /// What a message needs to know about the fault.
    struct Failure {
        var keyword: StaticString
        var node: SchemaIndex
        var value: JSONView
        var detail = Detail.none
        /// The way to the value at fault, innermost step first.
        var path: [PathStep] = []
    }

    enum Detail {
        case none
        case key(UnsafeRawBufferPointer)
        case dependency(key: UnsafeRawBufferPointer, missing: UnsafeRawBufferPointer)
        case count(Int)
        case positions(Int, Int)
    }

    enum PathStep {
        case key(UnsafeRawBufferPointer)
        case index(Int)
    }

    /// Subschemas applied before a check is given up, some 10 milliseconds: a schema can ask for exponential work.
    private static let maximumSteps = 500_000
    /// Nested applications before a check is given up; a megabyte of stack in the worst case.
    private static let maximumDepth = 1024

    let program: SchemaProgram
    let nodes: UnsafeMutablePointer<SchemaNode>
    var failure: Failure?
    /// Above 0 while failing is no fault, as under `not`.
    var quiet: Int
    /// Set when the check was given up; whatever it answers then means nothing.
    private(set) var isExhausted = false
    private var steps = maximumSteps
    private var depth = 0

    init(_ program: SchemaProgram, quiet: Bool = false) {
        self.program = program
        nodes = program.nodes.start
        self.quiet = quiet ? 1 : 0
    }

    /// Whether the value is valid by that subschema.
    mutating func apply(_ index: SchemaIndex, to value: JSONView) -> Bool {
        let node = nodes + Int(index)
        if node.pointee.constant != .no {
            return node.pointee.constant == .allowsAll || fail("false", index, value)
        }
        steps &-= 1
        guard steps > 0, depth < Self.maximumDepth else { return exhaust(index, value) }
        depth &+= 1
        defer { depth &-= 1 }

        let kind = value.kind
        guard !node.pointee.types.isDisjoint(with: Self.types(of: value, kind)) else {
            return fail("type", index, value)
        }
        let groups = node.pointee.groups
        if groups.isEmpty { return true }
        switch kind {
        case .integer, .unsigned, .double, .bigNumber:
            if groups.contains(.numbers), !number(node, index, value) { return false }
        case .string:
            if groups.contains(.strings), !string(node, index, value) { return false }
        case .array:
            if groups.contains(.arrays), !array(node, index, value) { return false }
        case .object:
            if groups.contains(.objects), !object(node, index, value) { return false }
        case .null, .bool: break
        }
        if groups.contains(.values), !values(node, index, value) { return false }
        return !groups.contains(.applicators) || applicators(node, index, value)
    }

    @inline(__always)
    private static func types(of value: JSONView, _ kind: JSONKind) -> TypeSet {
        switch kind {
        case .null: .null
        case .bool: .boolean
        case .integer, .unsigned, .bigNumber: [.number, .integer]
        case .double: value.isInteger ? [.number, .integer] : .number
        case .string: .string
        case .array: .array
        case .object: .object
        }
    }

    @inline(never)
    private mutating func exhaust(_ index: SchemaIndex, _ value: JSONView) -> Bool {
        isExhausted = true
        steps = 0
        return fail("limit", index, value)
    }

    /// Notes a fault; always `false`.
    @inline(never)
    mutating func fail(
        _ keyword: StaticString, _ index: SchemaIndex, _ value: JSONView, _ detail: Detail = .none
    ) -> Bool {
        if quiet == 0 { failure = Failure(keyword: keyword, node: index, value: value, detail: detail) }
        return false
    }

    /// Adds a step to the way to the fault; always `false`.
    @inline(never)
    mutating func passOn(_ step: PathStep) -> Bool {
        if quiet == 0 { failure?.path.append(step) }
        return false
    }

    /// Whether the value is valid by that subschema, without noting a fault.
    mutating func test(_ index: SchemaIndex, _ value: JSONView) -> Bool {
        quiet &+= 1
        defer { quiet &-= 1 }
        return apply(index, to: value)
    }

    private mutating func values(_ node: UnsafeMutablePointer<SchemaNode>, _ index: SchemaIndex, _ value: JSONView)
        -> Bool
    {
        if node.pointee.const >= 0, !JSONEquality.equal(value, program.values[Int(node.pointee.const)]) {
            return fail("const", index, value)
        }
        guard node.pointee.hasEnumeration else { return true }
        for position in node.pointee.enumeration.indices
        where JSONEquality.equal(value, program.values[position]) {
            return true
        }
        return fail("enum", index, value)
    }

    private mutating func applicators(
        _ node: UnsafeMutablePointer<SchemaNode>, _ index: SchemaIndex, _ value: JSONView
    ) -> Bool {
        if node.pointee.reference != .none, !apply(node.pointee.reference, to: value) { return false }
        for position in node.pointee.allOf.indices where !apply(program.children[position], to: value) { return false }
        if !node.pointee.anyOf.isEmpty {
            var fits = false
            for position in node.pointee.anyOf.indices where test(program.children[position], value) {
                fits = true
                break
            }
            guard fits else { return fail("anyOf", index, value) }
        }
        if !node.pointee.oneOf.isEmpty {
            var fitting = 0
            for position in node.pointee.oneOf.indices where test(program.children[position], value) { fitting &+= 1 }
            guard fitting == 1 else { return fail("oneOf", index, value, .count(fitting)) }
        }
        if node.pointee.not != .none, test(node.pointee.not, value) { return fail("not", index, value) }
        if node.pointee.if != .none {
            let branch = test(node.pointee.if, value) ? node.pointee.then : node.pointee.else
            if branch != .none { return apply(branch, to: value) }
        }
        return true
    }
}
