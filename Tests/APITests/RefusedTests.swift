import Domain
import Foundation
import JSON
import Storage
import Synchronization
import Testing

@testable import API

@Suite("Refused interactions", .serialized)
struct RefusedTests {
    private static let zap = #"{"type":"zap","entity_id":"p1","user_id":"u1"}"#
    private static let plan = #"{"extends":"default","interaction_types":{"zap":{"weight":1}}}"#

    @Test("Pages of long texts end early and can be followed to the end")
    func pages() throws {
        let service = try TestService()
        defer { service.stop() }
        let padding = String(repeating: "x", count: 900_000)
        for number in 0..<40 {
            let item =
                #"{"type":"zap","id":"i\#(number)","entity_id":"p","user_id":"u","metadata":{"x":"\#(padding)"}}"#
            #expect(try service.send("POST", "/v1/interactions", text: item).status == 422)
        }
        var seen: [String] = []
        var cursor = "0"
        var pages = 0
        while true {
            let page = try service.send("GET", "/v1/rejected?limit=1000&cursor=\(cursor)")
            #expect(page.status == 200)
            #expect(page.body.count < 32 << 20)
            seen += page.json["rejected"]?.arrayValue?.compactMap { $0["id"]?.stringValue } ?? []
            pages += 1
            guard let next = page.json["next_cursor"]?.stringValue else { break }
            cursor = next
        }
        #expect(seen == (0..<40).map { "i\($0)" })
        #expect(pages > 1)
    }

    @Test("A page has as many as were asked for, and says where the next one begins")
    func limits() throws {
        let service = try TestService()
        defer { service.stop() }
        let body = Array(repeating: Self.zap, count: 25).joined(separator: ",")
        #expect(try service.send("POST", "/v1/interactions", text: "[\(body)]").status == 200)
        for limit in [1, 7, 8, 9, 16, 25, 26] {
            let page = try service.send("GET", "/v1/rejected?limit=\(limit)").json
            #expect(page["rejected"]?.arrayValue?.count == min(limit, 25))
            #expect((page["next_cursor"] != nil) == (limit <= 25), "\(limit)")
        }
        #expect(try service.send("GET", "/v1/rejected?code=unknown_type").json["rejected"]?.arrayValue?.count == 25)
        #expect(try service.send("GET", "/v1/rejected?code=other").json["rejected"]?.arrayValue?.isEmpty == true)
    }

    @Test("The total is of what is asked for")
    func total() throws {
        let service = try TestService()
        defer { service.stop() }
        let body = Array(repeating: Self.zap, count: 25).joined(separator: ",") + #",{"type":"view","user_id":"u1"}"#
        #expect(try service.send("POST", "/v1/interactions", text: "[\(body)]").status == 200)
        for (query, total) in [
            ("", 26), ("?code=unknown_type", 25), ("?code=missing_entity_id", 1), ("?code=other", 0),
        ] {
            for page in ["limit=7", "cursor=20"] {
                let target = "/v1/rejected\(query)\(query.isEmpty ? "?" : "&")\(page)"
                #expect(try service.send("GET", target).json["total"]?.integerValue == Int64(total), "\(target)")
            }
        }
    }

