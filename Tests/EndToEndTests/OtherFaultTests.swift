import Foundation
import Testing

/// Kills at moments when more happens than tracking.
@Suite(.serialized) struct OtherFaults {
    private static let rounds = max(3, Faults.rounds / 4)

    private func lines(_ prefix: String, _ count: Int, ages: ClosedRange<Int64>, using random: inout SeededGenerator)
        -> [(id: String, entity: String, type: String, text: String)]
    {
        let start = now()
        return (0..<count).map { number in
            let id = "\(prefix)-\(number)"
            let entity = "p\(number % 11)"
            let type = ["view", "order", "cart_add", "click"].randomElement(using: &random) ?? "view"
            let age = Int64.random(in: ages, using: &random)
            let text =
                #"{"id":"\#(id)","type":"\#(type)","entity_id":"\#(entity)","user_id":"u\#(number % 50)","session_id":"\#(prefix)-\#(number % 70)","occurred_at":"\#(rfc3339(start - age))"}"#
            return (id, entity, type, text)
        }
    }

    @Test("Killed while expired rows are folded, every interaction is counted once, as a row or in a total")
    func killedInCleanUpFault() throws {
        let folder = try TestFolder()
        var random = SeededGenerator(seed: printedSeed("killedInCleanUpFault"))
        let options = ["--cleanup-seconds", "1", "--snapshot-seconds", "1"]
        let ndjson = ["Content-Type": "application/x-ndjson"]
        let day: Int64 = 86_400_000
        var counts: [String: Int64] = [:]
        var all: [String] = []
        for round in 1...Self.rounds {
            let server = try ServerProcess(folder, options)
            let client = try server.client()
            #expect(try client.patch("/v1/settings", ["retention_days": nil]).status == 200)
            let items = lines("c\(round)", 12_000, ages: 0...(70 * day), using: &random)
            let sent = try client.post("/v1/interactions", items.map(\.text).joined(separator: "\n"), ndjson)
            #expect(sent.status == 200 && sent.json["tracked"] == 12_000, "\(sent.description.prefix(300))")
            for item in items { counts["\(item.entity) \(item.type)", default: 0] += 1 }
            all += items.map(\.id)
            #expect(try client.patch("/v1/settings", ["retention_days": 10]).status == 200)
            usleep(UInt32.random(in: 0...1_400_000, using: &random))
            server.kill()

            // Either from what there is or from the log alone.
            if random.chance(0.5) {
                for path in TestFolder.files(below: folder.tenant) where path.hasSuffix(".snapshot") {
                    try FileManager.default.removeItem(atPath: path)
                }
            }
            let second = try ServerProcess(folder, options)
            let file = try StoreFile(folder)
            var stored: [String: Int64] = [:]
            for row in try file.rows(
                """
                SELECT entity_id, type, sum(n) FROM (
                    SELECT entity_id, type, count(*) AS n FROM user_interactions GROUP BY 1, 2
                    UNION ALL SELECT entity_id, type, sum(count) FROM daily_totals GROUP BY 1, 2)
                GROUP BY 1, 2
                """)
            {
                stored["\(row[0] ?? "") \(row[1] ?? "")"] = Int64(row[2] ?? "")
            }
            let isSame = stored == counts
            #expect(isSame, "round \(round): rows and totals are not what was tracked")
            #expect(
                try file.integer("SELECT count(*) - count(DISTINCT id) FROM user_interactions") == 0, "round \(round)")
            let reader = try second.client()
            for number in 0..<11 {
                let answer = try reader.get("/v1/entities/product/p\(number)/stats").json["counts"]
                for type in ["view", "order", "cart_add", "click"] {
                    let own = answer?["\(type)_count"]?.integerValue ?? 0
                    #expect(own == counts["p\(number) \(type)"] ?? 0, "round \(round): p\(number) \(type)")
                }
            }
            // An id is known for seven days from its receipt, its row being gone or not.
            let again = all.shuffled(using: &random).prefix(500).map {
                #"{"id":"\#($0)","type":"view","entity_id":"p1","user_id":"u1"}"#
            }
            let repeated = try Load.resend(again, reader)
            #expect(repeated.statuses == ["duplicate": 500], "round \(round): \(repeated)")
            #expect(second.stop() == 0)
        }
        #expect(try StoreFile(folder).integrity() == "ok")
    }

    @Test("An import goes on after its server was killed and started again; killed itself, the next completes it")
    func killedInImportFault() throws {
        let folder = try TestFolder()
        var random = SeededGenerator(seed: printedSeed("killedInImportFault"))
        func arguments(_ path: String) -> [String] {
            ["import", "--data", folder.data, "--tenant", "demo", "--format", "jsonl", "--json", path]
        }
        func file(_ round: Int) throws -> String {
            let items = lines("i\(round)", 15_000, ages: 0...(20 * 86_400_000), using: &random)
            return try folder.write("items-\(round).jsonl", items.map(\.text).joined(separator: "\n") + "\n")
        }
        for round in 0..<2 {
            var server = try ServerProcess(folder)
            let child = try Child(folder, arguments(try file(round)))
            usleep(UInt32.random(in: 100_000...500_000, using: &random))
            server.kill()
            server = try ServerProcess(folder)
            #expect(child.wait(300) == 0, "\(child.errors)")
            let report = try JSONValue(parsing: child.output)
            #expect(report["read"] == 15_000 && report["rejected"] == 0, "\(report.text)")
            server.kill()
        }
        // An import into the stopped folder that is killed.
        let path = try file(2)
        let alone = try Child(folder, arguments(path))
        usleep(UInt32.random(in: 50_000...600_000, using: &random))
        alone.end(SIGKILL)
        let server = try ServerProcess(folder)
        let last = try Child.run(folder, arguments(path))
        #expect(last.status == 0, "\(last.errors)")
        let store = try StoreFile(folder)
        #expect(try store.integer("SELECT count(*) FROM user_interactions") == 45_000)
        #expect(try store.integer("SELECT count(DISTINCT id) FROM user_interactions") == 45_000)
        try expectAgreement(server, sample: 30, using: &random)
        #expect(server.stop() == 0)
    }

    @Test("Killed between changes of plan, settings and catalogue, each acknowledged one is there")
    func killedInChangesFault() throws {
        let folder = try TestFolder()
        var random = SeededGenerator(seed: printedSeed("killedInChangesFault"))
        for round in 1...Self.rounds {
            let server = try ServerProcess(folder)
            let process = server.process
            let client = try server.client()
            let killAfter = Double.random(in: 0.02...0.6, using: &random)
            var (version, acknowledged, minutes) = (Int64(0), Int64(-1), Int64(0))
            var sentMinutes: Int64 = 0
            do {
                for number in 0..<10_000 {
                    let weight = Int64(round * 10_000 + number)
                    let plan = try client.put(
                        "/v1/plan", ["extends": "default", "interaction_types": ["gift": ["weight": .integer(weight)]]])
                    guard plan.status == 200 else { break }
                    (version, acknowledged) = (plan.json["version"]?.integerValue ?? -1, weight)
                    // Counted from the first answer, which a slow machine takes its time for.
                    if number == 0 {
                        DispatchQueue.global().asyncAfter(deadline: .now() + killAfter) { kill(process, SIGKILL) }
                    }
                    sentMinutes = Int64(1 + number % 1000)
                    let settings = try client.patch("/v1/settings", ["session_timeout_minutes": .integer(sentMinutes)])
                    guard settings.status == 200 else { break }
                    minutes = sentMinutes
                }
            } catch {
                // Killed.
            }
            server.kill()
            try #require(acknowledged >= 0, "Nothing was acknowledged in round \(round)")
            let second = try ServerProcess(folder)
            let reader = try second.client()
            let plan = try reader.get("/v1/plan").json
            let weight = plan["plan"]?["interaction_types"]?["gift"]?["weight"]?.integerValue
            // The last acknowledged one, or the one that was on its way.
            #expect(
                weight == acknowledged || weight == acknowledged + 1, "round \(round): \(weight ?? -1), \(acknowledged)"
            )
            let own = plan["version"]?.integerValue ?? -1
            #expect(own == version || own == version + 1, "round \(round)")
            let versions = try reader.get("/v1/plan/versions").json["versions"]?.arrayValue ?? []
            #expect(versions.compactMap { $0["version"]?.integerValue } == (1...own).reversed().map { $0 })
            let timeout = try reader.get("/v1/settings").json["session_timeout_minutes"]?.integerValue
            #expect(timeout == minutes || timeout == sentMinutes || minutes == 0, "round \(round)")
            #expect(second.stop() == 0)
        }
    }
}
