import Foundation
import Testing

/// Models that are trained beside the requests, on real data where there is some.
@Suite(.serialized) struct Trainings {
    private func train(_ folder: TestFolder, _ options: [String] = []) throws -> JSONValue {
        let child = try Child.run(
            folder, ["train", "--data", folder.data, "--tenant", "demo", "--json"] + options, limit: 240)
        #expect(child.status == 0, "\(child.errors.suffix(2000))")
        return try JSONValue(parsing: child.output)
    }

    private func list(_ client: Client, _ user: String) throws -> [String] {
        let answer = try client.get("/v1/recommendations?user_id=\(user)&limit=10")
        #expect(answer.status == 200)
        return (answer.json["items"]?.arrayValue ?? []).map { $0["entity_id"]?.stringValue ?? "" }
    }

    /// 200 persons with ten views each, of three groups of entities.
    private func fill(_ client: Client, _ prefix: String = "") throws {
        var random = SeededGenerator(seed: 17)
        var items: [String] = []
        for person in 0..<200 {
            for entity in (0..<20).shuffled(using: &random).prefix(10) {
                items.append(
                    #"{"type": "view", "entity_id": "\#(prefix)g\#(person % 3)-\#(entity)", "user_id": "\#(prefix)u\#(person)"}"#
                )
            }
        }
        for start in stride(from: 0, to: items.count, by: 500) {
            let body = #"{"interactions": [\#(items[start..<start + 500].joined(separator: ","))]}"#
            #expect(try client.post("/v1/interactions", body).status == 200)
        }
    }

