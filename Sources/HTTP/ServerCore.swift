internal import CMicroHTTPD
internal import Glibc
internal import Synchronization

/// What the public server, its connections, its workers and its housekeeper share.
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
    private let workers = Mutex<[Worker]>([])
    private let registry = Mutex<[ObjectIdentifier: Connection]>([:])
    private let inflaters = Mutex<[Inflater]>([])

    init(configuration: HTTPServerConfiguration, handler: any HTTPHandler) throws(HTTPError) {
        self.configuration = configuration
        self.handler = handler
        housekeeper = try Housekeeper()
    }

    /// Answers still go out, but each ends its connection.
    var isDraining: Bool { draining.load(ordering: .relaxed) }
    /// No request reaches the handler any more.
    var isRefusing: Bool { refusing.load(ordering: .relaxed) }

    func stoppingResponse(for connection: Connection) -> HTTPResponse {
        var response = connection.problem(503, HTTPProblemCode.stopping, "The server is stopping; try again.")
        response.closesConnection = true
        return response
    }

    // MARK: Workers

    func startWorkers() throws(HTTPError) {
        ff_mhd_install_panic()
        for _ in 0..<configuration.threads {
            let worker = try Worker(core: self)
            try worker.start()
            workers.withLock { $0.append(worker) }
        }
    }

    /// Hands an accepted socket to the worker that has the fewest.
    func adopt(_ socket: Int32, _ address: sockaddr_storage, _ size: socklen_t) {
        let worker = workers.withLock { $0.min { $0.load < $1.load } }
        if let worker { worker.adopt(socket, address, size) } else { close(socket) }
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
                connection.endIfOverdue(now: now, timeout: timeout)
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

    /// From here on each answer ends its connection.
    func drain() { draining.store(true, ordering: .sequentiallyConsistent) }

    /// Lets what runs come to its end for `grace` seconds, answers 503 to what is left, and closes. The housekeeper
    /// has stopped accepting.
    func stopWorkers(grace: Double) {
        waitWhile(seconds: grace) {
            activeRequests.load(ordering: .sequentiallyConsistent) > 0 || exchanges.waiting > 0
        }
        refusing.store(true, ordering: .sequentiallyConsistent)
        exchanges.close()
        // The library must not be stopped while a connection is suspended.
        repeat {
            let open = registry.withLock { Array($0.values) }
            for connection in open { connection.resumeAny(with: stoppingResponse(for: connection)) }
            waitWhile(seconds: 0.01) { exchanges.waiting > 0 }
        } while exchanges.waiting > 0
        waitWhile(seconds: 1) { activeRequests.load(ordering: .sequentiallyConsistent) > 0 }
        let stopping = workers.withLock { workers in
            defer { workers = [] }
            return workers
        }
        for worker in stopping { worker.stop() }
    }

    private func waitWhile(seconds: Double, _ condition: () -> Bool) {
        let end = monotonicNanoseconds() + Int((seconds > 0 ? min(seconds, 86_400) : 0) * 1e9)
        while condition(), monotonicNanoseconds() < end { usleep(1000) }
    }
}
