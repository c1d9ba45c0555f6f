internal import CSQLite
public import Domain
public import Storage

extension SQLiteTenantStore {
    /// The entity with a type and id: two key look-ups.
    public func entity(type: String, id: String) throws(StorageError) -> Entity? {
        try read { view throws(StorageError) in
            for connection in [view.overflow, view.main].compactMap(\.self) {
                let statement = try connection.cached("SELECT * FROM entities WHERE type = ?1 AND id = ?2")
                defer { statement.reset() }
                statement.bind(1, type)
                statement.bind(2, id)
                if try statement.step() { return Entity(statement) }
            }
            return nil
        }
    }

    /// A page of entities, read along the key.
    public func entities(type: String?, after: (type: String, id: String)?, limit: Int) throws(StorageError) -> [Entity]
    {
        try read { view throws(StorageError) in
            let main = try EntityCursor(view.main, type: type, after: after)
            let overflow = try view.overflow.map { connection throws(StorageError) in
                try EntityCursor(connection, type: type, after: after)
            }
            var list: [Entity] = []
            while list.count < limit {
                // The overflow's row of an entity is the newer one.
                let order = overflow.map { main.compare($0) } ?? -1
                let cursor = order < 0 ? main : overflow ?? main
                guard let entity = cursor.entity else { break }
                if !entity.isDeleted { list.append(entity) }
                if order == 0 { try main.next() }
                try cursor.next()
            }
            return list
        }
    }
}

/// Runs through the entities of one file in order of type and id, by the bytes of their UTF-8.
private final class EntityCursor {
    private let statement: Statement
    private(set) var isOnRow = false

    init(_ connection: Connection, type: String?, after: (type: String, id: String)?) throws(StorageError) {
        // Nothing comes after, of a type that stands before the one `after` names.
        let isPast = if let type, let after { type.utf8.lexicographicallyPrecedes(after.type.utf8) } else { false }
        let isInside = after != nil && (type == nil || type == after?.type)
        let comparison = isInside ? ">" : ">="
        statement = try connection.cached(
            type == nil
                ? "SELECT * FROM entities WHERE (type, id) \(comparison) (?1, ?2) ORDER BY type, id"
                : "SELECT * FROM entities WHERE type = ?1 AND id \(comparison) ?2 ORDER BY id")
        statement.bind(1, type ?? after?.type ?? "")
        statement.bind(2, isInside ? after?.id ?? "" : "")
        if !isPast { try next() }
    }

    deinit { statement.reset() }

    var entity: Entity? { isOnRow ? Entity(statement) : nil }

    func next() throws(StorageError) { isOnRow = try statement.step() }

    /// Below 0 when this stands before `other`; one that is at its end stands behind all.
    func compare(_ other: EntityCursor) -> Int {
        guard isOnRow, other.isOnRow else { return (isOnRow ? 0 : 1) - (other.isOnRow ? 0 : 1) }
        for column in [Int32(0), 1] {
            let (left, right) = (statement.bytes(column), other.statement.bytes(column))
            if left.lexicographicallyPrecedes(right) { return -1 }
            if right.lexicographicallyPrecedes(left) { return 1 }
        }
        return 0
    }
}

extension Entity {
    /// The entity of a row of `entities`, in the order of the table's columns.
    init(_ row: Statement) {
        self.init(type: row.text(0), id: row.text(1))
        title = row.textOrNil(2)
        description = row.textOrNil(3)
        categories = StringList.decode(row.text(4))
        brand = row.textOrNil(5)
        price = row.textOrNil(6)
        currency = row.textOrNil(7)
        inventory = row.integerOrNil(8)
        publishedAt = row.integerOrNil(9).map { Timestamp(milliseconds: $0) }
        isHidden = row.integer(10) != 0
        labels = StringList.decode(row.text(11))
        attributes = row.text(12)
        isPlaceholder = row.integer(13) != 0
        isDeleted = row.integer(14) != 0
    }
}
