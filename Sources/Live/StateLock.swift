internal import Dispatch
internal import Glibc
internal import Synchronization

/// The lock around a state: many short reads at once, and a writer that takes it again and again.
///
/// Not the standard library's `Mutex`, which on Linux hands itself over to the thread that has waited longest: while that
/// one waits for a processor nobody else gets on, and on a busy machine every meeting of two threads costs a time slice.
/// Here whoever runs may take it, and the writer, between two holds, lets those in that wait. Holds are shorter than it
/// takes to go to sleep and be woken, so one who meets another tries for a moment before it sleeps.
final class StateLock<Value: ~Copyable>: @unchecked Sendable {
    private let lock: UnsafeMutablePointer<pthread_rwlock_t>
    private let value: UnsafeMutablePointer<Value>
    private let waiting = Atomic(0)
    /// Tries before sleeping, some 20 ns each.
    private static var tries: Int { 200 }

    init(_ initial: consuming Value) {
        lock = .allocate(capacity: 1)
        lock.initialize(to: pthread_rwlock_t())
        pthread_rwlock_init(lock, nil)
        value = .allocate(capacity: 1)
        value.initialize(to: initial)
    }

    deinit {
        value.deinitialize(count: 1)
        value.deallocate()
        pthread_rwlock_destroy(lock)
        lock.deallocate()
    }

    /// Runs `body` alone.
    func withLock<Result: ~Copyable, Failure: Error>(
        _ body: (inout Value) throws(Failure) -> Result
    ) throws(Failure) -> Result {
        take(pthread_rwlock_trywrlock, pthread_rwlock_wrlock)
        defer { pthread_rwlock_unlock(lock) }
        return try body(&value.pointee)
    }

    /// Runs `body` while nobody changes the value; others may read it at the same time.
    func withReadLock<Result: ~Copyable, Failure: Error>(
        _ body: (borrowing Value) throws(Failure) -> Result
    ) throws(Failure) -> Result {
        take(pthread_rwlock_tryrdlock, pthread_rwlock_rdlock)
        defer { pthread_rwlock_unlock(lock) }
        return try body(value.pointee)
    }

    @inline(__always)
    private func take(
        _ attempt: (UnsafeMutablePointer<pthread_rwlock_t>) -> Int32,
        _ wait: (UnsafeMutablePointer<pthread_rwlock_t>) -> Int32
    ) {
        if attempt(lock) == 0 { return }
        waiting.add(1, ordering: .relaxed)
        defer { waiting.subtract(1, ordering: .relaxed) }
        for _ in 0..<Self.tries where attempt(lock) == 0 { return }
        _ = wait(lock)
    }

    /// For one who is about to take the lock again: lets those in who wait, for a moment. One who waits and is not given a
    /// processor must not hold it up for longer: on a busy machine every yield can cost a time slice.
    func letOthersIn() {
        guard waiting.load(ordering: .relaxed) > 0 else { return }
        let end = DispatchTime.now().uptimeNanoseconds + Self.courtesy
        repeat {
            sched_yield()
        } while waiting.load(ordering: .relaxed) > 0
            && DispatchTime.now().uptimeNanoseconds < end
    }

    /// Nanoseconds.
    private static var courtesy: UInt64 { 100_000 }
}
