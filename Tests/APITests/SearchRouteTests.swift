import API
import Domain
import Foundation
import JSON
import Testing

@Suite("Searching over HTTP", .serialized)
struct SearchRouteTests {
    private func fill(_ service: TestService) throws {
        let entities = """
            {"entities": [
              {"type": "product", "id": "p1", "title": "Red laptop", "categories": ["Computers"], "price": "899.50",
               "currency": "EUR", "inventory": 3},
              {"type": "product", "id": "p2", "title": "Laptop bag", "price": "30", "currency": "EUR", "inventory": 0},
              {"type": "product", "id": "p3", "title": "Hidden laptop", "hidden": true}]}
            """
        #expect(try service.send("PUT", "/v1/entities", text: entities).status == 200)
    }

    private func ids(_ answer: Answer) -> [String] {
        (answer.json["results"]?.arrayValue ?? []).compactMap { $0["product_id"]?.stringValue }
    }

    private func count(_ service: TestService, _ id: String) throws -> Int64 {
        let stats = try service.send("GET", "/v1/entities/product/\(id)/stats").json
        return stats["counts"]?["search_count"]?.integerValue ?? 0
    }

    @Test("A search finds, counts what it shows, is listed, and is there again after a restart")
    func whole() throws {
        let folder = NSTemporaryDirectory() + "footfall-search-" + UUID().uuidString
        defer { try? FileManager.default.removeItem(atPath: folder) }
        let first = try TestService(folder: folder)
        try fill(first)
        let answer = try first.send("POST", "/search", text: #"{"query": "laptop", "user_id": "u1"}"#)
        #expect(answer.status == 200)
        #expect(Set(ids(answer)) == ["p1", "p2"])
        #expect(answer.json["total"]?.integerValue == 2)
        let id = try #require(answer.json["search_id"]?.stringValue)
        #expect(
            ids(try first.send("POST", "/search", text: #"{"query": "lapotp", "filters": {"in_stock": true}}"#)) == [
                "p1"
            ])
        #expect(try first.send("POST", "/search", text: #"{"query": "nowhere"}"#).json["total"]?.integerValue == 0)
        #expect(try first.send("POST", "/search", text: #"{"query": " NOWHERE "}"#).json["total"]?.integerValue == 0)
        #expect(try count(first, "p1") == 2)
        #expect(try count(first, "p2") == 1)
        #expect(try count(first, "p3") == 0)

        let click = try first.send(
            "POST", "/search/click", text: #"{"query": "Laptop", "product_id": "p1", "user_id": "u1"}"#)
        #expect(click.json["success"] == true)
        let clicked = try first.send("GET", "/v1/users/u1/interactions").json["interactions"]?.arrayValue?.first
        #expect(clicked?["list_id"]?.stringValue == id)
        #expect(clicked?["metadata"]?["search_id"]?.stringValue == id)

        let listed = try first.send("GET", "/v1/searches?limit=10").json["searches"]?.arrayValue ?? []
        #expect(listed.count == 4)
        #expect(listed.last?["search_id"]?.stringValue == id)
        let empty = try first.send("GET", "/v1/searches?results=none").json["queries"]?.arrayValue ?? []
        #expect(empty.map { $0["query"]?.stringValue } == ["nowhere"])
        #expect(empty.first?["count"]?.integerValue == 2)
        #expect(try first.send("GET", "/v1/searches", key: first.writeKey).status == 403)

        #expect(try first.send("DELETE", "/v1/entities/product/p1").status == 204)
        #expect(ids(try first.send("POST", "/search", text: #"{"query": "laptop"}"#)) == ["p2"])
        first.stop()
        // Once from the snapshot, once from the whole log.
        for withSnapshot in [true, false] {
            if !withSnapshot {
                try FileManager.default.removeItem(atPath: "\(folder)/tenants/\(TestService.tenantID)/live.snapshot")
            }
            let again = try TestService(folder: folder)
            #expect(try count(again, "p1") == 2)
            #expect(try count(again, "p2") == 2)
            let found = try again.send("POST", "/search", text: #"{"query": "laptop", "filters": {"price_max": 1}}"#)
            #expect(ids(found).isEmpty)
            // The click finds its search in the log.
            let late = try again.send(
                "POST", "/search/click", text: #"{"query": "laptop", "product_id": "p2", "user_id": "u1"}"#)
            #expect(late.status == 200)
            let last = try again.send("GET", "/v1/users/u1/interactions").json["interactions"]?.arrayValue?.first
            #expect(last?["list_id"]?.stringValue == id)
            again.stop()
        }
    }

    @Test("A click more than half an hour after the search, or with another query, belongs to none")
    func window() throws {
        let service = try TestService()
        defer { service.stop() }
        try fill(service)
        _ = try service.send("POST", "/search", text: #"{"query": "bag", "user_id": "u1"}"#)
        func list(_ query: String) throws -> JSONValue? {
            let body = #"{"query": "\#(query)", "product_id": "p2", "user_id": "u1"}"#
            #expect(try service.send("POST", "/search/click", text: body).status == 200)
            return try service.send("GET", "/v1/users/u1/interactions").json["interactions"]?.arrayValue?.first?[
                "list_id"]
        }
        #expect(try list("bags") == nil)
        service.clock.now += 30 * 60_000
        #expect(try list("bag") != nil)
        service.clock.now += 1
        #expect(try list("bag") == nil)
    }

    @Test("Old searches go with retention, and what they counted stays")
    func retention() throws {
        var settings = TenantSettings()
        settings.retentionDays = 1
        let folder = NSTemporaryDirectory() + "footfall-search-" + UUID().uuidString
        defer { try? FileManager.default.removeItem(atPath: folder) }
        let service = try TestService(folder: folder, settings: settings)
        try fill(service)
        _ = try service.send("POST", "/search", text: #"{"query": "laptop"}"#)
        service.clock.now += 3 * 86_400_000
        _ = try service.send("POST", "/search", text: #"{"query": "bag"}"#)
        let cleaning = Maintenance(directory: service.directory, log: Log(level: .error)) { [clock = service.clock] in
            clock.now
        }
        var left = 2
        for _ in 0..<100 where left > 1 {
            usleep(100_000)
            left = try service.send("GET", "/v1/searches").json["searches"]?.arrayValue?.count ?? 2
        }
        cleaning.stop()
        #expect(left == 1)
        #expect(try count(service, "p1") == 1)
        #expect(try count(service, "p2") == 2)
        service.stop()
        try? FileManager.default.removeItem(atPath: "\(folder)/tenants/\(TestService.tenantID)/live.snapshot")
        let again = try TestService(folder: folder, settings: settings)
        defer { again.stop() }
        #expect(try count(again, "p1") == 1)
        #expect(try count(again, "p2") == 2)
    }

    @Test(
        "Bad input gets a code and a sentence",
        arguments: [
            (#"{}"#, "missing_query"), (#"{"query": 1}"#, "invalid_query"), (#"[]"#, "invalid_body"),
            (#"{"query": "a", "limit": 0}"#, "invalid_limit"), (#"{"query": "a", "limit": 100000}"#, "invalid_limit"),
            (#"{"query": "a", "filters": 1}"#, "invalid_filters"),
            (#"{"query": "a", "filters": {"colour": "red"}}"#, "unknown_field"),
            (#"{"query": "a", "filters": {"price_min": "-1"}}"#, "invalid_filters"),
            (#"{"query": "a", "filters": {"price_min": 2, "price_max": 1}}"#, "contradictory_filters"),
            (#"{"query": "a", "filters": {"entity_type": "planet"}}"#, "unknown_entity_type"),
            (#"{"query": "a", "user_id": []}"#, "invalid_user_id"), (#"{"query": "a\u0000b"}"#, "invalid_unicode"),
            ("{\"query\": \"" + String(repeating: "a", count: 10_000) + "\"}", "query_too_long"),
        ])
    func badInput(body: String, code: String) throws {
        let service = try TestService()
        defer { service.stop() }
        let answer = try service.send("POST", "/search", text: body)
        #expect(answer.status == 400)
        #expect(answer.code == code)
    }
}
