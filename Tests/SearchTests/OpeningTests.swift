import Domain
import Foundation
import Search
import Testing

@Suite("Searching while a large catalogue is read into memory")
struct OpeningTests {
    /// Compares a random search with the slow, obvious one.
    private func check(_ shelf: Shelf, _ catalogue: inout Catalogue, _ comment: Comment) throws {
        let filters = catalogue.filters()
        let query = String(catalogue.word().prefix(Int.random(in: 2...4, using: &catalogue.random)))
        let wanted = Set(
            shelf.entities.values.filter { Naive.admits(filters, $0) && Naive.matches(query, $0) }.map(\.id))
        let page = try shelf.search(query, filters)
        // With fewer than three, words that are similar are found as well.
        guard page.corrections.isEmpty else { return }
        #expect(page.total == wanted.count, "\(comment): \(query) \(filters)")
        #expect(Set(page.hits.map(\.id)).isSubset(of: wanted), "\(comment): \(query) \(filters)")
        #expect(page.hits.count == min(100, wanted.count), "\(comment): \(query) \(filters)")
    }

    private func waitUntilWhole(_ shelf: Shelf) async throws {
        let end = ContinuousClock.now + .seconds(60)
        while !shelf.index.wordMemory.isWhole, .now < end { try await Task.sleep(for: .milliseconds(2)) }
        #expect(shelf.index.wordMemory.isWhole)
    }

    @Test(
        "Before its words are in memory a catalogue is searched all the same, mistakes forgiven, and finds the same after"
    )
    func searchedBefore() async throws {
        let shelf = try Shelf(waitedFor: 0)
        var catalogue = Catalogue(seed: 21)
        var odd = Entity(type: "product", id: "odd")
        odd.title = "unmistakable"
        try shelf.put((0..<1500).map { catalogue.entity($0) } + [odd])
        #expect(try shelf.ids("unmistakable") == ["odd"])
        try await waitUntilWhole(shelf)
        // The order of the outline goes by, that of the whole does not.
        shelf.gate.close(to: 1000, after: 1)
        shelf.reopen()
        for _ in 0..<40 { try check(shelf, &catalogue, "from the file") }
        let mistaken = try shelf.search("unmistakeable")
        #expect(mistaken.hits.map(\.id) == ["odd"])
        #expect(mistaken.corrections.map(\.alternatives) == [["unmistakable"]])
        #expect(!shelf.index.wordMemory.isWhole)
        shelf.gate.open()
        try await waitUntilWhole(shelf)
        for _ in 0..<40 { try check(shelf, &catalogue, "from memory") }
        #expect(try shelf.search("unmistakeable").hits.map(\.id) == ["odd"])
        #expect(shelf.notes.all.isEmpty)
    }

    @Test("What changes while words are read is found at once, and once they are read")
    func changedMeanwhile() async throws {
        let shelf = try Shelf(waitedFor: 0)
        var catalogue = Catalogue(seed: 22)
        try shelf.put((0..<3000).map { catalogue.entity($0) })
        for round in 0..<6 {
            shelf.reopen()
            var changes = 0
            while !shelf.index.wordMemory.isWhole || changes < 10 {
                let first = Int.random(in: 0..<3000 + 20 * round, using: &catalogue.random)
                try shelf.put((first..<first + 10).map { catalogue.entity($0) })
                try check(shelf, &catalogue, "round \(round), change \(changes)")
                changes += 1
            }
            for _ in 0..<30 { try check(shelf, &catalogue, "round \(round)") }
        }
        #expect(shelf.notes.all.isEmpty)
    }
}
