internal import Evaluation
internal import Models
internal import Numerics

extension Program {
    func evaluate(_ configuration: Configuration) throws(CommandError) -> CommandStatus {
        let options = try EvaluateOptions(configuration)
        var run = EvaluationRun(options, console)
        let report: EvaluationReport
        do throws(DatasetError) {
            report = try options.format == .sessions ? run.sessions() : run.lists()
        } catch {
            throw .failure("\(error).")
        }
        if options.isJSON {
            try console.output(report.json)
        } else {
            try console.output(report.text)
        }
        return .success
    }
}

/// What an evaluation was asked for.
struct EvaluateOptions {
    var train: String
    var valid: String?
    var test: String?
    var split: Split?
    var format: DatasetFormat
    var cutoffs: [Int] = []
    var ignoresOrder: Bool
    var models: [String]
    var seed: UInt64
    var threads: Int
    var isJSON: Bool

    init(_ configuration: Configuration) throws(CommandError) {
        guard let format = configuration.text("format").flatMap({ DatasetFormat(rawValue: $0) }) else {
            throw .usage("--format must be \(DatasetFormat.allCases.map(\.rawValue).joinedAlternatives).")
        }
        self.format = format
        train = configuration.text("train", or: "")
        valid = configuration.text("valid")
        test = configuration.text("test")
        ignoresOrder = configuration.flag("ignore-order")
        isJSON = configuration.flag("json")
        seed = UInt64(clamping: configuration.integer("seed"))
        threads = configuration.text("threads") == nil ? Parallel.processors : configuration.integer("threads")
        for text in configuration.list("at") {
            guard let cutoff = Int(text), (1...100_000).contains(cutoff) else {
                throw .usage("--at must be whole numbers from 1 to 100000, separated by commas; \"\(text)\" is none.")
            }
            cutoffs.append(cutoff)
        }
        if let text = configuration.text("split") {
            guard let split = Split(text) else {
                throw .usage("--split must be last or temporal:SHARE with a share between 0 and 1; it is \"\(text)\".")
            }
            guard test == nil else { throw .usage("Give --test or --split, not both.") }
            guard valid == nil else { throw .usage("--split divides --train; --valid does not go with it.") }
            self.split = split
        } else if test == nil {
            throw .usage("footfall evaluate needs --test FILE, or --split last or temporal:0.8 to divide --train.")
        }
        guard !(ignoresOrder && format == .sessions) else { throw .usage("Sessions are nothing without their order.") }
        models = try EvaluateOptions.models(configuration.list("models"), format)
    }

    /// Names of the models to set side by side, each once.
    private static func models(_ asked: [String], _ format: DatasetFormat) throws(CommandError) -> [String] {
        let known = format == .sessions ? SessionFit.names : ListFit.names
        // What costs little beside the default.
        let usual = format == .sessions ? known : known.filter { ["default", "popularity", "walk"].contains($0) }
        guard !asked.isEmpty else { return usual }
        if asked == ["all"] { return known }
        var models: [String] = []
        for name in asked where !models.contains(name) {
            guard known.contains(name) else {
                let near = nearestName(to: name, among: known).map { " Did you mean \($0)?" } ?? ""
                throw .usage("There is no model \"\(name)\".\(near) There are \(known.joinedAlternatives).")
            }
            models.append(name)
        }
        return models
    }
}
