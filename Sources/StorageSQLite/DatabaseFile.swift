internal import CSQLite
internal import Glibc
internal import Storage

/// What can be said of a database file before SQLite has touched it, and how one is brought up to date.
enum DatabaseFile {
    /// Makes a folder and those above it, for its owner alone, and makes its entry durable.
    static func makeFolder(_ path: String) throws(StorageError) {
        var information = stat()
        if stat(path, &information) == 0 {
            guard information.st_mode & S_IFMT == S_IFDIR else { throw .unwritable(path, "it is not a folder") }
            return
        }
        if let slash = path.lastIndex(of: "/"), slash != path.startIndex { try makeFolder(String(path[..<slash])) }
        guard mkdir(path, 0o700) == 0 || errno == EEXIST else {
            let reason = errno
            throw reason == ENOSPC ? .diskFull(path) : .unwritable(path, String(cString: strerror(reason)))
        }
        if let slash = path.lastIndex(of: "/") { synchronizeFolder(String(path[..<slash])) }
    }

    /// Makes the names in a folder durable.
    static func synchronizeFolder(_ path: String) {
        let descriptor = open(path.isEmpty ? "/" : path, O_RDONLY | O_DIRECTORY | O_CLOEXEC)
        guard descriptor >= 0 else { return }
        fsync(descriptor)
        close(descriptor)
    }

    /// Size in bytes; `nil` when there is no such file.
    static func size(_ path: String) -> Int64? {
        var information = stat()
        return stat(path, &information) == 0 ? Int64(information.st_size) : nil
    }

    /// Refuses files of others and of newer versions by their header alone. The file is opened as unchangeable, which
    /// leaves the write-ahead log and all locks alone; reading it with `open` and `close` would take away the locks that
    /// this process holds on it through other connections.
    static func checkHeader(_ path: String, applicationID: Int64, known: Int) throws(StorageError) {
        let file = String(path.split(separator: "/").last ?? "")
        guard let size = size(path), size > 0 else {
            if let log = self.size(path + "-wal"), log > 0 {
                throw .corrupt(file, "the file is missing while its write-ahead log is there")
            }
            return
        }
        let identity: Int64
        let version: Int64
        do {
            let connection = try Connection(path: path, .unchangeable)
            identity = try connection.integer("PRAGMA application_id") ?? 0
            version = try connection.integer("PRAGMA user_version") ?? 0
        } catch {
            // Killed while the log was being copied into it, the file is shorter than it says; the log has the rest, and
            // whose file it is shows once it is open.
            if error.code == "store_corrupt", let log = self.size(path + "-wal"), log > 0 { return }
            throw error
        }
        // Both are 0 while they stand in the write-ahead log only.
        guard identity == applicationID || identity == 0 else { throw .corrupt(file, "it belongs to another program") }
        guard version <= known else { throw .tooNew(file, found: version, known: Int64(known)) }
    }

    /// Refuses files of others and of newer versions once they are open, where the write-ahead log counts too. Before
    /// anything that writes, settings included.
    static func checkIdentity(_ connection: Connection, applicationID: Int64, known: Int) throws(StorageError) {
        let version = try connection.integer("PRAGMA user_version") ?? 0
        let identity = try connection.integer("PRAGMA application_id") ?? 0
        let isOurs =
            if version == 0 && identity == 0 {
                try connection.integer("SELECT count(*) FROM sqlite_schema") == 0
            } else {
                identity == applicationID
            }
        if isOurs && version <= known { return }
        // Closing the last connection would otherwise rewrite the other program's file.
        ff_sqlite3_db_config_bool(connection.handle, SQLITE_DBCONFIG_NO_CKPT_ON_CLOSE, 1)
        throw isOurs
            ? .tooNew(connection.file, found: version, known: Int64(known))
            : .corrupt(connection.file, "it belongs to another program")
    }

    /// Runs the steps that a file lacks, each in a transaction of its own. `first` fills the tables of a new file.
    static func migrate(
        _ connection: Connection, applicationID: Int64, steps: [String],
        first: (Connection) throws(StorageError) -> Void
    ) throws(StorageError) {
        for step in steps.indices.dropFirst(Int(try connection.integer("PRAGMA user_version") ?? 0)) {
            try connection.begin()
            do {
                // Another process may have been faster.
                if try connection.integer("PRAGMA user_version") ?? 0 == step {
                    try connection.execute(steps[step])
                    if step == 0 {
                        try connection.execute("PRAGMA application_id = \(applicationID)")
                        try first(connection)
                    }
                    try connection.execute("PRAGMA user_version = \(step + 1)")
                }
            } catch {
                connection.rollback()
                throw error
            }
            try connection.commit()
        }
    }
}
