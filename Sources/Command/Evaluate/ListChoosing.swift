internal import Evaluation
internal import Models

/// Chooses for lists, once for all models that are set side by side.
final class ListChoosing {
    let trainer: ListTrainer
    private let dataset: ListDataset
    private var found: BlendTuner.Outcome??
    /// Processor time that it took so far.
    private(set) var seconds = 0.0

    init(_ dataset: ListDataset, _ options: EvaluateOptions, _ console: Console) {
        var training = ListTrainer.Options(threads: options.threads)
        training.cutoff = options.cutoffs.first ?? training.cutoff
        training.usesOrder = !options.ignoresOrder
        training.seed = options.seed
        training.cut = dataset.cut
        trainer = ListTrainer(training) { console.error("choosing: \($0)") }
        self.dataset = dataset
    }

    /// What was chosen; `nil` when there is too little to choose on.
    func outcome(_ progress: (String) -> Void) -> BlendTuner.Outcome? {
        if let found { return found }
        switch dataset.order {
        case .own: break
        case .names: progress("the items of every user stand in order of their names: their order is left out")
        case .common: progress("the items of all users stand in the same order: it is left out")
        }
        let start = ResourceUse.cpuSeconds
        let outcome = trainer.choose(dataset.train, valid: dataset.valid.isEmpty ? nil : dataset.valid)
        seconds = ResourceUse.cpuSeconds - start
        found = .some(outcome)
        if outcome?.usesSequence == true, dataset.cut == nil, dataset.histories.times.isEmpty {
            progress(
                "warning: nothing says how the test was cut; it is taken for the end of each list. If it was drawn from whole "
                    + "lists, these lists are far from the best: say --ignore-order")
        }
        return outcome
    }
}
