internal import Domain
internal import Storage

/// A file of keys that no longer changes: sorted records, a directory of where each prefix begins, and a filter.
///
/// The directory and the filter are in memory (17 bits a key); the records stay on disk, and a lookup that passes the
/// filter reads one bucket of some 128 records. They are read rather than mapped, so that a failing disk is an error and
/// not the end of the process. Immutable, usable from any thread.
final class SealedKeys: Sendable {
    /// What the first bytes of a file say. All numbers are little-endian.
    struct Header: Sendable {
        static let magic: UInt64 = 0x3159_454b_5044_4646  // "FFDPKEY1"
        static let version: UInt64 = 1
        static let byteCount = 256
        /// The body is checksummed in pieces of this size, each seeded with the sum of the one before.
        static let piece = 1 << 20

        var identity: UInt64 = 0
        var count: UInt64 = 0
        /// 4 or 8: bytes of a record's time, which counts from `earliest`.
        var timeWidth: UInt64 = 4
        var earliest: Int64 = 0
        var latest: Int64 = 0
        var directoryBits: UInt64 = 0
        var filterBlocks: UInt64 = 0
        var rangeCount: UInt64 = 0
        var bodyChecksum: UInt64 = 0

        var recordBytes: Int { 16 + Int(timeWidth) }
        var directoryCount: Int { (1 << Int(directoryBits)) + 1 }
        var directoryOffset: Int { Header.byteCount + Int(count) * recordBytes }
        var filterOffset: Int { directoryOffset + directoryCount * 4 }
        var rangesOffset: Int { filterOffset + Int(filterBlocks) * 64 }
        var fileBytes: Int { rangesOffset + Int(rangeCount) * 16 }

        /// Whether the numbers are ones that a file can have, so that the sums above cannot overflow.
        var isPlausible: Bool {
            count < UInt64(UInt32.max) && (timeWidth == 4 || timeWidth == 8) && earliest <= latest
                && directoryBits <= 32
                && filterBlocks < 1 << 32 && rangeCount < 1 << 32
        }
    }

    enum Refusal: Error {
        /// Written by a later release.
        case tooNew
        /// Keys of another store, or positions beyond the log's end.
        case foreign
        /// Torn or altered.
        case damaged
    }

    let name: String
    /// Files are numbered in the order they were begun.
    let sequence: Int64
    let header: Header
    let ranges: PositionRanges
    let filter: KeyFilter
    private let directory: [UInt32]
    private let file: RawFile
    /// Records in the fullest bucket.
    let largestBucket: Int

    var count: Int { Int(header.count) }
    var latest: Int64 { header.latest }
    /// The day of receipt that it belongs to.
    var day: Int64 { Timestamp(milliseconds: header.latest).day }
    var memoryBytes: Int { filter.memoryBytes + directory.count * 4 }
    var fileBytes: Int { header.fileBytes }

    /// Opens a file and reads it once from end to end to check it. `finalName` is what it will be renamed to.
    init(folder: String, name: String, finalName: String? = nil, sequence: Int64, identity: UInt64) throws {
        self.name = finalName ?? name
        self.sequence = sequence
        let file = try RawFile.openForReading(folder + "/" + name)
        let header = try SealedKeys.readHeader(file)
        guard header.identity == identity else { throw Refusal.foreign }
        guard header.isPlausible, try file.size() == header.fileBytes else { throw Refusal.damaged }
        try SealedKeys.verify(file, header)

        let directory = try [UInt32](unsafeUninitializedCapacity: header.directoryCount) { buffer, count in
            try file.read(into: UnsafeMutableRawBufferPointer(buffer), at: header.directoryOffset)
            count = header.directoryCount
        }
        var largest = 0
        var previous: UInt32 = 0
        for start in directory {
            guard start >= previous, start <= header.count else { throw Refusal.damaged }
            largest = max(largest, Int(start - previous))
            previous = start
        }
        guard directory.first == 0, previous == header.count else { throw Refusal.damaged }

        let filter = KeyFilter(blockCount: Int(header.filterBlocks))
        guard filter.blockCount == Int(header.filterBlocks) else { throw Refusal.damaged }
        try file.read(into: filter.bytes, at: header.filterOffset)

        let bounds = try [Int64](unsafeUninitializedCapacity: Int(header.rangeCount) * 2) { buffer, count in
            try file.read(into: UnsafeMutableRawBufferPointer(buffer), at: header.rangesOffset)
            count = Int(header.rangeCount) * 2
        }
        var ranges = PositionRanges()
        for index in stride(from: 0, to: bounds.count, by: 2) {
            ranges.insert(after: bounds[index], through: bounds[index + 1])
        }
        self.header = header
        self.ranges = ranges
        self.filter = filter
        self.directory = directory
        self.largestBucket = largest
        self.file = file
    }

    private static func readHeader(_ file: borrowing RawFile) throws -> Header {
        guard try file.size() >= Header.byteCount else { throw Refusal.damaged }
        return try withUnsafeTemporaryAllocation(byteCount: Header.byteCount, alignment: 8) { buffer in
            try file.read(into: buffer, at: 0)
            guard let header = try Header(bytes: UnsafeRawBufferPointer(buffer)) else { throw Refusal.damaged }
            return header
        }
    }

