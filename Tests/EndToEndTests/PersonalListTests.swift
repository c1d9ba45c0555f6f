import Foundation
import Testing

/// Personal lists of real people, from the program itself.
@Suite(.serialized) struct PersonalLists {
    private static func folder(_ name: String) -> String? {
        let environment = ProcessInfo.processInfo.environment["FOOTFALL_DATA_DIR"]
        let package = URL(filePath: #filePath).deletingLastPathComponent().deletingLastPathComponent()
            .deletingLastPathComponent().deletingLastPathComponent()
        for base in [environment, package.appending(path: "shared/data").path].compactMap(\.self) {
            if FileManager.default.fileExists(atPath: "\(base)/\(name)") { return "\(base)/\(name)" }
        }
        print("PersonalLists: skipped, there is no folder \(name) in FOOTFALL_DATA_DIR or ../shared/data")
        return nil
    }

    private func items(_ answer: JSONValue) -> [(id: String, score: Double, sentence: String)] {
        (answer["items"]?.arrayValue ?? []).map { item in
            (
                item["entity_id"]?.stringValue ?? "", item["score"]?.doubleValue ?? .nan,
                item["explain"]?["sentence"]?.stringValue ?? ""
            )
        }
    }

    @Test("A MovieLens person's list explains itself, and the very next answer knows the next interaction")
    func movieLens() throws {
        guard let data = Self.folder("ml-100k") else { return }
        let folder = try TestFolder()
        let server = try ServerProcess(folder)
        let child = try Child.run(
            folder,
            [
                "import", "--data", folder.data, "--tenant", "demo", "--json", "--format", "movielens", "--shift-time",
                data,
            ], limit: 200)
        #expect(child.status == 0, "\(child.errors.suffix(2000))")
        let client = try server.client()
        let path = "/v1/recommendations?user_id=42&limit=10&explain=true&context=homepage"
        let first = try client.get(path)
        #expect(first.status == 200)
        let before = try items(JSONValue(parsing: first.body))
        #expect(before.count == 10)
        #expect(before.allSatisfy { $0.sentence.count > 8 })
        #expect(before.contains { $0.sentence.hasPrefix("Because you") })
        // The same state, the same list.
        #expect(try items(JSONValue(parsing: client.get(path).body)).map(\.id) == before.map(\.id))

        // 1039 is Hamlet; whoever looks at it gets what goes with it.
        let sent = try client.post(
            "/v1/interactions",
            #"{"type": "order", "entity_id": "1039", "user_id": "42", "context": "checkout"}"#)
        #expect(sent.status == 200)
        let after = try items(JSONValue(parsing: client.get(path).body))
        #expect(after.map(\.id) != before.map(\.id) || after.map(\.score) != before.map(\.score))
        #expect(after.contains { $0.sentence.hasPrefix("Because you bought Hamlet") }, "\(after)")

        let similar = try JSONValue(parsing: client.get("/v1/similar/product/50?explain=true").body)
        #expect(items(similar).count == 10 && !items(similar).contains { $0.id == "50" })
        #expect(items(similar).contains { $0.sentence.hasPrefix("Goes together with Star Wars") }, "\(items(similar))")

        // A new visitor sees what is popular, and what one view shows.
        let cold = try JSONValue(parsing: client.get("/v1/recommendations?session_id=new&explain=true").body)
        #expect(["popular", "trending"].contains(cold["fallback"]?.stringValue), "\(cold)")
        _ = try client.post(
            "/v1/interactions",
            #"{"type": "view", "entity_id": "50", "session_id": "new", "context": "product_page"}"#)
        let warm = try JSONValue(parsing: client.get("/v1/recommendations?session_id=new&explain=true").body)
        #expect(items(warm).contains { $0.sentence.hasPrefix("Because you viewed Star Wars") }, "\(items(warm))")
        #expect(server.stop() == 0)
    }
}
