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
        #expect(
            program.transcript.error == """
                The tenant shop-1 is new; it was made in ./data.
                The key's id is 0abc; it can be revoked with: footfall keys revoke 0abc

                """)
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

    @Test("keys revoke takes the beginning of a hash when it names one key, and says what is wrong otherwise")
    func revoke() throws {
        let program = TestProgram()
        let hashes: [[UInt8]] = [
            [0xab, 0xcd, 0xef, 0x01, 0x02, 0x03, 0x04], [0xab, 0xcd, 0xef, 0x01, 0xff, 0x03, 0x04],
            [0x01, 0x02, 0x03, 0x04, 0x05, 0x06, 0x07],
        ]
        for hash in hashes { try program.registry.add(KeyEntry(hash: hash, tenant: "t", scope: .write, createdAt: 0)) }
        for wrong in ["01020", "0102zz", "", "ids/../", "ÄÖÜÄÖÜ"] {
            #expect(program.run("keys", "revoke", wrong) == .usage, "\(wrong)")
        }
        #expect(program.run("keys", "revoke", "abcdef01") == .failure)
        #expect(program.transcript.error.contains("2 keys in ./data begin with abcdef01"))
        #expect(program.run("keys", "revoke", "999999") == .failure)
        #expect(program.run("keys", "revoke", "ffw_unknown") == .failure)
        #expect(try program.registry.keys().count == 3)
        #expect(program.run("keys", "revoke", "ABCDEF01FF03") == .success)
        #expect(program.transcript.output == "The write key abcdef01ff03 of the tenant t opens nothing any more.\n")
        #expect(try program.registry.keys().map(\.hash) == [hashes[0], hashes[2]])
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
