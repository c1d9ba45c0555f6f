import Domain
import JSON
import Testing

@testable import API

@Suite("The names of a tenant's plans")
struct PlanNameTests {
    private static func plan(_ types: Range<Int>, metadata: String = "true") -> String {
        let list = types.map { #""type_\#($0)":{"weight":1}"# }.joined(separator: ",")
        return
            #"{"extends":"default","interaction_types":{\#(list)},"entity_types":{"thing":{"metadata":\#(metadata)}}}"#
    }

    @Test("Two thousand plans that are the same or refused take no names")
    func repeated() throws {
        let service = try TestService()
        defer { service.stop() }
        let same = Self.plan(0..<3)
        #expect(try service.send("PUT", "/v1/plan", text: same).status == 200)
        let count = service.tenant.resolver.names.count
        for round in 0..<1000 {
            #expect(try service.send("PUT", "/v1/plan", text: same).status == 200)
            let wrong = Self.plan((10 * round + 10)..<(10 * round + 20), metadata: #"{"type":"no"}"#)
            let refused = try service.send("PUT", "/v1/plan", text: wrong)
            #expect(refused.status == 422 && refused.code == "invalid_plan", "\(refused.text)")
        }
        #expect(service.tenant.resolver.names.count == count)
    }

    @Test("A counter that answers have another use for is refused with its place, and answers have each key once")
    func counters() throws {
        let service = try TestService()
        defer { service.stop() }
        for counter in ["popularity_score", "search_count", "product_id"] {
            let plan = #"{"extends":"default","interaction_types":{"zap":{"counter":"\#(counter)"}}}"#
            let refused = try service.send("PUT", "/v1/plan", text: plan)
            #expect(refused.status == 422 && refused.code == "invalid_plan", "\(refused.text)")
            #expect(refused.json["pointer"] == "/interaction_types/zap/counter", "\(refused.text)")
        }
        let plan =
            #"{"extends":"default","interaction_types":{"zap":{"weight":1,"popularity":true,"counter":"view_count"}}}"#
        #expect(try service.send("PUT", "/v1/plan", text: plan).status == 200)
        let items = ["zap", "view", "search", "order"].map { #"{"type":"\#($0)","entity_id":"p","user_id":"u"}"# }
        let sent = try service.send("POST", "/v1/interactions", text: "[\(items.joined(separator: ","))]")
        #expect(sent.json["tracked"] == 4, "\(sent.text)")
        for target in ["/products/popular", "/v1/popular", "/v1/entities/product/p/stats", "/v1/totals"] {
            let answer = try service.send("GET", target)
            #expect(answer.status == 200)
            #expect(try !JSONParser().parse(answer.body).containsDuplicateKey, "\(answer.text)")
            // Types may share a counter.
            if target.hasSuffix("stats") { #expect(answer.text.contains(#""view_count":2"#), "\(answer.text)") }
        }
    }

    @Test("A plan with more new names than there are left is refused whole and says so")
    func full() throws {
        let service = try TestService()
        defer { service.stop() }
        let names = service.tenant.resolver.names
        let version = service.tenant.plan.version
        while names.count < NameTable.capacity - 4 { _ = names.intern("other_\(names.count)") }
        let refused = try service.send("PUT", "/v1/plan", text: Self.plan(0..<4))
        #expect(refused.status == 422 && refused.code == "too_many_names", "\(refused.text)")
        #expect(refused.text.contains("65535"))
        #expect(names.count == NameTable.capacity - 4)
        #expect(service.tenant.plan.version == version)
        // "thing" is a name too.
        #expect(try service.send("PUT", "/v1/plan", text: Self.plan(0..<3)).status == 200)
        #expect(names.count == NameTable.capacity)
        #expect(try service.send("PUT", "/v1/plan", text: Self.plan(0..<3)).status == 200)
        #expect(try service.send("PUT", "/v1/plan", text: Self.plan(0..<4)).code == "too_many_names")
        let item = #"{"type":"type_2","entity_id":"p","user_id":"u"}"#
        #expect(try service.send("POST", "/v1/interactions", text: item).json["tracked"] == 1)
    }
}
