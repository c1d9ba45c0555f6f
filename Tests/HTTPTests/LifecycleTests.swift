import Glibc
import HTTP
import Testing

@Suite("Starting, stopping, limits of time and number")
struct LifecycleTests {
    // MARK: Listening

    @Test("A port in use is told by code and address")
    func portInUse() throws {
        try withServer { server, _ in
            let second = try HTTPServer(HTTPServerConfiguration(port: server.port), handler: PlainHandler())
            let error = #expect(throws: HTTPError.self) { try second.start() }
            #expect(error?.code == "port_in_use")
            #expect(error?.message.contains("127.0.0.1:\(server.port)") == true)
            second.stop(graceSeconds: 0)
        }
    }

    @Test(
        "An address that cannot be listened on is told by code",
        arguments: [
            ("192.0.2.1", "address_unavailable"), ("example.invalid", "address_unavailable"),
            ("", "address_unavailable"),
        ])
    func badAddress(host: String, code: String) throws {
        let server = try HTTPServer(HTTPServerConfiguration(host: host, port: 0), handler: PlainHandler())
        let error = #expect(throws: HTTPError.self) { try server.start() }
        #expect(error?.code == code)
    }

    @Test("Values that make no sense are refused before anything is opened")
    func badConfiguration() {
        for change in [
            { $0.threads = 0 }, { $0.connectionTimeoutSeconds = 0 }, { $0.maximumConnections = 0 },
            { $0.maximumBodyBytes = -1 }, { $0.maximumHeaderBytes = 10 }, { $0.maximumTargetBytes = 1 << 30 },
        ] as [(inout HTTPServerConfiguration) -> Void] {
            var configuration = HTTPServerConfiguration(port: 0)
            change(&configuration)
            let error = #expect(throws: HTTPError.self) { try HTTPServer(configuration, handler: PlainHandler()) }
            #expect(error?.code == "invalid_configuration")
        }
    }

    @Test("A server starts once; its port is known while it runs")
    func onceOnly() throws {
        let server = try HTTPServer(HTTPServerConfiguration(port: 0), handler: PlainHandler())
        #expect(server.port == 0)
        try server.start()
        #expect(server.port != 0)
        let error = #expect(throws: HTTPError.self) { try server.start() }
        #expect(error?.code == "already_started")
        server.stop(graceSeconds: 0)
        server.stop(graceSeconds: 0)
        #expect(server.port == 0)
    }

    @Test("IPv6 and a single thread work")
    func ipv6() throws {
        let server = try HTTPServer(HTTPServerConfiguration(host: "::1", port: 0, threads: 1), handler: PlainHandler())
        do {
            try server.start()
        } catch {
            #expect(error.code == "address_unavailable", "this machine has no IPv6")
            return
        }
        #expect(server.port != 0)
        server.stop(graceSeconds: 0)
        try withServer({ $0.threads = 1 }) { server, _ in
            #expect(Client(port: server.port).exchange(get("/a"))?.status == 200)
        }
    }

    @Test("A Unix socket has mode 0600, replaces a stale file, and goes with the server")
    func unixSocket() throws {
        let path = "/tmp/footfall-http-\(getpid()).socket"
        // A stale file: bound by a socket that is closed without unlinking.
        let stale = socket(AF_UNIX, Int32(SOCK_STREAM.rawValue), 0)
        var address = sockaddr_un()
        address.sun_family = sa_family_t(AF_UNIX)
        withUnsafeMutableBytes(of: &address.sun_path) { place in
            for (index, byte) in path.utf8.enumerated() { place[index] = byte }
        }
        let bound = withUnsafePointer(to: &address) {
            $0.withMemoryRebound(to: sockaddr.self, capacity: 1) {
                bind(stale, $0, socklen_t(MemoryLayout<sockaddr_un>.size))
            }
        }
        #expect(bound == 0)
        close(stale)

        let server = try HTTPServer(HTTPServerConfiguration(unixSocketPath: path), handler: PlainHandler())
        try server.start()
        var status = stat()
        #expect(stat(path, &status) == 0)
        #expect(status.st_mode & 0o777 == 0o600)
        #expect(Client(path: path).exchange(get("/a"))?.text == "plain")

        let second = try HTTPServer(HTTPServerConfiguration(unixSocketPath: path), handler: PlainHandler())
        #expect(throws: HTTPError.self) { try second.start() }
        #expect(Client(path: path).exchange(get("/a"))?.text == "plain")
        server.stop(graceSeconds: 0)
        #expect(stat(path, &status) != 0)
    }

    @Test("A file that is not a socket is never replaced")
    func notASocket() throws {
        let path = "/tmp/footfall-http-\(getpid()).file"
        let file = open(path, O_CREAT | O_WRONLY, 0o600)
        close(file)
        defer { unlink(path) }
        let server = try HTTPServer(HTTPServerConfiguration(unixSocketPath: path), handler: PlainHandler())
        #expect(throws: HTTPError.self) { try server.start() }
        var status = stat()
        #expect(stat(path, &status) == 0)
    }

    // MARK: Stopping

