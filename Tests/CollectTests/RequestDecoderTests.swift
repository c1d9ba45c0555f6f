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

    @Test("Shop's event must say where it happened", arguments: ["", #""context": null,"#])
    func phoenixContext(context: String) throws {
        let body =
            #"{"shop_domain": "demo", \#(context) "customer_id": 1, "interaction_type": "view", "metadata": {"product_id": 2}}"#
        let reception = try reception()
        let error = #expect(throws: FootfallError.self) {
            try Array(body.utf8).withBytes { (bytes) throws(FootfallError) in
                try RequestDecoder().phoenix(bytes, reception)
            }
        }
        #expect(error?.code == "missing_context" && error?.path == "/context")
        #expect(error?.message == #""context" is required."#)
    }

    @Test("An event's id that leaves no room for a number still gives each of its interactions an id, always the same")
    func longEventID() throws {
        for (limit, length) in [(256, 256), (256, 255), (256, 254), (40, 39), (16, 16)] {
            let event = String(repeating: "e", count: length)
            let body = """
                {"shop_domain": "demo", "customer_id": 1, "interaction_type": "view", "context": "cart", "id": "\(event)",
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

    @Test("A plan without posts refuses what comes to Feed's path, item by item, and keeps it as posts")
    func feedWithoutPosts() throws {
        let item = #"{"post_id":"p","interaction_type":"view"}"#
        func send(_ preset: String) throws -> DecodedRequest {
            let reception = try reception(preset) { $0.defaultVisitor = "v" }
            return try Array(#"{"interactions":[\#(item),\#(item)]}"#.utf8).withBytes { (bytes) throws(FootfallError) in
                try RequestDecoder().feed(bytes, reception)
            }
        }
        let refused = try send("commerce")
        #expect(refused.verdicts == ["unknown_entity_type", "unknown_entity_type"])
        let kept = try #require(refused.batch.string(refused.batch.rows[0].raw))
        #expect(kept.contains(#""entity_type":"post""#), "\(kept)")
        let taken = try send("feed")
        #expect(taken.verdicts == ["ok", "ok"])
        #expect(taken.batch.string(taken.batch.rows[0].entityTypeName) == "post")
        let music = try reception("music") { $0.defaultVisitor = "v" }
        let click = try Array(#"{"query":"q","product_id":1}"#.utf8).withBytes { (bytes) throws(FootfallError) in
            try RequestDecoder().searchClick(bytes, music)
        }
        #expect(click.verdicts == ["unknown_type"])
    }

    @Test(
        "A refusal calls fields as the path does that the item came by",
        arguments: [
            ("feed", #"{"post_id":"p"}"#, "missing_type", #""interaction_type" is required."#),
            ("feed", #"{"interaction_type":"view"}"#, "missing_entity_id", #""post_id" is required."#),
            (
                "feed", #"{"interaction_type":"view","post_id":1.5}"#, "invalid_entity_id",
                #""post_id" must be a text or a whole number."#
            ),
            (
                "feed", #"{"interaction_type":"","post_id":"p"}"#, "invalid_type",
                #""interaction_type" must not be empty."#
            ),
            (
                "shop", #""customer_id":1,"metadata":{"product_id":2}"#, "missing_type",
                #""interaction_type" is required."#
            ),
            (
                "shop", #""interaction_type":"view","metadata":{"product_id":2}"#, "missing_actor",
                #"One of "customer_id", "browser_session_id" and "session_id" is required."#
            ),
            (
                "shop", #""interaction_type":"view","customer_id":true,"metadata":{"product_id":2}"#, "invalid_user_id",
                #""customer_id" must be a text or a whole number."#
            ),
            (
                "shop", #""interaction_type":"view","browser_session_id":"","metadata":{"product_id":2}"#,
                "invalid_anonymous_id", #""browser_session_id" must not be empty."#
            ),
            (
                "shop", #""interaction_type":"view","customer_id":1,"metadata":{"product_id":[]}"#, "invalid_entity_id",
                #""product_id" must be a text or a whole number."#
            ),
            ("click", #"{"query":"q"}"#, "missing_entity_id", #""product_id" is required."#),
            (
                "click", #"{"query":"q","product_id":1,"search_id":true}"#, "invalid_list_id",
                #""search_id" must be a text or a whole number."#
            ),
            ("canonical", #"{"entity_id":"p"}"#, "missing_type", #""type" is required."#),
        ])
    func names(path: String, body: String, code: String, message: String) throws {
        let reception = try reception { if path == "feed" || path == "click" { $0.defaultVisitor = "v" } }
        let text = path == "shop" ? #"{"shop_domain":"demo","context":"homepage",\#(body)}"# : body
        let request = try Array(text.utf8).withBytes { (bytes) throws(FootfallError) in
            switch path {
            case "feed": try RequestDecoder().feed(bytes, reception)
            case "shop": try RequestDecoder().phoenix(bytes, reception).1
            case "click": try RequestDecoder().searchClick(bytes, reception)
            default: try RequestDecoder().interactions(bytes, reception)
            }
        }
        #expect(request.verdicts == [code])
        #expect(request.batch.string(request.batch.rows[0].rejectionMessage) == message)
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
