internal import Dispatch
public import Domain
internal import Foundation
internal import JSON
public import Storage
internal import Synchronization

/// Full-text search over a tenant's catalogue, in a file of its own beside the log.
///
/// The file is derived: it notes up to which position of the log it is current, catches up when it is opened, and is made
/// anew when it is missing, damaged, of another version or of another store. One thread writes it, taking the entities
/// from the log; searches run on two threads with a connection each and wait until the index has every change that was
/// acknowledged before they came. Of a large catalogue the words are read into memory beside searches, which FTS5 answers
/// until then.
public final class SearchIndex: Sendable {
    /// Name of the file in the tenant's folder.
    public static let fileName = "search.sqlite"
    /// Totals are counted up to this.
    public static let countedTotal = 1000
    /// Longest query in bytes.
    public static let maximumQueryBytes = 1024
    /// Searches that may wait for their turn.
    static let maximumWaiting = 256
    /// Seconds that a search waits for the index to be current, or to be there at all.
    static let patience = 2.0
    /// The position is noted, and entities are ordered by popularity, at least every so many seconds.
    private static let idleSeconds = 60.0
    /// Changes that are put into memory at once; searches wait meanwhile.
    private static let changesAtOnce = 64
    /// Entities whose words are read into memory between two looks at what else there is to do.
    private static let readAtOnce = 512

    let path: String
    let store: any TenantStore
    let progress = IndexProgress()
    let memory: SharedMemory
    private let maximumMemory: Int
    private let waitedFor: Int
    private let standing: SearchStanding
    private let key: @Sendable (_ type: String, _ id: String) -> Key128
    private let note: @Sendable (String) -> Void
    private let workers: [SearchWorker]
    private let waiting = Atomic(0)
    private let turn = Atomic<UInt>(0)
    private let finished = DispatchSemaphore(value: 0)

    /// The index in a tenant's folder, opened or made on its own thread. `key` gives the keys of the live state, `standing`
    /// what it says of them, `note` is told when the index is made anew or cannot be written. Words are kept in memory as
    /// long as that takes `maximumMemory` bytes at most; past it FTS5 searches alone, which takes longer. Searches wait for
    /// the words of as many entities as `waitedFor` at an opening, some ten microseconds each, and for no more.
    public init(
        folder: String, store: any TenantStore, maximumMemory: Int = 512 << 20, waitedFor: Int = 20_000,
        key: @escaping @Sendable (_ type: String, _ id: String) -> Key128, standing: @escaping SearchStanding,
        note: @escaping @Sendable (String) -> Void
    ) {
        self.maximumMemory = maximumMemory
        self.waitedFor = waitedFor
        self.standing = standing
        memory = SharedMemory(IndexMemory(maximumBytes: maximumMemory))
        path = "\(folder)/\(SearchIndex.fileName)"
        self.store = store
        self.key = key
        self.note = note
        workers = (0..<2).map { SearchWorker(number: $0) }
        progress.want(store.lastPosition)
        let thread = Thread { [self] in
            run()
            finished.signal()
        }
        thread.name = "footfall-search"
        thread.stackSize = 8 << 20
        thread.start()
    }

    /// Says that an entity changed at a position of the log, which is durable.
    public func noteChange(at position: Int64) { progress.want(position) }

    /// Log position up to which the index is current.
    public var position: Int64 { progress.position }
    /// Entities that can be found, and different words in them.
    public var size: (entities: Int, words: Int) { memory.read { ($0.count, $0.lexicon.count) } }
    /// Bytes of memory for words, as good as, and whether it holds them all.
    public var wordMemory: (bytes: Int, isWhole: Bool) { memory.read { ($0.bytes, $0.hasWords) } }

    /// Ends the thread and closes the file. Idempotent.
    public func stop() {
        // The last connection to close empties the write-ahead log, so it has to be the one that may write.
        for worker in workers { worker.close() }
        progress.stop()
        finished.wait()
        finished.signal()
        for worker in workers { worker.close() }
    }

