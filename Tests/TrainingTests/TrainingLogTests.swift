import Domain
import Foundation
import Models
import Numerics
import StorageSQLite
import Testing
import Training

@Suite("What is learned from a log")
struct TrainingLogTests {
    /// One entry of a history, and the sum of its weights regardless of their sign.
    private struct Pair {
        var id = ""
        var weight = 0.0
        var size = 0.0
        var last = Int64.min
        var order = 0
    }

    /// What the reader is to give, the slow way: for each person what is done with, oldest first.
    private static func slow(_ deeds: [Deed], _ plan: CompiledPlan, halfLifeDays: Double, longest: Int) -> [[Pair]] {
        var people: [String: [String: Pair]] = [:]
        var order: [String] = []
        func weight(_ deed: Deed) -> Double { plan.type(named: deed.type)?.declaration.preferenceWeight ?? 0 }
        let newest = deeds.filter { weight($0) != 0 }.map(\.at).max() ?? 0
        for (place, deed) in deeds.enumerated() where weight(deed) != 0 {
            let who =
                deed.user.map { "u:" + $0 } ?? deed.visitor.map { "v:" + $0 } ?? deed.session.map { "s:" + $0 } ?? ""
            if !order.contains(who) { order.append(who) }
            var pair = people[who, default: [:]][deed.entity] ?? Pair(id: deed.entity)
            let own = weight(deed) * pow(0.5, Double(newest - deed.at) / 86_400_000 / halfLifeDays)
            pair.weight += own
            pair.size += abs(own)
            if deed.at >= pair.last { (pair.last, pair.order) = (deed.at, place) }
            people[who, default: [:]][deed.entity] = pair
        }
        return order.map { who in
            Array(
                (people[who] ?? [:]).values
                    .sorted { $0.last != $1.last ? $0.last < $1.last : $0.order < $1.order }.suffix(longest))
        }
    }

    @Test("Histories are those of a slow reading, for users, visitors and sessions, with decay and negative signals")
    func oracle() throws {
        var random = SplitMix(seed: 11)
        for round in 0..<6 {
            let log = try TestLog()
            var deeds: [Deed] = []
            for _ in 0..<400 {
                var deed = Deed(entity: "e\(Int.random(in: 0..<30, using: &random))")
                // With long histories cut nothing may cancel out, for the slow way cannot tell which entries are left.
                deed.type =
                    (round % 2 == 0
                    ? ["view", "order"] : ["view", "cart_add", "order", "refund", "unfollow", "recommendation_viewed"])
                    .randomElement(using: &random) ?? "view"
                // Few times, so that there are ties; far enough apart to move the landmark.
                deed.at = TestLog.noon - Int64.random(in: 0..<40, using: &random) * 86_400_000 * 20
                switch Int.random(in: 0..<3, using: &random) {
                case 0: deed.user = "p\(Int.random(in: 0..<6, using: &random))"
                case 1: deed.visitor = "p\(Int.random(in: 0..<6, using: &random))"
                default: deed.session = "p\(Int.random(in: 0..<6, using: &random))"
                }
                deeds.append(deed)
            }
            try log.append(deeds)
            var options = TrainingOptions()
            options.halfLifeDays = [7, 90, 1_000][round % 3]
            options.longestHistory = round % 2 == 0 ? 5 : 1_000
            let data = try log.read(options)
            let slow = Self.slow(
                deeds, log.plan, halfLifeDays: options.halfLifeDays, longest: options.longestHistory)
            #expect(data.persons == slow.count)
            for (found, expected) in zip(data.readable, slow) {
                // What cancels out may be left with next to no weight, or not at all.
                let cancelled = Set(expected.filter { abs($0.weight) < 1e-5 * $0.size }.map(\.id))
                let (found, expected) = (
                    found.filter { !cancelled.contains($0.id) }, expected.filter { !cancelled.contains($0.id) }
                )
                #expect(found.map(\.id) == expected.map(\.id))
                #expect(found.map(\.time) == expected.map(\.last))
                for (one, other) in zip(found, expected) {
                    let held = max(abs(other.weight), 1e-6) * (other.weight < 0 ? -1 : 1)
                    #expect(abs(Double(one.weight) - held) <= 1e-4 * max(abs(held), other.size))
                }
            }
            #expect(data.position == log.store.lastPosition)
            #expect(data.rows == 400)
        }
    }

