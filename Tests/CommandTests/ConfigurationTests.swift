import API
import Testing

@testable import Command

@Suite("The configuration")
struct ConfigurationTests {
    private let folder = TemporaryFolder()

    private func options(_ arguments: [String], environment: [String: String] = [:]) throws -> ServeOptions {
        try ServeOptions(configuration(arguments, environment: environment))
    }

    private func configuration(_ arguments: [String], environment: [String: String] = [:]) throws -> Configuration {
        let commands = CommandDeclaration.all(processors: 3)
        guard case .command(let command, let values) = try ArgumentReader(commands: commands).read(arguments) else {
            throw CommandError.usage("no command")
        }
        return try Configuration(
            command, flags: values, environment: environment, known: commands, readFile: Program.readFile)
    }

    @Test("nobody sets anything: the documented defaults")
    func defaults() throws {
        let options = try options(["serve"])
        #expect(options.dataFolder == "./data")
        #expect(options.host == "127.0.0.1")
        #expect(options.port == 8080)
        #expect(options.planFile == nil)
        #expect(options.threads == 6)
        #expect(options.maximumConnections == 4096)
        #expect(options.timeoutSeconds == 30)
        #expect(options.maximumHeaderBytes == 10240)
        #expect(options.queuedInteractions == 200_000)
        #expect(options.queuedBytes == 256 << 20)
        #expect(options.corsOrigins == ["*"])
        #expect(!options.hasPrivateMetrics)
        #expect(options.logLevel == .info)
        #expect(options.makesDemo)
        #expect(options.snapshotSeconds == 300)
        #expect(options.taskSeconds[.cleanUp] == 3600)
    }

