import Models
import Numerics
import Testing

@Suite("The serving model")
struct ServingModelTests {
    /// Persons with items of two separate worlds.
    static func worlds(persons: Int = 40, seed: UInt64 = 7) -> Histories {
        var random = SplitMix(seed: seed)
        var histories = Histories(itemCount: 20)
        for person in 0..<persons {
            let world = person % 2 == 0 ? Array<UInt32>(0..<10) : Array<UInt32>(10..<20)
            histories.append(ordered: world.shuffled(using: &random).prefix(6))
        }
        return histories
    }

    @Test("What one world did is answered with that world, without what was done, and says because of what")
    func worlds() throws {
        let outcome = try #require(try Trainer(.init()).train(ServingModelTests.worlds()))
        var scratch = ServingScratch()
        for _ in 0..<2 {
            let opinions = outcome.model.opinions(
                of: [.init(item: 12, weight: 1), .init(item: 15, weight: 1)], limit: 5, &scratch)
            #expect(opinions.count == 5)
            #expect(opinions.first?.score == 1)
            for opinion in opinions {
                #expect((10..<20).contains(opinion.item) && opinion.item != 12 && opinion.item != 15)
                #expect([12, 15].contains(opinion.because))
            }
            #expect(outcome.model.opinions(of: [], limit: 5, &scratch).isEmpty)
            #expect(outcome.model.opinions(of: [.init(item: 99, weight: 1)], limit: 5, &scratch).isEmpty)
        }
    }

    @Test("A model's opinions are those of its layers, each at its usual deviation, summed the slow way")
    func oracle() {
        var random = SplitMix(seed: 3)
        for _ in 0..<30 {
            let count = 15
            let layers = [Recency(growth: 2), Recency(fall: 0.7)].map { recency in
                var rows = SparseRows(columnCount: count)
                for _ in 0..<count {
                    let columns = (0..<UInt32(count)).filter { _ in Bool.random(using: &random) }
                    rows.append(columns.map { ($0, Float.random(in: 0...1, using: &random)) })
                }
                return ServingModel.Layer(
                    recency: recency, rows: rows, deviation: [0, 0.2, 3].randomElement(using: &random) ?? 0)
            }
            let model = ServingModel(itemCount: count, layers: layers)
            let history = (0..<4).map { _ in
                ServingModel.Action(
                    item: UInt32.random(in: 0..<15, using: &random), weight: Float.random(in: -1...3, using: &random))
            }
            var slow = [Double](repeating: 0, count: count)
            for layer in layers {
                let weights = history.enumerated().map { place, action in
                    Double(action.weight * layer.recency.weight(position: Float(place) / 3, later: 3 - place))
                }
                let sum = weights.reduce(0) { $0 + abs($1) }
                var own = [Double](repeating: 0, count: count)
                for (action, weight) in zip(history, weights) {
                    for place in layer.rows.places(of: Int(action.item)) {
                        own[Int(layer.rows.columns[place])] += weight / sum * Double(layer.rows.values[place])
                    }
                }
                for action in history { own[Int(action.item)] = 0 }
                let mean = own.reduce(0, +) / Double(count)
                let deviation = (own.reduce(0) { $0 + $1 * $1 } / Double(count) - mean * mean).squareRoot()
                let factor = layer.deviation > 0 && deviation > 0 ? Double(layer.deviation) / deviation : 1
                for item in 0..<count { slow[item] += factor * own[item] }
            }
            var scratch = ServingScratch()
            let opinions = model.opinions(of: history, limit: count, &scratch)
            #expect(Set(opinions.map(\.item)) == Set((0..<UInt32(count)).filter { slow[Int($0)] > 1e-7 }))
            let most = slow.max() ?? 0
            for opinion in opinions { #expect(abs(Double(opinion.score) - slow[Int(opinion.item)] / most) < 1e-5) }
        }
    }

    @Test(
        "What is refused makes room for the next, and reasons are the greatest shares, whatever the scratch held before"
    )
    func selection() {
        var random = SplitMix(seed: 8)
        var scratch = ServingScratch()
        for round in 0..<60 {
            let count = 1 + Int.random(in: 0..<300, using: &random)
            var rows = SparseRows(columnCount: count)
            for _ in 0..<count {
                let columns = (0..<UInt32(count)).filter { _ in Int.random(in: 0..<4, using: &random) == 0 }
                // Few values, so that there are ties; some below 0, so that sums come back to 0.
                rows.append(columns.map { ($0, Float(Int.random(in: -2...6, using: &random)) / 4) })
            }
            let model = ServingModel(itemCount: count, layers: [.init(recency: .none, rows: rows)])
            let history = Set((0..<8).map { _ in UInt32.random(in: 0..<UInt32(count), using: &random) }).sorted().map {
                ServingModel.Action(item: $0, weight: [1, 1, 1, -1].randomElement(using: &random) ?? 1)
            }
            let divisor = UInt32(1 + round % 7)
            let limit = [1, 3, 20, 1_000][round % 4]
            let opinions = model.opinions(
                of: history, limit: limit, admits: { $0 % divisor == divisor - 1 }, &scratch)
            let total = Float(history.count)
            // What was turned down speaks for nothing.
            func said(_ weight: Float, _ value: Float) -> Float { weight * (weight < 0 ? max(0, value) : value) }
            var sums = [Float](repeating: 0, count: count)
            for action in history {
                for place in rows.places(of: Int(action.item)) {
                    sums[Int(rows.columns[place])] += said(action.weight / total, rows.values[place])
                }
            }
            for action in history { sums[Int(action.item)] = 0 }
            var expected: [UInt32] = []
            for item in 0..<UInt32(count) where sums[Int(item)] > 0 && item % divisor == divisor - 1 {
                expected.append(item)
            }
            expected.sort { left, right in
                let (one, other) = (sums[Int(left)], sums[Int(right)])
                return one != other ? one > other : left < right
            }
            expected = Array(expected.prefix(limit))
            #expect(opinions.map(\.item) == expected)
            for opinion in opinions {
                func share(_ item: UInt32) -> Float {
                    var share: Float = 0
                    for action in history where action.item == item {
                        for place in rows.places(of: Int(item)) where rows.columns[place] == opinion.item {
                            share += said(action.weight, rows.values[place])
                        }
                    }
                    return share
                }
                #expect(share(opinion.because) == history.map { share($0.item) }.max())
            }
        }
    }

    @Test("A model written and read is the same; torn or altered bytes are refused or make another whole model")
    func bytes() throws {
        let model = try #require(try Trainer(.init()).train(ServingModelTests.worlds())).model
        let bytes = model.encoded()
        #expect(try ServingModel(decoding: bytes) == model)
        for length in stride(from: 0, to: bytes.count, by: 7) {
            #expect(throws: ModelError.self) { try ServingModel(decoding: Array(bytes.prefix(length))) }
        }
        var random = SplitMix(seed: 1)
        for _ in 0..<500 {
            var altered = bytes
            altered[Int.random(in: 0..<altered.count, using: &random)] = UInt8.random(in: 0...255, using: &random)
            _ = try? ServingModel(decoding: altered)
        }
    }

    @Test("Nothing to learn from is an error that says so")
    func empty() {
        #expect(throws: ModelError.self) { try Trainer(.init()).train(Histories(itemCount: 3)) }
    }
}
