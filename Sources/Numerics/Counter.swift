internal import Synchronization

/// Numbers from 0 on, each given once, to any thread.
final class Counter: Sendable {
    private let next = Atomic<Int>(0)

    func take() -> Int { next.wrappingAdd(1, ordering: .relaxed).oldValue }
}
