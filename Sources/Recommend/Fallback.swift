/// Fills a list that would be shorter than it could be: further down the popular list, then the trending one, then
/// through the rest of the scope, newest first.
struct Fallback<Source: Knowledge> {
    let knowledge: Source
    /// How far down popular and trending lists go.
    private static var depth: Int { 1000 }
    /// Entities looked at in one stretch of the catalogue.
    private static var stretch: Int { 256 }

    init(knowledge: Source) { self.knowledge = knowledge }

    /// Offers further candidates until `offer`, which says how many have been taken in all, says `limit`.
    func fill(
        _ limit: Int, _ scope: CatalogueScope, now: Int64, known: CandidatePool, offer: ([Candidate]) -> Int
    ) {
        var seen = Set(known.candidates.map(\.entity))
        func fresh(_ entities: [UInt32], _ origin: Origin) -> [Candidate] {
            entities.filter { seen.insert($0).inserted }.map { Candidate(entity: $0, origin: origin) }
        }
        for (order, origin) in [(TopOrder.popular, Origin.popular), (.trending, .trending)] {
            let entities = knowledge.top(order, in: scope, limit: Self.depth, now: now)
            if offer(fresh(entities, origin)) >= limit { return }
        }
        var place: Int? = 0
        while let from = place {
            let (entities, next) = knowledge.newest(in: scope, from: from, count: Self.stretch)
            if offer(fresh(entities, .newest)) >= limit { return }
            place = next
        }
    }
}
