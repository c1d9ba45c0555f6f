public import Domain
internal import Live

/// What a list is made for.
public struct Question: Sendable {
    /// What the list is about.
    public enum Subject: Sendable, Equatable {
        /// A person, a session, or both.
        case audience(Audience)
        /// What goes together with an entity.
        case similar(type: String, id: String)
    }

    /// What the list is about.
    public var subject: Subject
    /// What must be left out.
    public var filters = Filters()
    /// Length of the list, from 1.
    public var limit = 10

    /// A question without filters, for ten.
    public init(_ subject: Subject) { self.subject = subject }
}

/// Makes lists: candidates from several sources → filters → score → diversity → fallback → explanation.
///
/// A function of what is known, the question and the moment: equal state gives equal lists, ties go by type and id. At
/// most ``maximumCandidates`` are scored. Only when the filters leave too few of them is the catalogue walked, in short
/// stretches, until the list is full or the scope (type, category) ends.
public struct Recommender<Source: Knowledge>: Sendable {
    /// Most candidates that are scored.
    public static var maximumCandidates: Int { 500 }

    private let knowledge: Source
    private let settings: RankingSettings
    private let sources: [any CandidateSource]

    /// A recommender under a tenant's settings; `models` are asked first.
    public init(_ knowledge: Source, settings: RankingSettings, models: [any CandidateSource] = []) {
        self.knowledge = knowledge
        self.settings = settings
        sources = models + [NeighbourSource(), AffinitySource(), PopularSource()]
    }

    /// The list that answers a question.
    public func list(for question: Question, now: Int64) -> RecommendationList {
        let filters = question.filters
        let evidence: Evidence
        var subject: EntityFacts?
        switch question.subject {
        case .audience(let audience):
            let facts = knowledge.audience(audience, now: now)
            let shown = facts.session.prefix(Evidence.sessionActions).map(\.entity)
            evidence = Evidence(facts, sessionEntities: knowledge.facts(of: unique(shown)))
        case .similar(let type, let id):
            (evidence, subject) = similar(type, id)
        }
        let scopeCategory = filters.category.flatMap { knowledge.category(named: $0) }
        var pool = CandidatePool(maximum: Self.maximumCandidates)
        let request = SourceRequest(evidence: evidence, filters: filters, limit: question.limit, now: now)
        for source in sources { source.add(to: &pool, request, knowledge) }

        // The entity that a list is about is not on it. By number: another type may use the same id.
        let own = subject?.number
        func admitted(_ candidates: [Candidate]) -> [(EntityFacts, Candidate)] {
            let facts = knowledge.facts(of: candidates.map(\.entity))
            var next = 0
            var list: [(EntityFacts, Candidate)] = []
            list.reserveCapacity(facts.count)
            for entity in facts {
                while next < candidates.count, candidates[next].entity != entity.number { next += 1 }
                guard next < candidates.count else { break }
                if entity.number != own, filters.admits(entity, category: scopeCategory) {
                    list.append((entity, candidates[next]))
                }
                next += 1
            }
            return list
        }
        var found = admitted(pool.candidates)
        let personal = found.count { $0.1.origin.isPersonal }
        if found.count < question.limit {
            Fallback(knowledge: knowledge).fill(question.limit, filters, now: now, known: pool) { candidates in
                found += admitted(candidates)
                return found.count
            }
        }
        return rank(
            found, question, evidence, subject, personal: personal, exempt: scopeCategory, now: now)
    }

