import JSON
import Synchronization
import Testing

@testable import Command

@Suite("An import")
struct ImportTests {
    private let folder = TemporaryFolder()

    private func lines(_ count: Int, persons: Int = 17) -> String {
        (0..<count).map { #"{"id":"\#($0)","type":"view","entity_id":"e","user_id":"u\#($0 % persons)"}"# }
            .joined(separator: "\n")
    }

    @Test("everything arrives once, in batches of at most 1,000, and each person's in order")
    func order() throws {
        let program = TestProgram()
        let path = folder.file("x.jsonl", lines(25_000))
        #expect(program.run("import", "--tenant", "t", "--format", "jsonl", "--json", path) == .success)
        let sent = try program.sink.interactions.map { try JSONValue(parsing: $0) }
        #expect(sent.count == 25_000)
        #expect(program.sink.batchSizes.allSatisfy { $0 <= 1000 })
        #expect(program.sink.batchSizes.count <= 25 + Importer.laneCount)
        var last: [String: Int] = [:]
        for value in sent {
            let user = try #require(value["user_id"]?.stringValue)
            let id = try #require(value["id"]?.stringValue.flatMap { Int($0) })
            #expect(id > last[user] ?? -1)
            last[user] = id
        }
        let result = try JSONValue(parsing: program.transcript.output)
        #expect(result["read"] == 25_000)
        #expect(result["tracked"] == 25_000)
        #expect(result["duplicates"] == 0)
        #expect(result["rejected"] == 0)
        #expect(result["entities"] == 0)
        #expect(
            result.objectValue?.keys == [
                "read", "tracked", "duplicates", "rejected", "entities", "users", "seconds", "rate",
            ])
        #expect(program.transcript.error.isEmpty)
    }

