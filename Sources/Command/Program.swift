public import API
internal import Glibc
public import Storage

/// The command `footfall`: reads the command line, puts the configuration together and runs what was asked for.
public struct Program: Sendable {
    /// What commands need from the rest of the product.
    public struct Services: Sendable {
        /// Runs the server until it is told to stop.
        public var serve: @Sendable (ServeOptions, Console) throws(CommandError) -> Void
        /// Opens the registry of a data folder, making the folder when it is not there.
        public var openRegistry: @Sendable (_ dataFolder: String) throws(StorageError) -> any Registry
        /// A new key's text, and what the registry keeps of it.
        public var makeKey: @Sendable (_ tenant: String, _ scope: KeyScope, _ now: Int64) -> (String, KeyEntry)
        /// Makes a key of a data folder open nothing from now on, also while a server runs on it.
        public var revokeKey:
            @Sendable (_ dataFolder: String, _ key: KeyEntry, _ now: Int64) throws(CommandError) -> Void
        /// Opens a data folder that no server uses, for an import into a tenant.
        public var openSink: @Sendable (_ dataFolder: String, _ tenant: String) throws(CommandError) -> any ImportSink
        /// `valid`, `invalid` or `unsupported` for a line with a schema and data; `nil` when it is no such line.
        public var checkPair: @Sendable (_ line: UnsafeRawBufferPointer) -> String?

        /// Services of one's own.
        public init(
            serve: @escaping @Sendable (ServeOptions, Console) throws(CommandError) -> Void,
            openRegistry: @escaping @Sendable (_ dataFolder: String) throws(StorageError) -> any Registry,
            makeKey: @escaping @Sendable (_ tenant: String, _ scope: KeyScope, _ now: Int64) -> (String, KeyEntry),
            revokeKey:
                @escaping @Sendable (_ dataFolder: String, _ key: KeyEntry, _ now: Int64) throws(CommandError) -> Void,
            openSink:
                @escaping @Sendable (_ dataFolder: String, _ tenant: String) throws(CommandError) ->
                any ImportSink,
            checkPair: @escaping @Sendable (_ line: UnsafeRawBufferPointer) -> String?
        ) {
            self.serve = serve
            self.openRegistry = openRegistry
            self.makeKey = makeKey
            self.revokeKey = revokeKey
            self.openSink = openSink
            self.checkPair = checkPair
        }
    }

    /// The version.
    public static let version = "0.1.0"

    let console: Console
    let environment: [String: String]
    let services: Services
    /// Milliseconds since the epoch.
    let clock: @Sendable () -> Int64
    let commands: [CommandDeclaration]

    /// A program that writes to a console and reads the variables given.
    public init(
        console: Console, environment: [String: String], services: Services, processors: Int,
        clock: @escaping @Sendable () -> Int64 = wallClockMilliseconds
    ) {
        self.console = console
        self.environment = environment
        self.services = services
        self.clock = clock
        commands = CommandDeclaration.all(processors: processors)
    }

    /// Runs the command that the arguments (without the program's own name) ask for; answers the exit status.
    public func run(_ arguments: [String]) -> CommandStatus {
        do throws(CommandError) {
            switch try ArgumentReader(commands: commands).read(arguments) {
            case .version: try console.output("footfall \(Program.version)")
            case .help(nil): try console.output(Array(HelpText.overview(commands).utf8))
            case .help(let command?): try console.output(Array(HelpText.command(command).utf8))
            case .command(let command, let values): return try run(command, values)
            }
            return .success
        } catch {
            console.error("footfall: \(error.message)")
            return error.status
        }
    }

    private func run(_ command: CommandDeclaration, _ values: ArgumentValues) throws(CommandError) -> CommandStatus {
        let configuration = try Configuration(
            command, flags: values, environment: environment, known: commands, readFile: Program.readFile)
        switch command.name {
        case "serve": return try serve(configuration)
        case "import": return try importFile(configuration, path: values.positionals.first ?? "-")
        case "export": return try export(configuration)
        case "backup": return try backUp(configuration, destination: values.positionals.first ?? "")
        case "restore": return try restore(configuration, source: values.positionals.first ?? "")
        case "train": return try train(configuration)
        case "recommend": return try recommend(configuration)
        case "evaluate": return try evaluate(configuration)
        case "doctor": return try examine(configuration)
        case "keys create": return try createKey(configuration)
        case "keys list": return try listKeys(configuration)
        case "keys revoke": return try revokeKey(configuration, values.positionals.first ?? "")
        default: return try checkSchemas(configuration)
        }
    }

    private func serve(_ configuration: Configuration) throws(CommandError) -> CommandStatus {
        let options = try ServeOptions(configuration)
        if configuration.flag("print-config") {
            try console.output(configuration.report)
        } else {
            try services.serve(options, console)
        }
        return .success
    }

    /// A whole file of at most 16 MiB.
    static func readFile(_ path: String) throws(CommandError) -> [UInt8] {
        let descriptor = open(path, O_RDONLY | O_CLOEXEC)
        guard descriptor >= 0 else { throw .failure("\(path) cannot be opened: \(systemMessage()).") }
        defer { close(descriptor) }
        var bytes: [UInt8] = []
        var chunk = [UInt8](repeating: 0, count: 64 << 10)
        while true {
            let count = read(descriptor, &chunk, chunk.count)
            if count < 0, errno == EINTR { continue }
            guard count >= 0 else { throw .failure("\(path) cannot be read: \(systemMessage()).") }
            if count == 0 { return bytes }
            bytes.append(contentsOf: chunk[..<count])
            guard bytes.count <= 16 << 20 else { throw .failure("\(path) is larger than 16 MiB.") }
        }
    }
}
