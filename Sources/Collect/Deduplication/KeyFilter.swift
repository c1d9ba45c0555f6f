internal import Domain

/// A blocked Bloom filter (Putze, Sanders, Singler, "Cache-, Hash- and Space-Efficient Bloom Filters"): eight bits of one
/// 64-byte block for each key, at 16 bits a key. Says "not here" with one cache miss; wrong about one absent key in 600.
final class KeyFilter: @unchecked Sendable {
    static let bitsPerKey = 16
    private static let wordsPerBlock = 8

    private let words: UnsafeMutablePointer<UInt64>
    let blockCount: Int

    /// Blocks for so many keys.
    static func blocks(forKeys count: Int) -> Int { max(1, (count * bitsPerKey + 511) / 512) }

    /// An empty filter. Filled by one thread, then only read.
    init(blockCount: Int) {
        self.blockCount = max(1, blockCount)
        let count = self.blockCount * KeyFilter.wordsPerBlock
        // Aligned to cache lines, so that a block is one line.
        let memory = UnsafeMutableRawPointer.allocate(byteCount: count * 8, alignment: 64)
        words = memory.initializeMemory(as: UInt64.self, repeating: 0, count: count)
    }

    deinit { words.deallocate() }

    var memoryBytes: Int { blockCount * 64 }

    /// Its memory, for files.
    var bytes: UnsafeMutableRawBufferPointer { UnsafeMutableRawBufferPointer(start: words, count: blockCount * 64) }

    @inline(__always)
    private func block(_ key: Key128) -> UnsafeMutablePointer<UInt64> {
        let index = ((key.low >> 32) &* UInt64(truncatingIfNeeded: blockCount)) >> 32
        return words + Int(truncatingIfNeeded: index) &* KeyFilter.wordsPerBlock
    }

    // The block is chosen by the high half of `low`; the bits by the 54 low bits of `high` and 18 of `low`.

    func insert(_ key: Key128) {
        let block = block(key)
        var bits = key.high
        for _ in 0..<6 {
            block[Int(truncatingIfNeeded: (bits >> 6) & 7)] |= 1 &<< (bits & 63)
            bits >>= 9
        }
        bits = key.low
        for _ in 0..<2 {
            block[Int(truncatingIfNeeded: (bits >> 6) & 7)] |= 1 &<< (bits & 63)
            bits >>= 9
        }
    }

    @inline(__always)
    func mayContain(_ key: Key128) -> Bool {
        let block = block(key)
        @inline(__always) func bit(_ bits: UInt64) -> UInt64 {
            block[Int(truncatingIfNeeded: (bits >> 6) & 7)] &>> (bits & 63)
        }
        // Four at once without a branch between: seven of eight absent keys and more end here.
        let high = key.high
        guard bit(high) & bit(high >> 9) & bit(high >> 18) & bit(high >> 27) & 1 == 1 else { return false }
        return bit(high >> 36) & bit(high >> 45) & bit(key.low) & bit(key.low >> 9) & 1 == 1
    }
}
