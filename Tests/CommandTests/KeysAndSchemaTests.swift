import JSON
import Storage
import Testing

@testable import Command

@Suite("Keys and schemas")
struct KeysAndSchemaTests {
    private let folder = TemporaryFolder()

    @Test("keys create prints the key alone and the registry gets its entry")
    func create() throws {
        let program = TestProgram()
        #expect(program.run("keys", "create", "--tenant", "shop-1", "--scope", "secret") == .success)
        #expect(program.transcript.output == "key-of-shop-1\n")
        #expect(program.transcript.error == "The tenant shop-1 is new; it was made in ./data.\n")
        #expect(try program.registry.tenants().map(\.id) == ["shop-1"])
        let key = try #require(try program.registry.keys().first)
        #expect(key.scope == .secret)
        #expect(key.createdAt == program.now)
        #expect(program.run("keys", "create", "--tenant", "shop-1", "--scope", "write") == .success)
        #expect(try program.registry.keys().map(\.scope) == [.secret, .write])
        #expect(program.transcript.output == "key-of-shop-1\nkey-of-shop-1\n")
    }

    @Test("keys list shows tenant, scope, time and the beginning of the hash")
    func list() throws {
        let program = TestProgram()
        #expect(program.run("keys", "create", "--tenant", "b", "--scope", "write") == .success)
        #expect(program.run("keys", "create", "--tenant", "a", "--scope", "webhook") == .success)
        #expect(program.run("keys", "list") == .success)
        let time = "2025-06-15T15:06:40.000Z"
        #expect(program.transcript.output.hasSuffix("a  webhook  \(time)  0abc\nb  write  \(time)  0abc\n"))
        let json = TestProgram()
        _ = try json.registry.add(Tenant(id: "a", createdAt: 0))
        #expect(json.run("keys", "list", "--tenant", "a", "--json") == .success)
        #expect(json.transcript.output == "{\"keys\":[]}\n")
        #expect(json.run("keys", "list", "--tenant", "c") == .failure)
        #expect(json.transcript.error.contains("There is no tenant c in ./data."))
    }

    @Test("schema check prints one verdict a line and fails on a line that is no pair")
    func check() {
        let program = TestProgram()
        let path = folder.file("pairs", "{}\n\nbad\n{}")
        #expect(program.run("schema", "check", "--pairs", path) == .failure)
        #expect(program.transcript.output == "valid\nmalformed\nvalid\n")
        #expect(program.transcript.error.hasPrefix("Line 3 is not a JSON object"))
        #expect(program.run("schema", "check", "--pairs", "/nowhere/pairs") == .failure)
        #expect(program.transcript.error.contains("/nowhere/pairs cannot be opened"))
    }
}
