/// Fills a list that would be shorter than it could be: further down the popular list, then the trending one, then
/// through the rest of the scope, newest first.
struct Fallback<Source: Knowledge> {
    let knowledge: Source
    /// How far down popular and trending lists go.
    private static var depth: Int { 1000 }
    /// Entities offered at a time.
    private static var step: Int { 200 }

    init(knowledge: Source) { self.knowledge = knowledge }

    /// Offers further candidates until `offer`, which says how many have been taken in all, says `limit`.
    func fill(
        _ limit: Int, _ filters: Filters, now: Int64, known: CandidatePool, offer: ([Candidate]) -> Int
    ) {
        var seen = Set(known.candidates.map(\.entity))
        func fresh(_ entities: [UInt32], _ origin: Origin) -> [Candidate] {
            entities.filter { seen.insert($0).inserted }.map { Candidate(entity: $0, origin: origin) }
        }
        for (order, origin) in [(TopOrder.popular, Origin.popular), (.trending, .trending)] {
            let entities = knowledge.top(order, in: filters.scope, limit: Self.depth, now: now)
            let candidates = fresh(entities, origin)
            for start in stride(from: 0, to: candidates.count, by: Self.step) {
                if offer(Array(candidates[start..<min(start + Self.step, candidates.count)])) >= limit { return }
            }
        }
        var place: Int? = 0
        while let from = place {
            let (entities, next) = knowledge.newest(in: filters.scope, passing: filters, from: from)
            if offer(fresh(entities, .newest)) >= limit { return }
            place = next
        }
    }
}
