import Domain
import Foundation
import JSON
import Search
import Storage
import StorageSQLite
import Synchronization

/// Numbers that are the same on every run.
struct SplitMix: RandomNumberGenerator {
    var state: UInt64
    init(seed: UInt64) { state = seed }
    mutating func next() -> UInt64 {
        state &+= 0x9e37_79b9_7f4a_7c15
        var z = state
        z = (z ^ (z >> 30)) &* 0xbf58_476d_1ce4_e5b9
        z = (z ^ (z >> 27)) &* 0x94d0_49bb_1331_11eb
        return z ^ (z >> 31)
    }
}

/// A store and an index in a folder of their own.
final class Shelf {
    let folder: String
    let store: SQLiteTenantStore
    private(set) var index: SearchIndex
    private(set) var entities: [String: Entity] = [:]
    let notes = Notes()
    private let popularity: Popularity
    private let maximumMemory: Int
    private let waitedFor: Int
    private let isOwn: Bool
    /// Where the index stands still when it asks for the popularity of all.
    let gate = Gate()

    /// Popularity scores by id, read by the index whenever it wants to know.
    final class Popularity: Sendable {
        let scores = Mutex<[Key128: Double]>([:])
    }

    final class Notes: Sendable {
        private let list = Mutex<[String]>([])
        func add(_ text: String) { list.withLock { $0.append(text) } }
        var all: [String] { list.withLock { $0 } }
    }

    /// With no memory for words, FTS5 searches. A folder that is given is left where it is.
    init(
        maximumMemory: Int = 512 << 20, waitedFor: Int = 20_000, folder: String? = nil,
        options: StoreOptions = StoreOptions()
    ) throws {
        self.maximumMemory = maximumMemory
        self.waitedFor = waitedFor
        popularity = Popularity()
        isOwn = folder == nil
        self.folder = folder ?? NSTemporaryDirectory() + "footfall-search-" + UUID().uuidString
        store = try SQLiteTenantStore.open(folder: self.folder, options: options)
        index = Shelf.open(self.folder, store, maximumMemory, waitedFor, popularity, notes, gate)
    }

    /// Lets those by that ask for fewer than so many, and so many others.
    final class Gate: Sendable {
        private let state = Mutex<(size: Int, free: Int)>((.max, 0))
        private let semaphore = DispatchSemaphore(value: 0)

        func close(to size: Int, after free: Int) { state.withLock { $0 = (size, free) } }

        func open() {
            state.withLock { $0 = (.max, 0) }
            semaphore.signal()
        }

        func pass(_ size: Int) {
            let waits = state.withLock { state in
                guard size >= state.size else { return false }
                state.free -= 1
                return state.free < 0
            }
            if waits { semaphore.wait() }
        }
    }

    deinit {
        index.stop()
        store.close()
        guard isOwn else { return }
        try? FileManager.default.removeItem(atPath: folder)
    }

    private static func open(
        _ folder: String, _ store: SQLiteTenantStore, _ maximumMemory: Int, _ waitedFor: Int, _ popularity: Popularity,
        _ notes: Notes, _ gate: Gate
    ) -> SearchIndex {
        let hasher = KeyHasher(seed: store.seed)
        return SearchIndex(
            folder: folder, store: store, maximumMemory: maximumMemory, waitedFor: waitedFor
        ) { type, id in
            hasher.key("\(type)/\(id)", .interaction)
        } standing: { keys in
            gate.pass(keys.count)
            return popularity.scores.withLock { scores in keys.map { scores[$0] ?? 0 } }
        } note: {
            notes.add($0)
        }
    }

    var path: String { "\(folder)/\(SearchIndex.fileName)" }

    /// Closes the index and opens it again.
    func reopen() { reopen { _ in } }

    /// Closes the index, lets `change` at its files, and opens it again.
    func reopen(_ change: (String) throws -> Void) rethrows {
        index.stop()
        defer { index = Shelf.open(folder, store, maximumMemory, waitedFor, popularity, notes, gate) }
        try change(path)
    }

    /// Stores entities; `isTold` says whether the index hears of it.
    func put(_ list: [Entity], isTold: Bool = true) throws {
        try store.commit { (transaction) throws(StorageError) in
            for entity in list {
                let record = LogRecord(kind: .entity, receivedAt: 0, body: Array(entity.document.text.utf8))
                _ = try transaction.append(record, entity: entity)
            }
        }
        for entity in list { entities[entity.id] = entity }
        if isTold { index.noteChange(at: store.lastPosition) }
    }

    /// Sets the popularity of products; that of others is 0.
    func setPopularity(_ scores: [String: Double]) {
        let hasher = KeyHasher(seed: store.seed)
        popularity.scores.withLock { own in
            own = [:]
            for (id, score) in scores { own[hasher.key("product/\(id)", .interaction)] = score }
        }
    }

    func search(
        _ query: String, _ filters: SearchFilters = SearchFilters(entityType: "product"), limit: Int = 100,
        popularity: [String: Double] = [:]
    ) throws -> SearchPage {
        setPopularity(popularity)
        let finished = DispatchSemaphore(value: 0)
        let box = Box()
        let isBegun = index.search(query, filters: filters, limit: limit) { result in
            box.result.withLock { $0 = result }
            finished.signal()
        }
        guard isBegun else { throw StorageError("search_busy", "") }
        finished.wait()
        guard let result = box.result.withLock({ $0 }) else { throw StorageError("nothing", "") }
        return try result.get()
    }

