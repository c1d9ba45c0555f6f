internal import Live

/// How an audience stands to what it had to do with, where it turned something down or took something back: what was put into
/// the cart and taken out again, or ordered and refunded, is no reason for a list.
///
/// Costs nothing where no interaction counts against anything; else one pass over what is at hand.
struct Standing {
    /// Sum of the weights of each entity; empty where none is below 0.
    private var sums = NumberTable()
    /// Sum of those above 0.
    private var wanted = NumberTable()

    init(_ facts: AudienceFacts) {
        func isAgainst(_ action: Action) -> Bool { action.weight < 0 }
        guard facts.recents.contains(where: isAgainst) || facts.session.contains(where: isAgainst) else { return }
        // What stands in both is the same interaction.
        let history = Evidence.history(facts.session, facts.recents)
        sums = NumberTable(capacity: history.count)
        wanted = NumberTable(capacity: history.count)
        for action in history {
            sums.add(action.entity, action.weight)
            if action.weight > 0 { wanted.add(action.entity, action.weight) }
        }
    }

    /// What is left of the weight of what was done with an entity, 0…1.
    func share(_ entity: UInt32) -> Double {
        guard !sums.isEmpty, let sum = sums[entity] else { return 1 }
        let most = wanted.value(entity)
        return most > 0 ? min(1, max(0, sum / most)) : 0
    }

    /// Entities that were turned down, or taken back, more than they were wanted.
    var disliked: NumberTable {
        var disliked = NumberTable()
        sums.forEach { entity, sum in if sum < 0 { disliked.set(entity, sum) } }
        return disliked
    }
}
