import Foundation
import Glibc
import Synchronization

/// A small HTTP server on a Unix socket, for tests of what talks to one.
final class SocketServer: Sendable {
    struct Request: Sendable {
        var head: String
        var body: [UInt8]
        var lines: [String] { body.split(separator: 10).map { String(decoding: $0, as: UTF8.self) } }
    }

    struct Response: Sendable {
        var status = 200
        var headers = ""
        var body = ""
        /// Closes the connection without an answer.
        var hangsUp = false
    }

    private let listener: Int32
    private let received = Mutex<[Request]>([])
    private let handler: @Sendable (Request, Int) -> Response

    /// Listens at a path; the handler gets the request and how many came before it.
    init(path: String, handler: @escaping @Sendable (Request, Int) -> Response) {
        self.handler = handler
        listener = socket(AF_UNIX, Int32(SOCK_STREAM.rawValue), 0)
        var address = sockaddr_un()
        address.sun_family = sa_family_t(AF_UNIX)
        withUnsafeMutableBytes(of: &address.sun_path) { $0.copyBytes(from: Array(path.utf8)) }
        let status = withUnsafePointer(to: address) { pointer in
            pointer.withMemoryRebound(to: sockaddr.self, capacity: 1) {
                bind(listener, $0, socklen_t(MemoryLayout<sockaddr_un>.size))
            }
        }
        precondition(status == 0 && listen(listener, 16) == 0)
        Thread { [listener, self] in
            while true {
                let connection = accept(listener, nil, nil)
                if connection < 0 { return }
                Thread { self.serve(connection) }.start()
            }
        }.start()
    }

    /// Stops listening.
    func stop() {
        shutdown(listener, Int32(SHUT_RDWR))
        close(listener)
    }

    /// What has come so far.
    var requests: [Request] { received.withLock { $0 } }

    private func serve(_ connection: Int32) {
        defer { close(connection) }
        var buffer: [UInt8] = []
        while let request = read(connection, &buffer) {
            let number = received.withLock { received in
                received.append(request)
                return received.count - 1
            }
            let response = handler(request, number)
            if response.hangsUp { return }
            let head =
                "HTTP/1.1 \(response.status) X\r\nContent-Length: \(response.body.utf8.count)\r\n\(response.headers)\r\n"
            let bytes = Array((head + response.body).utf8)
            guard
                bytes.withUnsafeBytes({ send(connection, $0.baseAddress, $0.count, Int32(MSG_NOSIGNAL)) }) > 0
            else { return }
        }
    }

    private func read(_ connection: Int32, _ buffer: inout [UInt8]) -> Request? {
        while true {
            if let end = buffer.firstRange(of: Array("\r\n\r\n".utf8)) {
                let head = String(decoding: buffer[..<end.lowerBound], as: UTF8.self)
                let length =
                    head.lowercased().split(separator: "\r\n").compactMap { line in
                        line.hasPrefix("content-length: ") ? Int(line.dropFirst(16)) : nil
                    }.first ?? 0
                if buffer.count >= end.upperBound + length {
                    let body = Array(buffer[end.upperBound..<(end.upperBound + length)])
                    buffer.removeSubrange(..<(end.upperBound + length))
                    return Request(head: head, body: body)
                }
            }
            var chunk = [UInt8](repeating: 0, count: 65_536)
            let count = recv(connection, &chunk, chunk.count, 0)
            if count <= 0 { return nil }
            buffer += chunk[..<count]
        }
    }
}
