internal import Glibc

/// A bounded queue from many producers to one consumer. Producers never wait: what does not fit is refused whole. The
/// consumer takes everything that has gathered at once, so that one commit serves many requests.
final class BoundedQueue<Element: Sendable>: @unchecked Sendable {
    // Unchecked: `elements` and the counts are touched under `mutex` only.
    private let mutex: UnsafeMutablePointer<pthread_mutex_t>
    private let condition: UnsafeMutablePointer<pthread_cond_t>
    private var elements: [(element: Element, rows: Int, bytes: Int)] = []
    private var rows = 0
    private var bytes = 0
    private var isClosed = false
    private var isWaiting = false
    private let maximumRows: Int
    private let maximumBytes: Int

    /// A queue that holds at most `maximumRows` interactions and `maximumBytes` bytes.
    init(maximumRows: Int, maximumBytes: Int) {
        self.maximumRows = maximumRows
        self.maximumBytes = maximumBytes
        mutex = .allocate(capacity: 1)
        condition = .allocate(capacity: 1)
        pthread_mutex_init(mutex, nil)
        pthread_cond_init(condition, nil)
    }

    deinit {
        pthread_cond_destroy(condition)
        pthread_mutex_destroy(mutex)
        condition.deallocate()
        mutex.deallocate()
    }

    /// Adds an element unless the queue is full or closed. An empty queue takes one element of any size.
    func tryEnqueue(_ element: Element, rows: Int, bytes: Int) -> Bool {
        pthread_mutex_lock(mutex)
        let fits = elements.isEmpty || (self.rows + rows <= maximumRows && self.bytes + bytes <= maximumBytes)
        guard fits, !isClosed else {
            pthread_mutex_unlock(mutex)
            return false
        }
        elements.append((element, rows, bytes))
        self.rows += rows
        self.bytes += bytes
        let wakes = isWaiting
        isWaiting = false
        pthread_mutex_unlock(mutex)
        if wakes { pthread_cond_signal(condition) }
        return true
    }

    /// Takes the oldest elements, up to about `maximumRows` interactions, waiting until there is one. `nil` once the
    /// queue is closed and empty.
    func dequeueAll(maximumRows: Int) -> [Element]? {
        pthread_mutex_lock(mutex)
        defer { pthread_mutex_unlock(mutex) }
        while elements.isEmpty {
            if isClosed { return nil }
            isWaiting = true
            pthread_cond_wait(condition, mutex)
        }
        var taken = 0
        var count = 0
        var takenBytes = 0
        while count < elements.count, count == 0 || taken + elements[count].rows <= maximumRows {
            taken += elements[count].rows
            takenBytes += elements[count].bytes
            count += 1
        }
        let result = elements[..<count].map(\.element)
        elements.removeSubrange(..<count)
        rows -= taken
        bytes -= takenBytes
        return result
    }

    /// Lets the consumer take what is left, and refuses everything new.
    func close() {
        pthread_mutex_lock(mutex)
        isClosed = true
        pthread_mutex_unlock(mutex)
        pthread_cond_broadcast(condition)
    }

    /// What is waiting: interactions and bytes.
    var depth: (rows: Int, bytes: Int) {
        pthread_mutex_lock(mutex)
        defer { pthread_mutex_unlock(mutex) }
        return (rows, bytes)
    }
}
