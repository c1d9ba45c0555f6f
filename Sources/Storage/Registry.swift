/// What a key may do.
public enum KeyScope: String, Sendable, CaseIterable {
    /// Safe in a browser: sends interactions, reads lists that name no person.
    case write
    /// Kept on the owner's server: everything.
    case secret
    /// The secret that the owner's server signs callbacks and user tokens with. Opens no route.
    case webhook
}

/// A tenant as the registry knows it.
public struct Tenant: Sendable, Equatable {
    /// Its id, which is also its folder's name.
    public var id: String
    /// When it was made, in milliseconds since the epoch.
    public var createdAt: Int64

    /// A tenant.
    public init(id: String, createdAt: Int64) {
        self.id = id
        self.createdAt = createdAt
    }
}

/// A key as the registry knows it: by the hash of its text, never by the text, but for secrets that signatures are
/// checked with, which need it.
public struct KeyEntry: Sendable, Equatable {
    /// SHA-256 of the key's text, 32 bytes.
    public var hash: [UInt8]
    /// The tenant it opens.
    public var tenant: String
    /// What it may do.
    public var scope: KeyScope
    /// When it was made, in milliseconds since the epoch.
    public var createdAt: Int64
    /// Of a ``KeyScope/webhook`` secret: its text.
    public var signingSecret: String?

    /// What a key is called by people, who must not write the key itself: the first 12 hexadecimal digits of its hash.
    public var id: String { String(hexadecimalHash.prefix(12)) }

    /// Its hash as 64 hexadecimal digits.
    public var hexadecimalHash: String { hash.map { ($0 < 16 ? "0" : "") + String($0, radix: 16) }.joined() }

    /// A key.
    public init(hash: [UInt8], tenant: String, scope: KeyScope, createdAt: Int64, signingSecret: String? = nil) {
        self.hash = hash
        self.tenant = tenant
        self.scope = scope
        self.createdAt = createdAt
        self.signingSecret = signingSecret
    }
}

/// Tenants and keys. Several processes may use it at once: keys can be made while a server runs.
public protocol Registry: AnyObject, Sendable {
    /// All tenants.
    func tenants() throws(StorageError) -> [Tenant]
    /// Adds a tenant; false when there is one with its id.
    func add(_ tenant: Tenant) throws(StorageError) -> Bool
    /// All keys that are not revoked.
    func keys() throws(StorageError) -> [KeyEntry]
    /// Adds a key.
    func add(_ key: KeyEntry) throws(StorageError)
    /// Makes the key with a hash open nothing from now on; false when there is none, or it is revoked already.
    func revoke(_ hash: [UInt8], at time: Int64) throws(StorageError) -> Bool
    /// Changes whenever another process has written; cheap enough to ask for at every unknown key.
    func changeToken() throws(StorageError) -> Int64
    /// Copies it as it is now into a new file.
    func backUp(to path: String) throws(StorageError)
    /// Closes everything. Idempotent.
    func close()
}
