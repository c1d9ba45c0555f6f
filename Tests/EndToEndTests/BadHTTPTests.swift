import Foundation
import Testing

@Suite(.serialized) struct BadHTTP {
    private struct Case {
        var name: String
        var bytes: String
        var statuses: ClosedRange<Int>
        /// Whether the HTTP library answers by itself, before the product sees anything of the request.
        var isLibrarys = false
    }

    @Test("Bytes that are no request of HTTP are refused without harm")
    func notHTTP() throws {
        let server = try ServerProcess(TestFolder())
        let good = #"{"type": "view", "entity_id": "p1", "user_id": "u1"}"#
        let head = "POST /v1/interactions HTTP/1.1\r\nHost: x\r\nAuthorization: Bearer \(try server.keys.write)\r\n"
        let length = good.utf8.count
        let long = String(repeating: "x", count: 40_000)
        let table: [Case] = [
            Case(name: "no HTTP", bytes: "hello\r\n\r\n", statuses: 400...400, isLibrarys: true),
            Case(name: "no host", bytes: "GET /healthz HTTP/1.1\r\n\r\n", statuses: 400...400),
            Case(name: "two hosts", bytes: "GET /healthz HTTP/1.1\r\nHost: a\r\nHost: b\r\n\r\n", statuses: 400...400),
            Case(
                name: "a later version", bytes: "GET /healthz HTTP/7.0\r\nHost: x\r\n\r\n", statuses: 505...505,
                isLibrarys: true),
            Case(
                name: "a long line", bytes: "GET /\(long) HTTP/1.1\r\nHost: x\r\n\r\n", statuses: 414...414,
                isLibrarys: true),
            Case(
                name: "a line that is too long", bytes: "GET /\(long.prefix(9000)) HTTP/1.1\r\nHost: x\r\n\r\n",
                statuses: 414...414),
            Case(
                name: "a large header", bytes: "GET /healthz HTTP/1.1\r\nHost: x\r\nX: \(long)\r\n\r\n",
                statuses: 431...431,
                isLibrarys: true),
            Case(
                name: "two lengths", bytes: head + "Content-Length: \(length)\r\nContent-Length: 3\r\n\r\n" + good,
                statuses: 400...400),
            Case(
                name: "a negative length", bytes: head + "Content-Length: -5\r\n\r\n" + good, statuses: 400...400,
                isLibrarys: true),
            Case(
                name: "a huge length", bytes: head + "Content-Length: 99999999999999999999\r\n\r\n" + good,
                statuses: 413...413, isLibrarys: true),
            Case(
                name: "a length past the limit", bytes: head + "Content-Length: 99999999999\r\n\r\n",
                statuses: 413...413),
            Case(
                name: "length and chunks",
                bytes: head + "Content-Length: 5\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n", statuses: 400...400),
            Case(
                name: "a bad chunk", bytes: head + "Transfer-Encoding: chunked\r\n\r\nzz\r\n\(good)\r\n0\r\n\r\n",
                statuses: 400...400, isLibrarys: true),
            Case(name: "an unknown encoding", bytes: head + "Transfer-Encoding: gzip\r\n\r\nx", statuses: 501...501),
            Case(
                name: "an unknown method", bytes: "BREW /v1/interactions HTTP/1.1\r\nHost: x\r\n\r\n",
                statuses: 401...501),
            Case(
                name: "a bare CR in a header", bytes: "GET /healthz HTTP/1.1\r\nHost: x\r\nX: a\rb\r\n\r\n",
                statuses: 400...400),
            Case(
                name: "a control character", bytes: "GET /healthz HTTP/1.1\r\nHost: x\r\nX: a\u{1}b\r\n\r\n",
                statuses: 400...400),
            Case(name: "a NUL in the target", bytes: "GET /heal\0thz HTTP/1.1\r\nHost: x\r\n\r\n", statuses: 400...400),
        ]
        for row in table {
            let client = Client(port: server.port, key: nil)
            do {
                let answer = try client.exchange(Array(row.bytes.utf8))
                #expect(row.statuses.contains(answer.status), "\(row.name): \(answer)")
                #expect(row.isLibrarys || answer.isProblem, "\(row.name): \(answer.headers) \(answer)")
            } catch is Client.ConnectionClosed {
                #expect(row.isLibrarys, "\(row.name): closed without a word")
            }
        }
        // What is begun and never ended stores nothing either.
        let torn = Client(port: server.port, key: nil)
        _ = try torn.sendOnly(Array((head + "Content-Length: \(length)\r\n\r\n" + good.dropLast(3)).utf8))
        torn.close()
        #expect(try server.client().get("/healthz").status == 200)
        #expect(try StoreFile(server.folder).integer("SELECT count(*) FROM user_interactions") == 0)
        #expect(server.stop() == 0)
    }

    @Test("A connection that goes silent is ended, and idle ones do not keep others out")
    func silence() throws {
        let server = try ServerProcess(TestFolder(), ["--timeout", "1", "--max-connections", "20"])
        var idle: [Client] = []
        for _ in 0..<15 {
            let client = Client(port: server.port, key: nil)
            _ = try client.sendOnly(Array("GET /healthz HTTP/1.1\r\nHo".utf8))
            idle.append(client)
        }
        #expect(try server.client().get("/healthz").status == 200)
        let isOver = eventually(within: 60) { idle.allSatisfy(\.isClosedByServer) }
        #expect(isOver)
        #expect(try server.client().get("/healthz").status == 200)
        #expect(server.stop() == 0)
    }
}
