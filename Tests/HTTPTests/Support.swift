import Glibc
import HTTP
import Synchronization

/// A thread that is joined.
final class Thread: @unchecked Sendable {
    private final class Work {
        let body: @Sendable () -> Void
        init(_ body: @escaping @Sendable () -> Void) { self.body = body }
    }

    private var handle = pthread_t()

    init(_ body: @escaping @Sendable () -> Void) {
        pthread_create(
            &handle, nil,
            { argument in
                guard let argument else { return nil }
                Unmanaged<Work>.fromOpaque(argument).takeRetainedValue().body()
                return nil
            }, Unmanaged.passRetained(Work(body)).toOpaque())
    }

    func join() { pthread_join(handle, nil) }
}

final class Counter: Sendable {
    private let count = Atomic<Int>(0)
    var value: Int { count.load(ordering: .sequentiallyConsistent) }
    func increment() { count.add(1, ordering: .sequentiallyConsistent) }
}

/// Answers each request with its body, later, from another thread.
final class EchoLaterHandler: HTTPHandler {
    private let waiting = Mutex<[(exchange: HTTPExchange, body: [UInt8])]>([])
    private let isStopped = Atomic<Bool>(false)

    func handle(_ request: borrowing HTTPRequest) -> HTTPAction {
        let body = Array(request.body)
        return .suspend { exchange in self.waiting.withLock { $0.append((exchange, body)) } }
    }

    func resumeUntilStopped() {
        while !isStopped.load(ordering: .relaxed) {
            let batch = waiting.withLock { waiting in
                defer { waiting = [] }
                return waiting
            }
            if batch.isEmpty { sched_yield() }
            for (exchange, body) in batch { exchange.resume(with: HTTPResponse(body: body)) }
        }
    }

    func stop() { isStopped.store(true, ordering: .relaxed) }
}

/// Has each exchange answered by another thread at about the moment at which it is suspended.
final class RacingHandler: HTTPHandler {
    private let waiting = Mutex<HTTPExchange?>(nil)
    private let isWaiting = Atomic<Bool>(false)
    private let isStopped = Atomic<Bool>(false)

    func handle(_ request: borrowing HTTPRequest) -> HTTPAction {
        .suspend { exchange in
            self.waiting.withLock { $0 = exchange }
            self.isWaiting.store(true, ordering: .releasing)
        }
    }

    /// Waits a little longer each time, up to some microseconds, then begins again.
    func resumeUntilStopped() {
        var pause = 0
        while !isStopped.load(ordering: .relaxed) {
            guard isWaiting.exchange(false, ordering: .acquiringAndReleasing) else { continue }
            let exchange = waiting.withLock { $0.take() }
            for _ in 0..<pause { _ = isStopped.load(ordering: .sequentiallyConsistent) }
            pause = (pause + 1) % 400
            exchange?.resume(with: .text("raced"))
        }
    }

    func stop() { isStopped.store(true, ordering: .relaxed) }
}

/// Answers everything at once.
struct PlainHandler: HTTPHandler {
    func handle(_ request: borrowing HTTPRequest) -> HTTPAction { .respond(.text("plain")) }
}

/// Answers at once, but for one path only once it is woken; until then its thread serves nobody.
final class SleepyHandler: HTTPHandler {
    let isAsleep = Atomic<Bool>(false)
    let isWoken = Atomic<Bool>(false)

    func handle(_ request: borrowing HTTPRequest) -> HTTPAction {
        if request.pathEquals("/sleep") {
            isAsleep.store(true, ordering: .releasing)
            while !isWoken.load(ordering: .acquiring) { usleep(1000) }
        }
        return .respond(.text("awake"))
    }
}

/// Seeded random numbers (SplitMix64), so that a failure can be repeated.
struct SeededGenerator: RandomNumberGenerator {
    private var state: UInt64
    init(seed: UInt64) { state = seed }
    mutating func next() -> UInt64 {
        state &+= 0x9e37_79b9_7f4a_7c15
        var z = state
        z = (z ^ z >> 30) &* 0xbf58_476d_1ce4_e5b9
        z = (z ^ z >> 27) &* 0x94d0_49bb_1331_11eb
        return z ^ z >> 31
    }
}
