/// Learns from histories what is served: chooses hyper-parameters on a hold-out of the histories, fits to all of them, and
/// folds the result.
public struct Trainer: Sendable {
    /// What is asked of a training.
    public struct Options: Sendable, Equatable {
        /// Seconds that choosing hyper-parameters may take; 0: the defaults stay.
        public var tuningSeconds: Double = 0
        /// Entries kept of each item's row: the memory of a model is at most 8 bytes an entry a layer.
        public var neighbours = 200
        /// Processors used.
        public var threads = 1
        /// ``Outcome/parameters`` of an earlier training: with them nothing is chosen, they are what is fitted.
        public var fixed: [String: String]?
        /// Seed of everything drawn at random.
        public var seed: UInt64 = 1

        /// The defaults.
        public init() {}
    }

    /// What a training gives.
    public struct Outcome: Sendable {
        /// The model that serves.
        public var model: ServingModel
        /// What it measured on the hold-out, by name ("ndcg@20", "recall@20"), with the models beside it.
        public var measures: [String: [String: Double]]
        /// Hyper-parameters in force, for people, and complete: see ``Options/fixed``.
        public var parameters: [String: String]
    }

    private let options: Options

    /// A trainer.
    public init(_ options: Options) { self.options = options }

    /// Trains. `progress` is told the share that is done, 0…1, and what is being done; `isCancelled` is asked often and ends
    /// the training with `nil`.
    public func train(
        _ histories: Histories, progress: @Sendable (Double, String) -> Void = { _, _ in },
        isCancelled: @Sendable () -> Bool = { false }
    ) throws(ModelError) -> Outcome? {
        guard histories.items.count > 0 else {
            throw ModelError(.noData, "no interactions to learn from yet; collect some and train again")
        }
        progress(0, "walk")
        var parameters = WalkModel.Parameters()
        parameters.neighbours = options.neighbours
        let walk = WalkModel(histories, parameters)
        guard !isCancelled() else { return nil }
        progress(1, "done")
        return Outcome(
            model: ServingModel(
                itemCount: histories.itemCount, layers: [.init(recency: walk.recency, rows: walk.rows)]),
            measures: [:], parameters: ["models": "walk"])
    }
}
