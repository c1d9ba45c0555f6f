internal import Domain

/// The boards that have been asked for, the standard ones always among them.
struct BoardSet: Sendable {
    private var boards: [Board] = []
    private var places: [BoardKey: Int] = [:]
    private var standard: [BoardKey] = []
    private var uses: UInt64 = 0
    /// Places of the boards of each category.
    private var ofCategory: [UInt32: ContiguousArray<Int>] = [:]
    /// Up to where in the list of changes the boards of categories have been told.
    private var told: UInt64 = 1
    /// How many of those that left a category they have been told of.
    private var toldMoved: UInt64 = 0
    private var scores: Scores

    private let limits: Limits

    init(_ core: borrowing LiveCore, limits: Limits = Limits()) {
        self.limits = limits
        scores = Scores(core)
        reset(core)
    }

    /// Bytes held.
    var bytes: Int { boards.reduce(scores.bytes) { $0 + $1.bytes } }

    /// Forgets everything: weights, counters or the half-life have changed.
    mutating func reset(_ core: borrowing LiveCore) {
        clear()
        scores = Scores(core)
        standard = []
        for mode in PopularMode.allCases {
            for window in [TimeWindow.week, .all] {
                let query = PopularQuery(mode: mode, window: window)
                // Half of the places at most, lest they push each other out.
                if let key = key(query, core), !standard.contains(key), standard.count < limits.boards / 2 {
                    standard.append(key)
                }
            }
        }
    }

    /// The board that answers a query; `nil` when nothing can.
    private func key(_ query: PopularQuery, _ core: borrowing LiveCore) -> BoardKey? {
        var key = BoardKey(metric: .overall, span: Span(query.window))
        if query.mode == .trending {
            key.metric = .trending
            switch key.span {
            case .all: key.span = .hours(core.plan.windowHours)
            case .hours(let count): key.span = .hours(min(count, core.plan.windowHours))
            case .minutes: break
            }
        } else if let counter = query.mode.counter {
            guard core.plan.number(counter) >= 0 else { return nil }
            key.metric = .counter(counter)
        }
        if let name = query.category {
            guard let category = core.categories.find(name) else { return nil }
            key.category = category
        }
        if let name = query.entityType {
            guard let type = core.names.index(of: name) else { return nil }
            key.entityType = type
        }
        return key
    }

    /// Places that a query is given.
    private func places(_ query: PopularQuery) -> Int { min(max(query.limit, 0), min(1000, limits.places)) }

    private mutating func prepare(_ core: borrowing LiveCore, now: Int64) {
        if scores.prepare(core, now: now) { clear() }
    }

    private mutating func clear() {
        boards = []
        places = [:]
        ofCategory = [:]
    }

    /// Place of the board for a key, made when missing.
    private mutating func place(_ key: BoardKey) -> Int {
        if let place = places[key] { return place }
        var place = boards.count
        let isFull = place >= limits.boards || boards.reduce(0, { $0 + $1.bytes }) > limits.boardBytes
        if isFull, let oldest = oldest {
            place = oldest
            let old = boards[place].key
            places[old] = nil
            if let category = old.category {
                ofCategory[category]?.removeAll { $0 == place }
                if ofCategory[category]?.isEmpty == true { ofCategory[category] = nil }
            }
            boards[place] = Board(key: key, limits: limits)
        } else {
            boards.append(Board(key: key, limits: limits))
        }
        places[key] = place
        if let category = key.category { ofCategory[category, default: []].append(place) }
        return place
    }

    /// The board not used for longest. A standard one stays: to make it is dear, and it would be made again at once.
    private var oldest: Int? {
        boards.indices.filter { !standard.contains(boards[$0].key) }.min { boards[$0].lastUsed < boards[$1].lastUsed }
    }

    // MARK: - Telling boards of categories

    /// Tells the boards of categories of up to `budget` changes (a slice), and of all that has left a category; says whether
    /// they have been told of everything. A change costs some 0.1 µs however many boards there are.
    mutating func tell(_ core: inout LiveCore, budget: Int? = nil) -> Bool {
        core.changes.look()
        if let moved = core.moved.after(toldMoved), core.changes.head - told <= UInt64(core.changes.size) {
            for entry in moved { tell(entry.entity, inCategory: entry.category, core) }
        } else {
            for list in ofCategory.values { for place in list { boards[place].forget() } }
            told = core.changes.head
        }
        toldMoved = core.moved.count
        if ofCategory.isEmpty { told = core.changes.head }
        let budget = budget ?? limits.slice
        let end = UInt64(budget) < core.changes.head - told ? told + UInt64(budget) : core.changes.head
        while told < end {
            let entity = core.changes.entity(at: told)
            // Listed again further on: once is enough.
            if core.entities.address(Int(entity)).pointee.stamp == told {
                for held in core.infos.address(Int(entity)).pointee.categories {
                    tell(entity, inCategory: held.category, core)
                }
            }
            told += 1
        }
        return told == core.changes.head
    }

    private mutating func tell(_ entity: UInt32, inCategory category: UInt32, _ core: borrowing LiveCore) {
        guard let list = ofCategory[category] else { return }
        for place in list { boards[place].tell(entity, core) }
    }

    /// Whether the boards of categories have been told of everything.
    private func isTold(_ core: borrowing LiveCore) -> Bool {
        told == core.changes.head && toldMoved == core.moved.count
    }

