internal import CSQLite
internal import Domain
internal import Glibc
internal import JSON
internal import Storage

/// Writes the index file. On the index's own thread.
final class IndexWriter {
    static let version: Int64 = 1
    /// `FOOS` in ASCII.
    private static let applicationID: Int64 = 0x464f_4f53
    /// Entities that one transaction takes in.
    static let entitiesPerCommit = 1000

    let database: IndexDatabase
    private let breaker: WordBreaker
    private(set) var position: Int64 = 0
    private var nextRow: Int64 = 1

    private static let schema = """
        CREATE TABLE meta(name TEXT PRIMARY KEY, value INTEGER NOT NULL) WITHOUT ROWID;
        CREATE TABLE docs(
            n INTEGER PRIMARY KEY, type TEXT NOT NULL, id TEXT NOT NULL, title TEXT, description TEXT, brand TEXT,
            categories TEXT, category_list TEXT NOT NULL, price TEXT, currency TEXT, inventory INTEGER,
            UNIQUE (type, id));
        CREATE VIRTUAL TABLE words USING fts5(
            title, description, brand, categories, content = 'docs', content_rowid = 'n',
            tokenize = 'unicode61 remove_diacritics 2', prefix = '1 2 3 4');
        CREATE VIRTUAL TABLE terms USING fts5vocab(words, 'row');
        """

    /// Opens the index of a store, or throws when there is none that can be brought up to date.
    init(existing path: String, store: any TenantStore) throws(StorageError) {
        guard access(path, F_OK) == 0 else { throw StorageError("not_found", "it is missing") }
        database = try IndexDatabase(path: path, readOnly: false)
        guard try database.integer("PRAGMA application_id") == IndexWriter.applicationID,
            try database.integer("PRAGMA user_version") == IndexWriter.version
        else { throw StorageError("store_too_new", "it is of another version") }
        breaker = try WordBreaker(database)
        try IndexWriter.configure(database)
        guard try database.integer("SELECT value FROM meta WHERE name = 'store'") == IndexWriter.mark(store) else {
            throw StorageError("store_corrupt", "it belongs to another store")
        }
        guard let position = try database.integer("SELECT value FROM meta WHERE name = 'position'") else {
            throw StorageError("store_corrupt", "it was not finished")
        }
        guard position <= store.lastPosition else { throw StorageError("store_corrupt", "it is ahead of the log") }
        self.position = position
        nextRow = (try database.integer("SELECT max(n) FROM docs") ?? 0) + 1
    }

    /// Makes an empty index in the place of what is there.
    init(new path: String, store: any TenantStore) throws(StorageError) {
        IndexWriter.remove(path)
        database = try IndexDatabase(path: path, readOnly: false)
        breaker = try WordBreaker(database)
        try database.execute("PRAGMA page_size = 8192")
        try IndexWriter.configure(database)
        let database = database
        try database.transaction { () throws(StorageError) in
            try database.execute(IndexWriter.schema)
            try database.execute("INSERT INTO meta VALUES('store', \(IndexWriter.mark(store)))")
            try database.execute("PRAGMA application_id = \(IndexWriter.applicationID)")
            try database.execute("PRAGMA user_version = \(IndexWriter.version)")
        }
    }

    private static func configure(_ database: IndexDatabase) throws(StorageError) {
        // A power failure may cost the last commits; the position that goes with them is then the older one.
        try database.execute(
            "PRAGMA journal_mode = WAL; PRAGMA synchronous = NORMAL; PRAGMA cache_size = -16384; PRAGMA temp_store = MEMORY"
        )
    }

    static func remove(_ path: String) { for suffix in ["", "-wal", "-shm", "-journal"] { unlink(path + suffix) } }

    /// Tells one store from another without giving its seed away.
    private static func mark(_ store: any TenantStore) -> Int64 {
        let hash = withUnsafeBytes(of: store.seed) { checksum64($0, seed: 0x5ea2_c41d) }
        return Int64(bitPattern: hash)
    }

    // MARK: - Taking in

