import Testing

@testable import Recommend

@Suite("The first of an order")
struct KeepTests {
    @Test("What is kept is what sorting everything puts first, whatever is equal", arguments: [0, 1, 2, 7, 60, 400])
    func sorted(_ count: Int) {
        for size in [0, 1, 2, 3, 59, 60, 61, 500] {
            for values in [2, 10, 1_000_000] {
                let list = ContiguousArray((0..<size).map { _ in Int.random(in: 0..<values) })
                var kept = list
                kept.keep(count, <)
                #expect(kept.sorted() == Array(list.sorted().prefix(count)), "\(size) of \(values)")
            }
        }
    }
}
