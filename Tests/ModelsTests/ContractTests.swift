import Foundation
import Models
import Numerics
import Testing

/// A model under the contract: how it is made of histories, and whether what a person did changes what it says.
struct ModelCase: Sendable, CustomTestStringConvertible {
    let name: String
    var isPersonal = true
    let make: @Sendable (_ histories: Histories, _ seed: UInt64, _ threads: Int) -> (any ItemModel)?

    var testDescription: String { name }

    /// Every model. One that cannot be made of some histories (nothing to decompose) is `nil` there.
    static let all: [ModelCase] = [
        ModelCase(name: "popularity", isPersonal: false) { histories, _, _ in PopularityModel(histories) },
        ModelCase(name: "decayed popularity", isPersonal: false) { histories, _, _ in
            var parameters = PopularityModel.Parameters()
            parameters.halfLife = 1_000
            return PopularityModel(histories, parameters)
        },
        ModelCase(name: "trend", isPersonal: false) { histories, _, _ in TrendModel(histories, .init()) },
        ModelCase(name: "walk") { histories, _, _ in WalkModel(histories, .init()) },
        ModelCase(name: "spectral") { histories, seed, threads in
            var parameters = SpectralModel.Parameters()
            parameters.rank = 8
            return SpectralModel(histories, parameters, seed: seed, threads: threads)
        },
        ModelCase(name: "autoencoder") { histories, _, threads in
            LocalAutoencoderModel(histories, .init(), threads: threads)
        },
        ModelCase(name: "whole autoencoder") { histories, _, _ in AutoencoderModel(histories, .init()) },
        ModelCase(name: "sequence") { histories, _, threads in SequenceModel(histories, .init(), threads: threads) },
        ModelCase(name: "als") { histories, seed, threads in
            var parameters = ALSModel.Parameters()
            parameters.factors = 20
            return ALSModel(histories, parameters, seed: seed, threads: threads)
        },
        ModelCase(name: "als with recency") { histories, seed, threads in
            var parameters = ALSModel.Parameters()
            parameters.factors = 16
            parameters.recency = Recency(growth: 2, fall: 0.3)
            return ALSModel(histories, parameters, seed: seed, threads: threads)
        },
        ModelCase(name: "user-to-user") { histories, _, _ in UserNeighboursModel(histories) },
        ModelCase(name: "user-to-user with recency") { histories, _, _ in
            var parameters = UserNeighboursModel.Parameters()
            parameters.neighbours = 20
            parameters.recency = Recency(growth: 2, fall: 0.3)
            return UserNeighboursModel(histories, parameters)
        },
        ModelCase(name: "content") { histories, _, threads in
            // What items are agrees with who has them: even ones go together, odd ones too.
            let features = (0..<histories.itemCount).map { item in
                item < 1_000 ? ContentFeatures(categories: [item % 2 == 0 ? "even" : "odd"]) : ContentFeatures()
            }
            return ContentModel(features, threads: threads)
        },
    ]

    static var personal: [ModelCase] { all.filter(\.isPersonal) }
}

/// What every model promises, whatever it is fed.
@Suite("Every model")
struct ContractTests {
    static let size = 24

    /// Even persons have the even items and odd persons the odd ones, in random order; each lacks the item of its own number.
    static func checkerboard(_ seed: UInt64 = 1) -> Histories {
        var random = SplitMix(seed: seed)
        var histories = Histories(itemCount: size)
        for person in 0..<size {
            let items = (0..<size).filter { $0 % 2 == person % 2 && $0 != person }.map { UInt32($0) }
            histories.append(ordered: items.shuffled(using: &random))
        }
        return histories
    }

    static func scores(_ model: any ItemModel, _ histories: Histories) -> [Float] {
        // What was there before must not matter.
        var scores = [Float](repeating: .nan, count: histories.count * model.itemCount)
        scores.withUnsafeMutableBufferPointer { model.score(histories, into: $0) }
        return scores
    }

    /// Scores of strange histories for themselves, for nobody and for a plain history: all of them numbers.
    static func check(_ each: ModelCase, _ histories: Histories) {
        guard let model = each.make(histories, 1, 2) else { return }
        #expect(model.itemCount == histories.itemCount)
        #expect(model.scores([]).allSatisfy { $0.isFinite })
        guard histories.itemCount > 0 else { return }
        #expect(model.scores([.init(item: 0)]).allSatisfy { $0.isFinite })
        let some = histories.slice(0..<min(3, histories.count))
        #expect(scores(model, some).allSatisfy { $0.isFinite })
    }

    @Test("What a person lacks of its own world comes before all of the other world", arguments: ModelCase.personal)
    func obvious(each: ModelCase) throws {
        for seed in 1...3 as ClosedRange<UInt64> {
            let histories = ContractTests.checkerboard(seed)
            let model = try #require(each.make(histories, seed, 2))
            let scores = ContractTests.scores(model, histories)
            for person in 0..<ContractTests.size {
                let own = scores[person * ContractTests.size + person]
                for item in 0..<ContractTests.size where item % 2 != person % 2 {
                    #expect(own > scores[person * ContractTests.size + item], "seed \(seed), person \(person), \(item)")
                }
            }
        }
    }

    @Test("A popular item comes before one that few have", arguments: ModelCase.all.filter { !$0.isPersonal })
    func popular(each: ModelCase) throws {
        var histories = Histories(itemCount: 3)
        for person in 0..<10 {
            histories.append([.init(item: 1, time: 5)] + (person < 3 ? [.init(item: 2, time: 5)] : []))
        }
        let scores = try #require(each.make(histories, 1, 1)).scores([])
        #expect(scores[1] > scores[2])
        #expect(scores[2] > scores[0])
        #expect(scores[0] == 0)
    }

