internal import Synchronization

/// An HTTP/1.1 server with a fixed number of threads.
///
/// Bodies are read whole, bounded and decompressed before the handler sees them; answers may be given later through
/// an `HTTPExchange`. Releasing a running server stops it without grace.
public final class HTTPServer: Sendable {
    private enum Phase { case idle, running(port: UInt16), stopping, stopped }

    private let core: ServerCore
    private let phase = Mutex(Phase.idle)

    /// Prepares a server. Throws `invalid_configuration` or `system`.
    public init(_ configuration: HTTPServerConfiguration, handler: some HTTPHandler) throws(HTTPError) {
        if let fault = configuration.fault {
            throw HTTPError(code: "invalid_configuration", message: "HTTP server: \(fault).")
        }
        core = try ServerCore(configuration: configuration, handler: handler)
    }

    deinit { stop(graceSeconds: 0) }

    /// Listens and serves. Throws `port_in_use`, `address_unavailable`, `permission_denied`, `socket_in_use`,
    /// `system`, or `already_started` at a second call.
    public func start() throws(HTTPError) {
        let mayStart = phase.withLock { phase in
            guard case .idle = phase else { return false }
            phase = .stopping
            return true
        }
        guard mayStart else { throw HTTPError(code: "already_started", message: "The HTTP server was started before.") }
        do throws(HTTPError) {
            let listener = try ListenSocket.open(core.configuration)
            try core.startWorkers()
            try core.housekeeper.start(core, listener: listener)
            phase.withLock { $0 = .running(port: listener.port) }
        } catch {
            core.housekeeper.stopAccepting()
            core.stopWorkers(grace: 0)
            phase.withLock { $0 = .stopped }
            throw error
        }
    }

    /// The TCP port that is listened on; 0 when the server does not run or listens on a Unix socket.
    public var port: UInt16 {
        phase.withLock { if case .running(let port) = $0 { port } else { 0 } }
    }

    /// Open client connections.
    public var connectionCount: Int { core.connectionCount }

    /// Requests whose headers are in and whose answer is not out, suspended ones included.
    public var activeRequestCount: Int { max(0, core.activeRequests.load(ordering: .relaxed)) }

    /// Memory that request bodies over 16 KiB take now, in bytes.
    public var bufferedBodyBytes: Int { max(0, core.bufferedBytes.load(ordering: .relaxed)) }

    /// Stops: closes the listening socket, waits up to `graceSeconds` for running requests (suspended ones too),
    /// answers what is left with 503, closes all connections. Returns when no server thread runs any more. Must not be
    /// called from a handler.
    public func stop(graceSeconds: Double) {
        let mustStop = phase.withLock { phase in
            guard case .running = phase else { return false }
            phase = .stopping
            return true
        }
        guard mustStop else { return }
        core.drain()
        core.housekeeper.stopAccepting()
        core.stopWorkers(grace: graceSeconds)
        core.housekeeper.stop()
        phase.withLock { $0 = .stopped }
    }
}
