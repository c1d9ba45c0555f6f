public import Live

/// On whose behalf a list is made. Several may be given: a user and the session that runs.
public struct Audience: Sendable, Equatable {
    /// The user's id.
    public var user: String?
    /// The anonymous visitor's id.
    public var visitor: String?
    /// The session's id.
    public var session: String?

    /// Nobody in particular unless said.
    public init(user: String? = nil, visitor: String? = nil, session: String? = nil) {
        self.user = user
        self.visitor = visitor
        self.session = session
    }
}

/// Something that a person or a session did.
public struct Action: Sendable, Equatable {
    /// Number of the entity.
    public var entity: UInt32
    /// Canonical interaction type.
    public var type: String
    /// The type's weight in preferences; negative for what speaks against an entity.
    public var weight: Double
    /// When, in milliseconds since the epoch.
    public var occurredAt: Int64

    /// An action.
    public init(entity: UInt32, type: String, weight: Double, occurredAt: Int64) {
        self.entity = entity
        self.type = type
        self.weight = weight
        self.occurredAt = occurredAt
    }
}

/// How much somebody likes a category or a brand.
public struct Affinity: Sendable, Equatable {
    /// Number of the category or brand.
    public var number: UInt32
    /// Decayed Σ weight; only its size beside the others' matters.
    public var value: Double

    /// An affinity.
    public init(number: UInt32, value: Double) {
        self.number = number
        self.value = value
    }
}

/// What is known of an audience.
public struct AudienceFacts: Sendable, Equatable {
    /// Interactions of the person; below five there is no long-term personal part.
    public var interactions = 0
    /// What the person did, newest first; empty for a session alone.
    public var recents: [Action] = []
    /// What the running session shows, newest first.
    public var session: [Action] = []
    /// Long-term affinities to categories, greatest first.
    public var categories: [Affinity] = []
    /// Long-term affinities to brands, greatest first.
    public var brands: [Affinity] = []
    /// The usual price, when there is one.
    public var usualPrice: Double?
    /// Currency of the usual price.
    public var usualCurrency: String?
    /// The usual price of what the session shows, for whoever has no other.
    public var sessionPrice: Double?
    /// Currency of ``sessionPrice``.
    public var sessionCurrency: String?
    /// When the person last ordered what, in milliseconds since the epoch.
    public var orders: [UInt32: Int64] = [:]

    /// Nothing is known.
    public init() {}
}

/// An entity that goes together with another one.
public struct Neighbour: Sendable, Equatable {
    /// Number of the entity.
    public var entity: UInt32
    /// How closely; above 0.
    public var weight: Double

    /// A neighbour.
    public init(entity: UInt32, weight: Double) {
        self.entity = entity
        self.weight = weight
    }
}

/// By what the best of a type or category are asked for.
public enum TopOrder: Sendable {
    /// `popularity_score`.
    case popular
    /// `trending_score`.
    case trending
}

/// Part of the catalogue: everything of a type, a category, or both.
public struct CatalogueScope: Sendable, Hashable {
    /// Entity type; `nil` for all.
    public var type: String?
    /// Category by name; `nil` for all.
    public var category: String?

    /// A scope.
    public init(type: String? = nil, category: String? = nil) {
        self.type = type
        self.category = category
    }
}

/// What recommendations are made from. Every call sees everything that was acknowledged before it began, and holds no
/// lock longer than one short look.
public protocol Knowledge: Sendable {
    /// What is known of an audience.
    func audience(_ audience: Audience, now: Int64) -> AudienceFacts
    /// Number of an entity; `nil` for one never heard of.
    func entity(type: String, id: String) -> UInt32?
    /// What is known of entities, in the order given; numbers that are unknown are left out.
    func facts(of entities: [UInt32]) -> [EntityFacts]
    /// Up to `each` neighbours of each entity, closest first.
    func neighbours(of entities: [UInt32], each: Int, now: Int64) -> [[Neighbour]]
    /// The best entities of a scope, best first; hidden and deleted ones left out.
    func top(_ order: TopOrder, in scope: CatalogueScope, limit: Int, now: Int64) -> [UInt32]
    /// Popular entities of a brand, at most `limit`.
    func entities(ofBrand brand: UInt32, type: String?, limit: Int, now: Int64) -> [UInt32]
    /// A stretch of a scope's entities, newest first, from a place on (0 at first), without what `filters` certainly refuse.
    /// `next` is where to go on, `nil` at the end.
    func newest(in scope: CatalogueScope, passing filters: Filters, from place: Int) -> (
        entities: [UInt32], next: Int?
    )
    /// Usual price within a category in a currency.
    func usualPrice(category: UInt32, currency: String?) -> Double?
    /// Number of a category; `nil` for one that no entity ever had.
    func category(named name: String) -> UInt32?
    /// Name of a category.
    func categoryName(_ number: UInt32) -> String
    /// Name of a brand.
    func brandName(_ number: UInt32) -> String
}
