internal import Evaluation
public import Numerics
internal import Synchronization

/// Chooses the hyper-parameters of a blend on a hold-out: first each model's own, one after the other, then exponents and
/// weights together.
///
/// Costs a fit of each model to the hold-out's training part and some scorings of its queries; the weights are searched on
/// pools of the best items of every model, so that they cost next to nothing.
public struct BlendTuner: Sendable {
    /// What a tuning is asked for.
    public struct Options: Sendable {
        /// Length of the lists that are judged.
        public var cutoff = 20
        /// Whether the order of histories may be used; without it they are sets while choosing, too.
        public var usesOrder = true
        /// Whether models of sequences and ways of weighting late entries are tried: a waste, and a way of being fooled, where
        /// order means nothing.
        public var usesSequence = true
        /// Whether only models are wanted that ``BlendFolding`` can fold.
        public var isFolded = false
        /// Most dimensions of the spectral model.
        public var rank = 1024
        /// Seconds of processor time after which no further variant is tried.
        public var seconds = Double.infinity
        /// Processors used.
        public var threads: Int
        /// Seed of everything drawn at random.
        public var seed: UInt64 = 1

        /// The defaults.
        public init(threads: Int = Parallel.processors) { self.threads = threads }
    }

    /// What was chosen.
    public struct Outcome: Sendable {
        /// The blend.
        public var choice: BlendChoice
        /// The objective of the blend on the hold-out: NDCG + recall at the cutoff.
        public var value: Double
        /// Each model alone, as it is best alone, and its objective.
        public var single: [(part: BlendChoice.Part, value: Double)]
        /// Whether order was found to mean something and was used.
        public var usesSequence: Bool
    }

    let options: Options
    let holdOut: HoldOut
    let objective: RankingObjective
    let popularity: [Float]
    let truths: [Set<UInt32>]
    let progress: @Sendable (String) -> Void

    /// A tuner for one hold-out.
    public init(_ holdOut: HoldOut, _ options: Options, progress: @escaping @Sendable (String) -> Void = { _ in }) {
        var options = options
        options.usesSequence = options.usesSequence && options.usesOrder
        self.options = options
        self.holdOut = options.usesOrder ? holdOut : holdOut.withoutOrder
        self.progress = progress
        objective = RankingObjective(cutoff: options.cutoff)
        popularity = BlendModel.popularity(self.holdOut.training)
        truths = self.holdOut.truth.map { Set($0) }
    }

    /// A model with the hyper-parameters that were best for it alone.
    struct Candidate {
        var kind: PartKind
        var model: any ItemModel
        var exponent: Float
        var value: Double
    }

    /// Ways of weighting histories that are tried, from none to the last entry almost alone.
    static let recencies = [
        Recency.none, Recency(fall: 0.25), Recency(growth: 2), Recency(fall: 0.5), Recency(fall: 0.75),
        Recency(fall: 1.1),
        Recency(fall: 1.8), Recency(fall: 3),
    ]

    /// Where the search among them begins.
    private static let firstRecency = 3

    /// Exponents that are tried.
    static let exponents: [Float] = [-0.8, -0.6, -0.5, -0.4, -0.3, -0.2, -0.1, 0, 0.1, 0.2, 0.3, 0.4, 0.6]
    /// Places of those that are tried first.
    private static let firstExponents = [3, 5, 7, 9]

    /// Chooses; `isCancelled` is asked between variants and ends it with `nil`. Also `nil` when the hold-out asks nothing.
    public func choose(isCancelled: @Sendable () -> Bool = { false }) -> Outcome? {
        guard holdOut.queries.count > 0 else { return nil }
        let start = ResourceUse.cpuSeconds
        var candidates: [Candidate] = []
        for family in families() {
            let best = family.climb(
                { (kind, best: Candidate?) -> Candidate? in
                    guard !isCancelled() else { return nil }
                    guard best == nil || ResourceUse.cpuSeconds - start < options.seconds else { return nil }
                    guard let found = tuned(kind, near: best ?? candidates.first) else { return nil }
                    progress("\(found.kind), exponent \(found.exponent): \(rounded(found.value))")
                    return found
                }, value: \.value)
            guard !isCancelled() else { return nil }
            if let best { candidates.append(best) }
        }
        guard !candidates.isEmpty, !isCancelled() else { return nil }
        let search = WeightSearch(self, candidates)
        let (choice, value) = search.run()
        progress("blend: \(rounded(value))")
        return Outcome(
            choice: choice, value: value,
            single: candidates.map { (BlendChoice.Part($0.kind, exponent: $0.exponent), $0.value) },
            usesSequence: options.usesSequence)
    }

