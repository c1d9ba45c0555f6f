internal import Collect
internal import Dispatch
internal import Domain
internal import JSON
internal import Storage
internal import Synchronization

/// Stores searches, several in one commit: they come one by one, and a commit of its own for each would keep the disk and
/// the writer busier than the searches themselves.
final class SearchLog: Sendable {
    /// Searches that may wait to be stored.
    static let most = 4096
    /// Nanoseconds that the first of a commit waits for others.
    private static let gathering = 3_000_000

    private struct Waiting: Sendable {
        var search: SearchRecord
        var now: Int64
        var completion: @Sendable (TenantService.ChangeFailure?) -> Void
    }

    private let collector: Collector
    private let followed: @Sendable (_ search: SearchRecord, _ position: Int64, _ now: Int64) -> Void
    private let queue = DispatchQueue(label: "footfall.search-log", qos: .userInitiated)
    private let waiting = Mutex<[Waiting]>([])
    /// Those that wait here or in the collector's queue.
    private let count = Atomic(0)

    /// A log that goes through a tenant's writer. `followed` is told of each search once it is durable, in log order.
    init(
        _ collector: Collector,
        followed: @escaping @Sendable (_ search: SearchRecord, _ position: Int64, _ now: Int64) -> Void
    ) {
        self.collector = collector
        self.followed = followed
    }

    /// Stores a search and tells when it is durable and followed up. `queueFull` when too many wait.
    func keep(
        _ search: SearchRecord, now: Int64, completion: @escaping @Sendable (TenantService.ChangeFailure?) -> Void
    ) {
        guard count.add(1, ordering: .relaxed).newValue <= SearchLog.most else {
            count.add(-1, ordering: .relaxed)
            return completion(.queueFull)
        }
        let isFirst = waiting.withLock { waiting in
            waiting.append(Waiting(search: search, now: now, completion: completion))
            return waiting.count == 1
        }
        if isFirst {
            queue.asyncAfter(deadline: .now() + .nanoseconds(SearchLog.gathering)) { [self] in submit() }
        }
    }

    private func submit() {
        let taken = waiting.withLock { waiting in
            defer { waiting = [] }
            return waiting
        }
        guard !taken.isEmpty else { return }
        let bodies = taken.map { Array($0.search.document.text.utf8) }
        let places = Shared(Mutex<[Int64]>([]))
        let finish: @Sendable (TenantService.ChangeFailure?) -> Void = { [self] failure in
            count.add(-taken.count, ordering: .relaxed)
            for one in taken { one.completion(failure) }
        }
        let bytes = bodies.reduce(0) { $0 + $1.count + 256 }
        let work = CollectWork.record(bytes: bytes) { (transaction) throws(StorageError) in
            var own: [Int64] = []
            for (one, body) in zip(taken, bodies) {
                let record = LogRecord(kind: .search, receivedAt: one.now, body: body)
                own.append(try transaction.append(record, entity: nil))
            }
            places.value.withLock { $0 = own }
        } followed: { [followed] in
            for (one, position) in zip(taken, places.value.withLock { $0 }) { followed(one.search, position, one.now) }
        } completion: { result in
            switch result {
            case .success: finish(nil)
            case .failure(let error): finish(.storage(error))
            }
        }
        if !collector.submit(work) { finish(.queueFull) }
    }

    /// Hands over what waits, before the collector stops.
    func stop() { queue.sync { submit() } }
}
