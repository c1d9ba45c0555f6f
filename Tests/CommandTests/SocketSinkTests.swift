import Synchronization
import Testing

@testable import Command

@Suite("The sink over the admin socket")
struct SocketSinkTests {
    private let folder = TemporaryFolder()
    private var path: String { folder.path + "/admin.sock" }
    private let slept = Slept()

    final class Slept: Sendable {
        private let seconds = Mutex<[Double]>([])
        func add(_ value: Double) { seconds.withLock { $0.append(value) } }
        var all: [Double] { seconds.withLock { $0 } }
    }

    private func sink(tenant: String = "demo") -> SocketSink {
        SocketSink(client: AdminClient(socketPath: path), tenant: tenant) { [slept] in slept.add($0) }
    }

    private static func answer(_ statuses: [String]) -> SocketServer.Response {
        let results = statuses.map { status in
            status.contains("_")
                ? #"{"id":null,"status":"rejected","code":"\#(status)","message":"Mend it."}"#
                : #"{"id":"x","status":"\#(status)"}"#
        }
        return SocketServer.Response(body: #"{"tracked":1,"results":[\#(results.joined(separator: ","))]}"#)
    }

    private func bytes(_ count: Int) -> [UInt8] { Array((0..<count).map { "{\"id\":\($0)}\n" }.joined().utf8) }

    @Test("a batch goes out as lines to the tenant, and every item's answer is counted")
    func batch() throws {
        let server = SocketServer(path: path) { _, _ in Self.answer(["ok", "duplicate", "too_old", "ok"]) }
        defer { server.stop() }
        let got = try sink(tenant: "shop").send(interactions: bytes(4), count: 4)
        #expect(
            got
                == SinkAnswer(
                    stored: 2, duplicates: 1, refusals: [.init(index: 2, code: "too_old", message: "Mend it.")]))
        let request = try #require(server.requests.first)
        #expect(request.head.hasPrefix("POST /v1/interactions?import=true HTTP/1.1\r\n"))
        #expect(request.head.contains("\r\nX-Footfall-Tenant: shop"))
        #expect(request.head.contains("\r\nContent-Type: application/x-ndjson"))
        #expect(!request.head.lowercased().contains("expect:"))
        #expect(request.body == bytes(4))
    }

    @Test("entities are put, over the same connection")
    func entities() throws {
        let server = SocketServer(path: path) { _, _ in Self.answer(["ok"]) }
        defer { server.stop() }
        let sink = sink()
        for _ in 0..<3 { #expect(try sink.send(entities: bytes(1), count: 1).stored == 1) }
        #expect(server.requests.allSatisfy { $0.head.hasPrefix("PUT /v1/entities HTTP/1.1\r\n") })
    }

    @Test("a busy server is asked again after the time that it names")
    func retry() throws {
        let server = SocketServer(path: path) { _, number in
            switch number {
            case 0: SocketServer.Response(status: 503, headers: "Retry-After: 3\r\n")
            case 1: SocketServer.Response(status: 503)
            case 2: SocketServer.Response(hangsUp: true)
            default: Self.answer(["ok"])
            }
        }
        defer { server.stop() }
        #expect(try sink().send(interactions: bytes(1), count: 1).stored == 1)
        #expect(Set(server.requests.map(\.body)) == [bytes(1)])
        #expect(slept.all.first == 3)
        #expect(slept.all.count >= 2)
    }

    @Test("a server that stays silent or busy ends the import with a sentence")
    func patience() {
        let error = #expect(throws: CommandError.self) { try sink().send(interactions: bytes(1), count: 1) }
        #expect(error?.message.contains("no longer answers") == true)
        #expect(slept.all.reduce(0, +) < SocketSink.silentPatience + 3)
        let server = SocketServer(path: path) { _, _ in
            SocketServer.Response(
                status: 503, headers: "Retry-After: 100000\r\n", body: #"{"code":"queue_full","detail":"Wait."}"#)
        }
        defer { server.stop() }
        let busy = #expect(throws: CommandError.self) { try sink().send(interactions: bytes(1), count: 1) }
        #expect(busy?.message == "The server refused the import with 503 queue_full: Wait.")
        #expect(server.requests.count == 11)
    }

    @Test("a batch beyond a tenant's limits is halved until it fits; one item too large is refused by itself")
    func halving() throws {
        let server = SocketServer(path: path) { request, _ in
            if request.lines.count > 3 || request.lines == ["{\"id\":6}"] {
                return SocketServer.Response(status: 413, body: #"{"code":"batch_too_large","title":"Too large"}"#)
            }
            return Self.answer(request.lines.map { $0 == "{\"id\":4}" ? "bad_id" : "ok" })
        }
        defer { server.stop() }
        let got = try sink().send(interactions: bytes(11), count: 11)
        // 11 → 5 + 6 → 2 + 3 and 3 + 3: the item with id 6 travels with others here.
        #expect(got.stored == 10)
        #expect(got.refusals == [.init(index: 4, code: "bad_id", message: "Mend it.")])
        let lone = try sink().send(interactions: Array("{\"id\":6}\n".utf8), count: 1)
        #expect(lone.refusals == [.init(index: 0, code: "batch_too_large", message: "Too large")])
    }

    @Test("a refusal of the whole request says what the server says")
    func refusal() {
        let server = SocketServer(path: path) { _, number in
            number == 0
                ? SocketServer.Response(
                    status: 404, body: #"{"code":"unknown_tenant","detail":"There is no such tenant."}"#)
                : SocketServer.Response(body: "{}")
        }
        defer { server.stop() }
        let error = #expect(throws: CommandError.self) { try sink().send(interactions: bytes(1), count: 1) }
        #expect(error?.message == "The server refused the import with 404 unknown_tenant: There is no such tenant.")
        let odd = #expect(throws: CommandError.self) { try sink().send(interactions: bytes(1), count: 1) }
        #expect(odd?.message.contains("cannot be understood") == true)
    }

    @Test("an import finds the server of its data folder by itself")
    func whole() throws {
        let server = SocketServer(path: path) { request, _ in Self.answer(request.lines.map { _ in "ok" }) }
        defer { server.stop() }
        #expect(AdminClient.isListening(path))
        #expect(!AdminClient.isListening(folder.path + "/other.sock"))
        let lines = (0..<5000).map { #"{"id":"\#($0)","user_id":"\#($0 % 9)"}"# }.joined(separator: "\n")
        let program = TestProgram()
        let file = folder.file("x.jsonl", lines)
        #expect(program.run("import", "--tenant", "t", "--format", "jsonl", "--data", folder.path, file) == .success)
        #expect(program.sink.batchSizes.isEmpty)
        let sent = server.requests.flatMap(\.lines)
        #expect(Set(sent) == Set(lines.split(separator: "\n").map { String($0) }))
        #expect(sent.count == 5000)
    }
}
