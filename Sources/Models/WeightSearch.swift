internal import Numerics
internal import Synchronization

/// Finds exponents and weights of a blend by coordinate ascent over pools: for each query the best items of every model,
/// with what each model says of them.
struct WeightSearch {
    /// Items taken of each model at each of three exponents.
    private static let depth = 120
    /// Parts of the queries; each search leaves one out.
    private static let folds = 4
    /// The least weight of a part of the blend, of 1 together.
    private static let leastWeight: Float = 0.02

    /// One query's pool.
    private struct Pool: Sendable {
        var items: [UInt32]
        /// Scores, models × items.
        var scores: [Float]
        /// 1 / σ, models × exponents.
        var scales: [Float]
    }

    private struct State {
        var exponents: [Int]
        var weights: [Float]
        var value: Double
    }

    private let tuner: BlendTuner
    private let candidates: [BlendTuner.Candidate]
    private let powers: [[Float]]
    private let pools: [Pool]

    init(_ tuner: BlendTuner, _ candidates: [BlendTuner.Candidate]) {
        self.tuner = tuner
        self.candidates = candidates
        let powers = BlendTuner.exponents.map { BlendModel.powers(tuner.popularity, $0) }
        self.powers = powers
        let models = candidates.map(\.model)
        let centres = candidates.map { BlendTuner.exponents.firstIndex(of: $0.exponent) ?? 0 }
        let count = tuner.holdOut.queries.count
        let found = Mutex<[Pool?]>(Array(repeating: nil, count: count))
        Parallel.ranges(count, grain: QueryScores.block, threads: tuner.options.threads) { range in
            let block = tuner.holdOut.queries.slice(range)
            var pools = range.map { _ in Pool(items: [], scores: [], scales: []) }
            var scores = QueryScores(itemCount: tuner.popularity.count)
            // Twice: once to find the items of the pools, once to read every model's scores of them.
            for (model, centre) in zip(models, centres) {
                scores.forEach(model, block) { place, row in
                    for exponent in [centre - 2, centre, centre + 2] where powers.indices.contains(exponent) {
                        pools[place].items += row.best(WeightSearch.depth, powers[exponent]).map(\.index)
                    }
                }
            }
            for place in pools.indices { pools[place].items = Set(pools[place].items).sorted() }
            for model in models {
                scores.forEach(model, block) { place, row in
                    pools[place].scores += pools[place].items.map { row.scores[Int($0)] }
                    pools[place].scales += powers.map { powers in
                        let deviation = row.deviation(powers)
                        return deviation > 0 ? 1 / deviation : 0
                    }
                }
            }
            found.withLock { all in for (place, pool) in zip(range, pools) { all[place] = pool } }
        }
        pools = found.withLock { $0.compactMap { $0 } }
    }

    /// The mean of the best blends of overlapping parts of the queries, with its objective on all of them. (What is best on all
    /// of them at once leans on a part or two that were lucky there; the mean holds better on other data.) Where the blends
    /// are worse than the best model alone on the queries that were left out, by more than a standard error, it is that model.
    func run() -> (BlendChoice, Double) {
        let all = Array(pools.indices)
        let folds = pools.count < WeightSearch.folds * 10 ? 1 : WeightSearch.folds
        var weights = [Float](repeating: 0, count: candidates.count)
        var places = [Float](repeating: 0, count: candidates.count)
        let singles = candidates.indices.map { values(single($0), on: all) }
        // By how much blends are better than single models on what neither was chosen by.
        var gains: [Double] = []
        for fold in 0..<folds {
            let chosenBy = folds == 1 ? all : all.filter { $0 % folds != fold }
            let state = best(on: chosenBy)
            if folds > 1 {
                let leftOut = all.filter { $0 % folds == fold }
                let single = singles[WeightSearch.best(of: singles, on: chosenBy)]
                gains += zip(values(state, on: leftOut), leftOut).map { $0 - single[$1] }
            }
            let sum = state.weights.reduce(0, +)
            guard sum > 0 else { continue }
            for part in candidates.indices {
                weights[part] += state.weights[part] / sum
                places[part] += state.weights[part] / sum * Float(state.exponents[part])
            }
        }
        let sum = max(.leastNormalMagnitude, weights.reduce(0, +))
        var state = State(exponents: centres, weights: weights.map { $0 / sum }, value: 0)
        for part in candidates.indices where weights[part] > 0 {
            state.exponents[part] = Int((places[part] / weights[part]).rounded())
        }
        // What hardly counts is left out: a smaller blend is faster.
        for part in candidates.indices where state.weights[part] < WeightSearch.leastWeight { state.weights[part] = 0 }
        if WeightSearch.isBeaten(gains) { state = single(WeightSearch.best(of: singles, on: all)) }
        state.value = value(state, on: all)
        let choice = BlendChoice(
            candidates.indices.map { part in
                BlendChoice.Part(
                    candidates[part].kind, exponent: BlendTuner.exponents[state.exponents[part]],
                    weight: state.weights[part])
            })
        return (choice, state.value)
    }

