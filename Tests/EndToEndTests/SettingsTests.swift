import Foundation
import Testing

@Suite(.serialized) struct Settings {
    @Test("Half-life, window and session time-out take effect at once, equal to a recomputation")
    func decay() throws {
        let folder = try TestFolder()
        let server = try ServerProcess(folder)
        let client = try server.client()
        var random = SeededGenerator(seed: printedSeed("decay"))
        let sent = try Load.run(server, clients: 2, seed: random.next(), prefix: "d", atMost: 400, until: { false })
        #expect(sent.problems.isEmpty)
        func compare(_ client: Client, halfLife: Double, window: Int64) throws {
            var truth = try Recomputation(StoreFile(folder))
            truth.halfLifeHours = halfLife
            truth.trendHours = window
            let agreement = Agreement(client, truth)
            for window in Recomputation.windows { try agreement.checkPopular("trending", window) }
            try agreement.checkStats(of: truth.entities.keys.sorted().shuffled(using: &random).prefix(40))
            #expect(agreement.differences.isEmpty, "half-life \(halfLife), window \(window)")
        }
        try compare(client, halfLife: 72, window: 168)
        for (halfLife, window) in [(24.0, 168), (0.5, 168), (0.5, 25), (1000, 700), (72, 168)] as [(Double, Int64)] {
            let answer = try client.patch(
                "/v1/settings",
                ["trending_half_life_hours": .double(halfLife), "trending_window_hours": .integer(window)])
            #expect(
                answer.status == 200 && answer.json["trending_half_life_hours"]?.doubleValue == halfLife, "\(answer)")
            try compare(client, halfLife: halfLife, window: window)
            _ = try Load.run(server, clients: 1, seed: random.next(), prefix: "d\(halfLife)-\(window)", atMost: 50) {
                false
            }
            try compare(client, halfLife: halfLife, window: window)
        }
        #expect(try client.patch("/v1/settings", ["trending_half_life_hours": 6]).status == 200)
        #expect(server.stop() == 0)
        let second = try ServerProcess(folder)
        try compare(try second.client(), halfLife: 6, window: 168)
        for bad: JSONValue in [
            ["trending_half_life_hours": 0], ["retention_days": 0], ["retention": 3], ["session_timeout_minutes": "5"],
            7,
        ] {
            let answer = try second.client().patch("/v1/settings", bad)
            #expect((400...422).contains(answer.status) && answer.isProblem, "\(bad.text): \(answer)")
        }
    }

    @Test("A session ends by silence as long as the settings say, and one that a client names never does")
    func sessionTimeout() throws {
        let server = try ServerProcess(TestFolder())
        let client = try server.client()
        func session(_ minutesAgo: Int64) throws -> String {
            let answer = try client.post(
                "/v1/interactions",
                [
                    "type": "view", "entity_id": "p", "user_id": "u",
                    "occurred_at": .string(rfc3339(now() - minutesAgo * 60_000)),
                ])
            let id = answer.json["results"]?[0]?["id"]?.stringValue ?? ""
            let all = try client.get("/v1/users/u/interactions").json["interactions"]?.arrayValue ?? []
            return all.first { $0["id"]?.stringValue == id }?["session_id"]?.stringValue ?? ""
        }
        let first = try session(100)
        #expect(try session(80) == first)
        #expect(try session(52) == first)
        let second = try session(20)
        #expect(second != first && UUID(uuidString: second) != nil)
        #expect(try client.patch("/v1/settings", ["session_timeout_minutes": 5]).status == 200)
        #expect(try session(14) != second)
        #expect(try session(18) == second)
        let metrics = try client.get("/v1/sessions/\(first)").json
        #expect(metrics["interactionCount"] == 3 && metrics["pageViews"] == 3, "\(metrics.text)")
        let duration = metrics["duration"]?.integerValue ?? 0
        #expect(abs(duration - 48 * 60_000) < 60_000, "\(metrics.text)")
        #expect(metrics["engagementScore"]?.doubleValue == 56, "\(metrics.text)")
    }

    @Test("Clean-up removes what outlived its retention, folds it into daily totals and keeps every count")
    func retention() throws {
        let folder = try TestFolder()
        let options = ["--cleanup-seconds", "1", "--snapshot-seconds", "1"]
        var server = try ServerProcess(folder, options)
        let client = try server.client()
        let day: Int64 = 86_400_000
        let start = now()
        // Sessions lie whole on one side of the edge.
        var lines: [String] = []
        for number in 0..<600 {
            let age = Int64(number % 12) * day + 3_600_000
            let type = ["view", "order", "cart_add"][number % 3]
            lines.append(
                JSONValue.object([
                    .init(key: "id", value: .string("old-\(number)")), .init(key: "type", value: .string(type)),
                    .init(key: "entity_id", value: .string("p\(number % 7)")),
                    .init(key: "user_id", value: .string("u\(number % 12)")),
                    .init(key: "session_id", value: .string("s-\(number % 12)-\(number % 40)")),
                    .init(key: "occurred_at", value: .string(rfc3339(start - age))),
                ]).text)
        }
        let sent = try client.post(
            "/v1/interactions", lines.joined(separator: "\n"), ["Content-Type": "application/x-ndjson"])
        #expect(sent.json["tracked"] == 600, "\(sent)")
        let allRows = try StoreFile(folder).interactions()
        let totals = try client.get("/v1/totals").json
        func stats(_ client: Client) throws -> [JSONValue] {
            try (0..<7).map { try client.get("/v1/entities/product/p\($0)/stats").json }
        }
        func withoutTrend(_ values: [JSONValue]) -> [JSONValue] {
            values.map { value in
                var value = value
                value["trending_score"] = nil
                return value
            }
        }
        let before = try stats(client)

        #expect(try client.patch("/v1/settings", ["retention_days": 5]).status == 200)
        let edge = floorDivide(now() - 5 * day, 3_600_000) * 3_600_000
        let expired = allRows.filter { $0.occurredAt < edge }
        try #require(!expired.isEmpty && expired.count < 600)
        let file = try StoreFile(folder)
        let isClean = try eventually {
            try file.integer("SELECT count(*) FROM user_interactions") == Int64(600 - expired.count)
        }
        #expect(isClean, "\(server.errors)")
        #expect(try file.integer("SELECT count(*) FROM user_interactions WHERE occurred_at < \(edge)") == 0)
        var folded: [String: Int64] = [:]
        for row in expired {
            folded["\(floorDivide(row.occurredAt, day)) product \(row.entityID) \(row.type)", default: 0] += 1
        }
        var stored: [String: Int64] = [:]
        for row in try file.rows("SELECT day, entity_type, entity_id, type, count FROM daily_totals") {
            stored[row.prefix(4).map { $0 ?? "" }.joined(separator: " ")] = Int64(row[4] ?? "")
        }
        #expect(stored == folded)
        let columns = try file.rows("SELECT name FROM pragma_table_info('daily_totals')").compactMap { $0[0] }
        #expect(!columns.contains { $0.contains("user") || $0.contains("session") || $0.contains("anonymous") })

        // Counts stay, also after a start from the snapshot and one from the log alone.
        func compare(_ client: Client, _ place: Comment) throws {
            #expect(withoutTrend(try stats(client)) == withoutTrend(before), place)
            let after = try client.get("/v1/totals").json
            #expect(after["interactions"] == totals["interactions"], place)
            #expect(after["sessions"] == totals["sessions"] && after["bounces"] == totals["bounces"], place)
            #expect(try client.get("/v1/users/u11/interactions").status == 404, place)
            #expect(try client.get("/v1/users/u0/interactions").json["interactions"]?.arrayValue?.count == 50, place)
            // Windows show what is still there.
            let truth = try Recomputation(StoreFile(folder))
            let agreement = Agreement(client, truth)
            for window in ["1h", "24h"] {
                let items = try client.get("/v1/popular?mode=overall&time_window=\(window)&limit=100").json["items"]
                let wanted = truth.popular("overall", window: window, truth.moment(now()))
                #expect(items?.arrayValue?.compactMap { $0["score"]?.doubleValue } == wanted.map(\.score), place)
            }
            try agreement.checkSessions(truth.sessions.keys.sorted().prefix(20))
            #expect(agreement.differences.isEmpty, place)
            let moment = truth.moment(now())
            for (number, own) in try stats(client).enumerated() {
                let name = EntityName(type: "product", id: "p\(number)")
                let wanted = moment.score("trending", name, window: "7d", at: now())
                let score = own["trending_score"]?.doubleValue ?? .nan
                #expect(abs(score - wanted) <= wanted * 1e-4, place)
            }
        }
        try compare(client, "while it runs")
        let tooOld = try client.post(
            "/v1/interactions",
            ["type": "view", "entity_id": "p1", "user_id": "u1", "occurred_at": .string(rfc3339(now() - 6 * day))])
        #expect(tooOld.status == 422 && tooOld.code == "too_old", "\(tooOld)")
        #expect(try client.post("/v1/interactions", lines[5]).json["results"]?[0]?["status"] != "ok")

        #expect(server.stop() == 0)
        server = try ServerProcess(folder, options)
        try compare(try server.client(), "after a restart")
        server.kill()
        for path in TestFolder.files(below: folder.tenant) where path.hasSuffix(".snapshot") {
            try FileManager.default.removeItem(atPath: path)
        }
        server = try ServerProcess(folder, options)
        try compare(try server.client(), "after a start from the log alone")
        #expect(server.stop() == 0)
    }
}
