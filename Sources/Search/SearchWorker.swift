internal import Dispatch
internal import Storage

/// A thread that searches, with its own connection.
final class SearchWorker: @unchecked Sendable {
    // Unchecked: the reader is touched on the queue alone.
    private let queue: DispatchQueue
    private var open: (reader: IndexReader, generation: Int)?

    init(number: Int) { queue = DispatchQueue(label: "footfall.search.\(number)", qos: .userInitiated) }

    func run(_ body: @escaping @Sendable (SearchWorker) -> Void) { queue.async { body(self) } }

    /// The connection to a generation of the file. On the worker's own thread.
    func reader(_ path: String, _ generation: Int) throws(StorageError) -> IndexReader {
        if let open, open.generation == generation { return open.reader }
        open = nil
        let reader = try IndexReader(path: path)
        open = (reader, generation)
        return reader
    }

    func forget() { open = nil }

    /// Waits for what was begun and closes the connection.
    func close() { queue.sync { open = nil } }
}
