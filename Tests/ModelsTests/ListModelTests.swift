import Foundation
import Numerics
import Testing

@testable import Models

/// Each model against the plainest way to compute its formula.
@Suite("Models of lists")
struct ListModelTests {
    static func persons(_ histories: Histories) -> [[Int]] {
        (0..<histories.count).map { histories.items(of: $0).map { Int($0) } }
    }

    /// What two items have together: Σ 1/√(length) over the persons that have both.
    static func together<Value: BinaryFloatingPoint>(_ histories: Histories, items: Int) -> [[Value]] {
        var sums = [[Value]](repeating: [Value](repeating: 0, count: items), count: items)
        for run in persons(histories) {
            for one in run { for other in run { sums[one][other] += 1 / Value(run.count).squareRoot() } }
        }
        return sums
    }

    static func popularity(_ histories: Histories) -> [Double] {
        var popularity = [Double](repeating: 0, count: histories.itemCount)
        for item in histories.items { popularity[Int(item)] += 1 }
        return popularity
    }

    static func dense(_ rows: SparseRows) -> [[Double]] {
        (0..<rows.rowCount).map { row in
            var values = [Double](repeating: 0, count: rows.columnCount)
            for place in rows.places(of: row) { values[Int(rows.columns[place])] = Double(rows.values[place]) }
            return values
        }
    }

    @Test("The walk's rows are its formula", arguments: 1...5)
    func walk(seed: Int) {
        var random = SplitMix(seed: UInt64(seed))
        let histories = Worlds.random(persons: 20, items: 12, longest: 7, &random)
        var parameters = WalkModel.Parameters()
        parameters.personExponent = 0.5
        parameters.targetExponent = 0.3
        let rows = ListModelTests.dense(WalkModel(histories, parameters).rows)
        let popularity = ListModelTests.popularity(histories)
        for source in 0..<12 {
            for target in 0..<12 where target != source {
                var sum = 0.0
                for run in ListModelTests.persons(histories) where run.contains(source) && run.contains(target) {
                    sum += 1 / Double(run.count).squareRoot()
                }
                let exact = sum == 0 ? 0 : sum / popularity[source] / Double(Float(popularity[target]).raised(to: 0.3))
                #expect(abs(rows[source][target] - exact) < 1e-5)
            }
            #expect(rows[source][source] == 0)
        }
    }

    @Test("Sequences' rows are their formula, and entries of unknown place are left out", arguments: 1...5)
    func sequence(seed: Int) {
        var random = SplitMix(seed: UInt64(seed))
        let known = Worlds.random(persons: 20, items: 12, longest: 7, &random)
        var histories = Histories(itemCount: 12)
        for person in 0..<known.count {
            let own = known.items(of: person)
            let other = (0..<UInt32(12)).first { !own.contains($0) } ?? 0
            histories.append([.init(item: other)] + known.entries(of: person))
        }
        var parameters = SequenceModel.Parameters()
        parameters.length = 2
        parameters.reach = 3
        parameters.backward = 0.25
        parameters.personExponent = 0
        parameters.sourceExponent = 1
        let rows = ListModelTests.dense(SequenceModel(histories, parameters).rows)
        let popularity = ListModelTests.popularity(known)
        for source in 0..<12 {
            for target in 0..<12 where target != source {
                var sum = 0.0
                for run in ListModelTests.persons(known) {
                    guard let from = run.firstIndex(of: source), let to = run.firstIndex(of: target) else { continue }
                    let gap = abs(to - from)
                    guard gap <= 3 else { continue }
                    sum += Double((-Float(gap - 1) / 2).exponential) * (to > from ? 1 : 0.25)
                }
                #expect(abs(rows[source][target] - (sum == 0 ? 0 : sum / popularity[source])) < 1e-5)
            }
        }
    }

    @Test(
        "With all items in the neighbourhood the autoencoder is a ridge regression solved by elimination",
        arguments: 1...5)
    func autoencoder(seed: Int) {
        var random = SplitMix(seed: UInt64(seed))
        let histories = Worlds.random(persons: 30, items: 10, longest: 6, &random)
        var parameters = LocalAutoencoderModel.Parameters()
        parameters.neighbours = 50
        parameters.regularisation = 2
        parameters.dropout = seed < 3 ? nil : 0.2
        let noise = seed < 3 ? 1 : 1.25
        let rows = ListModelTests.dense(LocalAutoencoderModel(histories, parameters).rows)
        let gram: [[Double]] = ListModelTests.together(histories, items: 10)
        for target in 0..<10 {
            let others = (0..<10).filter { $0 != target && gram[$0][target] > 0 }
            var system = others.map { row in
                others.map { gram[row][$0] * (row == $0 ? noise : 1) + (row == $0 ? 2 : 0) } + [gram[row][target]]
            }
            for pivot in others.indices {
                for row in others.indices where row != pivot {
                    let factor = system[row][pivot] / system[pivot][pivot]
                    for column in system[row].indices { system[row][column] -= factor * system[pivot][column] }
                }
            }
            for (place, source) in others.enumerated() {
                #expect(abs(rows[source][target] - system[place][others.count] / system[place][place]) < 1e-3)
            }
        }
    }

