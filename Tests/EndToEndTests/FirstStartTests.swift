import Foundation
import Testing

@Suite(.serialized) struct FirstStart {
    /// Runs a command line as a person would paste it.
    private func shell(_ line: String) throws -> (status: Int32, output: String) {
        let process = Process()
        process.executableURL = URL(filePath: "/bin/sh")
        process.arguments = ["-c", line]
        let pipe = Pipe()
        process.standardOutput = pipe
        process.standardError = pipe
        try process.run()
        let data = try pipe.fileHandleForReading.readToEnd() ?? Data()
        process.waitUntilExit()
        return (process.terminationStatus, String(decoding: data, as: UTF8.self))
    }

    private func curls(_ server: ServerProcess) -> [String] {
        server.welcome.split(separator: "\n").map(String.init).filter { $0.hasPrefix("curl ") }
    }

    @Test("A first start prints three curl lines that work as they stand, and a second start keeps keys and data")
    func firstAndSecondStart() throws {
        let folder = try TestFolder()
        let first = try ServerProcess(folder)
        let keyFile = folder.data + "/keys.json"
        var information = stat()
        #expect(stat(keyFile, &information) == 0 && information.st_mode & 0o7777 == 0o600)
        let keys = try first.keys
        #expect(keys.write != keys.secret)

        let lines = curls(first)
        try #require(lines.count == 3)
        let answers = try lines.map { line -> JSONValue in
            let (status, output) = try shell(line)
            #expect(status == 0, "\(line): \(output)")
            return try JSONValue(parsing: output)
        }
        #expect(answers[0]["tracked"] == 1, "\(answers[0].text)")
        #expect(answers[0]["results"]?[0]?["status"] == "ok", "\(answers[0].text)")
        let item = answers[1]["items"]?[0]
        #expect(item?["entity_id"] == "p1" && item?["entity_type"] == "product", "\(answers[1].text)")
        #expect(item?["counts"]?["view_count"]?.integerValue == 1, "\(answers[1].text)")
        #expect(item?["popularity_score"]?.doubleValue == 2, "\(answers[1].text)")
        let interaction = answers[2]["interactions"]?[0]
        #expect(interaction?["id"] == answers[0]["results"]?[0]?["id"], "\(answers[2].text)")
        #expect(interaction?["type"] == "view" && interaction?["user_id"] == "u1", "\(answers[2].text)")
        #expect(first.stop() == 0, "\(first.errors)")

        let second = try ServerProcess(folder)
        #expect(second.startSeconds < 30, "A second start took \(second.startSeconds) s")
        let kept = try second.keys
        #expect(kept.write == keys.write && kept.secret == keys.secret)
        let popular = try second.writer().get("/v1/popular?limit=5")
        #expect(popular.json["items"]?[0]?["counts"]?["view_count"]?.integerValue == 1, "\(popular)")
        // The lines of the second start work too.
        for line in curls(second) { #expect(try shell(line).status == 0) }
        #expect(second.stop() == 0)
    }

    @Test("Nothing in the data folder but keys.json holds a key, while the server runs and after")
    func hashesOnly() throws {
        let folder = try TestFolder()
        let server = try ServerProcess(folder)
        let keys = try server.keys
        let client = try server.client()
        // Used in the header and in a query, so that both had a chance to be written down.
        _ = try client.post("/v1/interactions", ["type": "view", "entity_id": "p1", "user_id": "u1"])
        _ = try Client(port: server.port, key: nil).get("/v1/popular?key=\(keys.write)")
        let created = try Child.run(
            folder, ["keys", "create", "--data", folder.data, "--tenant", "demo", "--scope", "write"])
        #expect(created.status == 0, "\(created.errors)")
        let third = created.output.trimmingCharacters(in: .whitespacesAndNewlines)
        #expect(try Client(port: server.port, key: third).get("/v1/popular").status == 200)

        func holders(of key: String) -> [String] {
            TestFolder.files(below: folder.data).filter {
                Data(TestFolder.bytes($0)).range(of: Data(key.utf8)) != nil
            }
        }
        for _ in 0..<2 {
            #expect(holders(of: keys.write) == [folder.data + "/keys.json"])
            #expect(holders(of: keys.secret) == [folder.data + "/keys.json"])
            #expect(holders(of: third).isEmpty)
            server.stop()
        }
        #expect(!server.errors.contains(keys.write) && !server.errors.contains(keys.secret))
    }
}
