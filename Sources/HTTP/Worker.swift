internal import CMicroHTTPD
internal import Glibc
internal import Synchronization

/// One serving thread: a libmicrohttpd daemon of its own, which does not listen. The library's pool is not used,
/// because its way to stop accepting can end the process (it takes a race between its threads for broken state).
final class Worker: Sendable {
    /// The library fetches so many events at a time. When it gets exactly that many it goes back to waiting before it
    /// serves them, so a thread with that many connections must be woken now and then.
    private static let eventsAtATime = 128

    private unowned let core: ServerCore
    private let connections = Atomic<Int>(0)
    /// Address of the daemon and its waker. Locked while a connection is handed over, so that the daemon is not
    /// stopped meanwhile.
    private let daemon = Mutex<(address: UInt, waker: Int32)>((0, -1))

    init(core: ServerCore) { self.core = core }

    deinit { stop() }

    func start() throws(HTTPError) {
        let configuration = core.configuration
        var setup = ff_mhd_setup(
            context: Unmanaged.passUnretained(self).toOpaque(), request_arrived: ServerCallbacks.requestArrived,
            request_ended: ServerCallbacks.requestEnded, connection_changed: ServerCallbacks.connectionChanged,
            target_arrived: ServerCallbacks.targetArrived, unescape: ServerCallbacks.keepEscapes,
            // The housekeeper keeps the exact limit.
            connections: UInt32(configuration.maximumConnections + 64),
            timeout_seconds: UInt32(configuration.connectionTimeoutSeconds + 2),
            connection_memory: connectionMemory(configuration))
        guard let started = ff_mhd_start(&setup) else { throw failure() }
        let waker = ff_mhd_add_waker(started)
        guard waker >= 0 else {
            let error = failure()
            MHD_stop_daemon(started)
            throw error
        }
        daemon.withLock { $0 = (UInt(bitPattern: started), waker) }
    }

    /// Room for a request's headers, what the library makes of them, the start of its body, and the answer's headers.
    private func connectionMemory(_ configuration: HTTPServerConfiguration) -> Int {
        configuration.maximumHeaderBytes <= 12 << 10 ? 32 << 10 : configuration.maximumHeaderBytes * 3
    }

    private func failure() -> HTTPError {
        HTTPError(
            code: "system", message: "An HTTP thread could not be started: \(String(cString: strerror(errno))).")
    }

    /// Ends the thread and its connections. None of them may be suspended.
    func stop() {
        let (address, waker) = daemon.withLock { daemon in
            defer { daemon = (0, -1) }
            return daemon
        }
        guard let running = OpaquePointer(bitPattern: address) else { return }
        MHD_stop_daemon(running)
        close(waker)
    }

    /// Connections handed over and not yet closed.
    var load: Int { connections.load(ordering: .relaxed) }

    /// Hands an accepted socket to the thread, which owns it from here on.
    func adopt(_ socket: Int32, _ address: UnsafePointer<sockaddr>, _ size: socklen_t) {
        connections.add(1, ordering: .relaxed)
        let isTaken = daemon.withLock { daemon in
            guard let running = OpaquePointer(bitPattern: daemon.address) else {
                close(socket)
                return false
            }
            return MHD_add_connection(running, socket, address, size) == .YES
        }
        if !isTaken { connections.subtract(1, ordering: .relaxed) }
    }

    /// Whether the thread must be woken regularly. Two of the events may be its own.
    var needsWaking: Bool { load >= Self.eventsAtATime - 2 }

    func wake() {
        daemon.withLock { if $0.waker >= 0 { ff_mhd_wake($0.waker) } }
    }

    // MARK: Called on the thread

    func begin(_ handle: OpaquePointer) -> Connection {
        let connection = Connection(server: core, worker: self, handle: handle, socket: ff_mhd_socket(handle))
        core.register(connection)
        return connection
    }

    func end(_ connection: Connection) {
        connections.subtract(1, ordering: .relaxed)
        core.remove(connection)
    }
}
