/// A place where lists are shown, with settings of its own.
public enum Surface: String, Sendable, Hashable, CaseIterable {
    /// A person's own list.
    case forYou = "for_you"
    /// What goes together with an entity.
    case similar
    /// What is bought together with an entity: from orders.
    case boughtTogether = "bought_together"
    /// What goes together with the last thing that was viewed, or with one that is named.
    case becauseYouViewed = "because_you_viewed"
    /// What goes together with what lies in the cart.
    case cart
    /// What trends among what the person likes.
    case trendingNearYourTaste = "trending_near_your_taste"
    /// What the persons have to do with whose histories are most like this one.
    case peopleLikeYou = "people_like_you"
    /// What a search found, in the person's own order.
    case search
}

/// A source of candidates.
public enum Recaller: String, Sendable, Hashable, CaseIterable {
    /// The learned models.
    case models
    /// What goes together with what was done lately.
    case neighbours
    /// What was ordered together with what was done lately.
    case bought
    /// What the persons did lately whose histories are most like this one.
    case people
    /// What resembles it in title and text, and the newest of its categories and brand.
    case content
    /// The popular ones of liked categories.
    case categories
    /// The trending ones of liked categories.
    case trendingCategories = "trending_categories"
    /// The popular ones of liked brands.
    case brands
    /// What is popular with everybody.
    case popular
    /// What trends with everybody.
    case trending
    /// The newest of the catalogue.
    case newest
}

/// How much of a list comes from one source.
public struct RecallerSettings: Sendable, Hashable {
    /// The source.
    public var recaller: Recaller
    /// Candidates taken from it; of each category or brand where it is about those.
    public var most: Int
    /// Factor on how closely its candidates go with what was done.
    public var weight: Double

    /// A source.
    public init(_ recaller: Recaller, most: Int, weight: Double = 1) {
        self.recaller = recaller
        self.most = most
        self.weight = weight
    }
}

/// How the lists of a surface are made. What is `nil` is as the tenant has it for all.
public struct SurfaceSettings: Sendable, Hashable {
    /// Sources of candidates, asked in this order.
    public var recallers: [RecallerSettings]
    /// Weight of price fit and availability.
    public var baseWeight: Double?
    /// Weight of what the person, the session and the models say.
    public var personalWeight: Double?
    /// Weight of popularity.
    public var popularityWeight: Double?
    /// Share of the learned model's opinion where one serves.
    public var modelShare: Double?
    /// Weight of the place among what trends.
    public var trendingWeight = 0.0
    /// Weight of how well an entity answers the search.
    public var searchWeight = 0.0
    /// Most of ten from one category; 10 is no limit.
    public var categoryLimit: Int?
    /// Factor on the score of what the person ordered in the last 30 days.
    public var orderedFactor: Double?
    /// λ of maximal marginal relevance: each place goes to the greatest λ · score − (1 − λ) · likeness to what stands
    /// above. 1 goes by the score alone.
    public var relevance = 1.0
    /// Share of places for entities that are new.
    public var exploration = 0.0
    /// Popularity below which an entity that was never met together with another is new.
    public var explorationBelow = 1.0
    /// Leaves out what the person's last hundred interactions, or the session, have seen.
    public var excludesSeen = false
    /// Leaves out what the person ordered within 30 days.
    public var excludesBought = false
    /// Leaves out what was shown to the person so many times or more within 30 days; 0 leaves nothing out.
    public var excludesShown = 0

    /// Sources alone, everything else as the tenant has it.
    public init(recallers: [RecallerSettings]) { self.recallers = recallers }

    /// The documented defaults of a surface.
    public static func standard(_ surface: Surface) -> SurfaceSettings {
        // Twice as many named nobody better: `docs/decisions/0012-candidates.md`.
        let together = [
            RecallerSettings(.models, most: 200), RecallerSettings(.neighbours, most: 100),
            RecallerSettings(.content, most: 40), RecallerSettings(.categories, most: 15),
            RecallerSettings(.brands, most: 15), RecallerSettings(.popular, most: 30),
        ]
        var settings = SurfaceSettings(recallers: together)
        switch surface {
        case .forYou:
            settings.recallers += [RecallerSettings(.trending, most: 30), RecallerSettings(.newest, most: 20)]
            settings.exploration = 0.1
        case .similar: break
        case .boughtTogether:
            settings.recallers = [
                RecallerSettings(.bought, most: 200), RecallerSettings(.neighbours, most: 100, weight: 0.25),
                RecallerSettings(.categories, most: 25), RecallerSettings(.popular, most: 50),
            ]
            settings.baseWeight = 0.2
            settings.personalWeight = 0.7
            settings.popularityWeight = 0.1
            // What is bought together is not what a person goes on to: the models only have their part.
            settings.modelShare = 0
        case .becauseYouViewed: settings.excludesSeen = true
        case .cart:
            settings.baseWeight = 0.3
            settings.personalWeight = 0.6
            settings.popularityWeight = 0.1
        case .trendingNearYourTaste:
            settings.recallers = [
                RecallerSettings(.trendingCategories, most: 50), RecallerSettings(.trending, most: 100),
                RecallerSettings(.neighbours, most: 100), RecallerSettings(.popular, most: 50),
            ]
            settings.baseWeight = 0.2
            settings.personalWeight = 0.4
            settings.popularityWeight = 0
            settings.trendingWeight = 0.4
            settings.modelShare = 0
        case .peopleLikeYou:
            settings.recallers = [
                RecallerSettings(.people, most: 200), RecallerSettings(.neighbours, most: 100, weight: 0.25),
                RecallerSettings(.popular, most: 50),
            ]
            settings.baseWeight = 0.2
            settings.personalWeight = 0.6
            settings.popularityWeight = 0.2
            settings.excludesSeen = true
        case .search:
            settings.recallers = [RecallerSettings(.models, most: 100), RecallerSettings(.neighbours, most: 200)]
            settings.baseWeight = 0.1
            settings.personalWeight = 0.3
            settings.popularityWeight = 0.1
            settings.searchWeight = 0.5
            settings.modelShare = 0
            settings.categoryLimit = 10
        }
        return settings
    }
}