    @Test(
        "A block of histories scores like each of them alone; seeds and threads are all that chance knows",
        arguments: ModelCase.all)
    func repeatable(each: ModelCase) throws {
        var random = SplitMix(seed: 9)
        var histories = Histories(itemCount: 90)
        for _ in 0..<300 {
            let count = Int.random(in: 0...20, using: &random)
            histories.append(ordered: (0..<UInt32(90)).shuffled(using: &random).prefix(count))
        }
        let model = try #require(each.make(histories, 4, 1))
        let scores = ContractTests.scores(model, histories)
        #expect(scores.allSatisfy { $0.isFinite })
        let threaded = try #require(each.make(histories, 4, 2))
        #expect(ContractTests.scores(threaded, histories) == scores)
        let size = scores.reduce(0) { max($0, abs($1)) }
        for person in stride(from: 0, to: 300, by: 17) {
            let alone = ContractTests.scores(model, histories.slice(person..<person + 1))
            let row = scores[person * 90..<(person + 1) * 90]
            #expect(zip(alone, row).allSatisfy { abs($0 - $1) <= 1e-3 * size }, "person \(person)")
        }
    }

    @Test("What people turned away from is not held out to them", arguments: ModelCase.personal)
    func negative(each: ModelCase) throws {
        // Content knows nothing of what other people thought.
        guard each.name != "content" else { return }
        var histories = Histories(itemCount: ContractTests.size)
        for person in 0..<ContractTests.size {
            let items = (0..<ContractTests.size).filter { $0 % 2 == person % 2 }
            histories.append(
                items.enumerated().map { place, item in
                    Histories.Entry(
                        item: UInt32(item), weight: item < 2 ? -2 : 1, position: Float(place) / Float(items.count))
                })
        }
        let model = try #require(each.make(histories, 1, 1))
        let scores = model.scores([.init(item: 4), .init(item: 8)])
        for item in stride(from: 2, to: ContractTests.size, by: 2) where item != 4 && item != 8 {
            #expect(scores[0] < scores[item], "item \(item)")
        }
    }

    @Test(
        "Nothing, one item, one person, one person who did everything: numbers all the same", arguments: ModelCase.all)
    func small(each: ModelCase) {
        ContractTests.check(each, Histories(itemCount: 0))
        ContractTests.check(each, Histories(itemCount: 5))
        var histories = Histories(itemCount: 1)
        histories.append([.init(item: 0)])
        ContractTests.check(each, histories)
        histories.append([])
        histories.append([.init(item: 0)])
        ContractTests.check(each, histories)
        var one = Histories(itemCount: 300)
        one.append(ordered: (0..<UInt32(200)))
        ContractTests.check(each, one)
        var empty = Histories(itemCount: 4)
        for _ in 0..<20 { empty.append([]) }
        ContractTests.check(each, empty)
    }

    @Test(
        "Weights that are all 0, all below 0, beyond all measure, or no numbers: numbers all the same",
        arguments: ModelCase.all)
    func weights(each: ModelCase) {
        let kinds: [[Float]] = [
            [0], [-1], [-1, 0], [.greatestFiniteMagnitude], [1e30, 1, -1e30], [.greatestFiniteMagnitude, -1e38, 1e-30],
            [.leastNonzeroMagnitude], [.nan, .infinity, 1], [.nan],
        ]
        for kind in kinds {
            var random = SplitMix(seed: 3)
            var histories = Histories(itemCount: 12)
            for person in 0..<40 {
                let run = (0..<UInt32(12)).shuffled(using: &random).prefix(6)
                histories.append(
                    run.enumerated().map { place, item in
                        Histories.Entry(
                            item: item, weight: kind[(person + place) % kind.count], position: Float(place) / 5,
                            time: place % 2 == 0 ? .max - 5 : .min + 5)
                    })
            }
            ContractTests.check(each, histories)
        }
    }

    @Test("A hundred thousand repeats of one pair", arguments: ModelCase.all)
    func repeats(each: ModelCase) {
        var histories = ContractTests.checkerboard()
        let time = ContinuousClock().measure {
            histories.append((0..<100_000).map { Histories.Entry(item: 3, position: Float($0) / 1e5, time: Int64($0)) })
            ContractTests.check(each, histories.slice(ContractTests.size..<ContractTests.size + 1))
            ContractTests.check(each, histories)
        }
        #expect(time < .seconds(60))
    }

    @Test("A catalogue of a million items with ten interactions", .serialized, arguments: ModelCase.all)
    func wide(each: ModelCase) throws {
        var histories = Histories(itemCount: 1_000_000)
        for person in 0..<5 as Range<UInt32> {
            histories.append([.init(item: person * 200_000), .init(item: 999_999 - person)])
        }
        let before = try #require(Memory.resident())
        let time = ContinuousClock().measure {
            guard let model = each.make(histories, 1, 2) else { return }
            let scores = ContractTests.scores(model, histories.slice(0..<1))
            #expect(scores.allSatisfy { $0.isFinite })
            // Nothing is known of what nobody touched.
            if each.name != "content" { #expect(scores[500_001] == 0) }
            #expect((Memory.resident() ?? .max) - before < 1 << 30)
        }
        // A second or two each on an idle machine; other tests run beside. "make sanitize" says how much slower all of it is.
        let slowness = ProcessInfo.processInfo.environment["FOOTFALL_TEST_SLOWNESS"].flatMap { Int($0) } ?? 1
        #expect(time < .seconds(120 * slowness))
    }
}
