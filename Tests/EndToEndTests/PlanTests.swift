import Foundation
import Synchronization
import Testing

@Suite(.serialized) struct Plans {
    private let trial: JSONValue = [
        "extends": "default",
        "interaction_types": [
            "trial_start": ["weight": 7, "popularity": true, "aliases": ["trial"]]
        ],
    ]

    @Test("A plan adds a type while the server runs; versions are kept, also over a restart")
    func addsType() throws {
        let folder = try TestFolder()
        let server = try ServerProcess(folder)
        let (client, writer) = (try server.client(), try server.writer())
        let body: JSONValue = ["id": "t1", "type": "trial_start", "entity_id": "p1", "user_id": "u1"]
        let before = try writer.post("/v1/interactions", body)
        #expect(before.status == 422 && before.code == "unknown_type", "\(before)")

        #expect(try writer.put("/v1/plan", trial).status == 403)
        let first = try client.get("/v1/plan").json
        let put = try client.put("/v1/plan", trial)
        #expect(put.status == 200 && put.json["version"]?.integerValue == 2, "\(put)")
        // A refused id may be sent again; the alias counts as its type.
        let after = try writer.post("/v1/interactions", body)
        #expect(after.status == 200 && after.json["tracked"] == 1, "\(after)")
        let alias = try writer.post("/v1/interactions", ["type": "trial", "entity_id": "p1", "user_id": "u1"])
        #expect(alias.json["tracked"] == 1, "\(alias)")
        let stats = try writer.get("/v1/entities/product/p1/stats").json
        #expect(stats["counts"] == ["trial_start_count": 2] && stats["popularity_score"]?.doubleValue == 14, "\(stats)")
        let recent = try client.get("/v1/users/u1/interactions").json["interactions"]
        #expect(recent?[0]?["original_type"] == "trial" && recent?[0]?["type"] == "trial_start", "\(recent ?? .null)")

        let versions = try client.get("/v1/plan/versions").json["versions"]?.arrayValue ?? []
        #expect(versions.compactMap { $0["version"]?.integerValue } == [2, 1])
        #expect(try client.get("/v1/plan?version=1").json == first)
        #expect(try client.get("/v1/plan?version=2").json == put.json)
        #expect(try client.get("/v1/plan?version=3").status == 404)
        let planned = try StoreFile(folder).rows("SELECT id, plan_version FROM user_interactions WHERE id = 't1'")
        #expect(planned == [["t1", "2"]])
        // What the plan says can be put again as it is.
        let again = try client.put("/v1/plan", put.json["plan"] ?? .null)
        #expect(again.status == 200 && again.json["plan"] == put.json["plan"], "\(again)")

        #expect(server.stop() == 0)
        let second = try ServerProcess(folder)
        #expect(try second.client().get("/v1/plan").json == again.json)
        #expect(try second.writer().post("/v1/interactions", body).json["results"]?[0]?["status"] == "duplicate")
        #expect(try second.writer().get("/v1/entities/product/p1/stats").json["counts"] == ["trial_start_count": 2])
    }

