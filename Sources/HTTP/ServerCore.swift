internal import CMicroHTTPD
internal import Glibc
internal import Synchronization

/// What the public server, its connections and its housekeeper share. It owns libmicrohttpd's daemon, which does not
/// listen: the housekeeper accepts connections and hands them over, because the library's own way to stop accepting
/// can end the process (it treats a race between its threads as broken state).
final class ServerCore: Sendable {
    let configuration: HTTPServerConfiguration
    let handler: any HTTPHandler
    let housekeeper: Housekeeper
    let exchanges = ExchangeGate()
    /// Requests between their headers and their end.
    let activeRequests = Atomic<Int>(0)

    /// Memory of the connections' larger bodies.
    let bufferedBytes = Atomic<Int>(0)

    private let draining = Atomic<Bool>(false)
    private let refusing = Atomic<Bool>(false)
    /// Address of the library's daemon, 0 when there is none. Locked while a connection is handed over, so that it
    /// is not stopped meanwhile.
    private let daemon = Mutex<UInt>(0)
    private let registry = Mutex<[ObjectIdentifier: Connection]>([:])
    /// What a client is sent whose body did not arrive in time.
    private let timeoutAnswer: [UInt8]
    private let inflaters = Mutex<[Inflater]>([])

    init(configuration: HTTPServerConfiguration, handler: any HTTPHandler) throws(HTTPError) {
        self.configuration = configuration
        self.handler = handler
        timeoutAnswer = RawResponse.bytes(
            of: handler.problem(
                status: 408, code: HTTPProblemCode.requestTimeout, message: "The body did not arrive in time."),
            withBody: true)
        housekeeper = try Housekeeper()
    }

    /// Answers still go out, but each ends its connection.
    var isDraining: Bool { draining.load(ordering: .relaxed) }
    /// No request reaches the handler any more.
    var isRefusing: Bool { refusing.load(ordering: .relaxed) }

    var stoppingResponse: HTTPResponse {
        var response = handler.problem(
            status: 503, code: HTTPProblemCode.stopping, message: "The server is stopping; try again.")
        response.closesConnection = true
        return response
    }

    // MARK: The daemon

    /// Room for a request's headers, what the library makes of them, the start of its body, and the answer's headers.
    private var connectionMemory: Int {
        configuration.maximumHeaderBytes <= 12 << 10 ? 32 << 10 : configuration.maximumHeaderBytes * 3
    }

    func startDaemon() throws(HTTPError) {
        ff_mhd_install_panic()
        // Each thread has its own share of the limit; the housekeeper keeps the exact one.
        let share = configuration.maximumConnections + configuration.threads * 2
        var setup = ff_mhd_setup(
            context: Unmanaged.passUnretained(self).toOpaque(), request_arrived: ServerCallbacks.requestArrived,
            request_ended: ServerCallbacks.requestEnded, connection_changed: ServerCallbacks.connectionChanged,
            target_arrived: ServerCallbacks.targetArrived, unescape: ServerCallbacks.keepEscapes,
            threads: UInt32(configuration.threads), connections: UInt32(share * configuration.threads),
            timeout_seconds: UInt32(configuration.connectionTimeoutSeconds + 2), connection_memory: connectionMemory)
        guard let started = ff_mhd_start(&setup) else {
            throw HTTPError(
                code: "system",
                message: "The HTTP threads could not be started: \(String(cString: strerror(errno))).")
        }
        daemon.withLock { $0 = UInt(bitPattern: started) }
    }

    /// Hands an accepted socket to the library, which owns it from here on.
    func adopt(_ socket: Int32, _ address: UnsafePointer<sockaddr>, _ size: socklen_t) {
        daemon.withLock { pointer in
            if let running = OpaquePointer(bitPattern: pointer) {
                MHD_add_connection(running, socket, address, size)
            } else {
                close(socket)
            }
        }
    }

    // MARK: Connections

    func register(_ connection: Connection) {
        registry.withLock { $0[ObjectIdentifier(connection)] = connection }
    }

    func remove(_ connection: Connection) {
        registry.withLock { _ = $0.removeValue(forKey: ObjectIdentifier(connection)) }
    }

    var connectionCount: Int { registry.withLock { $0.count } }

    /// Ends the connections whose time is up. A connection leaves the registry before its socket is closed.
    func endOverdue() {
        let now = coarseMilliseconds()
        let timeout = UInt64(configuration.connectionTimeoutSeconds) * 1000
        registry.withLock { connections in
            for connection in connections.values {
                connection.endIfOverdue(now: now, timeout: timeout, answer: timeoutAnswer)
            }
        }
    }

    // MARK: Decompressors

    func takeInflater() -> Inflater { inflaters.withLock { $0.popLast() } ?? Inflater() }

    func recycle(_ inflater: Inflater) {
        inflater.reset()
        inflaters.withLock { if $0.count < 16 { $0.append(inflater) } }
    }

    // MARK: Stopping

    /// Lets what runs come to its end for `grace` seconds, answers 503 to what is left, and closes. The housekeeper
    /// has stopped accepting.
    func stopDaemon(grace: Double) {
        draining.store(true, ordering: .sequentiallyConsistent)
        waitWhile(seconds: grace) {
            activeRequests.load(ordering: .sequentiallyConsistent) > 0 || exchanges.waiting > 0
        }
        refusing.store(true, ordering: .sequentiallyConsistent)
        exchanges.close()
        // The library must not be stopped while a connection is suspended.
        repeat {
            let open = registry.withLock { Array($0.values) }
            for connection in open { connection.resumeAny(with: stoppingResponse) }
            waitWhile(seconds: 0.01) { exchanges.waiting > 0 }
        } while exchanges.waiting > 0
        waitWhile(seconds: 1) { activeRequests.load(ordering: .sequentiallyConsistent) > 0 }
        let pointer = daemon.withLock { pointer in
            defer { pointer = 0 }
            return pointer
        }
        if let running = OpaquePointer(bitPattern: pointer) { MHD_stop_daemon(running) }
    }

    private func waitWhile(seconds: Double, _ condition: () -> Bool) {
        let end = monotonicNanoseconds() + Int((seconds > 0 ? min(seconds, 86_400) : 0) * 1e9)
        while condition(), monotonicNanoseconds() < end { usleep(1000) }
    }
}