    /// Runs a search on a thread of its own and hands over what it found, or why it could not: `search_busy`,
    /// `search_not_ready`, or what the file's error is. False, with nothing begun, when too many wait.
    public func search(
        _ query: String, filters: SearchFilters, limit: Int,
        completion: @escaping @Sendable (Result<SearchPage, StorageError>) -> Void
    ) -> Bool {
        guard waiting.add(1, ordering: .relaxed).newValue <= SearchIndex.maximumWaiting else {
            waiting.add(-1, ordering: .relaxed)
            return false
        }
        let place = Int(turn.add(1, ordering: .relaxed).newValue % UInt(workers.count))
        workers[place].run { [self] worker in
            let result = search(query, filters, limit, on: worker)
            waiting.add(-1, ordering: .relaxed)
            completion(result)
        }
        return true
    }

    private func search(
        _ query: String, _ filters: SearchFilters, _ limit: Int, on worker: SearchWorker
    ) -> Result<SearchPage, StorageError> {
        // A file that is replaced in the midst of a search is no reason to fail it.
        for attempt in 0..<2 {
            guard let generation = progress.waitUntilCurrent(seconds: SearchIndex.patience) else { break }
            do throws(StorageError) {
                let reader = try worker.reader(path, generation)
                return .success(try reader.search(query, filters, limit, memory, standing))
            } catch {
                worker.forget()
                if error.code == "store_corrupt" { damaged() }
                if attempt == 1 { return .failure(error) }
            }
        }
        return .failure(StorageError("search_not_ready", "The search index is being made; search again in a moment."))
    }

    // MARK: - The index's thread

    private let isDamaged = Atomic(false)

    private func damaged() {
        isDamaged.store(true, ordering: .releasing)
        progress.replaced()
        progress.want(store.lastPosition)
    }

    private func run() {
        while !progress.stops {
            do throws(StorageError) {
                let writer = try open()
                try follow(writer)
            } catch {
                note("The search index cannot be written: \(error.message)")
                if error.code == "store_corrupt" { isDamaged.store(true, ordering: .releasing) }
                progress.replaced()
                progress.pause(seconds: 1)
            }
        }
    }

    private func open() throws(StorageError) -> IndexWriter {
        if !isDamaged.load(ordering: .acquiring) {
            do throws(StorageError) {
                let writer = try IndexWriter(existing: path, store: store)
                try remember(writer)
                return writer
            } catch {
                if error.code != "not_found" { note("The search index is made anew: \(error.message)") }
            }
        }
        isDamaged.store(false, ordering: .releasing)
        progress.replaced()
        let writer = try IndexWriter(new: path, store: store)
        try writer.fill(from: store) { progress.stops }
        try remember(writer)
        return writer
    }

    /// The words that are being read into memory; on the index's thread.
    private final class Reading {
        var memory: IndexMemory
        /// The last row that was read.
        var row: Int64 = 0

        init(maximumMemory: Int) { memory = IndexMemory(maximumBytes: maximumMemory) }
    }

    /// Reads into memory what the file has: all of it, or of many entities what FTS5 needs beside it to search.
    private func remember(_ writer: IndexWriter) throws(StorageError) {
        // What was there before is not needed beside it.
        memory.write { $0 = IndexMemory(maximumBytes: maximumMemory) }
        var read: IndexMemory
        if try writer.hasMore(than: waitedFor) {
            read = try writer.outline(key: key) { progress.stops }
        } else {
            read = IndexMemory(maximumBytes: maximumMemory)
            var row: Int64? = 0
            while let last = row, !progress.stops {
                row = try writer.read(into: &read, after: last, limit: SearchIndex.readAtOnce, key: key)
            }
        }
        memory.write { $0 = read }
        order()
    }

