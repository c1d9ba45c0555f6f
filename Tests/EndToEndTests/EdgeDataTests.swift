import Foundation
import Testing

/// Data that is nothing like what models and lists are made for: a sensible list or a clear error, never a crash, nothing that
/// is hidden or deleted, and no list shorter than it could be.
@Suite(.serialized) struct EdgeData {
    private static let surfaces = [
        "for_you", "similar", "bought_together", "because_you_viewed", "cart", "trending_near_your_taste",
        "people_like_you",
    ]

    private func send(_ client: Client, _ type: String, _ pairs: [(user: String, entity: String)]) throws {
        for start in stride(from: 0, to: pairs.count, by: 500) {
            let items = pairs[start..<min(pairs.count, start + 500)].map {
                #"{"type": "\#(type)", "entity_id": "\#($0.entity)", "user_id": "\#($0.user)"}"#
            }
            let answer = try client.post("/v1/interactions", #"{"interactions": [\#(items.joined(separator: ","))]}"#)
            #expect(answer.json["tracked"]?.integerValue == Int64(items.count))
        }
    }

    /// Lists for a user on every surface hold nothing but what is listed; a person's own list holds all of it that fits.
    private func check(_ client: Client, _ user: String, _ listed: Set<String>, _ note: Comment) throws {
        for surface in Self.surfaces {
            let answer = try client.get("/v1/recommendations?user_id=\(user)&surface=\(surface)&limit=100")
            #expect(answer.status == 200, note)
            let ids = (answer.json["items"]?.arrayValue ?? []).map { $0["entity_id"]?.stringValue ?? "" }
            #expect(Set(ids).count == ids.count && Set(ids).isSubset(of: listed), "\(note): \(surface) \(ids)")
            if surface == "for_you" { #expect(ids.count == min(100, listed.count), "\(note): \(ids)") }
        }
        for entity in listed.sorted().prefix(2) {
            let answer = try client.get("/v1/similar/product/\(entity)?limit=100")
            let ids = Set((answer.json["items"]?.arrayValue ?? []).map { $0["entity_id"]?.stringValue ?? "" })
            #expect(answer.status == 200 && ids.isSubset(of: listed) && !ids.contains(entity), "\(note): \(entity)")
            #expect(ids.count == min(100, listed.count - 1), "\(note): \(ids)")
        }
    }

    /// Trains; answers the code of what stood against it.
    private func train(_ client: Client) throws -> String? {
        #expect(try client.post("/v1/models/train", "").status == 202)
        let start = seconds()
        while seconds() - start < 120 {
            let training = try client.get("/v1/models").json["training"]
            if training?["state"]?.stringValue == "idle" { return training?["last"]?["error"]?["code"]?.stringValue }
            usleep(50_000)
        }
        Issue.record("the training does not end")
        return nil
    }

    @Test("Nothing, one entity, one user, everything by one person")
    func few() throws {
        let folder = try TestFolder()
        let server = try ServerProcess(folder)
        let client = try server.client()
        #expect(try train(client) == "no_training_data")
        try check(client, "nobody", [], "nothing")
        #expect(try client.get("/v1/similar/product/nothing").json["items"]?.arrayValue?.isEmpty == true)
        try send(client, "view", [("one", "only")])
        #expect(try train(client) == nil)
        try check(client, "one", ["only"], "one entity")
        try check(client, "nobody", ["only"], "one entity, somebody else")
        let entities = (0..<30).map { "e\($0)" }
        for _ in 0..<20 { try send(client, "view", entities.map { ("one", $0) }) }
        try send(client, "order", entities.map { ("one", $0) })
        #expect(try train(client) == nil)
        try check(client, "one", Set(entities + ["only"]), "everything by one person")
        try check(client, "nobody", Set(entities + ["only"]), "everything by another person")
        #expect(server.stop() == 0)
    }

    @Test("All weights zero or below: nothing to learn from, and lists all the same")
    func weights() throws {
        let folder = try TestFolder()
        let server = try ServerProcess(folder)
        let client = try server.client()
        let plan = """
            {"extends": "default", "interaction_types": {"view": {"weight": 0}, "click": {"weight": -1},
             "order": {"weight": -5}, "cart_add": {"weight": 0}}}
            """
        #expect(try client.put("/v1/plan", try JSONValue(parsing: plan)).status == 200)
        var listed: Set<String> = []
        for type in ["view", "click", "order", "cart_add"] {
            let pairs = (0..<60).map { (user: "u\($0 % 6)", entity: "e\($0 % 13)") }
            try send(client, type, pairs)
            listed.formUnion(pairs.map(\.entity))
        }
        _ = try train(client)
        #expect(try client.get("/v1/models").json["training"]?["state"]?.stringValue == "idle")
        try check(client, "u1", listed, "no weights")
        for field in ["ranking_base_weight", "ranking_personal_weight"] {
            let answer = try client.patch("/v1/settings", try JSONValue(parsing: #"{"\#(field)": -1}"#))
            #expect(answer.status == 422 && answer.json["code"]?.stringValue == "invalid_settings")
        }
        let zero = #"{"ranking_base_weight": 0, "ranking_personal_weight": 0, "ranking_popularity_weight": 0}"#
        #expect(try client.patch("/v1/settings", try JSONValue(parsing: zero)).status == 422)
        #expect(server.stop() == 0)
    }

    @Test(
        "Vectors that are no numbers are refused; of different lengths, and with what is none, they are no reason to fail"
    )
    func vectors() throws {
        let folder = try TestFolder()
        let server = try ServerProcess(folder)
        let client = try server.client()
        func put(_ id: String, _ vector: String) throws -> Answer {
            let text =
                #"{"entities": [{"type": "product", "id": "\#(id)", "title": "A", "attributes": {"v": \#(vector)}}]}"#
            return try client.send("PUT", "/v1/entities", ["Content-Type": "application/json"], Array(text.utf8))
        }
        for bad in ["[1, NaN]", "[Infinity]", "[1e400]", "[-1e999, 2]"] {
            #expect(try put("bad", bad).status == 400, "\(bad)")
        }
        let odd = [
            "[1, 2, 3]", "[1, 2]", "[]", "[0, 0, 0]", "[1e308, 1e308, -1e308]", #"["x", null]"#, "[[1], [2]]", "null",
            "7",
        ]
        for (place, vector) in odd.enumerated() {
            let answer = try put("v\(place)", vector)
            #expect(answer.status == 200 || answer.status == 422, "\(vector)")
        }
        let listed = Set(
            (try client.get("/v1/entities?limit=100").json["entities"]?.arrayValue ?? [])
                .compactMap { $0["id"]?.stringValue })
        #expect(!listed.contains("bad") && listed.contains("v0") && listed.contains("v1"))
        try check(client, "nobody", listed, "vectors")
        try send(client, "view", [("u", "v0"), ("u", "v1"), ("u", "v0")])
        #expect(try train(client) == nil)
        try check(client, "u", listed, "vectors that were looked at")
        #expect(server.stop() == 0)
    }

    @Test("Many entities and ten interactions, some hidden, deleted or out of stock")
    func wide() throws {
        let folder = try TestFolder()
        let server = try ServerProcess(folder)
        let client = try server.client()
        for start in stride(from: 0, to: 20_000, by: 1_000) {
            let entities = (start..<start + 1_000).map { number in
                let flag = number % 10 == 0 ? #", "hidden": true"# : number % 10 == 1 ? #", "inventory": 0"# : ""
                return #"{"type": "product", "id": "e\#(number)", "title": "Thing \#(number)"\#(flag)}"#
            }
            let text = #"{"entities": [\#(entities.joined(separator: ","))]}"#
            #expect(
                try client.send("PUT", "/v1/entities", ["Content-Type": "application/json"], Array(text.utf8)).status
                    == 200)
        }
        for number in [2, 3] {
            #expect(try client.send("DELETE", "/v1/entities/product/e\(number)", [:], []).status < 300)
        }
        try send(client, "view", (0..<10).map { (user: "u\($0 % 3)", entity: "e\($0)") })
        #expect(try train(client) == nil)
        let listed = Set((0..<20_000).filter { $0 % 10 != 0 && $0 != 2 && $0 != 3 }.map { "e\($0)" })
        for user in ["u0", "u1", "nobody"] {
            try check(client, user, listed, "wide")
            let answer = try client.get("/v1/recommendations?user_id=\(user)&in_stock=true&limit=100")
            let ids = (answer.json["items"]?.arrayValue ?? []).compactMap { $0["entity_id"]?.stringValue }
            #expect(ids.count == 100 && ids.allSatisfy { listed.contains($0) && !$0.hasSuffix("1") }, "\(ids)")
        }
        #expect(server.stop() == 0)
    }
}
