import HTTP
import Testing

@Suite("Requests and answers")
struct RequestTests {
    @Test("A request is answered with what the handler saw, and the connection goes on")
    func keepAlive() throws {
        try withServer { server, _ in
            let client = Client(port: server.port)
            for number in 0..<100 {
                let answer = client.exchange(get("/a/\(number)?x=\(number)"))
                #expect(answer?.status == 200)
                #expect(answer?.text == "GET a|\(number) ? x=\(number)")
            }
        }
    }

    @Test("A head is known again when all of it but the body's length is the same, and not otherwise")
    func knownHeads() throws {
        try withServer { server, _ in
            let client = Client(port: server.port)
            func times(_ head: String, _ body: String = "") -> String? {
                client.exchange("\(head)\r\n\r\n\(body)")?.text
            }
            let plain = "POST /known HTTP/1.1\r\nHost: t\r\nX-A: 1\r\nContent-Length: "
            #expect(times(plain + "10", "0123456789") == "1")
            #expect(times(plain + "12", "0123456789ab") == "2")
            #expect(times(plain + "10", "0123456789") == "3")
            // Another length of the length, of which nothing is wrong either.
            #expect(times(plain + "3", "abc") == "1")
            #expect(times(plain + "3", "abc") == "2")
            #expect(times(plain + "3\r\nX-B: 1", "abc") == "1")
            #expect(times(plain.replacing("X-A: 1", with: "X-A: 2") + "3", "abc") == "1")
            #expect(times(plain.replacing("X-A: 1", with: "X-a: 2") + "3", "abc") == "1")
            #expect(times(plain.replacing("POST", with: "PUT") + "3", "abc") == "1")
            // The byte after the question mark is hidden from the library.
            #expect(times("GET /known?a HTTP/1.1\r\nHost: t") == "1")
            #expect(times("GET /known?a HTTP/1.1\r\nHost: t") == "2")
            #expect(times("GET /known?b HTTP/1.1\r\nHost: t") == "1")
            // What came between was not admitted like it; what is refused is nothing to remember.
            #expect(times("GET /other?b HTTP/1.1\r\nHost: t") == "GET other ? b=")
            #expect(times("GET /known?b HTTP/1.1\r\nHost: t") == "2")
            #expect(times("GET /refuse HTTP/1.1\r\nHost: t") == "no")
            #expect(times("GET /known?b HTTP/1.1\r\nHost: t") == "3")
            // Too long to be kept.
            let long = "GET /known HTTP/1.1\r\nHost: t\r\nX-A: \(String(repeating: "a", count: 4000))"
            #expect(times(long) == "1")
            #expect(times(long) == "1")
            #expect(times("GET /known?b HTTP/1.1\r\nHost: t") == "1")
            // A fault is one again, however often the rest was good.
            let good = "GET /known HTTP/1.1\r\nHost: t\r\nX-A: 1"
            #expect(times(good) == "1")
            #expect(times(good) == "2")
            #expect(Client(port: server.port).exchange(good + "\r\n\r\n")?.text == "1")
            #expect(times(good + "\0") != "3")
        }
    }

    @Test(
        "Paths and queries are decoded after they are split",
        arguments: [
            ("/", " ? "), ("/a%2Fb/c", "a/b|c ? "), ("/%E2%82%AC", "€ ? "), ("/a//b/", "a||b| ? "),
            ("/a?x=1&y=2&x=3", "a ? x=1|y=2|x=3"), ("/a?x=a+b%2Bc", "a ? x=a b+c"), ("/a+b", "a+b ? "),
            ("/a?&&x&=y&", "a ? x=|=y"), ("/a?q=%26%3D", "a ? q=&="), ("/a?b?c=d", "a ? b?c=d"),
            ("http://example.com/a?b=c", "a ? b=c"), ("HTTP://example.com", " ? "),
        ])
    func decoding(target: String, expected: String) throws {
        try withServer { server, _ in
            #expect(Client(port: server.port).exchange(get(target))?.text == "GET " + expected)
        }
    }

