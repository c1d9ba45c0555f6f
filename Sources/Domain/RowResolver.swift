/// Fills in what a row read from the log does not carry: the numbers of its names and the keys of its ids. The decoder
/// and the replay of the log both use it, so the same row always has the same keys.
public struct RowResolver: Sendable {
    /// The tenant's names.
    public let names: NameTable
    /// The tenant's hasher.
    public let hasher: KeyHasher

    /// A resolver of one tenant.
    public init(names: NameTable, hasher: KeyHasher) {
        self.names = names
        self.hasher = hasher
    }

    /// Key of a person: the user when known, else the visitor, else none.
    @inlinable
    public func personKey(user: UnsafeRawBufferPointer?, visitor: UnsafeRawBufferPointer?) -> Key128 {
        if let user { return hasher.key(user, .user) }
        if let visitor { return hasher.key(visitor, .visitor) }
        return .none
    }

    /// Computes the four keys of a row whose spans, `type` and `entityType` are set.
    public func fillKeys(_ row: inout InteractionRow, in batch: InteractionBatch, _ bytes: UnsafeRawBufferPointer) {
        row.idKey = hasher.key(batch.slice(bytes, row.id), .interaction)
        row.entityKey = hasher.entityKey(batch.slice(bytes, row.entityID), typeSalt: names.salt(of: row.entityType))
        row.personKey = personKey(
            user: row.userID.isNone ? nil : batch.slice(bytes, row.userID),
            visitor: row.anonymousID.isNone ? nil : batch.slice(bytes, row.anonymousID))
        row.sessionKey = row.sessionID.isNone ? .none : hasher.key(batch.slice(bytes, row.sessionID), .session)
    }

    /// Numbers the names of every row of a batch read from the log and computes its keys.
    public func resolve(_ batch: inout InteractionBatch) {
        var known: [(name: ByteSpan, index: UInt16)] = []
        batch.bytes.withUnsafeBytes { bytes in
            func number(_ span: ByteSpan) -> UInt16 {
                let text = batch.slice(bytes, span)
                for entry in known where entry.name.length == span.length {
                    if batch.slice(bytes, entry.name).elementsEqual(text) { return entry.index }
                }
                let index = names.intern(String(decoding: text, as: UTF8.self)) ?? .max
                known.append((span, index))
                return index
            }
            for index in batch.rows.indices {
                var row = batch.rows[index]
                row.type = number(row.typeName)
                row.entityType = number(row.entityTypeName)
                fillKeys(&row, in: batch, bytes)
                batch.rows[index] = row
            }
        }
    }
}
