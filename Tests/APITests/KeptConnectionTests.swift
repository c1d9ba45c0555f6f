import API
import Foundation
import HTTP
import JSON
import Storage
import Testing

@Suite("Requests on a connection that is kept")
struct KeptConnectionTests {
    /// Sends on an open connection and reads one answer.
    private func ask(_ connection: Int32, _ text: String) -> Answer? {
        let bytes = Array(text.utf8)
        guard Foundation.send(connection, bytes, bytes.count, Int32(MSG_NOSIGNAL)) == bytes.count else { return nil }
        var answer: [UInt8] = []
        var piece = [UInt8](repeating: 0, count: 65_536)
        while true {
            if let whole = Answer(answer), let length = whole.headers["content-length"].flatMap(Int.init),
                whole.body.count >= length
            {
                return whole
            }
            let count = recv(connection, &piece, piece.count, 0)
            if count < 0, errno == EINTR { continue }
            guard count > 0 else { return nil }
            answer += piece[..<count]
        }
    }

    /// A connection of its own.
    private func open(_ port: UInt16) -> Int32 {
        let connection = socket(AF_INET, Int32(SOCK_STREAM.rawValue), 0)
        var address = sockaddr_in()
        address.sin_family = sa_family_t(AF_INET)
        address.sin_port = port.bigEndian
        inet_pton(AF_INET, "127.0.0.1", &address.sin_addr)
        let isOpen = withUnsafePointer(to: &address) {
            $0.withMemoryRebound(to: sockaddr.self, capacity: 1) {
                connect(connection, $0, socklen_t(MemoryLayout<sockaddr_in>.size)) == 0
            }
        }
        #expect(isOpen)
        return connection
    }

    @Test("A key that is revoked opens nothing any more, also where the same head was let in before; other keys go on")
    func revokedKey() throws {
        let service = try TestService()
        defer { service.stop() }
        let key = KeyText.make(tenant: TestService.tenantID, scope: .secret, now: noon)
        try service.directory.add(key.entry)
        let connection = open(service.server.port)
        defer { close(connection) }
        func request(_ key: String, _ item: String) -> String {
            "POST /v1/interactions HTTP/1.1\r\nHost: t\r\nAuthorization: Bearer \(key)\r\n"
                + "Content-Length: \(item.utf8.count)\r\n\r\n\(item)"
        }
        func item(_ number: Int) -> String {
            #"{"id":"k\#(number)","type":"view","entity_type":"post","entity_id":"p","user_id":"u"}"#
        }
        for number in 8..<12 { #expect(ask(connection, request(key.text, item(number)))?.status == 200) }
        #expect(try service.directory.revoke(key.entry.hash, now: noon))
        let refused = ask(connection, request(key.text, item(12)))
        #expect(refused?.status == 401)
        #expect(refused?.code == "invalid_key")
        #expect(ask(connection, request(service.secretKey, item(13)))?.status == 200)
        #expect(ask(connection, request(service.secretKey, item(14)))?.status == 200)
        #expect(ask(connection, request(key.text, item(15)))?.status == 401)
    }

    @Test("Whose and of what type a body is stands in the head of its own request; the same head may have had its time")
    func ownFields() throws {
        let service = try TestService()
        defer { service.stop() }
        let connection = open(service.server.port)
        defer { close(connection) }
        func send(_ key: String, _ fields: [String], _ body: String) -> Answer? {
            let head = ["POST /v1/interactions HTTP/1.1", "Host: t", "Authorization: Bearer \(key)"] + fields
            let length = "Content-Length: \(body.utf8.count)"
            return ask(connection, (head + [length]).joined(separator: "\r\n") + "\r\n\r\n" + body)
        }
        let item = #"{"type":"view","entity_type":"post","entity_id":"p"}"#
        func users(_ id: String) throws -> Int? {
            try service.send("GET", "/v1/users/\(id)/interactions").json["interactions"]?.arrayValue?.count
        }
        for _ in 0..<2 {
            for user in ["ann", "bob"] {
                for _ in 0..<3 { #expect(send(service.secretKey, ["X-User-Id: \(user)"], item)?.status == 200) }
            }
        }
        #expect(try users("ann") == 6 && users("bob") == 6)

        let lines = item + "\n" + item
        let type = "Content-Type: application/"
        for _ in 0..<2 {
            for _ in 0..<2 {
                let read = send(service.secretKey, ["X-User-Id: cid", type + "x-ndjson"], lines)
                #expect(read?.json["tracked"] == 2)
                #expect(send(service.secretKey, ["X-User-Id: cid", type + "json"], lines)?.status == 400)
                #expect(send(service.secretKey, ["X-User-Id: cid", type + "xml"], lines)?.status == 415)
            }
        }

        let token = "X-User-Token: " + InputTests.token(user: "dan", service)
        for _ in 0..<3 { #expect(send(service.writeKey, [token], item)?.status == 200) }
        service.clock.now += 3_600_000
        #expect(send(service.writeKey, [token], item)?.status == 401)
        #expect(try users("dan") == 3)
    }

    @Test("The server's own errors name the origin of their request, whatever came in between")
    func ownOrigin() throws {
        let service = try TestService()
        defer { service.stop() }
        let handler = service.handler { $0.corsOrigins = ["https://shop.example"] }
        let server = try HTTPServer(HTTPServerConfiguration(port: 0, threads: 1), handler: handler)
        try server.start()
        defer { server.stop(graceSeconds: 0) }
        let connection = open(server.port)
        defer { close(connection) }
        func send(_ path: String, _ origin: String) -> Answer? {
            ask(
                connection,
                "POST \(path) HTTP/1.1\r\nHost: t\r\nX-API-Key: \(service.writeKey)\r\nOrigin: https://\(origin)\r\n"
                    + "Content-Encoding: gzip\r\nContent-Length: 2\r\n\r\nab")
        }
        for origin in ["shop.example", "other.example", "shop.example"] {
            for _ in 0..<2 {
                let answer = send("/v1/interactions", origin)
                #expect(answer?.status == 400 && answer?.code == "malformed_encoding")
                let allowed = answer?.headers["access-control-allow-origin"]
                #expect(allowed == (origin == "shop.example" ? "https://shop.example" : nil))
                #expect(send("/nothing", "other.example")?.status == 404)
            }
        }
    }
}
