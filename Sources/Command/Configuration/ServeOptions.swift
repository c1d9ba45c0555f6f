public import API

/// What `footfall serve` runs with.
public struct ServeOptions: Sendable, Equatable {
    /// How much the log says.
    public enum LogLevel: String, Sendable, CaseIterable {
        /// Faults only.
        case error
        /// Starts, stops and faults.
        case info
        /// Every request too.
        case debug
    }

    /// The data folder.
    public var dataFolder: String
    /// The address to listen on.
    public var host: String
    /// The port to listen on; 0: any free one.
    public var port: Int
    /// File of the demo tenant's tracking plan; `nil`: the default plan.
    public var planFile: String?
    /// Threads that read requests; at least 1.
    public var threads: Int
    /// Connections open at once.
    public var maximumConnections: Int
    /// Seconds a silent connection is kept.
    public var timeoutSeconds: Int
    /// Largest request line and headers, in bytes.
    public var maximumHeaderBytes: Int
    /// Most interactions waiting to be stored.
    public var queuedInteractions: Int
    /// Most bytes waiting to be stored.
    public var queuedBytes: Int
    /// Origins that pages may call from; `["*"]`: all.
    public var corsOrigins: [String]
    /// Whether `/metrics` is for secret keys only.
    public var hasPrivateMetrics: Bool
    /// How much the log says.
    public var logLevel: LogLevel
    /// Whether the tenant `demo` is made when there is none.
    public var makesDemo: Bool
    /// Seconds between snapshots of the live state.
    public var snapshotSeconds: Int
    /// Seconds between two runs of each scheduled task.
    public var taskSeconds: [TaskName: Int]
}

extension ServeOptions {
    /// The declaration of every option, for the command line, the environment and the file alike. `processors` is how
    /// many the machine has.
    static func declarations(processors: Int) -> [OptionDeclaration] {
        // Two a processor: while one is not given a processor, what arrives for the other is answered.
        let threads = String(min(max(processors, 1) * 2, 256))
        return [
            .data,
            OptionDeclaration("config", "FILE", isConfigurable: true, "JSON file with settings: see below."),
            OptionDeclaration(
                "host", "ADDRESS", default: "127.0.0.1", isConfigurable: true,
                "Address to listen on; 0.0.0.0 or :: for all of the machine's."),
            OptionDeclaration(
                "port", "N", .integer(0...65_535), default: "8080", isConfigurable: true,
                "Port to listen on; 0 takes a free one and says which."),
            OptionDeclaration(
                "plan", "FILE", isConfigurable: true,
                "Tracking plan (JSON) of the tenant demo; set when it differs from the one in force."),
            OptionDeclaration(
                "threads", "N", .integer(1...256), default: threads, isConfigurable: true,
                "Threads that read and check requests."),
            OptionDeclaration(
                "max-connections", "N", .integer(1...1_000_000), default: "4096", isConfigurable: true,
                "Connections open at once; one more is answered 503."),
            OptionDeclaration(
                "timeout", "SECONDS", .integer(1...86_400), default: "30", isConfigurable: true,
                "How long a connection may stay silent."),
            OptionDeclaration(
                "max-header-bytes", "BYTES", .bytes(8192...1_048_576), default: "10240", isConfigurable: true,
                "Largest request line with headers; past it 431."),
            OptionDeclaration(
                "queue-interactions", "N", .integer(1...100_000_000), default: "200000", isConfigurable: true,
                "Interactions that may wait to be stored, per tenant; past it 503 with Retry-After."),
            OptionDeclaration(
                "queue-bytes", "BYTES", .bytes(65_536...1_099_511_627_776), default: "268435456",
                isConfigurable: true, "The same bound in bytes."),
            OptionDeclaration(
                "cors-origin", "ORIGINS", .list, default: "*", isConfigurable: true,
                "Origins whose pages may call, separated by commas; * for all."),
            OptionDeclaration(
                "private-metrics", "", .flag, isConfigurable: true,
                "Give /metrics, which speaks of all tenants, to secret keys only; else it is open."),
            OptionDeclaration(
                "log-level", "LEVEL", .choice(LogLevel.allCases.map(\.rawValue)), default: "info",
                isConfigurable: true, "How much the log (JSON lines on standard error) says."),
            OptionDeclaration("no-demo", "", .flag, isConfigurable: true, "Do not make the tenant demo."),
            OptionDeclaration(
                "snapshot-seconds", "SECONDS", .integer(1...86_400), default: "300", isConfigurable: true,
                "Time between snapshots of the live state; they make a start short."),
            OptionDeclaration(
                "cleanup-seconds", "SECONDS", .integer(1...86_400), default: "3600", isConfigurable: true,
                "Time between clean-ups of what retention no longer covers."),
            OptionDeclaration(
                "popularity-seconds", "SECONDS", .integer(1...2_592_000), default: "1800", isConfigurable: true,
                "Time between two writes of the table product_popularity."),
            OptionDeclaration(
                "preferences-seconds", "SECONDS", .integer(1...2_592_000), default: "300", isConfigurable: true,
                "Time between two writes of the table user_preferences."),
            OptionDeclaration(
                "similarity-seconds", "SECONDS", .integer(1...2_592_000), default: "86400", isConfigurable: true,
                "Time between two writes of the table item_similarity."),
            OptionDeclaration(
                "training-seconds", "SECONDS", .integer(0...86_400), default: "60", isConfigurable: true,
                "Time between two looks whether a model is to be trained; 0: none is trained unless asked for."),
            OptionDeclaration(
                "store", "URL", isConfigurable: true,
                "A shared store. This version has the embedded one only, so leave this out."),
            OptionDeclaration("print-config", "", .flag, "Print every setting with its origin, and end."),
        ]
    }

