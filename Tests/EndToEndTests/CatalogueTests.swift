import Foundation
import Testing

@Suite(.serialized) struct Catalogue {
    @Test("Entities are created, patched, listed by page, hidden and deleted, and lists follow at once")
    func entities() throws {
        let folder = try TestFolder()
        var server = try ServerProcess(folder)
        let client = try server.client()
        let many = (0..<25).map { number -> JSONValue in
            [
                "type": "product", "id": .string("p\(number)"), "title": .string("Product \(number)"),
                "categories": [.string(number % 2 == 0 ? "even" : "odd")], "price": "12.50", "currency": "EUR",
                "attributes": ["n": .integer(Int64(number)), "😀": [nil, true, -0.5]],
            ]
        }
        let put = try client.put(
            "/v1/entities", ["entities": .array(many + [["type": "ship", "id": "s"], ["id": "x"]])])
        #expect(put.status == 200 && put.json["stored"] == 25, "\(put)")
        #expect(put.json["results"]?[25]?["code"] == "unknown_entity_type", "\(put)")
        #expect(put.json["results"]?[26]?["status"] == "rejected", "\(put)")
        for number in 0..<25 {
            _ = try client.post(
                "/v1/interactions", ["type": "view", "entity_id": .string("p\(number)"), "user_id": "u"])
        }
        func listed(_ category: String) throws -> Set<String> {
            let items = try client.get("/v1/popular?limit=100&category=\(category)").json["items"]?.arrayValue ?? []
            return Set(items.compactMap { $0["entity_id"]?.stringValue })
        }
        #expect(try listed("even").count == 13)
        #expect(try listed("odd").count == 12)

        let patch = try client.patch("/v1/entities/product/p2", ["categories": ["odd", "new"], "price": nil])
        #expect(patch.status == 200 && patch.json["title"] == "Product 2" && patch.json["price"] == nil, "\(patch)")
        #expect(try listed("even").count == 12)
        #expect(try listed("odd").count == 13)
        #expect(try listed("new") == ["p2"])
        #expect(try client.patch("/v1/entities/product/p3", ["hidden": true]).status == 200)
        #expect(try listed("odd").contains("p3") == false)
        #expect(try client.send("DELETE", "/v1/entities/product/p5", [:], []).status == 204)
        #expect(try listed("odd").contains("p5") == false)
        #expect(try client.get("/v1/entities/product/p5").status == 404)
        #expect(try client.patch("/v1/entities/product/p5", ["title": "x"]).status == 404)
        let attributes = try client.get("/v1/entities/product/p7").json["attributes"]
        #expect(attributes == ["n": 7, "😀": [nil, true, -0.5]])
        // Met, but not in the catalogue.
        _ = try client.post("/v1/interactions", ["type": "view", "entity_id": "met", "user_id": "u"])
        #expect(try client.get("/v1/entities/product/met").json["placeholder"] == true)

        var pages: [String] = []
        var target = "/v1/entities?limit=10&entity_type=product"
        while true {
            let page = try client.get(target).json
            pages += page["entities"]?.arrayValue?.compactMap { $0["id"]?.stringValue } ?? []
            guard let cursor = page["next_cursor"]?.stringValue else { break }
            target = "/v1/entities?limit=10&entity_type=product&cursor=\(cursor.escaped)"
        }
        let wanted = (0..<25).filter { $0 != 5 }.map { "p\($0)" }
        #expect(pages == wanted.sorted { Array($0.utf8).lexicographicallyPrecedes(Array($1.utf8)) })

        let before = try client.get("/v1/popular?limit=100").text
        #expect(server.stop() == 0)
        server = try ServerProcess(folder)
        let after = try server.client().get("/v1/popular?limit=100")
        let ids = { (text: String) in
            (try? JSONValue(parsing: text))?["items"]?.arrayValue?.map {
                "\($0["entity_id"] ?? .null) \($0["title"] ?? .null)"
            }
        }
        #expect(ids(after.text) == ids(before))
        #expect(server.stop() == 0)
    }

    @Test("Entities come from CSV and JSONL files too, with what is wrong told by line")
    func imports() throws {
        let folder = try TestFolder()
        let server = try ServerProcess(folder)
        let jsonl = try folder.write(
            "e.jsonl",
            """
            {"type": "product", "id": "a", "title": "A", "categories": ["x", "y"]}
            {"type": "product", "id": "b", "title": "Ünï ✓", "inventory": 0}
            """)
        let first = try Child.run(
            folder,
            ["import", "--data", folder.data, "--tenant", "demo", "--format", "jsonl", "--entities", "--json", jsonl])
        #expect(first.status == 0, "\(first.errors)")
        #expect(try JSONValue(parsing: first.output)["entities"] == 2)
        let csv = try folder.write(
            "e.csv",
            "type,id,title,price,currency\r\nproduct,c,\"C, \"\"quoted\"\"\",9.99,EUR\r\nproduct,d,D,cheap,EUR\r\n")
        let second = try Child.run(
            folder,
            ["import", "--data", folder.data, "--tenant", "demo", "--format", "csv", "--entities", "--json", csv])
        let report = try JSONValue(parsing: second.output)
        #expect(second.status ?? 0 > 0 && report["entities"] == 1 && report["rejected"] == 1, "\(report.text)")
        #expect(second.errors.contains("3") && second.errors.contains("price"), "\(second.errors)")
        let client = try server.client()
        #expect(try client.get("/v1/entities/product/b").json["title"] == "Ünï ✓")
        #expect(try client.get("/v1/entities/product/c").json["title"] == "C, \"quoted\"")
        #expect(try client.get("/v1/entities/product/c").json["price"] == "9.99")
        #expect(try client.get("/v1/entities/product/d").status == 404)
    }

    @Test("Tenants see nothing of each other; their keys are made while the server runs")
    func tenants() throws {
        let folder = try TestFolder()
        var server = try ServerProcess(folder)
        func key(_ scope: String) throws -> String {
            let child = try Child.run(
                folder, ["keys", "create", "--data", folder.data, "--tenant", "other", "--scope", scope])
            #expect(child.status == 0, "\(child.errors)")
            return child.output.trimmingCharacters(in: .whitespacesAndNewlines)
        }
        let (write, secret) = (try key("write"), try key("secret"))
        let demo = try server.client()
        let body: JSONValue = ["id": "same", "type": "view", "entity_id": "p1", "user_id": "u1", "session_id": "s1"]
        #expect(try demo.post("/v1/interactions", body).json["tracked"] == 1)
        #expect(try Client(port: server.port, key: write).post("/v1/interactions", body).json["tracked"] == 1)
        #expect(try demo.put("/v1/entities/product/only-demo", ["title": "Only demo's"]).status == 200)
        #expect(try demo.put("/v1/plan", ["extends": "feed"]).status == 200)
        for _ in 0..<2 {
            let other = Client(port: server.port, key: secret)
            #expect(try other.get("/v1/totals").json["interactions"] == ["view": 1])
            #expect(try other.get("/v1/entities/product/only-demo").status == 404)
            #expect(try other.get("/v1/plan").json["version"] == 1)
            #expect(try other.get("/v1/settings").json["retention_days"]?.integerValue == 90)
            server.stop()
            server = try ServerProcess(folder)
        }
        // A key of one opens nothing of the other, and a user's interactions need the secret one there.
        let recent = try Client(port: server.port, key: write).get("/v1/users/u1/interactions")
        #expect(recent.status == 403 && recent.isProblem, "\(recent)")
    }
}
