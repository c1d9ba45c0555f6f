import Foundation
import Models
import Numerics
import Testing

/// Straight from the formulas, in Double, looking at every session.
@Suite("Session models against slow versions")
struct SessionOracleTests {
    struct Session {
        var items: [UInt32]
        var end: Int64

        /// Last place of an item, from 1.
        func place(_ item: UInt32) -> Int? { items.lastIndex(of: item).map { $0 + 1 } }
    }

    static func world(_ seed: UInt64) -> (histories: Histories, sessions: [Session], questions: [[UInt32]]) {
        let histories = SessionWorld.ring(sessions: 80, itemCount: 15, seed: seed)
        let sessions = (0..<histories.count).map { number in
            Session(
                items: Array(histories.items(of: number)),
                end: histories.entries(of: number).last?.time ?? 0)
        }
        var random = SplitMix(seed: seed)
        let questions = (0..<20).map { _ in
            (0..<Int.random(in: 1...6, using: &random)).map { _ in UInt32.random(in: 0..<15, using: &random) }
        }
        return (histories, sessions, questions)
    }

    static func compare(_ fast: [Float], _ slow: [UInt32: Double], sourceLocation: SourceLocation = #_sourceLocation) {
        for (item, value) in fast.enumerated() {
            let other = slow[UInt32(item)] ?? 0
            #expect(abs(Double(value) - other) <= 1e-4 * max(1, other), sourceLocation: sourceLocation)
        }
    }

    @Test("V-SkNN, as published and with short sessions preferred", arguments: [(Float(0), Float(2)), (0.5, 3)])
    func neighbours(lengthExponent: Float, power: Float) {
        let (histories, sessions, questions) = SessionOracleTests.world(3)
        var parameters = SessionNeighbourModel.Parameters()
        (parameters.lengthExponent, parameters.power) = (lengthExponent, power)
        let model = SessionNeighbourModel(histories, parameters)
        for question in questions {
            var slow: [UInt32: Double] = [:]
            for session in sessions {
                var likeness = 0.0
                for item in Set(question) where session.items.contains(item) {
                    let later = question.count - 1 - (question.lastIndex(of: item) ?? 0)
                    // The base of the logarithm multiplies every score alike, so it is left as e.
                    likeness += 1 / log(Double(later) + 1.7)
                }
                guard likeness > 0 else { continue }
                let items = Set(session.items)
                likeness /= pow(Double(items.count) + 3, Double(lengthExponent))
                for item in items {
                    let having = sessions.count { $0.items.contains(item) }
                    slow[item, default: 0] +=
                        pow(likeness, Double(power)) * (1 + log(Double(sessions.count) / Double(having)))
                }
            }
            SessionOracleTests.compare(SessionWorld.scores(model, question), slow)
        }
    }

    @Test("STAN")
    func stan() {
        let (histories, sessions, questions) = SessionOracleTests.world(4)
        let model = SequenceTimeNeighbourModel(histories)
        let now = 10 * SessionWorld.day
        for question in questions {
            var slow: [UInt32: Double] = [:]
            for session in sessions {
                let shared = Set(question).filter { session.items.contains($0) }
                let latest = shared.max {
                    (question.lastIndex(of: $0) ?? 0) < (question.lastIndex(of: $1) ?? 0)
                }
                guard let latest, let anchor = session.place(latest) else { continue }
                var likeness = 0.0
                for item in shared {
                    likeness += exp(-Double(question.count - 1 - (question.lastIndex(of: item) ?? 0)) / 1.02)
                }
                let items = Set(session.items)
                likeness /= Double(items.count).squareRoot()
                likeness *= exp(-Double(now - session.end) / 86_400_000 / 5)
                for item in items {
                    slow[item, default: 0] += likeness * exp(-Double(abs((session.place(item) ?? 0) - anchor)) / 2.05)
                }
            }
            SessionOracleTests.compare(SessionWorld.scores(model, question, at: now), slow)
        }
    }

