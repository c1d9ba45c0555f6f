internal import JSON

/// A table of plain values that never moves.
struct Table<Element: BitwiseCopyable> {
    let start: UnsafeMutablePointer<Element>
    let count: Int

    init(_ elements: [Element]) {
        count = elements.count
        start = .allocate(capacity: Swift.max(1, elements.count))
        elements.withUnsafeBufferPointer { source in
            guard let first = source.baseAddress else { return }
            start.initialize(from: first, count: source.count)
        }
    }

    /// The element at an index that the compiler made.
    @inline(__always)
    subscript(_ index: Int) -> Element {
        start[index]
    }
}

/// Everything that a compiled schema refers to, immutable.
final class SchemaProgram: @unchecked Sendable {
    // The tables point into the parser's buffers, which nothing changes any more: the parser is private to the program.
    private let document: JSONParser
    let nodes: Table<SchemaNode>
    let children: Table<SchemaIndex>
    let keys: Table<KeyEntry>
    let keySlots: Table<Int32>
    let moreRequired: Table<UnsafeRawBufferPointer>
    let dependencies: Table<Dependency>
    let patternProperties: Table<PatternProperty>
    let numbers: Table<NumberConstant>
    let values: Table<JSONView>
    let patterns: [Pattern]
    let paths: [String]
    let root: SchemaIndex

    init(document: JSONParser, tables: SchemaTables, root: SchemaIndex) {
        self.document = document
        nodes = Table(tables.nodes)
        children = Table(tables.children)
        keys = Table(tables.keys)
        keySlots = Table(tables.keySlots)
        moreRequired = Table(tables.moreRequired)
        dependencies = Table(tables.dependencies)
        patternProperties = Table(tables.patternProperties)
        numbers = Table(tables.numbers)
        values = Table(tables.values)
        patterns = tables.patterns
        paths = tables.paths
        self.root = root
    }

    deinit {
        nodes.start.deallocate()
        children.start.deallocate()
        keys.start.deallocate()
        keySlots.start.deallocate()
        moreRequired.start.deallocate()
        dependencies.start.deallocate()
        patternProperties.start.deallocate()
        numbers.start.deallocate()
        values.start.deallocate()
    }
}

/// The program's tables while they grow.
struct SchemaTables {
    var nodes: [SchemaNode] = []
    var children: [SchemaIndex] = []
    var keys: [KeyEntry] = []
    var keySlots: [Int32] = []
    var moreRequired: [UnsafeRawBufferPointer] = []
    var dependencies: [Dependency] = []
    var patternProperties: [PatternProperty] = []
    var numbers: [NumberConstant] = []
    var values: [JSONView] = []
    var patterns: [Pattern] = []
    var paths: [String] = []
}
