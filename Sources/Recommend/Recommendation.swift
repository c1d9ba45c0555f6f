public import Live

/// What put an entity on a list.
public enum Reason: Sendable, Equatable {
    /// It goes together with what was done: the interaction's type, and the entity's title or id.
    case because(type: String, title: String)
    /// It goes together with the entity that the list is about.
    case together(title: String)
    /// Of a liked category.
    case category(String)
    /// Of a liked brand.
    case brand(String)
    /// A learned model put it there.
    case model
    /// Popular with everybody.
    case popular
    /// Trending with everybody.
    case trending
    /// Nothing else was left.
    case newest

    /// The reason as a sentence.
    public var sentence: String {
        switch self {
        case .because(let type, let title):
            switch type {
            case "view": "Because you viewed \(title)"
            case "order": "Because you bought \(title)"
            case "cart_add": "Because you put \(title) into your cart"
            case "wishlist_add": "Because you wished for \(title)"
            case "like": "Because you liked \(title)"
            case "share": "Because you shared \(title)"
            case "follow": "Because you follow \(title)"
            case "click", "search_click", "recommendation_clicked": "Because you clicked \(title)"
            default: "Because of your interest in \(title)"
            }
        case .together(let title): "Goes together with \(title)"
        case .category(let name): "Because you like \(name)"
        case .brand(let name): "Because you like the brand \(name)"
        case .model: "Picked for you"
        case .popular: "Popular with everyone"
        case .trending: "Trending now"
        case .newest: "From the catalogue"
        }
    }
}

/// A rule that had a say in a place on a list.
public enum Rule: String, Sendable, Equatable {
    /// Ordered in the last 30 days: score × 0.3.
    case orderedRecently = "ordered_recently"
    /// The person has fewer than five interactions: no long-term personal part.
    case coldStart = "cold_start"
    /// Better ones of its categories were passed over, or it moved up for that.
    case diversity
    /// Nothing fitted the diversity rule any more; the list would have been shorter.
    case diversityRelaxed = "diversity_relaxed"
    /// There was too little that is personal; this stands in.
    case fallback
    /// Out of stock: no availability.
    case outOfStock = "out_of_stock"
}

/// One entity of a list.
public struct Recommendation: Sendable, Equatable {
    /// What is known of it.
    public var entity: EntityFacts
    /// Where it came from.
    public var origin: Origin
    /// What it is ordered by.
    public var score: Double
    /// What the score is made of.
    public var parts: ScoreParts
    /// What put it there.
    public var reason: Reason
    /// Rules that had a say.
    public var rules: [Rule]
}

/// A list, best first.
public struct RecommendationList: Sendable, Equatable {
    /// Its entities.
    public var items: [Recommendation] = []
    /// What filled it up when there was too little that is personal: the last source that was needed.
    public var fallback: Origin?
}
