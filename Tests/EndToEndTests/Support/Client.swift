import Foundation

/// An answer to a request.
struct Answer: CustomStringConvertible {
    var status: Int
    /// Names in small letters; of several with the same name the last.
    var headers: [String: String]
    var body: [UInt8]

    var text: String { String(decoding: body, as: UTF8.self) }
    var json: JSONValue { (try? JSONValue(parsing: body)) ?? .null }
    /// The code of problem details.
    var code: String? { json["code"]?.stringValue }
    var isProblem: Bool { headers["content-type"] == "application/problem+json" && code?.isEmpty == false }
    var description: String { "\(status) \(text.prefix(600))" }
}

/// Linux's own numbers: as which type Swift sees the names depends on the order of compilation.
private enum Flags {
    static let stream: Int32 = 1
    static let closeOnExec: Int32 = 0o2_000_000
    static let peek: Int32 = 0x2
    static let atOnce: Int32 = 0x40
    static let noSignal: Int32 = 0x4000
    static let tcp: Int32 = 6
    static let noDelay: Int32 = 1
}

/// A client with one connection, which it opens again when the server has closed it. One thread at a time.
final class Client {
    let port: UInt16
    let key: String?
    private var descriptor: Int32 = -1
    private var buffer: [UInt8] = []

    init(port: UInt16, key: String?) {
        self.port = port
        self.key = key
    }

    deinit { close() }

    func close() {
        if descriptor >= 0 { Foundation.close(descriptor) }
        descriptor = -1
        buffer = []
    }

    func get(_ target: String, _ headers: [String: String] = [:]) throws -> Answer {
        try send("GET", target, headers, [])
    }

    func post(_ target: String, _ body: String, _ headers: [String: String] = [:]) throws -> Answer {
        try send("POST", target, headers, Array(body.utf8))
    }

    func post(_ target: String, _ body: JSONValue) throws -> Answer {
        try send("POST", target, [:], Array(body.text.utf8))
    }

    func put(_ target: String, _ body: JSONValue) throws -> Answer {
        try send("PUT", target, [:], Array(body.text.utf8))
    }

    func patch(_ target: String, _ body: JSONValue) throws -> Answer {
        try send("PATCH", target, [:], Array(body.text.utf8))
    }

    /// Sends a request and reads its answer. The key and `application/json` go with it unless `headers` says otherwise;
    /// an empty header is left out.
    func send(_ method: String, _ target: String, _ headers: [String: String], _ body: [UInt8]) throws -> Answer {
        var lines = ["Host": "127.0.0.1"]
        if let key { lines["Authorization"] = "Bearer \(key)" }
        if !body.isEmpty || ["POST", "PUT", "PATCH"].contains(method) {
            lines["Content-Type"] = "application/json"
            lines["Content-Length"] = String(body.count)
        }
        for (name, value) in headers { lines[name] = value.isEmpty ? nil : value }
        var head = "\(method) \(target) HTTP/1.1\r\n"
        for (name, value) in lines { head += "\(name): \(value)\r\n" }
        head += "\r\n"
        return try exchange(Array(head.utf8) + body, isHead: method == "HEAD")
    }

    /// Sends bytes as they are and reads one answer.
    func exchange(_ bytes: [UInt8], isHead: Bool = false) throws -> Answer {
        if descriptor >= 0, wasClosed { close() }
        if descriptor < 0 { try open() }
        do {
            // A server that refuses a body early answers without reading it to the end.
            _ = send(bytes)
            let answer = try read(isHead: isHead)
            if answer.headers["connection"]?.lowercased() == "close" { close() }
            return answer
        } catch {
            close()
            throw error
        }
    }

    /// Sends bytes and waits for nothing.
    func sendOnly(_ bytes: [UInt8]) throws -> Bool {
        if descriptor < 0 { try open() }
        return send(bytes)
    }

    /// Whether the server has ended the connection; what it said before is thrown away.
    var isClosedByServer: Bool {
        var bytes = [UInt8](repeating: 0, count: 4096)
        while true {
            let count = recv(descriptor, &bytes, bytes.count, Flags.atOnce)
            if count == 0 { return true }
            if count < 0 { return errno == ECONNRESET }
        }
    }

    /// The server ended the connection: what was sent before may have been taken or not.
    struct ConnectionClosed: Error {}

