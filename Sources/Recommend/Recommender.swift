public import Domain
internal import Live

/// Makes lists: recallers → filters → score → rules → diversity and exploration → fallback → explanation, as the settings
/// of the surface say.
///
/// A function of what is known, the question and the moment: equal state gives equal lists, ties go by type and id. At
/// most ``maximumCandidates`` are scored. Only when the filters leave too few of them is the catalogue walked, in short
/// stretches, until the list is full, the scope (type, category) ends, or a bound is reached, which the list then says.
public struct Recommender<Source: Knowledge>: Sendable {
    /// Most candidates that are scored.
    public static var maximumCandidates: Int { 400 }
    /// Candidates that are kept for the pages that follow.
    public static var maximumRest: Int { 100 }

    let knowledge: Source
    private let settings: RankingSettings
    private let models: [any CandidateSource]

    /// A recommender under a tenant's settings; `models` are what ``Recaller/models`` asks.
    public init(_ knowledge: Source, settings: RankingSettings, models: [any CandidateSource] = []) {
        self.knowledge = knowledge
        self.settings = settings
        self.models = models
    }

    /// The list that answers a question.
    public func list(for question: Question, now: Int64) -> RecommendationList {
        let plan = ListPlan(settings, question.surface)
        let basis = basis(of: question, now: now)
        var list = RecommendationList()
        var admission = Admission(question.filters, knowledge, now: now)
        rule(out: question, plan, basis, &admission, now: now)
        let measure = PriceMeasure(currency: basis.evidence.usualPrice == nil ? nil : basis.currency)

        let pins = pins(of: question, basis, admission, measure, &list)
        let pool = candidates(question, plan, basis, admission, pins.map { $0.scored.candidate }, &list, now: now)
        var found = admission.admitted(pool.candidates, measure)
        // Only these were asked for, or found: nothing else may stand in for them.
        let isClosed = admission.chosen != nil || question.surface == .search
        let personal = found.indices.count { found[$0].candidate.origin.isPersonal }
        // One more, so that the list knows whether anything follows.
        let wanted = question.limit + 1
        if found.count < wanted, !isClosed, !admission.isEmpty {
            let isWhole = Fallback(knowledge: knowledge).fill(wanted, question.filters, now: now, known: pool) {
                found += admission.admitted($0, measure)
                return found.count
            }
            list.isIncomplete = !isWhole
        }
        let scorer = score(&found, question, plan, basis, now)
        let ranked = ranked(&found, question, plan)
        arrange(ranked, question, plan, basis, scorer, pins, personal: personal, admission.category, &list)
        return list
    }

    // MARK: - Before candidates

    /// What a list goes out from.
    struct Basis {
        var facts: AudienceFacts
        var evidence: Evidence
        /// The entity that the list is about.
        var subject: EntityFacts?
        /// Entities that the list goes out from, which are not on it.
        var own: ContiguousArray<UInt32> = []
        /// Number of the usual price's currency.
        var currency: UInt32 = 0
        /// Whether the list is about what the person did with the subject.
        var isBecause = false
        /// Whether the audience is a person.
        var isPerson = false
    }

    /// Rules out what the list goes out from, earlier pages, and what was seen, bought or shown too often.
    private func rule(
        out question: Question, _ plan: ListPlan, _ basis: Basis, _ admission: inout Admission<Source>, now: Int64
    ) {
        for entity in basis.own { admission.exclude(entity) }
        for entity in question.earlier { admission.exclude(entity) }
        if question.excludesSeen ?? plan.surface.excludesSeen {
            for action in basis.facts.recents { admission.exclude(action.entity) }
            for action in basis.facts.session { admission.exclude(action.entity) }
        }
        if question.excludesBought ?? plan.surface.excludesBought {
            for order in basis.facts.orders { admission.exclude(order.entity) }
        }
        let most = question.excludesShown ?? plan.surface.excludesShown
        if most > 0 { question.shown.forEach { if $1 >= Double(most) { admission.exclude($0) } } }
    }

    // MARK: - Candidates

    private func candidates(
        _ question: Question, _ plan: ListPlan, _ basis: Basis, _ admission: Admission<Source>, _ pinned: [Candidate],
        _ list: inout RecommendationList, now: Int64
    ) -> CandidatePool {
        var pool = CandidatePool(maximum: Self.maximumCandidates)
        for candidate in pinned { pool.add(candidate) }
        for found in question.found {
            var candidate = Candidate(entity: found.entity, origin: .search)
            candidate.relevance = found.relevance
            pool.add(candidate)
        }
        // Later pages go on with what the first has ranked.
        for candidate in question.order { pool.add(Candidate(entity: candidate.entity, origin: candidate.origin)) }
        var request = SourceRequest(
            facts: basis.facts, evidence: basis.evidence, filters: question.filters, limit: question.limit, most: 0,
            weight: 1, now: now)
        request.excluded = admission.excluded
        if let chosen = admission.chosen {
            pool = CandidatePool(maximum: max(Self.maximumCandidates, chosen.count + pinned.count))
            for candidate in pinned { pool.add(candidate) }
            pool.add(chosen, origin: .chosen)
        }
        let isClosed = admission.chosen != nil || question.surface == .search
        for recaller in plan.surface.recallers {
            request.most = recaller.most
            request.weight = recaller.weight
            if isClosed {
                speak(recaller.recaller, request, for: &pool, &list)
            } else {
                ask(recaller.recaller, request, &pool, &list)
            }
        }
        return pool
    }

