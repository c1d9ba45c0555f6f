import Domain
import Models
import Numerics
import Testing

@testable import Training

@Suite("Training on sessions")
struct SessionTrainingTests {
    @Test("Sessions are read in their order with repeats; what is done with an entity at one go is one click")
    func reading() throws {
        let log = try TestLog()
        let start = TestLog.noon - 86_400_000
        func deed(_ entity: String, _ session: String, _ second: Int64, _ type: String = "view") -> Deed {
            Deed(type: type, entity: entity, session: session, at: start + second * 1_000)
        }
        try log.append([
            deed("a", "late", 50), deed("b", "late", 51), deed("a", "late", 52), deed("a", "late", 53),
            deed("c", "early", 3), deed("a", "early", 1), deed("a", "early", 2, "cart_add"),
            deed("hidden", "early", 2), deed("b", "early", 4, "cart_remove"), deed("a", "single", 5),
        ])
        let data = try log.read(hidden: ["hidden"])
        let sessions = (0..<data.sessions.count).map { session in
            data.sessions.items(of: session).map { data.items.id(of: Int($0)) }.joined()
        }
        #expect(sessions == ["ac", "abaa"])
        #expect(data.sessions.times.first == start + 1_000)
        let (before, after) = data.splitSessions(at: start + 10_000)
        #expect(before.count == 1 && after.count == 1 && after.items(of: 0).count == 4)
    }

    @Test("Only the latest clicks are kept")
    func bounded() {
        var table = ClickTable(maximum: 10)
        let hasher = KeyHasher(seed: 12)
        for click in 0..<1_000 {
            table.add(
                session: hasher.key("s\(click / 5)", .session), item: UInt32(click % 7), type: 1, time: Int64(click))
        }
        let sessions = table.sessions(Array(0..<7), itemCount: 7)
        #expect(sessions.count == 2 && sessions.times == (990..<1_000).map { Int64($0) })
    }

    /// Sessions that walk along a ring of entities, in steps of one, from anywhere; with `users`, in turn of so many who are
    /// known.
    private func ring(_ sessions: Int, of size: Int = 40, users: Int? = nil) -> [Deed] {
        var random = SplitMix(seed: 5)
        var deeds: [Deed] = []
        for session in 0..<sessions {
            let first = Int.random(in: 0..<size, using: &random)
            let at = TestLog.noon - Int64(sessions - session) * 600_000
            for step in 0..<5 {
                deeds.append(
                    Deed(
                        entity: "r\((first + step) % size)", user: users.map { "u\(session % $0)" },
                        session: "s\(session)", at: at + Int64(step) * 1_000))
            }
        }
        return deeds
    }

    @Test(
        "Where people come back, session model and model of lists are tried on the same sessions, and the better one is taken"
    )
    func comparison() throws {
        let log = try TestLog()
        try log.append(ring(900, of: 400, users: 100))
        var options = TrainingOptions()
        options.tuningSeconds = 0.5
        let outcome = try TrainingRun(options).run(
            try log.read(), current: nil, progress: { _, _ in }, isCancelled: { false })
        #expect(outcome.card.split == "time")
        func sum(_ model: String) throws -> Double {
            let figures = try #require(outcome.card.candidates[model], "\(outcome.card.candidates)")
            return try #require(figures["session_hr@20"]) + (try #require(figures["session_mrr@20"]))
        }
        #expect(try (sum("sessions") > sum("lists")) == (outcome.model?.sessions != nil))
    }

    @Test("A log of sessions gives a model of what comes next, which is stored with the model and read back")
    func training() throws {
        let log = try TestLog()
        try log.append(ring(600))
        var options = TrainingOptions()
        options.tuningSeconds = 0.5
        let outcome = try TrainingRun(options).run(
            try log.read(), current: nil, progress: { _, _ in }, isCancelled: { false })
        let model = try #require(outcome.model)
        let sessions = try #require(model.sessions, "\(outcome.card.candidates)")
        #expect(sessions.sessions.count == 600)
        let measured = try #require(outcome.card.candidates["sessions"]?["session_mrr@20"])
        #expect(measured > 0.8, "\(outcome.card.candidates)")
        // The model of lists has learned the beginnings of these sessions, so there are no figures of it to set beside.
        #expect(outcome.card.split == "person" && outcome.card.candidates["lists"] == nil)

        let store = ModelStore(tenantFolder: log.folder.path) { _ in }
        let version = try store.add(model, heldOut: nil)
        try store.activate(version)
        let read = try #require(store.loadCurrent())
        #expect(read.sessions == sessions && read.model == model.model)
        let first = try #require((0..<read.items.count).first { read.items.id(of: $0) == "r7" })
        var scores = SessionScores(itemCount: read.items.count)
        try #require(read.sessions).recommender.score([UInt32(first)], at: nil, into: &scores)
        #expect(scores.best(1).first.map { read.items.id(of: Int($0.index)) } == "r8")
    }
}
