import Foundation
import JSON
import Testing

@testable import API

@Suite("Cursors")
struct CursorTests {
    /// The routes with pages, each with what its query needs besides.
    private static let routes = [
        "/v1/entities?", "/v1/users?", "/v1/users/u1/orders?", "/v1/interactions?", "/v1/interactions?order=asc&",
        "/v1/rejected?", "/v1/searches?", "/v1/recommendations?user_id=u1&", "/v1/similar/product/e1?",
    ]

    @Test("A cursor that no page gave out is refused with a code, on every route with pages", arguments: routes)
    func made(up route: String) throws {
        let service = try TestService()
        defer { service.stop() }
        var cursors = [
            "abcd", "AAAA", "xyz", "____", "x", "%20", "%CC%81", "-1", "1e3", "0x10", "99999999999999999999", "A=",
            "QUJD+w==", String(repeating: "A", count: 1000), String(repeating: "a", count: 4000), "null",
            "cHJvZHVjdB9lMQ",
        ]
        var random = Seeded(state: 8)
        for _ in 0..<40 {
            cursors.append(
                KeyText.base64URL(
                    (0..<Int.random(in: 4...40, using: &random)).map { _ in .random(in: 0...255, using: &random) }))
        }
        for cursor in cursors {
            let answer = try service.send("GET", "\(route)limit=2&cursor=\(cursor)")
            #expect(
                answer.status == 400 && ["invalid_cursor", "invalid_parameter"].contains(answer.code),
                "\(route)\(cursor): \(answer.status) \(answer.text.prefix(200))")
        }
    }

    @Test("What was changed in a cursor, cut off, or given out by another route is refused; as it was, pages go on")
    func changed() throws {
        let service = try TestService()
        defer { service.stop() }
        for index in 0..<5 {
            _ = try service.send("PUT", "/v1/entities/product/e\(index)", text: "{}")
            _ = try service.send("PUT", "/v1/users/u\(index)", text: "{}")
            _ = try service.send(
                "POST", "/v1/interactions", text: #"{"type": "view", "entity_id": "e1", "user_id": "u\#(index)"}"#)
        }
        let routes = ["/v1/entities?", "/v1/users?", "/v1/interactions?"]
        let cursors = try routes.map { route in
            try #require(service.send("GET", "\(route)limit=2").json["next_cursor"]?.stringValue)
        }
        var random = Seeded(state: 9)
        for (index, route) in routes.enumerated() {
            let own = Array(cursors[index].utf8)
            var wrong = cursors
            wrong.remove(at: index)
            wrong += (1..<own.count).map { String(decoding: own.prefix($0), as: UTF8.self) }
            for place in own.indices {
                var other = own
                let letters = Array("ABCDEFGHabcdefgh0123-_".utf8)
                other[place] = letters.filter { $0 != own[place] }.randomElement(using: &random) ?? 65
                wrong.append(String(decoding: other, as: UTF8.self))
            }
            for cursor in wrong {
                let answer = try service.send("GET", "\(route)cursor=\(cursor)")
                #expect(answer.status == 400 && answer.code == "invalid_cursor", "\(route)\(cursor): \(answer.text)")
            }
            let answer = try service.send("GET", "\(route)limit=2&cursor=\(cursors[index])")
            #expect(answer.status == 200 && answer.json["next_cursor"] != nil, "\(route) \(answer.text)")
        }
    }

    @Test("A cursor made by somebody who knows its form does no harm")
    func forged() throws {
        let service = try TestService()
        defer { service.stop() }
        for place in [Int64.min, -1, .max] {
            for order in ["asc", "desc"] {
                let cursor = PageCursor.encode("log", order, String(place))
                let answer = try service.send("GET", "/v1/interactions?order=\(order)&cursor=\(cursor)")
                #expect(answer.status == 400 && answer.code == "invalid_cursor", "\(order) \(place): \(answer.text)")
            }
            let orders = try service.send(
                "GET", "/v1/users/u1/orders?cursor=\(PageCursor.encode("order", String(place)))")
            #expect([200, 400, 404].contains(orders.status))
        }
    }

    @Test("Pages go on behind the longest ids, and behind ids with anything in them")
    func long() throws {
        let service = try TestService()
        defer { service.stop() }
        _ = try service.send("PATCH", "/v1/settings", text: #"{"maximum_id_bytes": 4096}"#)
        let ids =
            ["\u{1f}", "\u{1f}\u{301}x", "\u{301}", "a\u{1f}b"]
            + (0..<6).map { String(repeating: "é\($0)", count: 1365) }
        let entities: JSONValue = ["entities": .array(ids.map { ["type": "product", "id": .string($0)] })]
        let users: JSONValue = ["users": .array(ids.map { ["id": .string($0)] })]
        for (route, body) in [("entities", entities), ("users", users)] {
            #expect(try service.send("PUT", "/v1/\(route)", text: body.text).status == 200)
            var found: [String] = []
            var cursor: String?
            repeat {
                let answer = try service.send("GET", "/v1/\(route)?limit=1\(cursor.map { "&cursor=\($0)" } ?? "")")
                try #require(answer.status == 200, "\(answer.text.prefix(200))")
                for one in answer.json[route]?.arrayValue ?? [] { found.append(one["id"]?.stringValue ?? "") }
                cursor = answer.json["next_cursor"]?.stringValue
            } while cursor != nil && found.count < 50
            #expect(
                found.map { Array($0.utf8) } == ids.map { Array($0.utf8) }.sorted { $0.lexicographicallyPrecedes($1) })
        }
    }
}
