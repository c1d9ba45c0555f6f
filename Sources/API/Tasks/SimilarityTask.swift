internal import Live
internal import Storage

extension TaskScheduler.Run {
    /// Neighbours that an entity has rows for.
    static let similarItems = 20

    /// Writes the nearest neighbours of every entity into `item_similarity`, with their scores as they are in that moment.
    /// Of an entity that is deleted or hidden, and of one that has none any more, the rows go.
    func writeSimilarity() throws(TaskFailure) -> TaskOutcome {
        var changed = 0
        var first: EntityNumber = 0
        while true {
            if isStopping() { throw Self.stopping }
            let step = EntityNumber(clamping: max(1, configuration.rowsPerWrite / Self.similarItems))
            let numbers = (0..<step).map { first &+ $0 }
            let rows = tenant.live.similarities(of: numbers, limit: Self.similarItems, now: clock())
            if rows.isEmpty { return .done(rows: changed) }
            guard let count = try write(.similarity(rows)) else {
                return .waiting(rows: changed, reason: Self.waiting)
            }
            changed += count
            first += step
        }
    }
}

extension LiveState {
    /// The rows of `item_similarity` of entities, in their order, with neighbours of their own type; numbers of no entity
    /// are left out.
    func similarities(of numbers: [EntityNumber], limit: Int, now: Int64) -> [SimilarityRows] {
        let features = features(of: numbers, now: now)
        let descriptions = descriptions(of: features.map(\.number))
        var rows: [SimilarityRows] = []
        for (feature, description) in zip(features, descriptions) {
            var similar: [(id: String, score: Double)] = []
            if !feature.isHidden, !feature.isDeleted {
                let near = neighbours(of: feature.number, ofType: feature.type, limit: limit, now: now)
                    .filter { $0.score > 0 }
                let names = self.descriptions(of: near.map(\.entity))
                similar = zip(near, names).map { ($1.entityID, $0.score) }
            }
            rows.append(
                SimilarityRows(
                    entityType: description.entityType, itemID: description.entityID, similar: similar))
        }
        return rows
    }
}
