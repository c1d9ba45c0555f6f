import Domain
import Testing

@testable import Live

/// A live state and the oracle beside it, fed the same.
struct Harness {
    let names: NameTable
    let hasher: KeyHasher
    var state: LiveState
    var oracle = Oracle()
    var random: SeededGenerator
    var now: Int64 = 1_750_000_000_000
    var position: Int64 = 0
    var limits: Limits
    var sessionPrefix = "s"
    var favourites: [PopularQuery] = []
    /// The rows as they would stand in the log.
    var log: [InteractionBatch] = []

    static let typeNames = ["view", "cart_add", "order", "search_click", "wishlist_add", "cart_remove", "navigate"]
    static let entityTypes = ["product", "post", "artist"]
    static let categoryNames = ["shoes", "hats", "Ünïcode", ""]

    init(seed: UInt64, limits: Limits = Limits(), negative: Bool = false) {
        random = SeededGenerator(seed: seed)
        names = NameTable()
        hasher = KeyHasher(seed: seed)
        self.limits = limits
        oracle.types = Self.plan(negative: negative)
        let core = LiveCore(
            names: names, hasher: hasher, plan: Self.livePlan(oracle, names), limits: limits)
        state = LiveState(core, limits: limits)
    }

    static func plan(negative: Bool) -> [PlainType] {
        [
            PlainType(name: "view", weight: 2, counts: true, counter: "view_count", isPageView: true),
            PlainType(name: "cart_add", weight: 5, counts: true, counter: "cart_add_count", isPageView: false),
            PlainType(name: "order", weight: 10, counts: true, counter: "order_count", isPageView: false),
            PlainType(name: "search_click", weight: 1, counts: true, counter: "search_click_count", isPageView: false),
            PlainType(name: "wishlist_add", weight: 3, counts: false, counter: "wishlist_add_count", isPageView: false),
            PlainType(
                name: "cart_remove", weight: negative ? -5 : 0, counts: negative, counter: "cart_remove_count",
                isPageView: false),
            PlainType(name: "navigate", weight: 0, counts: false, counter: "view_count", isPageView: true),
        ]
    }

    static func livePlan(_ oracle: Oracle, _ names: NameTable) -> LivePlan {
        var settings = TenantSettings()
        settings.trendingHalfLifeHours = oracle.halfLife
        settings.trendingWindowHours = oracle.windowHours
        return LivePlan(
            types: oracle.types.map {
                LiveType(
                    name: $0.name, index: names.intern($0.name) ?? .max, weight: $0.weight,
                    preferenceWeight: $0.preference, countsInPopularity: $0.counts, counter: $0.counter,
                    isPageView: $0.isPageView)
            }, settings: settings)
    }

    mutating func applyPlan() {
        position += 1
        state.apply(plan: Self.livePlan(oracle, names), position: position)
    }

    // MARK: - Rows

    mutating func randomRow(entities: Int) -> PlainRow {
        position += 1
        let age: Int64 =
            switch Int.random(in: 0..<20, using: &random) {
            case 0..<10: Int64.random(in: 0..<60_000, using: &random)
            case 10..<14: Int64.random(in: 0..<7_200_000, using: &random)
            case 14..<17: Int64.random(in: 0..<8 * 86_400_000, using: &random)
            case 17: Int64.random(in: 0..<40 * 86_400_000, using: &random)
            case 18: Int64.random(in: -5 * 60_000..<0, using: &random)
            default: Int64.random(in: 0..<30 * 365 * 86_400_000, using: &random)
            }
        // Squaring makes some far more frequent than others.
        let share = Double.random(in: 0..<1, using: &random)
        let entity = Int(share * share * Double(entities))
        var row = PlainRow(
            position: position, occurredAt: now - age, receivedAt: now,
            type: Self.typeNames.randomElement(using: &random) ?? "view",
            entityType: Self.entityTypes[entity % 3], entityID: "e-\(entity / 2)")
        if Int.random(in: 0..<50, using: &random) == 0 { row.occurredAt = now + 90 * 86_400_000 }
        switch Int.random(in: 0..<4, using: &random) {
        case 0: row.user = "u\(Int.random(in: 0..<4, using: &random))"
        case 1: row.visitor = "v\(Int.random(in: 0..<6, using: &random))"
        case 2:
            row.user = "u\(Int.random(in: 0..<9, using: &random))"
            row.visitor = "v0"
        default: break
        }
        if Int.random(in: 0..<5, using: &random) > 0 {
            row.session = "\(sessionPrefix)\(Int.random(in: 0..<max(1, Int(position) / 2), using: &random))"
        }
        switch Int.random(in: 0..<20, using: &random) {
        case 0: row.verdict = .duplicate
        case 1: row.verdict = .rejected
        default: break
        }
        return row
    }

