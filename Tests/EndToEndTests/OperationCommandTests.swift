import CSQLite
import Foundation
import Synchronization
import Testing

/// The operator's commands on the real program: export, backup, restore, doctor.
@Suite(.serialized) struct OperationCommands {
    private func filled(_ count: Int = 800) throws -> TestFolder {
        let folder = try TestFolder()
        let server = try ServerProcess(folder)
        let sent = try Load.run(server, clients: 1, seed: 31, prefix: "o", atMost: count, until: { false })
        #expect(sent.problems.isEmpty)
        #expect(server.stop() == 0)
        return folder
    }

    private func export(_ folder: TestFolder, _ options: [String]) throws -> Child {
        try Child.run(folder, ["export", "--tenant", "demo", "--data", folder.data] + options)
    }

    @Test("An export holds every stored interaction that passes, beside a server and without one, as lines and as CSV")
    func export() throws {
        let folder = try filled(2500)
        let rows = try StoreFile(folder).interactions()
        let ids = rows.map(\.id)
        let alone = try export(folder, ["--format", "jsonl"])
        #expect(alone.status == 0, "\(alone.errors)")
        func parse(_ child: Child) throws -> [JSONValue] {
            try child.output.split(separator: "\n").map { try JSONValue(parsing: String($0)) }
        }
        #expect(try parse(alone).map { $0["id"]?.stringValue } == ids)
        let server = try ServerProcess(folder)
        let beside = try export(folder, ["--format", "jsonl"])
        #expect(beside.output == alone.output)
        #expect(beside.errors.contains("interactions exported"))
        let users = try export(folder, ["--format", "jsonl", "--user-id", "user-7", "--where", "metadata.source=load"])
        #expect(
            try parse(users).map { $0["id"]?.stringValue }
                == rows.filter { $0.user == "user-7" && $0.metadata != nil }.map(\.id))
        let file = folder.path + "/all.csv"
        #expect(try export(folder, ["--format", "csv", "--output", file, "--order", "desc"]).status == 0)
        let lines = String(decoding: TestFolder.bytes(file), as: UTF8.self).components(separatedBy: "\r\n")
        #expect(lines.count == ids.count + 2 && lines[0].hasPrefix("id,type,original_type,entity_type,entity_id,"))
        #expect(lines.dropFirst().dropLast().map { String($0.prefix { $0 != "," }) } == ids.reversed())
        #expect(!FileManager.default.fileExists(atPath: file + ".partial"))
        // A file that is there is not overwritten.
        #expect(try export(folder, ["--format", "csv", "--output", file]).status == 1)
        #expect(try export(folder, ["--format", "jsonl", "--where", "source=load"]).errors.contains("invalid_condition"))
        #expect(server.stop() == 0)
    }

    @Test("A backup under load has everything acknowledged before it began, and restores to the same contents")
    func backupUnderLoad() throws {
        let folder = try filled(3000)
        let server = try ServerProcess(folder)
        let isOver = Shared(false)
        let group = DispatchGroup()
        let before = try Load.run(server, clients: 2, seed: 77, prefix: "before", atMost: 1500, until: { false })
        group.enter()
        let thread = Thread {
            _ = try? Load.run(server, clients: 2, seed: 99, prefix: "during", until: { isOver.get() })
            group.leave()
        }
        thread.start()
        let destination = folder.path + "/backup"
        let backup = try Child.run(folder, ["backup", destination, "--data", folder.data])
        isOver.set(true)
        group.wait()
        #expect(backup.status == 0, "\(backup.errors)")
        #expect(try Child.run(folder, ["backup", destination, "--data", folder.data]).errors.contains("not empty"))
        #expect(try Child.run(folder, ["backup", destination, "--verify"]).status == 0)
        let second = folder.path + "/restored"
        let restore = try Child.run(folder, ["restore", destination, "--data", second])
        #expect(restore.status == 0, "\(restore.errors)")
        #expect(try Child.run(folder, ["restore", destination, "--data", second]).errors.contains("not empty"))
        #expect(try Child.run(folder, ["restore", destination, "--data", second, "--verify"]).status == 0)
        // The running server has gone on.
        #expect(try Child.run(folder, ["restore", destination, "--data", folder.data, "--verify"]).status == 1)
        let kept = Set(try StoreFile(second + "/tenants/demo/footfall.sqlite").interactions().map(\.id))
        #expect(before.acknowledged.isSubset(of: kept), "\(before.acknowledged.subtracting(kept).count) are missing")
        #expect(server.stop() == 0)

        // A stopped folder and its copy are the same.
        let still = folder.path + "/still"
        #expect(try Child.run(folder, ["backup", still, "--data", folder.data]).status == 0)
        let third = folder.path + "/third"
        #expect(try Child.run(folder, ["restore", still, "--data", third]).status == 0)
        #expect(try Child.run(folder, ["restore", still, "--data", folder.data, "--verify"]).status == 0)
        let doctor = try Child.run(folder, ["doctor", "--data", third, "--port", "0"])
        #expect(doctor.status == 0, "\(doctor.output)")
        // It serves, with the keys it had.
        let child = try Child(folder, ["serve", "--data", third, "--port", "0"])
        #expect(eventually { child.output.contains("Footfall is ready") }, "\(child.errors)")
        #expect(child.end(SIGTERM) == 0)
    }

    @Test("A damaged backup is found out and restores nothing")
    func damagedBackup() throws {
        let folder = try filled(500)
        let destination = folder.path + "/backup"
        #expect(try Child.run(folder, ["backup", destination, "--data", folder.data]).status == 0)
        let file = destination + "/tenants/demo/footfall.sqlite"
        var bytes = TestFolder.bytes(file)
        guard let place = bytes.firstIndex(of: UInt8(ascii: "o"), following: Array("\"source\":\"l".utf8)) else {
            Issue.record("no metadata in the file")
            return
        }
        bytes[place] = UInt8(ascii: "0")
        try TestFolder.write(bytes, to: file)
        #expect(try Child.run(folder, ["backup", destination, "--verify"]).output.contains("user_interactions"))
        let empty = folder.path + "/empty"
        #expect(try Child.run(folder, ["restore", destination, "--data", empty]).status == 1)
        #expect(!FileManager.default.fileExists(atPath: empty + "/footfall.db"))
        try FileManager.default.removeItem(atPath: destination + "/manifest.json")
        #expect(try Child.run(folder, ["restore", destination, "--data", empty]).errors.contains("manifest.json"))
    }

    /// The doctor's verdict on a folder, without the port.
    private func examine(_ folder: TestFolder, _ options: [String] = ["--port", "0"]) throws -> (
        status: Int32, problems: [String], notes: [String]
    ) {
        let child = try Child.run(folder, ["doctor", "--data", folder.data, "--json"] + options)
        let answer = try JSONValue(parsing: child.output)
        func messages(_ level: String) -> [String] {
            (answer["findings"]?.arrayValue ?? []).filter { $0["level"]?.stringValue == level }.map { finding in
                #expect(level != "problem" || finding["remedy"]?.stringValue?.isEmpty == false)
                return "\(finding["check"]?.stringValue ?? ""): \(finding["message"]?.stringValue ?? "")"
            }
        }
        #expect((answer["ok"] == true) == (child.status == 0))
        return (child.status ?? -1, messages("problem"), messages("note"))
    }

    private func expect(
        _ folder: TestFolder, problem words: [String], _ options: [String] = ["--port", "0"],
        sourceLocation: SourceLocation = #_sourceLocation
    ) throws {
        let verdict = try examine(folder, options)
        #expect(verdict.status == 1, sourceLocation: sourceLocation)
        let isFound = verdict.problems.contains { line in words.allSatisfy { line.contains($0) } }
        #expect(isFound, "\(words) is not in \(verdict.problems)", sourceLocation: sourceLocation)
    }

    @Test("The doctor finds nothing wrong with a sound folder, served or not, and changes nothing")
    func sound() throws {
        let folder = try filled()
        let verdict = try examine(folder, ["--port", "0", "--full"])
        #expect(verdict.status == 0 && verdict.problems.isEmpty, "\(verdict)")
        let server = try ServerProcess(folder)
        let served = try examine(folder)
        #expect(served.status == 0, "\(served)")
        #expect(try server.client().post("/v1/interactions", ["type": "view", "entity_id": "p", "user_id": "u"]).status == 200)
        #expect(server.stop() == 0)
    }

    @Test("The doctor names what is wrong: rights, keys, port, lock, strangers")
    func surroundings() throws {
        let folder = try filled(50)
        chmod(folder.data + "/keys.json", 0o644)
        try expect(folder, problem: ["keys: ", "keys.json"])
        chmod(folder.data + "/keys.json", 0o600)
        chmod(folder.data, 0o777)
        try expect(folder, problem: ["folder: ", "777"])
        chmod(folder.data, 0o700)
        let other = try ServerProcess(TestFolder())
        try expect(folder, problem: ["port: ", "\(other.port)"], ["--port", "\(other.port)"])
        try FileManager.default.createDirectory(atPath: folder.data + "/tenants/stranger", withIntermediateDirectories: true)
        try expect(folder, problem: ["tenant stranger", "no tenant"])
        try FileManager.default.removeItem(atPath: folder.data + "/tenants/stranger")
        #expect(try examine(folder).status == 0)
        let nowhere = try Child.run(folder, ["doctor", "--data", folder.path + "/nowhere"])
        #expect(nowhere.status == 1 && nowhere.output.contains("nowhere"))
        let server = try ServerProcess(folder)
        try FileManager.default.removeItem(atPath: folder.data + "/admin.sock")
        try expect(folder, problem: ["lock: ", "\(server.process)"])
        server.kill()
    }

    /// Changes a database as another program might.
    private static func execute(_ path: String, _ sql: String) throws {
        var handle: OpaquePointer?
        defer { sqlite3_close(handle) }
        guard sqlite3_open_v2(path, &handle, SQLITE_OPEN_READWRITE, nil) == SQLITE_OK,
            sqlite3_exec(handle, sql, nil, nil, nil) == SQLITE_OK
        else { throw TestFailure("\(path): \(sql)") }
    }

    @Test("The doctor names what is wrong with a database: header, version, pages, emptiness, plan, clock")
    func databases() throws {
        let folder = try filled(2000)
        let path = folder.tenant + "/footfall.sqlite"
        let good = TestFolder.bytes(path)
        func broken(_ place: Int, _ bytes: [UInt8], _ words: [String]) throws {
            var bad = good
            bad.replaceSubrange(place..<place + bytes.count, with: bytes)
            try TestFolder.write(bad, to: path)
            try expect(folder, problem: ["tenant demo"] + words)
        }
        try broken(0, Array("no database at all".utf8), ["store_corrupt"])
        try broken(68, [1, 2, 3, 4], ["store_corrupt"])
        try broken(60, [0, 0, 0x30, 0x39], ["store_too_new"])
        try broken(good.count / 2 / 8192 * 8192, [UInt8](repeating: 0xff, count: 4096), ["damaged"])
        try TestFolder.write([], to: path)
        try expect(folder, problem: ["tenant demo"])
        try FileManager.default.removeItem(atPath: path)
        try expect(folder, problem: ["tenant demo"])
        try TestFolder.write(good, to: path)
        #expect(try examine(folder).status == 0)

        func change(_ sql: String, _ words: [String]) throws {
            try Self.execute(path, sql)
            try expect(folder, problem: words)
            try TestFolder.write(good, to: path)
        }
        try change("UPDATE plan_versions SET document = '{\"interaction_types\": 7}'", ["tenant demo", "plan"])
        try change("UPDATE user_interactions SET received_at = received_at + 9000000000", ["clock: ", "future"])
        try change("DELETE FROM user_interactions WHERE seq > 100; DELETE FROM store_state WHERE name = 'last_position'", ["ahead of the log"])

        let registry = folder.data + "/footfall.db"
        let kept = TestFolder.bytes(registry)
        try TestFolder.write(Array(kept.prefix(100)), to: registry)
        try expect(folder, problem: ["registry"])
        try TestFolder.write(kept, to: registry)

        let snapshot = folder.tenant + "/live.snapshot"
        try TestFolder.write([1, 2, 3], to: snapshot)
        let verdict = try examine(folder)
        #expect(verdict.status == 0 && verdict.notes.contains { $0.contains("snapshot") }, "\(verdict)")
        try FileManager.default.createDirectory(atPath: folder.tenant + "/deduplication", withIntermediateDirectories: true)
        try TestFolder.write([1, 2, 3], to: folder.tenant + "/deduplication/20000-999.keys")
        try expect(folder, problem: ["remembered ids", "20000-999.keys"])
    }
}

extension [UInt8] {
    /// The place of a byte that stands right behind a text.
    fileprivate func firstIndex(of byte: UInt8, following text: [UInt8]) -> Int? {
        guard count > text.count else { return nil }
        return (0..<count - text.count).first { start in
            self[start + text.count] == byte && self[start] == text[0] && Array(self[start..<start + text.count]) == text
        }.map { $0 + text.count }
    }
}

/// A truth value that threads share.
final class Shared: Sendable {
    private let value: Mutex<Bool>
    init(_ value: Bool) { self.value = Mutex(value) }
    func get() -> Bool { value.withLock { $0 } }
    func set(_ new: Bool) { value.withLock { $0 = new } }
}
