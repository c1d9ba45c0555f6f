internal import Glibc

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
        fillKeys(&row, in: batch, bytes, typeSalt: names.salt(of: row.entityType))
    }

    private func fillKeys(
        _ row: inout InteractionRow, in batch: InteractionBatch, _ bytes: UnsafeRawBufferPointer, typeSalt: UInt64
    ) {
        row.idKey = hasher.key(batch.slice(bytes, row.id), .interaction)
        row.entityKey = hasher.entityKey(batch.slice(bytes, row.entityID), typeSalt: typeSalt)
        row.personKey = personKey(
            user: row.userID.isNone ? nil : batch.slice(bytes, row.userID),
            visitor: row.anonymousID.isNone ? nil : batch.slice(bytes, row.anonymousID))
        row.sessionKey = row.sessionID.isNone ? .none : hasher.key(batch.slice(bytes, row.sessionID), .session)
    }

    /// A name that was met in a batch.
    private struct KnownName {
        var span: ByteSpan
        var index: UInt16
        var salt: UInt64
    }

    /// Numbers the names of every row of a batch read from the log and computes its keys. A batch has few names, so they
    /// are looked for one by one, and the table, which locks, is asked once for each.
    public func resolve(_ batch: inout InteractionBatch) {
        var known: [KnownName] = []
        var rows = batch.rows
        batch.rows = []
        batch.bytes.withUnsafeBytes { bytes in
            func find(_ span: ByteSpan) -> Int {
                // Rows of one chunk mostly share the bytes of a name.
                if let place = known.firstIndex(where: { $0.span == span }) { return place }
                let text = batch.slice(bytes, span)
                if let place = known.firstIndex(where: { RowResolver.equal(batch.slice(bytes, $0.span), text) }) {
                    return place
                }
                let index = names.intern(String(decoding: text, as: UTF8.self)) ?? .max
                known.append(KnownName(span: span, index: index, salt: names.salt(of: index)))
                return known.count - 1
            }
            for index in rows.indices {
                rows[index].type = known[find(rows[index].typeName)].index
                let entityType = known[find(rows[index].entityTypeName)]
                rows[index].entityType = entityType.index
                fillKeys(&rows[index], in: batch, bytes, typeSalt: entityType.salt)
            }
        }
        batch.rows = rows
    }

    private static func equal(_ left: UnsafeRawBufferPointer, _ right: UnsafeRawBufferPointer) -> Bool {
        guard left.count == right.count, let start = left.baseAddress, let other = right.baseAddress else {
            return left.count == right.count
        }
        return memcmp(start, other, left.count) == 0
    }
}
