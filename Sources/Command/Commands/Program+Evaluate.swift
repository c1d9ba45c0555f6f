internal import Evaluation
internal import Models
internal import Numerics
internal import Training

extension Program {
    func evaluate(_ configuration: Configuration) throws(CommandError) -> CommandStatus {
        let options = try EvaluateOptions(configuration)
        var run = EvaluationRun(options, console)
        let data = try options.tenant.map { (tenant) throws(CommandError) in
            try trainingData(tenant, options.data)
        }
        let report: EvaluationReport
        do throws(DatasetError) {
            if let data {
                report = try run.lists(data)
            } else {
                report = try options.format == .sessions ? run.sessions() : run.lists()
            }
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

    private func trainingData(_ tenant: String, _ folder: String) throws(CommandError) -> TrainingData {
        let session = try FolderSession(folder: folder)
        defer { session.close() }
        console.error("reading the log of \(tenant)")
        return try session.trainingData(tenant: tenant)
    }
}

/// What an evaluation was asked for.
struct EvaluateOptions {
    /// The tenant whose log is evaluated on; `nil`: files.
    var tenant: String?
    /// The data folder of the tenant.
    var data: String
    /// Share of a tenant's log that is learned from.
    var share = 0.9
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
        data = configuration.text("data", or: "./data")
        tenant = configuration.text("tenant") == nil ? nil : try Program.tenant(configuration)
        let isTenant = tenant != nil
        if isTenant, let file = ["train", "valid", "test", "format"].first(where: { configuration.text($0) != nil }) {
            throw .usage("--tenant evaluates on the tenant's own log; --\(file) does not go with it.")
        }
        guard isTenant || configuration.text("train") != nil else {
            throw .usage("footfall evaluate needs --train FILE and --format, or --tenant T.")
        }
        let form = configuration.text("format").flatMap { DatasetFormat(rawValue: $0) }
        guard let format = isTenant ? .pairs : form else {
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
            if isTenant {
                guard case .temporal(let share) = split else {
                    throw .usage("A tenant's log is cut by time: --split temporal:SHARE.")
                }
                self.share = share
            }
        } else if test == nil, !isTenant {
            throw .usage("footfall evaluate needs --test FILE, or --split last or temporal:0.8 to divide --train.")
        }
        guard !(ignoresOrder && format == .sessions) else { throw .usage("Sessions are nothing without their order.") }
        models = try EvaluateOptions.models(configuration.list("models"), format, isTenant: isTenant)
    }

    /// Names of the models to set side by side, each once.
    private static func models(
        _ asked: [String], _ format: DatasetFormat, isTenant: Bool
    ) throws(CommandError) -> [String] {
        let known = format == .sessions ? SessionFit.names : ListFit.names
        // What costs little beside the default.
        let cheap = [isTenant ? ListFit.served : ListFit.standard, "popularity", "walk"]
        let usual = format == .sessions ? known : cheap
        guard !asked.isEmpty else { return usual }
        if asked == ["all"] { return known.filter { !ListFit.tuned.contains($0) } }
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
