internal import CXXHash

/// A 128-bit key that stands for a string. Two different strings share one with a chance of about n²/2¹²⁹ among n, and
/// an attacker cannot look for such a pair without the tenant's seed.
public struct Key128: Sendable, Hashable {
    /// The high half.
    public var high: UInt64
    /// The low half.
    public var low: UInt64

    /// A key of two halves.
    @inlinable
    public init(high: UInt64, low: UInt64) {
        self.high = high
        self.low = low
    }

    /// The key of nothing: a field that is absent.
    public static let none = Key128(high: 0, low: 0)

    /// Whether this is ``none``.
    @inlinable public var isNone: Bool { high == 0 && low == 0 }

    @inlinable
    public func hash(into hasher: inout Hasher) { hasher.combine(low) }
}

/// Makes keys from the bytes of ids, under the tenant's secret seed. XXH3 (128 bits), about 10 ns an id.
public struct KeyHasher: Sendable {
    /// The tenant's seed.
    public let seed: UInt64

    /// A hasher with the tenant's seed.
    public init(seed: UInt64) { self.seed = seed }

    /// What a key is about; the same text gives another key in another domain.
    public enum Domain: UInt64, Sendable {
        /// An interaction's id.
        case interaction = 0x9e37_79b9_7f4a_7c15
        /// A user's id.
        case user = 0xbf58_476d_1ce4_e5b9
        /// An anonymous visitor's id.
        case visitor = 0x94d0_49bb_1331_11eb
        /// A session's id.
        case session = 0xd6e8_feb8_6659_fd93
        /// A browser session of a person.
        case browserSession = 0xa076_1d64_78bd_642f
    }

    /// The key of an id.
    public func key(_ bytes: UnsafeRawBufferPointer, _ domain: Domain) -> Key128 {
        hash(bytes, seed &+ domain.rawValue)
    }

    /// The key of an id.
    public func key(_ text: String, _ domain: Domain) -> Key128 {
        var copy = text
        return copy.withUTF8 { key(UnsafeRawBufferPointer($0), domain) }
    }

    /// The key of an entity: its id, salted with its type (``NameTable/salt(of:)``).
    public func entityKey(_ bytes: UnsafeRawBufferPointer, typeSalt: UInt64) -> Key128 {
        hash(bytes, seed &+ typeSalt)
    }

    private func hash(_ bytes: UnsafeRawBufferPointer, _ seed: UInt64) -> Key128 {
        let hash = ff_xxh3_128(bytes.baseAddress, bytes.count, seed)
        // `none` marks absence, so no text may have it.
        return hash.high == 0 && hash.low == 0 ? Key128(high: 0, low: 1) : Key128(high: hash.high, low: hash.low)
    }
}

/// XXH3 with 64 bits: checksums of files, salts of names. Not for ids of people, which ``KeyHasher`` keys with a secret.
public func checksum64(_ bytes: UnsafeRawBufferPointer, seed: UInt64 = 0) -> UInt64 {
    ff_xxh3_64(bytes.baseAddress, bytes.count, seed)
}
