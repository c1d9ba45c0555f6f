import Foundation
import Testing

/// What browsers, beacons and operators' tools see of the server.
@Suite(.serialized) struct Protocols {
    private static let good = #"{"type": "view", "entity_id": "p1", "user_id": "u1"}"#

    @Test("A page of another origin may call: preflight and answers carry the CORS headers, errors too")
    func crossOrigin() throws {
        let folder = try TestFolder()
        var server = try ServerProcess(folder)
        let key = try server.keys.write
        let open = Client(port: server.port, key: nil)
        let preflight = try open.send(
            "OPTIONS", "/v1/interactions",
            [
                "Origin": "https://shop.example", "Access-Control-Request-Method": "POST",
                "Access-Control-Request-Headers": "authorization, content-type, content-encoding, x-user-id",
            ], [])
        #expect(preflight.status == 204 && preflight.body.isEmpty, "\(preflight)")
        #expect(preflight.headers["access-control-allow-origin"] == "*")
        let methods = preflight.headers["access-control-allow-methods"] ?? ""
        #expect(["GET", "POST", "PUT", "PATCH", "DELETE"].allSatisfy { methods.contains($0) }, "\(methods)")
        let allowed = preflight.headers["access-control-allow-headers"]?.lowercased() ?? ""
        for name in ["authorization", "content-type", "content-encoding", "x-api-key", "x-user-id", "x-anonymous-id"] {
            #expect(allowed.contains(name), "\(allowed)")
        }
        #expect(preflight.headers["access-control-max-age"] != nil)
        for target in ["/api/track", "/products/popular", "/v1/entities/product/p1/stats"] {
            let answer = try open.send("OPTIONS", target, ["Origin": "https://a.example"], [])
            #expect(
                answer.status == 204 && answer.headers["access-control-allow-origin"] == "*", "\(target): \(answer)")
        }
        for (target, methods) in [
            ("/v1/popular", "GET, HEAD, OPTIONS"), ("/api/track", "POST, OPTIONS"),
            ("/v1/plan", "GET, HEAD, PUT, OPTIONS"),
        ] {
            #expect(try open.send("OPTIONS", target, [:], []).headers["allow"] == methods, "\(target)")
            let wrong = try open.send("DELETE", target, [:], [])
            #expect(wrong.status == 405 && wrong.headers["allow"] == methods, "\(target): \(wrong)")
        }
        #expect(try open.send("OPTIONS", "/nowhere", ["Origin": "https://a.example"], []).status == 404)
        for (headers, status) in [(["Authorization": "Bearer \(key)"], 200), ([:], 401)] as [([String: String], Int)] {
            let answer = try open.send(
                "POST", "/v1/interactions", headers.merging(["Origin": "https://a.example"]) { $1 },
                Array(Self.good.utf8))
            #expect(answer.status == status && answer.headers["access-control-allow-origin"] == "*", "\(answer)")
            #expect(answer.headers["access-control-expose-headers"]?.contains("X-Request-Id") == true)
        }
        let without = try open.get("/healthz")
        #expect(without.headers["access-control-allow-origin"] == nil)
        #expect(server.stop() == 0)

        server = try ServerProcess(folder, ["--cors-origin", "https://a.example,https://b.example"])
        let closed = Client(port: server.port, key: key)
        for (origin, isAllowed) in [
            ("https://a.example", true), ("https://b.example", true), ("https://c.example", false),
        ] {
            let answer = try closed.get("/v1/popular", ["Origin": origin])
            #expect(answer.headers["access-control-allow-origin"] == (isAllowed ? origin : nil), "\(origin)")
            if isAllowed { #expect(answer.headers["vary"]?.contains("Origin") == true) }
        }
    }

