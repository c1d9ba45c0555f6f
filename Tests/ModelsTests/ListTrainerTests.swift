import Models
import Numerics
import Testing

@Suite("Choosing a blend")
struct ListTrainerTests {
    @Test(
        "A hold-out never shows what it asks for",
        arguments: [HoldOut.Cut.tail(0.3), .last, .random(0.3), .mixed(0.3), .late(0.3)])
    func holdOut(cut: HoldOut.Cut) {
        var random = SplitMix(seed: 2)
        var histories = Histories(itemCount: 30)
        for _ in 0..<50 {
            let run = (0..<UInt32(30)).shuffled(using: &random).prefix(Int.random(in: 1...12, using: &random))
            let start = Int64.random(in: 0...1000, using: &random)
            histories.append(
                run.enumerated().map {
                    .init(
                        item: $0.element, position: run.count == 1 ? 1 : Float($0.offset) / Float(run.count - 1),
                        time: start + 80 * Int64($0.offset))
                })
        }
        let holdOut = HoldOut(histories, cut)
        #expect(holdOut.queries.count > 0 && holdOut.queries.count == holdOut.truth.count)
        #expect(holdOut.training.count == histories.count)
        #expect(holdOut.training.items.count < histories.items.count)
        for query in 0..<holdOut.queries.count {
            let own = Set(holdOut.queries.items(of: query))
            #expect(!own.isEmpty && !holdOut.truth[query].isEmpty)
            #expect(holdOut.truth[query].allSatisfy { !own.contains($0) })
        }
        if case .late = cut, let latest = holdOut.training.times.max() {
            let held = histories.times.filter { $0 > latest }
            #expect(Double(held.count) / Double(histories.times.count) > 0.2)
        }
        #expect(HoldOut(histories, cut, maximum: 7).queries.count == 7)
    }

    @Test("Where order means something the end is held out and order is used; where it means nothing it is not")
    func order() throws {
        var random = SplitMix(seed: 3)
        let ring = Worlds.ring(persons: 300, items: 60, length: 12, &random)
        let trainer = ListTrainer(.init())
        let ordered = trainer.holdOut(ring, valid: nil)
        #expect(ordered == HoldOut(ring, .tail(0.2), maximum: 3_000))
        let outcome = try #require(trainer.choose(on: ordered))
        // The best list of length 20 has what comes next first: far above what the set alone can tell.
        #expect(outcome.value > 1.2)
        #expect(outcome.choice.parts.contains { $0.kind.recency != .none })
        var sets = ListTrainer.Options()
        sets.usesOrder = false
        #expect(ListTrainer(sets).holdOut(ring, valid: nil) == HoldOut(ring, .mixed(0.2), maximum: 3_000))
        let without = trainer.holdOut(Worlds.shuffled(ring, &random), valid: nil)
        #expect(without != HoldOut(ring, .tail(0.2), maximum: 3_000))
    }

    @Test("Where order is not to be used, what is chosen does not depend on it")
    func withoutOrder() throws {
        var random = SplitMix(seed: 8)
        let ring = Worlds.ring(persons: 120, items: 40, length: 8, &random)
        var options = ListTrainer.Options()
        options.usesOrder = false
        let holdOut = HoldOut(ring, .tail(0.25))
        var other = holdOut
        other.training = Worlds.shuffled(holdOut.training, &random)
        other.queries = Worlds.shuffled(holdOut.queries, &random)
        let one = try #require(ListTrainer(options).choose(on: holdOut))
        #expect(one.choice == ListTrainer(options).choose(on: other)?.choice)
        #expect(one.choice.parts.allSatisfy { $0.kind.recency == .none })
    }

    @Test("Where order means nothing, nothing that weights late entries is tried")
    func meaningless() throws {
        var random = SplitMix(seed: 9)
        let shuffled = Worlds.shuffled(Worlds.ring(persons: 200, items: 60, length: 12, &random), &random)
        let outcome = try #require(ListTrainer(.init()).choose(shuffled))
        #expect(outcome.choice.parts.allSatisfy { $0.kind.recency == .none })
        #expect(!outcome.single.contains { $0.part.kind.name == "sequence" })
    }

    @Test("What is to be served has only parts that can be folded")
    func folded() throws {
        var random = SplitMix(seed: 10)
        let ring = Worlds.ring(persons: 120, items: 40, length: 8, &random)
        for isFolded in [false, true] {
            var options = ListTrainer.Options()
            options.isFolded = isFolded
            let outcome = try #require(ListTrainer(options).choose(ring))
            #expect(outcome.single.contains { $0.part.kind.name == "als" } == !isFolded)
        }
    }

    @Test("Choosing is the same on one thread and on two")
    func deterministic() throws {
        var random = SplitMix(seed: 5)
        let ring = Worlds.ring(persons: 120, items: 40, length: 8, &random)
        let choices = [1, 2].map { threads in
            ListTrainer(.init(threads: threads)).choose(ring)
        }
        #expect(choices[0]?.choice == choices[1]?.choice)
        #expect(choices[0]?.value == choices[1]?.value)
        #expect(choices[0]?.choice.parts.isEmpty == false)
    }

    @Test("Cancelled, nothing comes out; with too little to hold out, the default blend is fitted")
    func edges() throws {
        var random = SplitMix(seed: 6)
        let ring = Worlds.ring(persons: 50, items: 20, length: 6, &random)
        #expect(ListTrainer(.init()).choose(ring, isCancelled: { true })?.choice == nil)
        #expect(try Trainer(.init()).train(ring, isCancelled: { true })?.model == nil)
        var one = Histories(itemCount: 5)
        one.append(ordered: [1, 2])
        let outcome = try #require(try Trainer(.init()).train(one))
        var scratch = ServingScratch()
        #expect(outcome.model.opinions(of: [.init(item: 1, weight: 1)], limit: 3, &scratch).map(\.item) == [2])
    }
}
