internal import API
internal import Collect
internal import Domain
internal import HTTP
internal import JSON
internal import Storage
internal import StorageSQLite

/// A data folder at work: its lock, its tenants, what runs beside them, and the admin socket.
final class Application: Sendable {
    let folder: String
    let directory: TenantDirectory
    let log: Log
    /// Held for as long as the application lives.
    private let lock: FolderLock
    private let maintenance: Maintenance
    private let admin: HTTPServer

    /// Opens a data folder, makes it when it is missing, and brings every tenant in it back.
    init(folder: String, options: TenantOpening.Options, maintenance: Maintenance.Configuration, log: Log)
        throws(CommandError)
    {
        self.folder = folder
        self.log = log
        do {
            lock = try FolderLock(folder: folder)
            // Before it is opened, which makes one that is missing: that would stand in the way of the one from a backup.
            if !TenantFolders.hasRegistry(folder) { try TenantFolders.refuseOrphans(folder) }
            let registry = try SQLiteRegistry(folder: folder)
            let known = try registry.tenants().map(\.id)
            if known.isEmpty { try TenantFolders.refuseOrphans(folder) }
            for id in TenantFolders.withData(folder) where !known.contains(id) && id != DemoTenant.id {
                let message = "\(TenantFolders.unknown(id)); make a key for it to have it served."
                log.error("tenant_unknown", ["tenant": .string(id), "message": .string(message)])
            }
            directory = try TenantDirectory(registry: registry) { id in
                do {
                    return try Application.open(id, folder: folder, options: options, log: log)
                } catch {
                    let message = Application.failure(error).message
                    log.error("tenant_failed", ["tenant": .string(id), "message": .string(message)])
                    throw error
                }
            }
            for tenant in try registry.tenants() {
                guard let service = try directory.open(tenant.id) else { continue }
                Application.report(service, log)
            }
        } catch {
            throw Application.failure(error)
        }
        self.maintenance = Maintenance(directory: directory, configuration: maintenance, log: log)
        let socket = "\(folder)/admin.sock"
        do {
            let handler = FootfallServer(directory: directory, isAdmin: true, log: log)
            admin = try HTTPServer(
                HTTPServerConfiguration(unixSocketPath: socket, threads: 1, connectionTimeoutSeconds: 300),
                handler: handler)
            try admin.start()
        } catch {
            self.maintenance.stop()
            directory.stop()
            throw .failure("The admin socket \(socket) cannot be opened: \(error.message)")
        }
    }

    /// Finishes what is queued, writes snapshots and closes everything.
    func stop() {
        admin.stop(graceSeconds: 5)
        maintenance.stop()
        directory.stop()
    }

    private static func open(_ id: String, folder: String, options: TenantOpening.Options, log: Log) throws
        -> TenantService
    {
        let own = "\(folder)/tenants/\(id)"
        var storeOptions = StoreOptions()
        storeOptions.tenant = id
        let store = try SQLiteTenantStore.open(folder: own, options: storeOptions)
        var options = options
        if id == DemoTenant.id { options.initialSettings = DemoTenant.settings }
        return try TenantOpening.open(
            id: id, folder: own, store: store, options: options, log: log, clock: wallClockMilliseconds)
    }

    private static func report(_ tenant: TenantService, _ log: Log) {
        let recovery = tenant.recovery
        var fields: JSONObject = [
            "tenant": .string(tenant.id), "position": .integer(tenant.store.lastPosition),
            "snapshot_position": .integer(recovery.snapshotPosition),
            "replayed": .integer(recovery.replayedRows), "seconds": .double((recovery.seconds * 1000).rounded() / 1000),
        ]
        if let problem = recovery.snapshotProblem { fields["snapshot_problem"] = .string(problem) }
        log.info("tenant_open", fields)
    }

    static func failure(_ error: any Error) -> CommandError {
        switch error {
        case let error as StorageError: .failure("\(error.message) (\(error.code))")
        case let error as FootfallError: .failure("\(error.message) (\(error.code))")
        case let error as HTTPError: .failure("\(error.message) (\(error.code))")
        case let error as CommandError: error
        default: .failure("\(error)")
        }
    }
}
