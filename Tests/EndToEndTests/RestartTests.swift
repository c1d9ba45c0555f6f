import Foundation
import Testing

@Suite(.serialized) struct Restarts {
    /// Everything a server answers from its live state.
    private struct Answers {
        var time: Int64
        /// Popular lists by their query.
        var popular: [String: [JSONValue]] = [:]
        /// Answers in which nothing decays, by their path.
        var fixed: [String: JSONValue] = [:]
        var stats: [String: JSONValue] = [:]

        init(_ server: ServerProcess, sessions: [String], entities: [EntityName], users: [String]) throws {
            time = now()
            let client = try server.client()
            for mode in Recomputation.modes {
                for window in Recomputation.windows {
                    let target = "/v1/popular?mode=\(mode)&time_window=\(window)&limit=1000"
                    popular[target] = try client.get(target).json["items"]?.arrayValue
                }
            }
            for window in Recomputation.windows {
                let target = "/v1/totals?time_window=\(window)"
                fixed[target] = try client.get(target).json
            }
            for target in sessions.map({ "/v1/sessions/\($0.escaped)" })
                + users.map({ "/v1/users/\($0.escaped)/interactions" }) + ["/v1/plan", "/v1/settings"]
            {
                fixed[target] = try client.get(target).json
            }
            for name in entities {
                let target = "/v1/entities/\(name.type)/\(name.id.escaped)/stats"
                stats[target] = try client.get(target).json
            }
        }

        /// What is different in answers that were given later.
        func differences(_ later: Answers) -> [String] {
            var found: [String] = []
            func note(_ text: @autoclosure () -> String) { if found.count < 10 { found.append(text()) } }
            let decay = pow(0.5, Double(later.time - time) / 3_600_000 / 72)
            // The two rounds of questions took a while themselves.
            let slack = 1e-4
            func same(_ first: JSONValue?, _ second: JSONValue?, isTrend: Bool) -> Bool {
                guard let first = first?.doubleValue, let second = second?.doubleValue else { return false }
                return isTrend ? abs(first * decay - second) <= abs(first) * slack : first == second
            }
            func compare(_ target: String, _ first: JSONValue, _ second: JSONValue, isTrend: Bool) {
                for member in first.members {
                    let other = second[member.key]
                    switch member.key {
                    case "score" where isTrend, "trending_score":
                        if !same(member.value, other, isTrend: true) {
                            note("\(target): \(first.text) → \(second.text)")
                        }
                    default: if member.value != other { note("\(target): \(first.text) → \(second.text)") }
                    }
                }
            }
            for (target, items) in popular {
                let others = later.popular[target] ?? []
                if items.count != others.count { note("\(target): \(items.count) → \(others.count) items") }
                for (first, second) in zip(items, others) {
                    compare(target, first, second, isTrend: target.contains("trending"))
                }
            }
            for (target, answer) in stats { compare(target, answer, later.stats[target] ?? .null, isTrend: false) }
            for (target, answer) in fixed where answer != later.fixed[target] {
                note("\(target): \(answer.text) → \(later.fixed[target]?.text ?? "nothing")")
            }
            return found
        }
    }

    /// How the files that only make a start short are treated between two runs.
    enum Damage: String, CaseIterable, Sendable {
        case none, killed, deleted, truncated, emptied, flipped, swapped
    }

    private func damage(_ kind: Damage, _ folder: TestFolder, _ random: inout SeededGenerator) throws -> Int {
        var touched = 0
        let derived = TestFolder.files(below: folder.tenant).filter {
            $0.hasSuffix(".snapshot") || $0.contains("/deduplication/")
        }
        if kind == .swapped, let live = derived.first(where: { $0.hasSuffix("live.snapshot") }) {
            // A whole file, but the wrong one.
            let other = try #require(derived.first { $0.hasSuffix("sessions.snapshot") })
            let (first, second) = (TestFolder.bytes(live), TestFolder.bytes(other))
            try TestFolder.write(second, to: live)
            try TestFolder.write(first, to: other)
            return 2
        }
        for path in derived {
            var bytes = TestFolder.bytes(path)
            switch kind {
            case .none, .killed, .swapped: continue
            case .deleted: try FileManager.default.removeItem(atPath: path)
            case .truncated:
                guard !bytes.isEmpty else { continue }
                try TestFolder.write(
                    Array(bytes.prefix(Int.random(in: 1..<max(2, bytes.count), using: &random))), to: path)
            case .emptied: try TestFolder.write([], to: path)
            case .flipped:
                guard !bytes.isEmpty else { continue }
                for _ in 0..<3 {
                    let place = Int.random(in: 0..<bytes.count, using: &random)
                    bytes[place] ^= 1 << UInt8.random(in: 0..<8, using: &random)
                }
                try TestFolder.write(bytes, to: path)
            }
            touched += 1
        }
        return touched
    }

