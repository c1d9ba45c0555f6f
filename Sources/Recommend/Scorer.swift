public import Domain
internal import Glibc
public import Live

/// The parts of a score, each 0…1 and what they were made from.
public struct ScoreParts: Sendable, Equatable {
    /// Half price fit, half availability.
    public var base = 0.0
    /// What the person, the session and the models say.
    public var personal = 0.0
    /// Popularity beside the most popular entity.
    public var popularity = 0.0
    /// Place among what trends, 1 for the first; `nil` where that counts for nothing.
    public var trending: Double?
    /// How well it answers the search; `nil` without one.
    public var search: Double?
    /// Closeness of the price to the usual one; 0.5 when there is nothing to compare.
    public var priceFit = 0.5
    /// 1 in stock, 0 out of stock.
    public var availability = 1.0
    /// Affinity to its categories; `nil` when there is none to speak of.
    public var categoryAffinity: Double?
    /// Affinity to its brand.
    public var brandAffinity: Double?
    /// How it goes with what was done, beside the closest candidate.
    public var neighbours: Double?
    /// How much it resembles what was done, in place of that for what was never met together with anything.
    public var content: Double?
    /// What the learned models say; `nil` for what they cannot know, since it came after the training.
    public var model: Double?
    /// Popular and trending in place of a personal part that nothing is known for.
    public var common: Double?

    /// Nothing known.
    public init() {}
}

/// What the parts add to a score, after rules: together the score.
public struct ScoreShares: Sendable, Equatable {
    /// Of price fit and availability.
    public var base = 0.0
    /// Of what the person, the session and the models say.
    public var personal = 0.0
    /// Of popularity.
    public var popularity = 0.0
    /// Of what trends.
    public var trending = 0.0
    /// Of the search.
    public var search = 0.0
}

/// What all candidates of a request are measured by.
public struct Scale: Sendable {
    /// Greatest closeness among the candidates; 0 when none has any.
    public var closeness = 0.0
    /// Greatest likeness among the candidates; 0 when none has any.
    public var likeness = 0.0
    /// Popularity of the most popular entity that may be compared.
    public var popularity = 0.0
    /// Share of the model's opinion in the score; 0 where none has spoken.
    public var modelShare = 0.0
    /// Places in the trending list by entity: 1 for the first, falling to 0.
    public var trend = NumberTable()

    /// Nothing to compare with.
    public init() {}
}

/// `score = w₁·base + w₂·personal + w₃·popularity (+ w₄·trending + w₅·search)`, then rules: × 0.3 for what the person
/// ordered in the last 30 days, and × 0.3 for what it turned down.
///
/// Where a learned model has spoken, that is `(1 − m)` of the score and the model's opinion, half of it for what is out of
/// stock, is `m` (``ListPlan/modelShare``): a model's order was measured, and popularity is in it already. What the model
/// cannot know is taken at half of its personal part.
public struct Scorer: Sendable {
    /// Days an order keeps its entity down.
    public static let orderedMilliseconds: Int64 = 30 * Timestamp.millisecondsPerDay
    /// What the personal part of an entity that the model cannot know stands for, beside the best that the model names.
    static let unknownFactor = 0.5
    /// Factor on what the person took back or turned down more than it was wanted.
    public static let dislikedFactor = 0.3

    private let plan: ListPlan
    private let evidence: Evidence
    private let scale: Scale
    private let usual: Double?
    private let usualCurrency: UInt32
    private let now: Int64
    private let popularityScale: Double
    private let needsTrend: Bool

    /// A scorer for one request. `usualCurrency` is the number of the usual price's currency.
    public init(_ plan: ListPlan, _ evidence: Evidence, _ scale: Scale, usualCurrency: UInt32, now: Int64) {
        self.plan = plan
        self.evidence = evidence
        self.scale = scale
        usual = evidence.usualPrice
        self.usualCurrency = usualCurrency
        self.now = now
        popularityScale = log1p(scale.popularity)
        needsTrend = plan.trendingWeight > 0
    }

    /// Closeness of two prices: the smaller over the greater; 0.5 when one is not known.
    @inline(__always)
    public static func priceFit(_ price: Double, usual: Double) -> Double {
        guard price.isFinite, usual.isFinite, price >= 0, usual >= 0 else { return 0.5 }
        let greater = max(price, usual)
        return greater == 0 ? 1 : min(price, usual) / greater
    }

    /// The parts of a candidate's score.
    public func parts(_ entity: RankingFacts, _ candidate: Candidate) -> ScoreParts {
        var parts = ScoreParts()
        let usual = usual.flatMap { usualCurrency == entity.currency ? $0 : nil } ?? entity.categoryPrice
        parts.priceFit = Scorer.priceFit(entity.price, usual: usual)
        parts.availability = entity.isAvailable ? 1 : 0
        parts.base = 0.5 * parts.priceFit + 0.5 * parts.availability
        // On a logarithmic scale, beside the most popular.
        if entity.popularity > 0, popularityScale > 0 {
            parts.popularity = min(1, log1p(entity.popularity) / popularityScale)
        }
        if needsTrend { parts.trending = scale.trend.value(entity.number) }
        if plan.searchWeight > 0 { parts.search = candidate.relevance }
        personal(entity, candidate, &parts)
        return parts
    }

