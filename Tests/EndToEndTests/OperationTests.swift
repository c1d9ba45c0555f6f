import Foundation
import Synchronization
import Testing

/// What an operator meets when something is in the way.
@Suite(.serialized) struct Operations {
    /// Starts a server that cannot start: it ends with a status of its own and one sentence.
    private func expectRefusal(
        _ folder: TestFolder, port: UInt16 = 0, data: String? = nil, shell: String? = nil, saying words: [String],
        sourceLocation: SourceLocation = #_sourceLocation
    ) throws {
        let child = try Child(
            folder, ["serve", "--data", data ?? folder.data, "--port", "\(port)"], shell: shell)
        let status = child.wait()
        // The log on the same stream is JSON lines; what is for people is not.
        let sentences = child.errors.split(separator: "\n").filter { !$0.hasPrefix("{") }
        #expect(status > 0 && status < 126, "\(status): \(child.errors)", sourceLocation: sourceLocation)
        #expect(sentences.count == 1, "\(child.errors)", sourceLocation: sourceLocation)
        let sentence = String(sentences.first ?? "")
        #expect(sentence.hasPrefix("footfall: "), "\(sentence)", sourceLocation: sourceLocation)
        for word in words {
            #expect(sentence.contains(word), "\"\(word)\" is not in: \(sentence)", sourceLocation: sourceLocation)
        }
        #expect(child.output.isEmpty, "\(child.output)", sourceLocation: sourceLocation)
    }

    /// A data folder with some interactions in it, its server stopped.
    private func filled(_ count: Int = 600, snapshot: Bool = true) throws -> TestFolder {
        let folder = try TestFolder()
        let server = try ServerProcess(folder)
        let sent = try Load.run(server, clients: 1, seed: 3, prefix: "f", atMost: count, until: { false })
        #expect(sent.problems.isEmpty)
        #expect(server.stop() == 0)
        if !snapshot {
            for path in TestFolder.files(below: folder.tenant) where path.hasSuffix(".snapshot") {
                try FileManager.default.removeItem(atPath: path)
            }
        }
        return folder
    }

    /// Every file of the data folder apart from the lock and the search index, which follows the log by itself, with its
    /// bytes.
    private func contents(_ folder: TestFolder) -> [String: [UInt8]] {
        var contents: [String: [UInt8]] = [:]
        for path in TestFolder.files(below: folder.data)
        where !path.hasSuffix("/.lock") && !path.hasSuffix("-shm") && !path.contains("/search.sqlite") {
            contents[path] = TestFolder.bytes(path)
        }
        return contents
    }

    private func store(_ folder: TestFolder) -> String { folder.tenant + "/footfall.sqlite" }

    @Test("A port in use is named, and the data folder is untouched")
    func portInUse() throws {
        let first = try ServerProcess(TestFolder())
        let folder = try filled(50)
        let before = contents(folder)
        try expectRefusal(folder, port: first.port, saying: ["\(first.port)", "port_in_use"])
        let isSame = contents(folder) == before
        #expect(isSame)
        #expect(try first.client().get("/healthz").status == 200)
        // The refused start left no lock behind.
        #expect(try ServerProcess(folder).stop() == 0)
    }

    @Test("A data folder that cannot be written is named")
    func unwritable() throws {
        let folder = try TestFolder()
        let file = try folder.write("file", "not a folder")
        try expectRefusal(folder, data: file, saying: [file, "not a folder"])
        try expectRefusal(folder, data: file + "/below", saying: [file, "not a folder"])
        #expect(String(decoding: TestFolder.bytes(file), as: UTF8.self) == "not a folder")
        guard let user = asNobody(folder) else {
            print("unwritable: skipped as nobody else")
            return
        }
        let owned = folder.path + "/owned"
        try FileManager.default.createDirectory(
            atPath: owned, withIntermediateDirectories: true, attributes: [.posixPermissions: 0o755])
        try expectRefusal(folder, data: owned, shell: user, saying: [owned])
        try expectRefusal(folder, data: owned + "/new", shell: user, saying: [owned])
        // A folder that was written before and is somebody else's now.
        let filled = try filled(20)
        for path in [filled.path, filled.data, filled.data + "/tenants", filled.tenant] { chmod(path, 0o755) }
        for path in TestFolder.files(below: filled.data) { chmod(path, 0o644) }
        try expectRefusal(filled, shell: user, saying: [filled.data])
    }

    /// What makes a shell go on as a user without rights; `nil` when that cannot be.
    private func asNobody(_ folder: TestFolder) -> String? {
        chmod(folder.path, 0o777)
        guard geteuid() == 0 else { return "true" }
        let command = "exec setpriv --reuid=65534 --regid=65534 --clear-groups \"$0\" \"$@\""
        let test = try? Child(folder, ["--version"], shell: command)
        return test?.wait(20) == 0 ? command : nil
    }

