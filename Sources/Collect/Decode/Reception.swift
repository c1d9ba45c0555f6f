public import Domain

/// What is known about a request apart from its body: everything the decoder needs, and nothing that it has to look up.
public struct Reception: Sendable {
    /// When it was received, in milliseconds since the epoch.
    public var receivedAt: Int64
    /// When the client says that it sent the request; a body's own `sent_at` takes its place.
    public var sentAt: Int64?
    /// The plan in force.
    public var plan: CompiledPlan
    /// The tenant's limits on what is sent.
    public var limits: CollectionLimits
    /// Makes keys.
    public var hasher: KeyHasher
    /// The user of items that name nobody.
    public var defaultUser: String?
    /// The visitor of items that name nobody, when there is no default user.
    public var defaultVisitor: String?
    /// The only user that items may speak of, for a key that is not trusted with ids; `nil`: any.
    public var onlyUser: String?
    /// Imports may carry times of any age.
    public var isImport = false
    /// Whether the catalogue knows an entity; asked only when the plan is strict.
    public var knowsEntity: @Sendable (Key128) -> Bool = { _ in true }

    /// What is known about a request.
    public init(receivedAt: Int64, plan: CompiledPlan, limits: CollectionLimits, hasher: KeyHasher) {
        self.receivedAt = receivedAt
        self.plan = plan
        self.limits = limits
        self.hasher = hasher
    }
}
