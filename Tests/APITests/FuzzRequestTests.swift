import Domain
import Foundation
import JSON
import Testing

@testable import API

/// Requests that are right, nearly right and wrong, to every route.
@Suite("Generated requests to every route", .serialized)
struct FuzzRequestTests {
    /// SplitMix64.
    struct Random: RandomNumberGenerator {
        var state: UInt64
        mutating func next() -> UInt64 {
            state &+= 0x9e37_79b9_7f4a_7c15
            var mixed = state
            mixed = (mixed ^ (mixed >> 30)) &* 0xbf58_476d_1ce4_e5b9
            mixed = (mixed ^ (mixed >> 27)) &* 0x94d0_49bb_1331_11eb
            return mixed ^ (mixed >> 31)
        }
        mutating func below(_ bound: Int) -> Int { Int(next() >> 33) % bound }
        mutating func pick<Element>(_ choices: [Element]) -> Element { choices[below(choices.count)] }
    }

    private static let words = [
        "product", "p1", "u1", "x", "%C3%A9", "%F0%9F%98%80", "a%2Fb", "..", "%20", "e%CC%81", "0", "-1", "post",
        "s%3F", "%7B",
        String(repeating: "l", count: 300),
    ]
    private static let parameters = [
        "limit", "mode", "time_window", "category", "entity_type", "cursor", "code", "version", "import", "key",
        "colour", "",
    ]
    private static let values = [
        "1", "0", "-1", "10", "1000", "1001", "99999999999999999999", "9223372036854775807", "overall", "trending",
        "7d", "all", "product",
        "", "true", "%F0%9F%98%80", "a+b", "cHJvZHVjdB8x", "4294967296", "NaN",
    ]
    private static let bodies = [
        "", "{}", "[]", "null", "1", "{", "\"x\"", "[[[]]]", #"{"type":"view","entity_id":"p1","user_id":"u1"}"#,
        #"{"interactions":[{"type":"view","entity_id":"p1","user_id":"u1"},{"type":"zap"}]}"#,
        #"{"post_id":"1","interaction_type":"like"}"#, #"{"interactions":[{"post_id":1,"interaction_type":"view"}]}"#,
        #"{"shop_domain":"shop","interaction_type":"order","context":"cart","customer_id":1,"metadata":{"product_ids":[1,2]}}"#,
        #"{"shop_domain":"none","interaction_type":"order","context":"cart","customer_id":1,"metadata":{"product_ids":[1]}}"#,
        #"{"query":"lamp","product_id":123}"#,
        #"{"entities":[{"type":"product","id":"1","price":"1.50"},{"type":"x"}]}"#,
        #"{"type":"product","id":"p1","title":"T","categories":["a"]}"#, #"{"title":null}"#, #"{"deleted":true}"#,
        #"{"extends":"default"}"#, #"{"extends":"feed","interaction_types":{"a":{"weight":1e9}}}"#,
        #"{"retention_days":null}"#,
        #"{"retention_days":7}"#, #"{"trending_half_life_hours":24}"#, #"{"maximum_batch":0}"#,
        #"{"code":"unknown_type","limit":5}"#,
        #"{"context":"page","error_message":"it broke","category":"network","metadata":{"a":1}}"#,
        #"{"context":"page"}"#,
        #"{"a":1,"a":2}"#, #"{"a":"\u0000"}"#, #"{"a":1e999}"#, #"{"a":"\ud800"}"#, "{\"a\":\"\u{1}\"}", "\u{feff}{}",
        String(repeating: "[", count: 1000), #"{"type":"view","entity_id":"p1"}"#,
        "{\"type\":\"view\",\"entity_id\":\"p\",\"user_id\":\"u\"}\n{oops\n\n{\"type\":\"view\",\"entity_id\":\"p\",\"user_id\":\"u\"}",
    ].map { Array($0.utf8) }
    private static let types = [
        "application/json", "application/json; charset=utf-8", "application/x-ndjson", "text/plain",
        "multipart/form-data", "",
        "APPLICATION/JSON", "application/jsonx",
    ]

    @Test("Fuzz: no request gets a 5xx, and every error has a code, an id and what a page needs to read it")
    func routes() throws {
        let service = try TestService { _ in }
        defer { service.stop() }
        let inputs = ProcessInfo.processInfo.environment["FOOTFALL_FUZZ_INPUTS"].flatMap { Int($0) } ?? 1_000_000
        let seed: UInt64 = 77
        var random = Random(state: seed)
        var classes = [Int](repeating: 0, count: 6)
        for round in 0..<max(200, inputs / 500) {
            let route = random.pick(Routes.all)
            var path = route.pattern.split(separator: "/", omittingEmptySubsequences: false).map { segment in
                segment.hasPrefix("{") || random.below(60) == 0 ? random.pick(Self.words) : String(segment)
            }.joined(separator: "/")
            for index in 0..<random.below(3) {
                path += (index == 0 ? "?" : "&") + random.pick(Self.parameters) + "=" + random.pick(Self.values)
            }
            let method =
                random.below(8) == 0
                ? random.pick(["GET", "POST", "PUT", "PATCH", "DELETE", "OPTIONS", "BREW"]) : route.method.name
            let key = random.pick([
                service.secretKey, service.secretKey, service.secretKey, service.writeKey, "x", service.webhookSecret,
            ])
            var headers = [("Origin", "https://page.example")]
            if random.below(4) == 0 {
                let names = [
                    "X-User-Id", "X-Anonymous-Id", "X-User-Token", "X-Request-Id", "Content-Encoding", "X-API-Key",
                ]
                headers.append(
                    (
                        random.pick(names),
                        random.pick(["u1", "é😀", "gzip", String(repeating: "h", count: 500), "a.b.c"])
                    ))
            }
            var body = method == "GET" ? [] : random.pick(Self.bodies)
            if !body.isEmpty, random.below(4) == 0 {
                body[random.below(body.count)] = UInt8(truncatingIfNeeded: random.next())
            }
            let answer = try service.send(method, path, key: key, type: random.pick(Self.types), headers: headers, body)
            classes[answer.status / 100] += 1
            let what =
                "seed \(seed) round \(round): \(method) \(path) \(headers) \(String(decoding: body.prefix(300), as: UTF8.self)): \(answer.text.prefix(300))"
            if answer.status >= 500 { Issue.record("\(answer.status) \(what)") }
            if answer.headers["x-request-id"] == nil { Issue.record("no id: \(what)") }
            if answer.headers["access-control-allow-origin"] != "*" { Issue.record("not readable: \(what)") }
            // Feed's and Shop's paths answer in their own shape.
            let isOwnShape = answer.json["success"] != nil
            if answer.status >= 400, !isOwnShape, answer.code?.isEmpty ?? true { Issue.record("no code: \(what)") }
            if !answer.body.isEmpty, route.pattern != "/metrics", answer.json.isNull {
                Issue.record("not JSON: \(what)")
            }
        }
        #expect(classes[2] > 30 && classes[4] > 30, "\(classes)")
        #expect(try service.send("GET", "/healthz").status == 200)
    }
}
