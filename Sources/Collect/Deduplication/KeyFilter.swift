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
        let memory = LargeMemory.allocate(byteCount: count * 8)
        words = memory.initializeMemory(as: UInt64.self, repeating: 0).baseAddress ?? .allocate(capacity: 0)
    }

    deinit { words.deallocate() }

    var memoryBytes: Int { blockCount * 64 }

    /// Its memory, for files.
    var bytes: UnsafeMutableRawBufferPointer { UnsafeMutableRawBufferPointer(start: words, count: blockCount * 64) }

    // The block is chosen by the high half of `high`, in the order of the keys, so that a filter is filled from one end
    // to the other; the bits by `low` and the low half of `high`.

    @inline(__always)
    private func block(_ key: Key128) -> UnsafeMutablePointer<UInt64> {
        let index = ((key.high >> 32) &* UInt64(truncatingIfNeeded: blockCount)) >> 32
        return words + Int(truncatingIfNeeded: index) &* KeyFilter.wordsPerBlock
    }

    func insert(_ key: Key128) {
        let block = block(key)
        var bits = key.low
        for _ in 0..<6 {
            block[Int(truncatingIfNeeded: (bits >> 6) & 7)] |= 1 &<< (bits & 63)
            bits >>= 9
        }
        bits = key.high
        for _ in 0..<2 {
            block[Int(truncatingIfNeeded: (bits >> 6) & 7)] |= 1 &<< (bits & 63)
            bits >>= 9
        }
    }

    /// Loads the key's block into the cache, without waiting for it unless the result is used.
    @inline(__always)
    func touch(_ key: Key128) -> UInt64 { block(key).pointee }

    @inline(__always)
    func mayContain(_ key: Key128) -> Bool {
        let block = block(key)
        @inline(__always) func bit(_ bits: UInt64) -> UInt64 {
            block[Int(truncatingIfNeeded: (bits >> 6) & 7)] &>> (bits & 63)
        }
        // Four at once without a branch between: seven of eight absent keys and more end here.
        let low = key.low
        guard bit(low) & bit(low >> 9) & bit(low >> 18) & bit(low >> 27) & 1 == 1 else { return false }
        return bit(low >> 36) & bit(low >> 45) & bit(key.high) & bit(key.high >> 9) & 1 == 1
    }
}