    private func rank(
        _ found: [(EntityFacts, Candidate)], _ question: Question, _ evidence: Evidence, _ subject: EntityFacts?,
        personal: Int, exempt: UInt32?, now: Int64
    ) -> RecommendationList {
        let scorer = Scorer(settings, evidence, scale(found, question, evidence, now), now: now)
        var prices: [CategoryPrice: Double?] = [:]
        var scored: [Scored] = []
        scored.reserveCapacity(found.count)
        for (entity, candidate) in found {
            let usual = usualPrice(for: entity, evidence, &prices)
            let parts = scorer.parts(entity, candidate, usual: usual)
            let wasOrdered = scorer.wasOrdered(entity.number)
            scored.append(
                Scored(
                    entity: entity, candidate: candidate, parts: parts, wasOrdered: wasOrdered,
                    score: scorer.score(parts, wasOrdered: wasOrdered)))
        }
        scored.sort(by: Scored.precedes)
        let diversity = Diversity(limit: settings.categoryLimit, exempt: exempt)
        let chosen = diversity.choose(scored.map(\.entity.categories), count: question.limit)
        let isShort = personal < min(question.limit, found.count) || personal == 0
        var list = RecommendationList()
        let explainer = Explainer(knowledge: knowledge, evidence: evidence, subject: subject)
        for (rank, choice) in chosen.enumerated() {
            let one = scored[choice.place]
            var rules: [Rule] = []
            if one.wasOrdered { rules.append(.orderedRecently) }
            if evidence.isCold, case .audience(let audience) = question.subject,
                audience.user != nil || audience.visitor != nil
            {
                rules.append(.coldStart)
            }
            if !choice.fits {
                rules.append(.diversityRelaxed)
            } else if choice.place > rank, chosen[..<rank].allSatisfy({ $0.place < choice.place }) {
                rules.append(.diversity)
            }
            if !one.entity.isAvailable { rules.append(.outOfStock) }
            if isShort, !one.candidate.origin.isPersonal {
                rules.append(.fallback)
                list.fallback = max(list.fallback ?? .popular, one.candidate.origin)
            }
            list.items.append(
                Recommendation(
                    entity: one.entity, origin: one.candidate.origin, score: one.score, parts: one.parts,
                    reason: explainer.reason(one.candidate, one.entity, one.parts), rules: rules))
        }
        return list
    }

    /// What a list about an entity is made from: the entity stands for the running session.
    private func similar(_ type: String, _ id: String) -> (Evidence, EntityFacts?) {
        guard let number = knowledge.entity(type: type, id: id), let entity = knowledge.facts(of: [number]).first
        else { return (Evidence(AudienceFacts(), sessionEntities: []), nil) }
        var facts = AudienceFacts()
        facts.session = [Action(entity: number, type: "", weight: 1, occurredAt: 0)]
        facts.interactions = Evidence.coldStart
        facts.usualPrice = entity.price
        facts.usualCurrency = entity.currency
        return (Evidence(facts, sessionEntities: [entity]), entity)
    }

    private func scale(
        _ found: [(EntityFacts, Candidate)], _ question: Question, _ evidence: Evidence, _ now: Int64
    ) -> Scale {
        var scale = Scale()
        for (_, candidate) in found { scale.closeness = max(scale.closeness, candidate.closeness) }
        let scope = CatalogueScope(type: question.filters.entityType)
        let most = knowledge.top(.popular, in: scope, limit: 1, now: now)
        scale.popularity = knowledge.facts(of: most).first?.popularity ?? 0
        if !evidence.isPersonal {
            let trend = knowledge.top(.trending, in: question.filters.scope, limit: 100, now: now)
            for (place, entity) in trend.enumerated() {
                scale.trend[entity] = Double(trend.count - place) / Double(trend.count)
            }
        }
        return scale
    }

    private struct CategoryPrice: Hashable {
        var category: UInt32
        var currency: String?
    }

    /// The person's usual price, or that of the entity's first category with one, in the entity's currency.
    private func usualPrice(
        for entity: EntityFacts, _ evidence: Evidence, _ known: inout [CategoryPrice: Double?]
    ) -> Double? {
        guard entity.price != nil else { return nil }
        if let price = evidence.usualPrice, evidence.usualCurrency == entity.currency { return price }
        for category in entity.categories {
            let key = CategoryPrice(category: category, currency: entity.currency)
            let price: Double?
            if let held = known[key] {
                price = held
            } else {
                price = knowledge.usualPrice(category: category, currency: entity.currency)
                known[key] = .some(price)
            }
            if let price { return price }
        }
        return nil
    }

    private func unique(_ numbers: [UInt32]) -> [UInt32] {
        var seen: Set<UInt32> = []
        return numbers.filter { seen.insert($0).inserted }
    }
}

/// A candidate with its score.
struct Scored {
    var entity: EntityFacts
    var candidate: Candidate
    var parts: ScoreParts
    var wasOrdered: Bool
    var score: Double

    /// The order of lists: score, then type, then id, byte by byte.
    static func precedes(_ left: Scored, _ right: Scored) -> Bool {
        if left.score != right.score { return left.score > right.score }
        if left.entity.type != right.entity.type {
            return left.entity.type.utf8.lexicographicallyPrecedes(right.entity.type.utf8)
        }
        return left.entity.id.utf8.lexicographicallyPrecedes(right.entity.id.utf8)
    }
}