    @Test("With and without a server, over a restart, back to a former version, and through a backup")
    func life() throws {
        let folder = try TestFolder()
        let server = try ServerProcess(folder)
        let client = try server.client()
        try fill(client)
        let before = try list(client, "u1")
        let first = try train(folder)
        #expect(first["version"]?.integerValue == 1 && first["kept"]?.boolValue == true, "\(first)")
        let after = try list(client, "u1")
        #expect(after.allSatisfy { $0.hasPrefix("g1-") }, "\(before) \(after)")
        try fill(client, "n")
        let second = try train(folder)
        #expect(second["version"]?.integerValue == 2, "\(second)")
        #expect(try client.post("/v1/models/1/activate", "").status == 200)
        #expect(server.stop() == 0)
        // The folder alone.
        let third = try train(folder)
        #expect(third["version"]?.integerValue == 3, "\(third)")
        let fourth = try train(folder, ["--tune", "1"])
        #expect(
            fourth["kept"]?.boolValue == false || (fourth["comparison"]?["lower"]?.doubleValue ?? 0) > 0, "\(fourth)")
        let again = try ServerProcess(folder)
        let models = try again.client().get("/v1/models").json
        #expect((models["current"]?.integerValue ?? 0) >= 3, "\(models)")
        let copy = folder.path + "/backup"
        #expect(try Child.run(folder, ["backup", "--data", folder.data, copy]).status == 0)
        #expect(again.stop() == 0)
        let restored = folder.path + "/restored"
        #expect(try Child.run(folder, ["restore", copy, "--data", restored]).status == 0)
        for version in 1...3 {
            let name = "/tenants/demo/models/\(version).model"
            #expect(TestFolder.bytes(restored + name) == TestFolder.bytes(folder.data + name))
        }
        #expect(try Child.run(folder, ["doctor", "--data", restored, "--port", "0"]).status == 0)
    }

    @Test("Kills during trainings leave a model that serves", arguments: [5, 20, 45, 80, 120, 200])
    func kill(milliseconds: UInt32) throws {
        let folder = try TestFolder()
        let server = try ServerProcess(folder)
        try fill(server.client())
        #expect(try train(folder)["version"]?.integerValue == 1)
        try fill(server.client(), "n")
        #expect(try server.client().post("/v1/models/train", "").status == 202)
        usleep(milliseconds * 1000)
        server.kill()
        let again = try ServerProcess(folder)
        let models = try again.client().get("/v1/models").json
        #expect([1, 2].contains(models["current"]?.integerValue ?? 0), "\(models)")
        #expect((models["models"]?.arrayValue ?? []).allSatisfy { $0["state"]?.stringValue != "unusable" })
        #expect(!again.errors.contains("\"event\":\"model\""))
        #expect((try train(folder)["version"]?.integerValue ?? 2) >= 2)
        #expect(again.stop() == 0)
        let left = TestFolder.files(below: folder.tenant + "/models").filter { $0.hasSuffix(".new") }
        #expect(left.isEmpty, "\(left)")
    }

    @Test("The server trains by itself when there is something to learn from")
    func byItself() throws {
        let folder = try TestFolder()
        let server = try ServerProcess(folder, ["--training-seconds", "1"])
        let client = try server.client()
        try fill(client)
        let start = seconds()
        while try client.get("/v1/models").json["current"]?.integerValue == nil, seconds() - start < 60 {
            usleep(100_000)
        }
        #expect(try client.get("/v1/models").json["current"]?.integerValue == 1)
    }

    private func evaluate(_ folder: TestFolder, _ options: [String] = []) throws -> (Int32?, JSONValue, String) {
        let child = try Child.run(
            folder, ["evaluate", "--data", folder.data, "--tenant", "demo", "--json"] + options, limit: 240)
        return (child.status, (try? JSONValue(parsing: child.output)) ?? .null, child.errors)
    }

    /// The same persons, groups and entities with half of each person's views on each of two days.
    private func fillTwoDays(_ client: Client) throws {
        var random = SeededGenerator(seed: 18)
        let times = [2, 1].map { rfc3339(now() - $0 * 86_400_000) }
        var items: [String] = []
        for person in 0..<200 {
            for (place, entity) in (0..<20).shuffled(using: &random).prefix(10).enumerated() {
                let day = place < 5 ? 0 : 1
                items.append(
                    #"{"type": "view", "entity_id": "g\#(person % 3)-\#(entity)", "user_id": "u\#(person)", "occurred_at": "\#(times[day])"}"#
                )
            }
        }
        for start in stride(from: 0, to: items.count, by: 500) {
            let body = #"{"interactions": [\#(items[start..<start + 500].joined(separator: ","))]}"#
            #expect(try client.post("/v1/interactions", body).status == 200)
        }
    }

    @Test(
        "A tenant's own log is evaluated with and without a server, and what a training measured is kept with its model"
    )
    func evaluation() throws {
        let folder = try TestFolder()
        let server = try ServerProcess(folder)
        let client = try server.client()
        let empty = try evaluate(folder)
        #expect(empty.0 == 1 && empty.2.contains("no interactions to learn from"), "\(empty)")
        try fillTwoDays(client)
        let options = ["--split", "temporal:0.5", "--at", "5,20", "--models", "served,popularity,walk"]
        let (status, served, errors) = try evaluate(folder, options)
        #expect(status == 0, "\(errors)")
        #expect(served["model"]?.stringValue == "served" && served["cut_at"]?.stringValue != nil)
        #expect(served["users"]?.integerValue == 200 && served["test_users"]?.integerValue == 200)
        #expect(served["training_interactions"]?.integerValue == 1_000 && served["test_items"]?.integerValue == 1_000)
        #expect(served["interactions"]?.integerValue == 2_000)
        // 15 entities of the own group are left, 5 of them right: whoever keeps to the group finds all of them within 15.
        #expect(served["recall@20"]?.doubleValue == 1, "\(served)")
        let popular = try #require(served["models"]?["popularity"])
        #expect(try #require(popular["first_minus_this"]?["recall@5"]?["interval"]?[0]?.doubleValue) > 0)
        #expect(popular["confidence_intervals"]?["ndcg@20"]?.arrayValue?.count == 2)
        #expect(try evaluate(folder, ["--split", "last"]).0 == 64)
        #expect(try evaluate(folder, ["--format", "lists"]).2.contains("does not go with it"))

        _ = try train(folder)
        let models = try client.get("/v1/models").json
        let model = try #require(models["models"]?.arrayValue?.first)
        for name in ["ndcg@20", "recall@20", "hr@20", "mrr@20", "map@20", "precision@20"] {
            let value = try #require(model["measures"]?[name]?.doubleValue, "\(name)")
            let interval = (model["intervals"]?[name]?.arrayValue ?? []).compactMap(\.doubleValue)
            #expect(interval.count == 2 && interval[0] <= value && value <= interval[1] && value > 0)
        }
        for name in ["coverage@20", "novelty@20", "gini@20", "popularity_bias@20"] {
            #expect(model["exposure"]?[name]?.doubleValue != nil, "\(name)")
        }
        #expect(server.stop() == 0)
        // The folder alone says the same.
        let (alone, again, _) = try evaluate(folder, options)
        #expect(alone == 0)
        for name in ["recall@5", "ndcg@20", "test_users", "interactions"] {
            #expect(again[name]?.doubleValue == served[name]?.doubleValue, "\(name)")
        }
        #expect(TestFolder.files(below: folder.tenant).allSatisfy { !$0.contains("training-data") })
    }
}