    /// The options of a configuration. Refuses a store that this version does not have.
    public init(_ configuration: Configuration) throws(CommandError) {
        if configuration.text("store") != nil {
            throw .usage(
                "--store is not available in this version: it stores in the folder given with --data. "
                    + "Leave --store out.")
        }
        dataFolder = configuration.text("data", or: "./data")
        host = configuration.text("host", or: "127.0.0.1")
        port = configuration.integer("port")
        planFile = configuration.text("plan")
        threads = max(configuration.integer("threads"), 1)
        maximumConnections = configuration.integer("max-connections")
        timeoutSeconds = configuration.integer("timeout")
        maximumHeaderBytes = configuration.integer("max-header-bytes")
        queuedInteractions = configuration.integer("queue-interactions")
        queuedBytes = configuration.integer("queue-bytes")
        corsOrigins = configuration.list("cors-origin")
        hasPrivateMetrics = configuration.flag("private-metrics")
        logLevel = configuration.text("log-level").flatMap { LogLevel(rawValue: $0) } ?? .info
        makesDemo = !configuration.flag("no-demo")
        snapshotSeconds = configuration.integer("snapshot-seconds")
        taskSeconds = [
            .cleanUp: configuration.integer("cleanup-seconds"),
            .productPopularity: configuration.integer("popularity-seconds"),
            .userPreferences: configuration.integer("preferences-seconds"),
            .itemSimilarity: configuration.integer("similarity-seconds"),
            .modelTraining: configuration.integer("training-seconds"),
        ]
    }
}

extension OptionDeclaration {
    /// The data folder, the same for every command.
    static let data = OptionDeclaration(
        "data", "DIR", default: "./data", isConfigurable: true, "The data folder.")
    /// The tenant a command is about.
    static let tenant = OptionDeclaration("tenant", "T", isRequired: true, "The tenant's id, such as demo.")
    /// Machine-readable results.
    static let json = OptionDeclaration("json", "", .flag, "Print the result as one JSON object.")
}
