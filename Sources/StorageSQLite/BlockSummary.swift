internal import Storage

/// How many interactions each run of 4,096 positions holds and when the oldest and the newest happened, so that clean-up
/// reads only runs that have something to remove, reading back those of a time, and counting none. 24 bytes for 4,096
/// positions.
struct BlockSummary {
    /// One run of positions.
    struct Block: Equatable {
        /// Interactions in it.
        var interactions: Int64 = 0
        /// When the oldest of them happened, in milliseconds; `Int64.max` when there is none.
        var oldest: Int64 = .max
        /// When the newest of them happened, in milliseconds; `Int64.min` when there is none, `Int64.max` when that is
        /// not known.
        var newest: Int64 = .min

        mutating func add(occurredAt: Int64) {
            interactions += 1
            oldest = min(oldest, occurredAt)
            newest = max(newest, occurredAt)
        }
    }

    /// Positions in a run, as a power of two.
    static let shift: Int64 = 12

    private(set) var blocks: [Block] = []
    /// Interactions in all of them.
    private(set) var interactions: Int64 = 0

    static func index(of position: Int64) -> Int { Int(position >> shift) }

    /// The positions of a run.
    static func positions(of block: Int) -> (first: Int64, last: Int64) {
        (Int64(block) << shift, (Int64(block) + 1) << shift - 1)
    }

    subscript(block: Int) -> Block {
        get { block < blocks.count ? blocks[block] : Block() }
        set {
            while blocks.count <= block { blocks.append(Block()) }
            interactions += newValue.interactions - blocks[block].interactions
            blocks[block] = newValue
        }
    }
}

extension BlockSummary.Block {
    /// Counts the interactions a file holds in a run of positions.
    init(_ connection: Connection, first: Int64, last: Int64) throws(StorageError) {
        let rows = try connection.cached(
            "SELECT count(*), min(occurred_at), max(occurred_at) FROM user_interactions WHERE seq BETWEEN ?1 AND ?2")
        defer { rows.reset() }
        rows.bind(1, first)
        rows.bind(2, last)
        guard try rows.step() else { return }
        interactions = rows.integer(0)
        oldest = rows.integerOrNil(1) ?? .max
        newest = rows.integerOrNil(2) ?? .min
    }
}
