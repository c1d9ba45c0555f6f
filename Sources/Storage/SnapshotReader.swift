internal import Domain
internal import Glibc

/// Reads the sections of a snapshot in order. Every block is checked before any of it is handed out; whatever does not
/// fit throws `store_corrupt`, and then the snapshot is to be given up. Memory stays at about 1 MiB.
public struct SnapshotReader {
    /// Version of the kind.
    public let version: UInt32
    /// The log position of its state.
    public let position: Int64

    private let source: SnapshotSource
    private var checksum: UInt64
    private var block: [UInt8] = []
    private var next = 0
    private var end = 0
    /// A section's name, or the end, that has been read ahead.
    private var ahead: Ahead?

    private enum Ahead {
        case section(String)
        case end
    }

    private static let headSize = 8

    init(source: SnapshotSource, version: UInt32, position: Int64, checksum: UInt64) {
        self.source = source
        self.version = version
        self.position = position
        self.checksum = checksum
    }

    // MARK: - Sections

    /// Goes on to the next section, past what is left of this one, and returns its name; `nil` at the end.
    public mutating func section() throws(StorageError) -> String? {
        while ahead == nil { try readBlock() }
        switch ahead {
        case .section(let name):
            ahead = nil
            return name
        default: return nil
        }
    }

    /// Throws unless the section has been read to its end.
    public mutating func endSection() throws(StorageError) {
        while next == end, ahead == nil { try readBlock() }
        guard next == end else { throw Self.corrupt("a section is longer than it should be") }
    }

    // MARK: - Values

    /// Reads a byte.
    public mutating func u8() throws(StorageError) -> UInt8 { try get() }
    /// Reads two bytes.
    public mutating func u16() throws(StorageError) -> UInt16 { try get() }
    /// Reads four bytes.
    public mutating func u32() throws(StorageError) -> UInt32 { try get() }
    /// Reads eight bytes.
    public mutating func u64() throws(StorageError) -> UInt64 { try get() }
    /// Reads a signed number in four bytes.
    public mutating func i32() throws(StorageError) -> Int32 { Int32(bitPattern: try get()) }
    /// Reads a signed number in eight bytes.
    public mutating func i64() throws(StorageError) -> Int64 { Int64(bitPattern: try get()) }
    /// Reads a number to the bit.
    public mutating func double() throws(StorageError) -> Double { Double(bitPattern: try get()) }

    /// Reads text of at most `maximum` bytes.
    public mutating func string(maximum: Int = 1 << 24) throws(StorageError) -> String {
        String(decoding: try bytes(maximum: maximum), as: UTF8.self)
    }

    /// Reads bytes that have their length before them, at most `maximum`. Room is taken only as bytes arrive.
    public mutating func bytes(maximum: Int = 1 << 24) throws(StorageError) -> [UInt8] {
        var rest = Int(try u32())
        guard rest <= maximum else { throw Self.corrupt("a length is out of range") }
        var bytes: [UInt8] = []
        while rest > 0 {
            try advance()
            let count = min(rest, end - next)
            bytes.append(contentsOf: block[next..<next + count])
            next += count
            rest -= count
        }
        return bytes
    }

    /// Reads as many bytes as there is room for.
    public mutating func raw(into room: UnsafeMutableRawBufferPointer) throws(StorageError) {
        var rest = room
        while !rest.isEmpty {
            try advance()
            let count = min(rest.count, end - next)
            block.withUnsafeBytes { block in
                rest.copyMemory(from: UnsafeRawBufferPointer(rebasing: block[next..<next + count]))
            }
            next += count
            rest = UnsafeMutableRawBufferPointer(rebasing: rest[count...])
        }
    }

    /// The error of a snapshot that contradicts itself. What is to be done about it, only its owner knows: some are derived
    /// anew from the log, models are not.
    public static func corrupt(_ what: String) -> StorageError {
        StorageError("store_corrupt", "The file is damaged: \(what).")
    }

    // MARK: - Blocks

