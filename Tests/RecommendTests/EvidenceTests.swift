import Live
import Testing

@testable import Recommend

@Suite("What speaks for an audience's taste")
struct EvidenceTests {
    /// Weights of what was done with entity 3, newest first.
    private func facts(_ weights: [Double], isWarm: Bool) -> AudienceFacts {
        var facts = AudienceFacts()
        facts.interactions = isWarm ? 50 : 2
        facts.recents = weights.enumerated().map { place, weight in
            Action(entity: 3, type: UInt16(place), weight: weight, occurredAt: World.now - Int64(place))
        }
        if !isWarm { facts.session = facts.recents }
        return facts
    }

    @Test(
        "What was taken back as much as it was wanted is no reason for a list, what was so in part is one in part",
        arguments: [true, false])
    func takenBack(isWarm: Bool) throws {
        let whole = try #require(Evidence(facts([5], isWarm: isWarm), session: []).actions.first).strength
        for (weights, share) in [([-5.0, 5], 0), ([-10, 5], 0), ([5, -10], 0), ([-1, 5], 0.8), ([5, -1], 0.8)] {
            let evidence = Evidence(facts(weights, isWarm: isWarm), session: [])
            #expect(evidence.isWanted(3) == (share > 0))
            #expect(evidence.isWanted(4))
            #expect(evidence.actions.map(\.action.entity) == (share > 0 ? [3] : []))
            for action in evidence.actions { #expect(abs(action.strength - whole * share) < 1e-12) }
            #expect(evidence.disliked.contains(3) == (weights[0] + weights[1] < 0))
        }
    }

    @Test("A list about something looks for what was turned down in all that the person did")
    func about() {
        var own = AudienceFacts()
        own.session = [Action(entity: 4, type: 0, weight: 1, occurredAt: 0)]
        let evidence = Evidence(own, session: [], whole: facts([-5, 2], isWarm: true))
        #expect(evidence.disliked.contains(3))
        #expect(evidence.actions.map(\.action.entity) == [4])
    }
}