    /// A change of what is kept in memory.
    enum Change {
        /// An entity's row; its words and those it had before, when its texts have changed.
        case set(row: Int64, Entity, words: (new: TextWords, old: TextWords)?)
        /// A row that has gone, with its words.
        case removed(row: Int64, old: TextWords)

        var row: Int64 {
            switch self {
            case .set(let row, _, _), .removed(let row, _): row
            }
        }
    }

    /// Fills an empty index from the catalogue as it stands; what changes meanwhile stands in the log after `position`.
    func fill(from store: any TenantStore, unless isStopping: () -> Bool) throws(StorageError) {
        let start = store.lastPosition
        try store.synchronize()
        var after: (type: String, id: String)?
        while !isStopping() {
            let entities = try store.entities(type: nil, after: after, limit: IndexWriter.entitiesPerCommit)
            try database.transaction { () throws(StorageError) in
                for entity in entities where !entity.isHidden && !entity.isPlaceholder {
                    try insert(entity, row: nextRow)
                    nextRow += 1
                }
            }
            guard entities.count == IndexWriter.entitiesPerCommit, let last = entities.last else {
                try database.transaction { () throws(StorageError) in try setPosition(start) }
                return
            }
            after = (last.type, last.id)
        }
    }

    /// Takes in entities as they are from now on, up to a position. What follows for the memory holds once this returns.
    func apply(_ entities: [Entity], upTo position: Int64) throws(StorageError) -> [Change] {
        var changes: [Change] = []
        let firstRow = nextRow
        do {
            try database.transaction { () throws(StorageError) in
                for entity in entities { try apply(entity, &changes) }
                try setPosition(position)
            }
        } catch {
            nextRow = firstRow
            throw error
        }
        return changes
    }

    private func setPosition(_ position: Int64) throws(StorageError) {
        let statement = try database.cached("INSERT OR REPLACE INTO meta VALUES('position', ?1)")
        statement.bind(1, position)
        try statement.run()
        self.position = position
    }

    private func apply(_ entity: Entity, _ changes: inout [Change]) throws(StorageError) {
        let find = try database.cached(
            "SELECT n, title, description, brand, categories FROM docs WHERE type = ?1 AND id = ?2")
        find.bind(1, entity.type)
        find.bind(2, entity.id)
        let isListed = !entity.isDeleted && !entity.isHidden && !entity.isPlaceholder
        guard try find.step() else {
            find.reset()
            guard isListed else { return }
            let row = nextRow
            nextRow += 1
            try insert(entity, row: row)
            changes.append(.set(row: row, entity, words: (breaker.words(of: IndexWriter.texts(entity)), TextWords())))
            return
        }
        let row = find.integer(0)
        let texts = (1...4).map { find.textOrNil($0) }
        find.reset()
        let own = IndexWriter.texts(entity)
        // Mostly it is the price or the stock that changes.
        if isListed, zip(own, texts).allSatisfy({ IndexWriter.isSame($0, $1) }) {
            try update(entity, row: row)
            changes.append(.set(row: row, entity, words: nil))
            return
        }
        // FTS5 has to be told what it has of a row that it does not keep itself.
        let forget = try database.cached(
            "INSERT INTO words(words, rowid, title, description, brand, categories) VALUES('delete', ?1, ?2, ?3, ?4, ?5)"
        )
        forget.bind(1, row)
        for (index, text) in texts.enumerated() { forget.bind(Int32(index + 2), text) }
        try forget.run()
        let delete = try database.cached("DELETE FROM docs WHERE n = ?1")
        delete.bind(1, row)
        try delete.run()
        let old = breaker.words(of: texts)
        guard isListed else {
            changes.append(.removed(row: row, old: old))
            return
        }
        try insert(entity, row: row)
        changes.append(.set(row: row, entity, words: (breaker.words(of: own), old)))
    }

    private static func isSame(_ left: String?, _ right: String?) -> Bool {
        guard let left, let right else { return left == nil && right == nil }
        return left.utf8.elementsEqual(right.utf8)
    }

    private func update(_ entity: Entity, row: Int64) throws(StorageError) {
        let update = try database.cached(
            "UPDATE docs SET category_list = ?2, price = ?3, currency = ?4, inventory = ?5 WHERE n = ?1")
        update.bind(1, row)
        update.bind(2, JSONValue.array(entity.categories.map { .string($0) }).text)
        update.bind(3, entity.price)
        update.bind(4, entity.currency)
        update.bind(5, entity.inventory)
        try update.run()
    }

