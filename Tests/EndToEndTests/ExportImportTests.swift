import Foundation
import Testing

@Suite(.serialized) struct ExportAndImport {
    private func run(_ folder: TestFolder, _ arguments: [String]) throws -> Child {
        try Child.run(folder, arguments)
    }

    /// The lines of an export without what only the server sets.
    private func lines(_ folder: TestFolder, _ data: String) throws -> [JSONValue] {
        let child = try run(folder, ["export", "--data", data, "--tenant", "demo", "--format", "jsonl"])
        #expect(child.status == 0, "\(child.errors)")
        return try child.output.split(separator: "\n").map { line in
            guard case .object(let object) = try JSONValue(parsing: String(line)) else { return .null }
            return .object(object.filter { $0.key != "received_at" && $0.key != "original_type" })
        }
    }

    @Test("What an export wrote, an import takes, and the same comes back", arguments: ["jsonl", "csv"])
    func roundTrip(format: String) throws {
        let folder = try TestFolder()
        let server = try ServerProcess(folder)
        let items = [
            #"{"id":"1","type":"add_to_cart","entity_id":"p,1","user_id":"u","context":"cart","value":12.50}"#,
            #"{"id":"2","type":"view","entity_type":"song","entity_id":"s\"2","anonymous_id":"a","value":1e300}"#,
            #"{"id":"3","type":"view","entity_id":"3","session_id":"s\n3","list_id":"l","metadata":{"a":"x,\"y\"\n","b":[1,0.10]}}"#,
            #"{"id":"4","type":"order","entity_id":"4","user_id":"u","occurred_at":"2020-01-31T12:00:00.000Z"}"#,
        ]
        let sent = try server.client().post("/v1/interactions", "[\(items.joined(separator: ","))]")
        #expect(sent.json["tracked"]?.integerValue == 4, "\(sent)")
        #expect(server.stop() == 0)
        let wanted = try lines(folder, folder.data)
        #expect(wanted.count == 4)

        let file = folder.path + "/export." + format
        let exported = try run(
            folder,
            ["export", "--data", folder.data, "--tenant", "demo", "--format", format, "--output", file])
        #expect(exported.status == 0, "\(exported.errors)")
        let other = folder.path + "/other"
        let key = try run(folder, ["keys", "create", "--data", other, "--tenant", "demo", "--scope", "secret"])
        #expect(key.status == 0)
        let imported = try run(folder, ["import", "--data", other, "--tenant", "demo", "--format", format, file])
        #expect(imported.status == 0 && imported.output.contains("4 tracked"), "\(imported.output) \(imported.errors)")
        func sorted(_ values: [JSONValue]) -> [String] { values.map(\.text).sorted() }
        #expect(sorted(try lines(folder, other)) == sorted(wanted))
    }

    @Test("A value that a float would change is refused by an import as it is by the API", arguments: ["jsonl", "csv"])
    func values(format: String) throws {
        let folder = try TestFolder()
        let key = try run(folder, ["keys", "create", "--data", folder.data, "--tenant", "demo", "--scope", "secret"])
        #expect(key.status == 0)
        let text =
            format == "csv"
            ? "id,type,entity_id,user_id,value\n1,view,e,u,9007199254740993\n2,view,e,u,0.1\n"
            : #"{"id":"1","type":"view","entity_id":"e","user_id":"u","value":9007199254740993}"# + "\n"
                + #"{"id":"2","type":"view","entity_id":"e","user_id":"u","value":0.1}"# + "\n"
        let file = try folder.write("values." + format, text)
        let imported = try run(folder, ["import", "--data", folder.data, "--tenant", "demo", "--format", format, file])
        #expect(imported.status == 1 && imported.output.contains("1 tracked"), "\(imported.output)")
        #expect(imported.errors.contains("inexact_value"), "\(imported.errors)")
        #expect(try lines(folder, folder.data).map { $0["value"]?.text } == ["0.1"])
    }
}
