internal import Glibc
public import Storage

/// Looks at the files of a data folder without changing them, also beside a server that runs on it.
public struct StoreInspection {
    /// What a tenant's file says of itself.
    public struct Facts: Sendable {
        /// Last position of the log.
        public var position: Int64 = 0
        /// When the last interaction or record was received, in milliseconds since the epoch.
        public var lastReceivedAt: Int64?
        /// The seed of the tenant's keys.
        public var seed: UInt64 = 0
        /// The plan in force.
        public var plan: String?
        /// The settings in force.
        public var settings: String?
    }

    /// What a file holds.
    public enum Kind: Sendable {
        /// The tenants and their keys.
        case registry
        /// A tenant's log and tables.
        case log
        /// The lists that a tenant's users were shown.
        case lists
    }

    private let connection: Connection

    /// Opens a file for reading. Throws what is wrong with its header, its version or its rights.
    public init(path: String, _ kind: Kind) throws(StorageError) {
        let file = String(path.split(separator: "/").last ?? "")
        guard DatabaseFile.size(path) != nil else {
            throw .corrupt(file, "the file is missing")
        }
        let (identity, known) =
            switch kind {
            case .registry: (SQLiteRegistry.applicationID, SQLiteRegistry.migrations.count)
            case .log: (TenantSchema.applicationID, TenantSchema.migrations.count)
            case .lists: (SQLiteListStore.applicationID, SQLiteListStore.migrations.count)
            }
        try DatabaseFile.checkHeader(path, applicationID: identity, known: known)
        connection = try Connection(path: path, .readOnly)
        try DatabaseFile.checkIdentity(connection, applicationID: identity, known: known)
    }

    /// What SQLite finds wrong with the file: at most ten sentences. Reads all of it; `isFull` compares indexes with their
    /// tables too.
    public func damage(isFull: Bool) throws(StorageError) -> [String] {
        let statement = try connection.prepare("PRAGMA \(isFull ? "integrity_check" : "quick_check")(10)")
        var lines: [String] = []
        while try statement.step() { lines.append(statement.text(0)) }
        return lines == ["ok"] ? [] : lines
    }

    /// What a tenant's file says of itself.
    public func facts() throws(StorageError) -> Facts {
        var facts = Facts()
        facts.position = try Watermarks(connection).position
        let times = ["user_interactions", "log_records"].map {
            "SELECT received_at FROM \($0) ORDER BY seq DESC LIMIT 1"
        }
        for sql in times {
            if let time = try connection.integer(sql) { facts.lastReceivedAt = max(facts.lastReceivedAt ?? time, time) }
        }
        facts.seed = UInt64(bitPattern: try connection.state(.seed) ?? 0)
        facts.plan = try connection.text("SELECT document FROM plan_versions ORDER BY version DESC LIMIT 1")
        facts.settings = try connection.text("SELECT document FROM tenant_settings")
        return facts
    }

    /// The tenants of a registry.
    public func tenants() throws(StorageError) -> [String] {
        let statement = try connection.prepare("SELECT id FROM tenants ORDER BY id")
        var tenants: [String] = []
        while try statement.step() { tenants.append(statement.text(0)) }
        return tenants
    }

    /// Whether an overflow file lies in a tenant's folder.
    public static func hasOverflow(folder: String) -> Bool {
        DatabaseFile.size("\(folder)/\(Overflow.fileName)") ?? 0 > 0
    }

    /// The process that holds the lock of a data folder; `nil` when nobody does. Takes nothing.
    public static func lockOwner(folder: String) -> String? {
        let descriptor = open(folder + "/.lock", O_RDONLY | O_CLOEXEC)
        guard descriptor >= 0 else { return nil }
        defer { close(descriptor) }
        guard flock(descriptor, LOCK_SH | LOCK_NB) != 0, errno == EWOULDBLOCK else { return nil }
        var text = [UInt8](repeating: 0, count: 32)
        let count = text.withUnsafeMutableBytes { pread(descriptor, $0.baseAddress, $0.count, 0) }
        let owner = String(decoding: text.prefix(max(0, count)), as: UTF8.self).filter(\.isNumber)
        return owner.isEmpty ? "unknown" : owner
    }
}
