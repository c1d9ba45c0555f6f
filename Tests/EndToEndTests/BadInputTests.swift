import Foundation
import Testing

@Suite(.serialized) struct BadInput {
    private struct Case: CustomStringConvertible {
        var method = "POST"
        var target = "/v1/interactions"
        var headers: [String: String] = [:]
        var body: [UInt8] = []
        var key: String?
        var hasKey = true
        var status: Int
        var code: String
        var description: String {
            "\(method) \(target) \(headers) \(String(decoding: body.prefix(120), as: UTF8.self))"
        }
    }

    private static let good = #"{"type": "view", "entity_id": "p1", "user_id": "u1"}"#

    /// An interaction with one field of its own.
    private static func with(_ field: String) -> String {
        #"{"type": "view", "entity_id": "p1", "user_id": "u1", \#(field)}"#
    }

    private static func json(_ text: String, _ status: Int, _ code: String, target: String = "/v1/interactions") -> Case
    {
        Case(target: target, body: Array(text.utf8), status: status, code: code)
    }

    private static func deep(_ levels: Int) -> String {
        String(repeating: "[", count: levels) + String(repeating: "]", count: levels)
    }

    private func bodies() -> [Case] {
        let (good, with) = (Self.good, Self.with)
        let long = String(repeating: "x", count: 257)
        var cases = [
            // Not JSON at all.
            Self.json("", 400, "json_empty"), Self.json("   ", 400, "json_empty"), Self.json("{", 400, "invalid_json"),
            Self.json("nul", 400, "invalid_json"), Self.json(good + "x", 400, "invalid_json"),
            Self.json("{'type': 'view'}", 400, "invalid_json"), Self.json("{\"a\": 1,}", 400, "invalid_json"),
            Self.json("\u{feff}" + good, 400, "invalid_json"), Self.json("[1, 2", 400, "invalid_json"),
            Self.json(with(#""value": NaN"#), 400, "invalid_json"),
            Self.json(with(#""value": Infinity"#), 400, "invalid_json"),
            Self.json(with(#""value": 01"#), 400, "invalid_json"),
            Self.json(with(#""value": +1"#), 400, "invalid_json"),
            Self.json(with(#""metadata": {"a": "\ud800"}"#), 400, "invalid_surrogate"),
            Self.json(with(#""metadata": {"a": "\udc00\ud800"}"#), 400, "invalid_surrogate"),
            Self.json(with("\"metadata\": {\"a\": \"\u{1}\"}"), 400, "invalid_json"),
            Self.json(#"{"metadata": "# + Self.deep(600) + "}", 400, "json_too_deep"),
            Self.json(Self.deep(600), 400, "json_too_deep"),
            // JSON, but no interactions.
            Self.json("null", 400, "invalid_body"), Self.json("7", 400, "invalid_body"),
            Self.json("\"view\"", 400, "invalid_body"), Self.json(#"{"interactions": 7}"#, 400, "invalid_body"),
            Self.json(#"{"interactions": [], "colour": 1}"#, 400, "unknown_field"),
            Self.json(#"{"interactions": [], "interactions": []}"#, 400, "duplicate_key"),
            Self.json(#"{"interactions": [], "sent_at": "yesterday"}"#, 400, "invalid_time"),
            Self.json(
                #"{"interactions": ["# + Array(repeating: "{}", count: 1001).joined(separator: ",") + "]}", 413,
                "batch_too_large"),
            // Interactions that are not.
            Self.json("{}", 422, "missing_type"), Self.json(#"{"type": "view"}"#, 422, "missing_entity_id"),
            Self.json(#"{"type": "view", "entity_id": "p1"}"#, 422, "missing_actor"),
            Self.json(#"{"type": "stare", "entity_id": "p1", "user_id": "u1"}"#, 422, "unknown_type"),
            Self.json(#"{"type": 7, "entity_id": "p1", "user_id": "u1"}"#, 422, "unknown_type"),
            Self.json(#"{"type": ["view"], "entity_id": "p1", "user_id": "u1"}"#, 422, "invalid_type"),
            Self.json(#"{"type": "view", "entity_id": "", "user_id": "u1"}"#, 422, "invalid_entity_id"),
            Self.json(#"{"type": "view", "entity_id": 1.5, "user_id": "u1"}"#, 422, "invalid_entity_id"),
            Self.json(#"{"type": "view", "entity_id": true, "user_id": "u1"}"#, 422, "invalid_entity_id"),
            Self.json(#"{"type": "view", "entity_id": "\#(long)", "user_id": "u1"}"#, 422, "entity_id_too_long"),
            Self.json(
                #"{"type": "view", "entity_id": \#(String(repeating: "1", count: 257)), "user_id": "u1"}"#, 422,
                "entity_id_too_long"),
            Self.json(#"{"type": "view", "entity_id": "p", "user_id": "\#(long)"}"#, 422, "user_id_too_long"),
            Self.json(with(#""id": "\#(long)""#), 422, "id_too_long"),
            Self.json(with(#""entity_type": "ship""#), 422, "unknown_entity_type"),
            Self.json(with(#""context": "attic""#), 422, "unknown_context"),
            Self.json(with(#""context": 7"#), 422, "invalid_context"),
            Self.json(with(#""occurred_at": "2026-13-01T00:00:00Z""#), 422, "invalid_time"),
            Self.json(with(#""occurred_at": "2026-02-29T00:00:00Z""#), 422, "invalid_time"),
            Self.json(with(#""occurred_at": 1700000000"#), 422, "invalid_time"),
            Self.json(with(#""occurred_at": "2026-01-01""#), 422, "invalid_time"),
            Self.json(with(#""occurred_at": "99999-01-01T00:00:00Z""#), 422, "invalid_time"),
            Self.json(with(#""value": "5""#), 422, "invalid_value"),
            Self.json(with(#""value": 1e999"#), 422, "number_out_of_range"),
            Self.json(with(#""metadata": {"a": 1e999}"#), 422, "number_out_of_range"),
            Self.json(with(#""metadata": {"a": -1e999}"#), 422, "number_out_of_range"),
            Self.json(with(#""metadata": [1]"#), 422, "invalid_metadata"),
            Self.json(with(#""metadata": "text""#), 422, "invalid_metadata"),
            Self.json(with(#""metadata": {"a": "\u0000"}"#), 422, "invalid_unicode"),
            Self.json(with(#""metadata": {"\u0000": 1}"#), 422, "invalid_unicode"),
            Self.json(#"{"type": "view", "entity_id": "p\u0000", "user_id": "u1"}"#, 422, "invalid_unicode"),
            Self.json(with(#""metadata": {"a": 1, "a": 2}"#), 422, "duplicate_key"),
            Self.json(with(#""type": "view""#), 422, "duplicate_key"),
            Self.json(with(#""eventType": "view""#), 422, "duplicate_key"),
            Self.json(with(#""colour": "red""#), 422, "unknown_field"),
            Self.json(with(#""metadata": {"a": \#(Self.deep(32))}"#), 422, "metadata_too_deep"),
            Self.json(
                with(#""metadata": {"a": "\#(String(repeating: "x", count: 32_768))"}"#), 422, "metadata_too_large"),
            Self.json(
                #"{"type": "view", "entity_type": "post", "entity_id": "p", "user_id": "u", "metadata": {"duration": -1}}"#,
                422, "metadata_violates_schema"),
        ]
        var latin = Array(with(#""metadata": {"a": "?"}"#).utf8)
        latin[latin.lastIndex(of: UInt8(ascii: "?")) ?? 0] = 0xe9
        cases.append(Case(body: latin, status: 400, code: "invalid_utf8"))
        var surrogate = Array(with(#""metadata": {"a": "???"}"#).utf8)
        let place = surrogate.firstIndex(of: UInt8(ascii: "?")) ?? 0
        surrogate.replaceSubrange(place..<place + 3, with: [0xed, 0xa0, 0x80])
        cases.append(Case(body: surrogate, status: 400, code: "invalid_utf8"))
        return cases
    }

    private func requests(_ keys: Keys) -> [Case] {
        let good = Array(Self.good.utf8)
        let large = Array(Self.with(#""metadata": {"a": "\#(String(repeating: "x", count: 2 << 20))"}"#).utf8)
        let bomb = Gzip.compress([UInt8](repeating: 32, count: 64 << 20))
        var torn = Gzip.compress(good)
        torn.removeLast(6)
        var wrong = Gzip.compress(good)
        wrong[wrong.count - 6] ^= 0xff
        func get(_ target: String, _ status: Int, _ code: String) -> Case {
            Case(method: "GET", target: target, status: status, code: code)
        }
        var cases = [
            Case(body: large, status: 413, code: "body_too_large"),
            Case(headers: ["Content-Encoding": "gzip"], body: bomb, status: 413, code: "body_too_large"),
            Case(headers: ["Content-Encoding": "gzip"], body: good, status: 400, code: "malformed_encoding"),
            Case(headers: ["Content-Encoding": "gzip"], body: torn, status: 400, code: "malformed_encoding"),
            Case(headers: ["Content-Encoding": "gzip"], body: wrong, status: 400, code: "malformed_encoding"),
            Case(headers: ["Content-Encoding": "br"], body: good, status: 415, code: "unsupported_encoding"),
            Case(headers: ["Content-Type": "image/png"], body: good, status: 415, code: "unsupported_media_type"),
            Case(headers: ["Content-Type": "text/html"], body: good, status: 415, code: "unsupported_media_type"),
            Case(
                headers: ["Content-Type": "application/json; Charset=\"UTF-16\""], body: good, status: 415,
                code: "unsupported_media_type"),
            Case(
                headers: ["Content-Type": "application/jsonx"], body: good, status: 415, code: "unsupported_media_type"),
            Case(
                headers: ["X-User-Id": String(repeating: "u", count: 257)], body: good, status: 400,
                code: "invalid_header"),
            // Keys.
            Case(body: good, hasKey: false, status: 401, code: "missing_key"),
            Case(body: good, key: "ffw_wrong-key-of-no-tenant", status: 401, code: "invalid_key"),
            Case(body: good, key: keys.write + "x", status: 401, code: "invalid_key"),
            Case(body: good, key: "", status: 401, code: "invalid_key"),
            Case(headers: ["Authorization": "Basic \(keys.write)"], body: good, status: 401, code: "invalid_key"),
            Case(
                target: "/v1/interactions?key=wrong-key-in-query", body: good, hasKey: false, status: 401,
                code: "invalid_key"),
            Case(
                method: "PUT", target: "/v1/plan", body: Array("{}".utf8), key: keys.write, status: 403,
                code: "wrong_scope"),
            Case(method: "GET", target: "/v1/rejected", key: keys.write, status: 403, code: "wrong_scope"),
            Case(method: "GET", target: "/v1/settings", key: keys.write, status: 403, code: "wrong_scope"),
            Case(
                method: "PUT", target: "/v1/entities", body: Array(#"{"entities": []}"#.utf8), key: keys.write,
                status: 403,
                code: "wrong_scope"),
            // Paths, methods, parameters.
            get("/", 404, "unknown_path"), get("/v1", 404, "unknown_path"), get("/v1/populars", 404, "unknown_path"),
            get("/V1/popular", 404, "unknown_path"), get("/v1/popular/", 404, "unknown_path"),
            get("/v1//popular", 404, "unknown_path"), get("/v1/entities/product/p1/stats/x", 404, "unknown_path"),
            get("/v1/../healthz", 404, "unknown_path"), get("/v1/rejected/replay", 405, "method_not_allowed"),
            Case(method: "DELETE", target: "/v1/popular", status: 405, code: "method_not_allowed"),
            Case(method: "PUT", target: "/v1/interactions", body: good, status: 405, code: "method_not_allowed"),
            Case(target: "/v1/popular", body: good, status: 405, code: "method_not_allowed"),
            get("/v1/popular?mode=best", 400, "invalid_parameter"), get("/v1/popular?mode=", 400, "invalid_parameter"),
            get("/v1/popular?time_window=1d", 400, "invalid_parameter"),
            get("/v1/popular?limit=0", 400, "invalid_parameter"),
            get("/v1/popular?limit=100000", 400, "invalid_parameter"),
            get("/v1/popular?limit=-1", 400, "invalid_parameter"),
            get("/v1/popular?limit=ten", 400, "invalid_parameter"),
            get("/v1/popular?limit=99999999999999999999", 400, "invalid_parameter"),
            get("/v1/popular?limit=5&limit=5", 400, "invalid_parameter"),
            get("/v1/popular?sort=up", 400, "unknown_parameter"),
            get("/v1/popular?entity_type=ship", 400, "unknown_entity_type"),
            get("/v1/popular?category=" + String(repeating: "x", count: 300), 400, "invalid_parameter"),
            get("/v1/popular?limit=%zz", 400, "malformed_request"),
            get("/v1/popular?category=%ff", 400, "malformed_request"),
            get("/v1/popular?category=%00", 400, "malformed_request"),
            get("/v1/trending?mode=x", 400, "invalid_parameter"),
            get("/v1/totals?time_window=x", 400, "invalid_parameter"),
            get("/v1/users/u1/interactions?limit=101", 400, "invalid_parameter"),
            get("/v1/users/nobody/interactions", 404, "not_found"), get("/v1/sessions/none", 404, "not_found"),
            get("/v1/entities/product/none/stats", 404, "not_found"),
            get("/v1/entities/ship/none/stats", 404, "not_found"),
            get("/v1/entities/product/none", 404, "not_found"),
            get("/v1/entities?cursor=!!!", 400, "invalid_cursor"),
            get("/v1/entities?cursor=AAAAA", 400, "invalid_cursor"),
            get("/v1/entities?limit=100000", 400, "invalid_parameter"),
            get("/v1/rejected?cursor=x", 400, "invalid_parameter"),
            get("/v1/rejected?cursor=-1", 400, "invalid_parameter"),
            get("/v1/plan?version=0", 400, "invalid_parameter"),
            get("/v1/plan?version=99999999999", 400, "invalid_parameter"),
            get("/v1/errors?limit=1001", 400, "invalid_parameter"),
            Case(target: "/v1/interactions?import=true", body: good, status: 403, code: "wrong_scope"),
            Case(target: "/v1/interactions?colour=red", body: good, status: 400, code: "unknown_parameter"),
            // The sources' paths.
            Self.json("{}", 400, "missing_query", target: "/search/click"),
            Self.json(#"{"query": "q"}"#, 422, "missing_entity_id", target: "/search/click"),
            Self.json(#"{"query": 7, "product_id": 1}"#, 400, "missing_query", target: "/search/click"),
            Self.json(#"{"query": "q", "product_id": 1, "x": 1}"#, 400, "unknown_field", target: "/search/click"),
            Self.json("{}", 400, "missing_shop_domain", target: "/api/phoenix/track-interaction"),
            Self.json(
                #"{"shop_domain": "demo.example"}"#, 400, "missing_context", target: "/api/phoenix/track-interaction"),
            Self.json(
                #"{"shop_domain": "demo.example", "context": "cart"}"#, 400, "missing_products",
                target: "/api/phoenix/track-interaction"),
            Self.json(
                #"{"shop_domain": "no.example", "interaction_type": "view", "context": "cart", "metadata": {"product_id": 1}, "customer_id": 1}"#,
                404, "shop_not_found", target: "/api/phoenix/track-interaction"),
            Self.json("[]", 400, "invalid_body", target: "/api/phoenix/track-interaction"),
            Self.json("{", 400, "invalid_json", target: "/api/track"),
            Self.json("7", 400, "invalid_body", target: "/api/track"),
            Self.json("{}", 422, "invalid_error", target: "/v1/errors"),
            Self.json("[]", 400, "batch_too_large", target: "/v1/errors"),
            Self.json("{", 400, "invalid_json", target: "/v1/rejected/replay"),
            Self.json(#"{"x": 1}"#, 400, "invalid_body", target: "/v1/rejected/replay"),
        ]
        for (target, body, status, code) in [
            ("/v1/entities", #"{"entities": []}"#, 400, "empty_body"),
            ("/v1/entities", #"{"entities": 7}"#, 400, "invalid_body"),
            ("/v1/entities/product/p1", #"{"id": "p2"}"#, 422, "invalid_entity"),
            ("/v1/entities/product/p1", #"{"price": "-1"}"#, 422, "invalid_entity"),
            ("/v1/entities/ship/p1", "{}", 422, "unknown_entity_type"),
            ("/v1/plan", "[", 400, "invalid_json"), ("/v1/plan", "7", 422, "invalid_plan"),
            ("/v1/plan", #"{"a": 1, "a": 2}"#, 400, "duplicate_key"),
            ("/v1/plan", #"{"name": "\u0000"}"#, 400, "invalid_unicode"),
            ("/v1/plan", #"{"name": 1e999}"#, 400, "number_out_of_range"),
        ] as [(String, String, Int, String)] {
            cases.append(Case(method: "PUT", target: target, body: Array(body.utf8), status: status, code: code))
        }
        cases.append(
            Case(
                method: "PATCH", target: "/v1/entities/product/none", body: Array("{}".utf8), status: 404,
                code: "not_found"))
        cases.append(Case(method: "DELETE", target: "/v1/entities/product/none", status: 404, code: "not_found"))
        return cases
    }

    @Test("Every kind of bad input gets a 4xx with its code as problem details, and nothing is stored")
    func refused() throws {
        let folder = try TestFolder()
        let server = try ServerProcess(folder)
        let keys = try server.keys
        let cases = bodies() + requests(keys)
        let plan = try server.client().get("/v1/plan").json
        var client = try server.client()
        for item in cases {
            var headers = item.headers
            if let key = item.key { headers["Authorization"] = "Bearer \(key)" }
            if !item.hasKey { headers["Authorization"] = "" }
            let answer: Answer
            do {
                answer = try client.send(item.method, item.target, headers, item.body)
            } catch {
                Issue.record("\(item): \(error)")
                client = try server.client()
                continue
            }
            #expect(answer.status == item.status && answer.code == item.code, "\(item): \(answer)")
            #expect(answer.isProblem, "\(item): \(answer.headers)")
            #expect(answer.json["status"]?.integerValue == Int64(answer.status), "\(item): \(answer)")
            #expect(
                answer.json["detail"]?.stringValue?.isEmpty == false && answer.json["title"] != nil,
                "\(item): \(answer)")
            #expect(answer.headers["x-request-id"]?.isEmpty == false, "\(item): \(answer.headers)")
        }
        try expectNothingStored(server, plan)
        // It goes on.
        #expect(try client.post("/v1/interactions", Self.good).status == 200)
        #expect(server.stop() == 0)
        print("refused: \(cases.count) requests")
    }

    private func expectNothingStored(_ server: ServerProcess, _ plan: JSONValue) throws {
        let file = try StoreFile(server.folder)
        #expect(try file.integer("SELECT count(*) FROM user_interactions") == 0)
        #expect(try file.integer("SELECT count(*) FROM entities") == 0)
        #expect(try file.integer("SELECT count(*) FROM system_errors") == 0)
        let client = try server.client()
        let totals = try client.get("/v1/totals").json
        #expect(totals["interactions"] == [:] && totals["sessions"] == 0 && totals["entities"] == 0, "\(totals.text)")
        #expect(try client.get("/v1/popular").json["items"] == [])
        #expect(try client.get("/v1/plan").json == plan)
    }
}
