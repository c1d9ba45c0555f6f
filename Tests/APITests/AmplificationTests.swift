import API
import Domain
import JSON
import Storage
import Testing

/// Small requests that could take much memory, and must not.
@Suite("Small requests stay small", .serialized)
struct AmplificationTests {
    @Test("A stream of millions of short lines is refused, and nothing of it is taken")
    func shortLines() throws {
        let service = try TestService()
        defer { service.stop() }
        let most = TenantSettings().maximumStreamBytes / 64
        let body = Array(repeating: Array("1\n".utf8), count: most + 1).joined()
        let answer = try service.send("POST", "/v1/interactions", type: "application/x-ndjson", Array(body))
        #expect(answer.status == 413 && answer.code == "batch_too_large")
        #expect(try service.tenant.store.rejectedCount() == 0)
    }

    @Test("Blank lines do not count")
    func blankLines() throws {
        let service = try TestService()
        defer { service.stop() }
        var body = [UInt8](repeating: 10, count: 1 << 20)
        body += Array(#"{"type":"view","entity_id":"p","user_id":"u"}"#.utf8)
        let answer = try service.send("POST", "/v1/interactions", type: "application/x-ndjson", body)
        #expect(answer.status == 200 && answer.json["tracked"] == 1)
    }

    @Test("An event about a thousand products does not repeat large metadata a thousand times")
    func products() throws {
        let service = try TestService()
        defer { service.stop() }
        let list = (0..<1000).map { "\($0)" }.joined(separator: ",")
        func event(_ more: String, _ padding: Int) -> String {
            """
            {"shop_domain":"shop","customer_id":"c","interaction_type":"recommendation_viewed","context":"cart"\(more),
             "metadata":{"product_ids":[\(list)],"x":"\(String(repeating: "x", count: padding))"}}
            """
        }
        let path = "/api/phoenix/track-interaction"
        let fitting = try service.send("POST", path, text: event("", 20_000))
        #expect(fitting.status == 200 && fitting.json["tracked"] == 1000)
        let large = try service.send("POST", path, text: event("", 900_000))
        #expect(large.status == 413 && large.code == "batch_too_large")
        let session = String(repeating: "s", count: 900_000)
        #expect(try service.send("POST", path, text: event(#","session_id":"\#(session)""#, 0)).status == 413)
        #expect(try service.tenant.store.rejectedCount() == 0)
    }

    @Test("A large event about one product is refused as an interaction, and kept")
    func oneProduct() throws {
        let service = try TestService()
        defer { service.stop() }
        let event = """
            {"shop_domain":"shop","customer_id":"c","interaction_type":"order","context":"cart","metadata":{"product_id":1,
             "x":"\(String(repeating: "x", count: 100_000))"}}
            """
        let answer = try service.send("POST", "/api/phoenix/track-interaction", text: event)
        #expect(answer.status == 422 && answer.json["errors"]?[0]?["code"] == "metadata_too_large")
        #expect(try service.tenant.store.rejectedCount() == 1)
    }
}
