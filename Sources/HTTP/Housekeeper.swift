internal import CMicroHTTPD
internal import Glibc
internal import Synchronization

/// The thread that accepts connections, ends those whose time is up, and waits for clients to read an answer that was
/// given before they had sent everything.
final class Housekeeper: Sendable {
    private struct Lingering {
        var socket: Int32
        var until: UInt64
        var drained = 0
    }

    private struct State {
        var lingering: [Lingering] = []
        var listener: ListenSocket?
        /// The thread has a listener at hand.
        var isAccepting = false
        var isStopping = false
        var thread: pthread_t?
    }

    private static let lingerMilliseconds: UInt64 = 2000
    private static let lingerBytes = 16 << 20
    private static let lingerLimit = 512

    private let state = Mutex(State())
    private let waker: Int32

    init() throws(HTTPError) {
        waker = ff_waker()
        guard waker >= 0 else {
            throw HTTPError(code: "system", message: "No event descriptor: \(String(cString: strerror(errno))).")
        }
    }

    deinit { close(waker) }

    // MARK: The thread

    private final class Launch {
        let housekeeper: Housekeeper
        let core: ServerCore
        init(_ housekeeper: Housekeeper, _ core: ServerCore) {
            self.housekeeper = housekeeper
            self.core = core
        }
    }

    func start(_ core: ServerCore, listener: ListenSocket) throws(HTTPError) {
        state.withLock { $0.listener = listener }
        let launch = Unmanaged.passRetained(Launch(self, core))
        var thread = pthread_t()
        let status = pthread_create(
            &thread, nil,
            { argument in
                guard let argument else { return nil }
                let launch = Unmanaged<Launch>.fromOpaque(argument).takeRetainedValue()
                ff_name_thread("http-keeper")
                launch.housekeeper.run(launch.core)
                return nil
            }, launch.toOpaque())
        guard status == 0 else {
            launch.release()
            throw HTTPError(code: "system", message: "No thread: \(String(cString: strerror(status))).")
        }
        state.withLock { $0.thread = thread }
    }

    /// Stops accepting at once: the listening socket is closed when this returns. The thread goes on with the rest.
    func stopAccepting() {
        state.withLock { $0.listener = nil }
        ff_wake(waker)
        while state.withLock({ $0.isAccepting }) { usleep(100) }
    }

    func stop() {
        let thread = state.withLock { state in
            state.isStopping = true
            defer { state.thread = nil }
            return state.thread
        }
        ff_wake(waker)
        if let thread { pthread_join(thread, nil) }
    }

    private func run(_ core: ServerCore) {
        var lastSweep = coarseMilliseconds()
        while true {
            let (listener, lingering, isStopping) = state.withLock { state in
                state.isAccepting = state.listener != nil
                return (state.listener, state.lingering, state.isStopping)
            }
            if isStopping { break }
            var polled = [pollfd(fd: waker, events: Int16(POLLIN), revents: 0)]
            polled.append(pollfd(fd: listener?.descriptor ?? -1, events: Int16(POLLIN), revents: 0))
            polled += lingering.map { pollfd(fd: $0.socket, events: Int16(POLLIN), revents: 0) }
            poll(&polled, nfds_t(polled.count), 250)
            if polled[0].revents != 0 { ff_wake_clear(waker) }
            if let listener, polled[1].revents != 0 { accept(listener, core) }
            drainLingering(Set(polled.dropFirst(2).filter { $0.revents != 0 }.map(\.fd)))
            let now = coarseMilliseconds()
            if now &- lastSweep >= 250 {
                lastSweep = now
                core.endOverdue()
            }
        }
        state.withLock { state in
            for one in state.lingering { close(one.socket) }
            state.lingering = []
            state.listener = nil
            state.isAccepting = false
        }
    }

    // MARK: Accepting

    private func accept(_ listener: ListenSocket, _ core: ServerCore) {
        for _ in 0..<64 {
            var storage = sockaddr_storage()
            var size = socklen_t(MemoryLayout<sockaddr_storage>.size)
            let socket = withUnsafeMutablePointer(to: &storage) {
                $0.withMemoryRebound(to: sockaddr.self, capacity: 1) { Glibc.accept(listener.descriptor, $0, &size) }
            }
            guard socket >= 0 else {
                // Out of descriptors: the client waits in the backlog until some are free.
                if errno == EMFILE || errno == ENFILE || errno == ENOMEM || errno == ENOBUFS { usleep(10_000) }
                return
            }
            if core.connectionCount >= core.configuration.maximumConnections {
                let response = core.handler.problem(
                    status: 503, code: HTTPProblemCode.tooManyConnections, message: "Too many connections; try again.",
                    origin: nil)
                linger(socket, sending: RawResponse.bytes(of: response, withBody: true))
                close(socket)
                continue
            }
            core.adopt(socket, storage, size)
        }
    }

    // MARK: Lingering

    /// Sends an answer on a socket that its owner is about to close, and keeps the connection open long enough for
    /// the client to read it: closing with unread input would make the system throw the answer away.
    func linger(_ socket: Int32, sending bytes: [UInt8]) {
        RawResponse.send(bytes, to: socket)
        shutdown(socket, Int32(SHUT_WR))
        let copy = fcntl(socket, F_DUPFD_CLOEXEC, 0)
        guard copy >= 0 else { return }
        let until = coarseMilliseconds() + Self.lingerMilliseconds
        let isTaken = state.withLock { state in
            guard state.lingering.count < Self.lingerLimit, !state.isStopping, state.thread != nil else { return false }
            state.lingering.append(Lingering(socket: copy, until: until))
            return true
        }
        if isTaken { ff_wake(waker) } else { close(copy) }
    }

    private func drainLingering(_ readable: Set<Int32>) {
        let now = coarseMilliseconds()
        state.withLock { state in
            guard !state.lingering.isEmpty else { return }
            state.lingering = state.lingering.compactMap { one in
                var one = one
                var isOver = now > one.until
                if readable.contains(one.socket) {
                    let read = Self.discard(one.socket)
                    one.drained += max(read, 0)
                    if read <= 0 || one.drained > Self.lingerBytes { isOver = true }
                }
                if isOver { close(one.socket) }
                return isOver ? nil : one
            }
        }
    }

    private static func discard(_ socket: Int32) -> Int {
        withUnsafeTemporaryAllocation(byteCount: 64 << 10, alignment: 8) { buffer in
            recv(socket, buffer.baseAddress, buffer.count, ff_receive_at_once())
        }
    }
}
