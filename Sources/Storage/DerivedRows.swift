/// A product's row of `product_popularity`.
public struct PopularityRow: Sendable, Equatable {
    /// The product's id.
    public var productID: String
    /// `search_count`, `search_click_count`, `view_count`, `cart_add_count`, `order_count`.
    public var counts: [Int64]
    /// Σ weight · count over the types that count.
    public var popularityScore: Double
    /// The decayed score at the moment of the row.
    public var trendingScore: Double
    /// Its last interaction, in milliseconds since the epoch.
    public var lastInteraction: Int64?

    /// A row.
    public init(
        productID: String, counts: [Int64], popularityScore: Double, trendingScore: Double, lastInteraction: Int64?
    ) {
        self.productID = productID
        self.counts = counts
        self.popularityScore = popularityScore
        self.trendingScore = trendingScore
        self.lastInteraction = lastInteraction
    }
}

/// A user's row of `user_preferences`.
public struct PreferencesRow: Sendable, Equatable {
    /// The user's id.
    public var userID: String
    /// JSON object: category to affinity.
    public var categories = "{}"
    /// JSON object: brand to affinity.
    public var brands = "{}"
    /// JSON list of the last interactions, newest first.
    public var recent: String
    /// Interactions since the row was last written.
    public var newInteractions: Int64
    /// Orders since the row was last written.
    public var newOrders: Int64
    /// What paid orders come to and one on average: a decimal number, or a JSON object of currency to decimal text when
    /// there are several currencies. `nil` without orders.
    public var totalSpent: String?
    public var averageOrder: String?
    /// When the last one was paid, in milliseconds since the epoch.
    public var lastOrder: Int64?

    /// A row without preferences.
    public init(userID: String, recent: String, newInteractions: Int64, newOrders: Int64) {
        self.userID = userID
        self.recent = recent
        self.newInteractions = newInteractions
        self.newOrders = newOrders
    }
}

/// An entity's rows of `item_similarity`.
public struct SimilarityRows: Sendable, Equatable {
    /// Type of the entity and of those similar to it.
    public var entityType: String
    /// The entity's id.
    public var itemID: String
    /// What is similar to it, with scores.
    public var similar: [(id: String, score: Double)]

    /// Rows of one entity.
    public init(entityType: String, itemID: String, similar: [(id: String, score: Double)]) {
        self.entityType = entityType
        self.itemID = itemID
        self.similar = similar
    }

    public static func == (left: SimilarityRows, right: SimilarityRows) -> Bool {
        left.entityType == right.entityType && left.itemID == right.itemID
            && left.similar.elementsEqual(right.similar) { $0.id == $1.id && $0.score == $1.score }
    }
}

/// Rows of the tables that are written on a schedule for those who read them with SQL.
public enum DerivedRows: Sendable {
    /// Puts rows of `product_popularity`.
    case popularity([PopularityRow])
    /// Takes products out of `product_popularity`.
    case noPopularity([String])
    /// Puts rows of `user_preferences`.
    case preferences([PreferencesRow])
    /// Takes users out of `user_preferences`.
    case noPreferences([String])
    /// Puts all rows of entities of `item_similarity` in the place of those they had.
    case similarity([SimilarityRows])
}
