import API
import Foundation
import HTTP
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

    @Test("A key that is revoked opens nothing any more, also where the same head was let in before; other keys go on")
    func revokedKey() throws {
        let service = try TestService()
        defer { service.stop() }
        let key = KeyText.make(tenant: TestService.tenantID, scope: .secret, now: noon)
        try service.directory.add(key.entry)
        let connection = socket(AF_INET, Int32(SOCK_STREAM.rawValue), 0)
        defer { close(connection) }
        var address = sockaddr_in()
        address.sin_family = sa_family_t(AF_INET)
        address.sin_port = service.server.port.bigEndian
        inet_pton(AF_INET, "127.0.0.1", &address.sin_addr)
        let isOpen = withUnsafePointer(to: &address) {
            $0.withMemoryRebound(to: sockaddr.self, capacity: 1) {
                connect(connection, $0, socklen_t(MemoryLayout<sockaddr_in>.size)) == 0
            }
        }
        #expect(isOpen)
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
}
