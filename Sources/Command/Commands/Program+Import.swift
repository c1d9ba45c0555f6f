internal import Glibc

extension Program {
    func importFile(_ configuration: Configuration, path: String) throws(CommandError) -> CommandStatus {
        let tenant = try Program.tenant(configuration)
        guard let format = configuration.text("format").flatMap({ ImportFormat(rawValue: $0) }) else {
            throw .usage("--format must be \(ImportFormat.allCases.map(\.rawValue).joinedAlternatives).")
        }
        let plan = ImportPlan(
            tenant: tenant, path: path, dataFolder: configuration.text("data", or: "./data"),
            hasEntities: configuration.flag("entities"), hasUsers: configuration.flag("users"),
            shiftsTime: configuration.flag("shift-time"))
        try plan.check(format)
        let report: ImportReport
        switch format {
        case .jsonl:
            report = try run(plan) { (shift) throws(CommandError) in
                try JSONLinesSource(path: path, kind: plan.kind, shift: shift)
            }
        case .csv:
            report = try run(plan) { (shift) throws(CommandError) in
                try CSVSource(path: path, kind: plan.kind, shift: shift)
            }
        case .movielens:
            report = try run(plan) { (shift) throws(CommandError) in
                try MovieLensSource(folder: path, filmsOnly: plan.hasEntities, shift: shift)
            }
        case .sessions:
            report = try run(plan) { (shift) throws(CommandError) in
                try SessionsSource(path: path, shift: shift)
            }
        }
        for line in report.problemLines { console.error(line) }
        if configuration.flag("json") {
            try console.output(report.json + [10])
        } else {
            try console.output(report.sentence)
        }
        return report.rejected > 0 && !configuration.flag("allow-errors") ? .failure : .success
    }

    /// Reads a source once for its newest time when times are to be moved, then imports it.
    private func run<Source: ImportSource>(
        _ plan: ImportPlan, _ open: (_ shift: Int64) throws(CommandError) -> Source
    ) throws(CommandError) -> ImportReport {
        var shift: Int64 = 0
        if plan.shiftsTime {
            if let newest = try newestTime(of: try open(0)) { shift = clock() &- newest }
        }
        let source = try open(shift)
        let sink = try self.sink(plan)
        defer { sink.close() }
        return try Importer(sink: sink, console: console, seconds: Program.monotonicSeconds).run(source)
    }

    /// The server of the data folder when there is one, else the folder itself.
    private func sink(_ plan: ImportPlan) throws(CommandError) -> any ImportSink {
        let socketPath = plan.dataFolder + "/admin.sock"
        if AdminClient.isListening(socketPath) {
            return SocketSink(client: AdminClient(socketPath: socketPath), tenant: plan.tenant) { seconds in
                usleep(UInt32(seconds * 1_000_000))
            }
        }
        return try services.openSink(plan.dataFolder, plan.tenant)
    }

    static func monotonicSeconds() -> Double {
        var time = timespec()
        clock_gettime(CLOCK_MONOTONIC, &time)
        return Double(time.tv_sec) + Double(time.tv_nsec) / 1e9
    }
}

/// What an import is asked to do.
struct ImportPlan {
    let tenant: String
    let path: String
    let dataFolder: String
    let hasEntities: Bool
    let hasUsers: Bool
    let shiftsTime: Bool

    var kind: ImportRecord.Kind { hasUsers ? .user : hasEntities ? .entity : .interaction }

    /// Refuses what does not go together, before anything is read.
    func check(_ format: ImportFormat) throws(CommandError) {
        if hasUsers, hasEntities { throw .usage("--users does not go with --entities: a file holds one or the other.") }
        if hasUsers, format == .sessions || format == .movielens {
            throw .usage("--users goes with --format jsonl and csv.")
        }
        if hasUsers, shiftsTime {
            throw .usage("--shift-time does not go with --users: only interactions have a time to move.")
        }
        if format == .sessions, hasEntities {
            throw .usage("--entities does not go with --format sessions, which holds interactions only.")
        }
        if hasEntities, shiftsTime {
            throw .usage("--shift-time does not go with --entities: only interactions have a time to move.")
        }
        if path == "-" {
            if format == .movielens { throw .usage("--format movielens needs the folder's path.") }
            if shiftsTime {
                throw .usage("--shift-time reads the file twice, which standard input does not allow; give a file.")
            }
            return
        }
        var status = stat()
        guard stat(path, &status) == 0 else { throw .failure("\(path) cannot be found: \(systemMessage()).") }
        let isFolder = status.st_mode & S_IFMT == S_IFDIR
        if format == .movielens, !isFolder {
            throw .failure("\(path) is a file; --format movielens needs the folder that holds u.data and u.item.")
        }
        if format != .movielens, isFolder {
            throw .failure("\(path) is a folder; --format \(format.rawValue) needs a file.")
        }
    }
}