    @Test("A data folder that another server uses is refused with that server's process, which goes on")
    func locked() throws {
        let folder = try TestFolder()
        let first = try ServerProcess(folder)
        try expectRefusal(folder, saying: [folder.data, "\(first.process)", "store_locked"])
        let answer = try first.client().post("/v1/interactions", ["type": "view", "entity_id": "p", "user_id": "u"])
        #expect(answer.status == 200)
        // A server that was killed holds nothing.
        first.kill()
        let second = try ServerProcess(folder)
        #expect(try second.client().get("/v1/totals").json["interactions"] == ["view": 1])
        #expect(second.stop() == 0)
    }

    @Test("A database with a damaged header is refused, of a tenant or the registry, and nothing is changed")
    func corruptHeader() throws {
        for name in ["tenants/demo/footfall.sqlite", "footfall.db"] {
            let folder = try filled(50)
            let path = folder.data + "/" + name
            var bytes = TestFolder.bytes(path)
            try #require(bytes.count > 1000)
            bytes.replaceSubrange(0..<64, with: Array(repeating: UInt8(ascii: "x"), count: 64))
            try TestFolder.write(bytes, to: path)
            let before = contents(folder)
            try expectRefusal(folder, saying: [path.components(separatedBy: "/").last ?? "", "store_corrupt"])
            let isSame = contents(folder) == before
            #expect(isSame, "\(name)")
        }
    }

    @Test("A database of another program is refused and left as it is")
    func foreignDatabase() throws {
        let folder = try filled(20)
        let path = store(folder)
        var bytes = TestFolder.bytes(path)
        // The application's id, at byte 68.
        bytes.replaceSubrange(68..<72, with: [0x12, 0x34, 0x56, 0x78])
        try TestFolder.write(bytes, to: path)
        let before = contents(folder)
        try expectRefusal(folder, saying: ["footfall.sqlite", "store_corrupt"])
        let isSame = contents(folder) == before
        #expect(isSame)
    }

    @Test("A newer database is refused with both versions and left as it is")
    func newerDatabase() throws {
        for name in ["tenants/demo/footfall.sqlite", "footfall.db"] {
            let folder = try filled(50)
            let path = folder.data + "/" + name
            var bytes = TestFolder.bytes(path)
            // user_version, at byte 60.
            bytes.replaceSubrange(60..<64, with: [0, 0, 0x30, 0x39])
            try TestFolder.write(bytes, to: path)
            let before = contents(folder)
            try expectRefusal(folder, saying: [path.components(separatedBy: "/").last ?? "", "12345", "store_too_new"])
            let isSame = contents(folder) == before
            #expect(isSame, "\(name)")
        }
    }

    @Test("A truncated database is refused, whether a snapshot would make do without it or not, and left as it is")
    func truncatedDatabase() throws {
        for hasSnapshot in [true, false] {
            // An empty file of which nothing else speaks is what a crash during the very first start leaves.
            for keep in (hasSnapshot ? [0] : []) + [50, 100, 8192, -1] {
                let folder = try filled(snapshot: hasSnapshot)
                let path = store(folder)
                let bytes = TestFolder.bytes(path)
                try #require(bytes.count > 100_000)
                let left = keep < 0 ? bytes.count / 2 : keep
                try TestFolder.write(Array(bytes.prefix(left)), to: path)
                let before = contents(folder)
                let child = try Child(folder, ["serve", "--data", folder.data, "--port", "0"])
                // Long enough for a start that should not be.
                let ended = eventually(within: 60) { child.status != nil }
                #expect(ended, "It started with \(left) of \(bytes.count) bytes, snapshot: \(hasSnapshot)")
                if !ended { child.end(SIGKILL) }
                guard ended else { continue }
                #expect(child.status ?? 0 > 0)
                #expect(child.errors.contains("footfall.sqlite"), "\(left) bytes: \(child.errors)")
                let isSame = contents(folder) == before
                #expect(isSame || left == 0, "\(left) bytes, snapshot: \(hasSnapshot)")
            }
        }
    }

