import Foundation
import Testing

/// Compares what a server answers with a recomputation.
final class Agreement {
    let client: Client
    let truth: Recomputation
    private(set) var differences: [String] = []
    private(set) var compared = 0
    private var latest: Recomputation.Moment?

    init(_ client: Client, _ truth: Recomputation) {
        (self.client, self.truth) = (client, truth)
    }

    private func note(_ text: String) {
        if differences.count < 20 { differences.append(text) }
    }

    private func expect(_ isTrue: Bool, _ text: @autoclosure () -> String) {
        compared += 1
        if !isTrue { note(text()) }
    }

    /// Whether a score lies between what it should be before and after the question, rounding aside.
    static func isBetween(_ score: Double, _ before: Double, _ after: Double) -> Bool {
        let (low, high) = (min(before, after), max(before, after))
        return score >= low - abs(low) * 1e-9 - 1e-12 && score <= high + abs(high) * 1e-9 + 1e-12
    }

    /// Asks, and asks again when a minute has ended between the question and the answer: a window's edge has moved then.
    private func ask(_ target: String) throws -> (answer: Answer, before: Int64, after: Int64, Recomputation.Moment) {
        while true {
            let before = now()
            let answer = try client.get(target)
            let after = now()
            guard floorDivide(before, 60_000) == floorDivide(after, 60_000) else { continue }
            if let latest, floorDivide(latest.time, 60_000) == floorDivide(before, 60_000) {
                return (answer, before, after, latest)
            }
            let moment = truth.moment(before)
            latest = moment
            return (answer, before, after, moment)
        }
    }

    // MARK: - Popular lists

    func checkPopular(
        _ mode: String, _ window: String, entityType: String? = nil, category: String? = nil, limit: Int = 1000
    ) throws {
        var target = "/v1/popular?mode=\(mode)&time_window=\(window)&limit=\(limit)"
        if let entityType { target += "&entity_type=\(entityType)" }
        if let category { target += "&category=\(category.escaped)" }
        let (answer, before, after, moment) = try ask(target)
        let items = answer.json["items"]?.arrayValue ?? []
        guard answer.status == 200 else { return note("\(target): \(answer)") }
        // Decay changes no order, so one list serves for both moments.
        let wanted = truth.popular(mode, window: window, entityType: entityType, category: category, moment)
        expect(
            items.count == min(limit, wanted.count), "\(target): \(items.count) items, not \(min(limit, wanted.count))")
        for (place, (item, want)) in zip(items, wanted).enumerated() {
            let name = EntityName(
                type: item["entity_type"]?.stringValue ?? "", id: item["entity_id"]?.stringValue ?? "")
            let score = item["score"]?.doubleValue ?? .nan
            let (early, late) = (
                moment.score(mode, name, window: window, at: before),
                moment.score(mode, name, window: window, at: after)
            )
            expect(Self.isBetween(score, early, late), "\(target): \(name) has \(score), not \(early)…\(late)")
            // Sums of the same numbers in another order may differ in the last digit, and then change places.
            let own = moment.score(mode, name, window: window, at: moment.time)
            expect(
                name == want.entity || abs(own - want.score) <= abs(own) * 1e-9,
                "\(target): place \(place) has \(name) with \(score), not \(want.entity) with \(want.score)")
            checkFigures(item, name, moment, before, after, target)
        }
    }

    /// Every mode over every window, for all entities, each type and a category.
    func checkPopular(categories: [String] = []) throws {
        let types = Set(truth.entities.keys.map(\.type)).sorted()
        for mode in Recomputation.modes {
            for window in Recomputation.windows {
                try checkPopular(mode, window)
                if window == "7d" {
                    for type in types { try checkPopular(mode, window, entityType: type, limit: 7) }
                    for category in categories { try checkPopular(mode, window, category: category) }
                }
            }
        }
    }

    // MARK: - Entities

    private func checkFigures(
        _ item: JSONValue, _ name: EntityName, _ moment: Recomputation.Moment, _ before: Int64, _ after: Int64,
        _ place: String
    ) {
        let truth = moment.figures["all"]?[name] ?? Recomputation.Figures()
        var counts: [String: Int64] = [:]
        let members = item["counts"]?.members ?? []
        for member in members { counts[member.key] = member.value.integerValue }
        expect(counts == truth.counts, "\(place): \(name) has \(counts), not \(truth.counts)")
        let popularity = item["popularity_score"]?.doubleValue ?? .nan
        expect(
            popularity == truth.popularity, "\(place): \(name) has popularity \(popularity), not \(truth.popularity)")
        let trending = item["trending_score"]?.doubleValue ?? .nan
        let (early, late) = (
            moment.decayed(truth.trending, at: before), moment.decayed(truth.trending, at: after)
        )
        expect(
            Self.isBetween(trending, early, late), "\(place): \(name) has trend \(trending), not \(early)…\(late)")
        let last = moment.last[name].map(rfc3339)
        expect(
            item["last_interaction"]?.stringValue == last,
            "\(place): \(name) was last met at \(item["last_interaction"]?.text ?? "never"), not \(last ?? "never")")
    }

