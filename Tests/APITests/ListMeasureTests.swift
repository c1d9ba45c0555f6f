import API
import Domain
import Foundation
import JSON
import Synchronization
import Testing

@Suite("What comes of lists, and how current they are")
struct ListMeasureTests {
    static func metrics(_ service: TestService, until isThere: (JSONValue) -> Bool) throws -> JSONValue {
        var last = JSONValue.null
        for _ in 0..<300 {
            last = try service.send("GET", "/v1/recommendations/metrics?surface=for_you").json
            if isThere(last) { return last }
            usleep(20_000)
        }
        Issue.record("not measured: \(last.text)")
        return last
    }

    /// The entry of a surface as a whole.
    static func whole(_ metrics: JSONValue) -> JSONValue? {
        metrics["metrics"]?.arrayValue?.first { $0["source"]?.isNull == true }
    }

    @Test("Views, clicks, conversions and revenue are counted once, by list or by the last click, across a restart")
    func measures() throws {
        let folder = NSTemporaryDirectory() + "footfall-measures-" + UUID().uuidString
        defer { try? FileManager.default.removeItem(atPath: folder) }
        var service = try TestService(folder: folder)
        try RecommendationTests.fill(service)
        let list = try service.send("GET", "/v1/recommendations?user_id=u3&limit=4").json
        let id = try #require(list["list_id"]?.stringValue)
        let items = list["items"]?.arrayValue?.compactMap { $0["entity_id"]?.stringValue } ?? []
        func send(_ type: String, _ entity: String, _ more: String = "") throws {
            let text =
                #"{"type": "\#(type)", "entity_id": "\#(entity)", "user_id": "u3", "context": "homepage"\#(more)}"#
            #expect(try service.send("POST", "/v1/interactions", text: text).status == 200)
        }
        let named = #", "list_id": "\#(id)""#
        for item in items { try send("recommendation_viewed", item, named) }
        try send("recommendation_clicked", items[0], named)
        try send("view", items[0], named)
        try send("recommendation_clicked", items[1], named)
        // By the last click; and what was never clicked, or is not on the list, counts for nothing.
        try send("order", items[0], #", "metadata": {"price": "12.50", "quantity": 2, "currency": "EUR"}"#)
        try send("order", items[2])
        try send("order", "p22", named)
        var metrics = try ListMeasureTests.metrics(service) {
            ListMeasureTests.whole($0)?["conversions"] == 1 && ListMeasureTests.whole($0)?["clicks"] == 2
        }
        for round in 0..<2 {
            let whole = try #require(ListMeasureTests.whole(metrics))
            #expect(whole["lists"] == 1)
            #expect(whole["items"] == 4)
            #expect(whole["views"] == 4)
            #expect(whole["clicks"] == 2)
            #expect(whole["conversions"] == 1)
            #expect(whole["revenue"]?["EUR"]?.doubleValue == 25)
            #expect(whole["click_through"]?.doubleValue == 0.5)
            #expect(whole["conversion"]?.doubleValue == 0.5)
            let sources = (metrics["metrics"]?.arrayValue ?? []).filter { $0["source"]?.isNull == false }
            #expect(sources.reduce(0) { $0 + ($1["items"]?.integerValue ?? 0) } == 4)
            let text = try service.send("GET", "/metrics").text
            #expect(text.contains("footfall_list_revenue_total{tenant=\"shop\",surface=\"for_you\""), "round \(round)")
            service.stop()
            service = try TestService(folder: folder, clock: service.clock)
            metrics = try ListMeasureTests.metrics(service) { ListMeasureTests.whole($0) != nil }
        }
        service.stop()
    }

    @Test("An order without a click before is one; a price without a currency is in the product's")
    func orders() throws {
        let service = try TestService()
        defer { service.stop() }
        try RecommendationTests.fill(service)
        let list = try service.send("GET", "/v1/recommendations?user_id=u3&limit=5").json
        let id = try #require(list["list_id"]?.stringValue)
        let items = list["items"]?.arrayValue?.compactMap { $0["entity_id"]?.stringValue } ?? []
        func send(_ type: String, _ entity: String, _ more: String = "") throws {
            let text =
                #"{"type": "\#(type)", "entity_id": "\#(entity)", "user_id": "u3", "context": "homepage", "list_id": "\#(id)"\#(more)}"#
            #expect(try service.send("POST", "/v1/interactions", text: text).status == 200)
        }
        try send("recommendation_clicked", items[0])
        try send("order", items[0], #", "metadata": {"price": 3}"#)
        // Twice the same, and looked at afterwards: one click.
        try send("order", items[1], #", "metadata": {"price": 5, "quantity": 2}"#)
        try send("order", items[1], #", "value": 4, "metadata": {"price": 5}"#)
        try send("view", items[1])
        try send("order", items[2], #", "metadata": {"price": 7, "currency": "USD"}"#)
        try send("order", items[3], #", "metadata": {"price": 11, "currency": "coins"}"#)
        let metrics = try ListMeasureTests.metrics(service) { ListMeasureTests.whole($0)?["conversions"] == 5 }
        let whole = try #require(ListMeasureTests.whole(metrics))
        #expect(whole["clicks"] == 4 && whole["conversion"]?.doubleValue == 1.25, "\(whole.text)")
        #expect(whole["revenue"]?["EUR"]?.doubleValue == 33, "\(whole.text)")
        #expect(whole["revenue"]?["USD"]?.doubleValue == 7 && whole["revenue"]?["unknown"]?.doubleValue == 11)
    }

    @Test("The first list asked for after an acknowledgement knows the interaction, under load, every time")
    func current() throws {
        let service = try TestService()
        defer { service.stop() }
        try RecommendationTests.fill(service)
        let stop = Shared(Atomic(false))
        let load = (0..<2).map { lane in
            Thread {
                var round = 0
                while !stop.value.load(ordering: .relaxed) {
                    round += 1
                    let items = (0..<50).map { item in
                        #"{"type": "view", "entity_id": "p\#((round * 7 + item) % 24)", "user_id": "l\#(lane)-\#(round % 40)", "context": "homepage"}"#
                    }
                    _ = try? service.send(
                        "POST", "/v1/interactions", text: #"{"interactions": [\#(items.joined(separator: ","))]}"#)
                }
            }
        }
        for thread in load { thread.start() }
        defer { stop.value.store(true, ordering: .relaxed) }
        for round in 0..<60 {
            let product = "p\(round % 22)"
            let who = ["session_id", "anonymous_id", "user_id"][round % 3]
            let sent = try service.send(
                "POST", "/v1/interactions",
                text:
                    #"{"type": "view", "entity_id": "\#(product)", "\#(who)": "who-\#(round)", "context": "homepage"}"#)
            #expect(sent.status == 200)
            let list = try service.send(
                "GET", "/v1/recommendations?\(who)=who-\(round)&limit=24&explain=true&entity_type=product"
            ).json
            let items = list["items"]?.arrayValue ?? []
            // In retrieval (its neighbours are candidates) and in ranking (they say so).
            #expect(items.contains { $0["explain"]?["source"] == "neighbour" }, "\(round)")
            let sentences = items.compactMap { $0["explain"]?["sentence"]?.stringValue }
            #expect(sentences.contains("Because you viewed Item \(product)"), "\(round)")
            // And what was just seen is known as seen.
            let unseen = try service.send(
                "GET", "/v1/recommendations?\(who)=who-\(round)&limit=24&exclude_seen=true&entity_type=product"
            ).json
            #expect(!ListRuleTests.ids(unseen).contains(product), "\(round)")
            // A new entity is found at once by its words, its category and its brand.
            if round % 10 == 0 {
                let id = "fresh-\(round)"
                let entity =
                    #"{"type": "product", "id": "\#(id)", "title": "Item \#(product) mark II", "categories": ["c\#((round % 22) % 3)"], "brand": "b\#((round % 22) % 2)", "price": "\#(10 + round % 22)", "currency": "EUR"}"#
                #expect(try service.send("PUT", "/v1/entities", text: "[\(entity)]").status == 200)
                let next = try service.send(
                    "GET", "/v1/similar/product/\(product)?limit=30&explain=true"
                ).json
                let fresh = (next["items"]?.arrayValue ?? []).first { $0["entity_id"]?.stringValue == id }
                #expect(fresh?["explain"]?["source"] == "content", "\(round)")
            }
        }
    }
}

/// Carries something that may not be copied into closures.
final class Shared<Value: ~Copyable & Sendable>: Sendable {
    let value: Value
    init(_ value: consuming Value) { self.value = value }
}