    @Test(
        "A target that cannot be decoded is answered 400 in the product's form",
        arguments: [
            "/%", "/%2", "/%zz", "/%00", "/%ff", "/a?b=%c3", "/a?%00", "a", "/a b", "/\u{1}", "/a#b", "/%C0%AF",
        ])
    func malformedTarget(target: String) throws {
        try withServer { server, handler in
            let answer = Client(port: server.port).exchange(get(target))
            #expect(answer?.status == 400)
            #expect(answer?.code == "malformed_request")
            #expect(answer?.headers["content-type"] == "application/problem+json")
            #expect(handler.handledCount == 0)
        }
    }

    @Test("A body is passed on whole, with padding after it, at every size around a buffer's")
    func bodies() throws {
        try withServer { server, _ in
            let client = Client(port: server.port)
            for size in [0, 1, 63, 64, 1023, 1024, 4096, 32767, 32768, 65536, 1_000_000] {
                let body = String(repeating: "x", count: size)
                #expect(client.exchange(post("/echo", body))?.body.count == size)
                #expect(client.exchange(post("/padding", body))?.text == "\(size) true")
            }
        }
    }

    @Test("HEAD is answered without a body, and its length is that of GET")
    func head() throws {
        try withServer { server, _ in
            let client = Client(port: server.port)
            client.send("HEAD /abc HTTP/1.1\r\nHost: t\r\n\r\n")
            let answer = client.read(head: true)
            #expect(answer?.headers["content-length"] == "\("HEAD abc ? ".utf8.count)")
            #expect(client.exchange(get("/next"))?.text == "GET next ? ")
        }
    }

    @Test(
        "Every method reaches the handler by its name", arguments: ["OPTIONS", "DELETE", "PATCH", "PUT", "BREW", "get"])
    func methods(name: String) throws {
        try withServer { server, _ in
            let answer = Client(port: server.port).exchange(
                "\(name) /a HTTP/1.1\r\nHost: t\r\nContent-Length: 0\r\n\r\n")
            #expect(answer?.text == "\(name) a ? ")
        }
    }

    @Test("Headers are found whatever their case, without blanks around the value")
    func headers() throws {
        try withServer { server, _ in
            let client = Client(port: server.port)
            #expect(client.exchange(get("/header", "X-TEST:  a b \t\r\n"))?.text == "[a b]")
            #expect(client.exchange(get("/header"))?.text == "[none]")
            #expect(client.exchange(get("/header", "x-test:\r\n"))?.text == "[]")
        }
    }

    @Test("An answer's header with a line break is left out, the others are sent")
    func answerHeaders() throws {
        try withServer { server, _ in
            let answer = Client(port: server.port).exchange(get("/headers"))
            #expect(answer?.status == 201)
            #expect(answer?.headers["x-a"] == "1")
            #expect(answer?.headers["x-b"] == "2")
            #expect(answer?.headers["x-bad"] == nil)
            #expect(answer?.headers["x-evil"] == nil)
            #expect(answer?.headers["date"] != nil)
        }
    }

    @Test("Pipelined requests are answered in order")
    func pipelining() throws {
        try withServer { server, _ in
            let client = Client(port: server.port)
            client.send((0..<200).map { $0 % 3 == 0 ? post("/echo", "p\($0)") : get("/g/\($0)") }.joined())
            for number in 0..<200 {
                #expect(client.read()?.text == (number % 3 == 0 ? "p\(number)" : "GET g|\(number) ? "))
            }
        }
    }

    @Test("What is over is reported with its figures")
    func finished() throws {
        try withServer { server, handler in
            let client = Client(port: server.port)
            _ = client.exchange(post("/echo", "12345"))
            _ = client.exchange(get("/%zz"))
            #expect(waitUntil { handler.finishedSoFar.count == 2 })
            let finished = handler.finishedSoFar
            #expect(
                finished.first
                    == .init(
                        method: "POST", path: "/echo", status: 200, tag: 7, requestBytes: 5, responseBytes: 5,
                        isComplete: true))
            #expect(finished.last?.status == 400)
        }
    }
}
