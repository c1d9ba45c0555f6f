public import Storage
internal import Synchronization

/// The tenants of a data folder, their keys and the shop domains that stand for them.
public final class TenantDirectory: Sendable {
    /// The registry behind it.
    public let registry: any Registry
    let keys: KeyRing
    /// The backup that is under way, or was last.
    let backup = BackupJob()
    private let tenants = Mutex<[String: TenantService]>([:])
    /// Held while a tenant is opened, so that it is opened once; requests for the others go on.
    private let opening = Mutex(())
    private let opener: @Sendable (String) throws -> TenantService
    /// What openings have failed with lately. Trying anew takes long and holds a thread of the server, so requests are
    /// answered from here meanwhile.
    private let failures = Mutex<[String: Failure]>([:])
    private let retryNanoseconds: UInt64

    private struct Failure {
        var error: any Error
        /// When the opening is tried anew, on the monotonic clock.
        var retryAt: UInt64
    }

    /// A directory without open tenants, which opens them with `opener`, and tries one that could not be opened anew when
    /// `retrySeconds` have passed and a request asks for it.
    public init(
        registry: any Registry, retrySeconds: Double = 5,
        opener: @escaping @Sendable (String) throws -> TenantService
    ) throws(StorageError) {
        self.registry = registry
        retryNanoseconds = UInt64(max(0, min(retrySeconds, 1e6)) * 1e9)
        self.opener = opener
        keys = try KeyRing(registry: registry)
    }

    /// Adds a key that is good from now on.
    public func add(_ key: KeyEntry) throws(StorageError) {
        try registry.add(key)
        try keys.reload()
    }

    /// Makes a key open nothing from now on; false when there is none with this hash. Requests that were let in before are
    /// still answered.
    public func revoke(_ hash: [UInt8], now: Int64) throws(StorageError) -> Bool {
        guard try registry.revoke(hash, at: now) else { return false }
        keys.forget(hash)
        return true
    }

    /// The tenant with an id, opened now when it is not yet; `nil` when the registry has none. Throws what opening it
    /// throws, or has thrown within the last seconds.
    public func open(_ id: String) throws -> TenantService? {
        if let tenant = tenants.withLock({ $0[id] }) { return tenant }
        if let error = recentFailure(id) { throw error }
        return try opening.withLock { _ in
            if let tenant = tenants.withLock({ $0[id] }) { return tenant }
            guard try registry.tenants().contains(where: { $0.id == id }) else { return nil }
            let tenant: TenantService
            do {
                tenant = try opener(id)
            } catch {
                failures.withLock {
                    $0[id] = Failure(error: error, retryAt: monotonicNanoseconds() &+ retryNanoseconds)
                }
                throw error
            }
            failures.withLock { $0[id] = nil }
            tenants.withLock { $0[id] = tenant }
            return tenant
        }
    }

    /// What the last opening failed with, unless it is time to try anew: then whoever asks first does, and the others go on
    /// being answered from here.
    private func recentFailure(_ id: String) -> (any Error)? {
        failures.withLock { failures in
            guard let failure = failures[id] else { return nil }
            let now = monotonicNanoseconds()
            if now < failure.retryAt { return failure.error }
            failures[id]?.retryAt = now &+ retryNanoseconds
            return nil
        }
    }

    /// The tenant with an id; one that another process has made is opened at its first request.
    func tenant(_ id: String) throws(Problem) -> TenantService? {
        if let tenant = tenants.withLock({ $0[id] }) { return tenant }
        do {
            return try open(id)
        } catch let error as StorageError {
            var problem = Problem(error)
            problem.headers = [("Retry-After", "5")]
            throw problem
        } catch {
            throw Problem(
                503, "tenant_unavailable", "The tenant cannot be opened now.", headers: [("Retry-After", "5")])
        }
    }

    /// All tenants in service, by id.
    public var all: [TenantService] { tenants.withLock { $0.values.sorted { $0.id < $1.id } } }

    /// Stops every tenant: queues are finished, snapshots written, stores closed.
    public func stop() {
        backup.stop()
        for tenant in all { tenant.stop() }
        registry.close()
    }
}