    @Test("Hidden entities are left out, and so is what weighs nothing in sum")
    func leftOut() throws {
        let log = try TestLog()
        try log.append([
            Deed(entity: "a", user: "u"), Deed(entity: "b", user: "u"), Deed(type: "cart_add", entity: "c", user: "u"),
            Deed(type: "cart_remove", entity: "c", user: "u"), Deed(type: "search", entity: "d", user: "u"),
            Deed(type: "unfollow", entity: "f", user: "u"), Deed(entity: "nobody"),
        ])
        let data = try log.read(hidden: ["b"])
        #expect(data.readable.map { $0.map(\.id) } == [["a", "f"]])
        #expect(data.readable.first?.last.map { $0.weight < 0 } == true)
        #expect(data.items.count == 2)
    }

    @Test("Two hundred thousand repeats of one pair are one entry, and empty logs give nothing")
    func repeats() throws {
        let log = try TestLog()
        #expect(try log.read().pairs == 0)
        let many = [Deed](repeating: Deed(entity: "a", user: "u"), count: 50_000)
        for _ in 0..<4 { try log.append(many) }
        let data = try log.read()
        #expect(data.pairs == 1 && data.persons == 1 && data.interactions == 200_000)
        let weight = try #require(data.readable.first?.first?.weight)
        #expect(abs(weight - 400_000) < 100)
    }

    @Test("Past its memory the reader keeps the latest, and says so")
    func bounded() throws {
        let log = try TestLog()
        var deeds: [Deed] = []
        for place in 0..<9_000 {
            deeds.append(
                Deed(
                    entity: "e\(place % 300)", user: "u\(place / 300)",
                    at: TestLog.noon - Int64(9_000 - place) * 60_000))
        }
        try log.append(deeds)
        var options = TrainingOptions()
        options.memoryBytes = 320 * 2_000
        let data = try log.read(options)
        #expect(data.isCut)
        #expect(data.pairs <= 6_100)
        let times = data.readable.flatMap { $0.map(\.time) }
        #expect(times.max() == deeds.last?.at)
        // What is left is the newest of all.
        #expect(times.sorted() == deeds.suffix(times.count).map(\.at))
        #expect(try log.read().isCut == false)
    }

    @Test("Splits by time and by person are those of a slow reading")
    func splits() throws {
        let log = try TestLog()
        var random = SplitMix(seed: 5)
        var deeds: [Deed] = []
        for _ in 0..<500 {
            deeds.append(
                Deed(
                    entity: "e\(Int.random(in: 0..<25, using: &random))",
                    user: "u\(Int.random(in: 0..<20, using: &random))",
                    at: TestLog.noon - Int64.random(in: 0..<1_000, using: &random) * 60_000))
        }
        try log.append(deeds)
        let data = try log.read()
        let moment = data.moment(ofShare: 0.8)
        let (before, after) = data.split(at: moment)
        #expect(before.count == data.persons && after.count == data.persons)
        // The order of persons is that of their first interaction.
        var order: [String] = []
        for deed in deeds { if let user = deed.user, !order.contains(user) { order.append(user) } }
        for (person, user) in order.enumerated() {
            let own = deeds.filter { $0.user == user }
            let known = Set(own.filter { $0.at < moment }.map(\.entity))
            let new = Set(own.filter { $0.at >= moment }.map(\.entity)).subtracting(known)
            #expect(Set(before.items(of: person).map { data.items.id(of: Int($0)) }) == known)
            #expect(Set(after.items(of: person).map { data.items.id(of: Int($0)) }) == new)
            let times = before.places(of: person).map { before.times[$0] }
            #expect(times == times.sorted() && times.allSatisfy { $0 < moment })
        }
        let (early, late) = data.splitByPerson()
        for person in 0..<data.persons {
            let all = data.histories.items(of: person)
            #expect(Array(early.items(of: person)) + Array(late.items(of: person)) == Array(all))
            #expect(late.items(of: person).count == (all.count < 3 ? 0 : max(1, all.count / 5)))
        }
    }

    @Test("Data reads back from its file as it was, and a damaged file is refused")
    func file() throws {
        let log = try TestLog()
        try log.append(groups(persons: 40))
        let data = try log.read()
        let path = log.folder.path + "/data"
        try data.write(to: path)
        let read = try TrainingData(path: path)
        #expect(read.histories == data.histories && read.items == data.items)
        #expect(read.position == data.position && read.newest == data.newest && read.rows == data.rows)
        #expect(read.split(at: data.moment(ofShare: 0.5)) == data.split(at: data.moment(ofShare: 0.5)))
        var bytes = Array(try Data(contentsOf: URL(fileURLWithPath: path)))
        bytes[bytes.count / 2] ^= 1
        try Data(bytes).write(to: URL(fileURLWithPath: path))
        #expect(throws: TrainingError.self) { try TrainingData(path: path) }
    }
}
