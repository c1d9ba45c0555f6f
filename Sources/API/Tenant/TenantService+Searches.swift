internal import Collect
internal import Domain
internal import JSON
internal import Live
internal import Storage
internal import Synchronization

extension TenantService {
    /// Searches that may wait to be stored.
    static let mostSearchesKept: Int = 4096

    /// Stores a search and counts what it showed. It shares the commits of interactions. `queueFull` when too many wait.
    func keep(_ search: SearchRecord, now: Int64, completion: @escaping @Sendable (ChangeFailure?) -> Void) {
        let body = Array(search.document.text.utf8)
        guard searchesKept.value.add(1, ordering: .relaxed).newValue <= TenantService.mostSearchesKept else {
            searchesKept.value.add(-1, ordering: .relaxed)
            return completion(.queueFull)
        }
        let place = Shared(Mutex<Int64>(0))
        let work = CollectWork.record(bytes: body.count + 256) { (transaction) throws(StorageError) in
            let record = LogRecord(kind: .search, receivedAt: now, body: body)
            let own = try transaction.append(record, entity: nil)
            place.value.withLock { $0 = own }
        } followed: { [live, recentSearches] in
            live.apply(search: search, position: place.value.withLock { $0 })
            recentSearches.add(search, at: now)
        } completion: { [searchesKept] result in
            searchesKept.value.add(-1, ordering: .relaxed)
            switch result {
            case .success: completion(nil)
            case .failure(let error): completion(.storage(error))
            }
        }
        if !collector.submit(work) {
            searchesKept.value.add(-1, ordering: .relaxed)
            completion(.queueFull)
        }
    }
}
