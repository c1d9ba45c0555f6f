internal import Numerics

/// The weighted sum of a history's rows, with which items it touched: room that is used again and again.
struct RowSums {
    private(set) var values: [Float]
    private(set) var touched: [UInt32] = []
    /// The number of the sum that last touched each item, so that each stands among the touched once.
    private var stamps: [UInt32]
    private var stamp: UInt32 = 0

    init(itemCount: Int) {
        values = Array(repeating: 0, count: itemCount)
        stamps = Array(repeating: 0, count: itemCount)
    }

    /// Sums the rows of a person's items.
    mutating func sum(_ rows: SparseRows, _ recency: Recency, _ person: Int, of histories: Histories) {
        touched.removeAll(keepingCapacity: true)
        if stamp == .max {
            for item in stamps.indices { stamps[item] = 0 }
            stamp = 0
        }
        stamp += 1
        let profile = recency.profile(of: person, in: histories)
        for (weight, place) in zip(profile, histories.places(of: person)) where weight != 0 {
            let entries = rows.places(of: Int(histories.items[place]))
            values.withUnsafeMutableBufferPointer { values in
                stamps.withUnsafeMutableBufferPointer { stamps in
                    rows.columns.withUnsafeBufferPointer { columns in
                        rows.values.withUnsafeBufferPointer { factors in
                            for entry in entries {
                                let column = Int(columns[entry])
                                if stamps[column] != stamp {
                                    stamps[column] = stamp
                                    values[column] = 0
                                    touched.append(columns[entry])
                                }
                                values[column] += weight * factors[entry]
                            }
                        }
                    }
                }
            }
        }
    }

    /// The sum of an item; 0 where nothing touched it.
    func value(of item: UInt32) -> Float { stamps[Int(item)] == stamp ? values[Int(item)] : 0 }

    /// Multiplies by p^g and tells the standard deviation over all items, those of the history as 0.
    mutating func scale(by powers: [Float], without own: ArraySlice<UInt32>) -> Float {
        var (sum, squares) = (0.0, 0.0)
        for item in touched {
            let scaled = values[Int(item)] * powers[Int(item)]
            values[Int(item)] = scaled
            sum += Double(scaled)
            squares += Double(scaled) * Double(scaled)
        }
        var seen: Set<UInt32> = []
        for item in own where value(of: item) != 0 && seen.insert(item).inserted {
            let scaled = Double(value(of: item))
            sum -= scaled
            squares -= scaled * scaled
        }
        let count = Double(max(1, powers.count))
        let variance = squares / count - (sum / count) * (sum / count)
        return variance > 0 && variance.isFinite ? Float(variance.squareRoot()) : 0
    }
}
