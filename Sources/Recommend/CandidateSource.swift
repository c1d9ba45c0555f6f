internal import Domain
internal import Live

/// What a source may know of a request.
public struct SourceRequest: Sendable {
    /// What is known of the audience: its last interactions among it, newest first.
    public var facts: AudienceFacts
    /// What speaks for the audience's taste.
    public var evidence: Evidence
    /// What is asked for.
    public var filters: Filters
    /// Length of the list.
    public var limit: Int
    /// Candidates that the source may name; of each category or brand where it is about those.
    public var most: Int
    /// Factor on how closely its candidates go with what was done.
    public var weight: Double
    /// The moment of the request, in milliseconds since the epoch.
    public var now: Int64
    /// Entities that are ruled out: who names only so many passes them over, so that others come in.
    public var excluded = NumberTable()

    /// A request.
    public init(
        facts: AudienceFacts, evidence: Evidence, filters: Filters, limit: Int, most: Int, weight: Double, now: Int64
    ) {
        self.facts = facts
        self.evidence = evidence
        self.filters = filters
        self.limit = limit
        self.most = most
        self.weight = weight
        self.now = now
    }
}

/// Names candidates. Learned models are further sources (``Recaller/models``): they set ``Candidate/model``, 0…1, and
/// ``Candidate/because``, the action that speaks most for it, and say which version of a model that was.
public protocol CandidateSource: Sendable {
    /// Adds at most ``SourceRequest/most`` candidates. They may be hidden, deleted or filtered out: that is looked at later.
    func add(to pool: inout CandidatePool, _ request: SourceRequest, _ knowledge: some Knowledge)
    /// Version of the learned model; `nil` for what is no learned model.
    var modelVersion: Int64? { get }
    /// Whether it could name an entity, if that went with the audience; not those that came after a training.
    func knows(_ entity: UInt32) -> Bool
}

extension CandidateSource {
    public var modelVersion: Int64? { nil }
    public func knows(_ entity: UInt32) -> Bool { false }
}

/// What goes together with what was done, the closest first.
public struct NeighbourSource: CandidateSource {
    /// The documented bound.
    public init() {}

    public func add(to pool: inout CandidatePool, _ request: SourceRequest, _ knowledge: some Knowledge) {
        let actions = request.evidence.actions
        guard !actions.isEmpty else { return }
        var found = ClosenessTable(capacity: actions.count * 64)
        let entities = ContiguousArray(actions.lazy.map { $0.action.entity })
        knowledge.forEachNeighbour(of: entities) { place, neighbour, score in
            if score > 0 { found.add(neighbour, actions[place].strength * score * request.weight, place: place) }
        }
        pool.add(closest: found, .neighbour, actions, request)
    }
}

/// What resembles what was done: in its words, and the newest of its categories and brands. So that an entity comes in
/// as soon as the catalogue has it.
public struct ContentSource: CandidateSource {
    /// Actions whose words are looked up.
    static let lookedUp = 3

    /// The documented bound.
    public init() {}

    public func add(to pool: inout CandidatePool, _ request: SourceRequest, _ knowledge: some Knowledge) {
        let actions = request.evidence.actions.prefix(ContentSource.lookedUp)
        let entities = ContiguousArray(actions.lazy.map { $0.action.entity })
        for found in knowledge.resembling(entities, limit: request.most) {
            var candidate = Candidate(entity: found.entity, origin: .content)
            candidate.likeness = min(1, found.likeness * request.weight)
            if found.place < actions.count { candidate.because = actions[found.place].action }
            pool.add(candidate)
        }
        let each = max(1, request.most / 6)
        for category in request.evidence.likedCategories {
            pool.add(knowledge.newest(inCategory: category, limit: each), origin: .content)
        }
        for brand in request.evidence.likedBrands {
            pool.add(knowledge.newest(ofBrand: brand, limit: each), origin: .content)
        }
    }
}

/// The popular, or trending, ones of liked categories.
public struct CategorySource: CandidateSource {
    private let order: TopOrder

    /// The best of each category by an order.
    public init(_ order: TopOrder = .popular) { self.order = order }

    public func add(to pool: inout CandidatePool, _ request: SourceRequest, _ knowledge: some Knowledge) {
        for category in request.evidence.likedCategories {
            let scope = CatalogueScope(type: request.filters.entityType, category: knowledge.categoryName(category))
            pool.add(knowledge.top(order, in: scope, limit: request.most, now: request.now), origin: .category)
        }
    }
}

/// The popular ones of liked brands.
public struct BrandSource: CandidateSource {
    /// The documented bound.
    public init() {}

    public func add(to pool: inout CandidatePool, _ request: SourceRequest, _ knowledge: some Knowledge) {
        for brand in request.evidence.likedBrands {
            let entities = knowledge.entities(
                ofBrand: brand, type: request.filters.entityType, limit: request.most, now: request.now)
            pool.add(entities, origin: .brand)
        }
    }
}

/// What is popular, or trends, with everybody.
public struct TopSource: CandidateSource {
    private let order: TopOrder

    /// The best by an order.
    public init(_ order: TopOrder) { self.order = order }

    public func add(to pool: inout CandidatePool, _ request: SourceRequest, _ knowledge: some Knowledge) {
        let limit = request.most + request.limit
        let entities = knowledge.top(order, in: request.filters.scope, limit: limit, now: request.now)
        pool.add(entities, origin: order == .popular ? .popular : .trending)
    }
}

/// The newest of the catalogue, for the places that are kept for what is new.
public struct NewestSource: CandidateSource {
    /// The documented bound.
    public init() {}

    public func add(to pool: inout CandidatePool, _ request: SourceRequest, _ knowledge: some Knowledge) {
        let category = request.filters.category.flatMap { knowledge.category(named: $0) }
        pool.add(knowledge.newest(inCategory: category, limit: request.most), origin: .newest)
    }
}
