import Domain
import Foundation
import JSON
import Storage
import Testing

@testable import API

/// One interaction as it was sent, and what the filters may ask of it.
private struct Sent {
    var id: String
    var type: String
    var entityType: String
    var entityID: String
    var user: String?
    var visitor: String?
    var session: String?
    var context: String?
    var occurredAt: Int64
    var duration: Double?
    var source: String?

    var json: JSONValue {
        var object: JSONObject = [
            "id": .string(id), "type": .string(type), "entity_type": .string(entityType),
            "entity_id": .string(entityID), "occurred_at": .string(Timestamp(milliseconds: occurredAt).rfc3339),
        ]
        if let user { object["user_id"] = .string(user) }
        if let visitor { object["anonymous_id"] = .string(visitor) }
        if let session { object["session_id"] = .string(session) }
        if let context { object["context"] = .string(context) }
        var metadata: JSONObject = [:]
        if let duration { metadata["duration"] = .double(duration) }
        if let source { metadata["source"] = .string(source) }
        if !metadata.isEmpty { object["metadata"] = .object(metadata) }
        return .object(object)
    }
}

@Suite("Interactions read back", .serialized)
struct InteractionsTests {
    private func fill(_ service: TestService, _ count: Int, _ generator: inout Seeded) throws -> [Sent] {
        var sent: [Sent] = []
        while sent.count < count {
            var batch: [Sent] = []
            for _ in 0..<min(500, count - sent.count) {
                let isPost = Bool.random(using: &generator)
                let who = Int.random(in: 0..<3, using: &generator)
                batch.append(
                    Sent(
                        id: "i\(sent.count + batch.count)",
                        type: ["view", "click", "like"].randomElement(using: &generator) ?? "view",
                        entityType: isPost ? "post" : "product",
                        entityID: "e\(Int.random(in: 0..<20, using: &generator))",
                        user: who == 0 ? "u\(Int.random(in: 0..<10, using: &generator))" : nil,
                        visitor: who == 1 ? "v\(Int.random(in: 0..<10, using: &generator))" : nil,
                        session: who == 2 ? "s\(Int.random(in: 0..<10, using: &generator))" : nil,
                        context: isPost ? ["feed", nil].randomElement(using: &generator) ?? nil : "homepage",
                        occurredAt: noon - Int64.random(in: 0..<864_000_000, using: &generator),
                        duration: isPost ? Double(Int.random(in: 0..<10_000, using: &generator)) : nil,
                        source: Bool.random(using: &generator)
                            ? ["feed", "mail"].randomElement(using: &generator) : nil))
            }
            let body: JSONValue = ["interactions": .array(batch.map(\.json))]
            let answer = try service.send("POST", "/v1/interactions", text: body.text)
            #expect(answer.json["tracked"]?.integerValue == Int64(batch.count), "\(answer.text.prefix(500))")
            sent += batch
        }
        return sent
    }

    /// All pages of a query.
    private func all(_ service: TestService, _ query: String, limit: Int) throws -> (ids: [String], pages: Int) {
        var ids: [String] = []
        var cursor: String?
        var pages = 0
        repeat {
            let target = "/v1/interactions?limit=\(limit)\(query)\(cursor.map { "&cursor=\($0)" } ?? "")"
            var answer = try service.send("GET", target)
            // Other tests read at the same time, in the same process: as the answer says, it is tried again in a moment.
            for _ in 0..<600 where answer.status == 503 && answer.code == "too_many_readers" {
                usleep(50_000)
                answer = try service.send("GET", target)
            }
            #expect(answer.status == 200, "\(answer.text)")
            let body = answer.json
            let page = body["interactions"]?.arrayValue ?? []
            #expect(page.count <= limit)
            ids += page.compactMap { $0["id"]?.stringValue }
            cursor = body["next_cursor"]?.stringValue
            pages += 1
        } while cursor != nil && pages < 1000
        return (ids, pages)
    }

