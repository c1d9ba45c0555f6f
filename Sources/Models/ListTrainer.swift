public import Numerics

/// Learns lists of what comes next from histories: decides how to hold out, chooses a blend there, and fits it to
/// everything.
public struct ListTrainer: Sendable {
    /// What is asked of a training.
    public struct Options: Sendable {
        /// Length of the lists that are judged while choosing.
        public var cutoff = 20
        /// Whether models may use the order of histories. What is held out is the end of each history all the same, where
        /// its order is found to mean something: that is what a list is for.
        public var usesOrder = true
        /// How to hold out; `nil`: as the histories suggest.
        public var cut: HoldOut.Cut?
        /// Whether only models are wanted that ``Trainer`` can fold into rows that serve.
        public var isFolded = false
        /// Most queries of the hold-out.
        public var queries = 3_000
        /// Seconds of processor time after which no further variant is tried.
        public var seconds = Double.infinity
        /// Most dimensions of the spectral model.
        public var rank = 1024
        /// Processors used.
        public var threads: Int
        /// Seed of everything drawn at random.
        public var seed: UInt64 = 1

        /// The defaults.
        public init(threads: Int = Parallel.processors) { self.threads = threads }
    }

    private let options: Options
    private let progress: @Sendable (String) -> Void

    /// A trainer; `progress` is told what was tried.
    public init(_ options: Options, progress: @escaping @Sendable (String) -> Void = { _ in }) {
        self.options = options
        self.progress = progress
    }

    /// What to hold out of histories. `valid` holds for each of them items of unknown place that belong to training and
    /// were set apart to choose on.
    ///
    /// Where the end of a history says more about what follows than its beginning, the end is held out, as the future will
    /// be. Only where order says nothing are the set-apart items themselves (or random ones) the better picture.
    public func holdOut(_ histories: Histories, valid: [[UInt32]]?) -> HoldOut {
        plan(histories, valid: valid).holdOut
    }

    /// What to hold out, and whether the order of histories was found to mean something.
    private func plan(_ histories: Histories, valid: [[UInt32]]?) -> (holdOut: HoldOut, orderMatters: Bool) {
        let whole = valid.map { ListTrainer.merged(histories, $0) } ?? histories
        func cut(_ cut: HoldOut.Cut) -> HoldOut {
            HoldOut(whole, cut, maximum: options.queries, seed: options.seed)
        }
        let tail = cut(.tail(0.2))
        let orderMatters = ListTrainer.orderMatters(tail, seed: options.seed, threads: options.threads)
        if let wanted = options.cut {
            progress("choosing on \(wanted)\(orderMatters ? "" : "; order does not matter")")
            return (cut(wanted), orderMatters)
        }
        if orderMatters, !options.usesOrder {
            progress("order matters but is not to be used: choosing on the last or on a random fifth of each history")
            return (cut(.mixed(0.2)), true)
        }
        if orderMatters {
            progress("order matters: choosing on the last fifth of each history")
            return (tail, true)
        }
        if let valid {
            progress("order does not matter: choosing on what was set apart")
            return (HoldOut(histories, truth: valid, maximum: options.queries), false)
        }
        progress("order does not matter: choosing on a random fifth of each history")
        return (cut(.random(0.2)), false)
    }

    /// Chooses a blend; `nil` when there is too little to hold out or it was cancelled.
    public func choose(
        _ histories: Histories, valid: [[UInt32]]? = nil, isCancelled: @Sendable () -> Bool = { false }
    ) -> BlendTuner.Outcome? {
        let plan = plan(histories, valid: valid)
        return choose(on: plan.holdOut, usesSequence: plan.orderMatters, isCancelled: isCancelled)
    }

    /// Chooses a blend on a hold-out. Without `usesSequence` nothing is tried that weights late entries more.
    public func choose(
        on holdOut: HoldOut, usesSequence: Bool = true, isCancelled: @Sendable () -> Bool = { false }
    ) -> BlendTuner.Outcome? {
        var tuning = BlendTuner.Options(threads: options.threads)
        tuning.cutoff = options.cutoff
        tuning.usesOrder = options.usesOrder
        tuning.usesSequence = usesSequence
        tuning.isFolded = options.isFolded
        tuning.rank = options.rank
        tuning.seconds = options.seconds
        tuning.seed = options.seed
        return BlendTuner(holdOut, tuning, progress: progress).choose(isCancelled: isCancelled)
    }

    /// The blend for histories too few to choose on.
    public static func fallback(usesOrder: Bool) -> BlendChoice {
        let recency = usesOrder ? Recency(fall: 0.5) : .none
        var walk = WalkModel.Parameters()
        walk.personExponent = 0.5
        walk.recency = recency
        return BlendChoice([.init(.walk(walk), weight: 1), .init(.trend(.init(fall: 3)), weight: 0.05)])
    }

    /// Fits a choice to histories and the items set apart.
    public func fit(_ choice: BlendChoice, _ histories: Histories, valid: [[UInt32]]? = nil) -> BlendModel {
        choice.fit(
            valid.map { ListTrainer.merged(histories, $0) } ?? histories, seed: options.seed, threads: options.threads)
    }

    /// Histories with further items of unknown place.
    public static func merged(_ histories: Histories, _ valid: [[UInt32]]) -> Histories {
        var merged = Histories(itemCount: histories.itemCount)
        for person in 0..<histories.count {
            let entries = histories.entries(of: person)
            let own = Set(entries.map(\.item))
            var seen: Set<UInt32> = []
            let further = person < valid.count ? valid[person] : []
            merged.append(
                further.filter { !own.contains($0) && seen.insert($0).inserted }.map { Histories.Entry(item: $0) }
                    + entries)
        }
        return merged
    }

    /// Whether what was held out follows from the end of histories more than from the whole of them: a walk that weights
    /// late entries more is better by at least three standard errors.
    static func orderMatters(_ tail: HoldOut, seed: UInt64, threads: Int) -> Bool {
        let count = tail.queries.count
        guard count >= 30 else { return false }
        var parameters = WalkModel.Parameters()
        parameters.personExponent = 0.5
        parameters.neighbours = 100
        var walk = WalkModel(tail.training, parameters, threads: threads)
        let tuner = BlendTuner(tail, BlendTuner.Options(threads: threads))
        let plain = tuner.valuesByQuery(walk, [0]).map { $0[0] }
        walk.recency = Recency(fall: 0.5)
        let late = tuner.valuesByQuery(walk, [0]).map { $0[0] }
        let differences = zip(late, plain).map { $0 - $1 }
        let mean = differences.reduce(0, +) / Double(count)
        let squares = differences.reduce(0) { $0 + ($1 - mean) * ($1 - mean) } / Double(count - 1)
        return mean > 3 * (squares / Double(count)).squareRoot()
    }
}
