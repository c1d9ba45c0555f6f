import Foundation
import Models
import Numerics
import Testing

@testable import Training

@Suite("A training")
struct TrainingRunTests {
    private func run(
        _ data: TrainingData, current: TrainingRun.Current? = nil, _ options: TrainingOptions = TrainingOptions()
    ) throws -> TrainingRun.Outcome {
        try TrainingRun(options).run(data, current: current, progress: { _, _ in }, isCancelled: { false })
    }

    @Test("Learns the groups that persons keep to, and measures that on the hold-out")
    func groups() throws {
        let log = try TestLog()
        try log.append(TrainingTests.groups(persons: 200))
        let data = try log.read()
        let outcome = try run(data)
        let model = try #require(outcome.model)
        #expect(model.card.split == "time" && model.card.heldOutPersons >= 50)
        #expect((model.card.measures["hr@20"] ?? 0) > 0.9)
        #expect(model.card.intervals["hr@20"]?.count == 2 && model.card.measures.count == 6)
        #expect(model.card.exposure["coverage@20"] == 1 && model.card.exposure.count == 4)
        var card = model.card
        (card.version, card.trainedAt) = (1, 1)
        #expect(ModelCard(document: card.document) == card)
        #expect(model.card.pairs == 1_600 && model.card.persons == 200 && model.card.items == 48)
        let item = try #require((0..<data.items.count).first { data.items.id(of: $0) == "g2-3" })
        var scratch = ServingScratch()
        let opinions = model.model.opinions(of: [.init(item: UInt32(item), weight: 1)], limit: 5, &scratch)
        #expect(opinions.count == 5)
        for opinion in opinions { #expect(data.items.id(of: Int(opinion.item)).hasPrefix("g2-")) }
    }

    @Test("What lists show is by the persons who did something before the cut")
    func exposure() {
        var (before, after) = (Histories(itemCount: 2), Histories(itemCount: 2))
        for person in 0..<10 {
            before.append(ordered: person < 2 ? [0] : [])
            after.append(ordered: [1])
        }
        let hold = Backtest(before: before, after: after)
        #expect(hold.exposure(of: [[0]])["novelty@20"] == 0)
    }

    @Test("Few persons: the hold-out is cut by person; one entity or one user is a model, nothing is an error")
    func small() throws {
        let log = try TestLog()
        #expect(throws: TrainingError.self) { try run(try log.read()) }
        try log.append([Deed(entity: "a", user: "u")])
        #expect(try run(try log.read()).model?.model.itemCount == 1)
        try log.append((0..<20).map { Deed(entity: "e\($0)", user: "u", at: TestLog.noon - Int64($0)) })
        let one = try run(try log.read())
        #expect(one.model != nil && one.card.split == "person")
        try log.append((0..<20).map { Deed(entity: "a", user: "u\($0)") })
        #expect(try run(try log.read()).model != nil)
        do {
            _ = try run(try log.read(hidden: Set(["a"] + (0..<20).map { "e\($0)" })))
            Issue.record("a model of nothing")
        } catch {
            #expect((error as? TrainingError)?.code == "no_training_data")
        }
    }

    @Test("The same again does not take its place; a worse current model does not stay; news make room")
    func verdicts() throws {
        let log = try TestLog()
        let deeds = TrainingTests.groups(persons: 300)
        try log.append(deeds)
        let data = try log.read()
        let first = try run(data)
        var model = try #require(first.model)
        model.card.version = 7
        let again = try run(data, current: .init(model: model, heldOut: first.heldOut))
        #expect(again.model == nil && again.card.comparison?.difference == 0)
        #expect(again.card.reason.contains("stays"))
        // A current model that says nonsense, as it was before the hold-out.
        let nonsense = StoredModel(
            card: first.heldOut?.card ?? model.card, items: data.items,
            model: randomModel(items: data.items.count, seed: 5).model)
        let better = try run(data, current: .init(model: model, heldOut: nonsense))
        #expect(better.model != nil && (better.card.comparison?.lower ?? 0) > 0)
        #expect(better.card.reason.contains("better than model 7"))
        // Nothing to compare with: what has seen the hold-out is not asked.
        let alone = try run(data, current: .init(model: model, heldOut: nil))
        #expect(alone.model == nil && alone.card.comparison == nil)
        // New persons with entities that the model does not know.
        let later = TrainingTests.groups(persons: 60, seed: 9).map { deed in
            Deed(entity: "new-" + deed.entity, user: "new-\(deed.user ?? "")", at: deed.at + 31 * 86_400_000)
        }
        try log.append(later)
        let unfit = try run(try log.read(), current: .init(model: model, heldOut: first.heldOut))
        #expect(unfit.model != nil)
        #expect(unfit.card.reason.contains("no longer fits") || unfit.card.reason.contains("better than model 7"))
    }

    @Test("Is cancelled when told to")
    func cancelled() throws {
        let log = try TestLog()
        try log.append(TrainingTests.groups(persons: 30))
        let data = try log.read()
        #expect(throws: TrainingError.cancelled) {
            try TrainingRun(TrainingOptions()).run(data, current: nil, progress: { _, _ in }, isCancelled: { true })
        }
        #expect(throws: TrainingError.cancelled) {
            try TrainingLog(
                store: log.store, resolver: log.resolver, plan: log.plan, options: TrainingOptions()
            ).read(isListed: { $0.map { _ in true } }, isCancelled: { true })
        }
    }
}
