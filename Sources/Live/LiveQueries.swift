/// By what a popular list is ordered.
public enum PopularMode: String, Sendable, CaseIterable {
    /// Decayed, weighted recent activity (`trending_score`).
    case trending
    /// `view_count`.
    case mostViewed = "most_viewed"
    /// `cart_add_count`.
    case mostCarted = "most_carted"
    /// `order_count`.
    case mostOrdered = "most_ordered"
    /// `search_click_count`.
    case mostSearched = "most_searched"
    /// Weighted counts (`popularity_score`).
    case overall
}

/// The counters that order lists.
enum OrderingCounter: Int, Sendable, CaseIterable {
    case viewed, carted, ordered, searched

    /// The counter's name in a plan.
    var name: String {
        switch self {
        case .viewed: "view_count"
        case .carted: "cart_add_count"
        case .ordered: "order_count"
        case .searched: "search_click_count"
        }
    }
}

/// The stretch of time that counts. The edge of an hour moves in whole minutes, the others in whole hours: an interaction
/// counts from the hour (minute) that many before the present one, that hour (minute) included.
public enum TimeWindow: String, Sendable, CaseIterable {
    /// 60 minutes.
    case hour = "1h"
    /// 24 hours.
    case day = "24h"
    /// 168 hours.
    case week = "7d"
    /// 720 hours.
    case month = "30d"
    /// Everything ever counted. For `trending`: the window of the tenant's settings.
    case all
}

/// What a popular list is asked for.
public struct PopularQuery: Sendable, Hashable {
    /// By what it is ordered.
    public var mode: PopularMode
    /// What counts.
    public var window: TimeWindow
    /// Only entities of this type.
    public var entityType: String?
    /// Only entities in this category.
    public var category: String?
    /// Longest answer; held between 0 and 1,000.
    public var limit: Int

    /// A query.
    public init(
        mode: PopularMode, window: TimeWindow = .all, entityType: String? = nil, category: String? = nil,
        limit: Int = 20
    ) {
        self.mode = mode
        self.window = window
        self.entityType = entityType
        self.category = category
        self.limit = limit
    }
}

/// A counter of an entity.
public struct CounterValue: Sendable, Equatable {
    /// Its name: `view_count`, …
    public var counter: String
    /// All-time count.
    public var count: Int64
}

/// An entity of a popular list.
public struct PopularItem: Sendable, Equatable {
    /// Entity type.
    public var entityType: String
    /// Entity id.
    public var entityID: String
    /// Title, when the catalogue has one.
    public var title: String?
    /// What the list is ordered by, within its window.
    public var score: Double
    /// Σ weight · count over the types that count, all time.
    public var popularityScore: Double
    /// Decayed score within the window of the settings, at the moment of the query.
    public var trendingScore: Double
    /// All-time counters that are not 0, in the order of the plan.
    public var counts: [CounterValue]
    /// Its last interaction, in milliseconds since the epoch; `nil` before the first.
    public var lastInteraction: Int64?
    /// Categories, most important first.
    public var categories: [String]
}

/// What is known of one entity.
public struct EntityStats: Sendable, Equatable {
    /// Title, when the catalogue has one.
    public var title: String?
    /// Categories, most important first.
    public var categories: [String]
    /// All-time counters that are not 0, in the order of the plan.
    public var counts: [CounterValue]
    /// Σ weight · count over the types that count, all time.
    public var popularityScore: Double
    /// Decayed score within the window of the settings, at the moment of the query.
    public var trendingScore: Double
    /// Its last interaction, in milliseconds since the epoch; `nil` before the first.
    public var lastInteraction: Int64?
    /// Known only because it was interacted with.
    public var isPlaceholder: Bool
    /// Kept out of every list.
    public var isHidden: Bool
    /// Taken out of the catalogue.
    public var isDeleted: Bool
}

/// A session's figures (Music).
public struct SessionMetrics: Sendable, Equatable {
    /// First interaction, in milliseconds since the epoch.
    public var startedAt: Int64
    /// Last interaction, in milliseconds since the epoch.
    public var lastAt: Int64
    /// Interactions.
    public var interactionCount: Int64
    /// Page views.
    public var pageViews: Int64

    /// From the first to the last interaction, in milliseconds.
    public var duration: Int64 {
        let (duration, overflow) = lastAt.subtractingReportingOverflow(startedAt)
        return overflow ? .max : duration
    }

    /// 0…100: 2 points an interaction up to 50; +20 from 5 minutes, +20 more from 15, +10 more from 30; halved when the
    /// session is shorter than one minute.
    public var engagementScore: Double {
        var score = Double(min(50, 2 * min(interactionCount, 25)))
        if duration >= 5 * 60_000 { score += 20 }
        if duration >= 15 * 60_000 { score += 20 }
        if duration >= 30 * 60_000 { score += 10 }
        return duration < 60_000 ? score / 2 : score
    }

    /// 100 for one page view and nothing else, otherwise 0.
    public var bounceRate: Double { interactionCount == 1 && pageViews == 1 ? 100 : 0 }
}

/// One of the last interactions of a person.
public struct RecentInteraction: Sendable, Equatable {
    /// Its place in the log.
    public var position: Int64
    /// When it happened, in milliseconds since the epoch.
    public var occurredAt: Int64
    /// Canonical interaction type.
    public var type: String
    /// Entity type.
    public var entityType: String
    /// Entity id.
    public var entityID: String
}

/// Interactions of one type.
public struct TypeCount: Sendable, Equatable {
    /// Canonical interaction type.
    public var type: String
    /// How many.
    public var count: Int64
}

/// A tenant's figures.
public struct TenantTotals: Sendable, Equatable {
    /// Interactions that happened in the window by type, by name; types without any are left out.
    public var interactions: [TypeCount]
    /// Sessions that began in the window.
    public var sessions: Int64
    /// Those of them with one page view and nothing else.
    public var bounces: Int64
    /// Bounces in percent of sessions; 0 when there are none.
    public var bounceRate: Double
    /// Users and visitors with interactions at hand.
    public var persons: Int
    /// Entities known, deleted ones included.
    public var entities: Int
}

/// Bytes of memory by what they hold.
public struct MemoryShare: Sendable, Equatable {
    /// `entities`, `buckets`, `persons`, `sessions`, `preferences`, `neighbours`, `boards`, `names`.
    public var owner: String
    /// Estimate, capacity included.
    public var bytes: Int
}
