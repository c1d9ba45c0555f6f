internal import Numerics

/// Room for one request's sums: 12 bytes an item of the catalogue, cleared by what was touched.
public struct ServingScratch: Sendable {
    private var sums: [Float] = []
    private var shares: [Float] = []
    private var because: [UInt32] = []
    private var touched: [UInt32] = []

    /// No room yet; it grows with the first request.
    public init() {}

    mutating func prepare(_ itemCount: Int) {
        for item in touched {
            sums[Int(item)] = 0
            shares[Int(item)] = 0
        }
        touched.removeAll(keepingCapacity: true)
        guard sums.count != itemCount else { return }
        sums = [Float](repeating: 0, count: itemCount)
        shares = sums
        because = [UInt32](repeating: 0, count: itemCount)
    }

    mutating func add(_ rows: SparseRows, row: Int, weight: Float) {
        let places = rows.places(of: row)
        rows.columns.withUnsafeBufferPointer { columns in
            rows.values.withUnsafeBufferPointer { values in
                for place in places {
                    let item = Int(columns[place])
                    let share = weight * values[place]
                    if sums[item] == 0, shares[item] == 0 { touched.append(columns[place]) }
                    sums[item] += share
                    if share > shares[item] {
                        shares[item] = share
                        because[item] = UInt32(row)
                    }
                }
            }
        }
    }

    /// The items of the greatest sums above 0 that are admitted, as shares of the greatest.
    mutating func best(_ limit: Int, without history: [UInt32], _ admits: (UInt32) -> Bool) -> [ServingModel.Opinion] {
        for item in history where Int(item) < sums.count { sums[Int(item)] = 0 }
        var selection = TopSelection(capacity: limit)
        for item in touched where sums[Int(item)] > 0 && sums[Int(item)] >= selection.threshold && admits(item) {
            selection.add(item, sums[Int(item)])
        }
        let best = selection.sorted()
        guard let most = best.first?.value, most > 0 else { return [] }
        return best.map {
            ServingModel.Opinion(item: $0.index, score: $0.value / most, because: because[Int($0.index)])
        }
    }
}
