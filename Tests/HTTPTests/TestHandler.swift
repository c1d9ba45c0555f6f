import Glibc
import HTTP
import Synchronization

/// A handler whose answers show what it was given.
final class TestHandler: HTTPHandler {
    struct Finished: Sendable, Equatable {
        var method: String
        var path: String
        var status: Int
        var tag: Int
        var requestBytes: Int
        var responseBytes: Int
        var isComplete: Bool
    }

    /// How often a head was admitted in a row.
    final class Times: Sendable {
        let count: Int
        init(_ count: Int) { self.count = count }
    }

    let exchanges = Mutex<[HTTPExchange]>([])
    let finishedExchanges = Mutex<[Finished]>([])
    let handled = Atomic<Int>(0)

    func admit(_ head: borrowing HTTPRequestHead) -> HTTPAdmission {
        if head.pathEquals("/refuse") {
            return .refuse(HTTPResponse(status: 401, contentType: .text, body: Array("no".utf8)))
        }
        if head.pathEquals("/small") { return .accept(maximumBodyBytes: 10) }
        if head.pathEquals("/known") {
            // Shown by handle: how often this head was admitted in a row.
            let times = (head.earlierContext as? Times)?.count ?? 0
            return .accept(maximumBodyBytes: 1000, context: Times(times + 1))
        }
        if head.pathEquals("/large") { return .accept(maximumBodyBytes: 64 << 20) }
        return .acceptDefault
    }

    func handle(_ request: borrowing HTTPRequest) -> HTTPAction {
        handled.add(1, ordering: .relaxed)
        if let times = request.admissionContext as? Times { return .respond(.text("\(times.count)")) }
        if request.pathEquals("/later") {
            return .suspend { exchange in self.exchanges.withLock { $0.append(exchange) } }
        }
        if request.pathEquals("/now") {
            return .suspend { exchange in exchange.resume(with: .text("now")) }
        }
        if request.pathEquals("/lost") { return .suspend { _ in } }
        if request.pathEquals("/twice") {
            return .suspend { exchange in
                let first = exchange.resume(with: .text("first"))
                let second = exchange.resume(with: .text("second"))
                self.finishedExchanges.withLock {
                    $0.append(
                        Finished(
                            method: "\(first)", path: "\(second)", status: 0, tag: -1, requestBytes: 0,
                            responseBytes: 0,
                            isComplete: false))
                }
            }
        }
        if request.pathEquals("/echo") || request.pathEquals("/large") || request.pathEquals("/small") {
            return .respond(HTTPResponse(contentType: .bytes, body: Array(request.body), tag: 7))
        }
        if request.pathEquals("/headers") {
            return .respond(
                HTTPResponse(
                    status: 201, contentType: .json, headers: [("X-A", "1"), ("X-Bad", "a\r\nX-Evil: 1"), ("X-B", "2")])
            )
        }
        if request.pathEquals("/empty") { return .respond(HTTPResponse(status: 204)) }
        if request.pathEquals("/header") {
            return .respond(.text("[\(request.header("x-test") ?? "none")]"))
        }
        if request.pathEquals("/padding") {
            // The bytes after the body must be readable; what they hold does not matter.
            let body = request.body
            var sum = 0
            if let base = body.baseAddress {
                let padded = UnsafeRawBufferPointer(start: base, count: body.count + HTTPRequest.bodyPadding)
                for byte in padded { sum &+= Int(byte) }
            }
            return .respond(.text("\(body.count) \(sum >= 0)"))
        }
        let query = request.queryItems.map { "\($0.name)=\($0.value)" }.joined(separator: "|")
        return .respond(.text("\(request.methodName) \(request.pathSegments.joined(separator: "|")) ? \(query)"))
    }

    func finished(_ exchange: borrowing HTTPFinishedExchange) {
        let one = Finished(
            method: exchange.methodName, path: exchange.path, status: exchange.status, tag: exchange.tag,
            requestBytes: exchange.requestBytes, responseBytes: exchange.responseBytes, isComplete: exchange.isComplete)
        finishedExchanges.withLock { if $0.count < 1000 { $0.append(one) } }
    }

    /// The exchanges that wait, which are then the caller's.
    func takeExchanges() -> [HTTPExchange] {
        exchanges.withLock { exchanges in
            defer { exchanges = [] }
            return exchanges
        }
    }

    /// Answers every exchange that waits; how many there were.
    @discardableResult
    func resumeAll(with response: HTTPResponse = .text("later")) -> Int {
        let waiting = takeExchanges()
        for exchange in waiting { exchange.resume(with: response) }
        return waiting.count
    }

    /// What `finished` was told so far.
    var finishedSoFar: [Finished] { finishedExchanges.withLock { $0 } }

    /// Requests that reached `handle`.
    var handledCount: Int { handled.load(ordering: .relaxed) }

    /// Exchanges that wait.
    var waitingCount: Int { exchanges.withLock { $0.count } }

    /// Waits until so many exchanges have been suspended.
    func waitForExchanges(_ count: Int) -> Bool {
        waitUntil { exchanges.withLock { $0.count } >= count }
    }
}

/// Polls for up to half a minute.
func waitUntil(_ condition: () -> Bool) -> Bool {
    let end = time(nil) + 30
    while time(nil) < end {
        if condition() { return true }
        usleep(1000)
    }
    return condition()
}

/// A running server on a free port.
func withServer(
    _ change: (inout HTTPServerConfiguration) -> Void = { _ in },
    _ body: (HTTPServer, TestHandler) throws -> Void
) throws {
    var configuration = HTTPServerConfiguration(port: 0)
    change(&configuration)
    let handler = TestHandler()
    let server = try HTTPServer(configuration, handler: handler)
    try server.start()
    defer { server.stop(graceSeconds: 0) }
    try body(server, handler)
}

func get(_ target: String, _ headers: String = "") -> String { "GET \(target) HTTP/1.1\r\nHost: t\r\n\(headers)\r\n" }

func post(_ target: String, _ body: String, _ headers: String = "") -> String {
    "POST \(target) HTTP/1.1\r\nHost: t\r\nContent-Length: \(body.utf8.count)\r\n\(headers)\r\n\(body)"
}
