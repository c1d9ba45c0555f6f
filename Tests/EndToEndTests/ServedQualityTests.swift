import Foundation
import Synchronization
import Testing

/// That what is served is what was learned: over HTTP, with a model in place. `scripts/served` is the long form on whole
/// data sets.
@Suite(.serialized) struct ServedQuality {
    private func train(_ folder: TestFolder) throws -> JSONValue {
        let child = try Child.run(
            folder, ["train", "--data", folder.data, "--tenant", "demo", "--json"], limit: 300)
        #expect(child.status == 0, "\(child.errors.suffix(2000))")
        return try JSONValue(parsing: child.output)
    }

    private func list(_ client: Client, _ query: String) throws -> [String] {
        let answer = try client.get("/v1/recommendations?\(query)")
        #expect(answer.status == 200)
        return (answer.json["items"]?.arrayValue ?? []).map { $0["entity_id"]?.stringValue ?? "" }
    }

    private func send(_ client: Client, _ items: [String]) throws {
        for start in stride(from: 0, to: items.count, by: 500) {
            let body = #"{"interactions": [\#(items[start..<min(items.count, start + 500)].joined(separator: ","))]}"#
            #expect(try client.post("/v1/interactions", body).status == 200)
        }
    }

    @Test(
        "Under load the first list after an acknowledgement knows what was acknowledged: of users from before and after the training, and of sessions"
    )
    func fresh() throws {
        let folder = try TestFolder()
        let server = try ServerProcess(folder)
        let client = try server.client()
        // 120 persons, each of one of four groups of 20 entities.
        var random = SeededGenerator(seed: 31)
        var items: [String] = []
        for person in 0..<120 {
            for entity in (0..<20).shuffled(using: &random).prefix(8) {
                items.append(
                    #"{"type": "view", "entity_id": "g\#(person % 4)-\#(entity)", "user_id": "u\#(person)"}"#)
            }
        }
        try send(client, items)
        #expect(try train(folder)["version"]?.integerValue == 1)

        let isOver = Atomic(false)
        let failures = Atomic(0)
        let crowd = (0..<2).map { lane in
            let thread = Thread {
                guard let own = try? server.client() else { return }
                var count = 0
                while !isOver.load(ordering: .relaxed) {
                    count += 1
                    let batch = (0..<20).map {
                        #"{"type": "view", "entity_id": "g\#(($0 + count) % 4)-\#($0)", "user_id": "l\#(lane)-\#($0 * 50 + count % 50)"}"#
                    }
                    let body = #"{"interactions": [\#(batch.joined(separator: ","))]}"#
                    if (try? own.post("/v1/interactions", body).status) != 200 { failures.add(1, ordering: .relaxed) }
                }
            }
            thread.start()
            return thread
        }
        defer { isOver.store(true, ordering: .relaxed) }
        for round in 0..<120 {
            // A group that is not the person's own.
            let (person, entity) = (round % 120, round % 20)
            let group = (person + 1 + round / 40) % 4
            let seen = "g\(group)-\(entity)"
            let (actor, query) =
                switch round % 3 {
                case 0: (#""user_id": "u\#(person)""#, "user_id=u\(person)")
                case 1: (#""user_id": "new\#(round)""#, "user_id=new\(round)")
                default: (#""session_id": "s\#(round)""#, "session_id=s\(round)")
                }
            let body = #"{"type": "order", "entity_id": "\#(seen)", \#(actor)}"#
            #expect(try client.post("/v1/interactions", body).status == 200)
            let after = try list(client, query + "&exclude_seen=true&limit=10")
            #expect(after.count == 10 && !after.contains(seen))
            let ofGroup = after.count { $0.hasPrefix("g\(group)-") }
            #expect(round % 3 == 0 ? ofGroup >= 1 : ofGroup >= 5, "\(query) \(seen): \(after)")
        }
        isOver.store(true, ordering: .relaxed)
        while crowd.contains(where: { !$0.isFinished }) { usleep(10_000) }
        #expect(failures.load(ordering: .relaxed) == 0)
        #expect(server.stop() == 0)
    }

    @Test("Sessions of a shop are told better what comes next once it has learned, and may come back to what they saw")
    func sessions() throws {
        let environment = ProcessInfo.processInfo.environment["FOOTFALL_DATA_DIR"]
        let package = URL(filePath: #filePath).deletingLastPathComponent().deletingLastPathComponent()
            .deletingLastPathComponent().deletingLastPathComponent()
        let source = (environment ?? package.appending(path: "shared/data").path) + "/rsc15/train.txt"
        let lines = String(decoding: TestFolder.bytes(source), as: UTF8.self).split(separator: "\n")
        guard lines.count > 10_000 else {
            print("ServedQuality: skipped, there is no rsc15/train.txt in FOOTFALL_DATA_DIR or ../shared/data")
            return
        }
        // The sessions of the last lines; the last 40 of them are asked about.
        var runs: [(id: Substring, clicks: [(time: Double, item: String)])] = []
        for line in lines.suffix(9_000) {
            let fields = line.split(separator: "\t")
            guard fields.count == 3, let time = Double(fields[2]) else { continue }
            if runs.last?.id != fields[0] { runs.append((fields[0], [])) }
            runs[runs.count - 1].clicks.append((time, String(fields[1])))
        }
        runs.sort { ($0.clicks.first?.time ?? 0) < ($1.clicks.first?.time ?? 0) }
        let folder = try TestFolder()
        let server = try ServerProcess(folder)
        let client = try server.client()
        let newest = runs.flatMap { $0.clicks.map(\.time) }.max() ?? 0
        try send(
            client,
            runs.dropLast(40).flatMap { run in
                run.clicks.map { click in
                    let at = rfc3339(now() - Int64((newest - click.time) * 1000))
                    return
                        #"{"type": "view", "entity_id": "\#(click.item)", "session_id": "\#(run.id)", "occurred_at": "\#(at)"}"#
                }
            })
        func hits(_ prefix: String) throws -> (hits: Int, repeats: Int, asked: Int) {
            var (hits, repeats, asked) = (0, 0, 0)
            for run in runs.suffix(40) {
                for (place, click) in run.clicks.dropLast().enumerated() {
                    let session = "\(prefix)\(run.id)"
                    try send(client, [#"{"type": "view", "entity_id": "\#(click.item)", "session_id": "\#(session)"}"#])
                    let found = try list(client, "session_id=\(session)&limit=20")
                    if found.contains(run.clicks[place + 1].item) { hits += 1 }
                    if found.contains(click.item) { repeats += 1 }
                    asked += 1
                }
            }
            return (hits, repeats, asked)
        }
        let model = try train(folder)
        let after = try hits("later-")
        #expect(model["candidates"]?["sessions"]?["session_hr@20"]?.doubleValue ?? 0 > 0.2, "\(model)")
        #expect(after.hits * 3 >= after.asked, "\(after) \(model)")
        #expect(after.repeats > 0, "\(after)")
        #expect(server.stop() == 0)
    }
}
