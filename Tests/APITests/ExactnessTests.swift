import Foundation
import JSON
import Testing

@Suite("What is valid comes back as it was sent")
struct ExactnessTests {
    private static let attributes =
        #"{"a":12345678901234567890123,"b":[1.0,1e5,-0.0,-0,0.30000000000000000001],"c":{"price":12.50},"d":18446744073709551615}"#

    private func text(_ answer: Answer, _ start: String) throws -> String {
        let place = try #require(answer.text.range(of: start), "\(answer.text)")
        return String(answer.text[place.upperBound...].prefix(Self.attributes.count))
    }

    @Test("Numbers in attributes and in errors' metadata keep every digit, also after a restart")
    func numbers() throws {
        let folder = NSTemporaryDirectory() + "footfall-exact-" + UUID().uuidString
        defer { try? FileManager.default.removeItem(atPath: folder) }
        let first = try TestService(folder: folder)
        let put = try first.send(
            "PUT", "/v1/entities/product/p1", text: #"{"title":"t","price":12.50,"attributes":\#(Self.attributes)}"#)
        #expect(put.status == 200, "\(put.text)")
        let listed = #"{"entities":[{"type":"product","id":"p2","attributes":\#(Self.attributes)}]}"#
        #expect(try first.send("PUT", "/v1/entities", text: listed).status == 200)
        #expect(try first.send("PATCH", "/v1/entities/product/p1", text: #"{"title":"new"}"#).status == 200)
        let report = #"{"context":"c","error_message":"m","metadata":\#(Self.attributes)}"#
        #expect(try first.send("POST", "/v1/errors", text: report).status == 200)
        func check(_ service: TestService) throws {
            for id in ["p1", "p2"] {
                let answer = try service.send("GET", "/v1/entities/product/\(id)")
                #expect(try text(answer, #""attributes":"#) == Self.attributes)
                if id == "p1" { #expect(answer.json["price"] == "12.50", "\(answer.text)") }
            }
            #expect(try text(service.send("GET", "/v1/errors"), #""metadata":"#) == Self.attributes)
        }
        try check(first)
        first.stop()
        let second = try TestService(folder: folder)
        defer { second.stop() }
        try check(second)
        // A whole number stands for its digits, as in interactions.
        let big = #"{"entities":[{"type":"product","id":18446744073709551615}]}"#
        #expect(try second.send("PUT", "/v1/entities", text: big).status == 200)
        #expect(try second.send("GET", "/v1/entities/product/18446744073709551615").status == 200)
    }

    @Test("Attributes as deep as a body may be come back, also after a restart")
    func depth() throws {
        let folder = NSTemporaryDirectory() + "footfall-exact-" + UUID().uuidString
        defer { try? FileManager.default.removeItem(atPath: folder) }
        let deep = String(repeating: "[", count: 120) + String(repeating: "]", count: 120)
        let first = try TestService(folder: folder)
        let body = #"{"attributes":{"deep":\#(deep)}}"#
        #expect(try first.send("PUT", "/v1/entities/product/p1", text: body).status == 200)
        #expect(try first.send("GET", "/v1/entities/product/p1").text.contains(deep))
        first.stop()
        let second = try TestService(folder: folder)
        defer { second.stop() }
        #expect(try second.send("GET", "/v1/entities/product/p1").text.contains(deep))
    }
}