    private static func texts(_ entity: Entity) -> [String?] {
        let names = entity.categories + entity.labels
        return [
            entity.title, entity.description, entity.brand, names.isEmpty ? nil : names.joined(separator: "\n"),
        ]
    }

    private func insert(_ entity: Entity, row: Int64) throws(StorageError) {
        let texts = IndexWriter.texts(entity)
        let insert = try database.cached("INSERT INTO docs VALUES(?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9, ?10, ?11)")
        insert.bind(1, row)
        insert.bind(2, entity.type)
        insert.bind(3, entity.id)
        for (index, text) in texts.enumerated() { insert.bind(Int32(index + 4), text) }
        insert.bind(8, JSONValue.array(entity.categories.map { .string($0) }).text)
        insert.bind(9, entity.price)
        insert.bind(10, entity.currency)
        insert.bind(11, entity.inventory)
        try insert.run()
        let learn = try database.cached(
            "INSERT INTO words(rowid, title, description, brand, categories) VALUES(?1, ?2, ?3, ?4, ?5)")
        learn.bind(1, row)
        for (index, text) in texts.enumerated() { learn.bind(Int32(index + 2), text) }
        try learn.run()
    }

    // MARK: - Memory

    /// Whether there are more entities than so many.
    func hasMore(than count: Int) throws(StorageError) -> Bool {
        try database.integer("SELECT 1 FROM docs LIMIT 1 OFFSET \(max(0, count))") != nil
    }

    /// What filters look at, and the words that most entities have: what is needed in memory while FTS5 searches. Some
    /// two microseconds an entity.
    func outline(
        key: (_ type: String, _ id: String) -> Key128, unless isStopping: () -> Bool
    ) throws(StorageError) -> IndexMemory {
        var memory = IndexMemory(maximumBytes: 0)
        let docs = try database.cached(
            "SELECT n, type, id, category_list, price, currency, inventory FROM docs ORDER BY n")
        defer { docs.reset() }
        while try docs.step(), !isStopping() { memory.set(docs.integer(0), IndexWriter.description(docs, key)) }
        let terms = try database.cached("SELECT term, doc FROM terms ORDER BY doc DESC LIMIT \(Lexicon.most)")
        defer { terms.reset() }
        while !isStopping(), try terms.step() { memory.know(terms.text(0), of: terms.integer(1)) }
        return memory
    }

    /// Reads entities, with their words, in order of their rows: some ten microseconds an entity. The last one's row,
    /// `nil` when there are no more. Also shows whether the file can be read at all.
    func read(
        into memory: inout IndexMemory, after row: Int64, limit: Int, key: (_ type: String, _ id: String) -> Key128
    ) throws(StorageError) -> Int64? {
        let docs = try database.cached(
            """
            SELECT n, type, id, category_list, price, currency, inventory, title, description, brand, categories
            FROM docs WHERE n > ?1 ORDER BY n LIMIT ?2
            """)
        defer { docs.reset() }
        docs.bind(1, row)
        docs.bind(2, Int64(limit))
        var last: Int64?
        while try docs.step() {
            let row = docs.integer(0)
            memory.set(row, IndexWriter.description(docs, key))
            memory.set(row, words: breaker.words(of: (7...10).map { docs.textOrNil($0) }), old: nil)
            last = row
        }
        return last
    }

    private static func description(
        _ docs: IndexStatement, _ key: (_ type: String, _ id: String) -> Key128
    ) -> IndexMemory.Description {
        let type = docs.text(1)
        return IndexMemory.Description(
            key: key(type, docs.text(2)), type: type, categories: list(docs.text(3)), price: docs.textOrNil(4),
            currency: docs.textOrNil(5), inventory: docs.isNull(6) ? nil : docs.integer(6))
    }

    static func list(_ text: String) -> [String] {
        (try? JSONValue(parsing: text))?.arrayValue?.compactMap(\.stringValue) ?? []
    }
}
