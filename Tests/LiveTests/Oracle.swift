import Domain
import Foundation
import Live

/// Numbers that are the same for the same seed (SplitMix64).
struct SeededGenerator: RandomNumberGenerator {
    private var state: UInt64
    init(seed: UInt64) { state = seed }

    mutating func next() -> UInt64 {
        state &+= 0x9e37_79b9_7f4a_7c15
        var mixed = state
        mixed = (mixed ^ (mixed >> 30)) &* 0xbf58_476d_1ce4_e5b9
        mixed = (mixed ^ (mixed >> 27)) &* 0x94d0_49bb_1331_11eb
        return mixed ^ (mixed >> 31)
    }
}

/// An interaction in plain words.
struct PlainRow: Sendable {
    var position: Int64
    var occurredAt: Int64
    var receivedAt: Int64
    var type: String
    var entityType: String
    var entityID: String
    var user: String?
    var visitor: String?
    var session: String?
    var verdict = Verdict.accepted
}

/// A type of a plan in plain words.
struct PlainType {
    var name: String
    var weight: Double
    var counts: Bool
    var counter: String
    var isPageView: Bool
    var preference: Double?
}

/// Everything the live state answers, computed from all the rows at each question.
struct Oracle {
    struct Known {
        var title: String?
        var categories: [String] = []
        var isHidden = false
        var isDeleted = false
        var isPlaceholder = true
        var brand: String?
        var price: Double?
        var currency: String?
        var inventory: Int64?
    }

    struct Name: Hashable {
        var type: String
        var id: String
    }

    var types: [PlainType] = []
    var halfLife = 72.0
    var windowHours: Int64 = 168
    var rows: [PlainRow] = []
    var entities: [Name: Known] = [:]
    var retainedFrom = Int64.min
    var pageViews: [Int64: Bool] = [:]
    var dropped: Set<String> = []
    /// Positions that retention has cleaned up.
    var gone: Set<Int64> = []
    /// What preferences are computed from.
    var events: [PreferenceOracle.Event] = []

    /// Notes a clean-up, with the plan and the catalogue as they are now.
    mutating func noteRetention(_ before: Int64) {
        let types = Dictionary(uniqueKeysWithValues: types.map { ($0.name, $0) })
        events.append(.retention(before, types: types, known: entities))
    }

    static func floorDivide(_ value: Int64, _ by: Int64) -> Int64 { Int64((Double(value) / Double(by)).rounded(.down)) }
    func hour(_ time: Int64) -> Int64 { Self.floorDivide(time, 3_600_000) }
    func minute(_ time: Int64) -> Int64 { Self.floorDivide(time, 60_000) }

    func moment(_ row: PlainRow) -> Int64 { min(row.occurredAt, row.receivedAt + 3_600_000) }

    var watermark: Int64 = 0
    private var byName: [Name: [PlainRow]] = [:]
    private var bySession: [String: [PlainRow]] = [:]
    var hourFloor: Int64 {
        max(hour(max(watermark, 0)) - 721, retainedFrom == .min ? .min : hour(retainedFrom))
    }
    var minuteFloor: Int64 {
        max(minute(max(watermark, 0)) - 120, retainedFrom == .min ? .min : minute(retainedFrom))
    }

    mutating func add(_ row: PlainRow) {
        guard row.verdict == .accepted else { return }
        rows.append(row)
        watermark = max(watermark, row.receivedAt)
        byName[Name(type: row.entityType, id: row.entityID), default: []].append(row)
        if let session = row.session { bySession[session, default: []].append(row) }
        let name = Name(type: row.entityType, id: row.entityID)
        if entities[name] == nil { entities[name] = Known() }
        events.append(
            .row(
                row, moment: moment(row), types: Dictionary(uniqueKeysWithValues: types.map { ($0.name, $0) }),
                known: entities[name] ?? Known()))
        pageViews[row.position] = types.first { $0.name == row.type }?.isPageView ?? false
    }

    mutating func put(_ entity: Entity) {
        entities[Name(type: entity.type, id: entity.id)] = Known(
            title: entity.title, categories: entity.categories, isHidden: entity.isHidden,
            isDeleted: entity.isDeleted, isPlaceholder: entity.isPlaceholder, brand: entity.brand,
            price: entity.price.flatMap { Double($0) }, currency: entity.price == nil ? nil : entity.currency,
            inventory: entity.inventory)
    }

    func inside(_ row: PlainRow, _ window: TimeWindow, _ now: Int64) -> Bool {
        inside(moment(row), window, now)
    }

