import Foundation
import Synchronization
import Testing

/// Other programs that open the tenant's file while the server is up.
@Suite(.serialized) struct ForeignReaders {
    @Test("Feed's three queries run in the file through its view while the server is up")
    func feedQueries() throws {
        let folder = try TestFolder()
        let server = try ServerProcess(folder)
        let client = try server.client()
        let start = now()
        var lines: [String] = []
        struct Made {
            var post: String
            var user: String
            var type: String
            var duration: Int?
            var age: Int64
        }
        var all: [Made] = []
        var random = SeededGenerator(seed: printedSeed("feedQueries"))
        for number in 0..<800 {
            let made = Made(
                post: "post-\(Int.random(in: 0..<30, using: &random))",
                user: "user-\(Int.random(in: 0..<20, using: &random))",
                type: ["view", "click", "like", "share"].randomElement(using: &random) ?? "view",
                duration: random.chance(0.6) ? Int.random(in: 0...9000, using: &random) : nil,
                age: Int64.random(in: 0...40, using: &random))
            all.append(made)
            var item: JSONValue = [
                "id": .string("q\(number)"), "type": .string(made.type), "entity_type": "post",
                "entity_id": .string(made.post),
                "user_id": .string(made.user), "occurred_at": .string(rfc3339(start - made.age * 86_400_000 - 60_000)),
            ]
            if let duration = made.duration {
                item["metadata"] = ["duration": .integer(Int64(duration)), "source": "feed"]
            }
            lines.append(item.text)
            // Products are no posts.
            lines.append(#"{"type": "view", "entity_type": "product", "entity_id": "p", "user_id": "u"}"#)
        }
        let sent = try client.post(
            "/v1/interactions", lines.joined(separator: "\n"), ["Content-Type": "application/x-ndjson"])
        #expect(sent.json["tracked"] == 1600)

        let file = try StoreFile(folder)
        let top = try file.rows(
            """
            SELECT post_id, count(id) FROM user_interaction
            WHERE interaction_type IN ('view', 'click', 'like')
              AND created_at >= strftime('%Y-%m-%dT%H:%M:%fZ', 'now', '-7 days')
            GROUP BY post_id ORDER BY count(id) DESC, post_id LIMIT 10
            """)
        var counts: [String: Int] = [:]
        for made in all where made.type != "share" && made.age < 7 { counts[made.post, default: 0] += 1 }
        let wanted = counts.sorted { ($1.value, $0.key) < ($0.value, $1.key) }.prefix(10)
        #expect(top == wanted.map { [$0.key, String($0.value)] })

        let engagement = try file.rows(
            """
            SELECT user_id, interaction_type, count(id) FROM user_interaction
            WHERE created_at >= strftime('%Y-%m-%dT%H:%M:%fZ', 'now', '-30 days')
            GROUP BY user_id, interaction_type
            """)
        var byUser: [String: Int] = [:]
        for made in all where made.age < 30 { byUser["\(made.user) \(made.type)", default: 0] += 1 }
        #expect(
            Dictionary(
                uniqueKeysWithValues: engagement.map { ("\($0[0] ?? "") \($0[1] ?? "")", Int($0[2] ?? "") ?? -1) })
                == byUser)

        let durations = try file.rows(
            """
            SELECT post_id, avg(CAST(metadata ->> 'duration' AS INTEGER)) AS avg_duration FROM user_interaction
            WHERE interaction_type = 'view' AND metadata ->> 'duration' IS NOT NULL
            GROUP BY post_id ORDER BY avg_duration DESC LIMIT 10
            """)
        var sums: [String: (sum: Int, count: Int)] = [:]
        for made in all where made.type == "view" {
            guard let duration = made.duration else { continue }
            sums[made.post, default: (0, 0)].sum += duration
            sums[made.post, default: (0, 0)].count += 1
        }
        let averages = sums.mapValues { Double($0.sum) / Double($0.count) }.sorted { $0.value > $1.value }.prefix(10)
        #expect(durations.count == averages.count)
        for (row, average) in zip(durations, averages) {
            #expect(abs((row[1].flatMap { Double($0) } ?? -1) - average.value) < 1e-6)
        }
        // What is not on the list of columns is not shown.
        let columns = try file.rows("SELECT name FROM pragma_table_info('user_interaction')").compactMap { $0[0] }
        #expect(columns == ["id", "user_id", "post_id", "interaction_type", "metadata", "created_at"])
        #expect(throws: TestFailure.self) { try file.execute("DELETE FROM user_interactions") }
    }

    /// Bytes of the write-ahead log from which commits go elsewhere, as the store documents it, and what may come on top
    /// before it is noticed.
    private static let bound = (256 + 48) << 20

