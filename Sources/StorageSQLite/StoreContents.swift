internal import COpenSSL
internal import CSQLite
public import Storage

/// What a database file says, whatever the order of its pages: a checksum of the rows of each table in order of their
/// keys, and of the schema.
public struct StoreContents: Sendable, Equatable {
    /// One table's rows.
    public struct Table: Sendable, Equatable {
        /// Its name; `sqlite_schema` for the schema.
        public var name: String
        /// How many rows.
        public var rows: Int64
        /// SHA-256 of all values in order, in hexadecimal.
        public var checksum: String

        /// What is said of a table.
        public init(name: String, rows: Int64, checksum: String) {
            self.name = name
            self.rows = rows
            self.checksum = checksum
        }
    }

    /// All tables in order of name.
    public var tables: [Table]

    /// What is said of a file.
    public init(tables: [Table]) { self.tables = tables }

    /// Reads a whole file on one unchanging state. `isStill` says that nobody else has it open: then nothing is left
    /// beside it. Virtual tables are left out; what they keep is in tables of their own.
    public init(path: String, isStill: Bool) throws(StorageError) {
        let connection = try Connection(path: path, isStill ? .unchangeable : .readOnly)
        try connection.execute("BEGIN")
        defer { connection.rollback() }
        tables = [
            try Table(
                connection, "sqlite_schema", "SELECT type, name, tbl_name, sql FROM sqlite_schema ORDER BY type, name")
        ]
        let list = try connection.prepare(
            """
            SELECT name, wr FROM pragma_table_list
            WHERE schema = 'main' AND type IN ('table', 'shadow') AND name NOT LIKE 'sqlite~_%' ESCAPE '~' ORDER BY name
            """)
        while try list.step() {
            let name = list.text(0)
            var order = "rowid"
            if list.integer(1) != 0 {
                let keys = try connection.prepare(
                    "SELECT name FROM pragma_table_info(?1) WHERE pk > 0 ORDER BY pk")
                keys.bind(1, name)
                var columns: [String] = []
                while try keys.step() { columns.append(StoreContents.quoted(keys.text(0))) }
                order = columns.joined(separator: ", ")
            }
            tables.append(
                try Table(connection, name, "SELECT * FROM \(StoreContents.quoted(name)) ORDER BY \(order)"))
        }
    }

    private static func quoted(_ name: String) -> String { "\"" + name.replacing("\"", with: "\"\"") + "\"" }
}

extension StoreContents.Table {
    fileprivate init(_ connection: Connection, _ name: String, _ sql: String) throws(StorageError) {
        let rows = try connection.prepare(sql)
        guard let digest = EVP_MD_CTX_new() else { throw StorageError("store_io", "There is not enough memory.") }
        defer { EVP_MD_CTX_free(digest) }
        EVP_DigestInit_ex(digest, EVP_sha256(), nil)
        let columns = sqlite3_column_count(rows.handle)
        var count: Int64 = 0
        var bytes: [UInt8] = []
        func add(_ kind: UInt8, _ value: UInt64) {
            bytes.append(kind)
            withUnsafeBytes(of: value.littleEndian) { bytes.append(contentsOf: $0) }
        }
        while try rows.step() {
            count += 1
            for column in 0..<columns {
                let kind = sqlite3_column_type(rows.handle, column)
                switch kind {
                case SQLITE_NULL: add(0, 0)
                case SQLITE_INTEGER: add(1, UInt64(bitPattern: sqlite3_column_int64(rows.handle, column)))
                case SQLITE_FLOAT: add(2, sqlite3_column_double(rows.handle, column).bitPattern)
                default:
                    let text = rows.bytes(column)
                    add(kind == SQLITE_TEXT ? 3 : 4, UInt64(text.count))
                    bytes.append(contentsOf: text)
                }
            }
            if bytes.count > 65_536 {
                EVP_DigestUpdate(digest, bytes, bytes.count)
                bytes.removeAll(keepingCapacity: true)
            }
        }
        EVP_DigestUpdate(digest, bytes, bytes.count)
        var sum = [UInt8](repeating: 0, count: 32)
        EVP_DigestFinal_ex(digest, &sum, nil)
        let hex = sum.map { ($0 < 16 ? "0" : "") + String($0, radix: 16) }.joined()
        self.init(name: name, rows: count, checksum: hex)
    }
}
