import API
import Domain
import Foundation
import JSON
import Testing

@Suite("Events that are over, on popular lists and in searches")
struct EndedEventTests {
    static let day: Int64 = 86_400_000

    static func event(_ id: String, _ end: Int64?) -> String {
        let attributes = end.map { #", "attributes": {"event_date": "\#(Timestamp(milliseconds: $0).rfc3339)"}"# } ?? ""
        return #"{"type": "event", "id": "\#(id)", "title": "Concert \#(id)", "categories": ["live"]\#(attributes)}"#
    }

    static func popular(_ service: TestService, _ query: String) throws -> [String] {
        let answer = try service.send("GET", "/v1/popular?entity_type=event&\(query)")
        #expect(answer.status == 200, "\(answer.text)")
        return answer.json["items"]?.arrayValue?.compactMap { $0["entity_id"]?.stringValue } ?? []
    }

    static func found(_ service: TestService, _ limit: Int) throws -> Set<String> {
        let body = #"{"query": "concert", "limit": \#(limit), "filters": {"entity_type": "event"}}"#
        let answer = try service.send("POST", "/search", text: body)
        #expect(answer.status == 200, "\(answer.text)")
        return Set(answer.json["results"]?.arrayValue?.compactMap { $0["product_id"]?.stringValue } ?? [])
    }

    @Test("What is over leaves popular lists, trending and searches as time goes on, and comes back when it is moved")
    func leaving() throws {
        let service = try TestService()
        defer { service.stop() }
        var random = Seeded(state: 11)
        let start = service.clock.now
        var ends: [String: Int64?] = [:]
        var views: [String: Int] = [:]
        func put(_ ids: [String]) throws {
            let list = ids.map { Self.event($0, ends[$0] ?? nil) }.joined(separator: ",")
            #expect(try service.send("PUT", "/v1/entities", text: "[\(list)]").status == 200)
        }
        let ids = (0..<80).map { String(format: "e%02d", $0) }
        func someEnd() -> Int64? {
            Int.random(in: 0..<4, using: &random) == 0
                ? nil : start + Int64(Int.random(in: 0..<20, using: &random) - 6) * Self.day / 2
        }
        for id in ids { ends[id] = someEnd() }
        try put(ids)
        var batch: [String] = []
        for (place, id) in ids.enumerated() {
            views[id] = 1 + place / 4
            batch += (0..<(1 + place / 4)).map {
                #"{"type": "view", "entity_type": "event", "entity_id": "\#(id)", "user_id": "u\#($0)"}"#
            }
        }
        let sent = try service.send("POST", "/v1/interactions", text: "[\(batch.joined(separator: ","))]")
        #expect(sent.status == 200 && sent.json["tracked"]?.integerValue == Int64(batch.count), "\(sent.text)")

        for round in 0..<25 {
            let now = service.clock.now
            let shown = ids.filter { ((ends[$0] ?? nil) ?? .max) > now }
            let best = shown.sorted { (views[$1] ?? 0, $0) < (views[$0] ?? 0, $1) }
            #expect(try Self.popular(service, "limit=1000") == best, "round \(round)")
            #expect(try Self.popular(service, "limit=5&category=live") == Array(best.prefix(5)), "round \(round)")
            #expect(try Set(Self.popular(service, "limit=1000&mode=trending")).isSubset(of: shown), "round \(round)")
            #expect(try Self.found(service, 100) == Set(shown), "round \(round)")
            if Int.random(in: 0..<2, using: &random) == 0 {
                service.clock.now += Int64(Int.random(in: 0..<30, using: &random)) * 3_600_000
            }
            let moved = (0..<Int.random(in: 0..<4, using: &random)).map { _ in
                ids[Int.random(in: 0..<ids.count, using: &random)]
            }
            for id in moved { ends[id] = someEnd() }
            if !moved.isEmpty { try put(Array(Set(moved))) }
        }
    }
}
