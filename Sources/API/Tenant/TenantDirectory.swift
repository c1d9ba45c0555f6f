public import Storage
internal import Synchronization

/// The tenants of a data folder, their keys and the shop domains that stand for them.
public final class TenantDirectory: Sendable {
    /// The registry behind it.
    public let registry: any Registry
    let keys: KeyRing
    private let tenants = Mutex<[String: TenantService]>([:])
    /// Held while a tenant is opened, so that it is opened once; requests for the others go on.
    private let opening = Mutex(())
    private let opener: @Sendable (String) throws -> TenantService

    /// A directory without open tenants, which opens them with `opener`.
    public init(registry: any Registry, opener: @escaping @Sendable (String) throws -> TenantService)
        throws(StorageError)
    {
        self.registry = registry
        self.opener = opener
        keys = try KeyRing(registry: registry)
    }

    /// Adds a key that is good from now on.
    public func add(_ key: KeyEntry) throws(StorageError) {
        try registry.add(key)
        try keys.reload()
    }

    /// The tenant with an id, opened now when it is not yet; `nil` when the registry has none.
    public func open(_ id: String) throws -> TenantService? {
        if let tenant = tenants.withLock({ $0[id] }) { return tenant }
        return try opening.withLock { _ in
            if let tenant = tenants.withLock({ $0[id] }) { return tenant }
            guard try registry.tenants().contains(where: { $0.id == id }) else { return nil }
            let tenant = try opener(id)
            tenants.withLock { $0[id] = tenant }
            return tenant
        }
    }

    /// The tenant with an id; one that another process has made is opened at its first request.
    func tenant(_ id: String) throws(Problem) -> TenantService? {
        if let tenant = tenants.withLock({ $0[id] }) { return tenant }
        do {
            return try open(id)
        } catch let error as StorageError {
            throw Problem(error)
        } catch {
            throw Problem(
                503, "tenant_unavailable", "The tenant cannot be opened now.", headers: [("Retry-After", "5")])
        }
    }

    /// All tenants in service, by id.
    public var all: [TenantService] { tenants.withLock { $0.values.sorted { $0.id < $1.id } } }

    /// Stops every tenant: queues are finished, snapshots written, stores closed.
    public func stop() {
        for tenant in all { tenant.stop() }
        registry.close()
    }
}
