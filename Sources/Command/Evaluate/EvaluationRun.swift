internal import Domain
internal import Evaluation
internal import Models
internal import Training

/// Reads, fits, lists and measures. Says on standard error what it is at.
struct EvaluationRun {
    private let options: EvaluateOptions
    private let console: Console
    private var reader: DatasetReader

    init(_ options: EvaluateOptions, _ console: Console) {
        self.options = options
        self.console = console
        reader = DatasetReader(options.format)
    }

    /// Evaluates lists for users.
    mutating func lists() throws(DatasetError) -> EvaluationReport {
        let parts = try readParts()
        let dataset = ListDataset(
            train: parts.train, valid: parts.valid, test: parts.test, itemNames: reader.items.texts,
            ignoresOrder: options.ignoresOrder, isTestLast: options.split == .last)
        guard !dataset.trials.isEmpty else { throw DatasetError("nobody in the test part has an item") }
        guard dataset.itemCount > 0 else { throw DatasetError("nobody in the training part has an item") }
        return try lists(dataset)
    }

    /// Evaluates lists for the persons of a tenant's log: what came before the cut is learned from.
    func lists(_ data: TrainingData) throws(DatasetError) -> EvaluationReport {
        guard data.pairs > 0 else {
            throw DatasetError("there are no interactions to learn from; collect some whose type has a weight")
        }
        let cut = data.moment(ofShare: options.share)
        let (before, after) = data.split(at: cut)
        let names = (0..<data.items.count).map { "\(data.items.type(of: $0))/\(data.items.id(of: $0))" }
        let dataset = ListDataset(
            before: before, after: after, itemNames: names, ignoresOrder: options.ignoresOrder)
        guard dataset.itemCount > 0, !dataset.trials.isEmpty else {
            throw DatasetError(
                "nothing is left on one side of \(Timestamp(milliseconds: cut).rfc3339), where the log is cut; "
                    + "it needs interactions that are spread over time")
        }
        if data.isCut { console.error("The log is more than the memory for training allows: the oldest is left out") }
        var report = try lists(dataset)
        report.facts.append(("interactions", Int(clamping: data.interactions)))
        report.cutAt = Timestamp(milliseconds: cut).rfc3339
        return report
    }

    private func lists(_ dataset: ListDataset) throws(DatasetError) -> EvaluationReport {
        let evaluation = ListEvaluation(cutoffs: options.cutoffs, threads: options.threads)
        let choosing = ListChoosing(dataset, options, console)
        let comparison = try compare(dataset.trials.count.counted("user", "users")) { (name) throws(ModelError) in
            let fitted = try ListFit(name, dataset, choosing, options, console)
            return Fitted(choosingSeconds: fitted.choosingSeconds, parameters: fitted.parameters) {
                let lists = evaluation.lists(of: fitted.model, dataset)
                return { (evaluation.measures(lists, dataset), evaluation.exposures(lists, dataset)) }
            }
        }
        return EvaluationReport(
            names: comparison.names, rows: comparison.rows, leftOut: comparison.leftOut,
            facts: [
                ("users", dataset.histories.count), ("items", dataset.itemCount),
                ("training_interactions", dataset.histories.items.count), ("test_users", dataset.trials.count),
                ("test_users_without_history", dataset.coldCount),
                ("test_items", dataset.trials.reduce(0) { $0 + $1.relevant.count }),
            ], isMasked: dataset.isMasked, peakMemoryBytes: ResourceUse.peakMemoryBytes)
    }

    /// Evaluates predictions of what comes next in sessions.
    mutating func sessions() throws(DatasetError) -> EvaluationReport {
        let parts = try readParts()
        let dataset = SessionDataset(
            train: parts.train, valid: parts.valid, test: parts.test, itemNames: reader.items.texts)
        guard dataset.predictionCount > 0 else { throw DatasetError("no test session has two clicks") }
        guard dataset.itemCount > 0 else { throw DatasetError("no session in the training part has a click") }
        let evaluation = SessionEvaluation(cutoffs: options.cutoffs, threads: options.threads)
        let popularity = dataset.sessions.personCounts
        let persons = dataset.sessions.activeCount
        let comparison = try compare(dataset.predictionCount.counted("prediction", "predictions")) {
            (name) throws(ModelError) in
            let fitted = try SessionFit(name, dataset, options, console)
            return Fitted(choosingSeconds: fitted.choosingSeconds, parameters: fitted.parameters) {
                let result = evaluation.run(fitted.model, dataset)
                return {
                    let exposures = evaluation.cutoffs.map { cutoff in
                        (
                            cutoff: cutoff,
                            exposure: Exposure(
                                lists: result.lists.map { Array($0.prefix(cutoff)) }, histories: result.histories,
                                popularity: popularity, persons: persons)
                        )
                    }
                    return (result.table, exposures)
                }
            }
        }
        return EvaluationReport(
            names: comparison.names, rows: comparison.rows, leftOut: comparison.leftOut,
            facts: [
                ("sessions", dataset.sessions.count), ("items", dataset.itemCount),
                ("training_interactions", dataset.sessions.items.count),
                ("test_sessions", dataset.tests.count { $0.count >= 2 }), ("predictions", dataset.predictionCount),
            ], isMasked: false, peakMemoryBytes: ResourceUse.peakMemoryBytes)
    }

