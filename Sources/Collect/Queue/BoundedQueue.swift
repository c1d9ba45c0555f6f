internal import Glibc

/// Hands work from many threads to one, bounded by rows and bytes, in the order it was taken.
///
/// A producer never waits for room: it is told that there is none. The consumer takes everything that has queued at once,
/// which is what makes one commit serve many requests. What it has taken no longer counts, so memory is bounded by twice
/// the bounds when it never takes more than they allow.
public final class BoundedQueue<Element: Sendable>: @unchecked Sendable {
    /// How full a queue is, and what it has refused.
    public struct Report: Sendable, Equatable {
        /// Elements that wait.
        public var elements = 0
        /// Their rows.
        public var rows = 0
        /// Their bytes.
        public var bytes = 0
        /// Elements that were refused for want of room, in all.
        public var refused = 0
    }

    private struct Entry {
        var element: Element
        var rows: Int
        var bytes: Int
    }

    /// Most rows that wait.
    public let maximumRows: Int
    /// Most bytes that wait.
    public let maximumBytes: Int

    // All below is guarded by the lock; the condition says that something waits or the queue is closed.
    private let lock = UnsafeMutablePointer<pthread_mutex_t>.allocate(capacity: 1)
    private let condition = UnsafeMutablePointer<pthread_cond_t>.allocate(capacity: 1)
    private var entries: [Entry] = []
    /// An empty array whose memory is used again.
    private var spare: [Entry] = []
    private var state = Report()
    private var isClosed = false
    private var consumerWaits = false

    /// An empty queue.
    public init(maximumRows: Int, maximumBytes: Int) {
        self.maximumRows = maximumRows
        self.maximumBytes = maximumBytes
        lock.initialize(to: pthread_mutex_t())
        condition.initialize(to: pthread_cond_t())
        pthread_mutex_init(lock, nil)
        var attributes = pthread_condattr_t()
        pthread_condattr_init(&attributes)
        pthread_condattr_setclock(&attributes, CLOCK_MONOTONIC)
        pthread_cond_init(condition, &attributes)
        pthread_condattr_destroy(&attributes)
    }

    deinit {
        pthread_cond_destroy(condition)
        pthread_mutex_destroy(lock)
        condition.deallocate()
        lock.deallocate()
    }

    /// Takes an element in, unless there is no room or the queue is closed. An element that is larger than the bounds is
    /// taken when nothing else waits, so that nothing is refused for ever. Any thread; never waits for the consumer.
    public func tryEnqueue(_ element: Element, rows: Int, bytes: Int) -> Bool {
        pthread_mutex_lock(lock)
        let fits = rows <= maximumRows - state.rows && bytes <= maximumBytes - state.bytes
        guard !isClosed, fits || state.elements == 0 else {
            if !isClosed { state.refused += 1 }
            pthread_mutex_unlock(lock)
            return false
        }
        entries.append(Entry(element: element, rows: max(0, rows), bytes: max(0, bytes)))
        state.elements += 1
        state.rows += max(0, rows)
        state.bytes += max(0, bytes)
        let mustWake = consumerWaits
        consumerWaits = false
        pthread_mutex_unlock(lock)
        if mustWake { pthread_cond_signal(condition) }
        return true
    }

    /// Waits until something is there and takes as much of it as has at most `maximumRows` rows, at least one element.
    /// Empty when nothing came within `milliseconds`; `nil` when the queue is closed and everything has been taken.
    /// One consuming thread.
    public func dequeueAll(maximumRows: Int, waiting milliseconds: Int? = nil) -> [Element]? {
        pthread_mutex_lock(lock)
        if entries.isEmpty, !isClosed { wait(milliseconds) }
        let hasEnded = entries.isEmpty && isClosed

        var count = 0
        var rows = 0
        while count < entries.count, count == 0 || entries[count].rows <= maximumRows - rows {
            rows += entries[count].rows
            state.bytes -= entries[count].bytes
            count += 1
        }
        state.rows -= rows
        state.elements -= count
        // Producers fill the other array meanwhile; elements are unpacked when they no longer wait for the lock.
        var taken = spare
        spare = []
        if count == entries.count {
            swap(&taken, &entries)
        } else {
            taken.append(contentsOf: entries[..<count])
            entries.removeFirst(count)
        }
        pthread_mutex_unlock(lock)

        if hasEnded { return nil }
        let elements = taken.map(\.element)
        taken.removeAll(keepingCapacity: true)
        pthread_mutex_lock(lock)
        spare = taken
        pthread_mutex_unlock(lock)
        return elements
    }

    private func wait(_ milliseconds: Int?) {
        var deadline = timespec()
        if let milliseconds {
            clock_gettime(CLOCK_MONOTONIC, &deadline)
            let nanoseconds = deadline.tv_nsec + max(0, milliseconds) % 1000 * 1_000_000
            deadline.tv_sec += max(0, milliseconds) / 1000 + nanoseconds / 1_000_000_000
            deadline.tv_nsec = nanoseconds % 1_000_000_000
        }
        while entries.isEmpty, !isClosed {
            consumerWaits = true
            if milliseconds == nil {
                pthread_cond_wait(condition, lock)
            } else if pthread_cond_timedwait(condition, lock, &deadline) == ETIMEDOUT {
                break
            }
        }
        consumerWaits = false
    }

    /// Takes nothing more in; what waits can still be taken. Idempotent. Any thread.
    public func close() {
        pthread_mutex_lock(lock)
        isClosed = true
        pthread_mutex_unlock(lock)
        pthread_cond_broadcast(condition)
    }

    /// How full it is. Any thread.
    public var report: Report {
        pthread_mutex_lock(lock)
        defer { pthread_mutex_unlock(lock) }
        return state
    }
}
