import Dispatch
import Models
import Numerics
import Recommend
import Synchronization
import Testing

@Suite("A model in service")
struct ServedModelTests {
    /// Twelve items, each speaking for all others, the nearer the more; entities numbered from 100 down; two types in turn;
    /// the catalogue no longer has item 5.
    private static func model() -> ServedModel {
        var rows = SparseRows(columnCount: 12)
        for item in 0..<12 {
            rows.append((0..<12).filter { $0 != item }.map { (UInt32($0), 1 / Float(1 + abs($0 - item))) })
        }
        return ServedModel(
            version: 3, model: ServingModel(itemCount: 12, layers: [.init(recency: .none, rows: rows)]),
            entities: (0..<12).map { $0 == 5 ? nil : UInt32(100 - $0) }, types: (0..<12).map { UInt16($0 % 2) },
            typeNames: ["product", "post"], halfLifeDays: 90)
    }

    @Test("Names entities of the type asked for alone, and none that the catalogue does not have")
    func types() {
        let model = Self.model()
        let history = [ServingModel.Action(item: 4, weight: 1)]
        let all = model.opinions(of: history, limit: 12, type: nil).map(\.item)
        #expect(Set(all) == Set<UInt32>(0..<12).subtracting([4, 5]))
        #expect(all.first == 3)
        #expect(
            Set(model.opinions(of: history, limit: 12, type: "post").map(\.item)) == [1, 3, 7, 9, 11])
        #expect(model.opinions(of: history, limit: 2, type: "product").map(\.item) == [2, 6])
        #expect(model.opinions(of: history, limit: 12, type: "song").isEmpty)
        #expect(model.opinions(of: [], limit: 12, type: nil).isEmpty)
    }

    @Test("Many at once each have an answer of their own, in bounded room")
    func concurrent() {
        let model = Self.model()
        let expected = (0..<12).map { item in
            model.opinions(of: [.init(item: UInt32(item), weight: 1)], limit: 5, type: nil)
        }
        let wrong = Atomic(0)
        DispatchQueue.concurrentPerform(iterations: 64) { lane in
            for round in 0..<200 {
                let item = (lane + round) % 12
                let found = model.opinions(of: [.init(item: UInt32(item), weight: 1)], limit: 5, type: nil)
                if found != expected[item] { wrong.add(1, ordering: .relaxed) }
            }
        }
        #expect(wrong.load(ordering: .relaxed) == 0)
        #expect(model.memoryBytes < 32_768)
    }
}
