internal import CMicroHTTPD
internal import Glibc
internal import Synchronization

/// One serving thread, which waits for events and runs a libmicrohttpd daemon of its own.
///
/// The library's own threads are not used: their way to stop accepting can end the process (a race between them is
/// taken for broken state), they stand still when exactly 128 events are pending at once, and each resumed request
/// costs a system call. Here everything from outside goes through an inbox, and one wake-up serves all that is in it.
final class Worker: Sendable {
    private struct Arrival {
        var socket: Int32
        var address: sockaddr_storage
        var size: socklen_t
    }

    private struct Inbox {
        var arrivals: [Arrival] = []
        var resumed: [Connection] = []
        var isStopping = false
        /// The thread has been woken and has not looked yet.
        var isWoken = false
        var thread: pthread_t?

        /// Whether the caller has to wake the thread.
        mutating func wake() -> Bool {
            defer { isWoken = true }
            return !isWoken
        }
    }

    private unowned let core: ServerCore
    private let waker: Int32
    private let inbox = Mutex(Inbox())
    private let connections = Atomic<Int>(0)

    init(core: ServerCore) throws(HTTPError) {
        self.core = core
        waker = ff_waker()
        guard waker >= 0 else { throw Self.failure(errno) }
    }

    deinit {
        stop()
        close(waker)
    }

    private static func failure(_ number: Int32) -> HTTPError {
        HTTPError(
            code: "system", message: "An HTTP thread could not be started: \(String(cString: strerror(number))).")
    }

    // MARK: From other threads

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
        guard let daemon = ff_mhd_start(&setup) else { throw Self.failure(errno) }
        let launch = Unmanaged.passRetained(Launch(worker: self, daemon: daemon))
        var thread = pthread_t()
        let status = pthread_create(
            &thread, nil,
            { argument in
                guard let argument else { return nil }
                let launch = Unmanaged<Launch>.fromOpaque(argument).takeRetainedValue()
                ff_name_thread("http-worker")
                // Answers are short work that others wait for.
                ff_short_turns()
                launch.worker.run(launch.daemon)
                return nil
            }, launch.toOpaque())
        guard status == 0 else {
            launch.release()
            MHD_stop_daemon(daemon)
            throw Self.failure(status)
        }
        inbox.withLock { $0.thread = thread }
    }

    /// Room for a request's headers, what the library makes of them, the start of its body (half of this is read at a
    /// time), and the answer's headers. The library clears all of it for every request, so more is slower: with 24 KiB
    /// single interactions on 512 connections are a tenth fewer than with 16.
    private func connectionMemory(_ configuration: HTTPServerConfiguration) -> Int {
        max(16 << 10, configuration.maximumHeaderBytes * 8 / 5)
    }

    private final class Launch {
        unowned let worker: Worker
        let daemon: OpaquePointer
        init(worker: Worker, daemon: OpaquePointer) {
            self.worker = worker
            self.daemon = daemon
        }
    }

    /// Ends the thread and its connections. No exchange may be open.
    func stop() {
        let thread = inbox.withLock { inbox in
            inbox.isStopping = true
            defer { inbox.thread = nil }
            return inbox.thread
        }
        ff_wake(waker)
        if let thread { pthread_join(thread, nil) }
    }

    /// Connections handed over and not yet closed.
    var load: Int { connections.load(ordering: .relaxed) }

    /// Hands an accepted socket to the thread, which owns it from here on.
    func adopt(_ socket: Int32, _ address: sockaddr_storage, _ size: socklen_t) {
        connections.add(1, ordering: .relaxed)
        let mustWake = inbox.withLock { inbox in
            inbox.arrivals.append(Arrival(socket: socket, address: address, size: size))
            return inbox.wake()
        }
        if mustWake { ff_wake(waker) }
    }

    /// Lets a suspended connection go on.
    func resume(_ connection: Connection) {
        let mustWake = inbox.withLock { inbox in
            inbox.resumed.append(connection)
            return inbox.wake()
        }
        if mustWake { ff_wake(waker) }
    }

    // MARK: On the thread

    private func run(_ daemon: OpaquePointer) {
        var polled = [
            pollfd(fd: ff_mhd_epoll(daemon), events: Int16(POLLIN), revents: 0),
            pollfd(fd: waker, events: Int16(POLLIN), revents: 0),
        ]
        var arrivals: [Arrival] = []
        var resumed: [Connection] = []
        var isStopping = false
        while true {
            let timeout = ff_mhd_timeout(daemon)
            if timeout != 0 { poll(&polled, nfds_t(polled.count), timeout) }
            // Before the inbox is emptied, and also when that has been done already: a wake-up may come late.
            if timeout != 0, polled[1].revents != 0 { ff_wake_clear(waker) }
            polled[1].revents = 0
            inbox.withLock { inbox in
                guard inbox.isWoken || inbox.isStopping else { return }
                inbox.isWoken = false
                isStopping = inbox.isStopping
                swap(&arrivals, &inbox.arrivals)
                swap(&resumed, &inbox.resumed)
            }
            for connection in resumed { MHD_resume_connection(connection.handle) }
            resumed.removeAll(keepingCapacity: true)
            if isStopping { break }
            for arrival in arrivals { add(arrival, to: daemon) }
            arrivals.removeAll(keepingCapacity: true)
            _ = ff_mhd_run(daemon)
        }
        MHD_stop_daemon(daemon)
        for arrival in arrivals { close(arrival.socket) }
    }

    private func add(_ arrival: Arrival, to daemon: OpaquePointer) {
        let isTaken = withUnsafePointer(to: arrival.address) {
            $0.withMemoryRebound(to: sockaddr.self, capacity: 1) {
                ff_mhd_add(daemon, arrival.socket, $0, arrival.size) == 1
            }
        }
        if !isTaken { connections.subtract(1, ordering: .relaxed) }
    }

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
