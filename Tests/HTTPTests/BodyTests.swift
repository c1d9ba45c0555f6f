import HTTP
import Testing

@Suite("Bodies: limits, chunks, compression, 100-continue")
struct BodyTests {
    private func chunked(_ target: String, _ pieces: [String], _ headers: String = "", end: Bool = true) -> String {
        let body = pieces.map { "\(String($0.utf8.count, radix: 16))\r\n\($0)\r\n" }.joined() + (end ? "0\r\n\r\n" : "")
        return "POST \(target) HTTP/1.1\r\nHost: t\r\nTransfer-Encoding: chunked\r\n\(headers)\r\n\(body)"
    }

    private func gzipped(_ target: String, _ body: [UInt8]) -> [UInt8] {
        Array(
            "POST \(target) HTTP/1.1\r\nHost: t\r\nContent-Encoding: gzip\r\nContent-Length: \(body.count)\r\n\r\n".utf8
        )
            + body
    }

    // MARK: Limits

    @Test("A body of exactly the limit is taken, one more byte is 413, and the connection goes on")
    func limit() throws {
        try withServer { server, _ in
            let client = Client(port: server.port)
            #expect(client.exchange(post("/small", "1234567890"))?.text == "1234567890")
            let refused = client.exchange(post("/small", "12345678901"))
            #expect(refused?.status == 413)
            #expect(refused?.code == "body_too_large")
            #expect(client.exchange(get("/on"))?.status == 200)
        }
    }

    @Test("A body declared far over the limit is answered 413 before it is sent, while the client goes on sending")
    func declaredTooLarge() throws {
        try withServer { server, handler in
            let client = Client(port: server.port)
            client.send("POST /echo HTTP/1.1\r\nHost: t\r\nContent-Length: 8000000\r\n\r\n")
            let answer = client.read()
            #expect(answer?.status == 413)
            #expect(answer?.headers["connection"] == "close")
            #expect(client.readToEnd() == "")

            // One that sends everything first still reads the answer instead of a reset.
            let stubborn = Client(port: server.port)
            stubborn.send("POST /echo HTTP/1.1\r\nHost: t\r\nContent-Length: 8000000\r\n\r\n")
            let piece = [UInt8](repeating: 120, count: 100_000)
            for _ in 0..<80 { guard stubborn.send(piece) else { break } }
            #expect(stubborn.read()?.status == 413)
            #expect(handler.handledCount == 0)
        }
    }

    @Test("Large bodies past the server's memory for them are 503; small ones still get through")
    func buffered() throws {
        // Memory grows by doubling: the first body takes between its size and twice that, so it always fits alone and
        // never together with the second.
        try withServer({ $0.maximumBufferedBytes = 1_390_000 }) { server, handler in
            let first = String(repeating: "x", count: 690_000)
            let second = String(repeating: "y", count: 720_000)
            let holding = Client(port: server.port)
            holding.send("POST /echo HTTP/1.1\r\nHost: t\r\nContent-Length: 690001\r\n\r\n" + first)
            #expect(waitUntil { server.bufferedBodyBytes >= 690_000 })
            #expect(Client(port: server.port).exchange(post("/echo", second))?.code == "overloaded")
            #expect(Client(port: server.port).exchange(post("/echo", "small"))?.text == "small")
            holding.send("z")
            #expect(holding.read()?.body.count == 690_001)
            #expect(waitUntil { server.bufferedBodyBytes == 0 })
            #expect(Client(port: server.port).exchange(post("/echo", first))?.body.count == 690_000)
        }
    }

    @Test("A body of many megabytes comes back as it was sent, and one that is never read ends with the time-out")
    func large() throws {
        try withServer({ $0.connectionTimeoutSeconds = 1 }) { server, handler in
            var random = SeededGenerator(seed: 1)
            var body = (0..<1000).flatMap { _ in withUnsafeBytes(of: random.next()) { Array($0) } }
            for _ in 0..<11 { body += body }
            let client = Client(port: server.port)
            let request = Array("POST /large HTTP/1.1\r\nHost: t\r\nContent-Length: \(body.count)\r\n\r\n".utf8) + body
            client.send(request)
            #expect(client.read()?.body == body)

            let deaf = Client(port: server.port)
            deaf.send(request)
            #expect(waitUntil { handler.handledCount == 2 })
            #expect(waitUntil { server.activeRequestCount == 0 })
            #expect(waitUntil { handler.finishedSoFar.count == 2 })
            #expect(handler.finishedSoFar.last?.isComplete == false)
        }
    }

