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
    /// What the learned models say.
    public var model: Double?
    /// Popular and trending in place of a personal part that nothing is known for.
    public var common: Double?

    /// Nothing known.
    public init() {}
}

/// What all candidates of a request are measured by.
public struct Scale: Sendable, Equatable {
    /// Greatest closeness among the candidates; 0 when none has any.
    public var closeness = 0.0
    /// Popularity of the most popular entity that may be compared.
    public var popularity = 0.0
    /// Places in the trending list by entity: 1 for the first, falling to 0.
    public var trend: [UInt32: Double] = [:]

    /// Nothing to compare with.
    public init() {}
}

/// `score = w₁·base + w₂·personal + w₃·popularity`, then rules: × 0.3 for what the person ordered in the last 30 days.
public struct Scorer: Sendable {
    /// Days an order keeps its entity down.
    public static let orderedMilliseconds: Int64 = 30 * Timestamp.millisecondsPerDay

    private let settings: RankingSettings
    private let evidence: Evidence
    private let scale: Scale
    private let now: Int64

    /// A scorer for one request.
    public init(_ settings: RankingSettings, _ evidence: Evidence, _ scale: Scale, now: Int64) {
        self.settings = settings
        self.evidence = evidence
        self.scale = scale
        self.now = now
    }

    /// Closeness of two prices: the smaller over the greater; 0.5 when one is not known.
    public static func priceFit(_ price: Double?, usual: Double?) -> Double {
        guard let price, let usual, price.isFinite, usual.isFinite, price >= 0, usual >= 0 else { return 0.5 }
        let greater = max(price, usual)
        return greater == 0 ? 1 : min(price, usual) / greater
    }

    /// A popularity on a logarithmic scale, 0…1.
    public static func popularity(_ value: Double, greatest: Double) -> Double {
        guard value > 0, greatest > 0 else { return 0 }
        return min(1, log1p(value) / log1p(greatest))
    }

    /// The parts of a candidate's score. `usual` is the usual price in the entity's own currency: the person's, else its
    /// category's.
    public func parts(_ entity: EntityFacts, _ candidate: Candidate, usual: Double?) -> ScoreParts {
        var parts = ScoreParts()
        parts.priceFit = Scorer.priceFit(entity.price, usual: usual)
        parts.availability = entity.isAvailable ? 1 : 0
        parts.base = 0.5 * parts.priceFit + 0.5 * parts.availability
        parts.popularity = Scorer.popularity(entity.popularity, greatest: scale.popularity)
        // A mean of what there is to say: an entity without a brand is not worse for it.
        var (sum, weights) = (0.0, 0.0)
        if !evidence.categories.isEmpty, !entity.categories.isEmpty {
            let affinities = entity.categories.reduce(0) { $0 + (evidence.categories[$1] ?? 0) }
            let affinity = affinities / Double(entity.categories.count)
            parts.categoryAffinity = affinity
            sum += 2 * affinity
            weights += 2
        }
        if !evidence.brands.isEmpty, let brand = entity.brand {
            let affinity = evidence.brands[brand] ?? 0
            parts.brandAffinity = affinity
            sum += affinity
            weights += 1
        }
        if scale.closeness > 0 {
            let closeness = candidate.closeness / scale.closeness
            parts.neighbours = closeness
            sum += 3 * closeness
            weights += 3
        }
        if let model = candidate.model {
            let held = min(max(model, 0), 1)
            parts.model = held
            sum += 3 * held
            weights += 3
        }
        if evidence.isPersonal || weights > 0 {
            parts.personal = weights > 0 ? sum / weights : 0
        } else {
            let common = 0.5 * parts.popularity + 0.5 * (scale.trend[entity.number] ?? 0)
            parts.common = common
            parts.personal = common
        }
        return parts
    }

    /// Whether the person ordered an entity in the last 30 days.
    public func wasOrdered(_ entity: UInt32) -> Bool {
        guard let time = evidence.orders[entity] else { return false }
        return now &- time < Scorer.orderedMilliseconds
    }

    /// The score, 0…1 when the weights add up to 1.
    public func score(_ parts: ScoreParts, wasOrdered: Bool) -> Double {
        let score =
            settings.baseWeight * parts.base + settings.personalWeight * parts.personal
            + settings.popularityWeight * parts.popularity
        return wasOrdered ? score * settings.orderedFactor : score
    }
}
