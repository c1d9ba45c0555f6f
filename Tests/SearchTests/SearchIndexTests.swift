import CSQLite
import Domain
import Foundation
import Search
import Storage
import Testing

@Suite("The search index", .serialized)
struct SearchIndexTests {
    /// The words in memory, and FTS5 alone.
    static let memories = [512 << 20, 0]

    @Test(
        "Finds every entity that has all words as prefixes, and with them alone nothing else", arguments: [1, 2, 3],
        memories)
    func prefixes(seed: UInt64, memory: Int) throws {
        var catalogue = Catalogue(seed: seed)
        let shelf = try Shelf(maximumMemory: memory)
        for round in 0..<4 {
            // Later rounds replace, hide, delete and bring back.
            try shelf.put((0..<60).map { _ in catalogue.entity(Int.random(in: 0..<100, using: &catalogue.random)) })
            for _ in 0..<60 {
                let count = Int.random(in: 1...3, using: &catalogue.random)
                let query = (0..<count).map { _ in
                    let word = catalogue.word()
                    return String(word.prefix(Int.random(in: 1...max(1, word.count), using: &catalogue.random)))
                }.joined(separator: " ")
                let filters = catalogue.filters()
                let page = try shelf.search(query, filters)
                let expected = shelf.entities.values.filter { Naive.admits(filters, $0) && Naive.matches(query, $0) }
                let found = Set(page.hits.map(\.id))
                let missing = Set(expected.map(\.id)).subtracting(found)
                #expect(missing.isEmpty, "seed \(seed), round \(round): \"\(query)\" misses \(missing)")
                #expect(page.hits.count == found.count)
                if page.corrections.isEmpty {
                    #expect(found == Set(expected.map(\.id)), "seed \(seed): \"\(query)\"")
                    #expect(page.total == expected.count)
                }
                for hit in page.hits {
                    let entity = try #require(shelf.entities[hit.id])
                    #expect(Naive.admits(filters, entity), "seed \(seed): \(hit.id) must not appear")
                    #expect((0...1.000001).contains(hit.score))
                }
            }
        }
    }

    @Test(
        "A word with one mistake finds what it was meant to be, one with two from 8 letters on", arguments: [4, 5],
        memories)
    func mistakes(seed: UInt64, memory: Int) throws {
        var catalogue = Catalogue(seed: seed, words: 60)
        let shelf = try Shelf(maximumMemory: memory)
        try shelf.put((0..<80).map { catalogue.entity($0) })
        let known = Set(shelf.entities.values.filter(Naive.isListed).flatMap(Naive.words(of:)))
        var tried = 0
        for word in known.sorted() where word.count >= 3 {
            var letters = Array(word)
            for _ in 0..<(word.count >= 9 ? 2 : 1) {
                let place = Int.random(in: 0..<letters.count, using: &catalogue.random)
                switch Int.random(in: 0..<4, using: &catalogue.random) {
                case 0: letters.insert("x", at: place)
                case 1 where letters.count > 2: letters.remove(at: place)
                case 2 where place > 0: letters.swapAt(place, place - 1)
                default: letters[place] = "x"
                }
            }
            let typed = String(letters)
            let limit = typed.count < 3 ? 0 : typed.count < 8 ? 1 : 2
            let filters = SearchFilters(entityType: "product")
            guard !known.contains(where: { $0.hasPrefix(typed) }), Naive.distance(typed, word) <= limit else {
                continue
            }
            let near = known.filter { (2...40).contains($0.unicodeScalars.count) && Naive.distance(typed, $0) <= limit }
            guard near.count <= 8 else { continue }
            tried += 1
            let expected = shelf.entities.values.filter {
                Naive.admits(filters, $0) && !Naive.words(of: $0).isDisjoint(with: near)
            }
            let page = try shelf.search(typed)
            #expect(Set(page.hits.map(\.id)) == Set(expected.map(\.id)), "seed \(seed): \"\(typed)\" for \"\(word)\"")
        }
        #expect(tried > 5)
    }