    @Test("every filter gives what a slow look at everything sent gives, in both orders and any page length")
    func filters() throws {
        let service = try TestService()
        defer { service.stop() }
        var generator = Seeded(state: 7)
        // More than one run of 4,096 positions.
        let sent = try fill(service, 4500, &generator)
        let from = noon - 500_000_000
        let to = noon - 200_000_000
        let cases: [(String, (Sent) -> Bool)] = [
            ("", { _ in true }), ("&user_id=u3", { $0.user == "u3" }), ("&anonymous_id=v3", { $0.visitor == "v3" }),
            ("&session_id=s3", { $0.session == "s3" }), ("&entity_type=post", { $0.entityType == "post" }),
            ("&entity_id=e5&type=like", { $0.entityID == "e5" && $0.type == "like" }),
            ("&context=feed", { $0.context == "feed" }),
            (
                "&from=\(Timestamp(milliseconds: from).rfc3339)&to=\(Timestamp(milliseconds: to).rfc3339)",
                { $0.occurredAt >= from && $0.occurredAt < to }
            ), ("&where=metadata.source=feed", { $0.source == "feed" }),
            ("&where=metadata.source!=feed", { $0.source != "feed" }),
            ("&where=metadata.source", { $0.source != nil }),
            ("&where=metadata.duration%3E=5000", { $0.duration ?? -1 >= 5000 }),
            (
                "&where=metadata.duration%3C100&where=metadata.source=%22mail%22",
                { $0.duration ?? 1e9 < 100 && $0.source == "mail" }
            ),
            ("&where=metadata.duration=5000", { $0.duration == 5000 }), ("&user_id=nobody", { _ in false }),
        ]
        for (query, passes) in cases {
            let expected = sent.filter(passes).map(\.id)
            for (order, ids) in [("asc", expected), ("desc", expected.reversed())] {
                let got = try all(service, query + "&order=\(order)", limit: order == "asc" ? 997 : 1000)
                #expect(got.ids == ids, "\(query) \(order): \(got.ids.count) of \(ids.count)")
            }
        }
        let short = try all(service, "&user_id=u3", limit: 7)
        #expect(short.ids == sent.filter { $0.user == "u3" }.map(\.id).reversed())
    }

    @Test("cursors stay where they are while interactions arrive")
    func stableCursors() throws {
        let service = try TestService()
        defer { service.stop() }
        var generator = Seeded(state: 8)
        let sent = try fill(service, 300, &generator)
        let first = try service.send("GET", "/v1/interactions?limit=100")
        let cursor = try #require(first.json["next_cursor"]?.stringValue)
        let body: JSONValue = ["type": "view", "entity_id": "late", "user_id": "u"]
        #expect(try service.send("POST", "/v1/interactions", text: body.text).status == 200)
        let second = try service.send("GET", "/v1/interactions?limit=100&cursor=\(cursor)")
        let ids = second.json["interactions"]?.arrayValue?.compactMap { $0["id"]?.stringValue }
        #expect(ids == Array(sent.map(\.id)[100..<200].reversed()))
    }

    @Test("lines are the same interactions, and the last line says how to go on")
    func lines() throws {
        let service = try TestService()
        defer { service.stop() }
        var generator = Seeded(state: 9)
        _ = try fill(service, 20, &generator)
        let list = try service.send("GET", "/v1/interactions?limit=15").json
        let lines = try service.send("GET", "/v1/interactions?limit=15&format=ndjson").text.split(separator: "\n").map {
            try JSONValue(parsing: String($0))
        }
        #expect(lines.dropLast() == (list["interactions"]?.arrayValue ?? [])[...])
        #expect(lines.last?["next_cursor"] == list["next_cursor"] && lines.last?["complete"] == true)
    }

    @Test("a bounded number of positions is looked at, and the answer goes on from there")
    func bounded() throws {
        let service = try TestService()
        defer { service.stop() }
        var generator = Seeded(state: 10)
        let sent = try fill(service, 13_000, &generator)
        for newestFirst in [true, false] {
            var filter = InteractionFilter()
            filter.userID = "u4"
            var query = InteractionQuery(filter)
            query.newestFirst = newestFirst
            query.limit = 1000
            query.examined = 1
            var count = 0
            var pages = 0
            repeat {
                let page = try service.tenant.store.interactions(query)
                #expect(page.stoppedEarly == (page.next != nil))
                query.after = page.next
                count += page.batch.rows.count
                pages += 1
            } while query.after != nil
            // A run of 4,096 positions is the least that is looked at.
            #expect(pages == 4)
            #expect(count == sent.count { $0.user == "u4" })
        }
        // What is known of full runs saves looking at them.
        var filter = InteractionFilter()
        filter.from = noon + 1
        var query = InteractionQuery(filter)
        query.examined = 5000
        let page = try service.tenant.store.interactions(query)
        #expect(page.next == nil && page.batch.rows.isEmpty)
    }

    @Test("bad parameters are refused by name, and a write key reads nothing")
    func refusals() throws {
        let service = try TestService()
        defer { service.stop() }
        for (query, code) in [
            ("limit=0", "invalid_parameter"), ("limit=1001", "invalid_parameter"), ("order=up", "invalid_parameter"),
            ("from=yesterday", "invalid_parameter"), ("where=source=feed", "invalid_condition"),
            ("where=metadata.", "invalid_condition"), ("where=metadata..a", "invalid_condition"),
            ("cursor=xyz", "invalid_cursor"),
            ("from=2026-01-02T00:00:00Z&to=2026-01-01T00:00:00Z", "invalid_parameter"), ("usr=1", "unknown_parameter"),
            ("limit=1&limit=2", "invalid_parameter"),
        ] {
            let answer = try service.send("GET", "/v1/interactions?\(query)")
            #expect(answer.status == 400 && answer.code == code, "\(query): \(answer.status) \(answer.text)")
        }
        #expect(try service.send("GET", "/v1/interactions", key: service.writeKey).status == 403)
    }
}