    /// Reads on; once everything is read, it takes the place of the outline. Whether there is more.
    private func advance(_ reading: Reading, _ writer: IndexWriter) throws(StorageError) -> Bool {
        if let row = try writer.read(into: &reading.memory, after: reading.row, limit: SearchIndex.readAtOnce, key: key)
        {
            reading.row = row
            return true
        }
        reading.memory.adopt(ordering(of: reading.memory.keys))
        // What it replaces is freed after the lock.
        memory.write { swap(&$0, &reading.memory) }
        return false
    }

    /// Orders entities by popularity, beside searches: on the thread that alone changes the memory.
    private func order() {
        let ordering = ordering(of: memory.read { $0.keys })
        memory.write { $0.adopt(ordering) }
    }

    private func ordering(of keys: [Key128]) -> IndexMemory.Ordering {
        IndexMemory.Ordering(by: standing(keys).map { Float($0 ?? -1) })
    }

    private func follow(_ writer: IndexWriter) throws(StorageError) {
        guard !progress.stops else { return }
        var reading: Reading?
        if try writer.hasMore(than: waitedFor) { reading = Reading(maximumMemory: maximumMemory) }
        try catchUp(writer, to: store.lastPosition, reading)
        var ordered = (position: store.lastPosition, at: DispatchTime.now().uptimeNanoseconds)
        while !isDamaged.load(ordering: .acquiring) {
            switch progress.nextWork(seconds: reading == nil ? SearchIndex.idleSeconds : 0) {
            case .stop: return
            case .catchUp(let position):
                try catchUp(writer, to: position, reading)
                // Lest changes that follow one another without end keep the words out.
                if let own = reading, try !advance(own, writer) { reading = nil }
            case .idle:
                if let own = reading {
                    if try !advance(own, writer) { reading = nil }
                    continue
                }
                let position = store.lastPosition
                guard position > writer.position else { continue }
                try store.synchronize()
                try catchUp(writer, to: position, reading)
            }
            let now = DispatchTime.now().uptimeNanoseconds
            let seconds = Double(now - ordered.at) / 1e9
            let isDue = memory.read { $0.unordered > 1000 + $0.count / 4 } || seconds >= SearchIndex.idleSeconds
            if isDue, store.lastPosition > ordered.position {
                ordered = (store.lastPosition, now)
                order()
            }
        }
    }

    /// Takes in what the log says of entities up to a position, which is durable.
    private func catchUp(
        _ writer: IndexWriter, to end: Int64, _ reading: Reading?
    ) throws(StorageError) {
        var isDone = false
        while !isDone, !progress.stops {
            let records = try store.records(
                .entity, after: writer.position, upTo: max(end, writer.position), limit: IndexWriter.entitiesPerCommit)
            isDone = records.count < IndexWriter.entitiesPerCommit
            var entities: [Entity] = []
            for record in records {
                guard let document = try? JSONValue(parsing: record.body), let entity = try? Entity(document: document)
                else { continue }
                entities.append(entity)
            }
            let position = isDone ? max(end, writer.position) : records.last?.position ?? end
            let changes = try writer.apply(entities, upTo: position)
            for start in stride(from: 0, to: changes.count, by: SearchIndex.changesAtOnce) {
                let part = changes[start..<min(start + SearchIndex.changesAtOnce, changes.count)]
                memory.write { memory in for change in part { put(change, into: &memory) } }
            }
            // What is still to be read will be read as it is now.
            if let reading {
                for change in changes where change.row <= reading.row { put(change, into: &reading.memory) }
            }
        }
        if !progress.stops { progress.reached(writer.position) }
    }

    private func put(_ change: IndexWriter.Change, into memory: inout IndexMemory) {
        switch change {
        case .removed(let row, let old): memory.remove(row, old: old)
        case .set(let row, let entity, let words):
            memory.set(
                row,
                IndexMemory.Description(
                    key: key(entity.type, entity.id), type: entity.type, categories: entity.categories,
                    price: entity.price, currency: entity.currency, inventory: entity.inventory))
            if let words { memory.set(row, words: words.new, old: words.old) }
        }
    }
}
