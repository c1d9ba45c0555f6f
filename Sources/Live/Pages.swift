internal import CKernels

/// One page of memory, freed with its last owner.
final class Page<Element: Sendable>: @unchecked Sendable {
    let base: UnsafeMutablePointer<Element>
    /// Elements that have been given a value, from the front.
    fileprivate(set) var used: Int

    fileprivate init(capacity: Int) {
        base = Self.room(capacity)
        used = 0
    }

    /// A page full of one value.
    init(filler: Element) {
        base = Self.room(Pages<Element>.capacity)
        used = Pages<Element>.capacity
        base.initialize(repeating: filler, count: used)
    }

    deinit {
        base.deinitialize(count: used)
        PageArena.shared.free(base)
    }

    private static func room(_ capacity: Int) -> UnsafeMutablePointer<Element> {
        PageArena.shared.allocate(capacity * MemoryLayout<Element>.stride)
            .bindMemory(to: Element.self, capacity: capacity)
    }
}

/// Memory in pages of up to 32 KiB that can be frozen: a frozen copy shares every page, and whoever writes next copies
/// one page, so that a copy of gigabytes costs its owner little at a time. Faster than arrays of arrays, which look at
/// two reference counts at every write: a page says by its number whether it is shared with a frozen copy.
///
/// Safe because it cannot be copied: only its owner writes, and frozen pages are never written.
struct Pages<Element: Sendable>: ~Copyable, @unchecked Sendable {
    private var owners: ContiguousArray<Page<Element>?> = []
    private var bases: ContiguousArray<UnsafeMutablePointer<Element>> = []
    private var epochs: ContiguousArray<UInt32> = []
    /// Moves on with every frozen copy; a page of an older epoch may be shared.
    private var epoch: UInt32 = 0

    /// Elements of a page: a power of two.
    @inline(__always) static var shift: Int {
        let fitting = 32_768 / max(1, MemoryLayout<Element>.stride)
        return Int.bitWidth - 1 - max(1, fitting).leadingZeroBitCount
    }

    @inline(__always) static var mask: Int { (1 << shift) - 1 }
    static var capacity: Int { 1 << shift }

    var count: Int { bases.count }

    /// Where an element lies, for reading. Valid until the page is removed or copied.
    @inline(__always)
    func address(_ index: Int) -> UnsafePointer<Element> {
        UnsafePointer(bases[index >> Self.shift] + (index & Self.mask))
    }

    /// Where an element lies, for writing; its page is the owner's alone from here on. Valid until the next frozen copy.
    @inline(__always)
    mutating func writable(_ index: Int) -> UnsafeMutablePointer<Element> {
        let page = index >> Self.shift
        if epochs[page] != epoch { detach(page) }
        return bases[page] + (index & Self.mask)
    }

    /// Asks for the memory of an element, which is about to be looked at or written.
    @inline(__always)
    func prefetch(_ index: Int) {
        let page = index >> Self.shift
        // One behind the end of a run may be on no page at all.
        if page >= 0, page < bases.count { ff_prefetch(bases[page] + (index & Self.mask)) }
    }

    /// Adds a page whose elements have no values yet.
    mutating func addPage() {
        let page = Page<Element>(capacity: Self.capacity)
        owners.append(page)
        bases.append(page.base)
        epochs.append(epoch)
    }

    /// Gives the next element of the last page its value.
    mutating func append(_ element: Element) {
        let last = owners.count - 1
        if epochs[last] != epoch { detach(last) }
        guard let page = owners[last] else { return }
        (page.base + page.used).initialize(to: element)
        page.used += 1
    }

    /// Gives a page's memory back; reads of it see `filler`'s until it is renewed.
    mutating func dropPage(_ page: Int, filler: UnsafeMutablePointer<Element>) {
        owners[page] = nil
        bases[page] = filler
    }

    /// Makes a page anew, all of one value.
    mutating func renew(_ page: Int, _ element: Element) {
        let fresh = Page(filler: element)
        owners[page] = fresh
        bases[page] = fresh.base
        epochs[page] = epoch
    }

    private mutating func detach(_ index: Int) {
        epochs[index] = epoch
        // Let go by the frozen copy already.
        if isKnownUniquelyReferenced(&owners[index]) { return }
        guard let old = owners[index] else { return }
        let copy = Page<Element>(capacity: Self.capacity)
        copy.base.initialize(from: old.base, count: old.used)
        copy.used = old.used
        owners[index] = copy
        bases[index] = copy.base
    }

    /// The pages as they are now, for another thread to read. Constant time; the pages' list is copied at the next write.
    mutating func freeze() -> FrozenPages<Element> {
        epoch &+= 1
        return FrozenPages(owners: owners)
    }

    /// A copy of its own, made at once.
    func copy() -> Pages {
        var copy = Pages()
        for owner in owners {
            copy.addPage()
            guard let owner, let page = copy.owners[copy.owners.count - 1] else { continue }
            page.base.initialize(from: owner.base, count: owner.used)
            page.used = owner.used
        }
        return copy
    }

    /// Changes every element.
    mutating func updateAll(_ body: (inout Element) -> Void) {
        for page in 0..<bases.count {
            if epochs[page] != epoch { detach(page) }
            guard let owner = owners[page] else { continue }
            for offset in 0..<owner.used { body(&owner.base[offset]) }
        }
    }

    /// Bytes held.
    var bytes: Int {
        let held = owners.reduce(0) { $0 + ($1 == nil ? 0 : 1) }
        return held * ((MemoryLayout<Element>.stride << Self.shift) + 64) + bases.count * 20
    }
}

/// Pages as they were at one moment.
struct FrozenPages<Element: Sendable>: Sendable {
    private var owners: ContiguousArray<Page<Element>?>

    fileprivate init(owners: ContiguousArray<Page<Element>?>) { self.owners = owners }

    var count: Int { owners.count }

    /// The elements of a page, none when it was given back; valid until it is released.
    func elements(_ page: Int) -> UnsafeBufferPointer<Element> {
        guard page < owners.count, let owner = owners[page] else {
            return UnsafeBufferPointer(start: nil, count: 0)
        }
        return UnsafeBufferPointer(start: owner.base, count: owner.used)
    }

    /// The elements of a run, valid until its page is released.
    func elements(_ run: Run) -> UnsafeBufferPointer<Element> {
        let page = elements(Int(run.base) >> Pages<Element>.shift)
        let offset = Int(run.base) & Pages<Element>.mask
        guard run.count > 0, offset + Int(run.count) <= page.count else {
            return UnsafeBufferPointer(start: nil, count: 0)
        }
        return UnsafeBufferPointer(rebasing: page[offset..<offset + Int(run.count)])
    }

    /// How many elements there are of a sort.
    func elementCount(_ isCounted: (Element) -> Bool) -> Int {
        (0..<count).reduce(0) { sum, page in elements(page).reduce(sum) { $0 + (isCounted($1) ? 1 : 0) } }
    }

    /// Lets a page go that is not needed any more, so that its owner need not copy it to write.
    mutating func release(_ page: Int) { owners[page] = nil }

    /// Lets every page go.
    mutating func releaseAll() { owners = [] }
}
