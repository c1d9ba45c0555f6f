import CSQLite
import Domain
import Foundation
import Storage
import StorageSQLite
import Synchronization
import Testing

@testable import Search

/// The index beside kills, long reads of the store and large changes.
@Suite("The search index under stress", .serialized)
struct SearchFaultTests {
    @Test("Killed at any moment, the index finds what the store has, neither more nor less")
    func killed() async throws {
        for round in 0..<2 {
            let folder = NSTemporaryDirectory() + "footfall-search-" + UUID().uuidString
            defer { try? FileManager.default.removeItem(atPath: folder) }
            for life in 0..<3 {
                await #expect(processExitsWith: .signal(SIGKILL)) {
                    [folder = folder as String, seed = UInt64(round * 10 + life) as UInt64] in
                    try SearchFaultTests.changeUntilKilled(folder, seed: seed)
                }
                let shelf = try Shelf(folder: folder)
                try expectWhole(shelf, "round \(round), life \(life)")
            }
            try expectConsistent("\(folder)/\(SearchIndex.fileName)")
        }
    }

    /// Changes the catalogue, now one entity, now many, searches now and then, and is killed in the midst of it.
    static func changeUntilKilled(_ folder: String, seed: UInt64) throws {
        var catalogue = Catalogue(seed: seed, words: 80)
        let shelf = try Shelf(folder: folder)
        let delay = UInt32.random(in: 20_000...250_000, using: &catalogue.random)
        Thread.detachNewThread {
            usleep(delay)
            kill(getpid(), SIGKILL)
        }
        while true {
            let count = Bool.random(using: &catalogue.random) ? 1 : Int.random(in: 2...100, using: &catalogue.random)
            try shelf.put((0..<count).map { _ in catalogue.entity(Int.random(in: 0..<150, using: &catalogue.random)) })
            if Bool.random(using: &catalogue.random) { _ = try shelf.search(catalogue.word()) }
        }
    }

    /// Whether the index finds by each word, and by nothing else, what the store says.
    private func expectWhole(_ shelf: Shelf, _ note: Comment) throws {
        var listed: [Entity] = []
        var after: (type: String, id: String)?
        while true {
            let page = try shelf.store.entities(type: nil, after: after, limit: 1000)
            listed += page.filter { Naive.isListed($0) && !$0.isPlaceholder }
            guard page.count == 1000, let last = page.last else { break }
            after = (last.type, last.id)
        }
        let words = Set(listed.flatMap { Naive.words(of: $0) })
        #expect(try shelf.search("nothing has this word").total == 0, note)
        #expect(shelf.index.size == (listed.count, words.count), note)
        for type in ["product", "post"] {
            let own = listed.filter { $0.type == type }.map { (id: $0.id, words: Naive.words(of: $0)) }
            for word in words.shuffled().prefix(25) {
                let expected = own.filter { $0.words.contains { $0.hasPrefix(word) } }
                let page = try shelf.search(word, SearchFilters(entityType: type))
                guard page.corrections.isEmpty else { continue }
                #expect(page.total == expected.count, "\(note): \(word)")
                if expected.count <= 100 {
                    #expect(Set(page.hits.map(\.id)) == Set(expected.map(\.id)), "\(note): \(word)")
                }
            }
        }
    }

    /// Whether FTS5 has exactly the words of the texts beside it.
    private func expectConsistent(_ path: String) throws {
        var handle: OpaquePointer?
        #expect(sqlite3_open(path, &handle) == SQLITE_OK)
        defer { sqlite3_close(handle) }
        let check = "INSERT INTO words(words, rank) VALUES('integrity-check', 1)"
        #expect(sqlite3_exec(handle, check, nil, nil, nil) == SQLITE_OK)
    }

    @Test(
        "While a foreign read holds up the store's log, and entities go to a second file, they are found all the same")
    func overflow() throws {
        var options = StoreOptions()
        options.checkpointBytes = 60_000
        options.overflowBytes = 120_000
        options.overflowPollMilliseconds = 3
        let shelf = try Shelf(options: options)
        var catalogue = Catalogue(seed: 51, words: 80)
        try shelf.put((0..<50).map { catalogue.entity($0) })
        var reader: OpaquePointer?
        #expect(sqlite3_open("\(shelf.folder)/\(SQLiteTenantStore.fileName)", &reader) == SQLITE_OK)
        defer { sqlite3_close(reader) }
        #expect(sqlite3_exec(reader, "BEGIN; SELECT count(*) FROM entities", nil, nil, nil) == SQLITE_OK)
        func overflowBytes() -> Int64 { shelf.store.sizes().first { $0.part == "overflow" }?.bytes ?? 0 }
        for round in 0..<25 {
            try shelf.put((0..<50).map { catalogue.entity(round * 20 + $0) })
            let query = catalogue.word()
            let expected = shelf.entities.values.filter {
                Naive.admits(SearchFilters(entityType: "product"), $0) && Naive.matches(query, $0)
            }
            #expect(try shelf.search(query).total == expected.count, "round \(round): \(query)")
        }
        #expect(overflowBytes() > 0)
        // Made anew, and caught up, from a store in two files.
        shelf.reopen { path in try? FileManager.default.removeItem(atPath: path) }
        try expectWhole(shelf, "two files")
        try shelf.reopen { _ in try shelf.put((0..<50).map { catalogue.entity($0) }, isTold: false) }
        try expectWhole(shelf, "caught up")
        #expect(sqlite3_exec(reader, "COMMIT", nil, nil, nil) == SQLITE_OK)
        for _ in 0..<5000 where overflowBytes() > 0 { usleep(2000) }
        #expect(overflowBytes() == 0)
        try expectWhole(shelf, "one file")
        shelf.reopen()
        try expectWhole(shelf, "opened again")
    }

    @Test("While all is changed at once, searches see each entity as it was or as it is, and in the end as it is")
    func bulk() throws {
        let shelf = try Shelf()
        let count = 3000
        let names = ["", "alpha", "bravo", "charlie", "delta", "echo"]
        func put(_ version: Int) throws {
            try shelf.put(
                (0..<count).map { number in
                    var entity = Entity(type: "product", id: "p\(number)")
                    entity.title = "thing \(names[version]) number\(number)"
                    entity.inventory = Int64(version % 2)
                    entity.isHidden = version == 3
                    return entity
                })
        }
        try put(1)
        let isDone = Atomic(false)
        let finished = DispatchSemaphore(value: 0)
        let problems = Mutex<[String]>([])
        let searches = Atomic(0)
        // Searching and changing touch nothing in common but the index.
        nonisolated(unsafe) let searched = shelf
        Thread.detachNewThread {
            var random = SplitMix(seed: 61)
            while !isDone.load(ordering: .acquiring) {
                let number = Int.random(in: 0..<count, using: &random)
                do {
                    let one = try searched.search("thing number\(number)", limit: 100)
                    let ids = one.hits.map { $0.id }
                    if Set(ids).count != ids.count { problems.withLock { $0.append("twice: \(ids)") } }
                    if one.corrections.isEmpty, ids.contains(where: { !$0.hasPrefix("p\(number)") }) {
                        problems.withLock { $0.append("\(ids)") }
                    }
                    searches.add(1, ordering: .relaxed)
                } catch {
                    problems.withLock { $0.append("\(error)") }
                }
            }
            finished.signal()
        }
        for version in 2...5 { try put(version) }
        isDone.store(true, ordering: .releasing)
        finished.wait()
        #expect(problems.withLock { $0 }.isEmpty)
        // A search waits for two seconds at most, which may be too short for this on a busy machine.
        for _ in 0..<20_000 where shelf.index.position < shelf.store.lastPosition { usleep(1000) }
        #expect(searches.load(ordering: .relaxed) > 0)
        #expect(try shelf.search("echo").total == 1000)
        #expect(try shelf.search("delta thing").total == 0)
        #expect(try shelf.search("thing number2999").hits.first?.id == "p2999")
        #expect(shelf.index.size == (count, count + 2))
        try shelf.put(
            (0..<count).map { number in
                var entity = Entity(type: "product", id: "p\(number)")
                entity.isDeleted = true
                return entity
            })
        for _ in 0..<20_000 where shelf.index.position < shelf.store.lastPosition { usleep(1000) }
        #expect(try shelf.search("thing").total == 0)
        #expect(shelf.index.size == (0, 0))
        let path = shelf.path
        shelf.reopen { _ in }
        #expect(try shelf.search("thing").total == 0)
        try expectConsistent(path)
    }

    @Test("More searches than can wait are turned away, and the rest are answered")
    func flood() throws {
        let shelf = try Shelf()
        var catalogue = Catalogue(seed: 71)
        try shelf.put((0..<500).map { catalogue.entity($0) })
        _ = try shelf.search(catalogue.word())
        let answered = Atomic(0)
        let group = DispatchGroup()
        var begun = 0
        for _ in 0..<5000 {
            group.enter()
            let isBegun = shelf.index.search(
                catalogue.query(), filters: SearchFilters(entityType: "product"), limit: 20
            ) {
                result in
                if case .success = result { answered.add(1, ordering: .relaxed) }
                group.leave()
            }
            if isBegun { begun += 1 } else { group.leave() }
        }
        group.wait()
        #expect(answered.load(ordering: .relaxed) == begun)
        #expect(begun >= 256)
    }
}
