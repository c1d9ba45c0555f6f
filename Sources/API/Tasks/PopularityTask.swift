internal import Live
internal import Storage

extension TaskScheduler.Run {
    /// Writes what the live state says of each product into `product_popularity`: what the API answers in that moment.
    func writePopularity() throws(TaskFailure) -> TaskOutcome {
        var changed = 0
        var next: Int? = 0
        while let first = next {
            if isStopping() { throw Self.stopping }
            let page = tenant.live.stats(
                ofType: "product", from: first, limit: configuration.rowsPerWrite, now: clock())
            next = page.next
            let rows = page.items.filter { !$0.stats.isDeleted }.map { PopularityRow($0.id, $0.stats) }
            let gone = page.items.filter(\.stats.isDeleted).map(\.id)
            for write in [DerivedRows.popularity(rows), .noPopularity(gone)] {
                if case .popularity(let rows) = write, rows.isEmpty { continue }
                if case .noPopularity(let ids) = write, ids.isEmpty { continue }
                guard let count = try self.write(write) else {
                    return .waiting(rows: changed, reason: Self.waiting)
                }
                changed += count
            }
        }
        return .done(rows: changed)
    }
}

extension PopularityRow {
    /// A product's row of what is known of it.
    init(_ id: String, _ stats: EntityStats) {
        let names = ["search_count", "search_click_count", "view_count", "cart_add_count", "order_count"]
        self.init(
            productID: id,
            counts: names.map { name in stats.counts.first { $0.counter == name }?.count ?? 0 },
            popularityScore: stats.popularityScore, trendingScore: stats.trendingScore,
            lastInteraction: stats.lastInteraction)
    }
}
