import Foundation
import Storage
import StorageSQLite
import Testing

@Suite("Registry and folder lock")
struct RegistryTests {
    @Test("Tenants and keys are kept, and a second connection's writes change the token")
    func registry() throws {
        let folder = try TemporaryFolder()
        let registry = try SQLiteRegistry(folder: folder.path + "/data")
        #expect(try registry.tenants().isEmpty)
        let shop = Tenant(id: "shop", createdAt: 5)
        let app = Tenant(id: "app", createdAt: 6)
        #expect(try registry.add(shop))
        #expect(try registry.add(app))
        #expect(try !registry.add(Tenant(id: "shop", createdAt: 7)))
        #expect(try registry.tenants() == [app, shop])
        let key = KeyEntry(hash: Array(0..<32), tenant: "shop", scope: .write, createdAt: 8)
        try registry.add(key)
        let token = try registry.changeToken()
        #expect(try registry.changeToken() == token)

        let other = try SQLiteRegistry(folder: folder.path + "/data")
        let secret = KeyEntry(hash: Array(1..<33), tenant: "app", scope: .webhook, createdAt: 9)
        try other.add(secret)
        #expect(try registry.changeToken() != token)
        #expect(try registry.keys() == [key, secret])
        other.close()
        registry.close()
        #expect(throws: StorageError.self) { _ = try registry.keys() }
        #expect(try SQLiteRegistry(folder: folder.path + "/data").keys() == [key, secret])
    }

    @Test("Many processes' worth of connections add keys at once, and none is lost")
    func concurrentKeys() async throws {
        let folder = try TemporaryFolder()
        try await withThrowingTaskGroup(of: Void.self) { group in
            for worker in 0..<4 {
                group.addTask {
                    let registry = try SQLiteRegistry(folder: folder.path)
                    for number in 0..<10 {
                        try registry.add(
                            KeyEntry(
                                hash: [UInt8(worker), UInt8(number)], tenant: "t", scope: .secret, createdAt: 1))
                    }
                    registry.close()
                }
            }
            try await group.waitForAll()
        }
        #expect(try SQLiteRegistry(folder: folder.path).keys().count == 40)
    }

    @Test("A tenant's file is not taken for the registry")
    func mixedUp() throws {
        let folder = try TemporaryFolder()
        try SQLiteTenantStore.open(folder: folder.path).close()
        try FileManager.default.moveItem(
            atPath: folder.path + "/" + SQLiteTenantStore.fileName, toPath: folder.path + "/" + SQLiteRegistry.fileName)
        #expect(throws: StorageError.self) { _ = try SQLiteRegistry(folder: folder.path) }
    }

    @Test("A data folder has one owner, and the refusal names its process")
    func folderLock() throws {
        let folder = try TemporaryFolder()
        var first: FolderLock? = try FolderLock(folder: folder.path + "/data")
        do throws(StorageError) {
            _ = try FolderLock(folder: folder.path + "/data")
            Issue.record("locked twice")
        } catch {
            #expect(error.code == "store_locked")
            #expect(error.message.contains("process \(ProcessInfo.processInfo.processIdentifier):"))
        }
        withExtendedLifetime(first) {}
        first = nil
        _ = try FolderLock(folder: folder.path + "/data")
    }
}
