import Foundation
import Testing

@Suite(.serialized) struct RoundTrips {
    /// Metadata that is valid and easily spoilt.
    private static let metadata: [String] = [
        "{}", #"{"a":null,"b":true,"c":false,"d":[],"e":{}}"#, #"{"n":-0,"m":-0.0,"o":0.0,"p":0e5,"q":1E+2,"r":1e-7}"#,
        #"{"a":9223372036854775807,"b":-9223372036854775808,"c":18446744073709551615}"#,
        #"{"a":123456789012345678901234567890,"b":0.1000000000000000055511151231257827021181583404541015625}"#,
        #"{"a":1.0,"b":100,"c":1.7976931348623157e308,"d":5e-324,"e":1e-999}"#,
        #"{"text":"😀 𝒜 漢字 é \u00e9 \ud83d\ude00 \u0001 \/ \\ \" \b\f\n\r\t"}"#,
        "{\"\u{1F600}\":\"\u{10FFFF}\",\"\":\"\u{7f}\u{2028}\"}",
        #"{ "spaces" : [ 1 , 2 ,3 ] , "nested" : { "a" : { "b" : [ { "c" : [ [ ] ] } ] } } }"#,
        #"{"z":1,"a":2,"Z":3,"constructor":4,"__proto__":5,"type":"x","id":"y"}"#,
        #"{"a":"<script>alert('x')</script> & ' OR 1=1; --","b":"%00 %s %n"}"#,
        String(repeating: #"{"a":"#, count: 31) + "{}" + String(repeating: "}", count: 31),
        #"{"a":"\#(String(repeating: "x", count: 32_768 - 8))"}"#,
    ]

    private static let ids: [String] = [
        "plain", "1", "007", "a b", "a/b", "a%2Fb", "?x=1&y=2#z", "😀", "é", "e\u{301}", "<tag>", "\"quoted\"",
        "back\\slash",
        "new\nline", "\u{1}", "..", ".", "-", "'; DROP TABLE user_interactions; --", String(repeating: "x", count: 256),
        String(repeating: "😀", count: 64),
    ]

    @Test("Valid metadata comes back byte for byte from the answer, from the file and after a restart")
    func metadata() throws {
        let folder = try TestFolder()
        var server = try ServerProcess(folder)
        let client = try server.writer()
        for (number, metadata) in Self.metadata.enumerated() {
            let answer = try client.post(
                "/v1/interactions",
                #"{"id": "m\#(number)", "type": "view", "entity_id": "p1", "user_id": "u\#(number)", "metadata": \#(metadata)}"#
            )
            #expect(answer.status == 200 && answer.json["tracked"] == 1, "\(metadata.prefix(200)): \(answer)")
        }
        for round in 0..<2 {
            let reader = try server.client()
            for (number, metadata) in Self.metadata.enumerated() {
                let text = try reader.get("/v1/users/u\(number)/interactions").text
                #expect(
                    text.contains("\"metadata\":" + metadata + "}"),
                    "\(round): \(metadata.prefix(200)): \(text.prefix(400))")
            }
            let stored = try StoreFile(folder).interactions().compactMap(\.metadata)
            #expect(stored.map { Array($0.utf8) } == Self.metadata.map { Array($0.utf8) })
            #expect(server.stop() == 0)
            if round == 0 { server = try ServerProcess(folder) }
        }
    }

