internal import Foundation

/// How far an index has come, and who waits for it.
final class IndexProgress: @unchecked Sendable {
    // Unchecked: everything is under the condition's lock.
    private let condition = NSCondition()
    private var wanted: Int64 = 0
    private var indexed: Int64 = 0
    private var isReady = false
    private var isStopping = false
    private var generation = 0

    /// What there is to do for the index's thread.
    enum Work {
        /// To take in the log up to a position.
        case catchUp(to: Int64)
        /// Nothing came for a while.
        case idle
        case stop
    }

    private func locked<Result>(_ body: () -> Result) -> Result {
        condition.lock()
        defer { condition.unlock() }
        return body()
    }

    /// Says that an entity changed at a position of the log.
    func want(_ position: Int64) {
        locked {
            guard position > wanted else { return }
            wanted = position
            condition.broadcast()
        }
    }

    func stop() {
        locked {
            isStopping = true
            condition.broadcast()
        }
    }

    var stops: Bool { locked { isStopping } }
    var position: Int64 { locked { indexed } }

    /// Says how far the index is; searches may use it from now on.
    func reached(_ position: Int64) {
        locked {
            indexed = position
            isReady = true
            condition.broadcast()
        }
    }

    /// Says that the file is another one: connections to it are to be opened anew.
    func replaced() {
        locked {
            isReady = false
            generation += 1
            condition.broadcast()
        }
    }

    /// Waits for work, for `seconds` at most.
    func nextWork(seconds: Double) -> Work {
        locked {
            let end = Date(timeIntervalSinceNow: seconds)
            while !isStopping, wanted <= indexed {
                if !condition.wait(until: end) { break }
            }
            if isStopping { return .stop }
            return wanted > indexed ? .catchUp(to: wanted) : .idle
        }
    }

    /// Waits before another try, unless it is to stop.
    func pause(seconds: Double) {
        locked {
            let end = Date(timeIntervalSinceNow: seconds)
            while !isStopping, condition.wait(until: end) {}
        }
    }

    /// Waits until the index has every change known when called: `seconds` at most. The file's generation, or `nil` when
    /// there is no index to search in yet.
    func waitUntilCurrent(seconds: Double) -> Int? {
        locked {
            let target = wanted
            let end = Date(timeIntervalSinceNow: seconds)
            while !isStopping, !isReady || indexed < target {
                if !condition.wait(until: end) { break }
            }
            return isReady && !isStopping ? generation : nil
        }
    }
}
