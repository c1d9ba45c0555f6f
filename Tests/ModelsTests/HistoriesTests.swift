import Models
import Testing

@Suite("Histories")
struct HistoriesTests {
    @Test("Items past the catalogue and weights that are no numbers are left out; times stay whole or go")
    func entries() {
        var histories = Histories(itemCount: 3)
        histories.append([.init(item: 0, time: 1), .init(item: 7, time: 2), .init(item: 1, weight: .nan, time: 3)])
        histories.append([.init(item: 2, time: 4)])
        #expect(histories.count == 2)
        #expect(histories.items == [0, 2])
        #expect(histories.times == [1, 4])
        histories.append([.init(item: 2)])
        #expect(histories.times.isEmpty)
        #expect(histories.slice(1..<3).items == [2, 2])
    }

    @Test("An ordered run lies evenly from 0 to 1")
    func positions() {
        var histories = Histories(itemCount: 9)
        histories.append(ordered: [4, 5, 6])
        histories.append(ordered: [4])
        #expect(histories.positions == [0, 0.5, 1, 1])
    }
}
