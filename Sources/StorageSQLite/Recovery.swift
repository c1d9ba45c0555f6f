internal import Domain
internal import Storage

/// Up to where the main file holds the log and the numbered tables. While there is an overflow, everything above is in it,
/// and what it still holds at or below these marks has been moved over already.
struct Watermarks {
    var position: Int64 = 0
    var rejected: Int64 = 0
    var error: Int64 = 0

    init() {}

    init(_ connection: Connection) throws(StorageError) {
        position = max(
            try connection.integer("SELECT max(seq) FROM user_interactions") ?? 0,
            try connection.integer("SELECT max(seq) FROM log_records") ?? 0, try connection.state(.lastPosition) ?? 0)
        rejected = max(
            try connection.integer("SELECT max(number) FROM rejected_interactions") ?? 0,
            try connection.state(.lastRejected) ?? 0)
        error = max(
            try connection.integer("SELECT max(number) FROM system_errors") ?? 0, try connection.state(.lastError) ?? 0)
    }
}

/// What a store knows in memory, read back from its files. Costs one read for 4,096 positions, and the rows of the runs
/// that were not full when the store was last used.
struct Recovery {
    var counters = Counters()
    var summary = BlockSummary()
    var watermarks: Watermarks

    init(main: Connection, overflow: Connection?) throws(StorageError) {
        watermarks = try Watermarks(main)
        let above = try overflow.map { connection throws(StorageError) in try Watermarks(connection) } ?? Watermarks()
        counters.position = max(watermarks.position, above.position)
        counters.rejected = max(watermarks.rejected, above.rejected)
        counters.error = max(watermarks.error, above.error)
        let plan = "SELECT max(version) FROM plan_versions"
        counters.plan = max(try main.integer(plan) ?? 0, try overflow?.integer(plan) ?? 0)
        counters.rejectedKept = try Recovery.countRejected(main, overflow, above: watermarks.rejected)
        try readBlocks(main, overflow)
    }

    private static func countRejected(_ main: Connection, _ overflow: Connection?, above number: Int64)
        throws(StorageError) -> Int64
    {
        var count = try main.integer("SELECT count(*) FROM rejected_interactions") ?? 0
        guard let overflow else { return count }
        let new = try overflow.cached("SELECT count(*) FROM rejected_interactions WHERE number > ?1")
        defer { new.reset() }
        new.bind(1, number)
        if try new.step() { count += new.integer(0) }
        let removed = try overflow.cached("SELECT number FROM removed_rejected")
        defer { removed.reset() }
        let kept = try main.cached("SELECT 1 FROM rejected_interactions WHERE number = ?1")
        while try removed.step() {
            kept.bind(1, removed.integer(0))
            if try kept.step() { count -= 1 }
            kept.reset()
        }
        return count
    }

    private mutating func readBlocks(_ main: Connection, _ overflow: Connection?) throws(StorageError) {
        let end = counters.position > 0 ? BlockSummary.index(of: counters.position) + 1 : 0
        var isKnown = [Bool](repeating: false, count: end)
        for connection in [main, overflow].compactMap(\.self) {
            let hasEnds =
                try connection.integer("SELECT count(*) FROM sqlite_schema WHERE name = 'log_block_ends'") ?? 0 > 0
            let kept = try connection.cached(
                hasEnds
                    ? """
                    SELECT block, interactions, oldest, newest FROM log_blocks LEFT JOIN log_block_ends USING (block)
                    ORDER BY block
                    """ : "SELECT block, interactions, oldest, NULL FROM log_blocks ORDER BY block")
            defer { kept.reset() }
            while try kept.step() {
                guard let block = Int(exactly: kept.integer(0)), isKnown.indices.contains(block) else { continue }
                isKnown[block] = true
                summary[block] = BlockSummary.Block(
                    interactions: kept.integer(1), oldest: kept.integer(2), newest: kept.integerOrNil(3) ?? .max)
            }
        }
        for block in isKnown.indices where !isKnown[block] {
            let (first, last) = BlockSummary.positions(of: block)
            summary[block] = try BlockSummary.Block(main, first: first, last: min(last, watermarks.position))
            guard let overflow, last > watermarks.position else { continue }
            let above = try BlockSummary.Block(overflow, first: max(first, watermarks.position + 1), last: last)
            summary[block] = BlockSummary.Block(
                interactions: summary[block].interactions + above.interactions,
                oldest: min(summary[block].oldest, above.oldest), newest: max(summary[block].newest, above.newest))
        }
    }
}
