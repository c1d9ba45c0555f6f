internal import Live

/// Says what put an entity on a list: the strongest of its personal parts, else where it came from.
struct Explainer<Source: Knowledge> {
    let knowledge: Source
    let evidence: Evidence
    /// The entity that the list is about, when it is about one.
    let subject: EntityFacts?
    /// Whether it is about what the person did with it last, rather than about the entity itself.
    let isBecause: Bool

    func reason(_ one: Scored, _ parts: ScoreParts, _ cause: Arrangement.Cause) -> Reason {
        if cause == .exploration { return .new }
        let (candidate, entity) = (one.candidate, one.facts)
        // By what each adds to the personal part.
        let closeness = 3 * (parts.neighbours ?? 0)
        let model = 3 * (parts.model ?? 0)
        let content = 3 * (parts.content ?? 0)
        let category = 2 * (parts.categoryAffinity ?? 0)
        let brand = parts.brandAffinity ?? 0
        let most = max(closeness, model, content, category, brand)
        guard most > 0, candidate.origin != .chosen else { return other(candidate) }
        // That it was bought together, or is what people like this have, is what the list is for.
        if candidate.origin == .bought || candidate.origin == .people, closeness > 0, let action = candidate.because,
            let done = knowledge.facts(of: [action.entity]).first
        {
            let title = done.title ?? done.id
            return candidate.origin == .bought ? .bought(title: title) : .people(title: title)
        }
        if closeness == most || model == most || content == most, let action = candidate.because {
            if let subject, !isBecause {
                let title = subject.title ?? subject.id
                return content == most ? .resembles(title: title) : .together(title: title)
            }
            if let done = knowledge.facts(of: [action.entity]).first {
                let title = done.title ?? done.id
                if content == most { return .resembles(title: title) }
                return .because(type: knowledge.name(action.type), title: title)
            }
        }
        if model == most { return .model }
        if brand == most, entity.brand != RankingFacts.none { return .brand(knowledge.brandName(entity.brand)) }
        if category > 0 {
            var liked: (number: UInt32, value: Double)?
            entity.forEachCategory { number in
                let value = evidence.categories.value(number)
                if value > liked?.value ?? 0 { liked = (number, value) }
            }
            if let liked {
                if let subject, !isBecause { return .together(title: subject.title ?? subject.id) }
                return .category(knowledge.categoryName(liked.number))
            }
        }
        return other(candidate)
    }

    private func other(_ candidate: Candidate) -> Reason {
        switch candidate.origin {
        case .trending: .trending
        case .newest: .newest
        case .chosen: .chosen
        case .search: .search
        default: .popular
        }
    }
}