    @Test("A line that was not UTF-8 is refused again by a replay, one with U+FFFD of its own is not")
    func lostBytes() throws {
        let service = try TestService()
        defer { service.stop() }
        var body = Array(#"{"type":"view","entity_id":"p"#.utf8) + [0xff, 0xfe]
        body += Array((#"","user_id":"u"}"# + "\n").utf8)
        body += Array((#"{"type":"zap","entity_id":"p\#u{fffd}","user_id":"u"}"# + "\n").utf8)
        let sent = try service.send("POST", "/v1/interactions", type: "application/x-ndjson", body)
        #expect(sent.status == 200 && sent.json["tracked"] == 0, "\(sent.text)")
        #expect(try service.send("PUT", "/v1/plan", text: Self.plan).status == 200)
        let replayed = try service.send("POST", "/v1/rejected/replay")
        #expect(replayed.json["replayed"] == 1 && replayed.json["rejected"] == 1, "\(replayed.text)")
        let left = try service.send("GET", "/v1/rejected").json["rejected"]?.arrayValue
        #expect(left?.compactMap { $0["code"]?.stringValue } == ["invalid_json"])
        let own = try service.send("GET", "/v1/users/u/interactions").json["interactions"]?.arrayValue
        #expect(own?.compactMap { $0["entity_id"]?.stringValue } == ["p\u{fffd}"])
    }

    @Test("What does not pass a replay has the reason of that check from then on, and is found by it")
    func reasons() throws {
        let service = try TestService()
        defer { service.stop() }
        for item in [#"{"type":"zap","user_id":"u1"}"#, #"{"type":"zip","entity_id":"p","user_id":"u1"}"#] {
            #expect(try service.send("POST", "/v1/interactions", text: item).json["code"] == "unknown_type")
        }
        func listed(_ code: String) throws -> [JSONValue] {
            try service.send("GET", "/v1/rejected?code=\(code)").json["rejected"]?.arrayValue ?? []
        }
        let before = try listed("unknown_type")
        let plan = try service.send("PUT", "/v1/plan", text: Self.plan).json["version"]?.integerValue
        #expect(before.count == 2 && before[0]["plan_version"]?.integerValue != plan)
        let replayed = try service.send("POST", "/v1/rejected/replay")
        #expect(replayed.json["rejected"] == 2, "\(replayed.text)")
        let missing = try listed("missing_entity_id")
        #expect(missing.map { $0["number"] } == [1])
        #expect(missing.first?["plan_version"]?.integerValue == plan)
        #expect(missing.first?["message"]?.stringValue?.contains("entity_id") == true)
        #expect(missing.first?["interaction"] == before[0]["interaction"])
        let unknown = try listed("unknown_type")
        #expect(unknown.map { $0["number"] } == [2])
        #expect(unknown.first?["plan_version"]?.integerValue == plan)
        // What is found by the old code is not what has another by now.
        let again = try service.send("POST", "/v1/rejected/replay", text: #"{"code":"unknown_type"}"#)
        #expect(again.json["rejected"] == 1, "\(again.text)")
    }

    @Test("What came under a user's token is stored for no other user, by a replay either")
    func forged() throws {
        let service = try TestService()
        defer { service.stop() }
        let long = String(repeating: "s", count: 300)
        func send(_ path: String, _ text: String, type: String = "application/json") throws -> Answer {
            let headers = [("X-User-Token", InputTests.token(user: "u1", service))]
            return try service.send("POST", path, key: service.writeKey, type: type, headers: headers, Array(text.utf8))
        }
        let forged = [
            #"{"type":"view","entity_id":"p","user_id":"stranger"}"#,
            #"{"type":"zap","entity_id":"p","user_id":"stranger"}"#, #"{"type":"zap","user_id":"stranger"}"#,
            #"{"type":"zap","entity_id":"p","user_id":"\#(long)"}"#, #"{"type":"zap","entity_id":"p","user_id":7}"#,
        ]
        for item in forged { #expect(try send("/v1/interactions", item).json["code"] == "user_not_allowed", "\(item)") }
        let lines = try send("/v1/interactions", forged.joined(separator: "\n"), type: "application/x-ndjson")
        let batch = try send("/v1/interactions", "[\(forged.joined(separator: ","))]")
        for answer in [lines, batch] {
            let codes = answer.json["results"]?.arrayValue?.compactMap { $0["code"]?.stringValue }
            #expect(codes == forged.map { _ in "user_not_allowed" }, "\(answer.text)")
        }
        func event(_ customer: String) -> String {
            #"{"shop_domain":"shop","customer_id":\#(customer),"interaction_type":"zap","context":"cart","metadata":{"product_id":1}}"#
        }
        let phoenix = "/api/phoenix/track-interaction"
        #expect(try send(phoenix, event("\"stranger\"")).json["errors"]?[0]?["code"] == "user_not_allowed")
        let click = #"{"query":"q","product_id":"p","user_id":"stranger"}"#
        #expect(try send("/search/click", click).json["code"] == "user_not_allowed")
        // Not of the shape of this path, but of the shape that a replay reads.
        let disguised = try send("/api/track", forged[0])
        #expect(disguised.json["errors"]?[0]?["code"] == "unknown_field", "\(disguised.text)")
        // These name nobody, or the one whose token it is: the user is kept with them.
        let own = [#"{"type":"zap","entity_id":"p"}"#, #"{"type":"zap","entity_id":"p","user_id":"u1"}"#]
        for item in own { #expect(try send("/v1/interactions", item).json["code"] == "unknown_type") }
        #expect(try send(phoenix, event("null")).json["errors"]?[0]?["code"] == "unknown_type")

        #expect(try service.send("PUT", "/v1/plan", text: Self.plan).status == 200)
        let replayed = try service.send("POST", "/v1/rejected/replay", text: "{}")
        #expect(replayed.json["tracked"] == 3 && replayed.json["rejected"] == 18, "\(replayed.text)")
        let again = try service.send("POST", "/v1/rejected/replay", text: #"{"code":"user_not_allowed"}"#)
        #expect(again.json["replayed"] == 0 && again.json["rejected"] == 17, "\(again.text)")
        let stored = try service.send("GET", "/v1/interactions").json["interactions"]?.arrayValue
        #expect(stored?.compactMap { $0["user_id"]?.stringValue } == ["u1", "u1", "u1"])
        #expect(try service.send("GET", "/v1/rejected").json["total"] == 18)
    }

    @Test("Nobody can fill the disk with what is refused, however long a tenant keeps its data")
    func limit() throws {
        var settings = TenantSettings()
        settings.retentionDays = nil
        let service = try TestService(settings: settings)
        defer { service.stop() }
        let changed = try service.send("PATCH", "/v1/settings", text: #"{"maximum_refused_bytes":1000000}"#)
        #expect(changed.json["maximum_refused_bytes"] == 1_000_000, "\(changed.text)")
        let long = String(repeating: "x", count: 50_000)
        let line = #"{"type":"zap","entity_id":"p","user_id":"u","metadata":{"a":"\#(long)"}}"#
        let report = #"{"context":"c","error_message":"m","error_stack":"\#(long)"}"#
        for _ in 0..<20 {
            let body = Array(repeating: line, count: 10).joined(separator: ",")
            #expect(try service.send("POST", "/v1/interactions", text: "[\(body)]").status == 200)
            let reports = Array(repeating: report, count: 10).joined(separator: ",")
            #expect(try service.send("POST", "/v1/errors", text: "[\(reports)]").status == 200)
        }
        let kept = try service.tenant.store.rejectedCount()
        #expect((10...20).contains(kept), "\(kept)")
        let last = try service.send("GET", "/v1/rejected?limit=1000").json["rejected"]?.arrayValue?.last
        #expect(last?["number"] == 200)
        #expect((10...20).contains(try service.tenant.store.systemErrors(limit: 1000).count))
        let metrics = try service.send("GET", "/metrics").text
        let dropped = service.tenant.store.droppedRefused
        #expect(dropped >= 360 && metrics.contains("footfall_refused_dropped_total{tenant=\"shop\"} \(dropped)"))
        let wrong = try service.send("PATCH", "/v1/settings", text: #"{"maximum_refused_bytes":1000}"#)
        #expect(wrong.status == 422)
    }

    @Test("A replay goes on at the cursor that it gave, as text or as a number; any other is refused")
    func replayPages() throws {
        let service = try TestService()
        defer { service.stop() }
        let body = Array(repeating: Self.zap, count: 9).joined(separator: ",")
        #expect(try service.send("POST", "/v1/interactions", text: "[\(body)]").json["tracked"] == 0)
        let path = "/v1/rejected/replay"
        let first = try service.send("POST", path, text: #"{"limit":4}"#)
        #expect(first.json["next_cursor"] == "4" && first.json["rejected"] == 4, "\(first.text)")
        for cursor in ["\"4\"", "4"] {
            let next = try service.send("POST", path, text: #"{"limit":4,"cursor":\#(cursor)}"#)
            #expect(next.status == 200 && next.json["next_cursor"] == "8", "\(cursor): \(next.text)")
        }
        let last = try service.send("POST", path, text: #"{"limit":4,"cursor":"8"}"#)
        #expect(last.json["rejected"] == 1 && last.json["next_cursor"] == nil, "\(last.text)")
        for cursor in [#""""#, #""-1""#, "-1", #""+4""#, #""4x""#, "1.5", "null", "[4]", #""9223372036854775808""#] {
            let wrong = try service.send("POST", path, text: #"{"cursor":\#(cursor)}"#)
            #expect(wrong.status == 400 && wrong.json["code"] == "invalid_body", "\(cursor): \(wrong.text)")
            #expect(wrong.json["pointer"] == "/cursor", "\(wrong.text)")
        }
        let document = try service.send("GET", "/openapi.json").json
        #expect(document["components"]?["schemas"]?["RefusedCursor"]?["type"] == "string")
    }

    @Test("An error report has ids as interactions have them, and says where and what")
    func reports() throws {
        let service = try TestService()
        defer { service.stop() }
        func send(_ rest: String) throws -> Answer { try service.send("POST", "/v1/errors", text: "{\(rest)}") }
        let said = #""context":"c","error_message":"m""#
        for (id, text) in [
            ("42", "42"), ("-7", "-7"), ("12.0", "12"),
            ("123456789012345678901234567890", "123456789012345678901234567890"),
            (#""u1""#, "u1"),
        ] {
            #expect(try send("\(said),\"user_id\":\(id)").status == 200, "\(id)")
            let kept = try service.send("GET", "/v1/errors?limit=1").json["errors"]?[0]
            #expect(kept?["user_id"]?.stringValue == text, "\(id)")
        }
        #expect(try send("\(said),\"user_id\":null").status == 200)
        for rest in [
            #""context":"","error_message":"m""#, #""context":"c","error_message":"""#, #""context":"c""#,
            "\(said),\"user_id\":\"\"", "\(said),\"user_id\":1.5", "\(said),\"user_id\":true",
            "\(said),\"user_id\":-0.0",
            "\(said),\"user_id\":1e3",
        ] {
            let refused = try send(rest)
            #expect(refused.status == 422 && refused.json["code"] == "invalid_error", "\(rest): \(refused.text)")
        }
        #expect(try service.tenant.store.systemErrors(limit: 100).count == 6)
    }

    @Test("Replays at the same time store each refused interaction once")
    func replays() throws {
        let service = try TestService()
        defer { service.stop() }
        let body = Array(repeating: Self.zap, count: 200).joined(separator: ",")
        #expect(try service.send("POST", "/v1/interactions", text: "[\(body)]").json["tracked"] == 0)
        #expect(try service.send("PUT", "/v1/plan", text: Self.plan).status == 200)
        // The writer is held up, so that the replays meet.
        let gate = DispatchSemaphore(value: 0)
        service.tenant.change({ _ in gate.wait() }, applied: { _ in }, completion: { _ in })
        let statuses = Mutex<[Int]>([])
        let group = DispatchGroup()
        for _ in 0..<4 {
            group.enter()
            Thread.detachNewThread {
                let status = (try? service.send("POST", "/v1/rejected/replay").status) ?? 0
                statuses.withLock { $0.append(status) }
                group.leave()
            }
        }
        // Three are turned away while the fourth waits for the writer.
        for _ in 0..<6000 where statuses.withLock({ $0.count }) < 3 { Thread.sleep(forTimeInterval: 0.01) }
        gate.signal()
        group.wait()
        #expect(statuses.withLock { $0.sorted() } == [200, 409, 409, 409])
        #expect(try service.tenant.store.interactionCount() == 200)
        #expect(try service.tenant.store.rejectedCount() == 0)
        // And the next one is let in.
        let again = try service.send("POST", "/v1/rejected/replay")
        #expect(again.status == 200 && again.json["replayed"] == 0)
    }
}
