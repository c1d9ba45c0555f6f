internal import Numerics
internal import Synchronization

/// Finds exponents and weights of a blend by coordinate ascent over pools: for each query the best items of every model,
/// with what each model says of them.
struct WeightSearch {
    /// Items taken of each model at each of three exponents.
    private static let depth = 120

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

    /// The best blend found, with its objective.
    func run() -> (BlendChoice, Double) {
        let centres = candidates.map { BlendTuner.exponents.firstIndex(of: $0.exponent) ?? 0 }
        let first = candidates.indices.max { candidates[$0].value < candidates[$1].value } ?? 0
        var state = State(
            exponents: centres, weights: candidates.indices.map { $0 == first ? 1 : 0 }, value: 0)
        state.value = value(state)
        for round in 0..<4 {
            let before = state.value
            for part in candidates.indices {
                state = improved(state, part, [0, 0.05, 0.1, 0.2, 0.3, 0.45, 0.65, 1, 1.5])
                for _ in 0..<3 {
                    let moved = improved(state, part, exponentSteps: [-1, 1])
                    guard moved.value > state.value else { break }
                    state = moved
                }
            }
            if round > 0, state.value - before < 1e-4 { break }
        }
        // What does not clearly help is left out: a smaller blend is faster and holds better on other data.
        for part in candidates.indices.sorted(by: { state.weights[$0] < state.weights[$1] })
        where state.weights[part] > 0 {
            var without = state
            without.weights[part] = 0
            guard without.weights.contains(where: { $0 > 0 }) else { continue }
            without.value = value(without)
            if without.value > state.value * (1 - 0.001) { state = without }
        }
        let choice = BlendChoice(
            candidates.indices.map { part in
                BlendChoice.Part(
                    candidates[part].kind, exponent: BlendTuner.exponents[state.exponents[part]],
                    weight: state.weights[part])
            })
        return (choice, state.value)
    }

    private func improved(_ state: State, _ part: Int, _ weights: [Float]) -> State {
        var best = state
        for weight in weights where weight != state.weights[part] {
            var other = state
            other.weights[part] = weight
            guard other.weights.contains(where: { $0 > 0 }) else { continue }
            other.value = value(other)
            if other.value > best.value { best = other }
        }
        return best
    }

    private func improved(_ state: State, _ part: Int, exponentSteps steps: [Int]) -> State {
        guard state.weights[part] > 0 else { return state }
        var best = state
        for step in steps where powers.indices.contains(state.exponents[part] + step) {
            var other = state
            other.exponents[part] += step
            other.value = value(other)
            if other.value > best.value { best = other }
        }
        return best
    }

    private func value(_ state: State) -> Double {
        let found = Mutex(Array(repeating: 0.0, count: pools.count))
        let parts = candidates.indices.filter { state.weights[$0] > 0 }
        Parallel.ranges(pools.count, grain: 128, threads: tuner.options.threads) { range in
            var own: [Double] = []
            var totals: [Float] = []
            for query in range {
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
        return found.withLock { $0.reduce(0, +) } / Double(max(1, pools.count))
    }
}
