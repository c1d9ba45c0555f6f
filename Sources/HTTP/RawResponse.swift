internal import CMicroHTTPD
internal import Glibc

/// Answers that are written to a socket past the library; the connection ends after them.
enum RawResponse {
    static func bytes(of response: HTTPResponse, withBody: Bool) -> [UInt8] {
        let status = response.sendableStatus
        var head = "HTTP/1.1 \(status) \(reasonPhrase(status))\r\nConnection: close\r\n"
        if let contentType = response.contentType { head += line("Content-Type", contentType.value) }
        for (name, value) in response.headers { head += line(name, value) }
        head += "Content-Length: \(response.body.count)\r\n\r\n"
        return Array(head.utf8) + (withBody ? response.body : [])
    }

    private static func line(_ name: String, _ value: String) -> String {
        let isClean = !name.isEmpty && (name + value).utf8.allSatisfy { $0 >= 0x20 || $0 == 0x09 }
        return isClean ? "\(name): \(value)\r\n" : ""
    }

    /// Sends what the socket takes at once: these answers are far smaller than its buffer.
    static func send(_ bytes: [UInt8], to socket: Int32) {
        bytes.withUnsafeBytes { buffer in
            _ = Glibc.send(socket, buffer.baseAddress, buffer.count, ff_send_at_once())
        }
    }
}
