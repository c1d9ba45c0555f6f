/// A run of consecutive elements in a ``RunPool``.
struct Run: Sendable, BitwiseCopyable {
    var base: UInt32 = 0
    var count: UInt16 = 0
    /// Size class; ``none`` while it has no room at all.
    var size: UInt8 = Run.none

    static let none: UInt8 = .max
}

/// Short arrays by the million, in shared pages. Every page holds runs of one capacity and is given back when its last
/// run leaves, so that runs that grow together leave nothing behind. Capacities grow by a third or a half.
struct RunPool<Element: Sendable & BitwiseCopyable>: ~Copyable, @unchecked Sendable {
    /// Longest run.
    let maximum: Int
    private let filler: Element
    private var pages = Pages<Element>()
    /// What pages that were given back are read as.
    private let blank: Page<Element>
    // Of each page: size class, runs in use, one bit for each, place in its class's list of pages with room.
    private var sizes: ContiguousArray<UInt8> = []
    private var used: ContiguousArray<UInt16> = []
    private var bitmaps: ContiguousArray<UInt64> = []
    private var places: ContiguousArray<UInt32> = []
    private var roomy: ContiguousArray<ContiguousArray<UInt32>>
    private var freePages: ContiguousArray<UInt32> = []

    init(filler: Element, maximum: Int) {
        self.filler = filler
        self.maximum = min(maximum, 1 << Self.shift)
        blank = Page(filler: filler)
        roomy = ContiguousArray(repeating: [], count: 40)
    }

    @inline(__always) static var shift: Int { Pages<Element>.shift }
    @inline(__always) static var mask: Int { Pages<Element>.mask }
    private static var words: Int { ((1 << shift) + 63) / 64 }

    /// Bytes held, free room included.
    var bytes: Int { pages.bytes + pages.count * (8 * Self.words + 16) }

    @inline(__always)
    subscript(index: UInt32) -> Element {
        get { pages.address(Int(index)).pointee }
        _modify { yield &pages.writable(Int(index)).pointee }
    }

    /// Where an element lies, for writing; until the next frozen copy.
    @inline(__always)
    mutating func writable(_ index: UInt32) -> UnsafeMutablePointer<Element> { pages.writable(Int(index)) }

    /// Where an element lies, for reading.
    @inline(__always)
    func address(_ index: UInt32) -> UnsafePointer<Element> { pages.address(Int(index)) }

    /// Asks for the memory of an element of a run, which is about to be looked at or written.
    @inline(__always)
    func prefetch(_ run: Run, _ offset: Int) {
        if run.size != Run.none { pages.prefetch(Int(run.base) &+ offset) }
    }

    /// A run's elements, for reading, until anything is written.
    @inline(__always)
    func elements(_ run: Run) -> UnsafeBufferPointer<Element> {
        guard run.count > 0 else { return UnsafeBufferPointer(start: nil, count: 0) }
        return UnsafeBufferPointer(start: pages.address(Int(run.base)), count: Int(run.count))
    }

    /// All the room of a run, for writing, until it grows or is given back.
    @inline(__always)
    mutating func room(_ run: Run) -> UnsafeMutableBufferPointer<Element> {
        guard run.size != Run.none else { return UnsafeMutableBufferPointer(start: nil, count: 0) }
        return UnsafeMutableBufferPointer(start: pages.writable(Int(run.base)), count: capacity(run.size))
    }

    /// Elements that a run of a size class has room for: 1, 2, 3, 4, 6, 8, 12, 16, 24, …
    @inline(__always)
    func capacity(_ size: UInt8) -> Int {
        guard size != Run.none else { return 0 }
        let step = Int(size)
        let plain = step < 2 ? step + 1 : (step & 1 == 0 ? 3 : 4) << ((step - 2) >> 1)
        return min(plain, maximum)
    }

    /// Changes every place, in use or not.
    mutating func updateAll(_ body: (inout Element) -> Void) { pages.updateAll(body) }

    /// A copy of its pages, to be written beside them.
    func copyPages() -> Pages<Element> { pages.copy() }

    /// Exchanges pages for a copy that was made when every run was where it is now.
    mutating func swapPages(_ other: inout Pages<Element>) { swap(&pages, &other) }

