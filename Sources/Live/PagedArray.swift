/// An array in pages of up to 32 KiB. A copy shares every page; whoever writes next copies one page, so that a frozen
/// copy of gigabytes costs its owner next to nothing at a time.
struct PagedArray<Element: Sendable>: Sendable {
    private(set) var pages: ContiguousArray<ContiguousArray<Element>> = []
    private(set) var count = 0

    /// Elements of a page: a power of two.
    @inline(__always) static var shift: Int {
        let fitting = 32_768 / max(1, MemoryLayout<Element>.stride)
        return Int.bitWidth - 1 - max(1, fitting).leadingZeroBitCount
    }

    @inline(__always) static var mask: Int { (1 << shift) - 1 }

    /// Bytes held, capacity of the last page included.
    var bytes: Int {
        pages.count * ((MemoryLayout<Element>.stride << Self.shift) + 32 + MemoryLayout<Int>.size)
    }

    @inline(__always)
    subscript(index: Int) -> Element {
        get { pages[index >> Self.shift][index & Self.mask] }
        _modify { yield &pages[index >> Self.shift][index & Self.mask] }
    }

    mutating func append(_ element: Element) {
        if count & Self.mask == 0 {
            var page = ContiguousArray<Element>()
            page.reserveCapacity(1 << Self.shift)
            pages.append(page)
        }
        pages[pages.count - 1].append(element)
        count += 1
    }
}
