internal import Domain
internal import Storage

/// Writes a file of sealed keys from keys in order. Memory: the filter and the directory (17 bits a key) and 1 MiB.
struct SealedKeysWriter: ~Copyable {
    private let file: RawFile
    private var header: SealedKeys.Header
    private let filter: KeyFilter
    private let directory: UnsafeMutableBufferPointer<UInt32>
    private var nextBucket = 0
    /// A piece, and room for what does not fit it.
    private let buffer: UnsafeMutableRawBufferPointer
    private var filled = 0
    private var written = SealedKeys.Header.byteCount
    private var unsynchronised = 0
    private var work: BackgroundPace.Work?
    /// Keys between two rests: less than a millisecond of work.
    private static let keysPerRest: UInt64 = 8192

    /// A writer of at most `maximumCount` keys with times from `earliest` to `latest`.
    init(
        path: String, identity: UInt64, maximumCount: Int, earliest: Int64, latest: Int64,
        pace: BackgroundPace? = nil
    ) throws(StorageError) {
        work = pace.map(BackgroundPace.Work.init)
        file = try RawFile.create(path)
        header = SealedKeys.Header()
        header.identity = identity
        header.earliest = earliest
        header.latest = latest
        let (span, overflow) = latest.subtractingReportingOverflow(earliest)
        header.timeWidth = !overflow && span <= Int64(UInt32.max) ? 4 : 8
        var bits = 0
        while maximumCount >> bits > 128 { bits += 1 }
        header.directoryBits = UInt64(bits)
        filter = KeyFilter(blockCount: KeyFilter.blocks(forKeys: maximumCount))
        header.filterBlocks = UInt64(filter.blockCount)
        directory = .allocate(capacity: header.directoryCount)
        directory.initialize(repeating: 0)
        buffer = .allocate(byteCount: SealedKeys.Header.piece + 64, alignment: 64)
    }

    deinit {
        directory.deallocate()
        buffer.deallocate()
    }

    /// Adds the next key in order of (high, low).
    mutating func append(_ slot: RecentKeys.Slot) throws(StorageError) {
        let bits = header.directoryBits
        closeBuckets(through: bits == 0 ? 0 : Int(slot.high >> (64 - bits)))
        header.count += 1
        filter.insert(Key128(high: slot.high, low: slot.low))
        buffer.storeBytes(of: slot.high.littleEndian, toByteOffset: filled, as: UInt64.self)
        buffer.storeBytes(of: slot.low.littleEndian, toByteOffset: filled + 8, as: UInt64.self)
        let delta = slot.time &- header.earliest
        if header.timeWidth == 4 {
            let short = UInt32(truncatingIfNeeded: delta)
            buffer.storeBytes(of: short.littleEndian, toByteOffset: filled + 16, as: UInt32.self)
        } else {
            buffer.storeBytes(of: delta.littleEndian, toByteOffset: filled + 16, as: Int64.self)
        }
        filled += header.recordBytes
        if filled >= SealedKeys.Header.piece { try flush() }
        if header.count % SealedKeysWriter.keysPerRest == 0 { work?.rest() }
    }

    private mutating func closeBuckets(through bucket: Int) {
        while nextBucket <= bucket {
            directory[nextBucket] = UInt32(truncatingIfNeeded: header.count)
            nextBucket += 1
        }
    }

    private mutating func flush() throws(StorageError) {
        let size = min(filled, SealedKeys.Header.piece)
        let piece = UnsafeRawBufferPointer(rebasing: buffer[..<size])
        try file.write(piece, at: written)
        header.bodyChecksum = checksum64(piece, seed: header.bodyChecksum)
        UnsafeMutableRawBufferPointer(rebasing: buffer[..<(filled - size)])
            .copyMemory(from: UnsafeRawBufferPointer(rebasing: buffer[size..<filled]))
        filled -= size
        written += size
        unsynchronised += size
        if unsynchronised >= BackgroundPace.bytesPerSync {
            try file.synchronise()
            unsynchronised = 0
        }
    }

    private mutating func append(_ bytes: UnsafeRawBufferPointer) throws(StorageError) {
        var offset = 0
        while offset < bytes.count {
            let size = min(bytes.count - offset, buffer.count - filled)
            UnsafeMutableRawBufferPointer(rebasing: buffer[filled..<(filled + size)])
                .copyMemory(from: UnsafeRawBufferPointer(rebasing: bytes[offset..<(offset + size)]))
            offset += size
            filled += size
            if filled >= SealedKeys.Header.piece { try flush() }
        }
    }

    /// Writes what belongs behind the keys and makes the file durable.
    consuming func finish(ranges: PositionRanges) throws(StorageError) {
        closeBuckets(through: directory.count - 1)
        header.rangeCount = UInt64(ranges.runs.count)
        try append(UnsafeRawBufferPointer(directory))
        try append(UnsafeRawBufferPointer(filter.bytes))
        for run in ranges.runs {
            var bounds = (run.after.littleEndian, run.through.littleEndian)
            let copy = withUnsafeBytes(of: &bounds) { Array($0) }
            try append(copy)
        }
        while filled > 0 { try flush() }
        let encoded = UnsafeMutableRawBufferPointer(rebasing: buffer[..<SealedKeys.Header.byteCount])
        encoded.copyBytes(from: header.encoded)
        try file.write(UnsafeRawBufferPointer(encoded), at: 0)
        try file.synchronise()
    }

    private mutating func append(_ bytes: [UInt8]) throws(StorageError) {
        for byte in bytes {
            buffer[filled] = byte
            filled += 1
            if filled >= SealedKeys.Header.piece { try flush() }
        }
    }
}
