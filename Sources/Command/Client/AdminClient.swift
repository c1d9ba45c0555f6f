internal import CCurl
internal import Glibc
internal import Synchronization

/// Talks HTTP to the server of a data folder over its admin socket, which only those who may open the folder can use.
/// Several threads at once: each request takes a connection from a pool.
final class AdminClient: Sendable {
    /// What came back.
    struct Answer: Sendable {
        /// HTTP status; 0: there was no answer.
        var status: Int
        /// Seconds of the Retry-After header; 0: none.
        var retryAfter: Int
        /// The body; with status 0, why there was no answer.
        var body: [UInt8]
    }

    /// One handle of libcurl.
    private final class Connection: @unchecked Sendable {
        // Unchecked: used by the one thread that has taken it from the pool.
        let handle: OpaquePointer
        init?(socketPath: String, timeoutSeconds: Int) {
            guard let handle = ff_curl_create(socketPath, timeoutSeconds) else { return nil }
            self.handle = handle
        }
        deinit { ff_curl_destroy(handle) }
    }

    private let socketPath: String
    private let timeoutSeconds: Int
    private let idle = Mutex<[Connection]>([])

    init(socketPath: String, timeoutSeconds: Int = 120) {
        self.socketPath = socketPath
        self.timeoutSeconds = timeoutSeconds
    }

    /// Sends a request and waits for its answer.
    func send(method: String, path: String, headers: [String], body: [UInt8]) -> Answer {
        let taken = idle.withLock { $0.popLast() }
        guard let connection = taken ?? Connection(socketPath: socketPath, timeoutSeconds: timeoutSeconds) else {
            return Answer(status: 0, retryAfter: 0, body: Array("out of memory".utf8))
        }
        defer { idle.withLock { $0.append(connection) } }
        return AdminClient.withCStrings(headers) { headers in
            let answer = body.withUnsafeBytes { bytes in
                ff_curl_send(
                    connection.handle, method, "http://localhost\(path)", headers, bytes.baseAddress, bytes.count)
            }
            guard answer.status > 0 else {
                let reason = answer.error.map { String(cString: $0) } ?? "no answer"
                return Answer(status: 0, retryAfter: 0, body: Array(reason.utf8))
            }
            let text = UnsafeRawBufferPointer(start: answer.body, count: answer.body_length)
            return Answer(status: answer.status, retryAfter: answer.retry_after, body: Array(text))
        }
    }

    private static func withCStrings<Result>(
        _ texts: [String], _ body: (UnsafePointer<UnsafePointer<CChar>?>) -> Result
    ) -> Result {
        var copies: [UnsafePointer<CChar>?] = texts.map { text in strdup(text).map { UnsafePointer($0) } }
        copies.append(nil)
        defer { for copy in copies { free(UnsafeMutableRawPointer(mutating: copy)) } }
        return copies.withUnsafeBufferPointer { buffer in
            // The list has at least its terminator.
            withExtendedLifetime(buffer) { buffer.baseAddress.map(body) ?? body([nil]) }
        }
    }

    /// Whether somebody listens on a socket.
    static func isListening(_ socketPath: String) -> Bool {
        var address = sockaddr_un()
        address.sun_family = sa_family_t(AF_UNIX)
        let path = Array(socketPath.utf8)
        guard path.count < MemoryLayout.size(ofValue: address.sun_path) else { return false }
        withUnsafeMutableBytes(of: &address.sun_path) { $0.copyBytes(from: path) }
        let descriptor = socket(AF_UNIX, Int32(SOCK_STREAM.rawValue) | Int32(SOCK_CLOEXEC.rawValue), 0)
        guard descriptor >= 0 else { return false }
        defer { close(descriptor) }
        return withUnsafePointer(to: address) { pointer in
            pointer.withMemoryRebound(to: sockaddr.self, capacity: 1) {
                connect(descriptor, $0, socklen_t(MemoryLayout<sockaddr_un>.size)) == 0
            }
        }
    }
}