    private static func verify(_ file: borrowing RawFile, _ header: Header) throws {
        file.expectSequentialReading()
        let buffer = UnsafeMutableRawBufferPointer.allocate(byteCount: Header.piece, alignment: 64)
        defer { buffer.deallocate() }
        var sum: UInt64 = 0
        var offset = Header.byteCount
        while offset < header.fileBytes {
            let piece = UnsafeMutableRawBufferPointer(
                rebasing: buffer[..<min(Header.piece, header.fileBytes - offset)])
            try file.read(into: piece, at: offset)
            sum = checksum64(UnsafeRawBufferPointer(piece), seed: sum)
            offset += piece.count
        }
        guard sum == header.bodyChecksum else { throw Refusal.damaged }
    }

    // MARK: - Looking up

    /// When a key was received, if it is in the file. `scratch` must hold ``bucketBytes``.
    func time(of key: Key128, scratch: UnsafeMutableRawBufferPointer) throws(StorageError) -> Int64? {
        let bits = header.directoryBits
        let bucket = bits == 0 ? 0 : Int(key.high >> (64 - bits))
        let first = Int(directory[bucket])
        var low = 0
        var high = Int(directory[bucket + 1]) - first
        guard high > 0 else { return nil }
        let size = header.recordBytes
        let records = UnsafeMutableRawBufferPointer(rebasing: scratch[..<(high * size)])
        try file.read(into: records, at: Header.byteCount + first * size)
        while low < high {
            let middle = (low + high) / 2
            let record = SealedKeys.record(UnsafeRawBufferPointer(records), at: middle * size, header)
            if record.high == key.high && record.low == key.low { return record.time }
            if (record.high, record.low) < (key.high, key.low) { low = middle + 1 } else { high = middle }
        }
        return nil
    }

    /// Bytes of the fullest bucket.
    var bucketBytes: Int { largestBucket * header.recordBytes }

    /// Reads records one after another into a buffer: as many as fit from `index`. Returns how many.
    func read(into buffer: UnsafeMutableRawBufferPointer, from index: Int) throws(StorageError) -> Int {
        let size = header.recordBytes
        let number = min(buffer.count / size, count - index)
        guard number > 0 else { return 0 }
        try file.read(
            into: UnsafeMutableRawBufferPointer(rebasing: buffer[..<(number * size)]),
            at: Header.byteCount + index * size)
        return number
    }

    @inline(__always)
    static func record(_ bytes: UnsafeRawBufferPointer, at offset: Int, _ header: Header) -> RecentKeys.Slot {
        let high = UInt64(littleEndian: bytes.loadUnaligned(fromByteOffset: offset, as: UInt64.self))
        let low = UInt64(littleEndian: bytes.loadUnaligned(fromByteOffset: offset + 8, as: UInt64.self))
        let delta =
            header.timeWidth == 4
            ? Int64(UInt32(littleEndian: bytes.loadUnaligned(fromByteOffset: offset + 16, as: UInt32.self)))
            : Int64(littleEndian: bytes.loadUnaligned(fromByteOffset: offset + 16, as: Int64.self))
        return RecentKeys.Slot(low: low, high: high, time: header.earliest &+ delta)
    }
}

extension SealedKeys.Header {
    /// Reads a header; `nil` when it is none or altered. Throws ``SealedKeys/Refusal/tooNew`` for a later release's.
    init?(bytes: UnsafeRawBufferPointer) throws(SealedKeys.Refusal) {
        func word(_ index: Int) -> UInt64 {
            UInt64(littleEndian: bytes.loadUnaligned(fromByteOffset: index * 8, as: UInt64.self))
        }
        let end = Self.byteCount - 8
        guard bytes.count >= Self.byteCount, word(0) == Self.magic,
            checksum64(UnsafeRawBufferPointer(rebasing: bytes[..<end])) == word(end / 8)
        else { return nil }
        guard word(1) == Self.version else { throw .tooNew }
        identity = word(2)
        count = word(3)
        timeWidth = word(4)
        earliest = Int64(bitPattern: word(5))
        latest = Int64(bitPattern: word(6))
        directoryBits = word(7)
        filterBlocks = word(8)
        rangeCount = word(9)
        bodyChecksum = word(10)
    }

    /// The header as it stands in a file.
    var encoded: [UInt8] {
        let words = [
            Self.magic, Self.version, identity, count, timeWidth, UInt64(bitPattern: earliest),
            UInt64(bitPattern: latest), directoryBits, filterBlocks, rangeCount, bodyChecksum,
        ]
        var bytes = [UInt8](repeating: 0, count: Self.byteCount)
        bytes.withUnsafeMutableBytes { buffer in
            for (index, word) in words.enumerated() {
                buffer.storeBytes(of: word.littleEndian, toByteOffset: index * 8, as: UInt64.self)
            }
            let end = Self.byteCount - 8
            let sum = checksum64(UnsafeRawBufferPointer(rebasing: UnsafeRawBufferPointer(buffer)[..<end]))
            buffer.storeBytes(of: sum.littleEndian, toByteOffset: end, as: UInt64.self)
        }
        return bytes
    }
}