    @Test("An invalid plan is refused with a code and the place of its fault, and changes nothing")
    func invalidPlans() throws {
        let server = try ServerProcess(TestFolder())
        let client = try server.client()
        let first = try client.get("/v1/plan").json
        func schema(_ text: String) -> String {
            #"{"extends": "default", "entity_types": {"product": {"metadata": \#(text)}}}"#
        }
        let table: [(plan: String, pointer: String)] = [
            (#"{}"#, "/interaction_types"),
            (#"{"extends": "nothing"}"#, "/extends"),
            (#"{"extends": "default", "colour": "red"}"#, "/colour"),
            (#"{"extends": "default", "interaction_types": {"x": {"weight": "5"}}}"#, "/interaction_types/x/weight"),
            (#"{"extends": "default", "interaction_types": {"x": {"wait": 5}}}"#, "/interaction_types/x/wait"),
            (#"{"extends": "default", "interaction_types": {"x": {"aliases": ["view"]}}}"#, "/interaction_types/x"),
            (#"{"extends": "default", "interaction_types": {"": {}}}"#, "/interaction_types/"),
            (#"{"extends": "default", "interaction_types": []}"#, "/interaction_types"),
            (#"{"extends": "default", "default_entity_type": "ship"}"#, "/default_entity_type"),
            (schema(#"{"type": "objekt"}"#), "/entity_types/product/metadata/type"),
            (
                schema(#"{"properties": {"a": {"unevaluatedProperties": false}}}"#),
                "/entity_types/product/metadata/properties/a/unevaluatedProperties"
            ),
            (
                schema(#"{"properties": {"a": {"format": "hostname"}}}"#),
                "/entity_types/product/metadata/properties/a/format"
            ),
            (
                schema(#"{"properties": {"a": {"pattern": "(?=x)"}}}"#),
                "/entity_types/product/metadata/properties/a/pattern"
            ),
            (schema(#"{"$ref": "https://example.org/a.json"}"#), "/entity_types/product/metadata/$ref"),
            (schema(#"{"minLength": -1}"#), "/entity_types/product/metadata/minLength"),
            (schema("7"), "/entity_types/product/metadata"),
        ]
        for row in table {
            let answer = try client.send("PUT", "/v1/plan", [:], Array(row.plan.utf8))
            #expect(answer.status == 422 && answer.isProblem, "\(row.plan): \(answer)")
            #expect(answer.json["pointer"]?.stringValue == row.pointer, "\(row.plan): \(answer)")
            #expect(answer.json["detail"]?.stringValue?.isEmpty == false)
        }
        #expect(try client.get("/v1/plan").json == first)
        #expect(try client.get("/v1/plan/versions").json["versions"]?.arrayValue?.count == 1)
    }

    @Test("Rejected interactions are kept, listed by page and code, and replayed once the plan is mended")
    func rejectedAndReplayed() throws {
        let folder = try TestFolder()
        let server = try ServerProcess(folder)
        let (client, writer) = (try server.client(), try server.writer())
        for number in 0..<25 {
            let type = number % 5 == 4 ? "never" : "trial_start"
            let answer = try writer.post(
                "/v1/interactions",
                [
                    "interactions": [
                        [
                            "id": .string("r\(number)"), "type": .string(type), "entity_id": "p1", "user_id": "u1",
                            "metadata": ["n": .integer(Int64(number))],
                        ]
                    ]
                ])
            #expect(answer.status == 200 && answer.json["results"]?[0]?["code"] == "unknown_type", "\(answer)")
        }
        #expect(try writer.get("/v1/rejected").status == 403)
        var listed: [String] = []
        var target = "/v1/rejected?limit=10"
        while true {
            let page = try client.get(target).json
            #expect(page["total"]?.integerValue == 25, "\(page.text)")
            for item in page["rejected"]?.arrayValue ?? [] {
                #expect(item["code"] == "unknown_type")
                #expect(item["interaction"]?["id"] == item["id"])
                listed.append(item["id"]?.stringValue ?? "")
            }
            guard let cursor = page["next_cursor"]?.stringValue else { break }
            target = "/v1/rejected?limit=10&cursor=\(cursor)"
        }
        #expect(listed == (0..<25).map { "r\($0)" })
        #expect(try client.get("/v1/rejected?code=unknown_context").json["rejected"]?.arrayValue?.isEmpty == true)

        // Nothing is mended yet.
        let vain = try client.post("/v1/rejected/replay", "")
        #expect(vain.status == 200 && vain.json["tracked"] == 0 && vain.json["rejected"] == 25, "\(vain)")
        #expect(try client.put("/v1/plan", trial).status == 200)
        // One of them was sent again by its client in the meantime.
        let own = try writer.post(
            "/v1/interactions", ["id": "r3", "type": "trial_start", "entity_id": "p1", "user_id": "u1"])
        #expect(own.json["tracked"] == 1)
        let received = try StoreFile(folder).rows("SELECT id, received_at FROM rejected_interactions WHERE id = 'r0'")
        let replay = try client.post("/v1/rejected/replay", #"{"code": "unknown_type"}"#)
        #expect(replay.status == 200 && replay.json["replayed"] == 20, "\(replay)")
        #expect(replay.json["tracked"] == 19 && replay.json["rejected"] == 5, "\(replay)")
        let rest = try client.get("/v1/rejected").json
        #expect(rest["total"]?.integerValue == 5 && rest["rejected"]?.arrayValue?.count == 5, "\(rest.text)")
        #expect(try StoreFile(folder).rows("SELECT id, received_at FROM user_interactions WHERE id = 'r0'") == received)
        let stats = try writer.get("/v1/entities/product/p1/stats").json
        #expect(stats["counts"] == ["trial_start_count": 20], "\(stats.text)")
        // A second replay has nothing left to do, and nothing is doubled.
        let second = try client.post("/v1/rejected/replay", "{}")
        #expect(second.json["tracked"] == 0 && second.json["replayed"] == 0, "\(second)")
        #expect(try StoreFile(folder).integer("SELECT count(*) FROM user_interactions") == 20)
        let bad = try client.post("/v1/rejected/replay", #"{"limit": 0}"#)
        #expect((400..<500).contains(bad.status) && bad.isProblem, "\(bad)")
    }

    @Test("A strict plan takes known entities only")
    func strictPlan() throws {
        let server = try ServerProcess(TestFolder())
        let (client, writer) = (try server.client(), try server.writer())
        let body: JSONValue = ["type": "view", "entity_id": "p1", "user_id": "u1"]
        // A placeholder from before does not count as known.
        #expect(try writer.post("/v1/interactions", body).status == 200)
        #expect(try client.put("/v1/plan", ["extends": "default", "strict": true]).status == 200)
        let refused = try writer.post("/v1/interactions", body)
        #expect(refused.status == 422 && refused.code == "unknown_entity", "\(refused)")
        #expect(try client.put("/v1/entities/product/p1", ["title": "One"]).status == 200)
        #expect(try writer.post("/v1/interactions", body).status == 200)
        #expect(try client.send("DELETE", "/v1/entities/product/p1", [:], []).status == 204)
        #expect(try writer.post("/v1/interactions", body).code == "unknown_entity")
        let replay = try client.post("/v1/rejected/replay", "")
        #expect(replay.json["tracked"] == 0 && replay.json["rejected"] == 2, "\(replay)")
        #expect(try client.put("/v1/entities/product/p1", ["title": "One again"]).status == 200)
        #expect(try client.post("/v1/rejected/replay", "").json["tracked"] == 2)
        #expect(
            try writer.get("/v1/entities/product/p1/stats").json["counts"] == ["view_count": 4])
    }

    @Test("Weights take effect at once on everything counted before, while clients track, and over a restart")
    func weights() throws {
        let folder = try TestFolder()
        let server = try ServerProcess(folder, ["--snapshot-seconds", "1"])
        var random = SeededGenerator(seed: printedSeed("weights"))
        let client = try server.client()
        let isOver = Atomic<Bool>(false)
        let (port, keys, seed) = (server.port, try server.keys, random.next())
        let problems = Mutex<[String]>([])
        inParallel(3) { number in
            if number < 2 {
                let sent = Load.run(
                    port: port, key: keys.write, seed: seed &+ UInt64(number), prefix: "w\(number)",
                    until: { isOver.load(ordering: .acquiring) }, atMost: 1500)
                problems.withLock { $0 += sent.problems }
                return
            }
            let own = Client(port: port, key: keys.secret)
            for weight in 1...15 {
                let plan: JSONValue = [
                    "extends": "default",
                    "interaction_types": [
                        "view": ["weight": .integer(Int64(weight)), "popularity": true, "page_view": true],
                        "like": ["weight": .double(0.5), "popularity": .bool(weight % 2 == 0)],
                    ],
                ]
                let answer = try? own.put("/v1/plan", plan)
                if answer?.status != 200 { problems.withLock { $0.append("\(answer.map { "\($0)" } ?? "nothing")") } }
                usleep(20_000)
            }
            isOver.store(true, ordering: .releasing)
        }
        #expect(problems.withLock { $0 }.isEmpty)
        var types = Recomputation.documentedTypes
        types["view"] = PlainType(weight: 15, counts: true, counter: "view_count", isPageView: true)
        types["like"] = PlainType(weight: 0.5, counts: false, counter: "like_count")
        func compare(_ client: Client) throws {
            let agreement = Agreement(client, try Recomputation(StoreFile(folder), types: types))
            try agreement.checkAll(sample: 30, using: &random)
            #expect(agreement.differences.isEmpty)
        }
        try compare(client)
        #expect(server.stop() == 0)
        let second = try ServerProcess(folder)
        try compare(try second.client())
        #expect(try second.client().get("/v1/plan").json["version"]?.integerValue == 16)
    }
}
