/// A run of bytes inside ``InteractionBatch/bytes``.
public struct ByteSpan: Sendable, Equatable {
    /// Where it begins.
    public var offset: UInt32
    /// How long it is.
    public var length: UInt32

    /// A run of `length` bytes from `offset`.
    @inlinable
    public init(offset: UInt32, length: UInt32) {
        self.offset = offset
        self.length = length
    }

    /// No text at all, as opposed to empty text.
    public static let none = ByteSpan(offset: .max, length: 0)

    /// Whether this is ``none``.
    @inlinable public var isNone: Bool { offset == .max }
}

/// What became of one interaction of a request.
public enum Verdict: UInt8, Sendable {
    /// Newly stored.
    case accepted
    /// Its id was stored before, within the deduplication window.
    case duplicate
    /// Not stored as an interaction; kept as a rejected one.
    case rejected
}

/// One interaction in flat form: numbers, keys, and runs of bytes in its batch. Trivially copyable on purpose: a million
/// of these a second pass from the decoder to the store and the live state without an allocation each.
public struct InteractionRow: Sendable {
    /// Its place in the tenant's log, from 1; 0 until appended.
    public var position: Int64 = 0
    /// When it happened, corrected, in milliseconds since the epoch.
    public var occurredAt: Int64 = 0
    /// When the server received it, in milliseconds since the epoch.
    public var receivedAt: Int64 = 0
    /// The amount the client sent with it; NaN when none.
    public var value: Double = .nan
    /// The version of the tracking plan it was checked against.
    public var planVersion: UInt32 = 0
    /// Canonical interaction type, a number of the tenant's ``NameTable``.
    public var type: UInt16 = 0
    /// Entity type, a number of the tenant's ``NameTable``.
    public var entityType: UInt16 = 0
    /// What became of it.
    public var verdict: Verdict = .accepted
    /// Whether the client named the session itself.
    public var namesSession: Bool = false

    /// Canonical type name.
    public var typeName: ByteSpan = .none
    /// The type as sent, when that was an alias.
    public var originalType: ByteSpan = .none
    /// Entity type name.
    public var entityTypeName: ByteSpan = .none
    /// The interaction's id.
    public var id: ByteSpan = .none
    /// The entity's id.
    public var entityID: ByteSpan = .none
    /// The user's id.
    public var userID: ByteSpan = .none
    /// The anonymous visitor's id.
    public var anonymousID: ByteSpan = .none
    /// The session's id; the sessioniser gives one when the client did not.
    public var sessionID: ByteSpan = .none
    /// The browser's own session, by which sessions are found; not stored.
    public var browserSessionID: ByteSpan = .none
    /// Where it happened: cart, homepage, …
    public var context: ByteSpan = .none
    /// The shown list it answers to.
    public var listID: ByteSpan = .none
    /// Metadata: the JSON text as it was sent.
    public var metadata: ByteSpan = .none
    /// Of a rejected one: the stable code.
    public var rejectionCode: ByteSpan = .none
    /// Of a rejected one: the sentence that says what to change.
    public var rejectionMessage: ByteSpan = .none
    /// Of a rejected one: the item's JSON text as it was sent.
    public var raw: ByteSpan = .none

    /// Key of ``id``.
    public var idKey: Key128 = .none
    /// Key of the entity.
    public var entityKey: Key128 = .none
    /// Key of the person: the user when known, else the visitor; none when only a session was named.
    public var personKey: Key128 = .none
    /// Key of ``sessionID``.
    public var sessionKey: Key128 = .none

    /// An empty row.
    public init() {}
}

/// The interactions of one request (or one chunk of the log), with the bytes their fields point into.
public struct InteractionBatch: Sendable {
    /// The bytes that the rows' spans refer to. At most 4 GiB − 1.
    public var bytes: [UInt8] = []
    /// The rows in the order they were sent, or in log order.
    public var rows: [InteractionRow] = []

    /// An empty batch.
    public init() {}

    /// Copies bytes in and returns where they lie. ``ByteSpan/none`` when the batch is full, which the limits on
    /// requests rule out.
    @inlinable
    public mutating func append(_ text: UnsafeRawBufferPointer) -> ByteSpan {
        guard let offset = UInt32(exactly: bytes.count), let length = UInt32(exactly: text.count),
            offset < .max - length
        else { return .none }
        bytes.append(contentsOf: text)
        return ByteSpan(offset: offset, length: length)
    }

    /// Copies text in and returns where it lies.
    public mutating func append(_ text: String) -> ByteSpan {
        var copy = text
        return copy.withUTF8 { append(UnsafeRawBufferPointer($0)) }
    }

    /// The bytes of a span as text, `nil` for none.
    public func string(_ span: ByteSpan) -> String? {
        guard !span.isNone, Int(span.offset) + Int(span.length) <= bytes.count else { return nil }
        return bytes.withUnsafeBytes { String(decoding: slice($0, span), as: UTF8.self) }
    }

    /// The bytes of a span within the batch's bytes; empty for none.
    @inlinable
    public func slice(_ bytes: UnsafeRawBufferPointer, _ span: ByteSpan) -> UnsafeRawBufferPointer {
        let end = Int(span.offset) + Int(span.length)
        guard !span.isNone, end <= bytes.count else { return UnsafeRawBufferPointer(start: nil, count: 0) }
        return UnsafeRawBufferPointer(rebasing: bytes[Int(span.offset)..<end])
    }
}