    static func batch(_ rows: [PlainRow], _ names: NameTable, _ hasher: KeyHasher) -> InteractionBatch {
        var batch = InteractionBatch()
        for plain in rows {
            var row = InteractionRow()
            row.position = plain.position
            row.occurredAt = plain.occurredAt
            row.receivedAt = plain.receivedAt
            row.verdict = plain.verdict
            row.typeName = batch.append(plain.type)
            row.entityTypeName = batch.append(plain.entityType)
            row.entityID = batch.append(plain.entityID)
            if let user = plain.user { row.userID = batch.append(user) }
            if let visitor = plain.visitor { row.anonymousID = batch.append(visitor) }
            if let session = plain.session { row.sessionID = batch.append(session) }
            batch.rows.append(row)
        }
        RowResolver(names: names, hasher: hasher).resolve(&batch)
        return batch
    }

    mutating func apply(_ rows: [PlainRow]) {
        let batch = Self.batch(rows, names, hasher)
        state.apply(batch)
        log.append(batch)
        for row in rows { oracle.add(row) }
    }

    mutating func applyRandom(_ count: Int, entities: Int) {
        var rows: [PlainRow] = []
        for _ in 0..<count { rows.append(randomRow(entities: entities)) }
        apply(rows)
    }

    mutating func putRandomEntity(entities: Int) {
        position += 1
        let number = Int.random(in: 0..<entities, using: &random)
        var entity = Entity(type: Self.entityTypes[number % 3], id: "e-\(number / 2)")
        entity.title = Bool.random(using: &random) ? "Title \(position)" : nil
        entity.categories = Self.categoryNames.filter { _ in Bool.random(using: &random) }.shuffled(using: &random)
        entity.brand = Bool.random(using: &random) ? "brand \(Int.random(in: 0..<60, using: &random))" : nil
        entity.price =
            [nil, "0", "0.00", "12.50", "999999", "\(Int.random(in: 1..<500, using: &random)).99"]
            .randomElement(using: &random) ?? nil
        entity.currency = ["EUR", "EUR", "EUR", "USD", nil].randomElement(using: &random) ?? nil
        entity.inventory = Bool.random(using: &random) ? nil : Int64.random(in: 0..<5, using: &random)
        entity.isHidden = Int.random(in: 0..<6, using: &random) == 0
        entity.isDeleted = Int.random(in: 0..<6, using: &random) == 0
        state.apply(entity: entity, position: position)
        oracle.put(entity)
    }

    /// One of a few queries most of the time, so that lists live long, and any other now and then, so that some are
    /// thrown out.
    mutating func randomQuery() -> PopularQuery {
        while favourites.count < 8 { favourites.append(anyQuery()) }
        guard Int.random(in: 0..<6, using: &random) > 0 else { return anyQuery() }
        var query = favourites.randomElement(using: &random) ?? anyQuery()
        query.limit = Int.random(in: 1...min(limits.places, 40), using: &random)
        return query
    }

    private mutating func anyQuery() -> PopularQuery {
        PopularQuery(
            mode: PopularMode.allCases.randomElement(using: &random) ?? .trending,
            window: TimeWindow.allCases.randomElement(using: &random) ?? .all,
            entityType: Bool.random(using: &random) ? nil : Self.entityTypes.randomElement(using: &random),
            category: Bool.random(using: &random) ? nil : Self.categoryNames.randomElement(using: &random),
            limit: Int.random(in: 1...min(limits.places, 40), using: &random))
    }

    // MARK: - Checks

    static func near(_ left: Double, _ right: Double) -> Bool {
        abs(left - right) <= 1e-9 * max(abs(left), abs(right)) + 1e-12
    }

