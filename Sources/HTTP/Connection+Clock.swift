internal import CMicroHTTPD
internal import Glibc
internal import Synchronization

/// The times that the housekeeper watches. `phaseWord` holds the phase in its low three bits and, above, the
/// millisecond at which it began.
extension Connection {
    enum Phase: UInt64 {
        /// Between requests, or within a request's headers.
        case headers
        case body
        /// The handler has the request; no limit.
        case handling
        case sending
        /// The housekeeper has ended the connection.
        case ended
    }

    /// Moves to a phase; false when the housekeeper has ended the connection.
    @discardableResult
    func enter(_ phase: Phase, expecting bytes: Int = 0) -> Bool {
        let now = coarseMilliseconds()
        lastByteMilliseconds.store(now, ordering: .relaxed)
        progressBytes.store(bytes, ordering: .relaxed)
        let new = now << 3 | phase.rawValue
        let old = phaseWord.load(ordering: .relaxed)
        guard old & 7 != Phase.ended.rawValue else { return false }
        return phaseWord.compareExchange(expected: old, desired: new, ordering: .acquiringAndReleasing).exchanged
    }

    func noteProgress(_ bytes: Int) {
        progressBytes.store(bytes, ordering: .relaxed)
        lastByteMilliseconds.store(coarseMilliseconds(), ordering: .relaxed)
    }

    /// Whether the client has closed its side and there is nothing left to read. The library misses an end that
    /// arrives together with the last bytes before it.
    private var hasPeerLeft: Bool {
        var byte: UInt8 = 0
        return recv(socket, &byte, 1, ff_peek_at_once()) == 0
    }

    /// Called by the housekeeper with the registry locked, so that the socket is this connection's.
    func endIfOverdue(now: UInt64, timeout: UInt64) {
        let word = phaseWord.load(ordering: .acquiring)
        let age = now &- min(word >> 3, now)
        let silence = now &- min(lastByteMilliseconds.load(ordering: .relaxed), now)
        // A slow client is given what a line of 500 bytes/s needs.
        let allowance = timeout &+ UInt64(max(progressBytes.load(ordering: .relaxed), 0)) &* 2
        let phase = Phase(rawValue: word & 7)
        let isOverdue: Bool =
            switch phase {
            case .headers: age > timeout &* 2
            case .body: silence > timeout || age > allowance
            case .sending: age > allowance &+ timeout
            case .handling, .ended, nil: false
            }
        let hasLeft = !isOverdue && (phase == .headers || phase == .body) && silence > 500 && hasPeerLeft
        guard isOverdue || hasLeft else { return }
        let ended = word & ~7 | Phase.ended.rawValue
        guard phaseWord.compareExchange(expected: word, desired: ended, ordering: .acquiringAndReleasing).exchanged
        else { return }
        if isOverdue && phase == .body {
            isTimedOut.store(true, ordering: .relaxed)
            // The serving thread sends nothing in this phase and cannot leave it any more.
            let answer = problem(408, HTTPProblemCode.requestTimeout, "The body did not arrive in time.")
            RawResponse.send(RawResponse.bytes(of: answer, withBody: true), to: socket)
        }
        shutdown(socket, Int32(SHUT_RDWR))
    }
}

func coarseMilliseconds() -> UInt64 {
    var time = timespec()
    clock_gettime(CLOCK_MONOTONIC_COARSE, &time)
    return UInt64(time.tv_sec) &* 1000 &+ UInt64(time.tv_nsec / 1_000_000)
}

func monotonicNanoseconds() -> Int {
    var time = timespec()
    clock_gettime(CLOCK_MONOTONIC, &time)
    return time.tv_sec &* 1_000_000_000 &+ time.tv_nsec
}
