import Glibc
import Storage
import Synchronization

@testable import Command

/// What a command wrote.
final class Transcript: Sendable {
    private let texts = Mutex((output: [UInt8](), error: [UInt8]()))

    func console(isErrorTerminal: Bool = false) -> Console {
        Console(
            isErrorTerminal: isErrorTerminal,
            output: { bytes in
                self.texts.withLock { $0.output += bytes }
                return true
            }, error: { bytes in self.texts.withLock { $0.error += bytes } })
    }

    var output: String { texts.withLock { String(decoding: $0.output, as: UTF8.self) } }
    var error: String { texts.withLock { String(decoding: $0.error, as: UTF8.self) } }
}

/// A folder that goes away with its last holder.
final class TemporaryFolder {
    let path: String

    init() {
        var template = Array("/tmp/footfall-command-XXXXXX".utf8CString)
        path = mkdtemp(&template).map { String(cString: $0) } ?? "/nowhere"
    }

    deinit { _ = shell("rm -rf '\(path)'") }

    /// Writes a file and answers its path.
    func file(_ name: String, _ bytes: some Sequence<UInt8>) -> String {
        let file = "\(path)/\(name)"
        let descriptor = open(file, O_WRONLY | O_CREAT | O_TRUNC, 0o600)
        let bytes = Array(bytes)
        _ = bytes.withUnsafeBytes { write(descriptor, $0.baseAddress, $0.count) }
        close(descriptor)
        return file
    }

    func file(_ name: String, _ text: String) -> String { file(name, text.utf8) }

    private func shell(_ command: String) -> Int32 { system(command) }
}

/// A registry in memory.
final class MemoryRegistry: Registry {
    private let state = Mutex((tenants: [Tenant](), keys: [KeyEntry]()))

    func tenants() throws(StorageError) -> [Tenant] { state.withLock { $0.tenants } }
    func add(_ tenant: Tenant) throws(StorageError) -> Bool {
        state.withLock { state in
            if state.tenants.contains(where: { $0.id == tenant.id }) { return false }
            state.tenants.append(tenant)
            return true
        }
    }
    func keys() throws(StorageError) -> [KeyEntry] { state.withLock { $0.keys } }
    func add(_ key: KeyEntry) throws(StorageError) { state.withLock { $0.keys.append(key) } }
    func revoke(_ hash: [UInt8], at time: Int64) throws(StorageError) -> Bool {
        state.withLock { state in
            let count = state.keys.count
            state.keys.removeAll { $0.hash == hash }
            return state.keys.count < count
        }
    }
    func changeToken() throws(StorageError) -> Int64 { 0 }
    func backUp(to path: String) throws(StorageError) {}
    func close() {}
}

/// A sink that keeps what it is sent, and refuses what it is told to.
final class RecordingSink: ImportSink {
    struct Sent: Sendable {
        var interactions: [String] = []
        var entities: [String] = []
        var users: [String] = []
        var batchSizes: [Int] = []
    }

    private let sent = Mutex(Sent())
    private let verdict: @Sendable (String) -> String?

    /// `verdict` answers `duplicate`, a code to refuse with, or `nil` to store.
    init(verdict: @escaping @Sendable (String) -> String? = { _ in nil }) { self.verdict = verdict }

    func send(interactions lines: [UInt8], count: Int) throws(CommandError) -> SinkAnswer {
        try take(lines, count) { $0.interactions += $1 }
    }

    func send(entities lines: [UInt8], count: Int) throws(CommandError) -> SinkAnswer {
        try take(lines, count) { $0.entities += $1 }
    }

    func send(users lines: [UInt8], count: Int) throws(CommandError) -> SinkAnswer {
        try take(lines, count) { $0.users += $1 }
    }

    func close() {}

    private func take(_ lines: [UInt8], _ count: Int, _ keep: @Sendable (inout Sent, [String]) -> Void)
        throws(CommandError) -> SinkAnswer
    {
        let texts = lines.split(separator: 10).map { String(decoding: $0, as: UTF8.self) }
        guard texts.count == count, lines.last == 10 else { throw .failure("The count is wrong.") }
        sent.withLock { sent in
            keep(&sent, texts)
            sent.batchSizes.append(count)
        }
        var answer = SinkAnswer()
        for (index, text) in texts.enumerated() {
            switch verdict(text) {
            case nil: answer.stored += 1
            case "duplicate": answer.duplicates += 1
            case let code?: answer.refusals.append(.init(index: index, code: code, message: "No."))
            }
        }
        return answer
    }

    var interactions: [String] { sent.withLock { $0.interactions } }
    var entities: [String] { sent.withLock { $0.entities } }
    var batchSizes: [Int] { sent.withLock { $0.batchSizes } }
}

/// A program over things in memory.
struct TestProgram {
    let transcript = Transcript()
    let registry = MemoryRegistry()
    var sink = RecordingSink()
    var environment: [String: String] = [:]
    var isErrorTerminal = false
    var now: Int64 = 1_750_000_000_000

    func run(_ arguments: String...) -> CommandStatus { runAll(arguments) }

    func runAll(_ arguments: [String]) -> CommandStatus {
        let (registry, sink, now) = (registry, sink, now)
        let services = Program.Services(
            serve: { (options, console) throws(CommandError) in try console.output("serving on \(options.port)") },
            openRegistry: { _ in registry },
            makeKey: { tenant, scope, now in
                ("key-of-\(tenant)", KeyEntry(hash: [0x0a, 0xbc], tenant: tenant, scope: scope, createdAt: now))
            },
            revokeKey: { (_, key, now) throws(CommandError) in _ = try? registry.revoke(key.hash, at: now) },
            openSink: { _, _ in sink },
            checkPair: { line in line.elementsEqual("bad".utf8) ? nil : "valid" })
        return Program(
            console: transcript.console(isErrorTerminal: isErrorTerminal), environment: environment,
            services: services, processors: 2, clock: { now }
        ).run(arguments)
    }
}

/// Reads a source to its end: the records' JSON, with malformed lines as `!line`.
func drain(_ source: consuming some ImportSource) throws -> [String] {
    var source = source
    var record = ImportRecord()
    var texts: [String] = []
    while true {
        switch try source.next(into: &record) {
        case .end: return texts
        case .malformed(let line, _): texts.append("!\(line)")
        case .record: texts.append(String(decoding: record.json, as: UTF8.self))
        }
    }
}
