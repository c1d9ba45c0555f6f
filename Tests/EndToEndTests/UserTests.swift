import Foundation
import Testing

@Suite(.serialized) struct Users {
    @Test("Users are created, replaced, patched, listed by page and deleted, and a restart changes nothing")
    func users() throws {
        let folder = try TestFolder()
        var server = try ServerProcess(folder)
        var client = try server.client()
        let many = (0..<25).map { number -> JSONValue in
            ["id": .string("u\(number)"), "traits": ["n": .integer(Int64(number)), "😀": [nil, true, -0.5]]]
        }
        let put = try client.put(
            "/v1/users", ["users": .array(many + [["id": ""], ["id": "x", "name": "y"], ["id": 77], 3])])
        #expect(put.status == 200 && put.json["stored"] == 26, "\(put)")
        let codes = put.json["results"]?.arrayValue?.suffix(4).map { $0["code"]?.stringValue }
        #expect(codes == ["invalid_user", "invalid_user", nil, "invalid_user"], "\(put)")
        let lines = try client.post(
            "/v1/users", "{\"id\":\"l1\"}\n\n{\"id\":\"l2\",\"traits\":{\"a\":1}}\n{",
            ["Content-Type": "application/x-ndjson"])
        #expect(lines.json["stored"] == 2 && lines.json["results"]?[2]?["status"] == "rejected", "\(lines)")

        let made = try client.get("/v1/users/u3").json
        #expect(made["traits"] == ["n": 3, "😀": [nil, true, -0.5]], "\(made.text)")
        #expect(made["created_at"] == made["updated_at"] && made["purchases"]?["order_count"] == 0)
        let patch = try client.patch("/v1/users/u3", ["traits": ["n": nil, "city": "Ulm"]])
        #expect(patch.json["traits"] == ["😀": [nil, true, -0.5], "city": "Ulm"], "\(patch)")
        #expect(patch.json["created_at"] == made["created_at"])
        let replaced = try client.put("/v1/users/u4", ["id": "u4", "traits": ["only": "this"]])
        #expect(replaced.status == 200 && replaced.json["traits"] == ["only": "this"], "\(replaced)")
        #expect(try client.put("/v1/users/u4", ["id": "u5"]).code == "invalid_user")
        #expect(try client.put("/v1/users/u4", ["traits": 3]).code == "invalid_user")
        #expect(
            try client.put("/v1/users/u4", ["traits": ["x": .string(String(repeating: "y", count: 70_000))]]).status
                == 422)
        #expect(try client.patch("/v1/users/nobody", ["traits": [:]]).status == 404)
        #expect(try client.send("DELETE", "/v1/users/u5", [:], []).status == 204)
        #expect(try client.send("DELETE", "/v1/users/u5", [:], []).status == 404)
        #expect(try client.get("/v1/users/u5").status == 404)
        #expect(try server.writer().get("/v1/users").status == 403)
        #expect(try server.writer().put("/v1/users/u4", [:]).status == 403)
        // Known by what was done alone.
        _ = try client.post("/v1/interactions", ["type": "view", "entity_id": "p", "user_id": "met"])
        #expect(try client.get("/v1/users/met").json["traits"] == [:])

        let wanted = ((0..<25).filter { $0 != 5 }.map { "u\($0)" } + ["77", "l1", "l2"]).sorted()
        for isRestarted in [false, true] {
            var pages: [String] = []
            var target = "/v1/users?limit=10"
            while true {
                let page = try client.get(target).json
                pages += page["users"]?.arrayValue?.compactMap { $0["id"]?.stringValue } ?? []
                guard let cursor = page["next_cursor"]?.stringValue else { break }
                target = "/v1/users?limit=10&cursor=\(cursor.escaped)"
            }
            #expect(pages == wanted)
            #expect(try client.get("/v1/users/u4").json["traits"] == ["only": "this"])
            if isRestarted { continue }
            #expect(server.stop() == 0)
            server = try ServerProcess(folder)
            client = try server.client()
        }
        #expect(try client.get("/v1/users?cursor=***").code == "invalid_cursor")
        let file = try StoreFile(folder)
        #expect(
            try file.rows("SELECT user_id, traits FROM users WHERE user_id IN ('u4', 'u5')") == [
                ["u4", #"{"only":"this"}"#]
            ])
        #expect(server.stop() == 0)
    }

    @Test("Users come from JSONL and CSV files too, beside a running server and without one")
    func imports() throws {
        let folder = try TestFolder()
        var server = try ServerProcess(folder)
        let jsonl = try folder.write(
            "u.jsonl", #"{"id": "a", "traits": {"n": 1}}"# + "\n" + #"{"id": "b", "color": "red"}"# + "\n")
        let csv = try folder.write("u.csv", "id,traits.city,traits.n\nc,Ulm,12\nd,,\n")
        func run(_ format: String, _ path: String) throws -> Child {
            try Child.run(
                folder,
                ["import", "--data", folder.data, "--tenant", "demo", "--format", format, "--users", "--json", path])
        }
        let first = try run("jsonl", jsonl)
        let firstReport = try JSONValue(parsing: first.output)
        #expect(first.status == 1 && firstReport["users"] == 1, "\(first.errors)")
        #expect(first.errors.contains("line 2") && first.errors.contains("invalid_user"), "\(first.errors)")
        #expect(server.stop() == 0)
        let second = try run("csv", csv)
        let secondReport = try JSONValue(parsing: second.output)
        #expect(second.status == 0 && secondReport["users"] == 2, "\(second.errors)")
        server = try ServerProcess(folder)
        let client = try server.client()
        #expect(try client.get("/v1/users/a").json["traits"] == ["n": 1])
        #expect(try client.get("/v1/users/c").json["traits"] == ["city": "Ulm", "n": 12])
        #expect(try client.get("/v1/users/d").json["traits"] == [:])
        #expect(server.stop() == 0)
    }
}
