import Glibc
import HTTP
import Synchronization
import Testing

@Suite("Under stress", .serialized)
struct StressTests {
    @Test("A thousand connections are served at once")
    func thousandConnections() throws {
        try withServer { server, handler in
            let clients = (0..<1000).map { _ in Client(port: server.port) }
            for _ in 0..<3 {
                for (index, client) in clients.enumerated() { client.send(post("/echo", "body \(index)")) }
                for (index, client) in clients.enumerated() {
                    #expect(client.read()?.text == "body \(index)", "ended by \(client.endError ?? -1) at \(time(nil))")
                }
            }
            #expect(server.connectionCount == 1000)
            for client in clients { client.send(post("/later", "x")) }
            #expect(handler.waitForExchanges(1000))
            handler.resumeAll()
            for client in clients { #expect(client.read()?.text == "later") }
        }
    }

    @Test("As many events as the library fetches at a time do not stop a thread", arguments: [128, 256])
    func fullBatch(count: Int) throws {
        let handler = SleepyHandler()
        let server = try HTTPServer(HTTPServerConfiguration(port: 0, threads: 1), handler: handler)
        try server.start()
        defer {
            handler.isWoken.store(true, ordering: .releasing)
            server.stop(graceSeconds: 0)
        }
        let clients = (0..<count).map { _ in Client(port: server.port) }
        for client in clients { #expect(client.exchange(get("/a"))?.status == 200) }
        // The thread sleeps while all of them send, and then finds exactly that many events.
        let sleepy = Client(port: server.port)
        sleepy.send(get("/sleep"))
        #expect(waitUntil { handler.isAsleep.load(ordering: .acquiring) })
        for client in clients { client.send(get("/b")) }
        handler.isWoken.store(true, ordering: .releasing)
        let start = time(nil)
        for client in clients { #expect(client.read()?.status == 200) }
        // A thread that had stopped would answer when the clients have given up, after 30 seconds.
        #expect(time(nil) - start < 28)
    }

    @Test("Ten thousand random malformed requests neither end nor hang the server")
    func malformed() throws {
        let seed = UInt64(getpid()) &* 0x9e37_79b9
        print("seed of the malformed requests: \(seed)")
        try withServer { server, handler in
            let port = server.port
            let workers = (0..<4).map { worker in
                Thread {
                    var random = SeededGenerator(seed: seed &+ UInt64(worker))
                    for number in 0..<2500 {
                        let client = Client(port: port)
                        client.send(Fuzz.request(&random))
                        switch number % 4 {
                        case 0: client.reset()
                        case 1: client.endSending()
                        default: break
                        }
                        if number % 8 == 1 {
                            client.timeout(milliseconds: 100)
                            _ = client.readToEnd()
                        }
                    }
                }
            }
            for worker in workers { worker.join() }
            #expect(Client(port: port).exchange(get("/on"))?.text == "GET on ? ")
            #expect(
                waitUntil {
                    handler.resumeAll()
                    return server.connectionCount <= 1 && server.activeRequestCount == 0
                })
        }
    }
}

/// Requests that are wrong in random ways: a good one mutated, or fragments put together.
enum Fuzz {
    private static let whole = [
        get("/a/b?c=d"), post("/echo", "hello world"), post("/later", "x"), post("/lost", "y"),
        "POST /echo HTTP/1.1\r\nHost: t\r\nTransfer-Encoding: chunked\r\n\r\n5\r\nhello\r\n0\r\n\r\n",
        "POST /small HTTP/1.1\r\nHost: t\r\nTransfer-Encoding: chunked\r\n\r\nfffff\r\n",
        "POST /echo HTTP/1.1\r\nHost: t\r\nContent-Encoding: gzip\r\nContent-Length: 12\r\n\r\n\u{1f}abcdefghijk",
        "POST /echo HTTP/1.1\r\nHost: t\r\nExpect: 100-continue\r\nContent-Length: 3\r\n\r\nabc",
        "HEAD / HTTP/1.0\r\n\r\n", "GET / HTTP/1.1\r\nHost: t\r\nConnection: close\r\nCookie: a=b; c=d\r\n\r\n",
    ]
    private static let fragments = [
        "GET", "POST", " ", "  ", "/", "/%2F%", "?", "&=&", "HTTP/1.1", "HTTP/1.0", "HTTP/9.9", "HTTP/1.12", "\r\n",
        "\n", "\r", "\0", "\t", ":", ": ", "Host: t\r\n", "Content-Length: ", "Content-Length: 5\r\n",
        "Content-Length: -1\r\n", "Content-Length: 99999999999999999999999\r\n", "Transfer-Encoding: chunked\r\n",
        "Transfer-Encoding: identity\r\n", "Content-Encoding: gzip\r\n", "Expect: 100-continue\r\n", "\r\n\r\n",
        "0\r\n\r\n", "ffffffffffffffff\r\n", "fffffffffffffffff\r\n", "5\r\nhello\r\n", "-5\r\n", ";;;;", "%00",
        "\u{ff}",
        " folded\r\n", "Cookie: \";=\r\n", "Connection: upgrade, close\r\n", "Upgrade: h2c\r\n",
        String(repeating: "a", count: 5000), String(repeating: "X: y\r\n", count: 300),
        "PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n", "\u{16}\u{3}\u{1}\u{2}\0",
    ]

    static func request(_ random: inout SeededGenerator) -> [UInt8] {
        var bytes: [UInt8] = []
        switch Int.random(in: 0..<4, using: &random) {
        case 0:
            for _ in 0..<Int.random(in: 1..<30, using: &random) {
                bytes += Array((fragments.randomElement(using: &random) ?? "").utf8)
            }
        case 1:
            bytes = (0..<Int.random(in: 1..<400, using: &random)).map { _ in UInt8.random(in: 0...255, using: &random) }
        default:
            bytes = Array((whole.randomElement(using: &random) ?? "").utf8)
            for _ in 0..<Int.random(in: 0..<6, using: &random) where !bytes.isEmpty {
                let place = Int.random(in: 0..<bytes.count, using: &random)
                switch Int.random(in: 0..<4, using: &random) {
                case 0: bytes[place] = UInt8.random(in: 0...255, using: &random)
                case 1: bytes.remove(at: place)
                case 2: bytes.insert(contentsOf: Array((fragments.randomElement(using: &random) ?? "").utf8), at: place)
                default: bytes.removeSubrange(place...)
                }
            }
        }
        return bytes
    }
}
