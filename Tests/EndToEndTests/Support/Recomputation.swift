import Foundation

/// An interaction type in plain words.
struct PlainType {
    var weight: Double
    var counts: Bool
    var counter: String
    var isPageView = false
}

/// Everything the server answers from its live state, computed anew from all rows, the obvious way.
struct Recomputation {
    struct Known {
        var title: String?
        var categories: [String] = []
        var isShown = true
        var isPlaceholder = true
    }

    struct Session: Equatable {
        var start: Int64
        var last: Int64
        var count: Int64
        var views: Int64
        var isBounce: Bool { count == 1 && views == 1 }
        var duration: Int64 { last - start }

        var engagement: Double {
            var score = min(50.0, 2.0 * Double(count))
            let minutes = Double(duration) / 60_000
            if minutes >= 5 { score += 20 }
            if minutes >= 15 { score += 20 }
            if minutes >= 30 { score += 10 }
            if minutes < 1 { score *= 0.5 }
            return score
        }
    }

    var types: [String: PlainType]
    var halfLifeHours = 72.0
    var trendHours: Int64 = 168
    private(set) var rows: [StoredRow] = []
    private(set) var entities: [EntityName: Known] = [:]
    private(set) var sessions: [String: Session] = [:]
    private(set) var persons: Set<String> = []
    private(set) var rowsOfUser: [String: [Int]] = [:]

    init(types: [String: PlainType] = Recomputation.documentedTypes) { self.types = types }

    /// The same, of everything that a tenant's file holds.
    init(_ file: StoreFile, types: [String: PlainType] = Recomputation.documentedTypes) throws {
        self.types = types
        try readEntities(file)
        for row in try file.interactions() { add(row) }
    }

    /// The documented weights.
    static let documentedTypes: [String: PlainType] = {
        var types: [String: PlainType] = [:]
        func put(
            _ name: String, _ weight: Double, counts: Bool = true, _ counter: String? = nil, isPageView: Bool = false
        ) {
            types[name] = PlainType(
                weight: weight, counts: counts, counter: counter ?? "\(name)_count", isPageView: isPageView)
        }
        put("view", 2, isPageView: true)
        put("search_click", 1)
        put("cart_add", 5)
        put("order", 10)
        put("wishlist_add", 3, counts: false)
        put("recommendation_viewed", 0, counts: false)
        put("recommendation_clicked", 1, counts: false)
        put("cart_remove", 0, counts: false)
        put("refund", 0, counts: false)
        put("click", 1)
        put("like", 4)
        put("share", 5)
        put("comment", 4)
        put("interest", 4)
        put("review", 5)
        put("follow", 6)
        put("attendance", 8)
        put("ticket_click", 8)
        put("unfollow", 0, counts: false)
        put("streaming_top", 4)
        put("streaming_recent", 2)
        put("swipe", 1)
        put("search", 0, counts: false, "search_event_count")
        put("navigate", 0, counts: false, isPageView: true)
        put("form_submit", 0, counts: false)
        put("profile_update", 0, counts: false)
        return types
    }()

    mutating func readEntities(_ file: StoreFile) throws {
        for row in try file.rows(
            "SELECT type, id, title, categories, is_hidden, is_deleted, is_placeholder FROM entities")
        {
            let categories = (try? JSONValue(parsing: row[3] ?? ""))?.arrayValue?.compactMap(\.stringValue)
            entities[EntityName(type: row[0] ?? "", id: row[1] ?? "")] = Known(
                title: row[2], categories: categories ?? [], isShown: row[4] == "0" && row[5] == "0",
                isPlaceholder: row[6] == "1")
        }
    }

    mutating func add(_ row: StoredRow) {
        let index = rows.count
        rows.append(row)
        if entities[row.entity] == nil { entities[row.entity] = Known() }
        if let user = row.user {
            persons.insert("u" + user)
            rowsOfUser[user, default: []].append(index)
        } else if let visitor = row.visitor {
            persons.insert("v" + visitor)
        }
        guard let id = row.session else { return }
        let views: Int64 = types[row.type]?.isPageView == true ? 1 : 0
        if var session = sessions[id] {
            session.start = min(session.start, row.moment)
            session.last = max(session.last, row.moment)
            session.count += 1
            session.views += views
            sessions[id] = session
        } else {
            sessions[id] = Session(start: row.moment, last: row.moment, count: 1, views: views)
        }
    }

