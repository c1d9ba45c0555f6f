import Foundation

/// The program itself, as a child of the test.
final class ServerProcess: @unchecked Sendable {
    let folder: TestFolder
    let port: UInt16
    /// What it printed once it was ready.
    let welcome: String
    /// Seconds from its start until it said that it is ready.
    let startSeconds: Double
    private let child: Child

    /// Starts a server on a free port, with its data in the test's folder, and waits until it is ready.
    init(_ folder: TestFolder, _ options: [String] = [], shell: String? = nil) throws {
        self.folder = folder
        let start = seconds()
        // A model that trains by itself would change lists under a test's hands.
        let quiet = options.contains("--training-seconds") ? [] : ["--training-seconds", "0"]
        let arguments = ["serve", "--data", folder.data, "--port", "0", "--log-level", "info"] + quiet + options
        child = try Child(folder, arguments, shell: shell)
        let mark = "Footfall is ready on http://127.0.0.1:"
        while true {
            let output = child.output
            if let place = output.range(of: mark), output.hasSuffix("\n") {
                guard let port = UInt16(output[place.upperBound...].prefix { $0.isNumber }) else {
                    throw TestFailure("There is no port in: \(output)")
                }
                self.port = port
                welcome = output
                break
            }
            if let status = child.status {
                throw TestFailure("The server ended with \(status) before it was ready: \(child.errors)")
            }
            if seconds() - start > 180 {
                throw TestFailure("The server was not ready within three minutes: \(child.errors)")
            }
            usleep(5000)
        }
        startSeconds = seconds() - start
    }

    var process: pid_t { child.process }
    /// Its log so far.
    var errors: String { child.errors }
    /// Everything it printed.
    var output: String { child.output }

    /// Asks it to end and waits; its exit status.
    @discardableResult
    func stop() -> Int32 { child.end(SIGTERM) }

    /// Ends it between two instructions.
    func kill() { child.end(SIGKILL) }

    /// Keys of the demo tenant.
    var keys: Keys { get throws { try Keys(folder) } }

    /// A client of its own connection with the secret key.
    func client() throws -> Client { Client(port: port, key: try keys.secret) }
    /// The same with the write key.
    func writer() throws -> Client { Client(port: port, key: try keys.write) }
}

/// The keys of the demo tenant as they lie in the data folder.
struct Keys {
    let write: String
    let secret: String

    init(_ folder: TestFolder) throws {
        let path = folder.data + "/keys.json"
        guard let object = try JSONSerialization.jsonObject(with: Data(TestFolder.bytes(path))) as? [String: Any],
            let demo = object["demo"] as? [String: String], let write = demo["write"], let secret = demo["secret"]
        else { throw TestFailure("\(path) holds no keys") }
        (self.write, self.secret) = (write, secret)
    }
}

/// A run of the program, its output in files.
final class Child: @unchecked Sendable {
    let process: pid_t
    private let outputPath: String
    private let errorPath: String
    private var ended: Int32?

    /// Starts the program, or a shell that ends in the program when `shell` says what to do before it.
    init(_ folder: TestFolder, _ arguments: [String], shell: String? = nil, environment: [String: String] = [:]) throws
    {
        let number = folder.nextNumber()
        outputPath = "\(folder.path)/output-\(number)"
        errorPath = "\(folder.path)/errors-\(number)"
        let program: String
        let words: [String]
        if let shell {
            program = "/bin/bash"
            words = ["bash", "-c", "\(shell); exec \"$0\" \"$@\"", Child.binary] + arguments
        } else {
            program = Child.binary
            words = [Child.binary] + arguments
        }
        var actions = posix_spawn_file_actions_t()
        posix_spawn_file_actions_init(&actions)
        defer { posix_spawn_file_actions_destroy(&actions) }
        posix_spawn_file_actions_addopen(&actions, 0, "/dev/null", O_RDONLY, 0)
        posix_spawn_file_actions_addopen(&actions, 1, outputPath, O_WRONLY | O_CREAT | O_TRUNC, 0o600)
        posix_spawn_file_actions_addopen(&actions, 2, errorPath, O_WRONLY | O_CREAT | O_TRUNC, 0o600)
        // Nothing of the test's own stays open in the program: Foundation's files would.
        for descriptor: Int32 in 3..<1024 where fcntl(descriptor, F_GETFD) == 0 {
            _ = fcntl(descriptor, F_SETFD, FD_CLOEXEC)
        }
        var attributes = posix_spawnattr_t()
        posix_spawnattr_init(&attributes)
        defer { posix_spawnattr_destroy(&attributes) }
        var none = sigset_t()
        sigemptyset(&none)
        posix_spawnattr_setsigmask(&attributes, &none)
        posix_spawnattr_setflags(&attributes, Int16(POSIX_SPAWN_SETSIGMASK))
        var pointers = words.map { strdup($0) } + [nil]
        defer { for pointer in pointers { free(pointer) } }
        // The tests' own variables are no settings of the program, which refuses unknown ones.
        var variables =
            ProcessInfo.processInfo.environment.filter { !$0.key.hasPrefix("FOOTFALL_") }
            .merging(environment) { _, new in new }.map { strdup("\($0.key)=\($0.value)") } + [nil]
        defer { for variable in variables { free(variable) } }
        var process: pid_t = 0
        let result = posix_spawn(&process, program, &actions, &attributes, &pointers, &variables)
        guard result == 0 else {
            throw TestFailure("\(program) cannot be started: \(String(cString: strerror(result)))")
        }
        self.process = process
    }

    deinit { if status == nil { end(SIGKILL) } }

    /// The program under test.
    static let binary: String = {
        if let path = ProcessInfo.processInfo.environment["FOOTFALL_BINARY"] { return path }
        // Next to the test bundle.
        let own = URL(filePath: CommandLine.arguments.first ?? "").deletingLastPathComponent().path + "/footfall"
        return FileManager.default.isExecutableFile(atPath: own)
            ? own : FileManager.default.currentDirectoryPath + "/.build/debug/footfall"
    }()

    var output: String { String(decoding: TestFolder.bytes(outputPath), as: UTF8.self) }
    var errors: String { String(decoding: TestFolder.bytes(errorPath), as: UTF8.self) }

    /// How it ended; the signal's negative number when one ended it, `nil` while it runs.
    var status: Int32? {
        if let ended { return ended }
        var raw: Int32 = 0
        guard waitpid(process, &raw, WNOHANG) == process else { return nil }
        let signal = raw & 0x7f
        ended = signal == 0 ? (raw >> 8) & 0xff : -signal
        return ended
    }

    /// Waits for its end; kills it when that takes longer than `limit` seconds.
    @discardableResult
    func wait(_ limit: Double = 180) -> Int32 {
        let end = seconds() + limit
        while seconds() < end {
            if let status { return status }
            usleep(2000)
        }
        Foundation.kill(process, SIGKILL)
        while status == nil { usleep(2000) }
        return status ?? -9
    }

    @discardableResult
    func end(_ signal: Int32) -> Int32 {
        if let status { return status }
        Foundation.kill(process, signal)
        return wait()
    }

    /// Runs a command to its end.
    static func run(_ folder: TestFolder, _ arguments: [String], limit: Double = 300) throws -> Child {
        let child = try Child(folder, arguments)
        child.wait(limit)
        return child
    }
}
