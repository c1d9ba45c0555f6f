/// What a source may know of a request.
public struct SourceRequest: Sendable {
    /// What speaks for the audience's taste.
    public var evidence: Evidence
    /// What is asked for.
    public var filters: Filters
    /// Length of the list.
    public var limit: Int
    /// The moment of the request, in milliseconds since the epoch.
    public var now: Int64
}

/// Names candidates. Learned models are further sources: they set ``Candidate/model`` and stand before the others.
public protocol CandidateSource: Sendable {
    /// Adds a bounded number of candidates. They may be hidden, deleted or filtered out: that is looked at later.
    func add(to pool: inout CandidatePool, _ request: SourceRequest, _ knowledge: some Knowledge)
}

/// What goes together with what the session and the person did, the strongest action first.
public struct NeighbourSource: CandidateSource {
    /// Neighbours looked at of each action's entity.
    public var each = 30
    /// Entities taken at most; further ones only speak for what is there already.
    public var most = 300

    /// The documented bound.
    public init() {}

    public func add(to pool: inout CandidatePool, _ request: SourceRequest, _ knowledge: some Knowledge) {
        let actions = request.evidence.actions
        guard !actions.isEmpty else { return }
        let lists = knowledge.neighbours(of: actions.map(\.action.entity), each: each, now: request.now)
        for ((action, strength), neighbours) in zip(actions, lists) {
            for neighbour in neighbours where neighbour.weight > 0 {
                guard pool.candidates.count < most || pool.contains(neighbour.entity) else { continue }
                var candidate = Candidate(entity: neighbour.entity, origin: .neighbour)
                candidate.closeness = strength * neighbour.weight
                candidate.becauseShare = candidate.closeness
                candidate.because = action
                pool.add(candidate)
            }
        }
    }
}

/// The popular ones of liked categories and brands.
public struct AffinitySource: CandidateSource {
    /// Entities taken of each category or brand.
    public var each = 25

    /// The documented bound.
    public init() {}

    public func add(to pool: inout CandidatePool, _ request: SourceRequest, _ knowledge: some Knowledge) {
        for category in request.evidence.likedCategories {
            let scope = CatalogueScope(type: request.filters.entityType, category: knowledge.categoryName(category))
            pool.add(knowledge.top(.popular, in: scope, limit: each, now: request.now), origin: .category)
        }
        for brand in request.evidence.likedBrands {
            let entities = knowledge.entities(
                ofBrand: brand, type: request.filters.entityType, limit: each, now: request.now)
            pool.add(entities, origin: .brand)
        }
    }
}

/// What is popular, and what trends, with everybody.
public struct PopularSource: CandidateSource {
    /// Popular and trending entities taken, besides as many as the list is long.
    public var each = 50

    /// The documented bound.
    public init() {}

    public func add(to pool: inout CandidatePool, _ request: SourceRequest, _ knowledge: some Knowledge) {
        let limit = each + request.limit
        let scope = request.filters.scope
        pool.add(knowledge.top(.popular, in: scope, limit: limit, now: request.now), origin: .popular)
        pool.add(knowledge.top(.trending, in: scope, limit: limit, now: request.now), origin: .trending)
    }
}
