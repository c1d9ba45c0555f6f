import Domain
import Foundation
import Search
import Storage
import Testing

/// The search in memory, FTS5's own and the slow one say the same.
@Suite("Search, three ways", .serialized)
struct SearchOracleTests {
    @Test(
        "Memory, FTS5 and the definition agree on what is found, how many there are, its scores and its corrections",
        arguments: [21, 22, 23])
    func agreement(seed: UInt64) throws {
        var catalogue = Catalogue(seed: seed, words: 90)
        let shelves = [try Shelf(), try Shelf(maximumMemory: 0)]
        #expect(shelves.map(\.index.wordMemory.isWhole) == [true, false])
        var popularity: [String: Double] = [:]
        for round in 0..<4 {
            let list = (0..<80).map { _ in catalogue.entity(Int.random(in: 0..<150, using: &catalogue.random)) }
            for shelf in shelves { try shelf.put(list) }
            for number in 0..<150 {
                popularity["p\(number)"] = Bool.random(using: &catalogue.random) ? 0 : Double(number * number % 37)
            }
            if round == 2 { for shelf in shelves { shelf.reopen() } }
            for _ in 0..<30 {
                let query = catalogue.query()
                let filters = catalogue.filters()
                let pages = try shelves.map { try $0.search(query, filters, popularity: popularity) }
                let note: Comment = "seed \(seed), round \(round): \"\(query)\" \(filters)"
                #expect(pages[0].total == pages[1].total, note)
                #expect(pages[0].hasMore == pages[1].hasMore, note)
                if pages[0].total > 0 { #expect(pages[0].corrections == pages[1].corrections, note) }
                let expected = Naive.scores(
                    query, pages[0].corrections, filters, Array(shelves[0].entities.values), popularity)
                for page in pages {
                    #expect(Set(page.hits.map(\.id)) == Set(expected.keys), note)
                    for hit in page.hits { #expect(abs(hit.score - (expected[hit.id] ?? -1)) < 1e-9, note) }
                    let scores = page.hits.map(\.score)
                    #expect(zip(scores, scores.dropFirst()).allSatisfy { $0 >= $1 }, note)
                }
            }
        }
    }

    @Test(
        "Of a broad word the most popular are ranked, in whatever order they came", arguments: SearchIndexTests.memories
    )
    func popular(memory: Int) throws {
        let shelf = try Shelf(maximumMemory: memory)
        var random = SplitMix(seed: 31)
        let ids = (0..<2500).map { "p\($0)" }.shuffled(using: &random)
        try shelf.put(
            ids.enumerated().map { place, id in
                var entity = Entity(type: "product", id: id)
                entity.title = place % 3 == 0 ? "common third" : "common other"
                entity.inventory = place % 2 == 0 ? 0 : 5
                return entity
            })
        #expect(try shelf.search("common").total == 1000)
        let popularity = Dictionary(uniqueKeysWithValues: ids.map { ($0, Double($0.dropFirst()) ?? 0) })
        shelf.setPopularity(popularity)
        // The order by popularity is made anew at a start.
        shelf.reopen()
        for (query, isInStock) in [("common", false), ("common third", false), ("comm", true), ("third common", true)] {
            var filters = SearchFilters(entityType: "product")
            filters.isInStock = isInStock
            let page = try shelf.search(query, filters, popularity: popularity)
            let expected = shelf.entities.values.filter { Naive.admits(filters, $0) && Naive.matches(query, $0) }
                .map(\.id).sorted { (popularity[$0] ?? 0) > (popularity[$1] ?? 0) }
            // All are as relevant as one another, so the most popular stand first.
            #expect(page.hits.map(\.id) == Array(expected.prefix(100)), "\(query), in stock \(isInStock)")
            #expect(page.total == min(1000, expected.count))
            #expect(page.hasMore == (expected.count > 1000))
        }
    }

    @Test("Words that take more memory than they may are given up, and everything is still found")
    func bounded() throws {
        let shelf = try Shelf(maximumMemory: 150_000)
        var catalogue = Catalogue(seed: 41, words: 400)
        var isWhole: [Bool] = []
        for round in 0..<12 {
            try shelf.put((0..<100).map { catalogue.entity(round * 100 + $0) })
            for _ in 0..<10 {
                let query = catalogue.word()
                let expected = shelf.entities.values.filter {
                    Naive.admits(SearchFilters(entityType: "product"), $0) && Naive.matches(query, $0)
                }
                #expect(try shelf.search(query).total == expected.count, "round \(round): \(query)")
            }
            isWhole.append(shelf.index.wordMemory.isWhole)
        }
        #expect(isWhole.first == true && isWhole.last == false)
        // What goes is forgotten although memory does not know it any more.
        let all = shelf.entities.values
        let words = Set(all.filter(Naive.isListed).flatMap { Naive.words(of: $0) })
        #expect(shelf.index.size.words == words.count)
        try shelf.put(
            all.map { entity in
                var entity = entity
                entity.isHidden = true
                return entity
            })
        #expect(try shelf.search(catalogue.word()).total == 0)
        #expect(shelf.index.size == (0, 0))
    }

    @Test(
        "A mistyped word of three letters finds what it was meant to be, unless something has it",
        arguments: SearchIndexTests.memories)
    func shortWords(memory: Int) throws {
        let shelf = try Shelf(maximumMemory: memory)
        let titles = ["Star Wars", "Star Trek", "Red hat", "Oak bed", "Up", "Pen case"]
        try shelf.put(
            titles.enumerated().map { number, title in
                var entity = Entity(type: "product", id: "p\(number)")
                entity.title = title
                return entity
            })
        for (typed, id) in [
            ("star wrs", "p0"), ("hta", "p2"), ("hxt", "p2"), ("haat", "p2"), ("oka", "p3"), ("upp", "p4"),
            ("pne", "p5"),
        ] {
            let page = try shelf.search(typed)
            #expect(page.hits.map(\.id) == [id], "\(typed)")
            #expect(page.corrections.count == 1, "\(typed)")
        }
        // "bed" and "red" are a letter apart, and both are known.
        #expect(try shelf.search("bed").hits.map(\.id) == ["p3"])
        #expect(try shelf.search("red").hits.map(\.id) == ["p2"])
        // Two letters are never corrected, nor are two mistakes in three.
        #expect(try shelf.search("px").hits.isEmpty)
        #expect(try shelf.search("hxx").hits.isEmpty)
    }
}

extension Catalogue {
    /// One to three words: whole, cut short, mistyped, in whatever case.
    mutating func query() -> String {
        (0..<Int.random(in: 1...3, using: &random)).map { _ in
            var letters = Array(word())
            switch Int.random(in: 0..<6, using: &random) {
            case 0: letters = Array(letters.prefix(Int.random(in: 1...letters.count, using: &random)))
            case 1: letters.swapAt(0, letters.count - 1)
            case 2: letters[Int.random(in: 0..<letters.count, using: &random)] = "z"
            default: break
            }
            return Bool.random(using: &random) ? String(letters).uppercased() : String(letters)
        }.joined(separator: " ")
    }
}

extension Naive {
    /// The scores of everything that matches, by the definition. `corrections` are taken as they are.
    static func scores(
        _ query: String, _ corrections: [SearchCorrection], _ filters: SearchFilters, _ entities: [Entity],
        _ popularity: [String: Double]
    ) -> [String: Double] {
        let listed = entities.filter(isListed)
        let columns = listed.map { entity in
            [
                entity.title.map { words($0) } ?? [], entity.description.map { words($0) } ?? [],
                entity.brand.map { words($0) } ?? [], (entity.categories + entity.labels).flatMap { words($0) },
            ]
        }
        let mean = Double(columns.joined().map(\.count).reduce(0, +)) / Double(max(1, listed.count))
        func idf(_ count: Int) -> Double {
            let held = min(Double(count), Double(listed.count))
            return log(1 + (Double(listed.count) - held + 0.5) / (held + 0.5))
        }
        func count(_ isMeant: (String) -> Bool) -> Int {
            columns.count { $0.joined().contains(where: isMeant) }
        }
        var own: [String] = []
        for word in words(query) where !own.contains(word) { own.append(word) }
        var relevance: [String: Double] = [:]
        for (entity, columns) in zip(listed, columns) where admits(filters, entity) {
            let length = 1.2 * (0.25 + 0.75 * Double(columns.map(\.count).reduce(0, +)) / mean)
            func part(_ frequency: Double, _ isMeant: (String) -> Bool) -> Double {
                let weights = [8.0, 1, 4, 3]
                let hits = zip(columns, weights).reduce(0) { $0 + $1.1 * Double($1.0.count(where: isMeant)) }
                return frequency * hits * 2.2 / (hits + length)
            }
            var sum = 0.0
            var hasAll = true
            for word in own {
                let others = corrections.first { $0.word == word }?.alternatives ?? []
                hasAll = hasAll && columns.joined().contains { $0.hasPrefix(word) || others.contains($0) }
                sum += part(idf(count { $0.hasPrefix(word) })) { $0.hasPrefix(word) }
                sum += part(idf(count { $0 == word })) { $0 == word }
                for other in others {
                    let mistakes = Double(1 << distance(word, other))
                    sum += part(idf(count { $0 == other }) / mistakes) { $0 == other }
                }
            }
            if hasAll { relevance[entity.id] = sum }
        }
        let greatest = relevance.values.max() ?? 0
        let popularity = filters.entityType == "product" ? popularity : [:]
        let most = log(1 + (relevance.keys.map { popularity[$0] ?? 0 }.max() ?? 0))
        var scores: [String: Double] = [:]
        for (id, own) in relevance {
            let popular = log(1 + (popularity[id] ?? 0))
            scores[id] = 0.8 * (greatest > 0 ? own / greatest : 0) + 0.2 * (most > 0 ? popular / most : 0)
        }
        return scores
    }
}
