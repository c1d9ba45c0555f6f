internal import Glibc

/// Growing bytes with room for a parser's padding after the end. Kept by a connection from request to request.
struct ByteStore: ~Copyable {
    private var base: UnsafeMutableRawPointer?
    private(set) var capacity = 0
    private(set) var count = 0

    init() {}

    deinit { free(base) }

    var bytes: UnsafeRawBufferPointer { UnsafeRawBufferPointer(start: base, count: count) }

    /// Makes room for `additional` more bytes; false when memory is short.
    mutating func reserve(_ additional: Int) -> Bool {
        let (needed, overflow) = count.addingReportingOverflow(additional)
        guard !overflow, needed <= Int.max / 4 else { return false }
        guard base == nil || needed > capacity else { return true }
        let wanted = max(needed, capacity * 2, 1024 - HTTPRequest.bodyPadding)
        guard let grown = realloc(base, wanted + HTTPRequest.bodyPadding) else { return false }
        base = grown
        capacity = wanted
        return true
    }

    mutating func append(_ source: UnsafeRawBufferPointer) -> Bool {
        guard reserve(source.count) else { return false }
        if let base, let start = source.baseAddress { memcpy(base + count, start, source.count) }
        count += source.count
        return true
    }

    /// The free room after the end, for a decompressor to fill; `advance` then counts what it wrote.
    var room: UnsafeMutableRawBufferPointer {
        UnsafeMutableRawBufferPointer(start: base.map { $0 + count }, count: capacity - count)
    }

    mutating func advance(by written: Int) { count = min(count + max(written, 0), capacity) }

    /// Forgets the bytes, and gives the memory back when it is more than `keep`.
    mutating func clear(keeping keep: Int) {
        count = 0
        if capacity > keep {
            free(base)
            base = nil
            capacity = 0
        }
    }
}
