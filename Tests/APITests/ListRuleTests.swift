import API
import Domain
import Foundation
import JSON
import Testing

@Suite("Rules, surfaces and pages of lists over HTTP")
struct ListRuleTests {
    static func ask(_ service: TestService, _ body: String) throws -> JSONValue {
        let answer = try service.send("POST", "/v1/recommendations", text: body)
        #expect(answer.status == 200, "\(body): \(answer.text)")
        return answer.json
    }

    static func ids(_ list: JSONValue) -> [String] {
        list["items"]?.arrayValue?.compactMap { $0["entity_id"]?.stringValue } ?? []
    }

    /// The shop of ``RecommendationTests`` and some concerts.
    static func service() throws -> TestService {
        let service = try TestService()
        try RecommendationTests.fill(service)
        func concert(_ id: String, _ attributes: String) -> String {
            #"{"type": "event", "id": "\#(id)", "title": "Concert \#(id)", "labels": ["live"], "attributes": {\#(attributes)}}"#
        }
        let berlin = #""coordinates": {"lat": 52.52, "lng": 13.40}"#
        let entities = [
            concert("over", #""event_date": "2026-01-30T20:00:00Z", \#(berlin)"#),
            concert("tonight", #""event_date": "2026-01-31T20:00:00Z", "genre": "jazz", \#(berlin)"#),
            concert("today", #""event_date": "2026-01-31", "genre": "rock", \#(berlin)"#),
            concert(
                "running", #""start_time": "2026-01-31T11:00:00Z", "end_time": "2026-01-31T14:00:00Z", \#(berlin)"#),
            concert("ended", #""start_time": "2026-01-31T09:00:00Z", "end_time": "2026-01-31T11:59:00Z""#),
            concert("far", #""event_date": "2026-03-01T20:00:00Z", "coordinates": {"lat": 48.14, "lng": 11.58}"#),
        ]
        let put = try service.send("PUT", "/v1/entities", text: "[\(entities.joined(separator: ","))]")
        #expect(put.status == 200)
        return service
    }

    @Test("Concerts that are over are on no list; distance, time and attributes filter the others")
    func concerts() throws {
        let service = try ListRuleTests.service()
        defer { service.stop() }
        func found(_ more: String) throws -> Set<String> {
            Set(
                ListRuleTests.ids(
                    try ListRuleTests.ask(service, #"{"session_id": "s", "entity_type": "event"\#(more)}"#)))
        }
        #expect(try found("") == ["tonight", "today", "running", "far"])
        #expect(
            try found(#", "latitude": 52.5, "longitude": 13.4, "within_km": 30"#) == ["tonight", "today", "running"])
        #expect(try found(#", "filter": "distance(48.1, 11.6) < 20""#) == ["far"])
        #expect(try found(#", "filter": "starts_at >= now AND starts_at < now+1d""#) == ["tonight"])
        #expect(
            try found(#", "filter": "attributes.genre = jazz OR NOT EXISTS(attributes.genre)""#) == [
                "tonight", "running", "far",
            ])
        #expect(
            try found(#", "filter": "label = live AND NOT attributes.genre IN (jazz, rock)""#) == ["running", "far"])
        #expect(try found(#", "include": ["over", "tonight", "p1"]"#) == ["tonight"])
        // Time goes on.
        service.clock.now += 9 * 3_600_000
        #expect(try found("") == ["today", "far"])
        service.clock.now += 24 * 3_600_000
        #expect(try found("") == ["far"])
        // And a change of the catalogue counts at once.
        let moved = #"{"attributes": {"event_date": "2026-01-30T20:00:00Z"}}"#
        #expect(try service.send("PATCH", "/v1/entities/event/far", text: moved).status == 200)
        #expect(try found("").isEmpty)
    }

    @Test("Filters tell texts from numbers, ask whether there is an object, and compare distances with every sign")
    func attributes() throws {
        let service = try TestService()
        defer { service.stop() }
        let long = String(repeating: "long ", count: 100)
        let entities = [
            ("number", #"{"size": 10, "none": null}"#), ("text", #"{"size": "10", "lat": 48.1, "lon": 11.6}"#),
            ("deep", #"{"deep": {"size": 10, "deeper": {"deepest": {"size": 1}}}, "list": [{"a": 1}]}"#),
            ("long", #"{"story": "\#(long)", "deep": {}, "lat": 52.5, "lon": 13.4}"#),
        ].map { #"{"type": "event", "id": "\#($0.0)", "title": "\#($0.0)", "attributes": \#($0.1)}"# }
        let put = try service.send("PUT", "/v1/entities", text: "[\(entities.joined(separator: ","))]")
        #expect(put.status == 200)
        for (filter, wanted) in [
            ("attributes.size = 10", ["number"]), (#"attributes.size = \"10\""#, ["text"]),
            ("attributes.size != 10", ["text", "deep", "long"]),
            (#"attributes.size != \"10\""#, ["number", "deep", "long"]), ("attributes.size >= 10", ["number"]),
            ("attributes.deep.size = 10", ["deep"]), ("EXISTS(attributes.deep)", ["deep", "long"]),
            ("EXISTS(attributes.deep.deeper.deepest)", ["deep"]), ("EXISTS(attributes.list)", ["deep"]),
            ("EXISTS(attributes.story)", ["long"]), ("EXISTS(attributes.none)", []),
            ("distance(48, 11) < 100", ["text"]), ("distance(48, 11) >= 100", ["long"]),
            ("distance(48, 11) > 100 OR distance(48, 11) <= 100", ["text", "long"]),
        ] {
            let list = try ListRuleTests.ask(
                service, #"{"session_id": "s", "entity_type": "event", "filter": "\#(filter)"}"#)
            #expect(Set(ListRuleTests.ids(list)) == Set(wanted), "\(filter)")
        }
        let refused = try service.send(
            "POST", "/v1/recommendations", text: #"{"session_id": "s", "filter": "attributes. = 1"}"#)
        #expect(refused.status == 400 && refused.json["code"] == "invalid_filter", "\(refused.text)")
    }

    @Test("Times of events may be numbers: seconds or milliseconds")
    func numbers() throws {
        let service = try TestService()
        defer { service.stop() }
        let now = service.clock.now
        func event(_ id: String, _ start: String, _ end: String) -> String {
            #"{"type": "event", "id": "\#(id)", "title": "\#(id)", "attributes": {"start_time": \#(start), "end_time": \#(end)}}"#
        }
        let entities = [
            event("seconds", "\(now / 1000 + 60)", "\(now / 1000 + 3_600)"),
            event("fractions", "\(now / 1000 + 60).5", "\(now / 1000 + 3_600).5"),
            event("milliseconds", "\(now + 60_000)", "\(now + 3_600_000)"),
            event("over", "\(now / 1000 - 3_600)", "\(now / 1000 - 60)"),
            event("gone", "\(now - 3_600_000)", "\(now - 60_000)"),
        ]
        let put = try service.send("PUT", "/v1/entities", text: "[\(entities.joined(separator: ","))]")
        #expect(put.status == 200)
        for filter in ["", #", "filter": "starts_at > now AND starts_at <= now+2m""#] {
            let list = try ListRuleTests.ask(service, #"{"session_id": "s", "entity_type": "event"\#(filter)}"#)
            #expect(Set(ListRuleTests.ids(list)) == ["seconds", "fractions", "milliseconds"])
        }
    }

    @Test("Pins stand in their places unless they may not be shown, which the answer says")
    func pins() throws {
        let service = try ListRuleTests.service()
        defer { service.stop() }
        let list = try ListRuleTests.ask(
            service,
            #"{"user_id": "u3", "entity_type": "product", "limit": 6, "explain": true, "in_stock": true, "pin": [{"entity_id": "p20", "position": 1}, {"entity_id": "p9", "entity_type": "product", "position": 4}, {"entity_id": "p22", "position": 2}, {"entity_id": "p23", "position": 3}, {"entity_id": "none", "position": 5}]}"#
        )
        let ids = ListRuleTests.ids(list)
        #expect(ids.count == 6)
        #expect(ids.first == "p20" && ids[3] == "p9")
        #expect(!ids.contains("p22") && !ids.contains("p23"))
        #expect(
            Set(list["unmet"]?.arrayValue?.compactMap { $0["entity_id"]?.stringValue } ?? []) == ["p22", "p23", "none"])
        let rules = list["items"]?.arrayValue?.first?["explain"]?["rules"]?.arrayValue
        #expect(rules?.contains("pinned") == true)
    }

    @Test(
        "Contradictions and what cannot be read are refused with a code",
        arguments: [
            (#"{"user_id": "u1", "include": [], "limit": 5}"#, "contradictory_rules"),
            (#"{"user_id": "u1", "include": ["a"], "exclude": ["a"]}"#, "contradictory_rules"),
            (
                #"{"user_id": "u1", "pin": [{"entity_id": "a", "position": 1}], "exclude": ["a"]}"#,
                "contradictory_rules"
            ),
            (
                #"{"user_id": "u1", "pin": [{"entity_id": "a", "position": 1}, {"entity_id": "b", "position": 1}]}"#,
                "contradictory_rules"
            ),
            (#"{"user_id": "u1", "pin": [{"entity_id": "a", "position": 11}]}"#, "contradictory_rules"),
            (#"{"user_id": "u1", "pin": [{"entity_id": "a", "position": 0}]}"#, "invalid_parameter"),
            (#"{"user_id": "u1", "filter": "price <"}"#, "invalid_filter"),
            (#"{"user_id": "u1", "filter": "colour = red"}"#, "invalid_filter"),
            (#"{"user_id": "u1", "latitude": 1, "longitude": 2}"#, "invalid_parameter"),
            (#"{"user_id": "u1", "latitude": 91, "longitude": 2, "within_km": 1}"#, "invalid_parameter"),
            (#"{"user_id": "u1", "surface": "nowhere"}"#, "invalid_parameter"),
            (#"{"user_id": "u1", "surface": "search"}"#, "missing_query"),
            (#"{"user_id": "u1", "query": "shoes"}"#, "invalid_parameter"),
            (#"{"user_id": "u1", "cursor": "abcd"}"#, "invalid_cursor"),
            (#"{"user_id": "u1", "limit": 0}"#, "invalid_limit"),
            (#"{"user_id": "u1", "limit": 100000}"#, "invalid_limit"),
            (#"{"user_id": "u1", "limit": 1.5}"#, "invalid_limit"),
            (#"{"user_id": "u1", "foo": 1}"#, "unknown_field"),
            (#"{"user_id": "u1", "explain": "true"}"#, "invalid_parameter"),
            (#"{"user_id": "u1", "exclude": "a"}"#, "invalid_parameter"),
            (#"{"subject_type": "product", "user_id": "u1"}"#, "invalid_parameter"),
            (#"{"subject_type": "nothing", "subject_id": "p1"}"#, "unknown_entity_type"),
            ("[]", "invalid_body"), ("{}", "missing_audience"),
        ])
    func refusals(body: String, code: String) throws {
        let service = try TestService()
        defer { service.stop() }
        let answer = try service.send("POST", "/v1/recommendations", text: body)
        #expect(answer.status == 400, "\(body)")
        #expect(answer.code == code, "\(body): \(answer.text)")
    }

    @Test("Pages go on without repeats while interactions arrive, after a restart too; a cursor holds for its own list")
    func pages() throws {
        let folder = NSTemporaryDirectory() + "footfall-pages-" + UUID().uuidString
        defer { try? FileManager.default.removeItem(atPath: folder) }
        var service = try TestService(folder: folder)
        defer { service.stop() }
        try RecommendationTests.fill(service)
        let whole = ListRuleTests.ids(try ListRuleTests.ask(service, #"{"user_id": "u3", "limit": 23}"#))
        var seen: [String] = []
        var cursor: String?
        var first: String?
        for page in 0..<5 {
            let more = cursor.map { #", "cursor": "\#($0)""# } ?? ""
            let list = try ListRuleTests.ask(service, #"{"user_id": "u3", "limit": 5\#(more)}"#)
            seen += ListRuleTests.ids(list)
            cursor = list["next_cursor"]?.stringValue
            first = first ?? cursor
            _ = try service.send(
                "POST", "/v1/interactions",
                text: #"{"type": "order", "entity_id": "p\#(20 - page)", "user_id": "u3", "context": "checkout"}"#)
        }
        #expect(seen == whole)
        #expect(cursor == nil)
        let other = try service.send(
            "POST", "/v1/recommendations", text: #"{"user_id": "u4", "cursor": "\#(try #require(first))"}"#)
        #expect(other.code == "invalid_cursor")
        service.stop()
        service = try TestService(folder: folder, clock: service.clock)
        let again = try ListRuleTests.ask(
            service, #"{"user_id": "u3", "limit": 100, "cursor": "\#(try #require(first))"}"#)
        #expect(Set(ListRuleTests.ids(again)) == Set(whole.dropFirst(5)))
    }

    @Test("What was seen, bought and shown is left out when it is asked for, and shown counts from the first list")
    func repeats() throws {
        let service = try ListRuleTests.service()
        defer { service.stop() }
        let seen = ListRuleTests.ids(
            try ListRuleTests.ask(
                service, #"{"user_id": "u3", "entity_type": "product", "limit": 50, "exclude_seen": true}"#))
        #expect(Set(seen).isDisjoint(with: (6..<12).map { "p\($0)" }))
        #expect(seen.count == 23 - 6)
        _ = try service.send(
            "POST", "/v1/interactions",
            text: #"{"type": "order", "entity_id": "p1", "user_id": "u3", "context": "checkout"}"#)
        let bought = ListRuleTests.ids(
            try ListRuleTests.ask(
                service, #"{"user_id": "u3", "entity_type": "product", "limit": 50, "exclude_bought": true}"#))
        #expect(!bought.contains("p1") && bought.count == 22)
        let body = #"{"anonymous_id": "fresh", "entity_type": "product", "limit": 4, "exclude_shown": 2}"#
        let lists = try (0..<4).map { _ in ListRuleTests.ids(try ListRuleTests.ask(service, body)) }
        #expect(lists[0] == lists[1])
        #expect(lists[2] == lists[3])
        #expect(Set(lists[1]).isDisjoint(with: lists[2]))
    }

    @Test("Each surface makes its own list and says which it is")
    func surfaces() throws {
        let service = try ListRuleTests.service()
        defer { service.stop() }
        for (type, id) in [("view", "p4"), ("cart_add", "p10")] {
            _ = try service.send(
                "POST", "/v1/interactions",
                text: #"{"type": "\#(type)", "entity_id": "\#(id)", "user_id": "new", "context": "homepage"}"#)
        }
        let viewed = try ListRuleTests.ask(
            service, #"{"user_id": "new", "surface": "because_you_viewed", "explain": true}"#)
        #expect(!ListRuleTests.ids(viewed).contains("p4"))
        #expect(viewed["surface"] == "because_you_viewed")
        let sentences = viewed["items"]?.arrayValue?.compactMap { $0["explain"]?["sentence"]?.stringValue } ?? []
        #expect(sentences.contains("Because you viewed Item p4"))
        let cart = ListRuleTests.ids(try ListRuleTests.ask(service, #"{"user_id": "new", "surface": "cart"}"#))
        #expect(!cart.contains("p10") && cart.count == 10)
        let named = ListRuleTests.ids(
            try ListRuleTests.ask(service, #"{"user_id": "new", "surface": "cart", "cart": ["p1", "p2"]}"#))
        #expect(!named.contains("p1") && !named.contains("p2") && named != cart)
        for surface in ["bought_together", "similar"] {
            let list = try ListRuleTests.ask(
                service, #"{"subject_type": "product", "subject_id": "p4", "surface": "\#(surface)"}"#)
            #expect(list["surface"]?.stringValue == surface)
            #expect(ListRuleTests.ids(list).count == 10 && !ListRuleTests.ids(list).contains("p4"))
        }
        for surface in ["trending_near_your_taste", "people_like_you"] {
            let list = try ListRuleTests.ask(service, #"{"user_id": "u3", "surface": "\#(surface)"}"#)
            #expect(ListRuleTests.ids(list).count == 10)
        }
        let found = try ListRuleTests.ask(
            service, #"{"user_id": "u3", "surface": "search", "query": "concert", "entity_type": "event", "limit": 3}"#)
        #expect(ListRuleTests.ids(found).count == 3)
        #expect(found["fallback"] == .null)
    }

    @Test("Bought together is what orders say, and says so when there are none; people like you is what persons have")
    func company() throws {
        let service = try ListRuleTests.service()
        defer { service.stop() }
        func send(_ type: String, _ user: String, _ entities: [String]) throws {
            let items = entities.map {
                #"{"type": "\#(type)", "entity_id": "\#($0)", "user_id": "\#(user)", "context": "checkout"}"#
            }
            let text = #"{"interactions": [\#(items.joined(separator: ", "))]}"#
            #expect(try service.send("POST", "/v1/interactions", text: text).status == 200)
        }
        func together() throws -> JSONValue {
            try ListRuleTests.ask(
                service,
                #"{"subject_type": "product", "subject_id": "p4", "surface": "bought_together", "explain": true}"#)
        }
        let before = try together()
        #expect(before["fallback"]?.stringValue != nil, "\(before)")
        // Looked at together by many, but bought together with others.
        for user in 0..<6 { try send("view", "looks\(user)", ["p4", "p5", "p4", "p5"]) }
        for user in 0..<4 { try send("order", "buys\(user)", ["p4", "p15", "p\(16 + user)"]) }
        let after = try together()
        let sources = after["items"]?.arrayValue?.map { $0["explain"]?["source"]?.stringValue ?? "" } ?? []
        #expect(Array(sources.prefix(5)) == Array(repeating: "bought", count: 5))
        #expect(Set(ListRuleTests.ids(after).prefix(5)) == ["p15", "p16", "p17", "p18", "p19"])
        let best = after["items"]?.arrayValue?.first { $0["entity_id"] == "p15" }?["explain"]
        #expect(best?["sentence"] == "Bought together with Item p4" && best?["parts"]?["neighbours"]?.doubleValue == 1)
        #expect(after["fallback"]?.stringValue != nil && sources.dropFirst(5).allSatisfy { $0 != "bought" })

        for twin in ["twin1", "twin2"] { try send("view", twin, ["p1", "p2", "p3", "p20"]) }
        try send("view", "me", ["p1", "p2", "p3"])
        let people = try ListRuleTests.ask(
            service, #"{"user_id": "me", "surface": "people_like_you", "explain": true}"#)
        let items = people["items"]?.arrayValue ?? []
        let own = items.filter { $0["explain"]?["source"] == "people" }
        #expect(own.contains { $0["entity_id"] == "p20" }, "\(people)")
        #expect(items.first?["explain"]?["source"] == "people")
        for item in own {
            #expect(item["explain"]?["sentence"]?.stringValue?.hasPrefix("People who like Item p") == true, "\(item)")
        }
        #expect((own.count == items.count) == (people["fallback"] == .null))
    }

    @Test("Settings of a surface are kept, checked, and changed back by null")
    func settings() throws {
        let service = try ListRuleTests.service()
        defer { service.stop() }
        func patch(_ text: String) throws -> Answer { try service.send("PATCH", "/v1/settings", text: text) }
        let set = try patch(
            #"{"ranking_surfaces": {"for_you": {"recallers": [{"name": "popular", "most": 20}], "base_weight": 0, "personal_weight": 0, "popularity_weight": 1, "category_limit": 10, "exploration": 0}}}"#
        )
        #expect(set.status == 200, "\(set.text)")
        #expect(
            set.json["settings"]?["ranking_surfaces"]?["for_you"]?["popularity_weight"] != nil
                || set.text.contains("popularity_weight"))
        let list = try ListRuleTests.ask(service, #"{"user_id": "u3", "explain": true}"#)
        for item in list["items"]?.arrayValue ?? [] {
            #expect(item["score"] == item["explain"]?["parts"]?["popularity"])
            #expect(item["explain"]?["source"] == "popular")
        }
        #expect(try patch(#"{"ranking_surfaces": {"for_you": null}}"#).status == 200)
        for text in [
            #"{"ranking_surfaces": {"nowhere": {}}}"#, #"{"ranking_surfaces": {"cart": {"relevance": 2}}}"#,
            #"{"ranking_surfaces": {"cart": {"recallers": [{"name": "magic"}]}}}"#,
            #"{"ranking_surfaces": {"cart": {"recallers": [{"name": "popular"}, {"name": "popular"}]}}}"#,
            #"{"ranking_surfaces": {"cart": {"base_weight": 0, "personal_weight": 0, "popularity_weight": 0}}}"#,
            #"{"ranking_surfaces": {"cart": {"colour": 1}}}"#,
            #"{"ranking_surfaces": {"cart": {"exclude_shown": -1}}}"#,
            #"{"ranking_surfaces": []}"#,
        ] {
            let refused = try patch(text)
            #expect(refused.status >= 400 && refused.status < 500, "\(text)")
            #expect(refused.code == "invalid_settings", "\(text)")
        }
    }
}
