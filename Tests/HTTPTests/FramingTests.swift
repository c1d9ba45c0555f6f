import HTTP
import Testing

@Suite("Requests that cannot be read")
struct FramingTests {
    /// Each is answered with its status and the connection ends; nothing reaches the handler.
    @Test(
        "Ambiguous or malformed framing is refused and ends the connection",
        arguments: [
            ("POST /a HTTP/1.1\r\nHost: t\r\nContent-Length: 5\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n", 400),
            ("POST /a HTTP/1.1\r\nHost: t\r\nTransfer-Encoding: chunked\r\nContent-Length: 5\r\n\r\n0\r\n\r\n", 400),
            ("POST /a HTTP/1.1\r\nHost: t\r\nContent-Length: 5\r\nContent-Length: 6\r\n\r\nabcdef", 400),
            ("POST /a HTTP/1.1\r\nHost: t\r\nContent-Length: 5\r\nContent-Length: 5\r\n\r\nabcde", 400),
            ("POST /a HTTP/1.1\r\nHost: t\r\nContent-Length: 0\r\nContent-Length: 5\r\n\r\nabcde", 400),
            ("POST /a HTTP/1.1\r\nHost: t\r\nTransfer-Encoding: gzip\r\n\r\nabc", 501),
            ("POST /a HTTP/1.1\r\nHost: t\r\nTransfer-Encoding: gzip, chunked\r\n\r\n0\r\n\r\n", 501),
            ("POST /a HTTP/1.1\r\nHost: t\r\nTransfer-Encoding: chunked\r\nTransfer-Encoding: x\r\n\r\n0\r\n\r\n", 400),
            ("POST /a HTTP/1.1\r\nHost: t\r\nContent-Length: 18446744073709551615\r\n\r\n", 413),
            ("POST /a HTTP/1.1\r\nHost: t\r\nContent-Length: 9223372036854775808\r\n\r\n", 413),
            ("GET /a HTTP/1.1\r\n\r\n", 400),
            ("GET /a HTTP/1.1\r\nHost: a\r\nHost: b\r\n\r\n", 400),
            ("GET /a HTTP/1.1\r\nHost : a\r\n\r\n", 400),
            ("GET /a HTTP/1.1\r\nHost: a\r\nX Y: a\r\n\r\n", 400),
            ("GET /a HTTP/1.1\r\nHost: a\r\n: a\r\n\r\n", 400),
            ("GET /a HTTP/1.1\r\nHost: a\r\nX: b\r\n folded\r\n\r\n", 400),
            ("GET /a HTTP/1.1\r\nHost: a\r\nX: b\u{1}c\r\n\r\n", 400),
            ("GET /a HTTP/1.1\r\nHost: a\r\nX: b\rc\r\n\r\n", 400),
            ("GET /a\0b HTTP/1.1\r\nHost: a\r\n\r\n", 400),
            ("GET /a HTTP/1.1\r\nHost: a\r\n:\r\n\r\n", 400),
            ("GET /a HTTP/1.1\r\nHost: a\r\nX: b\0c\r\nY: d\r\n\r\n", 400),
            ("GET /a HTTP/1.1\r\nHost: a\r\nX: b\0c\r\n\r\n", 400),
            ("GET /a HTTP/1.1\r\nHost: a\nX: b\r\n\r\n", 400),
            ("GET /a HTTP/1.1\nHost: a\r\n\r\n", 400),
            ("GET /a HTTP/1.1\r\nHost: a\r\n\n", 400),
            ("GET  /a HTTP/1.1\r\nHost: a\r\n\r\n", 200),
            ("GET /a  HTTP/1.1\r\nHost: a\r\n\r\n", 400),
            ("GET /a b HTTP/1.1\r\nHost: a\r\n\r\n", 400),
        ])
    func refused(request: String, status: Int) throws {
        try withServer { server, handler in
            let client = Client(port: server.port)
            let answer = client.exchange(request)
            #expect(answer?.status == status)
            guard status != 200 else { return }
            #expect(answer?.code != nil)
            #expect(client.readToEnd() == "")
            #expect(client.isAtEnd)
            #expect(handler.handledCount == 0)
        }
    }

    @Test("HTTP/1.0 needs no Host and ends the connection")
    func oldVersion() throws {
        try withServer { server, _ in
            let client = Client(port: server.port)
            #expect(client.exchange("GET /a HTTP/1.0\r\n\r\n")?.text == "GET a ? ")
            #expect(client.readToEnd() == "")
        }
    }

    @Test("A long target is 414, long headers are 431, both in the product's form while the connection's memory lasts")
    func tooLong() throws {
        try withServer { server, handler in
            let long = Client(port: server.port).exchange(get("/" + String(repeating: "a", count: 8192)))
            #expect(long?.status == 414)
            #expect(long?.code == "target_too_long")
            let fits = Client(port: server.port).exchange(get("/" + String(repeating: "a", count: 8191)))
            #expect(fits?.status == 200)
            let many = (0..<43).map { "X-\($0): \(String(repeating: "v", count: 250))\r\n" }.joined()
            let headers = Client(port: server.port).exchange(get("/a", many))
            #expect(headers?.status == 431)
            #expect(headers?.code == "headers_too_large")
            #expect(handler.handledCount == 1)
        }
    }

    @Test("Lines past what a connection may hold end it with the library's own 414 or 431")
    func farTooLong() throws {
        try withServer { server, _ in
            let target = Client(port: server.port)
            target.send("GET /" + String(repeating: "a", count: 200_000))
            #expect([414, nil].contains(target.read()?.status))
            let header = Client(port: server.port)
            header.send("GET /a HTTP/1.1\r\nHost: a\r\nX: " + String(repeating: "a", count: 200_000))
            #expect([431, nil].contains(header.read()?.status))
            let many = Client(port: server.port)
            many.send(get("/a", String(repeating: "a:\r\n", count: 10_000)))
            #expect([431, nil].contains(many.read()?.status))
            let cookies = Client(port: server.port)
            cookies.timeout(2)
            cookies.send(get("/a", "Cookie: " + String(repeating: "a=b;", count: 3000) + "\r\n"))
            let answer = cookies.read()?.status
            #expect([200, 431, nil].contains(answer))
            #expect(Client(port: server.port).exchange(get("/on"))?.status == 200)
        }
    }

    @Test("A query of many items costs no memory of the connection")
    func manyItems() throws {
        try withServer { server, _ in
            let query = (0..<3500).map { _ in "a" }.joined(separator: "&")
            let answer = Client(port: server.port).exchange(get("/a?" + query))
            #expect(answer?.status == 200)
            #expect(answer?.text.split(separator: "|").count == 3500)
        }
    }
}