    @Test("flags win over the environment, that over the file, that over the defaults")
    func precedence() throws {
        let file = folder.file("footfall.json", #"{"port": 1, "host": "h1", "timeout": 11, "log_level": "debug"}"#)
        let environment = ["FOOTFALL_PORT": "2", "FOOTFALL_HOST": "h2", "PATH": "/bin"]
        let configuration = try configuration(
            ["serve", "--config", file, "--port", "3"], environment: environment)
        let options = try ServeOptions(configuration)
        #expect(options.port == 3)
        #expect(options.host == "h2")
        #expect(options.timeoutSeconds == 11)
        #expect(options.logLevel == .debug)
        #expect(options.threads == 6)
        func origin(_ name: String) -> String? {
            configuration.settings.first { $0.option.name == name }?.origin.description
        }
        #expect(origin("port") == "flag --port")
        #expect(origin("host") == "environment FOOTFALL_HOST")
        #expect(origin("timeout") == "file \(file)")
        #expect(origin("threads") == "default")
    }

    @Test("every option can be set by its variable and by its key, and arrives")
    func everyOption() throws {
        let values: [(String, String, (ServeOptions) -> Bool)] = [
            ("data", "\"d\"", { $0.dataFolder == "d" }), ("host", "\"::1\"", { $0.host == "::1" }),
            ("port", "9", { $0.port == 9 }), ("plan", "\"p.json\"", { $0.planFile == "p.json" }),
            ("threads", "7", { $0.threads == 7 }), ("max-connections", "8", { $0.maximumConnections == 8 }),
            ("timeout", "5", { $0.timeoutSeconds == 5 }),
            ("max-header-bytes", "9000", { $0.maximumHeaderBytes == 9000 }),
            ("queue-interactions", "10", { $0.queuedInteractions == 10 }),
            ("queue-bytes", "\"1MiB\"", { $0.queuedBytes == 1 << 20 }),
            ("cors-origin", "[\"https://a\",\"https://b\"]", { $0.corsOrigins == ["https://a", "https://b"] }),
            ("private-metrics", "true", { $0.hasPrivateMetrics }),
            ("log-level", "\"error\"", { $0.logLevel == .error }), ("no-demo", "true", { !$0.makesDemo }),
            ("snapshot-seconds", "2", { $0.snapshotSeconds == 2 }),
            ("popularity-seconds", "5", { $0.taskSeconds[.productPopularity] == 5 }),
            ("preferences-seconds", "6", { $0.taskSeconds[.userPreferences] == 6 }),
            ("similarity-seconds", "7", { $0.taskSeconds[.itemSimilarity] == 7 }),
            ("training-seconds", "0", { $0.taskSeconds[.modelTraining] == 0 }),
            ("cleanup-seconds", "4", { $0.taskSeconds[.cleanUp] == 4 }),
        ]
        let declared = ServeOptions.declarations(processors: 2).compactMap { $0.fileKey == nil ? nil : $0.name }
        #expect(Set(values.map(\.0) + ["store"]) == Set(declared))
        for (name, json, arrived) in values {
            let key = name.replacing("-", with: "_")
            let file = folder.file("one.json", "{\"\(key)\": \(json)}")
            #expect(arrived(try options(["serve", "--config=\(file)"])), "\(name) in the file")
            let text = json.filter { !"[]\"".contains($0) }
            let environment = ["FOOTFALL_" + key.uppercased(): text]
            #expect(arrived(try options(["serve"], environment: environment)), "\(name) in the environment")
            let flags = text == "true" ? ["serve", "--\(name)"] : ["serve", "--\(name)", text]
            #expect(arrived(try options(flags)), "\(name) on the command line")
        }
    }

    @Test("FOOTFALL_CONFIG names the file, and an empty variable counts as not set")
    func fileFromEnvironment() throws {
        let file = folder.file("footfall.json", "{\"port\": 4}")
        #expect(try options(["serve"], environment: ["FOOTFALL_CONFIG": file]).port == 4)
        #expect(try options(["serve"], environment: ["FOOTFALL_PORT": "", "FOOTFALL_CONFIG": ""]).port == 8080)
        #expect(try configuration(["keys", "list"], environment: ["FOOTFALL_DATA": "x"]).text("data") == "x")
    }

    @Test(
        "what is unknown or of the wrong kind is refused by name",
        arguments: [
            (#"{"prot": 1}"#, "The key \"prot\" in", "Did you mean \"port\"?"),
            (#"{"port": 1, "host": "::1", "port": 2}"#, "The key \"port\" is given twice in", "leave one of them out"),
            (#"{"config": "x"}"#, "The key \"config\" in", "is not known."),
            (#"{"print_config": true}"#, "The key \"print_config\" in", "is not known."),
            (#"{"port": "1"}"#, "\"port\" in", "must be a whole number."),
            (#"{"port": 1.5}"#, "\"port\" in", "must be a whole number."),
            (#"{"port": 70000}"#, "\"port\" in", "must be a whole number from 0 to 65535"),
            (#"{"no_demo": "yes"}"#, "\"no_demo\" in", "must be true or false."),
            (#"{"cors_origin": [1]}"#, "\"cors_origin\" in", "must be a list of texts."),
            (#"[1]"#, "must hold one JSON object", ""), (#"{"port": }"#, "cannot be read as JSON", ""),
        ])
    func wrongFiles(text: String, first: String, second: String) throws {
        let file = folder.file("wrong.json", text)
        let error = #expect(throws: CommandError.self) { try options(["serve", "--config", file]) }
        #expect(error?.status == .usage)
        #expect(error?.message.contains(first) == true, "\(error?.message ?? "")")
        #expect(error?.message.contains(second) == true, "\(error?.message ?? "")")
    }

    @Test("an unknown FOOTFALL_ variable is refused by name")
    func unknownVariable() {
        let error = #expect(throws: CommandError.self) {
            try options(["serve"], environment: ["FOOTFALL_PROT": "1", "OTHER": "2"])
        }
        #expect(error?.message.contains("FOOTFALL_PROT is not known. Did you mean FOOTFALL_PORT?") == true)
        let wrong = #expect(throws: CommandError.self) {
            try options(["serve"], environment: ["FOOTFALL_NO_DEMO": "maybe"])
        }
        #expect(wrong?.message == "FOOTFALL_NO_DEMO must be true or false; it is \"maybe\".")
    }

    @Test("a file that is not there is a clear failure")
    func missingFile() {
        let error = #expect(throws: CommandError.self) { try options(["serve", "--config", "/nowhere/x.json"]) }
        #expect(error?.message.contains("/nowhere/x.json cannot be opened: No such file") == true)
    }

    @Test("a shared store is refused wherever it is named", arguments: [0, 1, 2])
    func store(place: Int) {
        let url = "postgres://localhost/x"
        let file = folder.file("store.json", "{\"store\": \"\(url)\"}")
        let error = #expect(throws: CommandError.self) {
            switch place {
            case 0: try options(["serve", "--store", url])
            case 1: try options(["serve"], environment: ["FOOTFALL_STORE": url])
            default: try options(["serve", "--config", file])
            }
        }
        #expect(error?.message.contains("--store is not available in this version") == true)
    }

    @Test("--print-config shows every setting with its origin and does not serve")
    func printing() {
        var program = TestProgram()
        program.environment = ["FOOTFALL_HOST": "0.0.0.0"]
        #expect(program.run("serve", "--print-config", "--port=0") == .success)
        let lines = program.transcript.output.split(separator: "\n").map { line in
            line.split(separator: " ").joined(separator: " ")
        }
        #expect(lines.contains("host 0.0.0.0 environment FOOTFALL_HOST"))
        #expect(lines.contains("port 0 flag --port"))
        #expect(lines.contains("plan - default"))
        #expect(lines.contains("log-level info default"))
        #expect(!program.transcript.output.contains("serving"))
        let other = TestProgram()
        #expect(other.run("serve", "--port=0") == .success)
        #expect(other.transcript.output == "serving on 0\n")
    }
}
