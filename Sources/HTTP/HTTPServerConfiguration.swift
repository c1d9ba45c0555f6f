/// Where a server listens and what it allows.
public struct HTTPServerConfiguration: Sendable {
    /// IPv4 or IPv6 address to listen on, in digits, or `localhost`. Not used with a Unix socket.
    public var host: String
    /// TCP port; 0 takes any free one, which `HTTPServer.port` then names.
    public var port: UInt16
    /// Path of a Unix socket to listen on instead of TCP. It is made with mode 0600; a stale file is replaced.
    public var unixSocketPath: String?
    /// Threads that read, decode and answer. Each carries its own share of the connections.
    public var threads: Int
    /// Largest body in bytes, as sent and as decompressed, where the handler's admission sets no other.
    public var maximumBodyBytes: Int
    /// Bodies held in memory at once by all connections, in bytes (those under 16 KiB are not counted): past it a
    /// request is answered 503. It bounds what many clients with large bodies can take.
    public var maximumBufferedBytes: Int
    /// Seconds a connection may stay silent between requests, take for its headers, or stall within a body or while
    /// it takes an answer.
    public var connectionTimeoutSeconds: Int
    /// Connections open at once; a further one is answered 503 and closed.
    public var maximumConnections: Int
    /// Largest request line and headers together, in bytes: past it 431. Each open connection holds 1.6 times as
    /// much, and at least 16 KiB.
    public var maximumHeaderBytes: Int
    /// Largest request target (path and query) in bytes: past it 414.
    public var maximumTargetBytes: Int

    /// The defaults suit a small JSON API behind no proxy.
    public init(
        host: String = "127.0.0.1", port: UInt16 = 8080, unixSocketPath: String? = nil, threads: Int = 2,
        maximumBodyBytes: Int = 1 << 20, maximumBufferedBytes: Int = 256 << 20, connectionTimeoutSeconds: Int = 30,
        maximumConnections: Int = 4096,
        maximumHeaderBytes: Int = 10 << 10, maximumTargetBytes: Int = 8 << 10
    ) {
        self.host = host
        self.port = port
        self.unixSocketPath = unixSocketPath
        self.threads = threads
        self.maximumBodyBytes = maximumBodyBytes
        self.maximumBufferedBytes = maximumBufferedBytes
        self.connectionTimeoutSeconds = connectionTimeoutSeconds
        self.maximumConnections = maximumConnections
        self.maximumHeaderBytes = maximumHeaderBytes
        self.maximumTargetBytes = maximumTargetBytes
    }

    /// The sentence that names what is wrong with the values, or nil.
    var fault: String? {
        if threads < 1 || threads > 256 { return "threads must be between 1 and 256" }
        if maximumBodyBytes < 0 || maximumBufferedBytes < 0 { return "the largest body must not be negative" }
        if connectionTimeoutSeconds < 1 || connectionTimeoutSeconds > 86_400 {
            return "the connection timeout must be between 1 and 86400 seconds"
        }
        if maximumConnections < 1 || maximumConnections > 1_000_000 {
            return "the largest number of connections must be between 1 and 1000000"
        }
        if maximumHeaderBytes < 1024 || maximumHeaderBytes > 1 << 20 {
            return "the largest header must be between 1024 and 1048576 bytes"
        }
        if maximumTargetBytes < 64 || maximumTargetBytes > maximumHeaderBytes {
            return "the longest target must be at least 64 bytes and no longer than the largest header"
        }
        return nil
    }
}
