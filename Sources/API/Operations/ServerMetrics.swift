internal import Domain
internal import Synchronization

/// What the server has answered since it started.
final class ServerMetrics: Sendable {
    struct Figures: Sendable {
        var requestsByClass: [UInt64] = Array(repeating: 0, count: 6)
        var seconds = Histogram(bounds: Histogram.seconds)
        var requestBytes: UInt64 = 0
        var responseBytes: UInt64 = 0
    }

    private let figures = Mutex(Figures())
    let startedAt = monotonicNanoseconds()

    func record(status: Int, seconds: Double, requestBytes: Int, responseBytes: Int) {
        figures.withLock { figures in
            figures.requestsByClass[min(max(status / 100, 0), 5)] += 1
            figures.seconds.record(seconds)
            figures.requestBytes += UInt64(max(0, requestBytes))
            figures.responseBytes += UInt64(max(0, responseBytes))
        }
    }

    var current: Figures { figures.withLock { $0 } }
}
