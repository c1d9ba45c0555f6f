internal import Domain
internal import Glibc
internal import JSON
internal import Storage
internal import Synchronization
internal import Training

/// Copies the registry and every tenant's file into a folder while the server goes on. One at a time.
final class BackupJob: Sendable {
    private struct State {
        var status = "idle"
        var tenant: String?
        var pages: (done: Int64, all: Int64) = (0, 0)
        var copied: [(id: String, position: Int64)] = []
        var failure: StorageError?
    }

    private let state = Mutex(State())
    private let isStopping = Atomic(false)

    /// Begins a backup of a directory's tenants into an existing folder; false while another one is under way.
    func start(_ directory: TenantDirectory, destination: String, log: Log) -> Bool {
        let begins = state.withLock { state in
            if state.status == "running" { return false }
            state = State(status: "running")
            return true
        }
        guard begins else { return false }
        background { [self] in
            do throws(StorageError) {
                try copy(directory, to: destination)
                state.withLock { $0.status = "done" }
                log.info("backup", ["tenants": .integer(Int64(state.withLock { $0.copied.count }))])
            } catch {
                state.withLock { state in
                    state.status = "failed"
                    state.failure = error
                }
                log.error("backup_failed", ["code": .string(error.code), "message": .string(error.message)])
            }
        }
        return true
    }

    /// Ends a backup that is under way and waits for it.
    func stop() {
        isStopping.store(true, ordering: .releasing)
        while state.withLock({ $0.status == "running" }) { sleep(milliseconds: 10) }
    }

    /// The registry comes first: every tenant in it has its file in the backup, whoever makes tenants meanwhile.
    private func copy(_ directory: TenantDirectory, to destination: String) throws(StorageError) {
        try directory.registry.backUp(to: "\(destination)/footfall.db")
        try BackupJob.makeFolder("\(destination)/tenants")
        for tenant in try directory.registry.tenants() {
            let service: TenantService
            do {
                guard let open = try directory.open(tenant.id) else { continue }
                service = open
            } catch let error as StorageError {
                throw error
            } catch {
                throw StorageError("store_corrupt", "The tenant \"\(tenant.id)\" cannot be opened: \(error)")
            }
            try BackupJob.makeFolder("\(destination)/tenants/\(tenant.id)")
            state.withLock { $0.tenant = tenant.id }
            let path = "\(destination)/tenants/\(tenant.id)/footfall.sqlite"
            let position = try service.store.backUp(to: path) { [self] done, all in
                state.withLock { $0.pages = (done, all) }
                return !isStopping.load(ordering: .acquiring)
            }
            do throws(TrainingError) {
                try service.models.store.copy(to: "\(destination)/tenants/\(tenant.id)/models")
            } catch {
                throw StorageError(error.code, error.message)
            }
            state.withLock { $0.copied.append((tenant.id, position)) }
        }
    }

    private static func makeFolder(_ path: String) throws(StorageError) {
        guard mkdir(path, 0o700) == 0 else {
            throw StorageError(
                "store_unwritable", "The folder \(path) cannot be made: \(String(cString: strerror(errno))).")
        }
    }

    /// How it stands.
    var document: JSONValue {
        state.withLock { state in
            var object: JSONObject = [
                "state": .string(state.status), "pages_done": .integer(state.pages.done),
                "pages": .integer(state.pages.all),
                "tenants": .array(
                    state.copied.map { ["id": .string($0.id), "position": .integer($0.position)] }),
            ]
            if let tenant = state.tenant { object["tenant"] = .string(tenant) }
            if let failure = state.failure {
                object["error"] = ["code": .string(failure.code), "message": .string(failure.message)]
            }
            return .object(object)
        }
    }
}
