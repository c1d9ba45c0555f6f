/// An array in ``Pages``.
struct PagedArray<Element: Sendable>: ~Copyable, Sendable {
    private var pages = Pages<Element>()
    private(set) var count = 0

    init() {}

    /// Bytes held.
    var bytes: Int { pages.bytes }

    @inline(__always)
    subscript(index: Int) -> Element {
        get { address(index).pointee }
        _modify { yield &writable(index).pointee }
    }

    /// Where an element lies, for reading.
    @inline(__always)
    func address(_ index: Int) -> UnsafePointer<Element> {
        precondition(index >= 0 && index < count)
        return pages.address(index)
    }

    /// Where an element lies, for writing; until the next frozen copy.
    @inline(__always)
    mutating func writable(_ index: Int) -> UnsafeMutablePointer<Element> {
        precondition(index >= 0 && index < count)
        return pages.writable(index)
    }

    /// Asks for the memory of an element, which is about to be looked at or written.
    @inline(__always)
    func prefetch(_ index: Int) {
        if index >= 0, index < count { pages.prefetch(index) }
    }

    mutating func append(_ element: Element) {
        if count & Pages<Element>.mask == 0 { pages.addPage() }
        pages.append(element)
        count += 1
    }

    mutating func freeze() -> FrozenArray<Element> { FrozenArray(pages: pages.freeze(), count: count) }
}

/// A ``PagedArray`` as it was at one moment.
struct FrozenArray<Element: Sendable>: Sendable {
    var pages: FrozenPages<Element>
    let count: Int

    /// An element whose page has not been released.
    func element(_ index: Int) -> Element {
        pages.elements(index >> Pages<Element>.shift)[index & Pages<Element>.mask]
    }
}
