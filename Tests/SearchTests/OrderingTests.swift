import Testing

@testable import Search

@Suite("The order by popularity")
struct OrderingTests {
    @Test("The most popular come first, of equal ones the older; what no list may show comes last")
    func order() {
        let popularity: [Float] = [0, -1, 3, -0.0, 0.5, .greatestFiniteMagnitude, -1, .leastNonzeroMagnitude]
        let ordering = IndexMemory.Ordering(by: popularity)
        #expect(Array(ordering.ranking) == [5, 2, 4, 7, 0, 3, 1, 6])
        for (place, row) in ordering.ranking.enumerated() { #expect(ordering.places[Int(row)] == UInt32(place)) }
    }
}