    /// A model that is fitted, and how it is measured: scoring first, which is timed, and then what its lists are worth.
    private struct Fitted {
        var choosingSeconds: Double
        var parameters: [String: String]
        var score: () -> () -> (table: MeasureTable, exposures: [(cutoff: Int, exposure: Exposure)])
    }

    /// Fits and measures one model after the other; one that cannot be had is left out, unless that leaves none. `asked`
    /// says how many lists, for people.
    private func compare(
        _ asked: String, _ fit: (_ name: String) throws(ModelError) -> Fitted
    ) throws(DatasetError) -> Comparison {
        var comparison = Comparison()
        for name in options.models {
            console.error("\(name): training")
            let timer = Timer()
            let fitted: Fitted
            do throws(ModelError) {
                fitted = try fit(name)
            } catch {
                // The others can still be told apart.
                console.error("\(name): left out: \(error.message)")
                comparison.leaveOut(name, error.message)
                continue
            }
            let training = timer.seconds - fitted.choosingSeconds
            console.error("\(name): scoring \(asked)")
            let scoring = Timer()
            let measure = fitted.score()
            let scoringSeconds = scoring.seconds
            let (table, exposures) = measure()
            comparison.add(name, table, exposures, seed: options.seed) { row in
                row.choosingSeconds = fitted.choosingSeconds
                row.trainingSeconds = training
                row.scoringSeconds = scoringSeconds
                row.parameters = fitted.parameters
            }
        }
        if comparison.rows.isEmpty {
            throw DatasetError(comparison.leftOut.map { "\($0.name): \($0.reason)" }.joined(separator: "; "))
        }
        return comparison
    }

    private mutating func readParts() throws(DatasetError) -> (
        train: DatasetPart, valid: DatasetPart?, test: DatasetPart
    ) {
        let train = try read(options.train)
        guard let test = options.test else {
            guard let split = options.split else { throw DatasetError("there is neither a test part nor a split") }
            let divided =
                options.format == .sessions ? split.divideSessions(train) : try split.divide(train)
            return (divided.train, nil, divided.test)
        }
        var valid: DatasetPart?
        if let path = options.valid { valid = try read(path) }
        return (train, valid, try read(test))
    }

    private mutating func read(_ path: String) throws(DatasetError) -> DatasetPart {
        console.error("reading \(path)")
        return try reader.read(try InputFile.read(path), named: path)
    }

    /// Seconds of processor time since it was made.
    private struct Timer {
        private let start = ResourceUse.cpuSeconds
        var seconds: Double { ResourceUse.cpuSeconds - start }
    }
}

/// Models side by side, each measured against the first.
private struct Comparison {
    private(set) var names: [String] = []
    private(set) var rows: [EvaluationReport.Row] = []
    private(set) var leftOut: [(name: String, reason: String)] = []
    private var first: MeasureTable?

    mutating func leaveOut(_ name: String, _ reason: String) { leftOut.append((name, reason)) }

    mutating func add(
        _ name: String, _ table: MeasureTable, _ exposures: [(cutoff: Int, exposure: Exposure)], seed: UInt64,
        _ complete: (inout EvaluationReport.Row) -> Void
    ) {
        let bootstrap = Bootstrap(seed: seed)
        var row = EvaluationReport.Row(name: name, estimates: bootstrap.estimates(table), exposures: exposures)
        if let first { row.differences = bootstrap.differences(first, table) ?? [] }
        if first == nil { first = table }
        names = table.names
        complete(&row)
        rows.append(row)
    }
}
