internal import Glibc
internal import Live
internal import Models

/// What the learned model says of everything that the audience did lately: the long history (up to the hundred interactions
/// kept of a person) and the running session, made into one vector at the moment of the request. Entities that came after the
/// training are not in it; other sources name those. Where a tenant's sessions are told better by a model of what comes next,
/// that one answers whoever has nothing behind the running session.
public struct ModelSource: CandidateSource {
    private let served: ServedModel

    /// The documented bound.
    public init(_ served: ServedModel) { self.served = served }

    public var modelVersion: Int64? { served.version }
    public func knows(_ entity: UInt32) -> Bool { served.item(entity) != nil }

    public func add(to pool: inout CandidatePool, _ request: SourceRequest, _ knowledge: some Knowledge) {
        // Of whoever has nothing behind the running session, the model of sessions knows best what comes next.
        if request.evidence.history.count <= request.facts.session.count, addNext(to: &pool, request) { return }
        // Newest first. As in training each entity counts once, with the sum of its weights, at its latest place.
        var places = NumberTable(capacity: request.evidence.history.count)
        var history: [(action: Action, item: UInt32, weight: Double)] = []
        var newest: Int64?
        for action in request.evidence.history where action.weight != 0 {
            guard let item = served.item(action.entity) else { continue }
            // Only what they count beside each other matters, so age is that beside the newest, as in training.
            let age = Double(max(0, (newest ?? action.occurredAt) &- action.occurredAt))
            newest = newest ?? action.occurredAt
            let weight = action.weight * max(1e-6, exp2(-age / served.halfLife))
            if let place = places[item] {
                history[Int(place)].weight += weight
            } else {
                places.set(item, Double(history.count))
                history.append((action, item, weight))
            }
        }
        let actions = history.reversed().map { ServingModel.Action(item: $0.item, weight: Float($0.weight)) }
        for opinion in served.opinions(
            of: actions, limit: request.most, type: request.filters.entityType, excluded: request.excluded)
        {
            pool.add(candidate(opinion, request, because: places[opinion.because].map { history[Int($0)].action }))
        }
    }

    /// What follows the running session, where there is a model for that.
    private func addNext(to pool: inout CandidatePool, _ request: SourceRequest) -> Bool {
        guard served.sessions != nil else { return false }
        // Newest first. As in training, several things done with an entity at one go are one click.
        var clicks: [(action: Action, item: UInt32)] = []
        for action in request.evidence.history where action.weight > 0 && request.evidence.isWanted(action.entity) {
            guard let item = served.item(action.entity) else { continue }
            if let last = clicks.last, last.item == item, last.action.type != action.type { continue }
            clicks.append((action, item))
        }
        let next = served.next(
            in: clicks.reversed().map(\.item), limit: request.most, type: request.filters.entityType,
            excluded: request.excluded)
        for opinion in next ?? [] { pool.add(candidate(opinion, request, because: clicks.first?.action)) }
        return next != nil
    }

    private func candidate(
        _ opinion: ServingModel.Opinion, _ request: SourceRequest, because action: Action?
    ) -> Candidate {
        var candidate = Candidate(entity: served.entities[Int(opinion.item)], origin: .model)
        candidate.model = min(1, Double(opinion.score) * request.weight)
        candidate.because = action
        return candidate
    }
}
