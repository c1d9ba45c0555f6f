import Glibc
import HTTP
import Synchronization
import Testing

@Suite("Answers that come later")
struct SuspensionTests {
    @Test("A suspended request is answered when it is resumed from another thread, and the connection goes on")
    func later() throws {
        try withServer { server, handler in
            let client = Client(port: server.port)
            for round in 0..<20 {
                client.send(post("/later", "body"))
                #expect(handler.waitForExchanges(1))
                #expect(server.activeRequestCount == 1)
                handler.resumeAll(with: .text("round \(round)"))
                #expect(client.read()?.text == "round \(round)")
            }
            #expect(client.exchange(get("/on"))?.status == 200)
            #expect(waitUntil { server.activeRequestCount == 0 })
        }
    }

    @Test("An exchange may be resumed before handle returns; a second answer is ignored")
    func atOnce() throws {
        try withServer { server, handler in
            let client = Client(port: server.port)
            for _ in 0..<50 { #expect(client.exchange(get("/now"))?.text == "now") }
            #expect(client.exchange(get("/twice"))?.text == "first")
            #expect(handler.finishedSoFar.contains { $0.tag == -1 && $0.method == "true" && $0.path == "false" })
        }
    }

    @Test("An answer can be left to the serving thread to make; it is made once")
    func made() throws {
        try withServer { server, handler in
            let made = Mutex(0)
            let make: @Sendable () -> HTTPResponse = {
                made.withLock { $0 += 1 }
                return .text("made")
            }
            let client = Client(port: server.port)
            for round in 1...20 {
                client.send(post("/later", "body"))
                #expect(handler.waitForExchanges(1))
                let taken = handler.takeExchanges().map { [$0.resume(making: make), $0.resume(with: .text("second"))] }
                #expect(taken == [[true, false]])
                #expect(client.read()?.text == "made")
                #expect(made.withLock { $0 } == round)
            }
            // The next request's answer is its own.
            #expect(client.exchange(get("/now"))?.text == "now")
        }
    }

    @Test("A lost exchange is answered 500")
    func lost() throws {
        try withServer { server, _ in
            let client = Client(port: server.port)
            for _ in 0..<10 {
                let answer = client.exchange(get("/lost"))
                #expect(answer?.status == 500)
                #expect(answer?.code == "internal_error")
            }
        }
    }

    @Test("A client that has closed its sending side gets its answer, at once or later")
    func halfClosed() throws {
        try withServer { server, handler in
            let now = Client(port: server.port)
            now.send(post("/echo", "abc"))
            now.endSending()
            #expect(now.read()?.text == "abc")

            let later = Client(port: server.port)
            later.send(post("/later", "abc"))
            #expect(handler.waitForExchanges(1))
            later.endSending()
            usleep(20_000)
            handler.resumeAll()
            #expect(later.read()?.text == "later")

            // The end arrives together with the request.
            let both = Client(port: server.port)
            both.send(post("/later", "abc"))
            both.endSending()
            #expect(handler.waitForExchanges(1))
            handler.resumeAll()
            #expect(both.read()?.text == "later")
        }
    }

    @Test("Pipelined requests behind a suspended one wait for it and stay in order")
    func pipelined() throws {
        try withServer { server, handler in
            let client = Client(port: server.port)
            client.send(post("/later", "1") + get("/b") + post("/later", "2") + get("/c"))
            #expect(handler.waitForExchanges(1))
            handler.resumeAll(with: .text("first"))
            #expect(client.read()?.text == "first")
            #expect(client.read()?.text == "GET b ? ")
            #expect(handler.waitForExchanges(1))
            handler.resumeAll(with: .text("second"))
            #expect(client.read()?.text == "second")
            #expect(client.read()?.text == "GET c ? ")
        }
    }

    @Test("Clients killed while they are suspended leave nothing behind", arguments: [true, false])
    func killed(byReset: Bool) throws {
        try withServer { server, handler in
            for _ in 0..<5 {
                var clients = (0..<100).map { _ in Client(port: server.port) }
                for client in clients { client.send(post("/later", "body")) }
                #expect(handler.waitForExchanges(100))
                if byReset { for client in clients { client.reset() } }
                clients = []
                usleep(10_000)
                #expect(handler.resumeAll() == 100)
                #expect(waitUntil { server.connectionCount == 0 && server.activeRequestCount == 0 })
            }
            #expect(waitUntil { handler.finishedSoFar.count == 500 })
            #expect(Client(port: server.port).exchange(get("/on"))?.status == 200)
        }
    }

    @Test("Requests suspended under load are each answered once, with their own answer")
    func load() throws {
        let handler = EchoLaterHandler()
        let server = try HTTPServer(HTTPServerConfiguration(port: 0), handler: handler)
        try server.start()
        defer { server.stop(graceSeconds: 0) }
        let port = server.port
        let resumers = (0..<2).map { _ in Thread { handler.resumeUntilStopped() } }
        let wrong = Counter()
        let clients = (0..<8).map { number in
            Thread {
                let connections = (0..<8).map { _ in Client(port: port) }
                for round in 0..<150 {
                    for (index, client) in connections.enumerated() {
                        client.send(post("/", "\(number) \(index) \(round)"))
                    }
                    for (index, client) in connections.enumerated()
                    where client.read()?.text != "\(number) \(index) \(round)" {
                        wrong.increment()
                    }
                }
            }
        }
        for client in clients { client.join() }
        handler.stop()
        for resumer in resumers { resumer.join() }
        #expect(wrong.value == 0)
        #expect(waitUntil { server.activeRequestCount == 0 })
    }

    @Test("An answer that comes in the moment of the suspension is sent, with nothing else to wake the thread")
    func race() throws {
        let handler = RacingHandler()
        let server = try HTTPServer(HTTPServerConfiguration(port: 0, threads: 1), handler: handler)
        try server.start()
        defer { server.stop(graceSeconds: 0) }
        let resumer = Thread { handler.resumeUntilStopped() }
        let client = Client(port: server.port)
        client.timeout(10)
        for round in 0..<30_000 {
            client.send(get("/\(round)"))
            guard client.read()?.text == "raced" else {
                Issue.record("round \(round)")
                break
            }
        }
        handler.stop()
        resumer.join()
    }
}
