internal import Domain

/// Interactions as a shop sends them: entities by a Zipf-like law, users uniformly, sessions of five, spread evenly over
/// 30 days. Keys are made beforehand, so that making rows costs little.
struct LiveWorkload {
    let names = NameTable()
    let hasher = KeyHasher(seed: 7)
    let entityCount: Int
    let userCount: Int
    let total: Int
    private(set) var types: [UInt16] = []
    private let product: UInt16
    private var entityKeys: [Key128] = []
    private var userKeys: [Key128] = []
    private var ranks: [UInt32] = []
    private var random: UInt64 = 42
    private(set) var position: Int64 = 0

    static let start: Int64 = 1_700_000_000_000
    static let span: Int64 = 30 * 86_400_000

    init(entities: Int, users: Int, total: Int) {
        entityCount = entities
        userCount = users
        self.total = total
        for name in ["view", "search_click", "cart_add", "order", "wishlist_add"] {
            types.append(names.intern(name) ?? 0)
        }
        product = names.intern("product") ?? 0
        let salt = names.salt(of: product)
        for number in 0..<entities {
            var id = Self.entityID(number)
            entityKeys.append(id.withUTF8 { hasher.entityKey(UnsafeRawBufferPointer($0), typeSalt: salt) })
        }
        for number in 0..<users { userKeys.append(hasher.key("user-\(number)", .user)) }
        makeRanks()
    }

    static func entityID(_ number: Int) -> String { "product-\(number)" }

    /// A million draws from 1/(rank + 10).
    private mutating func makeRanks() {
        var sums: [Double] = []
        var sum = 0.0
        for rank in 0..<entityCount {
            sum += 1 / Double(rank + 10)
            sums.append(sum)
        }
        for _ in 0..<1_000_000 {
            let point = Double(draw() >> 11) / 9_007_199_254_740_992 * sum
            var (low, high) = (0, entityCount - 1)
            while low < high {
                let middle = (low + high) / 2
                if sums[middle] < point { low = middle + 1 } else { high = middle }
            }
            ranks.append(UInt32(low))
        }
    }

    private mutating func draw() -> UInt64 {
        random &+= 0x9e37_79b9_7f4a_7c15
        var mixed = random
        mixed = (mixed ^ (mixed >> 30)) &* 0xbf58_476d_1ce4_e5b9
        mixed = (mixed ^ (mixed >> 27)) &* 0x94d0_49bb_1331_11eb
        return mixed ^ (mixed >> 31)
    }

    /// When the interaction at a position happened.
    func time(_ position: Int64) -> Int64 {
        Self.start + Int64(Double(position) / Double(total) * Double(Self.span))
    }

    /// The next `count` interactions; `now` instead of their own time when given.
    mutating func batch(_ count: Int, now: Int64? = nil) -> InteractionBatch {
        var batch = InteractionBatch()
        batch.rows.reserveCapacity(count)
        var known: [UInt32: ByteSpan] = [:]
        for _ in 0..<count {
            position += 1
            let bits = draw()
            var row = InteractionRow()
            row.position = position
            row.receivedAt = now ?? time(position)
            row.occurredAt = row.receivedAt - Int64(bits & 0x3ff)
            // 70% views, 12% clicks, 10% cart, 4% orders, 4% wishes.
            let kind = bits >> 10 & 127
            row.type = types[kind < 90 ? 0 : kind < 105 ? 1 : kind < 118 ? 2 : kind < 123 ? 3 : 4]
            row.entityType = product
            let entity = ranks[Int(bits >> 20 & 0xfffff) % ranks.count]
            row.entityKey = entityKeys[Int(entity)]
            // The id is read only when an entity is new.
            if let span = known[entity] {
                row.entityID = span
            } else {
                row.entityID = batch.append(Self.entityID(Int(entity)))
                known[entity] = row.entityID
            }
            row.personKey = userKeys[Int(truncatingIfNeeded: bits >> 40) % userKeys.count]
            let session = UInt64(position / 5)
            row.sessionKey = Key128(high: session &* 0x9e37_79b9_7f4a_7c15, low: session &* 0xd6e8_feb8_6659_fd93 | 1)
            batch.rows.append(row)
        }
        return batch
    }
}
