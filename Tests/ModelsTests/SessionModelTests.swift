import Models
import Numerics
import Testing

/// Worlds of sessions for tests.
enum SessionWorld {
    static let day: Int64 = 86_400_000

    /// Sessions of items as they are given, an hour after each other, a minute a click.
    static func histories(_ sessions: [[UInt32]], itemCount: Int) -> Histories {
        var histories = Histories(itemCount: itemCount)
        for (number, session) in sessions.enumerated() {
            histories.append(
                session.enumerated().map {
                    .init(
                        item: $0.element, position: 0.5,
                        time: Int64(number) * 3_600_000 + Int64($0.offset) * 60_000)
                })
        }
        return histories
    }

    /// Random walks on a ring: from each item mostly to the next one, sometimes to the same or anywhere.
    static func ring(sessions: Int, itemCount: Int, seed: UInt64) -> Histories {
        var random = SplitMix(seed: seed)
        let walks = (0..<sessions).map { _ in
            var item = Int.random(in: 0..<itemCount, using: &random)
            return (0..<Int.random(in: 2...8, using: &random)).map { _ in
                switch Int.random(in: 0..<10, using: &random) {
                case 0: item = Int.random(in: 0..<itemCount, using: &random)
                case 1: break
                default: item = (item + 1) % itemCount
                }
                return UInt32(item)
            }
        }
        return histories(walks, itemCount: itemCount)
    }

    static func scores(_ model: some SessionModel, _ session: [UInt32], at time: Int64? = nil) -> [Float] {
        var scores = SessionScores(itemCount: model.itemCount)
        model.score(session, at: time, into: &scores)
        return (0..<UInt32(model.itemCount)).map { scores[$0] }
    }

    static let models: [String: @Sendable (Histories) -> any SessionModel] = {
        var models: [String: @Sendable (Histories) -> any SessionModel] = ["default": { SessionRecommender($0) }]
        for single in SingleSessionModel.allCases { models[single.rawValue] = { single.fit($0) } }
        models["repeats"] = { RepeatModel(itemCount: $0.itemCount) }
        models["next"] = { TransitionModel($0, .next) }
        return models
    }()
}

@Suite("Session models keep their contract")
struct SessionModelTests {
    @Test(
        "Scores are finite and above 0, the same for the same session, alone, again or among others",
        arguments: SessionWorld.models.keys.sorted())
    func contract(name: String) throws {
        let make = try #require(SessionWorld.models[name])
        let model = make(SessionWorld.ring(sessions: 200, itemCount: 30, seed: 5))
        #expect(model.itemCount == 30)
        var shared = SessionScores(itemCount: 30)
        var random = SplitMix(seed: 6)
        for _ in 0..<50 {
            let session = (0..<Int.random(in: 0...30, using: &random)).map { _ in
                UInt32.random(in: 0..<30, using: &random)
            }
            let time = Int64.random(in: 0...SessionWorld.day * 40, using: &random)
            shared.removeAll()
            model.score(session, at: time, into: &shared)
            #expect(Set(shared.touched).count == shared.touched.count)
            for item in shared.touched { #expect(shared[item].isFinite && shared[item] > 0) }
            #expect((0..<30).map { shared[$0] } == SessionWorld.scores(model, session, at: time))
        }
    }

    @Test("Nothing learned, and items that are unknown, are no trouble", arguments: SessionWorld.models.keys.sorted())
    func nothing(name: String) throws {
        let make = try #require(SessionWorld.models[name])
        for histories in [
            Histories(itemCount: 3), SessionWorld.histories([[], [0], [1, 1, 1, 1]], itemCount: 3),
            SessionWorld.histories([[2]], itemCount: 3),
        ] {
            let model = make(histories)
            for session in [[], [0], [0, 1, 2], [7], [7, 0], [UInt32.max]] as [[UInt32]] {
                #expect(SessionWorld.scores(model, session).allSatisfy { $0.isFinite && $0 >= 0 })
            }
        }
    }

    @Test(
        "On a ring the next item is the one after the last",
        arguments: ["default", "transitions", "next", "session-neighbours", "stan", "session-items", "walk"])
    func ring(name: String) throws {
        let make = try #require(SessionWorld.models[name])
        let model = make(SessionWorld.ring(sessions: 600, itemCount: 20, seed: 7))
        let isSymmetric = ["session-items", "session-neighbours", "stan", "walk"].contains(name)
        for start in 0..<UInt32(20) {
            var scores = SessionWorld.scores(model, [start, (start + 1) % 20])
            scores[Int(start)] = 0
            scores[Int(start + 1) % 20] = 0
            let best = scores.indices.max { scores[$0] < scores[$1] }
            var near = [Int(start + 2) % 20] + (isSymmetric ? [Int(start + 19) % 20] : [])
            if name == "walk" { near.append(Int(start + 3) % 20) }
            #expect(best.map(near.contains) == true)
        }
    }

    @Test("As an item model a session model scores histories in blocks as it does alone")
    func itemModel() {
        let histories = SessionWorld.ring(sessions: 60, itemCount: 12, seed: 8)
        let model = SessionItemModel(TransitionModel(histories))
        let block = histories.slice(0..<10)
        let scores = [Float](unsafeUninitializedCapacity: 10 * 12) { buffer, count in
            model.score(block, into: buffer)
            count = 10 * 12
        }
        for person in 0..<10 {
            #expect(Array(scores[person * 12..<(person + 1) * 12]) == model.scores(block.entries(of: person)))
        }
    }
}

@Suite("Session scores")
struct SessionScoresTests {
    @Test("Ranks and best lists are those of sorting everything that was touched")
    func ranks() {
        var random = SplitMix(seed: 2)
        var scores = SessionScores(itemCount: 20)
        for _ in 0..<100 {
            scores.removeAll()
            var slow: [UInt32: Float] = [:]
            for _ in 0..<Int.random(in: 0...30, using: &random) {
                let (item, value) = (
                    UInt32.random(in: 0..<22, using: &random), Float(Int.random(in: 0...3, using: &random))
                )
                scores.add(item, value)
                if item < 20 { slow[item, default: 0] += value }
            }
            let sorted = slow.sorted { ($1.value, $0.key) < ($0.value, $1.key) }.map(\.key)
            #expect(scores.best(5).map(\.index) == Array(sorted.prefix(5)))
            for item in 0..<UInt32(22) {
                #expect(scores.rank(of: item) == sorted.firstIndex(of: item).map { $0 + 1 })
                #expect(scores[item] == slow[item] ?? 0)
            }
        }
        scores.add(1, .nan)
        scores.add(1, .infinity)
        #expect(scores[1].isFinite)
    }
}
