internal import Numerics

/// Who has which items, both ways round, to count what occurs together.
struct Cooccurrence {
    let byPerson: SparseRows
    let byItem: SparseRows

    /// Takes the latest `longest` entries of each history, each item once; entries that speak against their item are left
    /// out.
    init(_ histories: Histories, longest: Int) {
        var byPerson = SparseRows(columnCount: histories.itemCount)
        var last = [Int](repeating: -1, count: histories.itemCount)
        for person in 0..<histories.count {
            var row: [(column: UInt32, value: Float)] = []
            for place in histories.places(of: person).suffix(longest).reversed() where histories.weights[place] > 0 {
                let item = histories.items[place]
                guard last[Int(item)] != person else { continue }
                last[Int(item)] = person
                row.append((item, histories.weights[place]))
            }
            byPerson.append(row)
        }
        self.byPerson = byPerson
        byItem = byPerson.transposed()
    }

    /// For each item the `keep` items of the greatest value, which `weigh` makes of the sum of d^−personExponent over the
    /// persons with both and the number of persons of each.
    func rows(
        personExponent: Float, keep: Int, threads: Int,
        _ weigh: @Sendable (_ sum: Float, _ source: Float, _ target: Float) -> Float
    ) -> SparseRows {
        let count = byItem.rowCount
        let popularity = (0..<count).map { Float(byItem.places(of: $0).count) }
        let persons = (0..<byPerson.rowCount).map {
            Float(max(1, byPerson.places(of: $0).count)).raised(to: -personExponent)
        }
        return SparseRows(rowCount: count, columnCount: count, grain: 512, threads: threads) { range in
            var sums = [Float](repeating: 0, count: count)
            var touched: [UInt32] = []
            var selection = TopSelection(capacity: keep)
            var lists: [[(column: UInt32, value: Float)]] = []
            for item in range {
                for place in byItem.places(of: item) {
                    let person = Int(byItem.columns[place])
                    let weight = persons[person]
                    for other in byPerson.places(of: person) {
                        let target = byPerson.columns[other]
                        if sums[Int(target)] == 0 { touched.append(target) }
                        sums[Int(target)] += weight
                    }
                }
                selection.removeAll()
                for target in touched {
                    if Int(target) != item {
                        selection.add(target, weigh(sums[Int(target)], popularity[item], popularity[Int(target)]))
                    }
                    sums[Int(target)] = 0
                }
                touched.removeAll(keepingCapacity: true)
                lists.append(selection.sorted().map { ($0.index, $0.value) })
            }
            return lists
        }
    }
}
