internal import Glibc
internal import JSON

/// How an export is written.
enum ExportFormat: String, CaseIterable {
    case csv, jsonl
}

extension Program {
    private static let exportFilters = [
        "from", "to", "user-id", "anonymous-id", "session-id", "entity-type", "entity-id", "type", "context", "order",
    ]

    /// Streams interactions page by page: what is held in memory does not grow with what is exported.
    func export(_ configuration: Configuration) throws(CommandError) -> CommandStatus {
        let tenant = try Program.tenant(configuration)
        guard let format = configuration.text("format").flatMap({ ExportFormat(rawValue: $0) }) else {
            throw .usage("--format must be \(ExportFormat.allCases.map(\.rawValue).joinedAlternatives).")
        }
        var query = "/v1/interactions?format=ndjson&limit=1000"
        for name in Program.exportFilters {
            let standard = name == "order" ? "asc" : nil
            guard let value = configuration.text(name) ?? standard else { continue }
            query += "&\(name.replacing("-", with: "_"))=\(Program.percentEncoded(value))"
        }
        for condition in configuration.list("where") { query += "&where=\(Program.percentEncoded(condition))" }
        let session = try FolderSession(folder: configuration.text("data", or: "./data"))
        defer { session.close() }
        let output = try ExportOutput(path: configuration.text("output"), console: console)
        if format == .csv { try output.write(InteractionCSV.header) }
        var progress = ExportProgress(console: console, seconds: Program.monotonicSeconds)
        let csv = InteractionCSV()
        var cursor: String?
        repeat {
            let path = query + (cursor.map { "&cursor=\($0)" } ?? "")
            let text = try session.send("GET", path, tenant: tenant)
            let (rows, last) = try Program.splitLastLine(text)
            cursor = last["next_cursor"]?.stringValue
            let lines = rows.split(separator: 10)
            switch format {
            case .jsonl: if !rows.isEmpty { try output.write(Array(rows)) }
            case .csv: try output.write(try csv.records(lines))
            }
            progress.show(rows: lines.count)
        } while cursor != nil
        progress.clear()
        try output.finish()
        console.error(progress.sentence)
        return .success
    }

    /// The lines of interactions, and the last one, which says how to go on.
    private static func splitLastLine(_ text: [UInt8]) throws(CommandError) -> (ArraySlice<UInt8>, JSONValue) {
        let body = text.last == 10 ? text.dropLast() : text[...]
        let start = (body.lastIndex(of: 10) ?? -1) + 1
        guard let last = try? JSONValue(parsing: Array(body[start...])), last["complete"] != nil else {
            throw .failure("The server's answer cannot be understood; is it of the same version?")
        }
        return (body[..<start], last)
    }

    static func percentEncoded(_ text: String) -> String {
        let hex = Array("0123456789ABCDEF".utf8)
        var bytes: [UInt8] = []
        for byte in text.utf8 {
            switch byte {
            case 48...57, 65...90, 97...122, 45, 46, 95, 126: bytes.append(byte)
            default: bytes += [37, hex[Int(byte >> 4)], hex[Int(byte & 15)]]
            }
        }
        return String(decoding: bytes, as: UTF8.self)
    }
}

/// Where an export goes: standard output, or a file that has its name only once it is whole.
private final class ExportOutput {
    private let path: String?
    private let console: Console
    private var descriptor: Int32 = -1
    private var partial: String { (path ?? "") + ".partial" }

    init(path: String?, console: Console) throws(CommandError) {
        self.path = path == "-" ? nil : path
        self.console = console
        guard let path = self.path else { return }
        guard access(path, F_OK) != 0 else {
            throw .failure("\(path) is there already; name another file, or remove it first.")
        }
        descriptor = open(path + ".partial", O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0o600)
        guard descriptor >= 0 else { throw .failure("\(path) cannot be written: \(systemMessage()).") }
    }

    deinit {
        guard descriptor >= 0 else { return }
        close(descriptor)
        unlink(partial)
    }

    func write(_ bytes: [UInt8]) throws(CommandError) {
        guard descriptor >= 0 else { return try console.output(bytes) }
        guard Console.writeAll(bytes, to: descriptor) else {
            throw .failure("\(path ?? "") cannot be written: \(systemMessage()).")
        }
    }

    func finish() throws(CommandError) {
        guard let path, descriptor >= 0 else { return }
        guard fsync(descriptor) == 0, close(descriptor) == 0, rename(partial, path) == 0 else {
            throw .failure("\(path) cannot be written: \(systemMessage()).")
        }
        descriptor = -1
    }
}

/// Shows how many interactions have been written: drawn over on a terminal, a line every few seconds elsewhere.
private struct ExportProgress {
    private let console: Console
    private let seconds: @Sendable () -> Double
    private let start: Double
    private var shown: Double
    private var isDrawn = false
    private var rows = 0

    init(console: Console, seconds: @escaping @Sendable () -> Double) {
        self.console = console
        self.seconds = seconds
        start = seconds()
        shown = start
    }

    mutating func show(rows added: Int) {
        rows += added
        let now = seconds()
        guard now - shown >= (console.isErrorTerminal ? 0.1 : 5) else { return }
        shown = now
        let text = "\(rows.grouped) interactions, \(Int(Double(rows) / max(now - start, 0.001)).grouped)/s"
        if console.isErrorTerminal {
            console.errorText("\r\u{1B}[K" + text)
            isDrawn = true
        } else {
            console.error(text)
        }
    }

    mutating func clear() {
        if isDrawn { console.errorText("\r\u{1B}[K") }
        isDrawn = false
    }

    var sentence: String {
        let elapsed = seconds() - start
        let text = String(Int(elapsed * 10) / 10) + "." + String(Int(elapsed * 10) % 10)
        return "\(rows.counted("interaction", "interactions")) exported in \(text) s."
    }
}

/// Interactions as records of CSV (RFC 4180).
final class InteractionCSV {
    private static let columns: [StaticString] = [
        "id", "type", "original_type", "entity_type", "entity_id", "user_id", "anonymous_id", "session_id", "context",
        "occurred_at", "received_at", "list_id", "value", "metadata",
    ]
    private let parser = JSONParser()

    /// The line that names the columns.
    static var header: [UInt8] { Array((columns.map { "\($0)" }.joined(separator: ",") + "\r\n").utf8) }

    /// A record for each line with an interaction.
    func records(_ lines: [ArraySlice<UInt8>]) throws(CommandError) -> [UInt8] {
        var text: [UInt8] = []
        for line in lines {
            guard let view = try? parser.parse(Array(line)) else {
                throw .failure("The server's answer cannot be understood; is it of the same version?")
            }
            for (index, column) in InteractionCSV.columns.enumerated() {
                if index > 0 { text.append(UInt8(ascii: ",")) }
                guard let field = view.member(column) else { continue }
                InteractionCSV.append(field.string ?? field.raw, &text)
            }
            text += [13, 10]
        }
        return withExtendedLifetime(parser) { text }
    }

    private static func append(_ field: UnsafeRawBufferPointer, _ text: inout [UInt8]) {
        guard field.contains(where: { $0 == 34 || $0 == 44 || $0 == 10 || $0 == 13 }) else {
            text += field
            return
        }
        text.append(34)
        for byte in field {
            if byte == 34 { text.append(34) }
            text.append(byte)
        }
        text.append(34)
    }
}
