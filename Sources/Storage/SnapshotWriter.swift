internal import Domain
internal import Glibc

/// Writes the parts of a snapshot, in a buffer of 128 KiB. What goes wrong is kept and thrown by
/// ``SnapshotFile/write(to:kind:version:position:sections:pace:)`` at the end; after it nothing more is written.
public struct SnapshotWriter {
    private let file: Int32
    /// One block: 8 bytes for its head, data, room for its checksum.
    private var block: [UInt8]
    private var filled = headSize
    private var checksum: UInt64 = 0
    /// What went wrong first.
    private(set) var problem: StorageError?

    private static let headSize = 8
    private var unsynchronised = 0
    private var work: BackgroundPace.Work?
    /// Where a block's data ends at the latest.
    private let end: Int

    init(file: Int32, pace: BackgroundPace? = nil, blockSize: Int = SnapshotFile.blockSize) {
        self.file = file
        work = pace.map(BackgroundPace.Work.init)
        end = Self.headSize + blockSize
        block = [UInt8](repeating: 0, count: end + 8)
    }

    // MARK: - What sections use

    /// Writes a byte.
    public mutating func u8(_ value: UInt8) { put(value) }
    /// Writes two bytes.
    public mutating func u16(_ value: UInt16) { put(value) }
    /// Writes four bytes.
    public mutating func u32(_ value: UInt32) { put(value) }
    /// Writes eight bytes.
    public mutating func u64(_ value: UInt64) { put(value) }
    /// Writes a signed number in four bytes.
    public mutating func i32(_ value: Int32) { put(UInt32(bitPattern: value)) }
    /// Writes a signed number in eight bytes.
    public mutating func i64(_ value: Int64) { put(UInt64(bitPattern: value)) }
    /// Writes a number to the bit.
    public mutating func double(_ value: Double) { put(value.bitPattern) }

    /// Writes text: its length in four bytes, then UTF-8.
    public mutating func string(_ value: String) {
        var copy = value
        copy.withUTF8 { bytes(UnsafeRawBufferPointer($0)) }
    }

    /// Writes bytes with their length in four bytes before them.
    public mutating func bytes(_ value: UnsafeRawBufferPointer) {
        u32(UInt32(truncatingIfNeeded: value.count))
        raw(value)
    }

    /// Writes bytes as they are.
    public mutating func raw(_ value: UnsafeRawBufferPointer) {
        var rest = value
        while !rest.isEmpty {
            let room = end - filled
            if room == 0 {
                flush(.data)
                continue
            }
            let count = min(room, rest.count)
            block.withUnsafeMutableBytes { block in
                UnsafeMutableRawBufferPointer(rebasing: block[filled..<filled + count])
                    .copyMemory(from: UnsafeRawBufferPointer(rebasing: rest[..<count]))
            }
            filled += count
            rest = UnsafeRawBufferPointer(rebasing: rest[count...])
        }
    }

    // MARK: - What the file uses

    mutating func start(kind: String, version: UInt32, position: Int64) {
        u64(SnapshotFile.magic)
        u32(SnapshotFile.formVersion)
        u32(version)
        i64(position)
        for byte in SnapshotFile.kindBytes(kind) { u8(byte) }
        let header = Array(block[Self.headSize..<filled])
        checksum = header.withUnsafeBytes { checksum64($0) }
        u64(checksum)
        let whole = Array(block[Self.headSize..<filled])
        whole.withUnsafeBytes { send($0) }
        filled = Self.headSize
    }

    mutating func beginSection(_ name: String) {
        if filled > Self.headSize { flush(.data) }
        for byte in name.utf8 { u8(byte) }
        flush(.section)
    }

    mutating func finish() {
        if filled > Self.headSize { flush(.data) }
        flush(.end)
    }

    // MARK: - Blocks

    @inline(__always)
    private mutating func put<Value: FixedWidthInteger>(_ value: Value) {
        let size = MemoryLayout<Value>.size
        if filled + size > end { flush(.data) }
        block.withUnsafeMutableBytes { $0.storeBytes(of: value.littleEndian, toByteOffset: filled, as: Value.self) }
        filled += size
    }

    private mutating func flush(_ sort: SnapshotFile.Sort) {
        let length = UInt32(filled - Self.headSize)
        let before = checksum
        checksum = block.withUnsafeMutableBytes { block in
            block.storeBytes(of: length.littleEndian, toByteOffset: 0, as: UInt32.self)
            block.storeBytes(of: sort.rawValue.littleEndian, toByteOffset: 4, as: UInt32.self)
            let checksum = checksum64(UnsafeRawBufferPointer(rebasing: block[..<filled]), seed: before)
            block.storeBytes(of: checksum.littleEndian, toByteOffset: filled, as: UInt64.self)
            return checksum
        }
        let whole = filled + 8
        block.withUnsafeBytes { send(UnsafeRawBufferPointer(rebasing: $0[..<whole])) }
        filled = Self.headSize
        work?.rest()
    }

    private mutating func send(_ bytes: UnsafeRawBufferPointer) {
        var rest = bytes
        while problem == nil, !rest.isEmpty {
            let count = write(file, rest.baseAddress, rest.count)
            if count < 0 {
                if errno == EINTR { continue }
                problem = SnapshotFile.failure("write the snapshot", errno)
                return
            }
            rest = UnsafeRawBufferPointer(rebasing: rest[count...])
            unsynchronised += count
        }
        guard problem == nil, unsynchronised >= BackgroundPace.bytesPerSync else { return }
        unsynchronised = 0
        if fdatasync(file) != 0 { problem = SnapshotFile.failure("write the snapshot", errno) }
    }
}
