internal import Dispatch
internal import Glibc
internal import Storage
internal import Synchronization

/// The memory of ``Page``s: chunks of 2 MiB from the system, each cut into pages of one size and given back when its last
/// page leaves. All but the first chunk of a size are asked to be huge pages: a live state is read and written all over,
/// and with pages of 4 KiB a good part of that time goes into finding out where they are.
final class PageArena: Sendable {
    /// Shared by all states, so that small ones share chunks too.
    static let shared = PageArena()

    static let chunkBytes = 2 << 20

    private struct Chunk {
        let size: Int
        let isHuge: Bool
        /// Pages handed out and not given back.
        var used = 0
        /// Pages that were ever handed out.
        var begun = 0
        /// The first of the pages that were given back, each of which begins with the address of the next; 0 for none.
        var free: UInt = 0

        var isFull: Bool { free == 0 && (begun + 1) * size > PageArena.chunkBytes }
    }

    private struct State {
        /// By address.
        var chunks: [UInt: Chunk] = [:]
        /// Addresses of chunks that have room, by size of their pages.
        var roomy: [Int: [UInt]] = [:]
        /// Chunks by size of their pages.
        var counts: [Int: Int] = [:]
        /// Chunks that are in memory already, for whoever needs the next.
        var spares: [UInt] = []
        var isPreparing = false
        /// Chunks begun since the last ``stock(_:)``.
        var begun = 0
        /// Whether a huge chunk was ever needed: a small state has none ready either.
        var takesHuge = false

        var isHungry: Bool { takesHuge && spares.count < PageArena.wantedSpares }
        /// Chunks that are kept though nobody needs them now.
        var mostSpares: Int { max(PageArena.wantedSpares, chunks.count / 4) }
    }

    private static let wantedSpares = 4
    /// Makes chunks ready ahead. The system gives memory at the first touch, and for a huge page that takes 0.1 ms, and 7 ms
    /// on a virtual machine whose host has to find it first: too long for one who holds the lock of a state.
    private let preparing = DispatchQueue(label: "footfall.pages", qos: .utility)

    private let state = Mutex(State())

    init() {}

    /// Chunks taken from the system.
    var chunkCount: Int { state.withLock { $0.chunks.count } }
    /// Chunks that are ready and not in use.
    var spareCount: Int { state.withLock { $0.spares.count } }
    /// Bytes of those.
    var spareBytes: Int { spareCount * Self.chunkBytes }

    private static func rounded(_ bytes: Int) -> Int { (bytes + 63) & ~63 }

    /// Memory for a page, without values, aligned to a cache line.
    func allocate(_ bytes: Int) -> UnsafeMutableRawPointer {
        let size = Self.rounded(bytes)
        if size > 0, size <= Self.chunkBytes {
            let (address, isShort) = state.withLock { state in
                let address = Self.allocate(size, &state)
                let isShort = state.isHungry && !state.isPreparing
                if isShort { state.isPreparing = true }
                return (address, isShort)
            }
            if isShort { preparing.async { [self] in prepare() } }
            if let address, let pointer = UnsafeMutableRawPointer(bitPattern: address) { return pointer }
        }
        return UnsafeMutableRawPointer.allocate(byteCount: size, alignment: 64)
    }

    /// Makes as many chunks ready as were begun since the last call, and some more: what a snapshot needs whose pages are
    /// copied by those who write to the state meanwhile. Up to a tenth of a second of CPU time for 100 MB, and several times
    /// that where a virtual machine has to be given the memory first.
    func stock(_ pace: BackgroundPace) {
        var work = BackgroundPace.Work(pace)
        let wanted = state.withLock { state in
            defer { state.begun = 0 }
            return min(state.begun + state.begun / 4, state.chunks.count)
        }
        while state.withLock({ $0.takesHuge && $0.spares.count < wanted }) {
            guard let base = Self.mapInMemory() else { return }
            state.withLock { $0.spares.append(base) }
            work.rest()
        }
    }