    @Test("Stopping refuses new connections and lets suspended requests finish")
    func gracefulStop() throws {
        let handler = TestHandler()
        let server = try HTTPServer(HTTPServerConfiguration(port: 0), handler: handler)
        try server.start()
        let port = server.port
        let clients = (0..<50).map { _ in Client(port: port) }
        for client in clients { client.send(post("/later", "x")) }
        #expect(handler.waitForExchanges(50))
        let stopper = Thread { server.stop(graceSeconds: 10) }
        #expect(waitUntil { Client(port: port).isAtEnd })
        handler.resumeAll(with: .text("saved"))
        for client in clients {
            let answer = client.read()
            #expect(answer?.text == "saved")
            #expect(answer?.headers["connection"] == "close")
        }
        stopper.join()
        #expect(server.connectionCount == 0)
    }

    @Test("Past its grace, a stopping server answers what is suspended with 503; late answers do nothing")
    func impatientStop() throws {
        let handler = TestHandler()
        let server = try HTTPServer(HTTPServerConfiguration(port: 0), handler: handler)
        try server.start()
        let clients = (0..<50).map { _ in Client(port: server.port) }
        for client in clients { client.send(post("/later", "x")) }
        #expect(handler.waitForExchanges(50))
        server.stop(graceSeconds: 0.05)
        for client in clients {
            let answer = client.read()
            #expect(answer?.status == 503)
            #expect(answer?.code == "server_stopping")
        }
        let late = handler.takeExchanges().map { $0.resume(with: .text("late")) }
        #expect(late == Array(repeating: false, count: 50))
    }

    @Test("A server that is stopped under load answers every request it took, whole or not at all")
    func stopUnderLoad() throws {
        for round in 0..<10 {
            let handler = EchoLaterHandler()
            let server = try HTTPServer(HTTPServerConfiguration(port: 0), handler: handler)
            try server.start()
            let port = server.port
            let resumer = Thread { handler.resumeUntilStopped() }
            let wrong = Counter()
            let answered = Counter()
            let clients = (0..<4).map { number in
                Thread {
                    let connections = (0..<8).map { _ in Client(port: port) }
                    while true {
                        for client in connections { client.send(post("/", "load \(number)")) }
                        var ended = 0
                        for client in connections {
                            guard let answer = client.read() else { ended += 1; continue }
                            answered.increment()
                            if answer.text != "load \(number)" && answer.status != 503 { wrong.increment() }
                        }
                        if ended == connections.count { return }
                    }
                }
            }
            usleep(UInt32(round) * 5_000 + 5_000)
            server.stop(graceSeconds: round % 2 == 0 ? 1 : 0)
            for client in clients { client.join() }
            handler.stop()
            resumer.join()
            #expect(wrong.value == 0)
        }
    }

    // MARK: Time

    @Test("A body that stalls is answered 408 and ended; the handler is told")
    func stalledBody() throws {
        try withServer({ $0.connectionTimeoutSeconds = 1 }) { server, handler in
            let client = Client(port: server.port)
            client.send("POST /echo HTTP/1.1\r\nHost: t\r\nContent-Length: 100\r\n\r\nabc")
            let answer = client.read()
            #expect(answer?.status == 408)
            #expect(answer?.code == "request_timeout")
            #expect(client.readToEnd() == "")
            #expect(waitUntil { handler.finishedSoFar.count == 1 })
            #expect(handler.finishedSoFar.first?.isComplete == false)
            #expect(handler.finishedSoFar.first?.status == 408)
        }
    }

    @Test("Headers that trickle in do not hold a connection for ever")
    func slowHeaders() throws {
        try withServer({ $0.connectionTimeoutSeconds = 1 }) { server, _ in
            let client = Client(port: server.port)
            client.send("GET /a HTTP/1.1\r\n")
            var rounds = 0
            while rounds < 400, client.send("X-\(rounds): a\r\n") {
                rounds += 1
                usleep(100_000)
            }
            #expect(rounds < 400)
        }
    }

    @Test("A connection that is silent between requests is ended, one that waits for its answer is not")
    func idle() throws {
        try withServer({ $0.connectionTimeoutSeconds = 1 }) { server, handler in
            let idle = Client(port: server.port)
            #expect(idle.exchange(get("/a"))?.status == 200)
            let waiting = Client(port: server.port)
            waiting.send(get("/later"))
            #expect(handler.waitForExchanges(1))
            #expect(idle.readToEnd() == "")
            #expect(idle.isAtEnd)
            sleep(2)
            handler.resumeAll()
            #expect(waiting.read()?.text == "later")
        }
    }

    // MARK: Number

    @Test("Past the largest number of connections a client is answered 503, and there is room again afterwards")
    func tooManyConnections() throws {
        try withServer({ $0.maximumConnections = 10 }) { server, _ in
            var clients = (0..<10).map { _ in Client(port: server.port) }
            for client in clients { #expect(client.exchange(get("/a"))?.status == 200) }
            let eleventh = Client(port: server.port)
            let answer = eleventh.read()
            #expect(answer?.status == 503)
            #expect(answer?.code == "too_many_connections")
            clients = []
            #expect(waitUntil { Client(port: server.port).exchange(get("/a"))?.status == 200 })
        }
    }
}
