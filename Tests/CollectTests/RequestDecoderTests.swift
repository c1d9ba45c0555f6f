import Collect
import Domain
import Testing

@Suite("The decoder of requests")
struct RequestDecoderTests {
    @Test(
        "A body that cannot be read as a whole is refused with a code",
        arguments: [
            ("", "json_empty"), ("{", "invalid_json"), ("nul", "invalid_json"), ("3", "invalid_body"),
            ("\"x\"", "invalid_body"), (#"{"interactions":{}}"#, "invalid_body"),
            (#"{"interactions":[],"extra":1}"#, "unknown_field"),
            (#"{"interactions":[],"interactions":[]}"#, "duplicate_key"),
            (#"{"interactions":[],"sent_at":"noon"}"#, "invalid_time"),
            (#"{"interactions":[{"type":"\ud800"}]}"#, "invalid_surrogate"),
            ("{\"type\":\"\u{7f}\" \u{1}}", "invalid_json"), ("[1,2", "invalid_json"), ("[] []", "invalid_json"),
        ])
    func unreadable(body: String, code: String) throws {
        let reception = try reception()
        let error = #expect(throws: FootfallError.self) { try decode(body, reception) }
        #expect(error?.code == code)
    }

    @Test("A batch is taken item by item, and one with too many items not at all")
    func batches() throws {
        let item = #"{"type":"view","entity_id":"p","user_id":"u"}"#
        let mixed = try decode(#"{"interactions":[\#(item),{"type":"nope"},\#(item)]}"#, reception())
        #expect(mixed.verdicts == ["ok", "unknown_type", "ok"])
        #expect(!mixed.isLone)
        #expect(try decode(item, reception()).isLone)
        let many = Array(repeating: item, count: 1001).joined(separator: ",")
        let reception = try reception()
        let error = #expect(throws: FootfallError.self) { try decode("[\(many)]", reception) }
        #expect(error?.code == "batch_too_large")
    }

    @Test("Lines are taken one by one, and a broken one does not hurt the others")
    func lines() throws {
        let item = #"{"type":"view","entity_id":"p","user_id":"u"}"#
        let body = "\(item)\r\n\n{oops\n\(item)\n\"lone \\ud800\"\n\(item)"
        let reception = try reception()
        let request = try Array(body.utf8).withBytes { (bytes) throws(FootfallError) in
            try RequestDecoder().stream(bytes, reception)
        }
        #expect(request.verdicts.count == 5)
        #expect(request.verdicts[0] == "ok" && request.verdicts[2] == "ok" && request.verdicts[4] == "ok")
        #expect(request.verdicts[1] == "invalid_json" && request.verdicts[3] == "invalid_json")
    }

    @Test("Shop's event about several products becomes one interaction each, with ids of its own and one list")
    func phoenix() throws {
        let body = """
            {"shop_domain": "demo", "customer_id": 8619514265739, "browser_session_id": "b1", "interaction_type":
             "recommendation_viewed", "context": "cart", "id": "e1", "metadata": {"product_ids": [1, "2", 3]}}
            """
        let reception = try reception()
        let (envelope, request) = try Array(body.utf8).withBytes { (bytes) throws(FootfallError) in
            try RequestDecoder().phoenix(bytes, reception)
        }
        #expect(envelope.domain == "demo")
        #expect(request.verdicts == ["ok", "ok", "ok"])
        let rows = request.batch.rows
        #expect(rows.map { request.batch.string($0.entityID) } == ["1", "2", "3"])
        #expect(rows.map { request.batch.string($0.id) } == ["e1:0", "e1:1", "e1:2"])
        #expect(Set(rows.map { request.batch.string($0.listID) }) == ["e1"])
        #expect(request.batch.string(rows[0].userID) == "8619514265739")
        #expect(request.batch.string(rows[0].browserSessionID) == "b1")
        #expect(request.eventID == "e1")
    }

    @Test("An event's id that leaves no room for a number still gives each of its interactions an id, always the same")
    func longEventID() throws {
        for (limit, length) in [(256, 256), (256, 255), (256, 254), (40, 39), (16, 16)] {
            let event = String(repeating: "e", count: length)
            let body = """
                {"shop_domain": "demo", "customer_id": 1, "interaction_type": "view", "id": "\(event)",
                 "metadata": {"product_ids": [\((0..<12).map { "\($0)" }.joined(separator: ","))]}}
                """
            func ids() throws -> [String] {
                let reception = try reception { $0.limits.maximumIDBytes = limit }
                let (_, request) = try Array(body.utf8).withBytes { (bytes) throws(FootfallError) in
                    try RequestDecoder().phoenix(bytes, reception)
                }
                #expect(request.verdicts.allSatisfy { $0 == "ok" }, "\(limit), \(length): \(request.verdicts)")
                #expect(request.batch.rows.allSatisfy { request.batch.string($0.listID) == event })
                return request.batch.rows.compactMap { request.batch.string($0.id) }
            }
            let first = try ids()
            #expect(Set(first).count == 12)
            #expect(first.allSatisfy { (1...limit).contains($0.utf8.count) })
            #expect(first[0].hasPrefix("e") == (length + 2 <= limit))
            #expect(try ids() == first)
        }
    }

    @Test("A search click keeps its query")
    func click() throws {
        let reception = try reception { $0.defaultVisitor = "v" }
        let request = try Array(#"{ "query": "lap\"top", "product_id": 123 }"#.utf8).withBytes {
            (bytes) throws(FootfallError) in try RequestDecoder().searchClick(bytes, reception)
        }
        #expect(request.verdicts == ["ok"])
        let row = request.batch.rows[0]
        #expect(request.batch.string(row.entityID) == "123")
        #expect(request.batch.string(row.typeName) == "search_click")
        #expect(request.batch.string(row.metadata) == #"{"query":"lap\"top"}"#)
    }

    @Test("Ids given on arrival are UUIDs of version 7 that do not repeat")
    func ids() throws {
        let item = #"{"type":"view","entity_id":"p","user_id":"u"}"#
        let request = try decode("[\(Array(repeating: item, count: 1000).joined(separator: ","))]", reception())
        let ids = request.batch.rows.compactMap { request.batch.string($0.id) }
        #expect(Set(ids).count == 1000)
        for id in ids {
            let parts = id.split(separator: "-")
            #expect(parts.map(\.count) == [8, 4, 4, 4, 12])
            #expect(parts[2].first == "7" && "89ab".contains(parts[3].first ?? "x"))
        }
    }
}