    /// Fits one variant and finds its way of weighting histories, its rank and its exponent.
    ///
    /// What was best for another model, `near`, narrows the ways of weighting histories to the like of it.
    private func tuned(_ kind: PartKind, near: Candidate?) -> Candidate? {
        guard let fitted = kind.fit(holdOut.training, seed: options.seed, threads: options.threads) else { return nil }
        var best: Candidate?
        func look(_ kind: PartKind, _ model: any ItemModel) -> Double {
            let (exponent, value) = bestExponent(model)
            if value > best?.value ?? 0 {
                best = Candidate(kind: kind, model: model, exponent: exponent, value: value)
            }
            return value
        }
        // Recency is about the same at every rank, and cheaper to find at a low one.
        var cheap = fitted
        if let spectral = fitted as? SpectralModel { cheap = spectral.reduced(to: 256) }
        var tried: [Int: Double] = [:]
        func tryRecency(_ place: Int) {
            guard tried[place] == nil, BlendTuner.recencies.indices.contains(place) else { return }
            var weighted = kind
            weighted.recency = BlendTuner.recencies[place]
            tried[place] = look(weighted, weighted.weighted(cheap))
        }
        // From what was best for another model on to both sides, as long as that helps.
        var place = near.flatMap { BlendTuner.recencies.firstIndex(of: $0.kind.recency) } ?? BlendTuner.firstRecency
        if !options.usesSequence || kind.isForEverybody { place = 0 }
        tryRecency(place)
        while options.usesSequence, !kind.isForEverybody {
            tryRecency(place - 1)
            tryRecency(place + 1)
            let better = [place - 1, place + 1].max { tried[$0] ?? 0 < tried[$1] ?? 0 } ?? place
            guard tried[better] ?? 0 > tried[place] ?? 0 else { break }
            place = better
        }
        guard case .spectral(var parameters) = kind, let spectral = fitted as? SpectralModel, let found = best else {
            return best
        }
        best = nil
        parameters.recency = found.kind.recency
        // From many dimensions down while that helps.
        var last = 0.0
        for rank in [1024, 512, 256, 128, 64, 32] where rank <= options.rank {
            guard rank <= spectral.rank || rank / 2 < spectral.rank else { continue }
            parameters.rank = rank
            let kind = PartKind.spectral(parameters)
            let value = look(kind, kind.weighted(spectral.reduced(to: rank)))
            guard value >= last else { break }
            last = value
        }
        return best
    }

    /// The exponent at which a model's objective is greatest, looked for from a few on to their neighbours.
    private func bestExponent(_ model: any ItemModel) -> (exponent: Float, value: Double) {
        let all = BlendTuner.exponents
        var known: [Int: Double] = [:]
        var wanted = BlendTuner.firstExponents
        var best = 0
        while !wanted.isEmpty {
            let values = valuesByQuery(model, wanted.map { all[$0] })
            for (column, place) in wanted.enumerated() {
                // Summed in the order of the queries, so that the sum does not depend on the threads.
                known[place] = values.reduce(0) { $0 + $1[column] } / Double(max(1, values.count))
            }
            best = known.keys.sorted().max { known[$0] ?? 0 < known[$1] ?? 0 } ?? 0
            wanted = [best - 1, best + 1].filter { all.indices.contains($0) && known[$0] == nil }
        }
        return (all[best], known[best] ?? 0)
    }

    /// The objective of each query's list at each exponent.
    func valuesByQuery(_ model: any ItemModel, _ exponents: [Float]) -> [[Double]] {
        let powers = exponents.map { BlendModel.powers(popularity, $0) }
        let found = Mutex(Array(repeating: Array(repeating: 0.0, count: powers.count), count: holdOut.queries.count))
        Parallel.ranges(holdOut.queries.count, grain: QueryScores.block, threads: options.threads) { range in
            var scores = QueryScores(itemCount: model.itemCount)
            var own = Array(repeating: Array(repeating: 0.0, count: powers.count), count: range.count)
            scores.forEach(model, holdOut.queries.slice(range)) { place, row in
                let truth = truths[range.lowerBound + place]
                for (exponent, powers) in powers.enumerated() {
                    own[place][exponent] = objective.value(row.best(options.cutoff, powers), truth)
                }
            }
            found.withLock { all in for (place, values) in zip(range, own) { all[place] = values } }
        }
        return found.withLock { $0 }
    }

    private func rounded(_ value: Double) -> Double { (value * 10_000).rounded() / 10_000 }
}