    @Test("Whatever stands in a query, it is words to look for and nothing else")
    func hostile() throws {
        let shelf = try Shelf()
        var lamp = Entity(type: "product", id: "lamp")
        lamp.title = "Desk lamp NEAR the window"
        var pen = Entity(type: "product", id: "pen")
        pen.title = "Pen"
        try shelf.put([lamp, pen])
        for query in [
            "\"", "\"\"", "lamp\"", "\"lamp", "lamp*", "*", "^lamp", "-lamp", "lamp -desk", "NEAR(lamp desk, 1)",
            "title:lamp", "{title brand}: lamp", "lamp AND", "AND", "OR", "NOT", "lamp OR pen", "(lamp", "lamp)",
            "lamp; DROP TABLE docs", "lamp' OR 1=1 --", "\u{0}lamp", "lamp\u{0}", "👩‍👩‍👧‍👦", "lamp 👍", "...!?",
            "", " ", "\u{301}", "\u{202e}pmal", String(repeating: "lamp ", count: 2000),
            String(repeating: "l", count: 10_000), String(repeating: "\"", count: 10_000), "lamp + desk",
            "lamp || desk",
        ] {
            let found = try shelf.ids(query)
            let words = Naive.words(query)
            if words.isEmpty { #expect(found.isEmpty, "\(query.prefix(40))") }
            if words == ["lamp"] { #expect(found == ["lamp"], "\(query.prefix(40))") }
        }
        #expect(try shelf.ids("near window") == ["lamp"])
        #expect(try shelf.ids("lamp pen").isEmpty)
    }

    @Test("Diacritics and case make no difference")
    func folding() throws {
        let shelf = try Shelf()
        var cafe = Entity(type: "product", id: "cafe")
        cafe.title = "Café Ångström"
        try shelf.put([cafe])
        for query in ["cafe", "CAFÉ", "cafe\u{301}", "angstrom", "ÅNGSTRÖM", "caf angs"] {
            #expect(try shelf.ids(query) == ["cafe"], "\(query)")
        }
    }

    @Test("The more popular of two equals stands first, and a title counts for more than a description")
    func ranking() throws {
        let shelf = try Shelf()
        var list: [Entity] = []
        for id in ["a", "b"] {
            var entity = Entity(type: "product", id: id)
            entity.title = "Walnut table"
            list.append(entity)
        }
        var other = Entity(type: "product", id: "c")
        other.title = "Chair"
        other.description = "Goes with a walnut bench"
        list.append(other)
        try shelf.put(list)
        #expect(try shelf.search("walnut", popularity: ["b": 50]).hits.map(\.id) == ["b", "a", "c"])
        #expect(try shelf.search("walnut", popularity: ["a": 50]).hits.map(\.id) == ["a", "b", "c"])
        #expect(try shelf.search("walnut", limit: 1).hits.count == 1)
        #expect(try shelf.search("walnut", limit: 1).total == 3)
    }

    @Test("A change is found by the first search after it")
    func freshness() throws {
        let shelf = try Shelf()
        for round in 0..<50 {
            var entity = Entity(type: "product", id: "one")
            entity.title = "word\(round)word"
            try shelf.put([entity])
            #expect(try shelf.ids("word\(round)word") == ["one"])
            if round > 10 { #expect(try shelf.ids("word\(round - 1)w").isEmpty) }
        }
    }

    @Test("A search in what cannot be counted to the end says so")
    func bounds() throws {
        let shelf = try Shelf()
        for start in stride(from: 0, to: 5000, by: 1000) {
            try shelf.put(
                (start..<start + 1000).map { number in
                    var entity = Entity(type: "product", id: "p\(number)")
                    entity.title = number == 4500 ? "common rare" : "common"
                    return entity
                })
        }
        let page = try shelf.search("common")
        #expect(page.total == 1000)
        #expect(page.hasMore)
        #expect(page.hits.count == 100)
        #expect(try shelf.ids("common rare") == ["p4500"])
    }

    @Test(
        "A file that is missing, torn, foreign, empty or of another version is made anew",
        arguments: ["missing", "empty", "torn", "noise", "foreign", "version", "unfinished", "ahead"])
    func damage(kind: String) throws {
        let shelf = try Shelf()
        var catalogue = Catalogue(seed: 9)
        try shelf.put((0..<300).map { catalogue.entity($0) })
        let query = String(catalogue.word().prefix(1))
        let before = try shelf.ids(query)
        let wanted = Set(
            shelf.entities.values.filter {
                Naive.admits(SearchFilters(entityType: "product"), $0) && Naive.matches(query, $0)
            }
            .map(\.id))
        #expect(before.count == min(100, wanted.count))
        try shelf.reopen { path in
            func sql(_ text: String) {
                var handle: OpaquePointer?
                sqlite3_open(path, &handle)
                #expect(sqlite3_exec(handle, text, nil, nil, nil) == SQLITE_OK)
                sqlite3_close(handle)
            }
            switch kind {
            case "missing": try FileManager.default.removeItem(atPath: path)
            case "empty": try Data().write(to: URL(fileURLWithPath: path))
            case "torn":
                let data = try Data(contentsOf: URL(fileURLWithPath: path))
                try data.prefix(data.count / 2).write(to: URL(fileURLWithPath: path))
            case "noise":
                var data = try Data(contentsOf: URL(fileURLWithPath: path))
                for index in stride(from: 8192, to: data.count, by: 3) { data[index] = 0xa5 }
                try data.write(to: URL(fileURLWithPath: path))
            case "foreign": sql("PRAGMA application_id = 1")
            case "version": sql("PRAGMA user_version = 99")
            case "unfinished": sql("DELETE FROM meta WHERE name = 'position'")
            default: sql("UPDATE meta SET value = 99999999 WHERE name = 'position'")
            }
        }
        #expect(try shelf.ids(query) == before)
        if kind != "missing" { #expect(shelf.notes.all.contains { $0.contains("made anew") }, "\(kind)") }
    }

    @Test("What changed while the index was closed is taken in from the log when it is opened")
    func catchingUp() throws {
        let shelf = try Shelf()
        var entity = Entity(type: "product", id: "one")
        entity.title = "before"
        try shelf.put([entity])
        #expect(try shelf.ids("before") == ["one"])
        try shelf.reopen { _ in
            entity.title = "after"
            try shelf.put([entity], isTold: false)
        }
        #expect(try shelf.ids("after") == ["one"])
        #expect(try shelf.ids("before").isEmpty)
        #expect(shelf.notes.all.isEmpty)
    }
}
