// What the tables are written from that are kept on a schedule for those who read them with SQL.
extension LiveState {
    /// The entities of a type from a number on: at most `limit` of them, and at most 2,048 looked at. `next` is where to
    /// go on, `nil` at the end. Numbers are given in the order in which entities are first heard of.
    public func stats(ofType type: String, from first: Int, limit: Int, now: Int64) -> (
        items: [(id: String, stats: EntityStats)], next: Int?
    ) {
        state.withLock { state in
            var items: [(id: String, stats: EntityStats)] = []
            let count = state.core.entities.count
            var number = max(0, first)
            let end = min(count, number + 2048)
            while number < end, items.count < limit {
                if state.core.types.name(state.core.entities[number].type) == type {
                    let stats = state.boards.stats(UInt32(number), &state.core, now: now)
                    items.append((state.core.infos[number].id, stats))
                }
                number += 1
            }
            return (items, number < count ? number : nil)
        }
    }
}
