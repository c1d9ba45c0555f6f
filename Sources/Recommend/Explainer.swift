internal import Live

/// Says what put an entity on a list: the strongest of its personal parts, else where it came from.
struct Explainer<Source: Knowledge> {
    let knowledge: Source
    let evidence: Evidence
    /// The entity that the list is about, when it is about one.
    let subject: EntityFacts?

    func reason(_ candidate: Candidate, _ entity: EntityFacts, _ parts: ScoreParts) -> Reason {
        // By what each adds to the personal part.
        let closeness = 3 * (parts.neighbours ?? 0)
        let model = 3 * (parts.model ?? 0)
        let category = 2 * (parts.categoryAffinity ?? 0)
        let brand = parts.brandAffinity ?? 0
        let most = max(closeness, model, category, brand)
        guard most > 0 else { return other(candidate) }
        if max(closeness, model) == most, let action = candidate.because {
            if let subject { return .together(title: subject.title ?? subject.id) }
            if let done = knowledge.facts(of: [action.entity]).first {
                return .because(type: action.type, title: done.title ?? done.id)
            }
        }
        if model == most { return .model }
        if brand == most, let number = entity.brand { return .brand(knowledge.brandName(number)) }
        let liked = entity.categories.max { (evidence.categories[$0] ?? 0) < (evidence.categories[$1] ?? 0) }
        if category > 0, let liked {
            let name = knowledge.categoryName(liked)
            if let subject { return .together(title: subject.title ?? subject.id) }
            return .category(name)
        }
        return other(candidate)
    }

    private func other(_ candidate: Candidate) -> Reason {
        switch candidate.origin {
        case .trending: .trending
        case .newest: .newest
        default: .popular
        }
    }
}