    /// Gives back what ``stock(_:)`` made ready and nobody needed.
    func trim() {
        while let base = state.withLock({ $0.spares.count > $0.mostSpares ? $0.spares.popLast() : nil }) {
            munmap(UnsafeMutableRawPointer(bitPattern: base), Self.chunkBytes)
        }
    }

    private static func mapInMemory() -> UInt? {
        guard let base = map(isHuge: true) else { return nil }
        // One touch a page of 4 KiB: the first is enough where the system has huge pages.
        for offset in stride(from: 0, to: chunkBytes, by: 4096) {
            UnsafeMutablePointer<UInt8>(bitPattern: base + UInt(offset))?.pointee = 0
        }
        return base
    }

    /// Makes chunks ready until there are enough.
    private func prepare() {
        while true {
            let base = Self.mapInMemory()
            let isEnough = state.withLock { state in
                if let base { state.spares.append(base) }
                if base != nil, state.isHungry { return false }
                state.isPreparing = false
                return true
            }
            if isEnough { return }
        }
    }

    /// Gives back what ``allocate(_:)`` gave.
    func free(_ pointer: UnsafeMutableRawPointer) {
        let isOurs = state.withLock { Self.free(UInt(bitPattern: pointer), &$0) }
        if !isOurs { pointer.deallocate() }
    }

    private static func allocate(_ size: Int, _ state: inout State) -> UInt? {
        if state.roomy[size]?.last == nil {
            let isHuge = state.counts[size, default: 0] > 0
            if isHuge { state.takesHuge = true }
            guard let base = (isHuge ? state.spares.popLast() : nil) ?? map(isHuge: isHuge) else { return nil }
            state.chunks[base] = Chunk(size: size, isHuge: isHuge)
            state.counts[size, default: 0] += 1
            state.begun += 1
            state.roomy[size, default: []].append(base)
        }
        guard let base = state.roomy[size]?.last, var chunk = state.chunks[base] else { return nil }
        let address: UInt
        if let page = UnsafePointer<UInt>(bitPattern: chunk.free) {
            address = chunk.free
            chunk.free = page.pointee
        } else {
            address = base + UInt(chunk.begun * size)
            chunk.begun += 1
        }
        chunk.used += 1
        state.chunks[base] = chunk
        if chunk.isFull { state.roomy[size]?.removeLast() }
        return address
    }

    private static func free(_ address: UInt, _ state: inout State) -> Bool {
        let base = address & ~UInt(chunkBytes - 1)
        guard var chunk = state.chunks[base] else { return false }
        if chunk.isFull { state.roomy[chunk.size, default: []].append(base) }
        chunk.used -= 1
        // The last chunk with room stays, lest one page that comes and goes asks the system each time.
        if chunk.used == 0, let roomy = state.roomy[chunk.size], roomy.count > 1 {
            state.roomy[chunk.size] = roomy.filter { $0 != base }
            state.counts[chunk.size, default: 1] -= 1
            state.chunks[base] = nil
            if chunk.isHuge, state.spares.count < state.mostSpares {
                state.spares.append(base)
            } else {
                munmap(UnsafeMutableRawPointer(bitPattern: base), chunkBytes)
            }
            return true
        }
        UnsafeMutablePointer<UInt>(bitPattern: address)?.pointee = chunk.free
        chunk.free = address
        state.chunks[base] = chunk
        return true
    }

    /// A chunk at an address that is a multiple of its size; `nil` when the system has none.
    private static func map(isHuge: Bool) -> UInt? {
        let length = chunkBytes * 2
        guard
            let start = mmap(nil, length, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0),
            start != MAP_FAILED
        else { return nil }
        let address = UInt(bitPattern: start)
        let base = (address + UInt(chunkBytes - 1)) & ~UInt(chunkBytes - 1)
        let before = Int(base - address)
        if before > 0 { munmap(start, before) }
        if length - before > chunkBytes {
            munmap(UnsafeMutableRawPointer(bitPattern: base + UInt(chunkBytes)), length - before - chunkBytes)
        }
        if isHuge { madvise(UnsafeMutableRawPointer(bitPattern: base), chunkBytes, MADV_HUGEPAGE) }
        return base
    }
}
