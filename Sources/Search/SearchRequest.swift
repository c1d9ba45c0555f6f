public import Domain

/// What a search is restricted to.
public struct SearchFilters: Sendable, Equatable {
    /// Only entities of this type.
    public var entityType: String
    /// Only entities in this category.
    public var category: String?
    /// Only entities with a price of at least this.
    public var priceMinimum: Double?
    /// Only entities with a price of at most this.
    public var priceMaximum: Double?
    /// Only entities with a price in this currency.
    public var currency: String?
    /// Leaves out what is known to be out of stock.
    public var isInStock = false

    /// Entities of a type.
    public init(entityType: String) { self.entityType = entityType }
}

/// An entity that a search has found.
public struct SearchHit: Sendable, Equatable {
    /// Entity type.
    public var entityType: String
    /// Entity id.
    public var id: String
    /// Title.
    public var title: String?
    /// Brand.
    public var brand: String?
    /// Categories, most important first.
    public var categories: [String]
    /// Price as decimal text.
    public var price: String?
    /// Currency of the price.
    public var currency: String?
    /// Pieces in stock.
    public var inventory: Int64?
    /// 0…1; see ``SearchIndex/search(_:filters:limit:offset:)``.
    public var score: Double
}

/// A word that nearly nothing has, and what was searched for in its place.
public struct SearchCorrection: Sendable, Equatable {
    /// The word of the query.
    public var word: String
    /// The words it may have been meant to be, nearest first.
    public var alternatives: [String]
}

/// A page of what a search has found.
public struct SearchPage: Sendable {
    /// Best first.
    public var hits: [SearchHit] = []
    /// How many entities match, counted up to ``SearchIndex/countedTotal``.
    public var total = 0
    /// Whether there are more than ``total``.
    public var hasMore = false
    /// Mistyped words.
    public var corrections: [SearchCorrection] = []

    /// An empty page.
    public init() {}
}

/// What the live state says of an entity: its popularity score, or that no list may show it.
public typealias SearchStanding = @Sendable (_ keys: [Key128]) -> [Double?]