    /// A mean of what there is to say: an entity without a brand is not worse for it.
    @inline(__always)
    private func personal(_ entity: RankingFacts, _ candidate: Candidate, _ parts: inout ScoreParts) {
        var (sum, weights) = (0.0, 0.0)
        if !evidence.categories.isEmpty {
            var (affinity, count) = (0.0, 0)
            entity.forEachCategory {
                affinity += evidence.categories.value($0)
                count += 1
            }
            if count > 0 {
                affinity /= Double(count)
                parts.categoryAffinity = affinity
                sum += 2 * affinity
                weights += 2
            }
        }
        if !evidence.brands.isEmpty, entity.brand != RankingFacts.none {
            let affinity = evidence.brands.value(entity.brand)
            parts.brandAffinity = affinity
            sum += affinity
            weights += 1
        }
        let isNew = candidate.closeness == 0 && !entity.isPaired
        if scale.closeness > 0, !(isNew && candidate.likeness > 0) {
            let closeness = candidate.closeness / scale.closeness
            parts.neighbours = closeness
            sum += 3 * closeness
            weights += 3
        } else if scale.likeness > 0, isNew || scale.closeness == 0 {
            parts.content = candidate.likeness
            sum += 3 * candidate.likeness
            weights += 3
        }
        if let model = candidate.model, model.isFinite {
            let held = min(max(model, 0), 1)
            parts.model = held
            sum += 3 * held
            weights += 3
        }
        if evidence.isPersonal || weights > 0 {
            parts.personal = weights > 0 ? sum / weights : 0
        } else {
            let common = 0.5 * parts.popularity + 0.5 * scale.trend.value(entity.number)
            parts.common = common
            parts.personal = common
        }
    }

    /// Whether the person ordered an entity in the last 30 days.
    public func wasOrdered(_ entity: UInt32) -> Bool {
        guard !evidence.orders.isEmpty, let time = evidence.orders[entity] else { return false }
        return Double(now) - time < Double(Scorer.orderedMilliseconds)
    }

    /// Whether the person took it back, or turned it down.
    public func isDisliked(_ entity: UInt32) -> Bool {
        !evidence.disliked.isEmpty && evidence.disliked.contains(entity)
    }

    /// What the parts add to the score; together 0…1 when the weights add up to 1.
    public func shares(_ parts: ScoreParts, _ entity: UInt32) -> ScoreShares {
        var factor = 1.0
        if wasOrdered(entity) { factor *= plan.orderedFactor }
        if isDisliked(entity) { factor *= Scorer.dislikedFactor }
        let learned = factor * scale.modelShare * opinion(parts)
        factor *= 1 - scale.modelShare
        return ScoreShares(
            base: factor * plan.baseWeight * parts.base,
            personal: factor * plan.personalWeight * parts.personal + learned,
            popularity: factor * plan.popularityWeight * parts.popularity,
            trending: factor * plan.trendingWeight * (parts.trending ?? 0),
            search: factor * plan.searchWeight * (parts.search ?? 0))
    }

    /// What stands for the model's opinion. No model knows what is in stock.
    private func opinion(_ parts: ScoreParts) -> Double {
        (parts.model ?? Scorer.unknownFactor * parts.personal) * (0.5 + 0.5 * parts.availability)
    }

    /// The score.
    public func score(_ parts: ScoreParts, _ entity: UInt32) -> Double {
        var score =
            plan.baseWeight * parts.base + plan.personalWeight * parts.personal
            + plan.popularityWeight * parts.popularity
        if let trending = parts.trending { score += plan.trendingWeight * trending }
        if let search = parts.search { score += plan.searchWeight * search }
        if scale.modelShare > 0 { score = (1 - scale.modelShare) * score + scale.modelShare * opinion(parts) }
        if wasOrdered(entity) { score *= plan.orderedFactor }
        if isDisliked(entity) { score *= Scorer.dislikedFactor }
        return score
    }
}

/// How one list is made: a surface's settings with the tenant's where it has none of its own.
public struct ListPlan: Sendable {
    /// The surface's own settings.
    public let surface: SurfaceSettings
    let baseWeight: Double
    let personalWeight: Double
    let popularityWeight: Double
    let modelShare: Double
    let trendingWeight: Double
    let searchWeight: Double
    let categoryLimit: Int
    let orderedFactor: Double
    /// The source that the list is to be made of, when there is one: what comes from others fills it up.
    let essence: Origin?

    /// Whether the list is about something, so that what is merely popular does not belong to it however it scores.
    let isAbout: Bool

    /// Whether a candidate only fills the list up.
    func isFill(_ candidate: Candidate) -> Bool {
        if let essence { return candidate.origin != essence && candidate.origin != .chosen }
        return isAbout && !candidate.origin.isPersonal
    }

    /// The plan of a surface.
    public init(_ settings: RankingSettings, _ surface: Surface) {
        let own = settings.settings(for: surface)
        self.surface = own
        baseWeight = own.baseWeight ?? settings.baseWeight
        personalWeight = own.personalWeight ?? settings.personalWeight
        popularityWeight = own.popularityWeight ?? settings.popularityWeight
        modelShare = own.modelShare ?? settings.modelShare
        trendingWeight = own.trendingWeight
        searchWeight = own.searchWeight
        categoryLimit = own.categoryLimit ?? settings.categoryLimit
        orderedFactor = own.orderedFactor ?? settings.orderedFactor
        isAbout = surface == .similar || surface == .becauseYouViewed
        let essential: (recaller: Recaller, origin: Origin)? =
            switch surface {
            case .boughtTogether: (.bought, .bought)
            case .peopleLikeYou: (.people, .people)
            default: nil
            }
        essence = essential.flatMap { one in own.recallers.contains { $0.recaller == one.recaller } ? one.origin : nil }
    }
}

/// A candidate with what is known of it, and its score.
struct Scored: Sendable {
    var facts: RankingFacts
    var candidate: Candidate
    var score = 0.0
}