    @Test("A chunked body over the limit is 413 whether it ends soon, late or never")
    func chunkedTooLarge() throws {
        try withServer { server, handler in
            let soon = Client(port: server.port)
            #expect(soon.exchange(chunked("/small", ["12345", "678901"]))?.status == 413)
            #expect(soon.exchange(get("/on"))?.status == 200)

            let late = Client(port: server.port)
            let answer = late.exchange(
                chunked("/small", Array(repeating: String(repeating: "x", count: 4000), count: 60)))
            #expect(answer?.status == 413)
            #expect(answer?.headers["connection"] == "close")

            let never = Client(port: server.port)
            never.send(chunked("/small", ["12345678901"], end: false))
            let piece = "ffff\r\n" + String(repeating: "x", count: 65535) + "\r\n"
            for _ in 0..<200 { guard never.send(piece) else { break } }
            #expect(never.read()?.status == 413)
            #expect(handler.handledCount == 1)
        }
    }

    @Test("Chunks of every size arrive as one body, with extensions and trailers ignored")
    func chunks() throws {
        try withServer { server, _ in
            let client = Client(port: server.port)
            #expect(
                client.exchange(chunked("/echo", ["a", "bc", String(repeating: "d", count: 70000)]))?.body.count
                    == 70003)
            let extended =
                "POST /echo HTTP/1.1\r\nHost: t\r\nTransfer-Encoding: chunked\r\n\r\n3;x=y\r\nabc\r\n0\r\nX-T: 1\r\n\r\n"
            #expect(client.exchange(extended)?.text == "abc")
            #expect(client.exchange(get("/on"))?.status == 200)
        }
    }

    @Test("A body that arrives a byte at a time is whole")
    func slowly() throws {
        try withServer { server, _ in
            let client = Client(port: server.port)
            for byte in Array(post("/echo", "abcdefgh").utf8) { client.send([byte]) }
            #expect(client.read()?.text == "abcdefgh")
        }
    }

    // MARK: Refusal

    @Test("A refused request is answered without its body, and the connection goes on when the body is short")
    func refusal() throws {
        try withServer { server, handler in
            let client = Client(port: server.port)
            #expect(client.exchange(get("/refuse"))?.status == 401)
            #expect(client.exchange(post("/refuse", "abc"))?.status == 401)
            #expect(client.exchange(chunked("/refuse", ["abc"]))?.status == 401)
            #expect(client.exchange(get("/on"))?.status == 200)
            #expect(handler.handledCount == 1)
        }
    }

    // MARK: 100-continue

    @Test("A client that asks is told to go on, and only when its body is wanted")
    func expectContinue() throws {
        try withServer { server, _ in
            let client = Client(port: server.port)
            client.send("POST /echo HTTP/1.1\r\nHost: t\r\nContent-Length: 5\r\nExpect: 100-continue\r\n\r\n")
            #expect(client.read()?.status == 100)
            client.send("hello")
            #expect(client.read()?.text == "hello")

            let refused = Client(port: server.port)
            refused.send("POST /refuse HTTP/1.1\r\nHost: t\r\nContent-Length: 5\r\nExpect: 100-continue\r\n\r\n")
            let answer = refused.read()
            #expect(answer?.status == 401)
            #expect(answer?.headers["connection"] == "close")

            let large = Client(port: server.port)
            large.send("POST /small HTTP/1.1\r\nHost: t\r\nContent-Length: 11\r\nExpect: 100-continue\r\n\r\n")
            #expect(large.read()?.status == 413)
        }
    }

    // MARK: Compression

    @Test("A gzip body is inflated, in one or several members, sent whole or byte by byte")
    func gzip() throws {
        try withServer { server, handler in
            let client = Client(port: server.port)
            let text = Array((0..<20_000).map { "line \($0)\n" }.joined().utf8)
            let real = try #require(Gzip.compressed(text))
            for body in [Gzip.stored(text), real] {
                client.send(gzipped("/echo", body))
                #expect(client.read()?.body == text)
            }
            client.send(gzipped("/echo", Gzip.stored(text) + real + Gzip.stored([])))
            #expect(client.read()?.body == text + text)
            client.send(gzipped("/padding", Gzip.stored([])))
            #expect(client.read()?.text == "0 true")
            let small = gzipped("/echo", Gzip.stored(Array("abc".utf8)))
            for byte in small { client.send([byte]) }
            #expect(client.read()?.text == "abc")
            #expect(waitUntil { handler.finishedSoFar.count == 5 })
            #expect(handler.finishedSoFar.map(\.requestBytes).contains(real.count))
        }
    }

    @Test("A bomb is 413, however it is wrapped; what just fits is taken")
    func bomb() throws {
        try withServer { server, handler in
            let (bomb, count) = Gzip.zeros(repeats: 200_000, withChecksum: false)
            #expect(bomb.count < 400_000 && count > 50_000_000)
            let client = Client(port: server.port)
            client.send(gzipped("/echo", bomb))
            #expect(client.read()?.status == 413)

            let many = Client(port: server.port)
            many.send(gzipped("/echo", Array(repeatElement(Gzip.zeros(repeats: 50).bytes, count: 100).joined())))
            #expect(many.read()?.status == 413)

            let exact = Client(port: server.port)
            exact.send(gzipped("/small", Gzip.stored(Array("1234567890".utf8))))
            // 10 bytes inflated, but more than 10 as sent.
            #expect(exact.read()?.status == 413)
            exact.send(gzipped("/echo", Gzip.stored([UInt8](repeating: 1, count: 1 << 20 - 100))))
            #expect(exact.read()?.status == 200)
            #expect(handler.handledCount == 1)
        }
    }

    @Test("A gzip body that is corrupt, cut short or followed by something else is 400")
    func malformedGzip() throws {
        try withServer { server, handler in
            let good = Gzip.stored(Array("some text that is long enough".utf8))
            var flipped = good
            flipped[flipped.count - 6] ^= 1
            var damaged = good
            damaged[10] = 7
            let bodies = [
                Array(good.dropLast()), Array(good.prefix(5)), good + [0], good + Array("garbage".utf8), flipped,
                damaged,
                Array("plain".utf8), [], good + Array(good.dropLast(3)),
            ]
            let client = Client(port: server.port)
            for body in bodies {
                client.send(gzipped("/echo", body))
                let answer = client.read()
                #expect(answer?.status == 400, "\(body.count)")
                #expect(answer?.code == "malformed_encoding")
            }
            #expect(handler.handledCount == 0)
            #expect(client.exchange(get("/on"))?.status == 200)
        }
    }

    @Test(
        "Other content encodings are 415; identity is none",
        arguments: ["deflate", "br", "gzip, gzip", "gzip\r\nContent-Encoding: gzip"])
    func otherEncodings(name: String) throws {
        try withServer { server, _ in
            let client = Client(port: server.port)
            let answer = client.exchange(post("/echo", "abc", "Content-Encoding: \(name)\r\n"))
            #expect(answer?.status == 415)
            #expect(answer?.code == "unsupported_encoding")
            #expect(client.exchange(post("/echo", "abc", "Content-Encoding: Identity\r\n"))?.text == "abc")
        }
    }

    @Test("A body that begins like gzip without the header is left as it is")
    func noSniffing() throws {
        try withServer { server, _ in
            let client = Client(port: server.port)
            let body = Gzip.stored([1, 2, 3])
            client.send(Array("POST /echo HTTP/1.1\r\nHost: t\r\nContent-Length: \(body.count)\r\n\r\n".utf8) + body)
            #expect(client.read()?.body == body)
        }
    }
}