    func checkStats(of names: some Sequence<EntityName>) throws {
        for name in names {
            let target = "/v1/entities/\(name.type.escaped)/\(name.id.escaped)/stats"
            let (answer, before, after, moment) = try ask(target)
            guard answer.status == 200 else {
                note("\(target): \(answer)")
                continue
            }
            let json = answer.json
            checkFigures(json, name, moment, before, after, target)
            let isPlaceholder = truth.entities[name]?.isPlaceholder
            expect(
                json["placeholder"]?.boolValue == isPlaceholder,
                "\(target): placeholder is not \(isPlaceholder ?? true)")
            expect(
                json["title"]?.stringValue == truth.entities[name]?.title, "\(target): the title is another")
        }
    }

    // MARK: - Sessions, users and totals

    func checkSessions(_ ids: some Sequence<String>) throws {
        for id in ids {
            let answer = try client.get("/v1/sessions/\(id.escaped)")
            guard let session = truth.sessions[id] else {
                expect(answer.status == 404, "Session \(id): \(answer)")
                continue
            }
            let json = answer.json
            let own = Recomputation.Session(
                start: json["started_at"]?.stringValue.flatMap { milliseconds($0) } ?? -1,
                last: json["last_at"]?.stringValue.flatMap { milliseconds($0) } ?? -1,
                count: json["interactionCount"]?.integerValue ?? -1, views: json["pageViews"]?.integerValue ?? -1)
            expect(own == session, "Session \(id): \(own), not \(session)")
            expect(json["duration"]?.integerValue == session.duration, "Session \(id): \(answer)")
            expect(json["engagementScore"]?.doubleValue == session.engagement, "Session \(id): \(answer)")
            expect(json["bounceRate"]?.doubleValue == (session.isBounce ? 100 : 0), "Session \(id): \(answer)")
        }
    }

    func checkUsers(_ ids: some Sequence<String>) throws {
        for id in ids {
            let answer = try client.get("/v1/users/\(id.escaped)/interactions")
            let items = answer.json["interactions"]?.arrayValue ?? []
            let wanted = (truth.rowsOfUser[id] ?? []).map { truth.rows[$0] }
                .sorted { ($0.moment, $0.position) > ($1.moment, $1.position) }.prefix(100)
            expect(
                items.compactMap { $0["id"]?.stringValue } == wanted.map(\.id),
                "User \(id): \(items.count) interactions are not the last \(wanted.count)")
            for (item, row) in zip(items, wanted) {
                let same =
                    item["type"]?.stringValue == row.type && item["entity_id"]?.stringValue == row.entityID
                    && item["session_id"]?.stringValue == row.session
                    && item["occurred_at"]?.stringValue == rfc3339(row.occurredAt)
                expect(same, "User \(id): \(item.text) is not \(row)")
            }
        }
    }

    func checkTotals() throws {
        for window in Recomputation.windows {
            let (answer, before, _, _) = try ask("/v1/totals?time_window=\(window)")
            let edge = Recomputation.edge(window, before)
            var wanted: [String: Int64] = [:]
            for row in truth.rows where row.moment >= edge { wanted[row.type, default: 0] += 1 }
            var counts: [String: Int64] = [:]
            for member in answer.json["interactions"]?.members ?? [] {
                counts[member.key] = member.value.integerValue
            }
            expect(counts == wanted, "Totals over \(window): \(counts), not \(wanted)")
            let begun = truth.sessions.values.filter { $0.start >= edge }
            let bounces = begun.count(where: \.isBounce)
            expect(
                answer.json["sessions"]?.integerValue == Int64(begun.count)
                    && answer.json["bounces"]?.integerValue == Int64(bounces),
                "Totals over \(window): \(answer), not \(begun.count) sessions with \(bounces) bounces")
            let rate = begun.isEmpty ? 0 : 100 * Double(bounces) / Double(begun.count)
            expect(
                Self.isBetween(answer.json["bounceRate"]?.doubleValue ?? .nan, rate, rate),
                "Totals over \(window): \(answer), not a rate of \(rate)")
            expect(
                answer.json["users"]?.integerValue == Int64(truth.persons.count),
                "Totals: \(answer), not \(truth.persons.count) users")
            expect(
                answer.json["entities"]?.integerValue == Int64(truth.entities.count),
                "Totals: \(answer), not \(truth.entities.count) entities")
        }
    }

    /// Everything, some of the sessions, entities and users by chance.
    func checkAll(
        categories: [String] = [], sample: Int = 150, using random: inout SeededGenerator
    ) throws {
        try checkPopular(categories: categories)
        try checkTotals()
        try checkStats(of: truth.entities.keys.sorted().shuffled(using: &random).prefix(sample))
        try checkSessions(truth.sessions.keys.sorted().shuffled(using: &random).prefix(sample))
        try checkUsers(truth.rowsOfUser.keys.sorted().shuffled(using: &random).prefix(sample / 5))
    }
}

/// Everything that a server answers agrees with the rows of its file.
func expectAgreement(
    _ server: ServerProcess, categories: [String] = [], sample: Int = 150, using random: inout SeededGenerator,
    sourceLocation: SourceLocation = #_sourceLocation
) throws {
    let truth = try Recomputation(StoreFile(server.folder))
    let agreement = Agreement(try server.client(), truth)
    try agreement.checkAll(categories: categories, sample: sample, using: &random)
    #expect(agreement.differences.isEmpty, sourceLocation: sourceLocation)
    #expect(agreement.compared > 0, sourceLocation: sourceLocation)
}