    func ids(_ query: String, _ filters: SearchFilters = SearchFilters(entityType: "product")) throws -> Set<String> {
        Set(try search(query, filters).hits.map(\.id))
    }

    private final class Box: Sendable {
        let result = Mutex<Result<SearchPage, StorageError>?>(nil)
    }
}

/// The slow, obvious search.
enum Naive {
    static func words(_ text: String) -> [String] {
        text.folding(options: [.caseInsensitive, .diacriticInsensitive], locale: nil)
            .split { !$0.isLetter && !$0.isNumber }.map(String.init)
    }

    static func words(of entity: Entity) -> Set<String> {
        let texts = [entity.title, entity.description, entity.brand].compactMap(\.self)
        return Set((texts + entity.categories + entity.labels).flatMap(words))
    }

    static func isListed(_ entity: Entity) -> Bool { !entity.isHidden && !entity.isDeleted }

    static func admits(_ filters: SearchFilters, _ entity: Entity) -> Bool {
        if entity.type != filters.entityType || !isListed(entity) { return false }
        if let category = filters.category, !entity.categories.contains(category) { return false }
        if filters.isInStock, entity.inventory == 0 { return false }
        let price = entity.price.flatMap(Double.init)
        if let minimum = filters.priceMinimum, price.map({ $0 < minimum }) ?? true { return false }
        if let maximum = filters.priceMaximum, price.map({ $0 > maximum }) ?? true { return false }
        if let currency = filters.currency, entity.currency != currency { return false }
        return true
    }

    static func matches(_ query: String, _ entity: Entity) -> Bool {
        let own = words(of: entity)
        return words(query).allSatisfy { word in own.contains { $0.hasPrefix(word) } }
    }

    /// Optimal string alignment, by its definition.
    static func distance(_ left: String, _ right: String) -> Int {
        let (a, b) = (Array(left), Array(right))
        var known: [Int: Int] = [:]
        func go(_ i: Int, _ j: Int) -> Int {
            if i == 0 || j == 0 { return i + j }
            if let value = known[i * 1000 + j] { return value }
            var best = min(go(i - 1, j) + 1, go(i, j - 1) + 1, go(i - 1, j - 1) + (a[i - 1] == b[j - 1] ? 0 : 1))
            if i > 1, j > 1, a[i - 1] == b[j - 2], a[i - 2] == b[j - 1] { best = min(best, go(i - 2, j - 2) + 1) }
            known[i * 1000 + j] = best
            return best
        }
        return go(a.count, b.count)
    }
}

/// Random catalogues.
struct Catalogue {
    var random: SplitMix
    let vocabulary: [String]

    init(seed: UInt64, words: Int = 120) {
        var random = SplitMix(seed: seed)
        let letters = Array("abcdefghiklmnoprstu") + ["é", "ü", "ж", "日", "7"]
        vocabulary = (0..<words).map { _ in
            String(
                (0..<Int.random(in: 2...10, using: &random)).map { _ in
                    letters[letters.indices.randomElement(using: &random) ?? 0]
                })
        }
        self.random = random
    }

    mutating func word() -> String { vocabulary[Int.random(in: 0..<vocabulary.count, using: &random)] }

    mutating func text(_ range: ClosedRange<Int>) -> String {
        (0..<Int.random(in: range, using: &random)).map { _ in
            let word = word()
            return Bool.random(using: &random) ? word.uppercased() : word
        }.joined(separator: [" ", ", ", "-", " & "].randomElement(using: &random) ?? " ")
    }

    mutating func entity(_ id: Int) -> Entity {
        var entity = Entity(type: id % 8 == 0 ? "post" : "product", id: "p\(id)")
        entity.title = text(1...3)
        if Bool.random(using: &random) { entity.description = text(1...6) }
        if Bool.random(using: &random) { entity.brand = word() }
        if Bool.random(using: &random) {
            entity.categories = [["shoes", "hats", "coats"].randomElement(using: &random) ?? ""]
        }
        if Bool.random(using: &random) {
            entity.price = "\(Int.random(in: 0...20, using: &random)).50"
            entity.currency = Bool.random(using: &random) ? "EUR" : "USD"
        }
        if Bool.random(using: &random) { entity.inventory = Int64.random(in: 0...2, using: &random) }
        entity.isHidden = Int.random(in: 0..<10, using: &random) == 0
        entity.isDeleted = Int.random(in: 0..<10, using: &random) == 0
        return entity
    }

    mutating func filters() -> SearchFilters {
        var filters = SearchFilters(entityType: Int.random(in: 0..<6, using: &random) == 0 ? "post" : "product")
        if Int.random(in: 0..<4, using: &random) == 0 { filters.category = "shoes" }
        if Int.random(in: 0..<4, using: &random) == 0 { filters.priceMinimum = 5.5 }
        if Int.random(in: 0..<4, using: &random) == 0 { filters.priceMaximum = 12 }
        if Int.random(in: 0..<4, using: &random) == 0 { filters.currency = "EUR" }
        filters.isInStock = Int.random(in: 0..<4, using: &random) == 0
        return filters
    }
}
