import Models
import Numerics
import Testing

@Suite("User-to-user, factors and popularity")
struct NeighbourAndFactorTests {
    static func random(_ seed: UInt64, persons: Int, items: Int) -> Histories {
        var random = SplitMix(seed: seed)
        var histories = Histories(itemCount: items)
        for _ in 0..<persons {
            let run = (0..<UInt32(items)).shuffled(using: &random).prefix(Int.random(in: 0...8, using: &random))
            histories.append(
                run.map { .init(item: $0, weight: Float.random(in: -1...4, using: &random), position: 0.5) })
        }
        return histories
    }

    /// The model's formula in 64 bits, over everybody.
    static func slow(_ histories: Histories, _ history: [Histories.Entry], neighbours: Int) -> [Double] {
        let count = histories.itemCount
        var holders = [Double](repeating: 0, count: count)
        for item in histories.items { holders[Int(item)] += 1 }
        let rarity = holders.map { $0 == 0 ? 0 : Double((1 + Float(Double(histories.count) / $0)).logarithm) }
        func vector(_ entries: [Histories.Entry]) -> [Double] {
            var vector = [Double](repeating: 0, count: count)
            for entry in entries {
                vector[Int(entry.item)] += Double((1 + abs(entry.weight)).logarithm) * (entry.weight < 0 ? -1 : 1)
            }
            return vector
        }
        func length(_ vector: [Double]) -> Double {
            zip(vector, rarity).reduce(0) { $0 + $1.0 * $1.1 * $1.0 * $1.1 }.squareRoot()
        }
        let own = vector(history)
        var alike: [(cosine: Double, vector: [Double])] = []
        for person in 0..<histories.count {
            let their = vector(histories.entries(of: person))
            let lengths = length(own) * length(their)
            guard lengths > 0 else { continue }
            let product = (0..<count).reduce(0.0) { $0 + own[$1] * their[$1] * rarity[$1] * rarity[$1] }
            if product > 0 { alike.append((product / lengths, their.map { $0 / length(their) })) }
        }
        var scores = [Double](repeating: 0, count: count)
        for (cosine, their) in alike.sorted(by: { $0.cosine > $1.cosine }).prefix(neighbours) {
            for item in 0..<count { scores[item] += cosine * their[item] }
        }
        return scores
    }

    @Test("Neighbours say what a slow search over everybody says")
    func neighbours() {
        for seed in 1...10 as ClosedRange<UInt64> {
            let histories = NeighbourAndFactorTests.random(seed, persons: 120, items: 25)
            var parameters = UserNeighboursModel.Parameters()
            parameters.neighbours = 15
            let model = UserNeighboursModel(histories, parameters)
            for person in stride(from: 0, to: 120, by: 13) {
                let history = histories.entries(of: person)
                let expected = NeighbourAndFactorTests.slow(histories, history, neighbours: 15)
                for (score, expected) in zip(model.scores(history), expected) {
                    #expect(abs(Double(score) - expected) < 1e-4)
                }
            }
        }
    }

    @Test("However many persons have an item, only so many are looked at, those to whom it says most")
    func caps() {
        var histories = Histories(itemCount: 40)
        for person in 0..<500 as Range<UInt32> {
            // The longer the history, the less of it is item 0.
            histories.append(ordered: [0] + (1...(1 + person % 30)))
        }
        var parameters = UserNeighboursModel.Parameters()
        parameters.personsPerItem = 17
        let scores = UserNeighboursModel(histories, parameters).scores([.init(item: 0)])
        #expect(scores[1] > 0)
        #expect(scores[30] == 0)
    }

    @Test("A heavier entry draws more, one below 0 does not draw, and late ones draw more when asked to")
    func weights() {
        var histories = Histories(itemCount: 8)
        for person in 0..<40 {
            histories.append(ordered: person % 2 == 0 ? [0, 1, 2, 3] : [4, 5, 6, 7])
        }
        var parameters = ALSModel.Parameters()
        parameters.factors = 4
        let model = ALSModel(histories, parameters)
        let left = model.scores([.init(item: 0, weight: 5), .init(item: 4, weight: 0.2)])
        let right = model.scores([.init(item: 0, weight: 0.2), .init(item: 4, weight: 5)])
        #expect(left[2] > left[6])
        #expect(right[2] < right[6])
        let without = model.scores([.init(item: 0), .init(item: 4)])
        let against = model.scores([.init(item: 0), .init(item: 4), .init(item: 5, weight: -5)])
        #expect(against[6] < without[6] * 0.9)
        #expect(against[2] > against[6])
        parameters.recency = Recency(growth: 3)
        let late = ALSModel(histories, parameters).scores([.init(item: 0, position: 0), .init(item: 4, position: 1)])
        #expect(late[6] > late[2])
    }

    @Test("Parameters out of all reason make a model of numbers all the same")
    func parameters() {
        let histories = NeighbourAndFactorTests.random(3, persons: 30, items: 12)
        var parameters = ALSModel.Parameters()
        for change in [
            { $0.factors = 0 }, { $0.factors = -3 }, { $0.iterations = 0 }, { $0.regularisation = .nan },
            { $0.regularisation = -1 }, { $0.unobserved = 0 }, { $0.unobserved = .infinity }, { $0.confidence = -1 },
            { $0.confidence = 1e30 }, { $0.frequencyExponent = .nan }, { $0.frequencyExponent = 30 }, { $0.steps = 0 },
            { $0.recency.growth = 200 },
        ] as [(inout ALSModel.Parameters) -> Void] {
            parameters = ALSModel.Parameters()
            parameters.factors = 8
            change(&parameters)
            let model = ALSModel(histories, parameters)
            #expect(model.scores(histories.entries(of: 1)).allSatisfy { $0.isFinite })
        }
    }

    @Test("Popularity counts weights, never below 0; with a half-life each entry loses half with each of it")
    func popularity() {
        var histories = Histories(itemCount: 4)
        histories.append([.init(item: 0, weight: 4, time: 0), .init(item: 1, weight: 1, time: 2_000)])
        histories.append([.init(item: 0, weight: 2, time: 1_000), .init(item: 2, weight: -3, time: 2_000)])
        #expect(PopularityModel(histories).scores([]) == [6, 1, 0, 0])
        var parameters = PopularityModel.Parameters()
        parameters.halfLife = 1_000
        let decayed = PopularityModel(histories, parameters).scores([.init(item: 3)])
        for (score, expected) in zip(decayed, [2, 1, 0, 0] as [Float]) { #expect(abs(score - expected) < 1e-5) }
        parameters.halfLife = nil
        parameters.mostPerPerson = 3
        #expect(PopularityModel(histories, parameters).scores([]) == [5, 1, 0, 0])
    }
}
