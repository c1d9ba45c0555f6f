internal import Domain
internal import Live

extension Recommender {
    /// Earlier actions in which a cart is looked for.
    private static var cartReach: Int { 100 }

    /// What a list goes out from.
    func basis(of question: Question, now: Int64) -> Basis {
        var basis: Basis
        switch question.subject {
        case .similar(let type, let id):
            let entity = knowledge.entity(type: type, id: id)
            basis = about(entity.map { [$0] } ?? [], of: question.audience, now: now)
            if let entity { basis.subject = knowledge.facts(of: [entity]).first }
        case .audience(let audience):
            let facts = knowledge.audience(audience, now: now)
            switch question.surface {
            case .becauseYouViewed, .similar, .boughtTogether:
                let seeds = question.seeds.isEmpty ? lastViewed(facts).map { [$0] } ?? [] : question.seeds
                basis = about(seeds, facts)
                if let seed = seeds.first { basis.subject = knowledge.facts(of: [seed]).first }
                basis.isBecause = question.surface == .becauseYouViewed
            case .cart: basis = about(question.seeds.isEmpty ? cart(facts) : question.seeds, facts)
            case .forYou, .trendingNearYourTaste, .peopleLikeYou, .search: basis = whole(facts)
            }
            basis.isPerson = audience.user != nil || audience.visitor != nil
        }
        basis.currency = knowledge.currency(basis.evidence.usualCurrency)
        return basis
    }

    private func whole(_ facts: AudienceFacts) -> Basis {
        let shown = facts.session.prefix(Evidence.sessionActions).map { $0.entity }
        let session = knowledge.rankingFacts(of: unique(shown), PriceMeasure(currency: 0))
        return Basis(facts: facts, evidence: Evidence(facts, session: session))
    }

    private func about(_ seeds: [UInt32], of audience: Audience?, now: Int64) -> Basis {
        about(seeds, audience.map { knowledge.audience($0, now: now) } ?? AudienceFacts())
    }

    /// The seeds stand for the running session, in place of the history; what the person ordered still counts. Without
    /// seeds the whole of the history speaks.
    private func about(_ seeds: [UInt32], _ facts: AudienceFacts) -> Basis {
        let seeds = unique(seeds)
        let known = knowledge.rankingFacts(of: seeds, PriceMeasure(currency: 0))
        guard !known.isEmpty else {
            var basis = whole(facts)
            basis.own = seeds
            return basis
        }
        var own = AudienceFacts()
        own.orders = facts.orders
        own.interactions = Evidence.coldStart
        own.session = known.map { entity in
            let done = (facts.session + facts.recents).first { $0.entity == entity.number }
            return Action(
                entity: entity.number, type: done?.type ?? 0, weight: 1, occurredAt: done?.occurredAt ?? 0)
        }
        if known.count == 1, !known[0].price.isNaN {
            own.usualPrice = known[0].price
            own.usualCurrency = knowledge.facts(of: [known[0].number]).first?.currency
        } else {
            (own.usualPrice, own.usualCurrency) = (facts.usualPrice, facts.usualCurrency)
        }
        var basis = Basis(facts: own, evidence: Evidence(own, session: known, whole: facts))
        // The rules on what was seen look at the whole history, the models at what the list is about.
        basis.facts.recents = facts.recents
        basis.own = seeds
        return basis
    }

    /// The last thing that was viewed, or done with anything at all, and not turned down.
    private func lastViewed(_ facts: AudienceFacts) -> UInt32? {
        let view = knowledge.name("view")
        let standing = Standing(facts)
        let actions = (facts.session + facts.recents).filter { standing.share($0.entity) > 0 }
        return (actions.first { $0.type == view } ?? actions.first { $0.weight > 0 })?.entity
    }

    /// What was put into the cart and neither taken out nor ordered since.
    private func cart(_ facts: AudienceFacts) -> [UInt32] {
        let (added, removed, ordered) =
            (knowledge.name("cart_add"), knowledge.name("cart_remove"), knowledge.name("order"))
        var (items, decided): ([UInt32], NumberTable) = ([], NumberTable())
        let actions = facts.recents.isEmpty ? facts.session : facts.recents
        for action in actions.prefix(Self.cartReach) where !decided.contains(action.entity) {
            if action.type == added {
                items.append(action.entity)
            } else if action.type != removed, action.type != ordered {
                continue
            }
            decided.set(action.entity, 1)
        }
        return items
    }

    func unique(_ numbers: [UInt32]) -> ContiguousArray<UInt32> {
        var (seen, list): (NumberTable, ContiguousArray<UInt32>) = (NumberTable(capacity: numbers.count), [])
        for number in numbers where !seen.contains(number) {
            seen.set(number, 1)
            list.append(number)
        }
        return list
    }

    private func unique(_ numbers: ContiguousArray<UInt32>) -> ContiguousArray<UInt32> { unique(Array(numbers)) }
}
