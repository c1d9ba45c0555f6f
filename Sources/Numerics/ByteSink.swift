/// Numbers as little-endian bytes, one after the other.
public struct ByteSink: Sendable {
    /// What was put.
    public private(set) var bytes: [UInt8] = []

    /// Nothing yet.
    public init() {}

    /// Adds a number.
    public mutating func put(_ value: some FixedWidthInteger) {
        withUnsafeBytes(of: value.littleEndian) { bytes.append(contentsOf: $0) }
    }
}

/// Reads what a ``ByteSink`` wrote; past the end there is `nil`.
public struct ByteSource: Sendable {
    private let bytes: [UInt8]
    private var place = 0

    /// A reader from the first byte on.
    public init(_ bytes: [UInt8]) { self.bytes = bytes }

    /// Whether everything was read.
    public var isAtEnd: Bool { place == bytes.count }

    /// The next number.
    public mutating func take<Number: FixedWidthInteger>(_ type: Number.Type) -> Number? {
        let size = MemoryLayout<Number>.size
        guard bytes.count - place >= size else { return nil }
        defer { place += size }
        return bytes.withUnsafeBytes { Number(littleEndian: $0.loadUnaligned(fromByteOffset: place, as: type)) }
    }

    /// The next `count` numbers; `nil` when there are fewer, before anything is allocated.
    public mutating func take<Number: FixedWidthInteger>(_ type: Number.Type, _ count: Int) -> [Number]? {
        let size = MemoryLayout<Number>.size
        guard count >= 0, count <= (bytes.count - place) / size else { return nil }
        defer { place += count * size }
        return bytes.withUnsafeBytes { raw in
            (0..<count).map { Number(littleEndian: raw.loadUnaligned(fromByteOffset: place + $0 * size, as: type)) }
        }
    }
}
