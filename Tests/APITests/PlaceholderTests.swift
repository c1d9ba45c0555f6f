import JSON
import Testing

@Suite("Entities that were met before the catalogue knew them")
struct PlaceholderTests {
    @Test("A patch makes a placeholder a real entity, which keeps its counts")
    func patch() throws {
        let service = try TestService()
        defer { service.stop() }
        for id in ["met", "gone"] {
            let view = #"{"type":"view","entity_id":"\#(id)","user_id":"u"}"#
            #expect(try service.send("POST", "/v1/interactions", text: view).status == 200)
        }
        #expect(try service.send("GET", "/v1/entities/product/met").json["placeholder"] == true)
        let bad = try service.send("PATCH", "/v1/entities/product/met", text: #"{"price":"much"}"#)
        #expect(bad.status == 422 && bad.code == "invalid_entity", "\(bad.text)")
        #expect(try service.send("GET", "/v1/entities/product/met").json["placeholder"] == true)
        let patched = try service.send(
            "PATCH", "/v1/entities/product/met", text: #"{"title":"Met","categories":["c"]}"#)
        #expect(patched.status == 200 && patched.json["placeholder"] == false, "\(patched.text)")
        let read = try service.send("GET", "/v1/entities/product/met").json
        #expect(read["title"] == "Met" && read["placeholder"] == false)
        let items = try service.send("GET", "/v1/popular?category=c").json["items"]?.arrayValue
        #expect(items?.first?["counts"]?["view_count"] == 1, "\(items ?? [])")
        // Taken out like any other.
        #expect(try service.send("DELETE", "/v1/entities/product/gone").status == 204)
        #expect(try service.send("GET", "/v1/entities/product/gone").status == 404)
        #expect(try service.send("PATCH", "/v1/entities/product/gone", text: #"{"title":"x"}"#).status == 404)
        // What nobody has met is not there, and neither is another type of the same id.
        for path in ["product/never", "post/met", "planet/met"] {
            #expect(try service.send("PATCH", "/v1/entities/\(path)", text: #"{"title":"x"}"#).status == 404)
        }
    }
}