    private func ask(
        _ recaller: Recaller, _ request: SourceRequest, _ pool: inout CandidatePool, _ list: inout RecommendationList
    ) {
        switch recaller {
        case .models:
            for model in models {
                model.add(to: &pool, request, knowledge)
                list.modelVersion = model.modelVersion ?? list.modelVersion
            }
        case .neighbours: NeighbourSource().add(to: &pool, request, knowledge)
        case .bought: BoughtSource().add(to: &pool, request, knowledge)
        case .people: PeopleSource().add(to: &pool, request, knowledge)
        case .content: ContentSource().add(to: &pool, request, knowledge)
        case .categories: CategorySource().add(to: &pool, request, knowledge)
        case .trendingCategories: CategorySource(.trending).add(to: &pool, request, knowledge)
        case .brands: BrandSource().add(to: &pool, request, knowledge)
        case .popular: TopSource(.popular).add(to: &pool, request, knowledge)
        case .trending: TopSource(.trending).add(to: &pool, request, knowledge)
        case .newest: NewestSource().add(to: &pool, request, knowledge)
        }
    }

    /// Lets a source say what it has to say of candidates that are there, without taking its own.
    private func speak(
        _ recaller: Recaller, _ request: SourceRequest, for pool: inout CandidatePool, _ list: inout RecommendationList
    ) {
        switch recaller {
        case .models, .neighbours, .bought, .people, .content: break
        // These only name.
        case .categories, .trendingCategories, .brands, .popular, .trending, .newest: return
        }
        var aside = CandidatePool(maximum: Self.maximumCandidates)
        ask(recaller, request, &aside, &list)
        for candidate in aside.candidates where pool.contains(candidate.entity) { pool.add(candidate) }
    }

    // MARK: - Scores

    private func score(
        _ found: inout ContiguousArray<Scored>, _ question: Question, _ plan: ListPlan, _ basis: Basis, _ now: Int64
    ) -> Scorer {
        var scale = Scale()
        for place in found.indices {
            scale.closeness = max(scale.closeness, found[place].candidate.closeness)
            scale.likeness = max(scale.likeness, found[place].candidate.likeness)
        }
        let scope = CatalogueScope(type: question.filters.entityType)
        let most = knowledge.top(.popular, in: scope, limit: 1, now: now)
        scale.popularity = knowledge.rankingFacts(of: most, PriceMeasure(currency: 0)).first?.popularity ?? 0
        if !basis.evidence.isPersonal || plan.trendingWeight > 0 {
            let trend = knowledge.top(.trending, in: question.filters.scope, limit: 100, now: now)
            scale.trend = NumberTable(capacity: trend.count)
            for (place, entity) in trend.enumerated() {
                scale.trend.set(entity, Double(trend.count - place) / Double(trend.count))
            }
        }
        scale.modelShare = settleOpinions(&found) ? plan.modelShare : 0
        let scorer = Scorer(plan, basis.evidence, scale, usualCurrency: basis.currency, now: now)
        for place in found.indices {
            let parts = scorer.parts(found[place].facts, found[place].candidate)
            found[place].score = scorer.score(parts, found[place].facts.number)
        }
        return scorer
    }

    /// Tells what the models know and do not name among their best from what they cannot know. Answers whether they have
    /// named anything.
    private func settleOpinions(_ found: inout ContiguousArray<Scored>) -> Bool {
        guard found.indices.contains(where: { found[$0].candidate.model != nil }) else { return false }
        for place in found.indices where found[place].candidate.model == nil {
            let entity = found[place].facts.number
            if models.contains(where: { $0.knows(entity) }) { found[place].candidate.model = 0 }
        }
        return true
    }

    /// The candidates, best first; what the first page has ranked stays in its order, with the score and the origin that it
    /// had there, and comes first. What only fills the list up comes last.
    private func ranked(_ found: inout ContiguousArray<Scored>, _ question: Question, _ plan: ListPlan) -> Ranking {
        guard !question.order.isEmpty else {
            return Ranking(found, band: { plan.isFill(found[$0].candidate) ? 1 : 0 }, precedes: precedes)
        }
        var kept = NumberTable(capacity: question.order.count)
        for (place, candidate) in question.order.enumerated() { kept.set(candidate.entity, Double(place)) }
        for place in found.indices {
            guard let before = kept[found[place].facts.number] else { continue }
            found[place].score = Double(question.order[Int(before)].score)
            found[place].candidate.origin = question.order[Int(before)].origin
        }
        let last = UInt32(clamping: question.order.count)
        return Ranking(
            found,
            band: { place in
                kept[found[place].facts.number].map { UInt32($0) }
                    ?? last + (plan.isFill(found[place].candidate) ? 1 : 0)
            }, precedes: precedes)
    }

    /// Among equals: by type, then by id.
    private func precedes(_ left: Scored, _ right: Scored) -> Bool {
        if left.facts.typeRank != right.facts.typeRank { return left.facts.typeRank < right.facts.typeRank }
        if left.facts.idStart.0 != right.facts.idStart.0 { return left.facts.idStart.0 < right.facts.idStart.0 }
        if left.facts.idStart.1 != right.facts.idStart.1 { return left.facts.idStart.1 < right.facts.idStart.1 }
        return knowledge.precedes(left.facts.number, right.facts.number)
    }
}