    @inline(__always)
    private mutating func get<Value: FixedWidthInteger>() throws(StorageError) -> Value {
        let size = MemoryLayout<Value>.size
        if end - next < size {
            // A number never lies across two blocks.
            guard next == end else { throw Self.corrupt("a value is cut short") }
            try advance()
            guard end - next >= size else { throw Self.corrupt("a value is cut short") }
        }
        let value = block.withUnsafeBytes { $0.loadUnaligned(fromByteOffset: next, as: Value.self) }
        next += size
        return Value(littleEndian: value)
    }

    /// Makes sure that there is something of the section to read.
    private mutating func advance() throws(StorageError) {
        while next == end {
            guard ahead == nil else { throw Self.corrupt("a section is shorter than it should be") }
            try readBlock()
        }
    }

    private mutating func readBlock() throws(StorageError) {
        if block.isEmpty { block = [UInt8](repeating: 0, count: Self.headSize + SnapshotFile.largestBlock + 8) }
        (next, end) = (0, 0)
        let head = block.withUnsafeMutableBytes { source.fill(UnsafeMutableRawBufferPointer(rebasing: $0[..<8])) }
        guard head else { throw Self.corrupt("it is cut short") }
        let (length, code) = block.withUnsafeBytes {
            (
                Int(UInt32(littleEndian: $0.loadUnaligned(as: UInt32.self))),
                UInt32(littleEndian: $0.loadUnaligned(fromByteOffset: 4, as: UInt32.self))
            )
        }
        guard length <= SnapshotFile.largestBlock, let sort = SnapshotFile.Sort(rawValue: code) else {
            throw Self.corrupt("a block's head makes no sense")
        }
        let bodyEnd = Self.headSize + length
        let before = checksum
        let sum: UInt64? = block.withUnsafeMutableBytes { block in
            guard source.fill(UnsafeMutableRawBufferPointer(rebasing: block[8..<bodyEnd + 8])) else { return nil }
            let sum = checksum64(UnsafeRawBufferPointer(rebasing: block[..<bodyEnd]), seed: before)
            let stored = block.loadUnaligned(fromByteOffset: bodyEnd, as: UInt64.self)
            return UInt64(littleEndian: stored) == sum ? sum : nil
        }
        guard let sum else { throw Self.corrupt("a block is cut short or changed") }
        checksum = sum
        switch sort {
        case .data: (next, end) = (Self.headSize, bodyEnd)
        case .section: ahead = .section(String(decoding: block[Self.headSize..<bodyEnd], as: UTF8.self))
        case .end:
            guard length == 0, source.isAtEnd else { throw Self.corrupt("there is something after its end") }
            ahead = .end
        }
    }
}

/// Where a snapshot's bytes come from: an open file, closed with its last owner, or memory.
final class SnapshotSource {
    private let file: Int32?
    private let bytes: [UInt8]
    private var offset = 0

    init(file: Int32) {
        self.file = file
        bytes = []
    }

    init(bytes: [UInt8]) {
        file = nil
        self.bytes = bytes
    }

    deinit { if let file { close(file) } }

    /// Fills the room; false at an early end or an error.
    func fill(_ room: UnsafeMutableRawBufferPointer) -> Bool {
        guard let file else {
            guard bytes.count - offset >= room.count else { return false }
            bytes.withUnsafeBytes {
                room.copyMemory(from: UnsafeRawBufferPointer(rebasing: $0[offset..<offset + room.count]))
            }
            offset += room.count
            return true
        }
        var rest = room
        while !rest.isEmpty {
            let count = read(file, rest.baseAddress, rest.count)
            if count < 0, errno == EINTR { continue }
            guard count > 0 else { return false }
            rest = UnsafeMutableRawBufferPointer(rebasing: rest[count...])
        }
        return true
    }

    /// Whether nothing is left.
    var isAtEnd: Bool {
        guard let file else { return offset == bytes.count }
        var byte: UInt8 = 0
        return read(file, &byte, 1) == 0
    }
}
