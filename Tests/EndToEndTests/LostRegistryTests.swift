import Foundation
import Testing

/// What becomes of a data folder whose registry is gone while the tenants' data is there.
@Suite(.serialized) struct LostRegistry {
    private func registry(_ folder: TestFolder) -> String { folder.data + "/footfall.db" }

    private func doctor(_ folder: TestFolder) throws -> (status: Int32?, output: String) {
        let child = try Child.run(folder, ["doctor", "--data", folder.data, "--port", "0"])
        return (child.status, child.output)
    }

    @Test(
        "A server does not start as if all were well, the doctor says so, and new keys bring the data back",
        arguments: [true, false])
    func lost(isEmptied: Bool) throws {
        let folder = try TestFolder()
        let first = try ServerProcess(folder)
        let old = try first.keys
        let sent = try first.writer().post("/v1/interactions", ["type": "view", "entity_id": "p1", "user_id": "u1"])
        #expect(sent.json["tracked"] == 1)
        #expect(first.stop() == 0)
        let saved = TestFolder.bytes(registry(folder))
        #expect(try doctor(folder).status == 0)

        try FileManager.default.removeItem(atPath: registry(folder))
        if isEmptied { try TestFolder.write([], to: registry(folder)) }
        for _ in 0..<2 {
            let refused = try Child.run(folder, ["serve", "--data", folder.data, "--port", "0"], limit: 30)
            #expect(refused.status ?? 0 > 0 && refused.output.isEmpty, "\(refused.output)")
            #expect(refused.errors.contains("registry_lost") && refused.errors.contains("demo"), "\(refused.errors)")
            #expect(refused.errors.contains("keys create --data \(folder.data) --tenant demo"), "\(refused.errors)")
            // Nothing was made that would stand in the way of the file from a backup.
            #expect(TestFolder.size(registry(folder)) == 0)
            let found = try doctor(folder)
            #expect(found.status == 1 && found.output.contains("PROBLEM  registry"), "\(found.output)")
        }

        // The file put back: all is as before.
        try TestFolder.write(saved, to: registry(folder))
        let back = try ServerProcess(folder)
        #expect(try Client(port: back.port, key: old.secret).get("/v1/users/u1/interactions").status == 200)
        #expect(back.stop() == 0)

        // Keys made anew: the data is there, and the keys that open nothing are not offered.
        try FileManager.default.removeItem(atPath: registry(folder))
        let created = try Child.run(
            folder, ["keys", "create", "--data", folder.data, "--tenant", "demo", "--scope", "secret"])
        let key = created.output.trimmingCharacters(in: .whitespacesAndNewlines)
        let anew = try ServerProcess(folder)
        #expect(!anew.welcome.contains("curl") && anew.welcome.contains("keys create"), "\(anew.welcome)")
        let own = try Client(port: anew.port, key: key).get("/v1/users/u1/interactions")
        #expect(own.json["interactions"]?.arrayValue?.count == 1, "\(own)")
        #expect(try Client(port: anew.port, key: old.secret).get("/v1/popular").status == 401)
        #expect(anew.stop() == 0)
        #expect(try doctor(folder).status == 0)
    }

    @Test("Tenants and keys made before the first start are served by it")
    func keysFirst() throws {
        let folder = try TestFolder()
        let created = try Child.run(
            folder, ["keys", "create", "--data", folder.data, "--tenant", "shop", "--scope", "secret"])
        let key = created.output.trimmingCharacters(in: .whitespacesAndNewlines)
        let server = try ServerProcess(folder)
        #expect(server.welcome.contains("curl"))
        #expect(try Client(port: server.port, key: key).get("/v1/popular").status == 200)
        #expect(server.stop() == 0)
    }
}