    @Test("Every answer is the same after a restart, be it graceful, after a kill, or with damaged snapshots")
    func restart() throws {
        let folder = try TestFolder()
        var random = SeededGenerator(seed: printedSeed("restart"))
        var server = try ServerProcess(folder, ["--snapshot-seconds", "1"])
        try prepare(server)
        var all = Sent()
        for (round, kind) in Damage.allCases.enumerated() {
            let sent = try Load.run(
                server, clients: 2, seed: random.next(), prefix: "restart-\(round)", atMost: 250, until: { false })
            #expect(sent.problems.isEmpty)
            all.merge(sent)
            let file = try StoreFile(folder)
            let truth = try Recomputation(file)
            let users = truth.rowsOfUser.keys.sorted().shuffled(using: &random).prefix(10)
            let sessions = truth.sessions.keys.sorted().shuffled(using: &random).prefix(60)
            let entities = truth.entities.keys.sorted()
            let before = try Answers(server, sessions: Array(sessions), entities: entities, users: Array(users))

            if kind == .killed {
                server.kill()
            } else {
                #expect(server.stop() == 0, "\(kind)")
            }
            let touched = try damage(kind, folder, &random)
            if kind != .none && kind != .killed { #expect(touched > 0, "\(kind) touched no file") }

            server = try ServerProcess(folder, ["--snapshot-seconds", "1"])
            let after = try Answers(server, sessions: Array(sessions), entities: entities, users: Array(users))
            #expect(before.differences(after).isEmpty, "after: \(kind)")
            // Duplicates are known as before, whatever became of the index.
            let again = try Load.resend(all.bodies.values.shuffled(using: &random).prefix(1000), server.client())
            #expect(again.statuses.keys.allSatisfy { $0 == "duplicate" }, "after: \(kind) \(again.statuses)")
            try expectAgreement(server, categories: ["books"], sample: 30, using: &random)
        }
        #expect(server.stop() == 0)
    }

    @Test("A snapshot is used: a restart after a graceful stop replays nothing")
    func snapshotIsUsed() throws {
        let folder = try TestFolder()
        let server = try ServerProcess(folder)
        let sent = try Load.run(server, clients: 2, seed: 7, prefix: "s", atMost: 500, until: { false })
        #expect(sent.acknowledged.count >= 1000)
        #expect(server.stop() == 0)
        let second = try ServerProcess(folder)
        let opened = second.errors.split(separator: "\n").compactMap { try? JSONValue(parsing: String($0)) }
            .first { $0["event"] == "tenant_open" }
        #expect(opened?["replayed"]?.integerValue == 0, "\(opened?.text ?? second.errors)")
        #expect(opened?["snapshot_position"] == opened?["position"], "\(opened?.text ?? "")")
        // A snapshot that cannot be used is told of.
        second.stop()
        let path = folder.tenant + "/live.snapshot"
        var bytes = TestFolder.bytes(path)
        try #require(!bytes.isEmpty)
        bytes[bytes.count / 2] ^= 0x10
        try TestFolder.write(bytes, to: path)
        let third = try ServerProcess(folder)
        #expect(third.errors.contains("snapshot_problem"), "\(third.errors)")
    }

    /// A catalogue, a plan of its own and other settings, so that they too must come back.
    private func prepare(_ server: ServerProcess) throws {
        let client = try server.client()
        let entities = (0..<40).map { number -> JSONValue in
            [
                "type": "product", "id": .string("product-\(number)"), "title": .string("Product \(number)"),
                "categories": number % 3 == 0 ? ["books", "gifts"] : ["games"], "hidden": .bool(number == 5),
            ]
        }
        let stored = try client.put("/v1/entities", ["entities": .array(entities)])
        #expect(stored.status == 200 && stored.json["stored"] == 40, "\(stored)")
        let settings = try client.patch("/v1/settings", ["session_timeout_minutes": 20])
        #expect(settings.status == 200, "\(settings)")
    }
}
