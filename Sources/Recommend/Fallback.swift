/// Fills a list that would be shorter than it could be: further down the popular list, then the trending one, then
/// through the rest of the scope, newest first.
struct Fallback<Source: Knowledge> {
    let knowledge: Source
    /// How far down popular and trending lists go.
    private static var depth: Int { 1000 }
    /// Entities offered at a time.
    private static var step: Int { 200 }
    /// Stretches of the catalogue that one list walks through at most: of 1,024 entities each, some 10 µs.
    private static var stretches: Int { 1000 }
    /// Entities that one list has looked at one by one at most.
    private static var mostOffered: Int { 100_000 }

    init(knowledge: Source) { self.knowledge = knowledge }

    /// Offers further candidates until `offer`, which says how many have been taken in all, says `limit`. False when it
    /// gave up before it had seen the whole scope.
    func fill(
        _ limit: Int, _ filters: Filters, now: Int64, known: CandidatePool, offer: (ContiguousArray<Candidate>) -> Int
    ) -> Bool {
        var seen = NumberTable(capacity: 1024)
        func fresh(_ entities: ContiguousArray<UInt32>, _ origin: Origin) -> ContiguousArray<Candidate> {
            var candidates: ContiguousArray<Candidate> = []
            for entity in entities where !known.contains(entity) && !seen.contains(entity) {
                seen.set(entity, 1)
                candidates.append(Candidate(entity: entity, origin: origin))
            }
            return candidates
        }
        for (order, origin) in [(TopOrder.popular, Origin.popular), (.trending, .trending)] {
            let entities = knowledge.top(order, in: filters.scope, limit: Self.depth, now: now)
            let candidates = fresh(entities, origin)
            for start in stride(from: 0, to: candidates.count, by: Self.step) {
                let end = min(start + Self.step, candidates.count)
                if offer(ContiguousArray(candidates[start..<end])) >= limit { return true }
            }
        }
        var place: Int? = 0
        var offered = 0
        for _ in 0..<Self.stretches {
            guard let from = place else { return true }
            let (entities, next) = knowledge.newest(in: filters.scope, passing: filters, from: from)
            let candidates = fresh(entities, .newest)
            if !candidates.isEmpty, offer(candidates) >= limit { return true }
            offered += candidates.count
            place = next
            if offered > Self.mostOffered { break }
        }
        return place == nil
    }
}