    @Test("Transitions of one step and of two")
    func transitions() {
        let (histories, sessions, _) = SessionOracleTests.world(5)
        var one = [[Double]](repeating: Array(repeating: 0, count: 15), count: 15)
        var clicks = [Double](repeating: 0, count: 15)
        for session in sessions {
            for (place, item) in session.items.enumerated() {
                clicks[Int(item)] += 1
                for later in place + 1..<max(place + 1, min(session.items.count, place + 11)) {
                    let other = Int(session.items[later])
                    one[Int(item)][other] += 1 / Double(later - place)
                    one[other][Int(item)] += 0.6 / Double(later - place)
                }
            }
        }
        for item in one.indices {
            let sum = one[item].reduce(0, +)
            if sum > 0 { one[item] = one[item].map { $0 / sum } }
        }
        let model = TransitionModel(histories)
        let twice = TransitionModel(histories, .walkedTwice)
        for last in 0..<UInt32(15) {
            let before = (last + 4) % 15
            var slow: [UInt32: Double] = [:]
            var slowTwice: [UInt32: Double] = [:]
            for (item, weight) in [(last, 1.0), (before, 0.5)] {
                for target in 0..<15 {
                    slow[UInt32(target), default: 0] += weight * one[Int(item)][target]
                    for middle in 0..<15 {
                        slowTwice[UInt32(target), default: 0] +=
                            weight * one[Int(item)][middle] * one[middle][target] / pow(clicks[target] + 1, 0.25)
                    }
                }
            }
            SessionOracleTests.compare(SessionWorld.scores(model, [before, last]), slow)
            SessionOracleTests.compare(SessionWorld.scores(twice, [before, last]), slowTwice)
        }
    }

    @Test("Repeats: what the session has, the latest above all")
    func repeats() {
        let model = RepeatModel(itemCount: 4)
        #expect(SessionWorld.scores(model, [2, 0, 1, 0]) == [1, Float(1) / 2, Float(1) / 4, 0])
    }

    @Test("The latest sessions of an item are those that are looked at")
    func latest() {
        let sessions: [[UInt32]] = [[0, 1], [0, 2], [0, 3]]
        var parameters = SessionNeighbourModel.Parameters()
        parameters.perItem = 2
        let model = SessionNeighbourModel(SessionWorld.histories(sessions, itemCount: 4), parameters)
        let scores = SessionWorld.scores(model, [0])
        #expect(scores[1] == 0 && scores[2] > 0 && scores[3] > 0)
        parameters.neighbours = 1
        parameters.perItem = 9
        let one = SessionNeighbourModel(SessionWorld.histories(sessions, itemCount: 4), parameters)
        #expect(SessionWorld.scores(one, [0]).map { $0 > 0 } == [true, false, false, true])
    }
}

@Suite("Choosing for sessions")
struct SessionChooserTests {
    @Test("The same sessions give the same choice on any number of threads")
    func determinism() {
        let histories = SessionWorld.ring(sessions: 400, itemCount: 40, seed: 9)
        let choice = SessionChooser(threads: 1).choose(histories)
        #expect(choice == SessionChooser(threads: 3).choose(histories))
        #expect(choice.weights.count == SessionRecommender.componentNames.count)
        #expect(choice.weights.allSatisfy { $0 >= 0 && $0.isFinite })
    }

    @Test("The choice is not worse on the hold-out's kind than the defaults, and differs from them")
    func better() throws {
        // Nothing but the next one on the ring ever follows: repeats must lose their weight.
        let walks = (0..<500).map { start in (0..<4).map { UInt32((start + $0) % 25) } }
        let choice = SessionChooser(threads: 2).choose(SessionWorld.histories(walks, itemCount: 25))
        let model = SessionRecommender(SessionWorld.histories(walks, itemCount: 25), choice)
        for start in 0..<UInt32(25) {
            let scores = SessionWorld.scores(model, [start])
            #expect(scores.indices.max { scores[$0] < scores[$1] } == Int(start + 1) % 25)
        }
    }

    @Test("Too few sessions leave the defaults")
    func few() {
        for count in [0, 1, 5] {
            let histories = SessionWorld.ring(sessions: count, itemCount: 5, seed: 1)
            #expect(SessionChooser(threads: 2).choose(histories) == SessionRecommender.Choice())
        }
    }
}