    @Test("The command line says what is wrong with it")
    func commandLine() throws {
        let folder = try TestFolder()
        for (arguments, word) in [
            (["serve", "--prot", "1"], "--prot"), (["serve", "--port", "99999"], "99999"), (["sreve"], "sreve"),
            (["serve", "--store", "postgres://x"], "--store"), (["serve", "--threads", "0"], "--threads"),
            (["import", "--tenant", "demo", "--format", "jsonl", folder.path + "/none"], "none"),
            (["serve", "--config", folder.path + "/none.json"], "none.json"),
            (["serve", "--data", folder.data, "--port", "0", "--plan", folder.path + "/no-plan.json"], "no-plan.json"),
        ] {
            let child = try Child.run(folder, arguments, limit: 30)
            #expect(child.status ?? 0 > 0, "\(arguments)")
            #expect(child.errors.contains(word), "\(arguments): \(child.errors)")
        }
        let child = try Child(folder, ["serve", "--data", folder.data], environment: ["FOOTFALL_PRT": "1"])
        #expect(child.wait() > 0 && child.errors.contains("FOOTFALL_PRT"), "\(child.errors)")
        let help = try Child.run(folder, ["serve", "--help"])
        #expect(help.status == 0 && help.output.contains("--cleanup-seconds"))
        #expect(try Child.run(folder, ["--version"]).status == 0)
    }

    @Test("Settings come from flags, environment and one file, and a plan file is put into force")
    func configuration() throws {
        let folder = try TestFolder()
        let plan = try folder.write(
            "plan.json", #"{"extends": "commerce", "interaction_types": {"gift": {"weight": 3, "popularity": true}}}"#)
        let config = try folder.write(
            "config.json", #"{"plan": "\#(plan)", "cors_origin": "https://a.example", "log_level": "debug"}"#)
        let server = try ServerProcess(folder, ["--config", config])
        let client = try server.client()
        let gift = try client.post("/v1/interactions", ["type": "gift", "entity_id": "p", "user_id": "u"])
        #expect(gift.status == 200, "\(gift)")
        #expect(
            try client.get("/healthz", ["Origin": "https://b.example"]).headers["access-control-allow-origin"] == nil)
        #expect(try client.get("/v1/plan").json["version"]?.integerValue == 2)
        #expect(server.stop() == 0)
        // One that cannot be read is named with the reason.
        let missing = try Child.run(
            folder, ["serve", "--data", folder.data, "--port", "0", "--plan", folder.path + "/none.json"])
        #expect(missing.status ?? 0 > 0, "\(missing.errors)")
        #expect(missing.errors.contains("/none.json cannot be opened: No such file or directory"), "\(missing.errors)")
        // One that cannot be is named with the place.
        for (text, place) in [
            (#"{"extends": "feed", "foo": 1}"#, "/foo"),
            (
                #"{"extends": "feed", "entity_types": {"post": {"metadata": {"unevaluatedItems": false}}}}"#,
                "/entity_types/post/metadata/unevaluatedItems"
            ),
        ] {
            let file = try folder.write("wrong-plan.json", text)
            let wrong = try Child.run(folder, ["serve", "--data", folder.data, "--port", "0", "--plan", file])
            #expect(wrong.status ?? 0 > 0 && wrong.errors.contains(file), "\(wrong.errors)")
            #expect(wrong.errors.contains("(at \(place))"), "\(wrong.errors)")
        }
        // The same plan is no new version.
        let second = try ServerProcess(folder, ["--config", config])
        #expect(try second.client().get("/v1/plan").json["version"]?.integerValue == 2)
        #expect(second.errors.split(separator: "\n").allSatisfy { (try? JSONValue(parsing: String($0))) != nil })
        #expect(second.stop() == 0)
    }

    @Test("Stopped in the middle of the load, it finishes what it took: every answer given holds")
    func gracefulUnderLoad() throws {
        let folder = try TestFolder()
        let server = try ServerProcess(folder)
        let process = server.process
        // Counted from when some requests have been answered, which a slow machine takes its time for.
        let requests = Atomic<Int>(0)
        let sent = try Load.run(server, clients: 4, seed: 5, prefix: "g") {
            if requests.add(1, ordering: .relaxed).newValue == 20 {
                DispatchQueue.global().asyncAfter(deadline: .now() + 0.7) { kill(process, SIGTERM) }
            }
            return false
        }
        #expect(server.stop() == 0, "\(server.errors)")
        #expect(sent.problems.isEmpty)
        let rows = try StoreFile(folder).interactions()
        #expect(!rows.isEmpty && Set(rows.map(\.id)).count == rows.count)
        #expect(sent.acknowledged.isSubset(of: Set(rows.map(\.id))))
        // Closed as it should be: nothing is left in the write-ahead log, and all of it is in the snapshot.
        #expect(TestFolder.size(folder.tenant + "/footfall.sqlite-wal") == 0)
        let second = try ServerProcess(folder)
        #expect(second.errors.contains("\"replayed\":0"), "\(second.errors)")
        #expect(second.stop() == 0)
    }
}
