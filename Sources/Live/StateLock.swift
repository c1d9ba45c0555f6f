internal import Glibc
internal import Synchronization

/// The lock around a state: many short holds by readers, and a writer that takes it again and again.
///
/// Not the standard library's `Mutex`, which on Linux hands itself over to the thread that has waited longest: while that
/// one waits for a processor nobody else gets on, and on a busy machine every meeting of two threads costs a time slice.
/// Here whoever runs may take it, and the writer, between two holds, lets readers in that wait.
final class StateLock<Value: ~Copyable>: @unchecked Sendable {
    private let mutex: UnsafeMutablePointer<pthread_mutex_t>
    private let value: UnsafeMutablePointer<Value>
    private let waiting = Atomic(0)

    init(_ initial: consuming Value) {
        mutex = .allocate(capacity: 1)
        mutex.initialize(to: pthread_mutex_t())
        pthread_mutex_init(mutex, nil)
        value = .allocate(capacity: 1)
        value.initialize(to: initial)
    }

    deinit {
        value.deinitialize(count: 1)
        value.deallocate()
        pthread_mutex_destroy(mutex)
        mutex.deallocate()
    }

    /// Runs `body` alone.
    func withLock<Result: ~Copyable, Failure: Error>(
        _ body: (inout Value) throws(Failure) -> Result
    ) throws(Failure) -> Result {
        if pthread_mutex_trylock(mutex) != 0 {
            waiting.add(1, ordering: .relaxed)
            pthread_mutex_lock(mutex)
            waiting.subtract(1, ordering: .relaxed)
        }
        defer { pthread_mutex_unlock(mutex) }
        return try body(&value.pointee)
    }

    /// For one who is about to take the lock again: lets those in who wait, for a moment.
    func letOthersIn() {
        var tries = 0
        while waiting.load(ordering: .relaxed) > 0, tries < 100 {
            sched_yield()
            tries += 1
        }
    }
}