    mutating func popular(_ query: PopularQuery, _ core: inout LiveCore, now: Int64) -> [PopularItem] {
        prepare(core, now: now)
        let limit = places(query)
        guard limit > 0, let key = key(query, core) else { return [] }
        let members = boards[caughtUp(key, &core, now: now, needed: limit)].members
        return members.prefix(limit).map { member in
            let score = key.metric == .trending ? scores.factors.score(member.value, at: now) : member.value
            return item(member, score, core, now)
        }
    }

    /// The first places in numbers.
    mutating func candidates(_ query: PopularQuery, _ core: inout LiveCore, now: Int64) -> ContiguousArray<UInt32> {
        prepare(core, now: now)
        let limit = places(query)
        guard limit > 0, let key = key(query, core) else { return [] }
        return boards[caughtUp(key, &core, now: now, needed: limit)].first(limit)
    }

    /// The same for a reader beside others, as long as nothing has happened since the board was last asked for; `nil` when
    /// it must be made or brought up to date, or its use noted.
    func ready(_ query: PopularQuery, _ core: borrowing LiveCore, now: Int64) -> ContiguousArray<UInt32>? {
        let limit = places(query)
        guard core.changes.seen == core.changes.head, scores.isReady(core, now: now),
            let key = key(query, core), let place = places[key]
        else { return nil }
        let age = now &- boards[place].lastRead
        guard age >= 0, age < Self.noted, boards[place].isCurrent(core, now: now, needed: limit),
            !boards[place].isTold || isTold(core)
        else { return nil }
        return boards[place].first(limit)
    }

    /// Place of a key's board, made and brought up to date when need be.
    private mutating func caughtUp(_ key: BoardKey, _ core: inout LiveCore, now: Int64, needed: Int) -> Int {
        let place = place(key)
        uses += 1
        boards[place].lastUsed = uses
        boards[place].lastRead = now
        core.changes.look()
        if boards[place].isTold { _ = tell(&core, budget: .max) }
        boards[place].catchUp(core, &scores, now: now, needed: needed)
        return place
    }

    private mutating func item(_ member: Ranked, _ score: Double, _ core: borrowing LiveCore, _ now: Int64)
        -> PopularItem
    {
        let index = Int(member.entity)
        let record = core.entities[index]
        let info = core.infos[index]
        return PopularItem(
            entityType: core.types.name(record.type), entityID: info.id, title: info.title, score: score,
            popularityScore: core.popularity(index), trendingScore: scores.trendingScore(index, core, now: now),
            counts: core.counters(index), lastInteraction: record.lastAt == .min ? nil : record.lastAt,
            categories: info.categories.map { core.categories.name($0.category) })
    }

    mutating func stats(_ entity: UInt32, _ core: inout LiveCore, now: Int64) -> EntityStats {
        prepare(core, now: now)
        core.changes.look()
        let index = Int(entity)
        let record = core.entities[index]
        let info = core.infos[index]
        return EntityStats(
            title: info.title, categories: info.categories.map { core.categories.name($0.category) },
            counts: core.counters(index), popularityScore: core.popularity(index),
            trendingScore: scores.trendingScore(index, core, now: now),
            lastInteraction: record.lastAt == .min ? nil : record.lastAt,
            isPlaceholder: record.flags.contains(.placeholder), isHidden: record.flags.contains(.hidden),
            isDeleted: record.flags.contains(.deleted))
    }

    /// Milliseconds after which another use of a board is noted.
    private static let noted: Int64 = 1000
    /// A board that was read within so many milliseconds is kept up to date at every call.
    private static let readFor: Int64 = 60_000
    /// Standard boards that nobody reads are brought up to date after so many.
    private static let unreadPause: Int64 = 30_000

    /// The boards that are behind and whose turn it is: those asked for lately, and the standard ones now and then. Every
    /// change is looked at once by every board of more than a category that keeps up with it, so those that nobody reads keep
    /// up seldom.
    mutating func behind(_ core: borrowing LiveCore, now: Int64) -> [BoardKey] {
        prepare(core, now: now)
        let missing = standard.filter { places[$0] == nil }
        let due = boards.indices.filter { place in
            let isRead = now &- boards[place].lastRead < Self.readFor
            let isDue = now &- boards[place].lastMaintained >= Self.unreadPause && standard.contains(boards[place].key)
            return (isRead || isDue) && boards[place].isBehind(core, now: now)
        }
        return missing + due.map { boards[$0].key }
    }

    /// Does a slice of the work that a board has left; says whether there is more.
    mutating func maintain(_ key: BoardKey, _ core: inout LiveCore, now: Int64) -> Bool {
        prepare(core, now: now)
        let place = place(key)
        core.changes.look()
        uses += 1
        boards[place].lastUsed = uses
        let isDone = boards[place].goOn(core, &scores, now: now, budget: limits.slice)
        if isDone { boards[place].lastMaintained = now }
        return !isDone
    }
}

extension PopularMode {
    /// The counter that orders the list; `nil` for weighted scores.
    var counter: OrderingCounter? {
        switch self {
        case .trending, .overall: nil
        case .mostViewed: .viewed
        case .mostCarted: .carted
        case .mostOrdered: .ordered
        case .mostSearched: .searched
        }
    }
}
