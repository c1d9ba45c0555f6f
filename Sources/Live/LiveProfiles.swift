/// Number of an entity in one ``LiveState``: what ranking names entities by. Holds for as long as the state lives, whatever
/// becomes of the entity, and is another after a restart.
public typealias EntityNumber = UInt32

/// How much a person, or a session, is drawn to a category or a brand.
public struct Affinity: Sendable, Equatable {
    /// Number of the category (``EntityFeatures/categories``), or of the brand (``EntityFeatures/brand``).
    public var number: UInt32
    /// Its name.
    public var name: String
    /// Σ weight of the type · 0.5^(age / 30 days) over the interactions with its entities, as of the moment of the query;
    /// below 0 for what was taken back more than it was wanted.
    public var weight: Double
    /// `weight` in parts of the greatest magnitude among the person's of that sort: −1…1.
    public var share: Double
}

/// A usual price.
public struct UsualPrice: Sendable, Equatable {
    /// Weighted geometric mean of the prices of what was interacted with: `2^(Σ w·log2 p / Σ w)`, w the decayed weights
    /// of the interactions above 0.
    public var price: Double
    /// Its currency; `nil` when the catalogue names none. Prices in others are not comparable.
    public var currency: String?
    /// Interactions that it comes from.
    public var interactions: Int64
}

/// One of the last interactions of a person or a session.
public struct ProfileInteraction: Sendable, Equatable {
    /// The entity.
    public var entity: EntityNumber
    /// When it happened, in milliseconds since the epoch.
    public var occurredAt: Int64
    /// Number of the canonical type in the tenant's name table.
    public var type: UInt16
    /// Weight of the type in preferences under the present plan; may be below 0.
    public var weight: Double
}

/// Something that was ordered.
public struct OrderedItem: Sendable, Equatable {
    /// The entity.
    public var entity: EntityNumber
    /// When last, in milliseconds since the epoch.
    public var orderedAt: Int64
}

/// All that ranking needs to know of a person, or of a session.
public struct PersonProfile: Sendable, Equatable {
    /// Interactions: a person's, of which no more than the 100 that are kept count; all of a session's.
    public var interactionCount: Int64
    /// Categories, strongest first. A person has at most 32 categories and brands together.
    public var categories: [Affinity]
    /// Brands, strongest first.
    public var brands: [Affinity]
    /// The usual price; `nil` before the first interaction with something that has one.
    public var usualPrice: UsualPrice?
    /// The last interactions, newest first: 100 of a person; of a session the latest with each of its last 10 entities.
    public var recent: [ProfileInteraction]
    /// What was ordered within 30 days, newest first, each entity once; of a session, nothing.
    public var ordered: [OrderedItem]
}

/// An entity that is met together with another: by the same person, or in the same session, within 10 distinct entities.
public struct Neighbour: Sendable, Equatable {
    /// The neighbour.
    public var entity: EntityNumber
    /// Decayed sum of its pairs, as of the moment of the query: product of the weights of both types · (11 − n) / 10 for
    /// the nth last entity · 0.5^(age / 30 days). A lower bound where more than 8 neighbours share a set.
    public var weight: Double
    /// `weight / √(all pairs of the one · all pairs of the other)`: 0…1.
    public var score: Double
}

/// What ranking asks of a candidate, in numbers: no text, no memory of its own.
public struct EntityFeatures: Sendable {
    /// The entity.
    public var number: EntityNumber
    /// Number of its type in the tenant's name table.
    public var type: UInt16
    /// Numbers of its first four categories, most important first; ``none`` after the last.
    public var categories: InlineArray<4, UInt32>
    /// Number of its brand, or ``none``.
    public var brand: UInt32
    /// Price; `nil` when there is none.
    public var price: Double?
    /// Three letters of the price's currency as a number, for comparing; 0 for none.
    public var currency: UInt32
    /// Pieces in stock; `nil` when stock is not kept.
    public var inventory: Int64?
    /// Kept out of every list.
    public var isHidden: Bool
    /// Taken out of the catalogue.
    public var isDeleted: Bool
    /// Known only because it was interacted with.
    public var isPlaceholder: Bool
    /// Σ weight · count over the types that count, all time.
    public var popularityScore: Double
    /// Decayed sum of the weights of all its pairs, as of the query.
    public var pairWeight: Double

    /// The number of no category and no brand.
    public static let none = UInt32.max
}

/// What an entity is called.
public struct EntityDescription: Sendable, Equatable {
    /// The entity.
    public var number: EntityNumber
    /// Entity type.
    public var entityType: String
    /// Entity id.
    public var entityID: String
    /// Title, when the catalogue has one.
    public var title: String?
    /// Categories, most important first.
    public var categories: [String]
    /// Brand, when the catalogue has one.
    public var brand: String?
}

/// What profiles and neighbours take, and how much: for reports.
public struct ProfileLimits: Sendable {
    /// Categories and brands of a person.
    public static let affinities = LiveCore.affinitySets * WeightSet.ways
    /// Neighbours of an entity.
    public static let neighbours = LiveCore.neighbourSets * WeightSet.ways
    /// How long something ordered counts as ordered lately, in milliseconds.
    public static let orderedFor: Int64 = 30 * 86_400_000
}