    /// Whether differences are below 0 by more than their standard error.
    static func isBeaten(_ gains: [Double]) -> Bool {
        let count = Double(max(1, gains.count))
        let mean = gains.reduce(0, +) / count
        let squares = gains.reduce(0) { $0 + ($1 - mean) * ($1 - mean) }
        return mean < -squares.squareRoot() / count
    }

    /// Where each model's exponent is best for it alone.
    private var centres: [Int] {
        candidates.map { BlendTuner.exponents.firstIndex(of: $0.exponent) ?? 0 }
    }

    /// One model alone, with the exponent that is best for it.
    private func single(_ part: Int) -> State {
        State(exponents: centres, weights: candidates.indices.map { $0 == part ? 1 : 0 }, value: 0)
    }

    /// Which has the greatest sum over some queries.
    private static func best(of values: [[Double]], on queries: [Int]) -> Int {
        let sums = values.map { own in queries.reduce(0) { $0 + own[$1] } }
        return sums.indices.max { sums[$0] < sums[$1] } ?? 0
    }

    /// The best blend on some queries, climbed from equal weights of the models that are nearly as good as the best.
    private func best(on queries: [Int]) -> State {
        let greatest = candidates.map(\.value).max() ?? 0
        var state = State(
            exponents: centres, weights: candidates.map { $0.value >= 0.9 * greatest ? 1 : 0 }, value: 0)
        state.value = value(state, on: queries)
        for round in 0..<4 {
            let before = state.value
            for part in candidates.indices {
                state = improved(state, part, [0, 0.05, 0.1, 0.2, 0.3, 0.45, 0.65, 1, 1.5], queries)
                for _ in 0..<3 {
                    let moved = improved(state, part, exponentSteps: [-1, 1], queries)
                    guard moved.value > state.value else { break }
                    state = moved
                }
            }
            if round > 0, state.value - before < 1e-4 { break }
        }
        return state
    }

    private func improved(_ state: State, _ part: Int, _ weights: [Float], _ queries: [Int]) -> State {
        var best = state
        for weight in weights where weight != state.weights[part] {
            var other = state
            other.weights[part] = weight
            guard other.weights.contains(where: { $0 > 0 }) else { continue }
            other.value = value(other, on: queries)
            if other.value > best.value { best = other }
        }
        return best
    }

    private func improved(_ state: State, _ part: Int, exponentSteps steps: [Int], _ queries: [Int]) -> State {
        guard state.weights[part] > 0 else { return state }
        var best = state
        for step in steps where powers.indices.contains(state.exponents[part] + step) {
            var other = state
            other.exponents[part] += step
            other.value = value(other, on: queries)
            if other.value > best.value { best = other }
        }
        return best
    }

    private func value(_ state: State, on queries: [Int]) -> Double {
        values(state, on: queries).reduce(0, +) / Double(max(1, queries.count))
    }

    /// The objective of each query's list.
    private func values(_ state: State, on queries: [Int]) -> [Double] {
        let found = Mutex(Array(repeating: 0.0, count: queries.count))
        let parts = candidates.indices.filter { state.weights[$0] > 0 }
        Parallel.ranges(queries.count, grain: 128, threads: tuner.options.threads) { range in
            var own: [Double] = []
            var totals: [Float] = []
            for query in queries[range] {
                let pool = pools[query]
                let size = pool.items.count
                totals.removeAll(keepingCapacity: true)
                totals.append(contentsOf: repeatElement(0, count: size))
                for part in parts {
                    let exponent = state.exponents[part]
                    let factor = state.weights[part] * pool.scales[part * powers.count + exponent]
                    powers[exponent].withUnsafeBufferPointer { powers in
                        for place in 0..<size {
                            totals[place] += factor * pool.scores[part * size + place] * powers[Int(pool.items[place])]
                        }
                    }
                }
                var selection = TopSelection(capacity: tuner.objective.cutoff)
                for place in 0..<size { selection.add(pool.items[place], totals[place]) }
                own.append(tuner.objective.value(selection.sorted(), tuner.truths[query]))
            }
            found.withLock { all in for (query, value) in zip(range, own) { all[query] = value } }
        }
        return found.withLock { $0 }
    }
}
