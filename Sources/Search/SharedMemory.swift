internal import Glibc

/// What is kept in memory, for several threads that read at once and one that writes.
final class SharedMemory: @unchecked Sendable {
    // Unchecked: `memory` is touched under the lock alone.
    private let lock: UnsafeMutablePointer<pthread_rwlock_t>
    private var memory: IndexMemory

    init(_ memory: IndexMemory) {
        self.memory = memory
        lock = .allocate(capacity: 1)
        var attributes = pthread_rwlockattr_t()
        pthread_rwlockattr_init(&attributes)
        // Searches that follow one another without a gap must not keep a change waiting.
        pthread_rwlockattr_setkind_np(&attributes, Int32(PTHREAD_RWLOCK_PREFER_WRITER_NONRECURSIVE_NP))
        lock.initialize(to: pthread_rwlock_t())
        pthread_rwlock_init(lock, &attributes)
        pthread_rwlockattr_destroy(&attributes)
    }

    deinit {
        pthread_rwlock_destroy(lock)
        lock.deallocate()
    }

    /// Reads beside other readers. Not to be called from within itself.
    func read<Result>(_ body: (IndexMemory) -> Result) -> Result {
        pthread_rwlock_rdlock(lock)
        defer { pthread_rwlock_unlock(lock) }
        return body(memory)
    }

    /// Changes it alone; searches wait meanwhile, so it is to be short.
    func write<Result>(_ body: (inout IndexMemory) -> Result) -> Result {
        pthread_rwlock_wrlock(lock)
        defer { pthread_rwlock_unlock(lock) }
        return body(&memory)
    }
}
