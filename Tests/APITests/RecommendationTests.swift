import API
import Domain
import Foundation
import HTTP
import JSON
import Storage
import Testing

@Suite("Recommendations over HTTP")
struct RecommendationTests {
    static func entity(_ id: String, _ more: String) -> String {
        #"{"type": "product", "id": "\#(id)", "title": "Item \#(id)"\#(more.isEmpty ? "" : ", " + more)}"#
    }

    /// A shop with 24 products in three categories, bought in pairs by twenty people.
    static func fill(_ service: TestService) throws {
        let entities = (0..<24).map { index in
            entity(
                "p\(index)",
                """
                "categories": ["c\(index % 3)"], "brand": "b\(index % 2)", "price": "\(10 + index)", "currency": "EUR", \
                "inventory": \(index == 23 ? 0 : 5), "hidden": \(index == 22)
                """)
        }
        let put = try service.send("PUT", "/v1/entities", text: "[\(entities.joined(separator: ","))]")
        #expect(put.status == 200)
        var items: [String] = []
        for person in 0..<20 {
            for step in 0..<6 {
                let product = (person * 2 + step) % 24
                items.append(
                    #"{"type": "view", "entity_id": "p\#(product)", "user_id": "u\#(person)", "context": "homepage"}"#)
            }
        }
        let sent = try service.send(
            "POST", "/v1/interactions", text: #"{"interactions": [\#(items.joined(separator: ","))]}"#)
        #expect(sent.status == 200)
    }

    static func json(_ answer: Answer) throws -> JSONValue { try JSONValue(parsing: answer.body) }

    static func ids(_ answer: Answer) throws -> [String] {
        try json(answer)["items"]?.arrayValue?.compactMap { $0["entity_id"]?.stringValue } ?? []
    }

    @Test("A list has the documented shape, and every item explains itself")
    func shape() throws {
        let service = try TestService()
        defer { service.stop() }
        try RecommendationTests.fill(service)
        let answer = try service.send("GET", "/v1/recommendations?user_id=u3&limit=5&explain=true")
        #expect(answer.status == 200)
        let list = try RecommendationTests.json(answer)
        #expect(list["list_id"]?.stringValue?.count == 36)
        #expect(list["fallback"] == .null)
        let items = try #require(list["items"]?.arrayValue)
        #expect(items.count == 5)
        for item in items {
            #expect(item["entity_type"] == "product")
            let parts = try #require(item["explain"]?["parts"])
            for name in ["base", "personal", "popularity"] {
                #expect((0...1).contains(try #require(parts[name]?.doubleValue)))
            }
            let sentence = try #require(item["explain"]?["sentence"]?.stringValue)
            #expect(sentence.count > 8)
            _ = try #require(item["explain"]?["rules"]?.arrayValue)
        }
        let sentences = items.compactMap { $0["explain"]?["sentence"]?.stringValue }
        #expect(sentences.contains { $0.hasPrefix("Because you") })
        let plain = try RecommendationTests.json(service.send("GET", "/v1/recommendations?user_id=u3"))
        let unexplained = (plain["items"]?.arrayValue ?? []).count { $0["explain"] == nil }
        #expect(unexplained == 10)
    }

    @Test("The very next answer knows the last interaction")
    func next() throws {
        let service = try TestService()
        defer { service.stop() }
        try RecommendationTests.fill(service)
        let path = "/v1/recommendations?session_id=s1&limit=5&explain=true"
        let before = try service.send("GET", path)
        #expect(try RecommendationTests.json(before)["fallback"] == "popular")
        _ = try service.send(
            "POST", "/v1/interactions",
            text: #"{"type": "view", "entity_id": "p4", "session_id": "s1", "context": "homepage"}"#)
        let after = try service.send("GET", path)
        #expect(try RecommendationTests.ids(before) != RecommendationTests.ids(after))
        let sentences = try RecommendationTests.json(after)["items"]?.arrayValue?.compactMap {
            $0["explain"]?["sentence"]?.stringValue
        }
        #expect(try #require(sentences).contains("Because you viewed Item p4"))
    }

    @Test("Hidden, deleted, excluded and filtered entities are on no list")
    func filters() throws {
        let service = try TestService()
        defer { service.stop() }
        try RecommendationTests.fill(service)
        _ = try service.send("DELETE", "/v1/entities/product/p5")
        let all = try service.send("GET", "/v1/recommendations?user_id=u1&limit=100")
        let ids = try RecommendationTests.ids(all)
        #expect(ids.count == 22)
        #expect(!ids.contains("p5") && !ids.contains("p22") && ids.contains("p23"))
        let stocked = try RecommendationTests.ids(
            service.send("GET", "/v1/recommendations?user_id=u1&limit=100&in_stock=true&exclude=p1,p2"))
        #expect(Set(ids).subtracting(stocked) == ["p23", "p1", "p2"])
        let priced = try RecommendationTests.ids(
            service.send(
                "GET",
                "/v1/similar/product/p6?limit=100&price_min=12&price_max=20.00&currency=EUR&category=c0"))
        // p6 itself costs 16 and is of c0.
        #expect(Set(priced) == ["p3", "p9"])
        let none = try service.send("GET", "/v1/recommendations?user_id=u1&currency=USD&price_min=1")
        #expect(none.status == 200)
        #expect(try RecommendationTests.ids(none).isEmpty)
    }

    @Test(
        "Bad requests are refused with a code",
        arguments: [
            ("/v1/recommendations", "missing_audience"),
            ("/v1/recommendations?user_id=u1&limit=0", "invalid_limit"),
            ("/v1/recommendations?user_id=u1&limit=100000", "invalid_limit"),
            ("/v1/recommendations?user_id=u1&limit=x", "invalid_limit"),
            ("/v1/recommendations?user_id=u1&price_min=5&price_max=4", "contradictory_filters"),
            ("/v1/recommendations?user_id=u1&price_min=-1", "invalid_parameter"),
            ("/v1/recommendations?user_id=u1&price_min=1e3", "invalid_parameter"),
            ("/v1/recommendations?user_id=u1&currency=eur", "invalid_parameter"),
            ("/v1/recommendations?user_id=u1&entity_type=nothing", "unknown_entity_type"),
            ("/v1/recommendations?user_id=u1&foo=1", "unknown_parameter"),
            ("/v1/similar/nothing/p1", "unknown_entity_type"),
            ("/v1/similar/nothing/p1?entity_type=product", "unknown_entity_type"),
            ("/v1/similar/product/p1?subject_id=p2", "invalid_parameter"),
            ("/v1/similar/nothing/p1?subject_id=p2&entity_type=product", "invalid_parameter"),
            ("/v1/similar/product/p1?subject_type=product", "invalid_parameter"),
            ("/v1/lists/abc", "invalid_list_id"),
        ])
    func refusals(path: String, code: String) throws {
        let service = try TestService()
        defer { service.stop() }
        let answer = try service.send("GET", path)
        #expect(answer.status == 400)
        #expect(try RecommendationTests.json(answer)["code"]?.stringValue == code)
    }

    @Test("Unknown ids get a sensible list that says where it comes from")
    func unknown() throws {
        let service = try TestService()
        defer { service.stop() }
        try RecommendationTests.fill(service)
        for path in [
            "/v1/recommendations?anonymous_id=nobody", "/v1/similar/product/nothing",
            "/v1/recommendations?session_id=x",
        ] {
            let answer = try RecommendationTests.json(service.send("GET", path))
            #expect(answer["items"]?.arrayValue?.count == 10)
            #expect(answer["fallback"] == "popular")
        }
    }

    @Test("A user's list needs the secret key, or that user's token beside a write key; sessions and visitors do not")
    func access() throws {
        let service = try TestService()
        defer { service.stop() }
        func status(_ path: String, _ headers: [(String, String)] = []) throws -> Int {
            try service.send("GET", path, key: service.writeKey, headers: headers).status
        }
        #expect(try status("/v1/recommendations?user_id=u1") == 403)
        #expect(try status("/v1/recommendations?session_id=s1&user_id=u1") == 403)
        #expect(try status("/v1/recommendations?session_id=s1") == 200)
        #expect(try status("/v1/recommendations?anonymous_id=a1") == 200)
        #expect(try status("/v1/similar/product/p1") == 200)
        #expect(try status("/v1/lists/019bb2d4-0000-7000-8000-000000000000") == 403)
        #expect(try service.send("GET", "/v1/recommendations?user_id=u1").status == 200)
    }

    /// Waits until the keeper's thread has written.
    static func stored(_ service: TestService, _ id: String, until isThere: (JSONValue) -> Bool) throws -> JSONValue {
        for _ in 0..<200 {
            let answer = try service.send("GET", "/v1/lists/\(id)")
            if answer.status == 200, isThere(try json(answer)) { return try json(answer) }
            usleep(20_000)
        }
        Issue.record("the list \(id) is not there")
        return .null
    }

    @Test(
        "A served list is kept with who, what and why, and interactions that name it are attributed, across a restart")
    func lists() throws {
        let folder = NSTemporaryDirectory() + "footfall-lists-" + UUID().uuidString
        defer { try? FileManager.default.removeItem(atPath: folder) }
        var service = try TestService(folder: folder)
        try RecommendationTests.fill(service)
        let served = try RecommendationTests.json(
            service.send("GET", "/v1/recommendations?user_id=u2&limit=4&context=homepage&in_stock=true"))
        let id = try #require(served["list_id"]?.stringValue)
        let shown = try #require(served["items"]?.arrayValue?.first?["entity_id"]?.stringValue)
        let click =
            #"{"id": "k1", "type": "recommendation_clicked", "entity_id": "\#(shown)", "user_id": "u2", "list_id": "\#(id)", "context": "homepage"}"#
        _ = try service.send("POST", "/v1/interactions", text: click)
        _ = try service.send("POST", "/v1/interactions", text: click)
        var list = try RecommendationTests.stored(service, id) { $0["interactions"]?.arrayValue?.isEmpty == false }
        for _ in 0..<2 {
            #expect(list["user_id"] == "u2")
            #expect(list["context"] == "homepage")
            #expect(list["filters"]?["in_stock"] == true)
            #expect(list["items"]?.arrayValue?.count == 4)
            _ = try #require(list["items"]?.arrayValue?.first?["explain"]?["sentence"]?.stringValue)
            let named = (list["interactions"]?.arrayValue ?? []).map { $0["id"]?.stringValue }
            #expect(named == ["k1"])
            service.stop()
            service = try TestService(folder: folder, clock: service.clock)
            list = try RecommendationTests.stored(service, id) { _ in true }
        }
        service.clock.now += 31 * 86_400_000
        #expect(try service.send("GET", "/v1/lists/\(id)").status == 404)
        service.stop()
    }

    @Test("Attributions that the file of lists has missed are taken from the log when the tenant is opened")
    func catchUp() throws {
        let folder = NSTemporaryDirectory() + "footfall-lists-" + UUID().uuidString
        defer { try? FileManager.default.removeItem(atPath: folder) }
        let file = "\(folder)/tenants/\(TestService.tenantID)/lists.sqlite"
        var service = try TestService(folder: folder)
        try RecommendationTests.fill(service)
        let served = try RecommendationTests.json(service.send("GET", "/v1/recommendations?user_id=u2"))
        let id = try #require(served["list_id"]?.stringValue)
        _ = try RecommendationTests.stored(service, id) { _ in true }
        service.stop()
        // The file as it was before what follows, as after a loss of power.
        try FileManager.default.copyItem(atPath: file, toPath: file + ".before")
        service = try TestService(folder: folder, clock: service.clock)
        _ = try service.send(
            "POST", "/v1/interactions",
            text:
                #"{"id": "k2", "type": "view", "entity_id": "p1", "user_id": "u2", "list_id": "\#(id)", "context": "homepage"}"#
        )
        service.stop()
        try FileManager.default.removeItem(atPath: file)
        try FileManager.default.moveItem(atPath: file + ".before", toPath: file)
        service = try TestService(folder: folder, clock: service.clock)
        let list = try RecommendationTests.stored(service, id) { $0["interactions"]?.arrayValue?.isEmpty == false }
        let named = (list["interactions"]?.arrayValue ?? []).map { $0["id"]?.stringValue }
        #expect(named == ["k2"])
        service.stop()
    }

    @Test("What the person ordered in the last 30 days is moved down by the factor of the settings")
    func ordered() throws {
        let service = try TestService()
        defer { service.stop() }
        try RecommendationTests.fill(service)
        func score(_ id: String) throws -> JSONValue? {
            try RecommendationTests.json(
                service.send("GET", "/v1/recommendations?user_id=u3&limit=100&explain=true")
            )["items"]?.arrayValue?.first { $0["entity_id"]?.stringValue == id }
        }
        _ = try service.send(
            "POST", "/v1/interactions",
            text: #"{"type": "order", "entity_id": "p8", "user_id": "u3", "context": "checkout"}"#)
        let item = try #require(try score("p8"))
        let rules = try #require(item["explain"]?["rules"]?.arrayValue)
        #expect(rules.contains("ordered_recently"))
        let parts = try #require(item["explain"]?["parts"])
        let base = try #require(parts["base"]?.doubleValue)
        let personal = try #require(parts["personal"]?.doubleValue)
        let popularity = try #require(parts["popularity"]?.doubleValue)
        let total = try #require(item["score"]?.doubleValue)
        // Answers round to six digits.
        #expect(abs(total - 0.3 * (0.5 * base + 0.3 * personal + 0.2 * popularity)) < 2e-6)
        service.clock.now += 31 * 86_400_000
        let later = try #require(try score("p8")?["explain"]?["rules"]?.arrayValue)
        #expect(!later.contains("ordered_recently"))
    }

    @Test("The weights of the settings hold at once; weights that cannot be are refused")
    func settings() throws {
        let service = try TestService()
        defer { service.stop() }
        try RecommendationTests.fill(service)
        let set = try service.send(
            "PATCH", "/v1/settings",
            text:
                #"{"ranking_base_weight": 0, "ranking_personal_weight": 0, "ranking_popularity_weight": 1, "ranking_category_limit": 10}"#
        )
        #expect(set.status == 200)
        let items = try #require(
            try RecommendationTests.json(service.send("GET", "/v1/recommendations?user_id=u3&explain=true"))["items"]?
                .arrayValue)
        for item in items { #expect(item["score"] == item["explain"]?["parts"]?["popularity"]) }
        for text in [
            #"{"ranking_base_weight": 2}"#, #"{"ranking_popularity_weight": 0}"#, #"{"ranking_category_limit": 0}"#,
        ] {
            #expect(try service.send("PATCH", "/v1/settings", text: text).status != 200)
        }
    }
}
