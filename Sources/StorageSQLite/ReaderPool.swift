internal import Storage
internal import Synchronization

/// Connections for reading. Borrowed for one short read each; up to four are kept open.
final class ReaderPool: Sendable {
    private struct State {
        var idle: [Connection] = []
        var isClosed = false
    }

    private let path: String
    private let options: StoreOptions
    private let state = Mutex(State())

    init(path: String, options: StoreOptions) {
        self.path = path
        self.options = options
    }

    /// Lends a connection for as long as `body` runs.
    func withConnection<Result>(_ body: (Connection) throws(StorageError) -> Result) throws(StorageError) -> Result {
        let (idle, isClosed) = state.withLock { ($0.idle.popLast(), $0.isClosed) }
        if isClosed { throw .closed() }
        let connection = if let idle { idle } else { try open() }
        defer {
            state.withLock { state in
                if !state.isClosed, state.idle.count < 4 { state.idle.append(connection) }
            }
        }
        return try body(connection)
    }

    func close() {
        let idle = state.withLock { state in
            state.isClosed = true
            defer { state.idle = [] }
            return state.idle
        }
        // They close as they are released, outside the lock.
        _ = consume idle
    }

    private func open() throws(StorageError) -> Connection {
        let connection = try Connection(path: path, .readOnly, vfs: options.fileSystem)
        try connection.execute("PRAGMA cache_size = -\(options.cacheKiB / 8); PRAGMA temp_store = MEMORY")
        return connection
    }
}