    @Test("refused and malformed records are counted, the first 10 shown with their lines, and the status is 1")
    func problems() throws {
        var program = TestProgram()
        program.sink = RecordingSink { text in
            if text.contains(#""id":"5""#) { return "duplicate" }
            return text.contains("\"e\"") ? nil : "bad_entity"
        }
        let text = (0..<40).map { index in
            index % 2 == 0 ? "{\"id\":\"\(index)\"}" : "{\"id\":\"\(index)\",\"x\":\"e\"}"
        }
        let path = folder.file("x.jsonl", (text + ["oops"]).joined(separator: "\n"))
        #expect(program.run("import", "--tenant", "t", "--format", "jsonl", path) == .failure)
        let errors = program.transcript.error.split(separator: "\n").map { String($0) }
        #expect(errors.count == 11)
        for (index, line) in errors.prefix(10).enumerated() {
            #expect(line == "line \(2 * index + 1): bad_entity: No.")
        }
        #expect(errors.last == "… and 11 more records rejected.")
        #expect(program.transcript.output.hasPrefix("41 read, 19 tracked, 1 duplicate, 21 rejected in "))
        #expect(program.run("import", "--tenant", "t", "--format", "jsonl", "--allow-errors", path) == .success)
    }

    @Test("entities are stored before the first interaction is sent")
    func entitiesFirst() throws {
        let order = Mutex<[Bool]>([])
        var program = TestProgram()
        program.sink = RecordingSink { text in
            order.withLock { $0.append(text.contains("\"title\"")) }
            return nil
        }
        _ = folder.file("u.genre", "unknown|0\n")
        _ = folder.file("u.item", (1...3000).map { "\($0)|Film|||x|1\n" }.joined())
        _ = folder.file("u.data", (1...3000).map { "1\t\($0)\t3\t\($0)\n" }.joined())
        #expect(program.run("import", "--tenant", "t", "--format", "movielens", folder.path) == .success)
        let seen = order.withLock { $0 }
        #expect(seen.count == 6000)
        #expect(seen.firstIndex(of: false) == 3000)
        #expect(program.transcript.output.hasPrefix("6,000 read, 3,000 tracked, 3,000 entities stored, 0 rejected in "))
    }

    @Test("--shift-time makes the newest time now and keeps the distances")
    func shift() throws {
        var program = TestProgram()
        program.now = 1_750_000_000_000
        let path = folder.file(
            "s.txt", "SessionId\tItemId\tTime\n1\ta\t1000.5\n1\tb\t1002\n2\tc\t900\n")
        #expect(program.run("import", "--tenant", "t", "--format", "sessions", "--shift-time", path) == .success)
        let times = try program.sink.interactions.map { try JSONValue(parsing: $0) }
        func time(_ item: String) -> String? {
            times.first { $0["entity_id"]?.stringValue == item }?["occurred_at"]?.stringValue
        }
        #expect(time("b") == "2025-06-15T15:06:40.000Z")
        #expect(time("a") == "2025-06-15T15:06:38.500Z")
        #expect(time("c") == "2025-06-15T15:04:58.000Z")
    }

    @Test(
        "what does not go together is refused before anything is sent",
        arguments: [
            ("sessions", ["--entities"], "file", CommandStatus.usage, "--entities does not go with --format sessions"),
            ("jsonl", ["--entities", "--shift-time"], "file", .usage, "--shift-time does not go with --entities"),
            ("movielens", [], "-", .usage, "needs the folder's path"),
            ("csv", ["--shift-time"], "-", .usage, "reads the file twice"),
            ("movielens", [], "file", .failure, "is a file; --format movielens needs the folder"),
            ("jsonl", [], "folder", .failure, "is a folder; --format jsonl needs a file"),
            ("jsonl", [], "nowhere", .failure, "cannot be found: No such file or directory"),
        ])
    func combinations(format: String, flags: [String], place: String, status: CommandStatus, sentence: String) {
        let paths = ["file": folder.file("x", "\n"), "folder": folder.path, "-": "-", "nowhere": "/nowhere/x"]
        let program = TestProgram()
        let arguments = ["import", "--tenant", "t", "--format", format] + flags + [paths[place] ?? ""]
        #expect(program.runAll(arguments) == status)
        #expect(program.transcript.error.contains(sentence), "\(program.transcript.error)")
        #expect(program.sink.batchSizes.isEmpty)
    }

    @Test("a tenant's id is a plain word", arguments: ["", "../x", "A", "a b", "-x", "a\r\nX: y"])
    func tenants(id: String) {
        let program = TestProgram()
        let path = folder.file("x", "\n")
        #expect(program.runAll(["import", "--tenant=\(id)", "--format", "jsonl", path]) == .usage)
    }

    @Test("a sink that fails stops the import with its sentence")
    func failingSink() {
        final class FailingSink: ImportSink {
            func send(interactions lines: [UInt8], count: Int) throws(CommandError) -> SinkAnswer {
                throw .failure("The disk is full.")
            }
            func send(entities lines: [UInt8], count: Int) throws(CommandError) -> SinkAnswer { SinkAnswer() }
            func send(users lines: [UInt8], count: Int) throws(CommandError) -> SinkAnswer { SinkAnswer() }
            func close() {}
        }
        let transcript = Transcript()
        let importer = Importer(sink: FailingSink(), console: transcript.console(), seconds: { 0 })
        let error = #expect(throws: CommandError.self) {
            try importer.run(
                JSONLinesSource(path: folder.file("x.jsonl", lines(20_000)), kind: .interaction, shift: 0))
        }
        #expect(error?.message == "The disk is full.")
    }

    @Test("progress is a bar on a terminal and lines elsewhere")
    func progress() {
        for isTerminal in [true, false] {
            let transcript = Transcript()
            let now = Mutex(0.0)
            var progress = ImportProgress(
                console: transcript.console(isErrorTerminal: isTerminal), seconds: { now.withLock { $0 } })
            var report = ImportReport()
            report.read = 50_000
            progress.show(fraction: 0.5) { report }
            #expect(transcript.error.isEmpty)
            now.withLock { $0 = 5 }
            progress.show(fraction: 0.5) { report }
            progress.clear()
            if isTerminal {
                let bar = String(repeating: "#", count: 15) + String(repeating: ".", count: 15)
                #expect(transcript.error == "\r\u{1B}[K[\(bar)] 50 %, 50,000 read, 10,000/s\r\u{1B}[K")
            } else {
                #expect(transcript.error == "50 %, 50,000 read, 10,000/s\n")
            }
        }
        #expect(ImportProgress.text(fraction: nil, ImportReport(), hasBar: true) == "0 read, 0/s")
    }
}