    func inside(_ time: Int64, _ window: TimeWindow, _ now: Int64) -> Bool {
        switch window {
        case .hour: minute(time) >= max(minute(now) - 60, minuteFloor)
        case .day: hour(time) >= max(hour(now) - 24, hourFloor)
        case .week: hour(time) >= max(hour(now) - 168, hourFloor)
        case .month: hour(time) >= max(hour(now) - 720, hourFloor)
        case .all: true
        }
    }

    func rows(_ name: Name) -> [PlainRow] { byName[name] ?? [] }

    func type(_ name: String) -> PlainType? { types.first { $0.name == name } }

    func trending(_ rows: [PlainRow], _ now: Int64, window: TimeWindow = .all) -> Double {
        var sum = 0.0
        for row in rows {
            let time = moment(row)
            let inTrend = hour(time) >= max(hour(now) - windowHours, hourFloor)
            guard let type = type(row.type), window == .hour || inTrend, inside(row, window, now) else { continue }
            sum += type.weight * pow(0.5, Double(now - time) / 3_600_000 / halfLife)
        }
        return sum
    }

    func overall(_ rows: [PlainRow], _ window: TimeWindow, _ now: Int64) -> Double {
        var sum = 0.0
        for row in rows where window == .all || inside(row, window, now) {
            if let type = type(row.type), type.counts { sum += type.weight }
        }
        return sum
    }

    func counters(_ rows: [PlainRow]) -> [String: Int64] {
        var counts: [String: Int64] = [:]
        for row in rows { if let type = type(row.type) { counts[type.counter, default: 0] += 1 } }
        return counts
    }

    func score(_ query: PopularQuery, _ rows: [PlainRow], _ now: Int64) -> Double {
        let counter: String
        if rows.isEmpty { return 0 }
        switch query.mode {
        case .trending: return trending(rows, now, window: query.window)
        case .overall: return overall(rows, query.window, now)
        case .mostViewed: counter = "view_count"
        case .mostCarted: counter = "cart_add_count"
        case .mostOrdered: counter = "order_count"
        case .mostSearched: counter = "search_click_count"
        }
        return Double(rows.filter { inside($0, query.window, now) && type($0.type)?.counter == counter }.count)
    }

    /// Every entity with a score above zero, best first.
    func popular(_ query: PopularQuery, _ now: Int64) -> [(name: Name, score: Double)] {
        var list: [(name: Name, score: Double)] = []
        for (name, known) in entities where !known.isHidden && !known.isDeleted {
            if let type = query.entityType, type != name.type { continue }
            if let category = query.category, !known.categories.contains(category) { continue }
            let score = score(query, rows(name), now)
            if score > 0 { list.append((name, score)) }
        }
        return list.sorted {
            $0.score != $1.score
                ? $0.score > $1.score
                : $0.name.type != $1.name.type
                    ? Array($0.name.type.utf8).lexicographicallyPrecedes(Array($1.name.type.utf8))
                    : Array($0.name.id.utf8).lexicographicallyPrecedes(Array($1.name.id.utf8))
        }
    }

    func sessionRows(_ id: String) -> [PlainRow] { bySession[id] ?? [] }

    struct Session {
        var start: Int64
        var last: Int64
        var count: Int64
        var views: Int64
        var isBounce: Bool { count == 1 && views == 1 }

        var engagement: Double {
            var score = min(50.0, 2.0 * Double(count))
            let minutes = Double(last - start) / 60_000
            if minutes >= 5 { score += 20 }
            if minutes >= 15 { score += 20 }
            if minutes >= 30 { score += 10 }
            if minutes < 1 { score *= 0.5 }
            return score
        }
    }

    func session(_ id: String) -> Session? {
        let rows = sessionRows(id)
        guard let start = rows.map(moment).min(), let last = rows.map(moment).max(), !dropped.contains(id) else {
            return nil
        }
        return Session(
            start: start, last: last, count: Int64(rows.count),
            views: Int64(rows.filter { pageViews[$0.position] == true }.count))
    }

    func recent(user: String? = nil, visitor: String? = nil) -> [PlainRow] {
        let mine = rows.filter {
            user != nil ? $0.user == user : $0.user == nil && $0.visitor == visitor
        }.filter { !gone.contains($0.position) }
        return Array(
            mine.sorted { (moment($0), $0.position) > (moment($1), $1.position) }.prefix(100))
    }
}
