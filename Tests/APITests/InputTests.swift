import Dispatch
import Domain
import JSON
import Testing

@testable import API

@Suite("Headers, parameters and lists", .serialized)
struct InputTests {
    private static let view = #"{"type":"view","entity_id":"p1","user_id":"u1"}"#

    @Test("Lines of entities with a field given twice, a NUL or an endless number are refused one by one")
    func entityLines() throws {
        let service = try TestService()
        defer { service.stop() }
        let body = """
            {"type":"product","id":"1","title":"a"}
            {"type":"product","id":"2","title":"a","title":"b"}
            {"type":"product","id":"3","attributes":{"n":1e999}}
            {"type":"product","id":"4","attributes":{"t":"\\u0000"}}
            not json

            {"type":"planet","id":"5"}
            {"type":"product","id":"6","attributes":{"n":-0,"t":"😀"}}
            """
        let answer = try service.send("PUT", "/v1/entities", type: "application/x-ndjson", Array(body.utf8))
        #expect(answer.status == 200 && answer.json["stored"] == 2)
        let codes = answer.json["results"]?.arrayValue?.map { $0["code"]?.stringValue ?? "ok" }
        #expect(
            codes == [
                "ok", "duplicate_key", "number_out_of_range", "invalid_unicode", "invalid_json", "unknown_entity_type",
                "ok",
            ])
        let kept = try service.send("GET", "/v1/entities/product/6")
        #expect(kept.text.contains(#""attributes":{"n":-0,"t":"😀"}"#), "\(kept.text)")
    }

    @Test("A header of which one alone can be meant is refused when it is given twice, whatever its case")
    func repeatedHeaders() throws {
        let service = try TestService()
        defer { service.stop() }
        func send(_ headers: [(String, String)]) throws -> Answer {
            try service.send("POST", "/v1/interactions", headers: headers, text: Self.view)
        }
        for headers in [
            [("X-User-Id", "a"), ("X-User-Id", "b")], [("X-User-Id", "a"), ("x-user-ID", "a")],
            [("X-Anonymous-Id", "a"), ("X-Anonymous-Id", "")], [("Authorization", "Bearer x")],
            [("X-API-Key", "x"), ("X-API-Key", "y")], [("content-type", "text/plain")],
            [("X-User-Token", "a.b.c"), ("X-User-Token", "a.b.c")], [("X-Signature", "t=1"), ("X-Signature", "v1=2")],
        ] {
            let answer = try send(headers)
            #expect(answer.status == 400 && answer.code == "invalid_header", "\(headers): \(answer.text)")
        }
        let answer = try send([("X-User-Id", "a"), ("X-Forwarded-For", "1"), ("X-Forwarded-For", "2")])
        #expect(answer.status == 200, "\(answer.text)")
    }

    @Test("What a message quotes is short, however long one character of it is")
    func quotes() throws {
        let service = try TestService()
        defer { service.stop() }
        let long = "e" + String(repeating: "\u{301}", count: 20_000)
        let answers = [
            try service.send("POST", "/v1/interactions", text: #"{"type":"\#(long)","entity_id":"p","user_id":"u"}"#),
            try service.send("POST", "/v1/interactions", text: #"{"\#(long)":1}"#),
            try service.send(
                "POST", "/v1/interactions",
                text: #"{"type":"view","entity_type":"\#(long)","entity_id":"p","user_id":"u"}"#),
            try service.send(
                "POST", "/v1/interactions",
                text: #"{"type":"view","entity_id":"p","user_id":"u","context":"\#(long)"}"#),
            try service.send("POST", "/api/phoenix/track-interaction", text: #"{"\#(long)":1}"#),
            try service.send("PUT", "/v1/entities/product/p", text: #"{"\#(long)":1}"#),
            try service.send("PUT", "/v1/plan", text: #"{"extends":"\#(long)"}"#),
        ]
        for answer in answers {
            #expect((400..<500).contains(answer.status) && answer.body.count < 1000, "\(answer.text.utf8.count)")
        }
    }

    @Test("An entity that cannot be kept is 422 whichever way it comes")
    func entityStatus() throws {
        let service = try TestService()
        defer { service.stop() }
        let path = "/v1/entities/product/1"
        #expect(try service.send("PUT", path, text: #"{"colour":"red"}"#).status == 422)
        #expect(try service.send("PUT", path, text: #"{"title":"Lamp"}"#).status == 200)
        let patched = try service.send("PATCH", path, text: #"{"colour":"red"}"#)
        #expect(patched.status == 422, "\(patched.text)")
        #expect(try service.send("PATCH", "/v1/entities/product/2", text: "{}").status == 404)
        #expect(try service.send("DELETE", "/v1/entities/product/2").status == 404)
    }

    @Test("A patch changes what it names, a null clears, and what is deleted is gone")
    func patching() throws {
        let service = try TestService()
        defer { service.stop() }
        let path = "/v1/entities/product/1"
        #expect(try service.send("PUT", path, text: #"{"title":"Lamp","brand":"B"}"#).status == 200)
        let patched = try service.send("PATCH", path, text: #"{"brand":null,"price":"12.50"}"#)
        #expect(patched.status == 200, "\(patched.text)")
        let kept = try service.send("GET", path).json
        #expect(kept["title"] == "Lamp" && kept["brand"] == nil && kept["price"] == "12.50")
        #expect(try service.send("DELETE", path).status == 204)
        #expect(try service.send("GET", path).status == 404)
        #expect(try service.send("PATCH", path, text: #"{"title":"x"}"#).status == 404)
        #expect(try service.send("DELETE", path).status == 404)
    }

    @Test("Patches at the same time all count")
    func patchesAtOnce() throws {
        let service = try TestService()
        defer { service.stop() }
        let path = "/v1/entities/product/1"
        #expect(try service.send("PUT", path, text: "{}").status == 200)
        let fields = ["title", "description", "brand"]
        let done = DispatchGroup()
        for field in fields {
            DispatchQueue.global().async(group: done) {
                let answer = try? service.send("PATCH", path, text: #"{"\#(field)":"x"}"#)
                if answer?.status != 200 { Issue.record("\(field): \(answer?.text ?? "")") }
            }
        }
        done.wait()
        let kept = try service.send("GET", path).json
        for field in fields { #expect(kept[field] == "x") }
    }

    @Test("The parameter import says true or false; nothing else is passed over")
    func importParameter() throws {
        let service = try TestService()
        defer { service.stop() }
        let path = "/v1/interactions?import="
        #expect(try service.send("POST", path + "false", text: Self.view).status == 200)
        #expect(try service.send("POST", path + "true", text: Self.view).status == 403)
        #expect(try service.send("POST", path + "yes", text: Self.view).code == "invalid_parameter")
    }

    @Test("A body of a type that a path does not take is answered 415, with the types that it takes")
    func mediaTypes() throws {
        let service = try TestService()
        defer { service.stop() }
        let text = Array(Self.view.utf8)
        for path in ["/api/track", "/api/phoenix/track-interaction", "/search/click"] {
            for type in ["text/xml", "application/x-ndjson"] {
                let refused = try service.send("POST", path, type: type, text)
                #expect(refused.status == 415 && refused.code == "unsupported_media_type", "\(path): \(refused.text)")
                #expect(refused.text.contains("application/json"), "\(refused.text)")
                #expect(!refused.text.contains("ndjson"), "\(refused.text)")
            }
        }
        let lines = try service.send("POST", "/v1/interactions", type: "text/xml", text)
        #expect(lines.status == 415 && lines.text.contains("application/x-ndjson"), "\(lines.text)")
        let replay = try service.send("POST", "/v1/rejected/replay", type: "text/xml", Array("{}".utf8))
        #expect(replay.status == 415 && replay.code == "unsupported_media_type", "\(replay.text)")
    }

    @Test("An id in a header that is not UTF-8 is refused, not mended")
    func headers() throws {
        let service = try TestService()
        defer { service.stop() }
        for name in ["X-User-Id", "X-Anonymous-Id"] {
            // The harness sends Latin-1's é as the single byte that it is there.
            let answer = try service.send("POST", "/v1/interactions", rawHeader: (name, [0x65, 0xe9]), text: Self.view)
            #expect(answer.status == 400 && answer.code == "invalid_header")
            let good = try service.send("POST", "/v1/interactions", headers: [(name, "é😀")], text: Self.view)
            #expect(good.status == 200)
        }
    }

    @Test("A user token holds on Shop's path as on the others")
    func shopToken() throws {
        let service = try TestService()
        defer { service.stop() }
        let token = Self.token(user: "u1", service)
        func event(_ customer: String) -> String {
            #"{"shop_domain":"shop","customer_id":\#(customer),"interaction_type":"order","context":"cart","metadata":{"product_id":1}}"#
        }
        let path = "/api/phoenix/track-interaction"
        let headers = [("X-User-Token", token)]
        let own = try service.send("POST", path, key: service.writeKey, headers: headers, text: event("\"u1\""))
        #expect(own.status == 200)
        let other = try service.send("POST", path, key: service.writeKey, headers: headers, text: event("\"u2\""))
        #expect(other.json["errors"]?[0]?["code"] == "user_not_allowed")
        let nobody = try service.send("POST", path, key: service.writeKey, headers: headers, text: event("null"))
        #expect(nobody.status == 200)
        let bad = try service.send("POST", path, headers: [("X-User-Token", "x.y.z")], text: event("null"))
        #expect(bad.status == 401)
    }

    @Test("An event of a shop that is sent again is answered with the session that it was given")
    func shopSessions() throws {
        let service = try TestService()
        defer { service.stop() }
        func send(_ id: String, _ rest: String) throws -> Answer {
            let body =
                #"{"id":"\#(id)","shop_domain":"shop","interaction_type":"view","context":"homepage","metadata":{"product_ids":[1,2]},\#(rest)}"#
            return try service.send("POST", "/api/phoenix/track-interaction", text: body)
        }
        let early = Timestamp(milliseconds: noon - 7_200_000).rfc3339
        let events = [
            ("a", #""browser_session_id":"b""#), ("b", #""customer_id":"c","browser_session_id":"b""#),
            ("c", #""customer_id":"c""#), ("d", #""customer_id":"c","occurred_at":"\#(early)""#),
        ]
        let first = try events.map { try send($0.0, $0.1) }
        let sessions = first.map { $0.json["session_id"]?.stringValue }
        #expect(Set(sessions.compactMap(\.self)).count == events.count)
        // At once, within the session, and when another one of the same person has begun.
        for minutes: Int64 in [0, 10, 120] {
            service.clock.now = noon + minutes * 60_000
            if minutes > 60 {
                for (event, session) in zip(events, sessions) {
                    let next = try send("next-\(event.0)", event.1).json["session_id"]?.stringValue
                    #expect(next != nil && (next != session) == (event.0 != "d"), "\(event.0)")
                }
            }
            for (index, event) in events.enumerated() {
                let again = try send(event.0, event.1)
                #expect(again.json["tracked"] == 0 && again.json["success"] == true, "\(again.text)")
                #expect(
                    again.json["session_id"]?.stringValue == sessions[index], "\(event.0), \(minutes): \(again.text)")
                #expect(again.json["interaction_ids"] == first[index].json["interaction_ids"])
            }
        }
    }

    @Test("Users whose ids look alike are two users")
    func lookalikes() throws {
        let service = try TestService()
        defer { service.stop() }
        let composed = "\u{e9}"
        let decomposed = "e\u{301}"
        let item = #"{"type":"view","entity_id":"p1","user_id":"\#(decomposed)"}"#
        #expect(try service.send("POST", "/v1/interactions", text: item).status == 200)
        let headers = [("X-User-Token", Self.token(user: composed, service))]
        let other = try service.send(
            "GET", "/v1/users/e%CC%81/interactions", key: service.writeKey, headers: headers)
        #expect(other.status == 403)
        let mixed = try service.send(
            "POST", "/v1/interactions", headers: headers + [("X-User-Id", decomposed)],
            text: #"{"type":"view","entity_id":"p1"}"#)
        #expect(mixed.status == 403)
        let own = [("X-User-Token", Self.token(user: decomposed, service))]
        let read = try service.send("GET", "/v1/users/e%CC%81/interactions", key: service.writeKey, headers: own)
        #expect(read.status == 200)
    }

    @Test("A token signed under conditions that are not understood is refused, well signed or not")
    func tokenHeaders() throws {
        let service = try TestService()
        defer { service.stop() }
        let headers: [(text: String, status: UInt32)] = [
            (#"{"alg":"HS256","typ":"JWT"}"#, 200), (#"{"alg":"HS256"}"#, 200), (#"{"alg":"none"}"#, 401),
            (#"{"alg":"HS512"}"#, 401), (#"{"alg":"hs256"}"#, 401), (#"{"typ":"JWT"}"#, 401), ("[]", 401),
            (#"{"alg":"HS256","crit":["b64"],"b64":false}"#, 401),
            (#"{"alg":"HS256","crit":["urn:x"],"urn:x":1}"#, 401),
            (#"{"alg":"HS256","crit":[]}"#, 401),
        ]
        for header in headers {
            let answer = try service.send(
                "GET", "/v1/recommendations?user_id=u1", key: service.writeKey,
                headers: [("X-User-Token", Self.token(user: "u1", header: header.text, service))])
            #expect(answer.status == header.status, "\(header.text): \(answer.text)")
            if header.status == 401 { #expect(answer.json["code"] == "invalid_user_token", "\(header.text)") }
        }
    }

    /// A token that the tenant's own server would sign.
    static func token(user: String, header: String = #"{"alg":"HS256","typ":"JWT"}"#, _ service: TestService) -> String
    {
        let claims = #"{"sub":"\#(user)","exp":\#(noon / 1000 + 600)}"#
        let signed =
            KeyText.base64URL(Array(header.utf8)) + "." + KeyText.base64URL(Array(claims.utf8))
        let signature = UserToken.hmac(Array(signed.utf8), key: Array(service.webhookSecret.utf8))
        return signed + "." + KeyText.base64URL(signature)
    }
}
