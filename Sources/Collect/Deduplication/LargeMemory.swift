internal import Glibc

/// Memory for large tables that are read at random places: in huge pages where the system has them, so that a lookup
/// does not pay for a walk through the page tables as well.
enum LargeMemory {
    private static let hugePage = 2 << 20

    /// Uninitialised memory, aligned to cache lines at least. Freed with `deallocate()`.
    static func allocate(byteCount: Int) -> UnsafeMutableRawBufferPointer {
        guard byteCount >= hugePage else { return .allocate(byteCount: byteCount, alignment: 64) }
        let memory = UnsafeMutableRawBufferPointer.allocate(byteCount: byteCount, alignment: hugePage)
        // Advice: that it is not taken changes nothing but the speed.
        _ = madvise(memory.baseAddress, byteCount, MADV_HUGEPAGE)
        return memory
    }
}