    mutating func freeze() -> FrozenPages<Element> { pages.freeze() }

    /// Gives a run more room, its elements kept in order. False when it is as long as runs get.
    mutating func grow(_ run: inout Run) -> Bool {
        guard run.size == Run.none || capacity(run.size) < maximum else { return false }
        let size = run.size == Run.none ? 0 : run.size + 1
        return move(&run, to: size)
    }

    /// Makes room for `count` elements in a run that has none.
    mutating func reserve(_ run: inout Run, _ count: Int) -> Bool {
        guard count <= maximum else { return false }
        var size: UInt8 = 0
        while capacity(size) < count { size += 1 }
        return move(&run, to: size)
    }

    /// Gives back a run's room.
    mutating func release(_ run: inout Run) {
        if run.size != Run.none { free(run.base, run.size) }
        run = Run()
    }

    /// Moves a run out of a page that is a quarter empty or more, so that pages which runs have grown out of are given back.
    /// For a sweep over all runs now and then.
    mutating func compact(_ run: inout Run) {
        guard run.size != Run.none, roomy[Int(run.size)].count > 1 else { return }
        let page = Int(run.base) >> Self.shift
        let perPage = (1 << Self.shift) / capacity(run.size)
        guard Int(used[page]) * 4 <= perPage * 3, roomy[Int(run.size)].last != UInt32(page) else { return }
        _ = move(&run, to: run.size)
    }

    private mutating func move(_ run: inout Run, to size: UInt8) -> Bool {
        guard let base = allocate(size) else { return false }
        if run.size != Run.none {
            if run.count > 0 {
                pages.writable(Int(base)).update(from: pages.address(Int(run.base)), count: Int(run.count))
            }
            free(run.base, run.size)
        }
        run.base = base
        run.size = size
        return true
    }

    private mutating func allocate(_ size: UInt8) -> UInt32? {
        let class_ = Int(size)
        let room = capacity(size)
        let perPage = (1 << Self.shift) / room
        if roomy[class_].isEmpty {
            guard let page = freshPage() else { return nil }
            sizes[page] = size
            places[page] = UInt32(roomy[class_].count)
            roomy[class_].append(UInt32(page))
        }
        let page = Int(roomy[class_][roomy[class_].count - 1])
        var word = page * Self.words
        while bitmaps[word] == .max { word += 1 }
        let bit = (~bitmaps[word]).trailingZeroBitCount
        bitmaps[word] |= 1 << UInt64(bit)
        used[page] += 1
        if Int(used[page]) == perPage { leaveList(page) }
        let ordinal = (word - page * Self.words) * 64 + bit
        return UInt32(page << Self.shift + ordinal * room)
    }

    private mutating func free(_ base: UInt32, _ size: UInt8) {
        let page = Int(base) >> Self.shift
        let room = capacity(size)
        let ordinal = (Int(base) & Self.mask) / room
        bitmaps[page * Self.words + ordinal >> 6] &= ~(1 << UInt64(ordinal & 63))
        if Int(used[page]) == (1 << Self.shift) / room {
            places[page] = UInt32(roomy[Int(size)].count)
            roomy[Int(size)].append(UInt32(page))
        }
        used[page] -= 1
        // The last page with room stays, lest one run that comes and goes allocates a page each time.
        if used[page] == 0, roomy[Int(size)].count > 1 {
            leaveList(page)
            pages.dropPage(page, filler: blank.base)
            freePages.append(UInt32(page))
        }
    }

    private mutating func leaveList(_ page: Int) {
        let class_ = Int(sizes[page])
        let place = Int(places[page])
        let last = roomy[class_].removeLast()
        if Int(last) != page {
            roomy[class_][place] = last
            places[Int(last)] = UInt32(place)
        }
    }

    private mutating func freshPage() -> Int? {
        if let index = freePages.popLast() {
            pages.renew(Int(index), filler)
            return Int(index)
        }
        guard (pages.count + 1) << Self.shift <= Int(UInt32.max) else { return nil }
        pages.addPage()
        pages.renew(pages.count - 1, filler)
        sizes.append(0)
        used.append(0)
        places.append(0)
        bitmaps.append(contentsOf: repeatElement(0, count: Self.words))
        return pages.count - 1
    }
}
