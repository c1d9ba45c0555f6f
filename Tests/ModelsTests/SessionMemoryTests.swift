import Models
import Numerics
import Testing

@Suite("Sessions that are kept for a model")
struct SessionMemoryTests {
    private static func memory(times: Bool) -> SessionMemory {
        var random = SplitMix(seed: 21)
        var sessions = Histories(itemCount: 30)
        for session in 0..<80 {
            let run = (0..<Int.random(in: 2..<8, using: &random)).map { _ in
                UInt32.random(in: 0..<30, using: &random)
            }
            if times {
                sessions.append(ordered: run.enumerated().map { ($0.element, Int64(session * 1_000 + $0.offset)) })
            } else {
                sessions.append(ordered: run.map { ($0, Int64(0)) })
            }
        }
        var choice = SessionRecommender.Choice()
        choice.weights = [0.5, 0, 0.25, 0.125, 1, 2]
        choice.ownShare = 0.5
        choice.neighbours.power = 2
        choice.stan.days = 20
        return SessionMemory(sessions, choice)
    }

    @Test("What is read back is what was written, and recommends the same", arguments: [true, false])
    func roundTrip(times: Bool) throws {
        let memory = Self.memory(times: times)
        let again = try SessionMemory(decoding: memory.encoded())
        #expect(again == memory)
        let (first, second) = (memory.recommender, again.recommender)
        var (left, right) = (SessionScores(itemCount: 30), SessionScores(itemCount: 30))
        for item in 0..<UInt32(30) {
            left.removeAll()
            right.removeAll()
            first.score([item, 3], at: nil, into: &left)
            second.score([item, 3], at: nil, into: &right)
            #expect(left.best(20).map(\.value) == right.best(20).map(\.value))
            #expect(left.best(20).map(\.index) == right.best(20).map(\.index))
        }
    }

    @Test("Bytes that were cut or changed are refused, or are other sessions, and never a crash")
    func broken() {
        let bytes = Self.memory(times: true).encoded()
        for length in 0..<bytes.count where length % 7 == 0 || length < 120 {
            #expect(throws: ModelError.self) { try SessionMemory(decoding: Array(bytes.prefix(length))) }
        }
        #expect(throws: ModelError.self) { try SessionMemory(decoding: bytes + [0]) }
        var random = SplitMix(seed: 4)
        for _ in 0..<500 {
            var changed = bytes
            changed[Int.random(in: 0..<bytes.count, using: &random)] ^= UInt8.random(in: 1...255, using: &random)
            guard let read = try? SessionMemory(decoding: changed) else { continue }
            #expect(read.sessions.items.allSatisfy { Int($0) < read.sessions.itemCount })
        }
    }
}
