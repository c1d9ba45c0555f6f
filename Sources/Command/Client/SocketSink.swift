internal import JSON

/// Sends an import to the server that runs on the data folder.
final class SocketSink: ImportSink {
    private let client: AdminClient
    private let tenant: String
    private let sleep: @Sendable (Double) -> Void

    /// Seconds that a busy or restarting server is waited for.
    static let patience = 300.0
    /// Seconds that a server which does not answer at all is waited for.
    static let silentPatience = 20.0

    /// A sink for a tenant of the server that listens on a socket.
    init(client: AdminClient, tenant: String, sleep: @escaping @Sendable (Double) -> Void) {
        self.client = client
        self.tenant = tenant
        self.sleep = sleep
    }

    func send(interactions lines: [UInt8], count: Int) throws(CommandError) -> SinkAnswer {
        try send("POST", "/v1/interactions?import=true", lines, count)
    }

    func send(entities lines: [UInt8], count: Int) throws(CommandError) -> SinkAnswer {
        try send("PUT", "/v1/entities", lines, count)
    }

    func send(users lines: [UInt8], count: Int) throws(CommandError) -> SinkAnswer {
        try send("PUT", "/v1/users", lines, count)
    }

    func close() {}

    private func send(_ method: String, _ path: String, _ lines: [UInt8], _ count: Int) throws(CommandError)
        -> SinkAnswer
    {
        var waited = 0.0
        var pause = 0.1
        while true {
            let answer = client.send(
                method: method, path: path,
                headers: ["Content-Type: application/x-ndjson", "X-Footfall-Tenant: \(tenant)"], body: lines)
            switch answer.status {
            case 200: return try SocketSink.read(answer.body, count: count)
            case 413 where count > 1: return try halves(method, path, lines, count)
            case 413:
                let problem = SocketSink.problem(answer.body)
                return SinkAnswer(refusals: [.init(index: 0, code: problem.code, message: problem.message)])
            case 0, 502, 503, 504:
                // Sending again is safe: every interaction has an id, and entities are replaced.
                let limit = answer.status == 0 ? SocketSink.silentPatience : SocketSink.patience
                guard waited < limit else { throw SocketSink.failure(answer) }
                let next = answer.retryAfter > 0 ? min(Double(answer.retryAfter), 30) : pause
                sleep(next)
                waited += next
                pause = min(pause * 2, 2)
            default: throw SocketSink.failure(answer)
            }
        }
    }

    /// A tenant may have set smaller limits than an import's batches; half of one may fit.
    private func halves(_ method: String, _ path: String, _ lines: [UInt8], _ count: Int) throws(CommandError)
        -> SinkAnswer
    {
        let half = count / 2
        var end = 0
        for _ in 0..<half { end = (lines[end...].firstIndex(of: 10) ?? lines.count - 1) + 1 }
        var answer = try send(method, path, Array(lines[..<end]), half)
        let second = try send(method, path, Array(lines[end...]), count - half)
        answer.stored += second.stored
        answer.duplicates += second.duplicates
        for var refusal in second.refusals {
            refusal.index += half
            answer.refusals.append(refusal)
        }
        return answer
    }

    private static func read(_ body: [UInt8], count: Int) throws(CommandError) -> SinkAnswer {
        let parser = JSONParser()
        guard let root = try? parser.parse(body), let results = root.member("results"), results.count == count else {
            throw .failure("The server's answer cannot be understood; is it of the same version?")
        }
        var answer = SinkAnswer()
        for (index, result) in results.elements.enumerated() {
            let status = result.member("status")?.string
            if status?.elementsEqual("ok".utf8) == true {
                answer.stored += 1
            } else if status?.elementsEqual("duplicate".utf8) == true {
                answer.duplicates += 1
            } else {
                let code = result.member("code")?.stringValue ?? "rejected"
                let message = result.member("message")?.stringValue ?? ""
                answer.refusals.append(.init(index: index, code: code, message: message))
            }
        }
        return withExtendedLifetime(parser) { answer }
    }

    private static func problem(_ body: [UInt8]) -> (code: String, message: String) {
        let document = try? JSONValue(parsing: body)
        let message = document?["detail"]?.stringValue ?? document?["title"]?.stringValue
        return (document?["code"]?.stringValue ?? "unknown", message ?? "No reason was given.")
    }

    private static func failure(_ answer: AdminClient.Answer) -> CommandError {
        guard answer.status > 0 else {
            let reason = String(decoding: answer.body, as: UTF8.self)
            return .failure(
                "The server no longer answers (\(reason)). Import again when it does: nothing is stored twice.")
        }
        let problem = problem(answer.body)
        return .failure("The server refused the import with \(answer.status) \(problem.code): \(problem.message)")
    }
}