    /// Whether the server has closed an idle connection.
    private var wasClosed: Bool {
        var byte: UInt8 = 0
        return recv(descriptor, &byte, 1, Flags.peek | Flags.atOnce) == 0
    }

    private func open() throws {
        close()
        descriptor = socket(AF_INET, Flags.stream | Flags.closeOnExec, 0)
        var address = sockaddr_in()
        address.sin_family = sa_family_t(AF_INET)
        address.sin_port = port.bigEndian
        inet_pton(AF_INET, "127.0.0.1", &address.sin_addr)
        let result = withUnsafePointer(to: &address) {
            $0.withMemoryRebound(to: sockaddr.self, capacity: 1) {
                connect(descriptor, $0, socklen_t(MemoryLayout<sockaddr_in>.size))
            }
        }
        guard result == 0 else {
            let reason = errno
            close()
            throw TestFailure("Port \(port) cannot be reached: \(String(cString: strerror(reason)))")
        }
        var yes: Int32 = 1
        setsockopt(descriptor, Flags.tcp, Flags.noDelay, &yes, socklen_t(MemoryLayout<Int32>.size))
        var limit = timeval(tv_sec: 60, tv_usec: 0)
        setsockopt(descriptor, SOL_SOCKET, SO_RCVTIMEO, &limit, socklen_t(MemoryLayout<timeval>.size))
        setsockopt(descriptor, SOL_SOCKET, SO_SNDTIMEO, &limit, socklen_t(MemoryLayout<timeval>.size))
    }

    private func send(_ bytes: [UInt8]) -> Bool {
        bytes.withUnsafeBytes { bytes in
            var sent = 0
            while sent < bytes.count {
                let count = Foundation.send(
                    descriptor, bytes.baseAddress?.advanced(by: sent), bytes.count - sent, Flags.noSignal)
                if count < 0, errno == EINTR { continue }
                guard count > 0 else { return false }
                sent += count
            }
            return true
        }
    }

    private func fill() throws(ConnectionClosed) {
        let old = buffer.count
        buffer.append(contentsOf: repeatElement(0, count: 65_536))
        var count = 0
        repeat {
            count = buffer.withUnsafeMutableBytes { recv(descriptor, $0.baseAddress?.advanced(by: old), 65_536, 0) }
        } while count < 0 && errno == EINTR
        buffer.removeLast(65_536 - max(0, count))
        if count <= 0 { throw ConnectionClosed() }
    }

    private func read(isHead: Bool) throws -> Answer {
        while true {
            while headEnd() == nil { try fill() }
            guard let end = headEnd() else { throw ConnectionClosed() }
            let lines = String(decoding: buffer[..<end], as: UTF8.self).components(separatedBy: "\r\n")
            let words = lines[0].split(separator: " ")
            guard words.count >= 2, let status = Int(words[1]) else {
                throw TestFailure("Not an answer: \(lines[0])")
            }
            var headers: [String: String] = [:]
            for line in lines.dropFirst() {
                guard let colon = line.firstIndex(of: ":") else { continue }
                headers[line[..<colon].lowercased()] = String(line[line.index(after: colon)...].drop { $0 == " " })
            }
            buffer.removeFirst(end + 4)
            if status < 200 { continue }
            let hasNone = isHead || status == 204 || status == 304
            let length = hasNone ? 0 : Int(headers["content-length"] ?? "0") ?? 0
            while buffer.count < length { try fill() }
            let body = Array(buffer[..<length])
            buffer.removeFirst(length)
            return Answer(status: status, headers: headers, body: body)
        }
    }

    private func headEnd() -> Int? {
        var start = 0
        while let end = buffer[start...].firstIndex(of: 13), end + 3 < buffer.count {
            if buffer[end + 1] == 10, buffer[end + 2] == 13, buffer[end + 3] == 10 { return end }
            start = end + 1
        }
        return nil
    }
}

extension String {
    /// Percent-encoded for a path segment or a query value.
    var escaped: String {
        var text = ""
        for byte in utf8 {
            switch byte {
            case 48...57, 65...90, 97...122, 45, 46, 95, 126: text.unicodeScalars.append(Unicode.Scalar(byte))
            default: text += "%" + (byte < 16 ? "0" : "") + String(byte, radix: 16, uppercase: true)
            }
        }
        return text
    }
}
