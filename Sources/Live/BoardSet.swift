internal import Domain

/// Scores that are kept because they cost something: the factors of the buckets and every entity's trending score in
/// the window of the settings.
struct Scores: Sendable {
    private(set) var factors: Factors
    private var trends: ContiguousArray<Trend> = []
    /// First hour of the window of the settings.
    private var edge: Int32 = .min
    /// What the newest interaction there can be weighs.
    private(set) var ceiling: Double = .infinity

    private struct Trend: Sendable {
        var value: Double = 0
        var stamp: UInt64 = .max
        var edge: Int32 = .min
    }

    init(_ core: borrowing LiveCore) {
        factors = Scores.factors(core, Factors.halfLives(core.watermark, core.decay.halfLife))
    }

    private static func factors(_ core: borrowing LiveCore, _ shift: Int) -> Factors {
        Factors(
            halfLife: core.decay.halfLife, shift: shift, hour: Slots.hour(core.watermark),
            minute: Slots.minute(core.watermark))
    }

    var bytes: Int { trends.capacity * MemoryLayout<Trend>.stride + 1100 * 8 }

    /// Makes ready for a reader at `now`. True when the units have changed, and with them every value of a board.
    mutating func prepare(_ core: borrowing LiveCore, now: Int64) -> Bool {
        edge = max(Slots.back(Slots.hour(now), core.plan.windowHours), core.hourFloor)
        let shift = Factors.halfLives(now, core.decay.halfLife)
        if abs(shift - factors.shift) > 256 {
            factors = Scores.factors(core, shift)
            trends.removeAll(keepingCapacity: true)
            ceiling = factors.hour(Slots.hour(core.watermark) + 2)
            return true
        }
        if !factors.covers(hour: Slots.hour(core.watermark), minute: Slots.minute(core.watermark)) {
            factors = Scores.factors(core, factors.shift)
        }
        ceiling = factors.hour(Slots.hour(core.watermark) + 2)
        return false
    }

    /// An entity's decayed sum from an hour on, in units of ``factors``.
    mutating func trend(_ entity: Int, fromHour edge: Int32, _ core: borrowing LiveCore) -> Double {
        if edge != self.edge { return core.trend(entity, fromHour: edge, factors) }
        if entity >= trends.count {
            trends.append(contentsOf: repeatElement(Trend(), count: core.entities.count - trends.count))
        }
        let stamp = core.entities[entity].stamp
        if trends[entity].stamp == stamp, trends[entity].edge == edge { return trends[entity].value }
        let value = core.trend(entity, fromHour: edge, factors)
        trends[entity] = Trend(value: value, stamp: stamp, edge: edge)
        return value
    }

    /// An entity's `trending_score` at a moment.
    mutating func trendingScore(_ entity: Int, _ core: borrowing LiveCore, now: Int64) -> Double {
        factors.score(trend(entity, fromHour: edge, core), at: now)
    }
}

/// The boards that have been asked for, the standard ones always among them.
struct BoardSet: Sendable {
    private var boards: [Board] = []
    private var places: [BoardKey: Int] = [:]
    private var standard: [BoardKey] = []
    private var uses: UInt64 = 0
    private var next = 0
    private var scores: Scores

    private let limits: Limits

    /// A board with a longer backlog waits for its turn in ``maintain(_:now:)``.
    static let quickBacklog: UInt64 = 16_384
    /// A board that was read within so many milliseconds is kept up to date at every call.
    static let readFor: Int64 = 10_000
    /// The others are brought up to date after so many.
    static let unreadPause: Int64 = 30_000

    init(_ core: borrowing LiveCore, limits: Limits = Limits()) {
        self.limits = limits
        scores = Scores(core)
        reset(core)
    }

    /// Bytes held.
    var bytes: Int { boards.reduce(scores.bytes) { $0 + $1.bytes } }

    /// Forgets everything: weights, counters or the half-life have changed.
    mutating func reset(_ core: borrowing LiveCore) {
        boards = []
        places = [:]
        scores = Scores(core)
        standard = []
        for mode in PopularMode.allCases {
            for window in TimeWindow.allCases {
                let query = PopularQuery(mode: mode, window: window)
                if let key = key(query, core), !standard.contains(key) { standard.append(key) }
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
        } else if let name = query.mode.counter {
            guard let counter = core.plan.counterNames.firstIndex(of: name) else { return nil }
            key.metric = .counter(Int16(clamping: counter))
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

    private mutating func prepare(_ core: borrowing LiveCore, now: Int64) {
        guard scores.prepare(core, now: now) else { return }
        boards = []
        places = [:]
    }

    /// Place of the board for a key, made when missing.
    private mutating func place(_ key: BoardKey) -> Int {
        if let place = places[key] { return place }
        if boards.count < limits.boards {
            places[key] = boards.count
            boards.append(Board(key: key, limits: limits))
            return boards.count - 1
        }
        var oldest = 0
        for index in boards.indices where boards[index].lastUsed < boards[oldest].lastUsed { oldest = index }
        places[boards[oldest].key] = nil
        places[key] = oldest
        boards[oldest] = Board(key: key, limits: limits)
        return oldest
    }

    mutating func popular(_ query: PopularQuery, _ core: inout LiveCore, now: Int64) -> [PopularItem] {
        prepare(core, now: now)
        let limit = min(max(query.limit, 0), min(1000, limits.places))
        guard limit > 0, let key = key(query, core) else { return [] }
        let place = place(key)
        uses += 1
        boards[place].lastUsed = uses
        boards[place].lastRead = now
        core.changes.look()
        boards[place].catchUp(core, &scores, now: now, needed: limit)
        let members = boards[place].members
        return members.prefix(limit).map { member in
            let score = key.metric == .trending ? scores.factors.score(member.value, at: now) : member.value
            return item(member, score, core, now)
        }
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

    /// Brings a standard board up to date, the next one each time, and says whether that was quick. A long backlog is
    /// worked off one board a call, so that a flood of interactions is not slowed down much.
    mutating func maintain(_ core: inout LiveCore, now: Int64, step: Int) -> Bool {
        prepare(core, now: now)
        guard !standard.isEmpty else { return false }
        next = (next + 1) % standard.count
        let place = place(standard[next])
        // Every change is looked at once by every board that keeps up with it: those that nobody reads keep up seldom.
        let isRead = now &- boards[place].lastRead < Self.readFor
        let isDue = now &- boards[place].lastMaintained >= Self.unreadPause
        guard isRead || isDue else { return true }
        let quick = boards[place].backlog(core) <= Self.quickBacklog
        guard quick || step == 0 else { return false }
        core.changes.look()
        uses += 1
        boards[place].lastUsed = uses
        boards[place].catchUp(core, &scores, now: now, needed: 1)
        boards[place].lastMaintained = now
        return quick
    }

    /// How many boards are always kept.
    var standardCount: Int { standard.count }
}