    @Test(
        "Fault: a reader that never ends bounds neither what is stored nor the log's size, also when killed meanwhile")
    func longReaderFault() throws {
        let folder = try TestFolder()
        var server = try ServerProcess(folder)
        let client = try server.client()
        // Large metadata, so that the log grows fast.
        let filling = String(repeating: "y", count: 30_000)
        func stream(_ prefix: String, _ count: Int) -> String {
            (0..<count).map {
                #"{"id": "\#(prefix)-\#($0)", "type": "view", "entity_id": "p\#($0 % 9)", "user_id": "u\#($0 % 5)", "session_id": "s\#($0 % 11)", "metadata": {"y": "\#(filling)"}}"#
            }.joined(separator: "\n")
        }
        let ndjson = ["Content-Type": "application/x-ndjson"]
        #expect(try client.post("/v1/interactions", stream("before", 100), ndjson).json["tracked"] == 100)

        let reader = try StoreFile(folder)
        try reader.execute("BEGIN")
        #expect(try reader.integer("SELECT count(*) FROM user_interactions") == 100)
        var tracked: Int64 = 100
        var largest = 0
        let log = folder.tenant + "/footfall.sqlite-wal"
        // 26 times 15 MB: past the bound and well beyond.
        for number in 0..<26 {
            let answer = try client.post("/v1/interactions", stream("during\(number)", 500), ndjson)
            #expect(answer.status == 200 && answer.json["tracked"] == 500, "\(answer.description.prefix(300))")
            tracked += 500
            largest = max(largest, TestFolder.size(log))
        }
        #expect(largest > 200 << 20, "The load was too small to tell: \(largest)")
        #expect(largest < Self.bound, "The log has grown to \(largest) bytes")
        #expect(try reader.integer("SELECT count(*) FROM user_interactions") == 100)
        let stats = try client.get("/v1/totals").json
        #expect(stats["interactions"]?["view"]?.integerValue == tracked, "\(stats.text)")
        // What lies in the overflow is read as well as what lies in the file.
        let recent = try client.get("/v1/users/u1/interactions?limit=3").json["interactions"]
        #expect(recent?[0]?["id"]?.stringValue?.hasPrefix("during25-") == true)
        let again = try client.post("/v1/interactions", stream("during25", 20), ndjson)
        #expect(again.json["tracked"] == 0, "\(again.description.prefix(300))")

        // Killed with the reader still there.
        server.kill()
        server = try ServerProcess(folder)
        let after = try server.client()
        #expect(try after.get("/v1/totals").json["interactions"]?["view"]?.integerValue == tracked)
        #expect(try reader.integer("SELECT count(*) FROM user_interactions") == 100)
        #expect(try after.post("/v1/interactions", stream("after", 50), ndjson).json["tracked"] == 50)
        #expect(try after.post("/v1/interactions", stream("during3", 50), ndjson).json["tracked"] == 0)
        tracked += 50
        #expect(TestFolder.size(log) < Self.bound)

        try reader.execute("COMMIT")
        let isMoved = try eventually(within: 60) {
            try reader.integer("SELECT count(*) FROM user_interactions") == tracked
        }
        let moved = try reader.integer("SELECT count(*) FROM user_interactions")
        #expect(isMoved, "\(moved) of \(tracked)")
        #expect(try reader.integer("SELECT count(DISTINCT id) FROM user_interactions") == tracked)
        var random = SeededGenerator(seed: 2)
        try expectAgreement(server, sample: 20, using: &random)
        #expect(server.stop() == 0)
        #expect(!FileManager.default.fileExists(atPath: folder.tenant + "/overflow.sqlite"))
        #expect(try StoreFile(folder).integrity() == "ok")
    }

    @Test("Readers that come and go under load see whole commits only, and the server never waits for them")
    func manyReaders() throws {
        let folder = try TestFolder()
        let server = try ServerProcess(folder)
        let problems = Mutex<[String]>([])
        let isOver = Atomic<Bool>(false)
        let reads = Atomic<Int>(0)
        let rounds = Atomic<Int>(0)
        let (port, key) = (server.port, try server.keys.write)
        _ = try server.writer().post("/v1/interactions", #"{"type": "view", "entity_id": "p", "user_id": "u"}"#)
        inParallel(4) { number in
            func note(_ text: String) { problems.withLock { if $0.count < 10 { $0.append(text) } } }
            if number < 2 {
                let client = Client(port: port, key: key)
                // As many requests as it takes until there were reads beside them, however slow the machine is.
                var round = 0
                while round < 150 || (reads.load(ordering: .relaxed) <= 5 && round < 5000) {
                    // A request's interactions share its commit: ten of a kind, or none.
                    let items = (0..<10).map {
                        #"{"id": "\#(number)-\#(round)-\#($0)", "type": "like", "entity_type": "post", "entity_id": "\#(number)-\#(round)", "user_id": "u"}"#
                    }
                    let body = #"{"interactions": [\#(items.joined(separator: ","))]}"#
                    if (try? client.post("/v1/interactions", body))?.status != 200 { note("not tracked") }
                    round += 1
                }
                rounds.add(round, ordering: .relaxed)
                isOver.store(true, ordering: .releasing)
                return
            }
            while !isOver.load(ordering: .acquiring) {
                do {
                    let file = try StoreFile(folder)
                    try file.execute("BEGIN")
                    let torn = try file.rows(
                        "SELECT post_id, count(*) FROM user_interaction GROUP BY post_id HAVING count(*) <> 10")
                    if !torn.isEmpty { note("\(torn)") }
                    let first = try file.integer("SELECT count(*) FROM user_interactions")
                    usleep(10_000)
                    if try file.integer("SELECT count(*) FROM user_interactions") != first {
                        note("the snapshot moved")
                    }
                    try file.execute("COMMIT")
                    reads.add(1, ordering: .relaxed)
                } catch {
                    note("\(error)")
                }
            }
        }
        #expect(problems.withLock { $0 }.isEmpty)
        #expect(reads.load(ordering: .relaxed) > 0)
        #expect(
            try StoreFile(folder).integer("SELECT count(*) FROM user_interactions")
                == Int64(rounds.load(ordering: .relaxed) * 10 + 1))
        #expect(server.stop() == 0)
    }
}
