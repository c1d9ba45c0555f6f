import API
import Domain
import Foundation
import HTTP
import JSON
import Storage
import StorageSQLite
import Synchronization
import Testing

/// A fixed moment: 2026-01-31T12:00:00Z.
let noon: Int64 = 1_769_860_800_000

/// A whole server in this process, with a store in a folder of its own, one tenant, and a clock that the test moves.
final class TestService: Sendable {
    static let tenantID = "shop"

    /// A clock that stands still until it is moved.
    final class Clock: Sendable {
        private let time = Atomic<Int64>(noon)
        var now: Int64 {
            get { time.load(ordering: .relaxed) }
            set { time.store(newValue, ordering: .relaxed) }
        }
    }

    let folder: String
    let clock: Clock
    let directory: TenantDirectory
    let tenant: TenantService
    let server: HTTPServer
    let writeKey: String
    let secretKey: String
    let webhookSecret: String
    private let isTemporary: Bool

    init(
        folder: String? = nil, clock: Clock = Clock(), settings: TenantSettings = TenantSettings(),
        _ change: (inout TenantOpening.Options) -> Void = { _ in }
    ) throws {
        isTemporary = folder == nil
        let folder = folder ?? NSTemporaryDirectory() + "footfall-api-" + UUID().uuidString
        self.folder = folder
        self.clock = clock
        let log = Log(level: .error)
        var options = TenantOpening.Options()
        options.initialSettings = settings
        change(&options)
        let opening = options
        let own = "\(folder)/tenants/\(Self.tenantID)"
        try FileManager.default.createDirectory(atPath: own, withIntermediateDirectories: true)
        let registry = try SQLiteRegistry(folder: folder)
        directory = try TenantDirectory(registry: registry) { id in
            let store = try SQLiteTenantStore.open(folder: own)
            return try TenantOpening.open(id: id, folder: own, store: store, options: opening, log: log) { clock.now }
        }
        _ = try registry.add(Tenant(id: Self.tenantID, createdAt: noon))
        func key(_ scope: KeyScope, _ directory: TenantDirectory) throws -> String {
            let key = KeyText.make(tenant: Self.tenantID, scope: scope, now: noon)
            try directory.add(key.entry)
            return key.text
        }
        writeKey = try key(.write, directory)
        secretKey = try key(.secret, directory)
        webhookSecret = try key(.webhook, directory)
        tenant = try #require(try directory.open(Self.tenantID))
        let handler = FootfallServer(directory: directory, log: log) { clock.now }
        server = try HTTPServer(
            HTTPServerConfiguration(port: 0, threads: 2, connectionTimeoutSeconds: 600), handler: handler)
        try server.start()
    }

    /// Another handler of the same tenants, set up differently.
    func handler(_ change: (inout FootfallServer.Configuration) -> Void) -> FootfallServer {
        var configuration = FootfallServer.Configuration()
        change(&configuration)
        return FootfallServer(directory: directory, configuration: configuration, log: Log(level: .error))
    }

    /// Stops in the order in which the program does.
    func stop() {
        server.stop(graceSeconds: 5)
        directory.stop()
        if isTemporary { try? FileManager.default.removeItem(atPath: folder) }
    }

    /// Sends a request on a connection of its own.
    func send(
        _ method: String, _ target: String, key: String? = nil, type: String? = "application/json",
        headers: [(String, String)] = [], rawHeader: (String, [UInt8])? = nil, _ body: [UInt8] = []
    ) throws -> Answer {
        var head = "\(method) \(target) HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n"
        head += "Authorization: Bearer \(key ?? secretKey)\r\nContent-Length: \(body.count)\r\n"
        if let type, !body.isEmpty { head += "Content-Type: \(type)\r\n" }
        for (name, value) in headers { head += "\(name): \(value)\r\n" }
        var bytes = Array(head.utf8)
        if let (name, value) = rawHeader { bytes += Array("\(name): ".utf8) + value + [13, 10] }
        return try #require(
            Answer(exchange(bytes + [13, 10] + body, port: server.port)), "no answer to \(method) \(target)")
    }

    func send(
        _ method: String, _ target: String, key: String? = nil, headers: [(String, String)] = [],
        rawHeader: (String, [UInt8])? = nil, text: String
    ) throws -> Answer {
        try send(method, target, key: key, headers: headers, rawHeader: rawHeader, Array(text.utf8))
    }
}

/// Sends bytes to a port and reads until the connection ends.
func exchange(_ bytes: [UInt8], port: UInt16) -> [UInt8] {
    let connection = socket(AF_INET, Int32(SOCK_STREAM.rawValue), 0)
    defer { close(connection) }
    var address = sockaddr_in()
    address.sin_family = sa_family_t(AF_INET)
    address.sin_port = port.bigEndian
    inet_pton(AF_INET, "127.0.0.1", &address.sin_addr)
    let isOpen = withUnsafePointer(to: &address) {
        $0.withMemoryRebound(to: sockaddr.self, capacity: 1) {
            connect(connection, $0, socklen_t(MemoryLayout<sockaddr_in>.size)) == 0
        }
    }
    var limit = timeval(tv_sec: 600, tv_usec: 0)
    setsockopt(connection, SOL_SOCKET, SO_RCVTIMEO, &limit, socklen_t(MemoryLayout<timeval>.size))
    guard isOpen else { return [] }
    var sent = 0
    while sent < bytes.count {
        let count = bytes.withUnsafeBytes {
            Foundation.send(connection, $0.baseAddress.map { $0 + sent }, bytes.count - sent, Int32(MSG_NOSIGNAL))
        }
        // With a time limit, a stop of the whole process interrupts calls.
        if count < 0, errno == EINTR { continue }
        // A refusal may come before the body is sent.
        guard count > 0 else { break }
        sent += count
    }
    var answer: [UInt8] = []
    var piece = [UInt8](repeating: 0, count: 65_536)
    while true {
        let count = recv(connection, &piece, piece.count, 0)
        if count < 0, errno == EINTR { continue }
        guard count > 0 else { return answer }
        answer += piece[..<count]
    }
}

func exchange(_ text: String, port: UInt16) -> [UInt8] { exchange(Array(text.utf8), port: port) }

/// An answer of the server.
struct Answer {
    let status: Int
    let headers: [String: String]
    let body: [UInt8]

    init?(_ bytes: [UInt8]) {
        let text = String(decoding: bytes.prefix(16_384), as: UTF8.self)
        guard let end = text.range(of: "\r\n\r\n") else { return nil }
        let lines = text[..<end.lowerBound].components(separatedBy: "\r\n")
        guard let status = lines.first?.split(separator: " ").dropFirst().first.flatMap({ Int($0) }) else { return nil }
        self.status = status
        headers = Dictionary(
            lines.dropFirst().compactMap { line in
                line.firstIndex(of: ":").map { colon in
                    (line[..<colon].lowercased(), line[colon...].dropFirst().trimmingCharacters(in: .whitespaces))
                }
            }, uniquingKeysWith: { first, _ in first })
        body = Array(bytes[text[..<end.upperBound].utf8.count...])
    }

    var json: JSONValue { (try? JSONValue(parsing: body)) ?? .null }
    var code: String? { json["code"]?.stringValue }
    var text: String { String(decoding: body, as: UTF8.self) }
}
