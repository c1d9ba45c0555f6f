import Foundation
import Synchronization
import Testing

/// What the program promises for the moment in which it is killed.
@Suite(.serialized) struct Faults {
    static let rounds = ProcessInfo.processInfo.environment["FOOTFALL_FAULT_ROUNDS"].flatMap { Int($0) } ?? 20

    @Test("Killed at random moments under load, nothing acknowledged is lost and nothing is doubled")
    func killedUnderLoadFault() throws {
        let folder = try TestFolder()
        let seed = printedSeed("killedUnderLoadFault")
        var random = SeededGenerator(seed: seed)
        var all = Sent()
        // By entity the titles it may have: the last that was acknowledged, and those that were on their way.
        var titles: [String: [String?]] = [:]
        var known = Recomputation()
        var position: Int64 = 0
        var server = try ServerProcess(folder, ["--snapshot-seconds", "1"])
        var killed = 0
        for round in 1...max(1, Self.rounds) {
            let sent = try load(server, round: round, seed: random.next(), titles: &titles)
            killed += sent.acknowledged.isEmpty ? 0 : 1
            all.merge(sent)
            #expect(sent.problems.isEmpty, "round \(round)")

            // A start is no better a moment to be killed in.
            for _ in 0..<Int.random(in: 0...2, using: &random) {
                let start = try Child(folder, ["serve", "--data", folder.data, "--port", "0"])
                usleep(UInt32.random(in: 1000...80_000, using: &random))
                start.end(SIGKILL)
            }
            server = try ServerProcess(folder, ["--snapshot-seconds", "1"])
            let file = try StoreFile(folder)
            let newRows = try file.interactions(after: position)
            for row in newRows { known.add(row) }
            position = known.rows.last?.position ?? position
            let stored = Set(known.rows.map(\.id))
            #expect(
                all.acknowledged.isSubset(of: stored),
                "round \(round): lost \(all.acknowledged.subtracting(stored).prefix(5))")
            #expect(stored.count == known.rows.count, "round \(round): an id is stored twice")
            #expect(try file.integer("SELECT count(*) FROM user_interactions") == Int64(known.rows.count))
            try expectTitles(titles, server)

            // Everything is sent once more: what is stored is a duplicate, the rest is new.
            let client = try server.client()
            let lost = all.bodies.filter { !stored.contains($0.key) }
            let before = try Load.resend(sent.bodies.filter { stored.contains($0.key) }.values, client)
            #expect(before.statuses.keys.allSatisfy { $0 == "duplicate" }, "round \(round): \(before)")
            let after = try Load.resend(lost.values, client)
            #expect(after.statuses.keys.allSatisfy { $0 == "ok" }, "round \(round): \(after)")
            #expect(after.statuses["ok"] ?? 0 == lost.count, "round \(round)")
            for id in lost.keys { all.acknowledged.insert(id) }

            for row in try file.interactions(after: position) { known.add(row) }
            position = known.rows.last?.position ?? position
            #expect(Set(known.rows.map(\.id)).count == known.rows.count, "round \(round): an id is stored twice")
            try known.readEntities(file)
            let agreement = Agreement(client, known)
            // The whole comparison at the end; in between what a round can afford.
            if round == Self.rounds || round % 10 == 0 {
                try agreement.checkAll(using: &random)
            } else {
                for mode in Recomputation.modes { try agreement.checkPopular(mode, "all", limit: 50) }
                try agreement.checkPopular("trending", "7d")
                try agreement.checkTotals()
                try agreement.checkStats(of: known.entities.keys.shuffled(using: &random).prefix(20))
                try agreement.checkSessions(known.sessions.keys.shuffled(using: &random).prefix(40))
                try agreement.checkUsers(known.rowsOfUser.keys.shuffled(using: &random).prefix(5))
            }
            #expect(agreement.differences.isEmpty, "round \(round)")
            if !agreement.differences.isEmpty { break }
        }
        #expect(killed > 0)
        print("killedUnderLoadFault: \(Self.rounds) rounds, \(known.rows.count) interactions")
        #expect(server.stop() == 0)
        #expect(try StoreFile(folder).integrity() == "ok")
    }

    /// Four clients that track and one that changes the catalogue, until the server is killed.
    private func load(_ server: ServerProcess, round: Int, seed: UInt64, titles known: inout [String: [String?]]) throws
        -> Sent
    {
        var random = SeededGenerator(seed: seed)
        // At any moment, or when the first snapshot is being written, a second after the start.
        let killAfter =
            random.chance(0.5)
            ? Double.random(in: 0.02...0.9, using: &random) : 0.95 + Double.random(in: 0...0.3, using: &random)
        let isOver = Atomic<Bool>(false)
        let titles = Mutex(known)
        let sent = Mutex(Sent())
        let (port, keys) = (server.port, try server.keys)
        let clientSeed = random.next()
        inParallel(6) { number in
            switch number {
            case 0:
                usleep(UInt32(killAfter * 1e6))
                server.kill()
                isOver.store(true, ordering: .releasing)
            case 1:
                let client = Client(port: port, key: keys.secret)
                var count = 0
                while !isOver.load(ordering: .acquiring), count < 300 {
                    let (id, title) = ("product-\(count % 30)", "title \(round).\(count)")
                    count += 1
                    titles.withLock { $0[id, default: [nil]].append(title) }
                    guard let answer = try? client.put("/v1/entities/product/\(id)", ["title": .string(title)]) else {
                        return
                    }
                    if answer.status == 200 { titles.withLock { $0[id] = [title] } }
                }
            default:
                let own = Load.run(
                    port: port, key: keys.write, seed: clientSeed &+ UInt64(number), prefix: "r\(round)-\(number)",
                    until: { isOver.load(ordering: .acquiring) }, atMost: 1000)
                sent.withLock { $0.merge(own) }
            }
        }
        known = titles.withLock { $0 }
        return sent.withLock { $0 }
    }

    /// An entity has the last title that was acknowledged, or one that was on its way.
    private func expectTitles(_ titles: [String: [String?]], _ server: ServerProcess) throws {
        let client = try server.client()
        for (id, possible) in titles {
            let answer = try client.get("/v1/entities/product/\(id)")
            let own = answer.status == 200 ? answer.json["title"]?.stringValue : nil
            #expect(possible.contains(own), "\(id): \(answer)")
        }
    }
}
