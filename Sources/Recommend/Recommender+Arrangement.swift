internal import Domain
internal import Live

extension Recommender {
    /// A pinned entity that may be shown.
    struct PinnedEntity {
        var position: Int
        var scored: Scored
    }

    /// The pins that can be met; of the others the list says why not.
    func pins(
        of question: Question, _ basis: Basis, _ admission: Admission<Source>, _ measure: PriceMeasure,
        _ list: inout RecommendationList
    ) -> [PinnedEntity] {
        guard question.earlier.isEmpty else { return [] }
        var pins: [PinnedEntity] = []
        for pin in question.pins.sorted(by: { $0.position < $1.position }) {
            let numbers = knowledge.entities(ids: [pin.id], type: pin.type ?? question.filters.entityType)
            let candidates = ContiguousArray(numbers.lazy.map { Candidate(entity: $0, origin: .chosen) })
            let admitted = admission.admitted(candidates, measure)
            if numbers.isEmpty {
                list.unmet.append(UnmetRule(rule: "pin", id: pin.id, reason: "There is no such entity."))
            } else if let one = admitted.first(where: { one in
                !pins.contains { $0.scored.facts.number == one.facts.number }
            }) {
                pins.append(PinnedEntity(position: pin.position - 1, scored: one))
            } else {
                let reason = "It is hidden, deleted, over, or left out by the filters and rules of this request."
                list.unmet.append(UnmetRule(rule: "pin", id: pin.id, reason: reason))
            }
        }
        return pins
    }

    /// Puts ranked candidates into places and says why each stands there.
    func arrange(
        _ ranked: Ranking, _ question: Question, _ plan: ListPlan, _ basis: Basis, _ scorer: Scorer,
        _ pins: [PinnedEntity], personal: Int, _ category: UInt32?, _ list: inout RecommendationList
    ) {
        var arrangement = Arrangement()
        arrangement.categoryLimit = plan.categoryLimit
        arrangement.exempt = category
        arrangement.relevance = plan.surface.relevance
        arrangement.exploration = plan.surface.exploration
        arrangement.explorationBelow = plan.surface.explorationBelow
        arrangement.seed = question.seed
        for pin in pins {
            if let place = ranked.indices.first(where: { ranked[$0].facts.number == pin.scored.facts.number }) {
                arrangement.pins.append((pin.position, place))
            }
        }
        let earlier = knowledge.rankingFacts(of: question.earlier, PriceMeasure(currency: 0))
        let chosen = arrangement.arrange(ranked, count: question.limit, after: earlier)
        let isShort =
            personal < min(question.limit, ranked.count)
            || !chosen.contains { ranked[$0.place].candidate.origin.isPersonal }
        let facts = knowledge.facts(of: chosen.map { ranked[$0.place].facts.number })
        let explainer = Explainer(
            knowledge: knowledge, evidence: basis.evidence, subject: basis.subject, isBecause: basis.isBecause)
        list.items.reserveCapacity(chosen.count)
        for (choice, entity) in zip(chosen, facts) {
            let one = ranked[choice.place]
            let parts = scorer.parts(one.facts, one.candidate)
            var rules: [Rule] = []
            if scorer.wasOrdered(entity.number) { rules.append(.orderedRecently) }
            if scorer.isDisliked(entity.number) { rules.append(.disliked) }
            if basis.evidence.isCold, basis.isPerson { rules.append(.coldStart) }
            switch choice.cause {
            case .score: break
            case .diversity: rules.append(.diversity)
            case .relaxed: rules.append(.diversityRelaxed)
            case .exploration: rules.append(.exploration)
            case .pinned: rules.append(.pinned)
            }
            if !one.facts.isAvailable { rules.append(.outOfStock) }
            let isFallback = plan.isFill(one.candidate) || (isShort && !one.candidate.origin.isPersonal)
            if isFallback, choice.cause != .exploration {
                rules.append(.fallback)
                list.fallback = max(list.fallback ?? one.candidate.origin, one.candidate.origin)
            }
            list.items.append(
                Recommendation(
                    entity: entity, origin: one.candidate.origin, score: one.score, parts: parts,
                    shares: scorer.shares(parts, entity.number),
                    reason: explainer.reason(one, parts, choice.cause), rules: rules))
        }
        rest(ranked, chosen, &list)
    }

    /// Keeps what would follow, for later pages.
    private func rest(
        _ ranked: Ranking, _ chosen: [(place: Int, cause: Arrangement.Cause)],
        _ list: inout RecommendationList
    ) {
        var isChosen = ContiguousArray(repeating: false, count: ranked.count)
        for choice in chosen { isChosen[choice.place] = true }
        list.rest.reserveCapacity(min(Self.maximumRest, ranked.count - chosen.count))
        for place in ranked.indices where !isChosen[place] {
            if list.rest.count == Self.maximumRest { break }
            let one = ranked[place]
            list.rest.append(
                RankedCandidate(
                    entity: one.facts.number, score: Float(one.score), origin: one.candidate.origin))
        }
    }
}