    @Test(
        "What items have together is what all persons say, in each form; where it is cut the nearest stay",
        arguments: 1...4)
    func gram(seed: Int) {
        var random = SplitMix(seed: UInt64(seed))
        let histories = Worlds.random(persons: 50, items: 30, longest: 9, &random)
        let together = Cooccurrence(histories, longest: 100)
        let exact: [[Float]] = ListModelTests.together(histories, items: 30)
        func pairs(_ gram: OrderedGram) -> [[Float]] {
            var found = [[Float]](repeating: [Float](repeating: 0, count: 30), count: 30)
            for rank in 0..<30 {
                gram.forEachPair(of: rank) { found[Int(gram.items[rank])][Int(gram.items[$0])] = $1 }
            }
            return found
        }
        let dense = OrderedGram(together, personExponent: 0.5, threads: 2)
        let sparse = OrderedGram(together, personExponent: 0.5, threads: 2, mostDense: 29)
        #expect(pairs(dense) == pairs(sparse) && dense.items == sparse.items && dense.diagonal == sparse.diagonal)
        let ranks: [UInt32] = (10..<30).map { UInt32($0) }
        let places: [Int32] = Array(repeating: -1, count: 10) + (0..<20).map { Int32($0) }
        for gram in [dense, sparse] {
            let found = pairs(gram)
            for one in 0..<30 {
                for other in 0..<30 where one != other { #expect(abs(found[one][other] - exact[one][other]) < 1e-5) }
                #expect(abs(gram.diagonal[one] - exact[Int(gram.items[one])][Int(gram.items[one])]) < 1e-5)
            }
            for rank in 0..<10 {
                gram.forEachPair(above: rank, in: ranks[...], places: places) {
                    #expect($1 == found[Int(gram.items[rank])][Int(gram.items[$0 + 10])])
                }
            }
        }
        let cut = OrderedGram(together, personExponent: 0.5, threads: 2, mostDense: 0, mostPairs: 60)
        let kept: [[Float]] = pairs(cut)
        let all: [[Float]] = pairs(sparse)
        let count = kept.reduce(0) { $0 + $1.count { $0 != 0 } }
        #expect(count > 0 && count <= 120)
        for rank in 0..<30 {
            let item = Int(cut.items[rank])
            let greater = (rank + 1..<30).map { (other: Int(cut.items[$0]), diagonal: cut.diagonal[$0]) }
            func near(_ one: (other: Int, diagonal: Float)) -> Float {
                all[item][one.other] / one.diagonal.squareRoot()
            }
            let left = greater.filter { kept[item][$0.other] == 0 }.map(near).max() ?? 0
            for one in greater where kept[item][one.other] != 0 {
                #expect(kept[item][one.other] == all[item][one.other] && near(one) >= left)
            }
        }
    }

    @Test(
        "The autoencoder over the whole catalogue is for each item a ridge regression on all others", arguments: 1...5)
    func wholeAutoencoder(seed: Int) throws {
        var random = SplitMix(seed: UInt64(seed))
        let histories = Worlds.random(persons: 40, items: 9, longest: 6, &random)
        var parameters = AutoencoderModel.Parameters()
        parameters.regularisation = 2
        parameters.dropout = seed < 3 ? nil : 0.5
        let model = try #require(AutoencoderModel(histories, parameters))
        var gram = [[Double]](repeating: [Double](repeating: 0, count: 9), count: 9)
        for run in ListModelTests.persons(histories) {
            for one in run { for other in run { gram[one][other] += 1 / Double(run.count).squareRoot() } }
        }
        let weights = (0..<UInt32(9)).map { model.scores([.init(item: $0)]) }
        for target in 0..<9 {
            // At the least squares the residual says nothing to any other item.
            for source in 0..<9 where source != target {
                let ridge = 2 + (seed < 3 ? 0 : gram[source][source])
                var gradient = ridge * Double(weights[source][target]) - gram[source][target]
                for other in 0..<9 { gradient += gram[source][other] * Double(weights[other][target]) }
                #expect(abs(gradient) < 1e-3)
            }
            #expect(weights[target][target] == 0)
        }
        #expect(AutoencoderModel(Histories(itemCount: AutoencoderModel.mostItems + 1), parameters) == nil)
    }

    @Test("With all dimensions the spectral filter lets everything through; with few it tells two worlds apart")
    func spectral() throws {
        var random = SplitMix(seed: 4)
        let histories = Worlds.random(persons: 60, items: 8, longest: 6, &random)
        var parameters = SpectralModel.Parameters()
        parameters.rank = 8
        let whole = try #require(SpectralModel(histories, parameters))
        let scores = whole.scores([.init(item: 2), .init(item: 5)])
        for item in 0..<8 { #expect(abs(scores[item] - ([2, 5].contains(item) ? 0.5 : 0)) < 1e-3) }
        let two = try #require(SpectralModel(ServingModelTests.worlds(), parameters)).reduced(to: 2)
        let world = two.scores([.init(item: 3)])
        #expect((0..<10).allSatisfy { world[$0] > 1e-3 })
        #expect((10..<20).allSatisfy { abs(world[$0]) < 1e-3 })
    }

    @Test("A blend is the sum of its parts' scores over their deviations, computed the slow way", arguments: 1...5)
    func blend(seed: Int) throws {
        var random = SplitMix(seed: UInt64(seed))
        let histories = Worlds.random(persons: 40, items: 19, longest: 8, &random)
        var spectral = SpectralModel.Parameters()
        spectral.rank = 5
        let parts: [BlendModel.Part] = [
            .init(model: WalkModel(histories, .init()), exponent: -0.3, weight: 0.7),
            .init(model: try #require(SpectralModel(histories, spectral)), exponent: 0.2, weight: 1.1),
            .init(model: TrendModel(histories, .init(fall: 2)), exponent: 0, weight: 0.2),
        ]
        let popularity = BlendModel.popularity(histories)
        let blend = BlendModel(parts, popularity: popularity)
        let block = histories.slice(3..<9)
        var all = [Float](repeating: .nan, count: 6 * 19)
        all.withUnsafeMutableBufferPointer { blend.score(block, into: $0) }
        for person in 0..<6 {
            var exact = [Double](repeating: 0, count: 19)
            for part in parts {
                let scores = part.model.scores(block.entries(of: person))
                let raised = scores.indices.map { item in
                    popularity[item] > 0 ? Double(scores[item] * popularity[item].raised(to: part.exponent)) : 0
                }
                var masked = raised
                for item in block.items(of: person) { masked[Int(item)] = 0 }
                let mean = masked.reduce(0, +) / 19
                let deviation = (masked.reduce(0) { $0 + ($1 - mean) * ($1 - mean) } / 19).squareRoot()
                for item in 0..<19 where deviation > 0 { exact[item] += Double(part.weight) * raised[item] / deviation }
            }
            for item in 0..<19 {
                #expect(abs(Double(all[person * 19 + item]) - exact[item]) < 1e-3 * max(1, abs(exact[item])))
            }
        }
    }

    @Test("A folded blend of rows ranks as the blend does")
    func folding() throws {
        var random = SplitMix(seed: 11)
        let histories = Worlds.random(persons: 60, items: 25, longest: 8, &random)
        var walk = WalkModel.Parameters()
        walk.recency = Recency(fall: 0.5)
        let choice = BlendChoice([.init(.walk(walk), exponent: -0.4)])
        var options = Trainer.Options()
        options.fixed = ["blend": String(decoding: try JSONEncoder().encode(choice), as: UTF8.self)]
        let outcome = try #require(try Trainer(options).train(histories))
        #expect(outcome.parameters["blend"]?.isEmpty == false)
        let blend = choice.fit(histories)
        var scratch = ServingScratch()
        for person in 0..<20 {
            let entries = histories.entries(of: person)
            let scores = blend.scores(entries)
            let own = Set(entries.map(\.item))
            let opinions = outcome.model.opinions(
                of: entries.map { .init(item: $0.item, weight: 1) }, limit: 25, &scratch)
            #expect(opinions.count == (0..<25).count { scores[$0] > 0 && !own.contains(UInt32($0)) })
            for (left, right) in zip(opinions, opinions.dropFirst()) {
                #expect(scores[Int(left.item)] >= scores[Int(right.item)] - 1e-4)
            }
        }
    }
}
