public import Live

/// What put an entity on a list.
public enum Reason: Sendable, Equatable {
    /// It goes together with what was done: the interaction's type, and the entity's title or id.
    case because(type: String, title: String)
    /// It goes together with the entity that the list is about.
    case together(title: String)
    /// It resembles the entity that the list is about, or that something was done with.
    case resembles(title: String)
    /// It was ordered together with an entity.
    case bought(title: String)
    /// Persons with a history like this have to do with it: what they have most in common.
    case people(title: String)
    /// Of a liked category.
    case category(String)
    /// Of a liked brand.
    case brand(String)
    /// A learned model put it there.
    case model
    /// It was asked for.
    case chosen
    /// A search found it.
    case search
    /// It is new, and has a place kept for it.
    case new
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
        case .resembles(let title): "Similar to \(title)"
        case .bought(let title): "Bought together with \(title)"
        case .people(let title): "People who like \(title) like this too"
        case .category(let name): "Because you like \(name)"
        case .brand(let name): "Because you like the brand \(name)"
        case .model: "Picked for you"
        case .chosen: "Chosen for this place"
        case .search: "Found by your search"
        case .new: "New: discover it among the first"
        case .popular: "Popular with everyone"
        case .trending: "Trending now"
        case .newest: "From the catalogue"
        }
    }
}

/// A rule that had a say in a place on a list.
public enum Rule: String, Sendable, Equatable, CaseIterable {
    /// Ordered in the last 30 days: score × 0.3.
    case orderedRecently = "ordered_recently"
    /// Taken back or turned down more than it was wanted: score × 0.3.
    case disliked
    /// The person has fewer than five interactions: no long-term personal part.
    case coldStart = "cold_start"
    /// Better ones of its categories, or too much like others, were passed over for it.
    case diversity
    /// Nothing fitted the diversity rule any more; the list would have been shorter.
    case diversityRelaxed = "diversity_relaxed"
    /// The place is one of those kept for what is new.
    case exploration
    /// The question wants it in this place.
    case pinned
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
    /// What each part adds to the score.
    public var shares: ScoreShares
    /// What put it there.
    public var reason: Reason
    /// Rules that had a say.
    public var rules: [Rule]
}

/// A candidate in the order of its list, for the pages that follow: 12 bytes.
public struct RankedCandidate: Sendable, Equatable, BitwiseCopyable {
    /// Number of the entity.
    public var entity: UInt32
    /// Its score.
    public var score: Float
    /// Where it came from.
    public var origin: Origin

    /// A candidate.
    public init(entity: UInt32, score: Float, origin: Origin) {
        self.entity = entity
        self.score = score
        self.origin = origin
    }
}

/// A wish of the question that could not be met.
public struct UnmetRule: Sendable, Equatable {
    /// `pin` or `include`.
    public var rule: String
    /// The id it names.
    public var id: String
    /// A sentence that says why.
    public var reason: String
}

/// A list, best first.
public struct RecommendationList: Sendable, Equatable {
    /// Its entities.
    public var items: [Recommendation] = []
    /// What filled it up when there was too little that is personal: the last source that was needed.
    public var fallback: Origin?
    /// Version of the learned model that had a say.
    public var modelVersion: Int64?
    /// Candidates that would follow, in the order in which they are chosen from: what the next page goes on with.
    public var rest: ContiguousArray<RankedCandidate> = []
    /// Wishes that could not be met.
    public var unmet: [UnmetRule] = []
    /// Whether the search for further entities was given up before the whole scope had been looked at, so that the list
    /// may be shorter than it could be.
    public var isIncomplete = false
}