    @Test("Ids of any letters come back as sent, in lists, paths, sessions and the file")
    func ids() throws {
        let folder = try TestFolder()
        let server = try ServerProcess(folder)
        let client = try server.client()
        for id in Self.ids {
            let answer = try client.post(
                "/v1/interactions",
                [
                    "id": .string(id), "type": "view", "entity_id": .string(id), "user_id": .string(id),
                    "session_id": .string(id), "list_id": .string(id),
                ])
            #expect(answer.status == 200 && answer.json["tracked"] == 1, "\(id): \(answer)")
            #expect(answer.json["results"]?[0]?["id"] == .string(id), "\(id): \(answer)")
        }
        for id in Self.ids {
            let own = try client.get("/v1/users/\(id.escaped)/interactions").json["interactions"]
            #expect(own?.arrayValue?.count == 1, "\(id): \(own?.text ?? "nothing")")
            for field in ["id", "entity_id", "user_id", "session_id", "list_id"] {
                #expect(own?[0]?[field] == .string(id), "\(id): \(own?.text ?? "nothing")")
            }
            let stats = try client.get("/v1/entities/product/\(id.escaped)/stats")
            #expect(
                stats.json["entity_id"] == .string(id) && stats.json["counts"] == ["view_count": 1], "\(id): \(stats)")
            let session = try client.get("/v1/sessions/\(id.escaped)")
            #expect(session.json["interactionCount"] == 1, "\(id): \(session)")
        }
        let listed = try client.get("/v1/popular?limit=1000").json["items"]?.arrayValue ?? []
        let sorted = Self.ids.sorted { Array($0.utf8).lexicographicallyPrecedes(Array($1.utf8)) }
        #expect(
            listed.compactMap { $0["entity_id"]?.stringValue }.map { Array($0.utf8) } == sorted.map { Array($0.utf8) })
        #expect(try StoreFile(folder).interactions().map { Array($0.id.utf8) } == Self.ids.map { Array($0.utf8) })
    }

    @Test("Integer ids are their decimal text, whatever their size")
    func integerIDs() throws {
        let server = try ServerProcess(TestFolder())
        let client = try server.client()
        for text in ["0", "123", "-5", "9223372036854775807", "18446744073709551615", "123456789012345678901234567890"]
        {
            let answer = try client.post(
                "/v1/interactions", #"{"id": \#(text), "type": "view", "entity_id": \#(text), "user_id": \#(text)}"#)
            #expect(answer.json["results"]?[0]?["id"]?.stringValue == text, "\(answer)")
            let again = try client.post(
                "/v1/interactions",
                #"{"id": "\#(text)", "type": "view", "entity_id": "\#(text)", "user_id": "\#(text)"}"#)
            #expect(again.json["results"]?[0]?["status"] == "duplicate", "\(again)")
            #expect(try client.get("/v1/entities/product/\(text)/stats").json["counts"] == ["view_count": 1])
        }
    }

    @Test("Values and times come back as they were, the times corrected by the client's clock")
    func valuesAndTimes() throws {
        let server = try ServerProcess(TestFolder())
        let client = try server.client()
        let start = now()
        let values = ["0", "-0.0", "1", "12.5", "-1e-7", "1.7976931348623157e308", "9007199254740992"]
        for (number, value) in values.enumerated() {
            _ = try client.post(
                "/v1/interactions", #"{"type": "view", "entity_id": "p", "user_id": "v\#(number)", "value": \#(value)}"#
            )
            let own = try client.get("/v1/users/v\(number)/interactions").json["interactions"]?[0]?["value"]
            #expect(own?.doubleValue == Double(value), "\(value): \(own?.text ?? "nothing")")
        }
        let inexact = try client.post(
            "/v1/interactions", #"{"type": "view", "entity_id": "p", "user_id": "w", "value": 9007199254740993}"#)
        #expect(inexact.status == 422 && inexact.json["code"] == "inexact_value", "\(inexact)")
        func occurred(_ user: String, _ body: JSONValue) throws -> Int64 {
            let answer = try client.post("/v1/interactions", body)
            #expect(answer.status == 200, "\(answer)")
            let own = try client.get("/v1/users/\(user)/interactions").json["interactions"]?[0]?["occurred_at"]
            return milliseconds(own?.stringValue ?? "") ?? -1
        }
        func item(_ user: String, _ time: String?) -> JSONValue {
            var item: JSONValue = ["type": "view", "entity_id": "p", "user_id": .string(user)]
            if let time { item["occurred_at"] = .string(time) }
            return item
        }
        // As it stands, in UTC and with an offset.
        #expect(try occurred("t1", item("t1", rfc3339(start - 5_000_123))) == start - 5_000_123)
        let offset = rfc3339(start - 7_000_000 + 7_200_000).dropLast() + "+02:00"
        #expect(try occurred("t2", item("t2", String(offset))) == start - 7_000_000)
        // Years ago: the demo tenant keeps its data for ever.
        #expect(try occurred("t3", item("t3", "1997-09-20T03:05:10.000Z")) == 874_724_710_000)
        // A clock that is a day slow.
        let slow = start - 86_400_000
        let corrected = try occurred(
            "t4", ["interactions": [item("t4", rfc3339(slow - 60_000))], "sent_at": .string(rfc3339(slow))])
        #expect(corrected >= start - 60_000 && corrected <= now() - 60_000)
        // Two minutes ahead stands; an hour ahead becomes the time of receipt.
        #expect(try occurred("t5", item("t5", rfc3339(start + 120_000))) == start + 120_000)
        let ahead = try occurred("t6", item("t6", rfc3339(start + 3_600_000)))
        #expect(ahead >= start && ahead <= now())
    }
}
