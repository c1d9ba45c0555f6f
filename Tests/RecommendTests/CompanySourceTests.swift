import Domain
import Foundation
import Live
import Testing

@testable import Recommend

@Suite("Lists that are made of other persons' doings")
struct CompanySourceTests {
    private func request(_ facts: AudienceFacts, most: Int = 1_000) -> SourceRequest {
        SourceRequest(
            facts: facts, evidence: Evidence(facts, session: []), filters: Filters(), limit: 10, most: most, weight: 2,
            now: World.now)
    }

    private func expectSame(_ pool: CandidatePool, _ slow: [UInt32: Double], _ origin: Origin) {
        #expect(Set(pool.candidates.map(\.entity)) == Set(slow.keys))
        for candidate in pool.candidates {
            #expect(abs(candidate.closeness - (slow[candidate.entity] ?? 0)) <= 1e-12 * max(1, candidate.closeness))
            #expect(candidate.origin == origin && candidate.because != nil)
        }
    }

    @Test("What was ordered together is what the orders say, computed the slow way", arguments: 1...40)
    func bought(seed: UInt64) {
        var random = SeededRandom(seed)
        let world = World(&random, size: 5 + random.below(20))
        for facts in world.people.values {
            let request = request(facts)
            var slow: [UInt32: Double] = [:]
            for (action, strength) in request.evidence.actions {
                let buyers = (world.circles[action.entity]?.buyers ?? []).filter { person in
                    world.others[Int(person)].orders.contains { $0.entity == action.entity }
                }
                for other in 0..<UInt32(world.entities.count) where other != action.entity {
                    let both = buyers.filter { person in
                        let orders = world.others[Int(person)].orders
                        guard let one = orders.first(where: { $0.entity == action.entity }),
                            let two = orders.first(where: { $0.entity == other })
                        else { return false }
                        return abs(one.orderedAt - two.orderedAt) <= 86_400_000
                    }
                    guard !both.isEmpty else { continue }
                    let theirs = max(1, world.circles[other]?.buyers.count ?? 0)
                    let score = Double(both.count) / (Double(buyers.count) * Double(theirs)).squareRoot()
                    slow[other, default: 0] += strength * min(1, score) * 2
                }
            }
            var pool = CandidatePool(maximum: 400)
            BoughtSource().add(to: &pool, request, world)
            expectSame(pool, slow, .bought)
            var few = CandidatePool(maximum: 400)
            BoughtSource().add(to: &few, self.request(facts, most: 3), world)
            #expect(few.candidates.count == min(3, slow.count))
            let least = few.candidates.map(\.closeness).min() ?? 0
            #expect(slow.values.count { $0 > least + 1e-9 } < 3)
        }
    }

    @Test("What people like the audience have is what their histories say, computed the slow way", arguments: 1...40)
    func people(seed: UInt64) {
        var random = SeededRandom(seed)
        let world = World(&random, size: 5 + random.below(20))
        for facts in world.people.values {
            var history: [(entity: UInt32, strength: Double)] = []
            for action in facts.recents.isEmpty ? facts.session : facts.recents
            where action.weight > 0 && Oracle.sum(action.entity, facts) > 0
                && !history.contains(where: { $0.entity == action.entity })
            {
                history.append((action.entity, action.weight * pow(0.98, Double(history.count))))
            }
            history = history.map { one in
                let circle = world.circles[one.entity]?.people.count ?? 0
                return (one.entity, circle > 0 ? one.strength / Double(circle).squareRoot() : 0)
            }
            var slow: [UInt32: Double] = [:]
            for (number, other) in world.others.enumerated() where !facts.persons.contains(UInt32(number)) {
                let met = history.contains { world.circles[$0.entity]?.people.contains(UInt32(number)) ?? false }
                guard met else { continue }
                let theirs = Dictionary(grouping: other.actions.filter { $0.weight > 0 }, by: \.entity)
                let shared = history.filter { theirs[$0.entity] != nil }.reduce(0) { $0 + $1.strength }
                guard shared > 0 else { continue }
                for (entity, actions) in theirs where !history.contains(where: { $0.entity == entity }) {
                    let weight = log1p(actions.map(\.weight).max() ?? 0)
                    slow[entity, default: 0] += shared / Double(theirs.count).squareRoot() * weight * 2
                }
            }
            var pool = CandidatePool(maximum: 400)
            PeopleSource().add(to: &pool, request(facts), world)
            expectSame(pool, slow, .people)
        }
    }

    @Test("What a surface is for stands first, whatever else scores; what fills it up is said to", arguments: 1...60)
    func essence(seed: UInt64) {
        var random = SeededRandom(seed)
        let world = World(&random, size: 20 + random.below(20))
        var settings = RankingSettings()
        settings.categoryLimit = 10
        for (surface, origin) in [(Surface.boughtTogether, Origin.bought), (.peopleLikeYou, .people)] {
            for user in ["u0", "u1", "u2"] {
                var question = Question(.audience(Audience(user: user)))
                question.surface = surface
                question.limit = 30
                let list = Recommender(world, settings: settings).list(for: question, now: World.now)
                let isOwn = list.items.map { $0.origin == origin }
                #expect(isOwn == isOwn.sorted { $0 && !$1 })
                let filled = list.items.filter { $0.origin != origin }
                #expect(list.fallback == filled.map(\.origin).max())
                #expect(filled.allSatisfy { $0.rules.contains(.fallback) })
                let scores = list.items.filter { $0.origin == origin }.map(\.score)
                #expect(scores == scores.sorted(by: >))
            }
        }
    }
}