    @Test("A beacon of a closing page, gzip, HEAD, X-API-Key and a request's own id are understood")
    func waysIn() throws {
        let server = try ServerProcess(TestFolder())
        let keys = try server.keys
        let open = Client(port: server.port, key: nil)
        let beacon = try open.send(
            "POST", "/v1/interactions?key=\(keys.write)", ["Content-Type": "text/plain;charset=UTF-8"],
            Array(#"{"interactions": [\#(Self.good), \#(Self.good)]}"#.utf8))
        #expect(beacon.status == 200 && beacon.json["tracked"] == 2, "\(beacon)")
        let track = try open.send(
            "POST", "/api/track?key=\(keys.write)", ["Content-Type": "text/plain", "X-Anonymous-Id": "a"],
            Array(#"{"post_id": "p", "interaction_type": "view"}"#.utf8))
        #expect(track.status == 200 && track.json["tracked"] == 1, "\(track)")
        let body = Array(Self.good.utf8)
        let apiKey = try open.send("POST", "/v1/interactions", ["X-API-Key": keys.write], body)
        #expect(apiKey.status == 200, "\(apiKey)")
        let client = try server.client()
        let gzip = try client.send("POST", "/v1/interactions", ["Content-Encoding": "gzip"], Gzip.compress(body))
        #expect(gzip.status == 200 && gzip.json["tracked"] == 1, "\(gzip)")

        let get = try client.get("/v1/popular?limit=1")
        let head = try client.send("HEAD", "/v1/popular?limit=1", [:], [])
        #expect(head.status == 200 && head.body.isEmpty)
        #expect(head.headers["content-type"] == get.headers["content-type"])
        // The next answer on the same connection is not out of step.
        #expect(try client.send("HEAD", "/v1/nothing", [:], []).status == 404)
        #expect(try client.get("/healthz").json == ["status": "ok"])
        #expect(try open.get("/readyz").json == ["status": "ready"])
        #expect(get.headers["content-type"]?.hasPrefix("application/json") == true)

        #expect(try client.get("/healthz", ["X-Request-Id": "my-request.1"]).headers["x-request-id"] == "my-request.1")
        let made = try client.get("/healthz", ["X-Request-Id": "not a word"]).headers["x-request-id"]
        #expect(made?.isEmpty == false && made != "not a word")
        // A request in pieces, several in one piece, and one that waits for 100 Continue.
        let one = "GET /healthz HTTP/1.1\r\nHost: x\r\n\r\n"
        let first = try open.exchange(Array((one + one).utf8))
        #expect(first.status == 200)
        let chunked =
            "POST /v1/interactions HTTP/1.1\r\nHost: x\r\nX-API-Key: \(keys.write)\r\n"
            + "Transfer-Encoding: chunked\r\nContent-Type: application/json\r\n\r\n"
            + "a\r\n\(Self.good.prefix(10))\r\n\(String(Self.good.utf8.count - 10, radix: 16))\r\n"
            + "\(Self.good.dropFirst(10))\r\n0\r\n\r\n"
        let pieces = try Client(port: server.port, key: nil).exchange(Array(chunked.utf8))
        #expect(pieces.status == 200 && pieces.json["tracked"] == 1, "\(pieces)")
        let waiting =
            "POST /v1/interactions HTTP/1.1\r\nHost: x\r\nX-API-Key: \(keys.write)\r\nExpect: 100-continue\r\n"
            + "Content-Length: \(body.count)\r\n\r\n" + Self.good
        let went = try Client(port: server.port, key: nil).exchange(Array(waiting.utf8))
        #expect(went.status == 200 && went.json["tracked"] == 1, "\(went)")
    }

    @Test("A stream of 5,000 lines is taken line by line, the bad ones refused one by one")
    func stream() throws {
        let folder = try TestFolder()
        let server = try ServerProcess(folder)
        let client = try server.client()
        var lines: [String] = []
        for number in 0..<5000 {
            switch number % 100 {
            case 7: lines.append("{broken")
            case 8: lines.append(#"{"id": "l\#(number)", "type": "stare", "entity_id": "p", "user_id": "u"}"#)
            case 9: lines.append(#"{"id": "l\#(number - 9)", "type": "view", "entity_id": "p", "user_id": "u"}"#)
            default:
                lines.append(#"{"id": "l\#(number)", "type": "view", "entity_id": "p\#(number % 50)", "user_id": "u"}"#)
            }
        }
        let text = lines.joined(separator: "\r\n") + "\n\n"
        for (round, bytes) in [Array(text.utf8), Gzip.compress(Array(text.utf8))].enumerated() {
            let headers = ["Content-Type": "application/x-ndjson", "Content-Encoding": round == 0 ? "" : "gzip"]
            let answer = try client.send("POST", "/v1/interactions", headers, bytes)
            #expect(answer.status == 200, "\(answer)")
            #expect(answer.json["tracked"]?.integerValue == (round == 0 ? 4850 : 0))
            let results = answer.json["results"]?.arrayValue ?? []
            #expect(results.count == 5000)
            for (number, result) in results.enumerated() {
                switch number % 100 {
                case 7: #expect(result["status"] == "rejected" && result["code"] == "invalid_json", "\(result.text)")
                case 8: #expect(result["status"] == "rejected" && result["code"] == "unknown_type", "\(result.text)")
                case 9: #expect(result["status"] == "duplicate", "\(result.text)")
                default:
                    let isRight = result["status"]?.stringValue == (round == 0 ? "ok" : "duplicate")
                    if !isRight { Issue.record("\(number): \(result.text)") }
                }
            }
        }
        #expect(try StoreFile(folder).integer("SELECT count(*) FROM user_interactions") == 4850)
        #expect(try client.get("/v1/rejected?limit=1").json["total"]?.integerValue == 200)
    }

    @Test("Metrics are Prometheus text to the letter, and count what happened")
    func metrics() throws {
        let server = try ServerProcess(TestFolder())
        let client = try server.client()
        for _ in 0..<3 { _ = try client.post("/v1/interactions", Self.good) }
        let twice = #"{"id": "twice", "type": "view", "entity_id": "p1", "user_id": "u1"}"#
        for _ in 0..<2 { _ = try client.post("/v1/interactions", twice) }
        for _ in 0..<4 {
            _ = try client.post("/v1/interactions", #"{"type": "stare", "entity_id": "p", "user_id": "u"}"#)
        }
        var answer = try Client(port: server.port, key: nil).get("/metrics")
        // A request counts when its answer is sent, and its client may ask again before that is written down.
        let refused = #"footfall_http_requests_total{class="4xx"} 4"#
        for _ in 0..<100 where !answer.text.contains(refused) {
            usleep(50_000)
            answer = try Client(port: server.port, key: nil).get("/metrics")
        }
        #expect(answer.headers["content-type"]?.hasPrefix("text/plain; version=0.0.4") == true, "\(answer.headers)")
        let text = try PrometheusText(answer.text)
        func value(_ name: String, _ labels: [String: String] = [:]) -> Double? {
            text.samples.first { sample in
                sample.name == name && labels.allSatisfy { sample.labels[$0.key] == $0.value }
            }?.value
        }
        #expect(value("footfall_interactions_total", ["tenant": "demo", "result": "ok"]) == 4)
        #expect(value("footfall_interactions_total", ["tenant": "demo", "result": "duplicate"]) == 1)
        #expect(value("footfall_rejected_total", ["tenant": "demo", "code": "unknown_type"]) == 4)
        #expect(abs((value("footfall_tracking_success_ratio") ?? 0) - 5.0 / 9) < 1e-9)
        #expect(value("footfall_session_success_ratio") == 1)
        #expect(value("footfall_sessions_total", ["result": "created"]) == 1)
        #expect(value("footfall_queue_interactions") == 0)
        #expect(value("footfall_commit_interactions_count").map { $0 > 0 } == true)
        #expect(value("footfall_commit_seconds_sum").map { $0 > 0 } == true)
        #expect(value("footfall_http_requests_total", ["class": "2xx"]).map { $0 >= 5 } == true)
        #expect(value("footfall_http_requests_total", ["class": "4xx"]) == 4)
        let owners = Set(text.samples.filter { $0.name == "footfall_memory_bytes" }.compactMap { $0.labels["owner"] })
        #expect(
            owners.isSuperset(of: ["entities", "persons", "sessions", "deduplication", "spare_pages"]), "\(owners)")
        #expect(value("process_resident_memory_bytes").map { $0 > 1e6 } == true)
        #expect(value("footfall_log_position").map { $0 >= 4 } == true)
    }
}
