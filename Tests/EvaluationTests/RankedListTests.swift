import Evaluation
import Testing

@Suite("Ranked lists")
struct RankedListTests {
    @Test("Only the first so many count as hits")
    func hits() {
        let list = RankedList(ranked: [3, 1, 2], relevant: [2, 3, 9])
        #expect(list.hits(at: 1) == 1)
        #expect(list.hits(at: 2) == 1)
        #expect(list.hits(at: 3) == 2)
        #expect(list.hits(at: 99) == 2)
    }
}