    /// The list must be the oracle's, except that scores that differ by rounding alone may stand either way round.
    func check(_ query: PopularQuery, _ comment: Comment) {
        let got = state.popular(query, now: now)
        // The same in numbers, for a reader beside others once nothing is left to do.
        for _ in 0..<2 {
            let named = state.descriptions(of: Array(state.candidates(query, now: now)))
            #expect(named.map(\.entityID) == got.map(\.entityID), "\(query) \(comment)")
        }
        let all = oracle.popular(query, now)
        let expected = all.prefix(query.limit)
        #expect(got.count == expected.count, "\(query) \(comment)")
        guard got.count == expected.count else { return }
        for (item, wanted) in zip(got, expected) {
            let name = Oracle.Name(type: item.entityType, id: item.entityID)
            #expect(Self.near(item.score, wanted.score), "\(query) \(comment)")
            let own = oracle.score(query, oracle.rows(name), now)
            #expect(Self.near(item.score, own), "\(query) \(name) \(comment)")
            if query.mode != .trending { #expect(name == wanted.name, "\(query) \(comment)") }
            let rows = oracle.rows(name)
            #expect(Self.near(item.trendingScore, oracle.trending(rows, now)), "\(comment)")
            #expect(Self.near(item.popularityScore, oracle.overall(rows, .all, now)), "\(comment)")
            #expect(item.categories == oracle.entities[name]?.categories)
            #expect(item.title == oracle.entities[name]?.title)
        }
        #expect(Set(got.map { Oracle.Name(type: $0.entityType, id: $0.entityID) }).count == got.count, "\(comment)")
    }

    func checkEntities(_ comment: Comment) {
        for (name, known) in oracle.entities {
            let rows = oracle.rows(name)
            guard let stats = state.stats(entityType: name.type, id: name.id, now: now) else {
                Issue.record("\(name) is missing; \(comment)")
                continue
            }
            let counts = Dictionary(uniqueKeysWithValues: stats.counts.map { ($0.counter, $0.count) })
            #expect(counts == oracle.counters(rows), "\(name) \(comment)")
            #expect(Self.near(stats.trendingScore, oracle.trending(rows, now)), "\(name) \(comment)")
            #expect(Self.near(stats.popularityScore, oracle.overall(rows, .all, now)), "\(name) \(comment)")
            #expect(stats.lastInteraction == rows.map { oracle.moment($0) }.max(), "\(name) \(comment)")
            #expect(stats.title == known.title)
            #expect(stats.categories == known.categories)
            #expect(stats.isHidden == known.isHidden)
            #expect(stats.isDeleted == known.isDeleted)
            #expect(stats.isPlaceholder == known.isPlaceholder)
        }
        #expect(state.stats(entityType: "product", id: "nobody", now: now) == nil)
        #expect(state.stats(entityType: "nothing", id: "e-1", now: now) == nil)
    }

    func checkPersons(_ comment: Comment) {
        func check(_ got: [RecentInteraction]?, _ expected: [PlainRow]) {
            guard let got else {
                #expect(expected.isEmpty, "\(comment)")
                return
            }
            #expect(got.map(\.position) == expected.map(\.position), "\(comment)")
            #expect(got.map(\.occurredAt) == expected.map { oracle.moment($0) }, "\(comment)")
            #expect(got.map(\.type) == expected.map(\.type), "\(comment)")
            #expect(got.map(\.entityID) == expected.map(\.entityID), "\(comment)")
            #expect(got.map(\.entityType) == expected.map(\.entityType), "\(comment)")
        }
        for number in 0..<10 {
            check(state.recent(user: "u\(number)"), oracle.recent(user: "u\(number)"))
            check(state.recent(visitor: "v\(number)"), oracle.recent(visitor: "v\(number)"))
        }
    }

    func checkSessions(_ comment: Comment) {
        let ids = Set(oracle.rows.compactMap(\.session))
        for id in ids {
            let expected = oracle.session(id)
            let got = state.session(id: id)
            #expect(got?.startedAt == expected?.start, "\(id) \(comment)")
            #expect(got?.lastAt == expected?.last, "\(id) \(comment)")
            #expect(got?.interactionCount == expected?.count, "\(id) \(comment)")
            #expect(got?.pageViews == expected?.views, "\(id) \(comment)")
            #expect(got?.engagementScore == expected?.engagement, "\(id) \(comment)")
            #expect(got?.duration == expected.map { $0.last - $0.start }, "\(id) \(comment)")
            #expect(got?.bounceRate == expected.map { $0.isBounce ? 100 : 0 }, "\(id) \(comment)")
        }
        #expect(state.session(id: "nobody's") == nil)
    }

    func checkTotals(_ comment: Comment) {
        var sessions: [Oracle.Session] = []
        for id in Set(oracle.rows.compactMap(\.session)) {
            if let session = oracle.session(id) { sessions.append(session) }
        }
        for window in TimeWindow.allCases {
            let got = state.totals(window: window, now: now)
            var counts: [String: Int64] = [:]
            for row in oracle.rows where oracle.inside(row, window, now) { counts[row.type, default: 0] += 1 }
            #expect(
                got.interactions == counts.sorted { $0.key < $1.key }.map { TypeCount(type: $0.key, count: $0.value) },
                "\(window) \(comment)")
            #expect(got.entities == oracle.entities.count, "\(comment)")
            if oracle.dropped.isEmpty || window != .all {
                let inside = sessions.filter { oracle.inside($0.start, window, now) }
                let bounces = inside.filter(\.isBounce).count
                #expect(got.sessions == Int64(inside.count), "\(window) \(comment)")
                #expect(got.bounces == Int64(bounces), "\(window) \(comment)")
                let rate = inside.isEmpty ? 0 : 100 * Double(bounces) / Double(inside.count)
                #expect(Self.near(got.bounceRate, rate), "\(window) \(comment)")
            }
        }
    }

    mutating func checkAll(_ comment: Comment) {
        checkEntities(comment)
        checkPersons(comment)
        checkSessions(comment)
        checkTotals(comment)
        for _ in 0..<20 { check(randomQuery(), comment) }
    }
}
