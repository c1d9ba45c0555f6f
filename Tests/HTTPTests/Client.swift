import Glibc

/// A raw socket to the server under test: what is sent is exactly what the test says.
final class Client: @unchecked Sendable {
    let socket: Int32
    private var buffer: [UInt8] = []
    private(set) var isAtEnd = false
    /// Why reading ended: 0 when the server closed.
    private(set) var endError: Int32?

    init(port: UInt16) {
        socket = Glibc.socket(AF_INET, Int32(SOCK_STREAM.rawValue), 0)
        var address = sockaddr_in()
        address.sin_family = sa_family_t(AF_INET)
        address.sin_port = port.bigEndian
        inet_pton(AF_INET, "127.0.0.1", &address.sin_addr)
        let connected = withUnsafePointer(to: &address) {
            $0.withMemoryRebound(to: sockaddr.self, capacity: 1) {
                connect(socket, $0, socklen_t(MemoryLayout<sockaddr_in>.size))
            }
        }
        if connected != 0 { isAtEnd = true }
        timeout(30)
    }

    init(path: String) {
        socket = Glibc.socket(AF_UNIX, Int32(SOCK_STREAM.rawValue), 0)
        var address = sockaddr_un()
        address.sun_family = sa_family_t(AF_UNIX)
        withUnsafeMutableBytes(of: &address.sun_path) { place in
            for (index, byte) in path.utf8.enumerated() { place[index] = byte }
        }
        let connected = withUnsafePointer(to: &address) {
            $0.withMemoryRebound(to: sockaddr.self, capacity: 1) {
                connect(socket, $0, socklen_t(MemoryLayout<sockaddr_un>.size))
            }
        }
        if connected != 0 { isAtEnd = true }
        timeout(30)
    }

    deinit { close(socket) }

    /// How long a read waits before it counts as the end.
    func timeout(_ seconds: Int = 0, milliseconds: Int = 0) {
        var limit = timeval(tv_sec: seconds, tv_usec: milliseconds * 1000)
        setsockopt(socket, SOL_SOCKET, SO_RCVTIMEO, &limit, socklen_t(MemoryLayout<timeval>.size))
    }

    @discardableResult
    func send(_ text: String) -> Bool { send(Array(text.utf8)) }

    @discardableResult
    func send(_ bytes: [UInt8]) -> Bool {
        var sent = 0
        while sent < bytes.count {
            let count = bytes.withUnsafeBytes {
                Glibc.send(socket, $0.baseAddress.map { $0 + sent }, bytes.count - sent, Int32(MSG_NOSIGNAL))
            }
            // With a time limit, a stop of the whole process interrupts calls.
            if count < 0, errno == EINTR { continue }
            guard count > 0 else { return false }
            sent += count
        }
        return true
    }

    /// Says that nothing more will be sent.
    func endSending() { shutdown(socket, Int32(SHUT_WR)) }

    /// Closes with a reset, as a killed process's connection may.
    func reset() {
        var now = linger(l_onoff: 1, l_linger: 0)
        setsockopt(socket, SOL_SOCKET, SO_LINGER, &now, socklen_t(MemoryLayout<linger>.size))
        shutdown(socket, Int32(SHUT_RDWR))
    }

    private func fill() -> Bool {
        guard !isAtEnd else { return false }
        var piece = [UInt8](repeating: 0, count: 65536)
        var count = 0
        repeat { count = recv(socket, &piece, piece.count, 0) } while count < 0 && errno == EINTR
        guard count > 0 else {
            endError = count == 0 ? 0 : errno
            isAtEnd = true
            return false
        }
        buffer += piece[..<count]
        return true
    }

    /// Reads until the server closes or the time-out; everything not yet taken.
    func readToEnd() -> String {
        while fill() {}
        defer { buffer = [] }
        return String(decoding: buffer, as: UTF8.self)
    }

    struct Answer {
        var status: Int
        var headers: [String: String]
        var body: [UInt8]
        var text: String { String(decoding: body, as: UTF8.self) }
        /// The member `code` of problem details.
        var code: String? {
            guard headers["content-type"] == "application/problem+json" else { return nil }
            let marker = Array("\"code\":\"".utf8)
            guard let start = body.firstIndex(of: marker, from: 0) else { return nil }
            return String(decoding: body[(start + marker.count)...].prefix { $0 != UInt8(ascii: "\"") }, as: UTF8.self)
        }
    }

    /// Reads one answer; nil when the connection ends first.
    func read(head: Bool = false) -> Answer? {
        let separator = Array("\r\n\r\n".utf8)
        var searched = 0
        var end = buffer.firstIndex(of: separator, from: 0)
        while end == nil {
            searched = max(0, buffer.count - separator.count)
            guard fill() else { return nil }
            end = buffer.firstIndex(of: separator, from: searched)
        }
        guard let end else { return nil }
        let lines = String(decoding: buffer[..<end], as: UTF8.self).split(
            separator: "\r\n", omittingEmptySubsequences: false)
        guard let first = lines.first else { return nil }
        let words = first.split(separator: " ")
        guard words.count >= 2, let status = Int(words[1]) else { return nil }
        var headers: [String: String] = [:]
        for line in lines.dropFirst() {
            guard let colon = line.firstIndex(of: ":") else { continue }
            headers[line[..<colon].lowercased()] = String(line[line.index(after: colon)...].drop { $0 == " " })
        }
        buffer.removeFirst(end + 4)
        if status < 200 { return Answer(status: status, headers: headers, body: []) }
        let length = head || status == 204 || status == 304 ? 0 : Int(headers["content-length"] ?? "0") ?? 0
        while buffer.count < length { guard fill() else { return nil } }
        let body = Array(buffer[..<length])
        buffer.removeFirst(length)
        return Answer(status: status, headers: headers, body: body)
    }

    func exchange(_ text: String) -> Answer? {
        send(text)
        return read()
    }
}

extension Array where Element == UInt8 {
    /// Where `part` first begins at or after `start`.
    fileprivate func firstIndex(of part: [UInt8], from start: Int) -> Int? {
        guard let first = part.first else { return nil }
        return withUnsafeBytes { all in
            guard let base = all.baseAddress else { return nil }
            var place = start
            while place < all.count, let found = memchr(base + place, Int32(first), all.count - place) {
                place = UnsafeRawPointer(found) - base
                guard all.count - place >= part.count else { return nil }
                if memcmp(base + place, part, part.count) == 0 { return place }
                place += 1
            }
            return nil
        }
    }
}