    // MARK: - Windows

    /// The first moment that counts: a window's edge moves in whole hours, that of an hour in whole minutes.
    static func edge(_ window: String, _ now: Int64) -> Int64 {
        func hours(_ count: Int64) -> Int64 { (floorDivide(now, 3_600_000) - count) * 3_600_000 }
        return switch window {
        case "1h": (floorDivide(now, 60_000) - 60) * 60_000
        case "24h": hours(24)
        case "7d": hours(168)
        case "30d": hours(720)
        default: .min
        }
    }

    // MARK: - Scores

    static let modes = ["trending", "most_viewed", "most_carted", "most_ordered", "most_searched", "overall"]
    static let windows = ["1h", "24h", "7d", "30d", "all"]

    /// What is true of one entity in one window at one moment.
    struct Figures {
        var counts: [String: Int64] = [:]
        var popularity = 0.0
        var trending = 0.0
    }

    /// Everything that is asked of popular lists at one moment.
    final class Moment {
        let time: Int64
        let halfLifeHours: Double
        /// By window, then by entity.
        fileprivate(set) var figures: [String: [EntityName: Figures]] = [:]
        fileprivate(set) var last: [EntityName: Int64] = [:]

        fileprivate init(_ time: Int64, _ halfLifeHours: Double) {
            self.time = time
            self.halfLifeHours = halfLifeHours
        }

        /// What a decayed sum has become some time later, no window's edge having moved.
        func decayed(_ sum: Double, at later: Int64) -> Double {
            sum * pow(0.5, Double(later - time) / 3_600_000 / halfLifeHours)
        }

        func score(_ mode: String, _ entity: EntityName, window: String, at later: Int64) -> Double {
            let own = figures[window]?[entity] ?? Figures()
            return switch mode {
            case "trending": decayed(own.trending, at: later)
            case "overall": own.popularity
            case "most_viewed": Double(own.counts["view_count"] ?? 0)
            case "most_carted": Double(own.counts["cart_add_count"] ?? 0)
            case "most_ordered": Double(own.counts["order_count"] ?? 0)
            default: Double(own.counts["search_click_count"] ?? 0)
            }
        }
    }

    /// Everything anew from all rows.
    func moment(_ now: Int64) -> Moment {
        let moment = Moment(now, halfLifeHours)
        let trendEdge = (floorDivide(now, 3_600_000) - trendHours) * 3_600_000
        for window in Self.windows {
            let edge = Self.edge(window, now)
            // The edge of an hour moves in minutes; every other window lies within the trend's own.
            let decayEdge = window == "1h" ? edge : max(edge, trendEdge)
            var figures: [EntityName: Figures] = [:]
            for row in rows where row.moment >= edge {
                guard let type = types[row.type] else { continue }
                figures[row.entity, default: Figures()].counts[type.counter, default: 0] += 1
                if type.counts { figures[row.entity, default: Figures()].popularity += type.weight }
                if row.moment >= decayEdge {
                    let age = Double(now - row.moment) / 3_600_000
                    figures[row.entity, default: Figures()].trending += type.weight * pow(0.5, age / halfLifeHours)
                }
            }
            moment.figures[window] = figures
        }
        for row in rows { moment.last[row.entity] = max(moment.last[row.entity] ?? .min, row.moment) }
        return moment
    }

    /// Everything with a score above zero, best first, then by type and id.
    func popular(_ mode: String, window: String, entityType: String? = nil, category: String? = nil, _ moment: Moment)
        -> [(entity: EntityName, score: Double)]
    {
        var list: [(entity: EntityName, score: Double)] = []
        for (name, known) in entities where known.isShown {
            if let entityType, name.type != entityType { continue }
            if let category, !known.categories.contains(category) { continue }
            let score = moment.score(mode, name, window: window, at: moment.time)
            if score > 0 { list.append((name, score)) }
        }
        return list.sorted { $0.score != $1.score ? $0.score > $1.score : $0.entity < $1.entity }
    }
}
