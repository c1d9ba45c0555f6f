public import Live

/// On whose behalf a list is made. Several may be given: a user and the session that runs.
public struct Audience: Sendable, Equatable, Hashable {
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
public struct Action: Sendable, Equatable, BitwiseCopyable {
    /// Number of the entity.
    public var entity: UInt32
    /// Number of the canonical interaction type in the tenant's name table.
    public var type: UInt16
    /// The type's weight in preferences; negative for what speaks against an entity.
    public var weight: Double
    /// When, in milliseconds since the epoch.
    public var occurredAt: Int64

    /// An action.
    public init(entity: UInt32, type: UInt16, weight: Double, occurredAt: Int64) {
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
    /// Numbers of the persons that it is.
    public var persons: [UInt32] = []
    /// Interactions of the person; below five there is no long-term personal part.
    public var interactions = 0
    /// What the person did, newest first; empty for a session alone.
    public var recents: [Action] = []
    /// What the running session shows, newest first.
    public var session: [Action] = []
    /// Long-term affinities to categories.
    public var categories: ContiguousArray<Affinity> = []
    /// Long-term affinities to brands.
    public var brands: ContiguousArray<Affinity> = []
    /// The usual price, when there is one.
    public var usualPrice: Double?
    /// Currency of the usual price.
    public var usualCurrency: String?
    /// The usual price of what the session shows, for whoever has no other.
    public var sessionPrice: Double?
    /// Currency of ``sessionPrice``.
    public var sessionCurrency: String?
    /// When the person last ordered what, each entity once.
    public var orders: ContiguousArray<OrderedItem> = []

    /// Nothing is known.
    public init() {}
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
    /// Numbers of all entities with one of these ids, of a type or of any.
    func entities(ids: [String], type: String?) -> ContiguousArray<UInt32>
    /// What is known of entities, with their texts, in the order given; numbers that are unknown are left out.
    func facts(of entities: [UInt32]) -> [EntityFacts]
    /// The same in numbers.
    func rankingFacts(of entities: ContiguousArray<UInt32>, _ measure: PriceMeasure) -> ContiguousArray<RankingFacts>
    /// What filters alone ask for, in the order given; an entity of which nothing is known has the empty details.
    func details(of entities: ContiguousArray<UInt32>) -> ContiguousArray<EntityDetails>
    /// Whether there may be entities that are over at some time.
    var hasEvents: Bool { get }
    /// The neighbours of entities, closest or not, with their scores of 0…1: at most 64 of each.
    func forEachNeighbour(
        of entities: ContiguousArray<UInt32>, _ body: (_ place: Int, _ neighbour: UInt32, _ score: Double) -> Void)
    /// Who had to do with entities last, or ordered them last, at most 32 of each, the latest at the end. Some may have nothing
    /// to do with the entity any more.
    func forEachCompanion(
        of entities: ContiguousArray<UInt32>, whoOrdered: Bool, _ body: (_ place: Int, _ person: UInt32) -> Void)
    /// How many of those who ordered each of the entities are at hand, at most 32.
    func buyerCounts(of entities: ContiguousArray<UInt32>) -> ContiguousArray<Int>
    /// What persons ordered, at most 64 of each, and when each of it last.
    func forEachOrder(
        ofPersons persons: ContiguousArray<UInt32>,
        _ body: (_ place: Int, _ orders: ContiguousArray<OrderedItem>) -> Void)
    /// The last interactions of persons, newest first, at most 100 of each.
    func forEachRecent(
        ofPersons persons: ContiguousArray<UInt32>, _ body: (_ place: Int, _ actions: ContiguousArray<Action>) -> Void)
    /// What resembles entities in text, most like first.
    func resembling(_ entities: ContiguousArray<UInt32>, limit: Int) -> ContiguousArray<Resembling>
    /// The best entities of a scope, best first; hidden and deleted ones left out.
    func top(_ order: TopOrder, in scope: CatalogueScope, limit: Int, now: Int64) -> ContiguousArray<UInt32>
    /// Popular entities of a brand, at most `limit`.
    func entities(ofBrand brand: UInt32, type: String?, limit: Int, now: Int64) -> ContiguousArray<UInt32>
    /// The newest entities of a category, or of all, newest first.
    func newest(inCategory category: UInt32?, limit: Int) -> ContiguousArray<UInt32>
    /// The newest entities of a brand, newest first.
    func newest(ofBrand brand: UInt32, limit: Int) -> ContiguousArray<UInt32>
    /// A stretch of a scope's entities, newest first, from a place on (0 at first), without what `filters` certainly refuse.
    /// `next` is where to go on, `nil` at the end.
    func newest(in scope: CatalogueScope, passing filters: Filters, from place: Int) -> (
        entities: ContiguousArray<UInt32>, next: Int?
    )
    /// Whether an entity stands before another among equals: by type, then by id, byte by byte.
    func precedes(_ left: UInt32, _ right: UInt32) -> Bool
    /// Number of a category; `nil` for one that no entity ever had.
    func category(named name: String) -> UInt32?
    /// Number of a brand; `nil` for one that no entity ever had.
    func brand(named name: String) -> UInt32?
    /// Number of a name: of an entity type, or of an interaction type.
    func name(_ name: String) -> UInt16?
    /// Number of a text that a label or an attribute has; `nil` for one that none ever had.
    func text(named name: String) -> UInt32?
    /// A currency's code as a number, 0 for none.
    func currency(_ code: String?) -> UInt32
    /// The name with a number.
    func name(_ number: UInt16) -> String
    /// Name of a category.
    func categoryName(_ number: UInt32) -> String
    /// Name of a brand.
    func brandName(_ number: UInt32) -> String
}

/// An entity that resembles another.
public struct Resembling: Sendable, Equatable, BitwiseCopyable {
    /// Number of the entity.
    public var entity: UInt32
    /// How much, 0…1.
    public var likeness: Double
    /// Place of what it resembles among those that were asked about.
    public var place: Int

    /// An entity and what it resembles.
    public init(entity: UInt32, likeness: Double, place: Int) {
        self.entity = entity
        self.likeness = likeness
        self.place = place
    }
}
