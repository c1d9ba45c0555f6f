internal import CSQLite
public import Storage

extension SQLiteTenantStore {
    /// The document with an id, a deleted one included: two key look-ups at most.
    public func document(_ kind: StoredDocument.Kind, id: String) throws(StorageError) -> StoredDocument? {
        try read { view throws(StorageError) in
            for connection in [view.overflow, view.main].compactMap(\.self) {
                let statement = try connection.cached("SELECT * FROM documents WHERE kind = ?1 AND id = ?2")
                defer { statement.reset() }
                statement.bind(1, kind.rawValue)
                statement.bind(2, id)
                if try statement.step() { return StoredDocument(statement) }
            }
            return nil
        }
    }

    /// A page of documents, read along the key.
    public func documents(_ kind: StoredDocument.Kind, after id: String?, limit: Int) throws(StorageError)
        -> [StoredDocument]
    {
        try read { view throws(StorageError) in
            func open(_ connection: Connection) throws(StorageError) -> Rows {
                let rows = Rows(
                    try connection.cached(
                        "SELECT * FROM documents WHERE kind = ?1 AND (?2 IS NULL OR id > ?2) ORDER BY id"))
                rows.statement.bind(1, kind.rawValue)
                rows.statement.bind(2, id)
                try rows.next()
                return rows
            }
            let main = try open(view.main)
            var overflow: Rows?
            if let connection = view.overflow { overflow = try open(connection) }
            var list: [StoredDocument] = []
            while list.count < limit {
                // The overflow's row of a document is the newer one.
                let order = overflow.map { main.compare($0) } ?? -1
                let rows = order < 0 ? main : overflow ?? main
                guard rows.isOnRow else { break }
                let document = StoredDocument(rows.statement)
                if !document.isDeleted { list.append(document) }
                if order == 0 { try main.next() }
                try rows.next()
            }
            return list
        }
    }

    /// A page of what belongs to a user, read along an index.
    public func documents(
        _ kind: StoredDocument.Kind, owner: String, before position: Int64?, limit: Int
    ) throws(StorageError) -> [StoredDocument] {
        try read { view throws(StorageError) in
            var list: [StoredDocument] = []
            // Whatever the overflow holds alone is newer than anything in the main file.
            for connection in [view.overflow, view.main].compactMap(\.self) {
                let rows = Rows(
                    try connection.cached(
                        """
                        SELECT * FROM documents WHERE kind = ?1 AND owner = ?2 AND position < ?3
                        ORDER BY position DESC
                        """))
                rows.statement.bind(1, kind.rawValue)
                rows.statement.bind(2, owner)
                rows.statement.bind(3, position ?? .max)
                try rows.next()
                while list.count < limit, rows.isOnRow {
                    let document = StoredDocument(rows.statement)
                    var isOld = false
                    if connection === view.main { isOld = try Self.isNewer(document, in: view.overflow) }
                    if !document.isDeleted, !isOld { list.append(document) }
                    try rows.next()
                }
            }
            return list
        }
    }

    private static func isNewer(_ document: StoredDocument, in overflow: Connection?) throws(StorageError) -> Bool {
        guard let overflow else { return false }
        let statement = try overflow.cached("SELECT 1 FROM documents WHERE kind = ?1 AND id = ?2")
        defer { statement.reset() }
        statement.bind(1, document.kind.rawValue)
        statement.bind(2, document.id)
        return try statement.step()
    }

    /// A statement that is being read, put back when it is done with.
    private final class Rows {
        let statement: Statement
        private(set) var isOnRow = false

        init(_ statement: Statement) { self.statement = statement }

        deinit { statement.reset() }

        func next() throws(StorageError) { isOnRow = try statement.step() }

        /// Below 0 when this stands before `other` by id; one that is at its end stands behind all.
        func compare(_ other: Rows) -> Int {
            guard isOnRow, other.isOnRow else { return (isOnRow ? 0 : 1) - (other.isOnRow ? 0 : 1) }
            let (left, right) = (statement.bytes(1), other.statement.bytes(1))
            if left.lexicographicallyPrecedes(right) { return -1 }
            return right.lexicographicallyPrecedes(left) ? 1 : 0
        }
    }
}

extension StoredDocument {
    /// The document of a row of `documents`, in the order of the table's columns.
    init(_ row: Statement) {
        self.init(
            kind: Kind(rawValue: row.text(0)), id: row.text(1), owner: row.textOrNil(2), body: row.text(3),
            isDeleted: row.integer(4) != 0)
        position = row.integer(5)
    }
}
