import API
import Domain
import Foundation
import HTTP
import Storage
import StorageSQLite
import Synchronization
import Testing

@Suite("Opening tenants")
struct OpeningTests {
    private final class Openings: Sendable {
        let count = Atomic(0)
        let isMended = Atomic(false)
    }

    private func directory(_ folder: String, _ openings: Openings, retrySeconds: Double) throws -> TenantDirectory {
        let registry = try SQLiteRegistry(folder: folder)
        _ = try registry.add(Tenant(id: "shop", createdAt: noon))
        return try TenantDirectory(registry: registry, retrySeconds: retrySeconds) { id in
            openings.count.add(1, ordering: .relaxed)
            guard openings.isMended.load(ordering: .relaxed) else {
                Thread.sleep(forTimeInterval: 0.05)
                throw StorageError("store_too_new", "A later release has written this.")
            }
            let own = "\(folder)/tenants/\(id)"
            try FileManager.default.createDirectory(atPath: own, withIntermediateDirectories: true)
            let store = try SQLiteTenantStore.open(folder: own)
            return try TenantOpening.open(
                id: id, folder: own, store: store, options: TenantOpening.Options(), log: Log(level: .error),
                clock: { noon })
        }
    }

    private func inFolder(_ body: (String) throws -> Void) throws {
        let folder = NSTemporaryDirectory() + "footfall-opening-" + UUID().uuidString
        defer { try? FileManager.default.removeItem(atPath: folder) }
        try body(folder)
    }

    @Test("A tenant that cannot be opened is tried once, and everybody else is answered from that")
    func remembered() throws {
        try inFolder { folder in
            let openings = Openings()
            let directory = try directory(folder, openings, retrySeconds: 3600)
            defer { directory.stop() }
            for _ in 0..<50 {
                let error = #expect(throws: StorageError.self) { _ = try directory.open("shop") }
                #expect(error?.code == "store_too_new")
            }
            #expect(openings.count.load(ordering: .relaxed) == 1)
            #expect(try directory.open("other") == nil)

            let server = try HTTPServer(
                HTTPServerConfiguration(port: 0, threads: 1),
                handler: FootfallServer(directory: directory, log: Log(level: .error)))
            try server.start()
            defer { server.stop(graceSeconds: 0) }
            let key = KeyText.make(tenant: "shop", scope: .write, now: noon)
            try directory.add(key.entry)
            let answer = try #require(
                Answer(
                    exchange(
                        "GET /v1/popular HTTP/1.1\r\nHost: a\r\nConnection: close\r\nX-API-Key: \(key.text)\r\n\r\n",
                        port: server.port)))
            #expect(answer.status == 503 && answer.code == "store_too_new")
            #expect(answer.headers["retry-after"] == "5")
            #expect(openings.count.load(ordering: .relaxed) == 1)
        }
    }

    @Test("Once the time is over one request tries anew, and a tenant that is mended opens")
    func retried() throws {
        try inFolder { folder in
            let openings = Openings()
            let directory = try directory(folder, openings, retrySeconds: 0)
            defer { directory.stop() }
            #expect(throws: StorageError.self) { _ = try directory.open("shop") }
            #expect(throws: StorageError.self) { _ = try directory.open("shop") }
            #expect(openings.count.load(ordering: .relaxed) == 2)
            openings.isMended.store(true, ordering: .relaxed)
            #expect(try directory.open("shop")?.id == "shop")
            #expect(try directory.open("shop")?.id == "shop")
            #expect(openings.count.load(ordering: .relaxed) == 3)
        }
    }
}
