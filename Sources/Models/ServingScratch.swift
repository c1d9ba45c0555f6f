internal import Numerics

/// Room for one request's sums: 6.2 bytes an item of the catalogue, all 0 between requests, and 12 bytes for each entry of
/// the rows that a request adds up. A request only touches the places of those entries.
public struct ServingScratch: Sendable {
    /// A row that is added up, and how much it counts.
    struct Part {
        var layer: Int
        var row: Int
        var weight: Float
    }

    /// The sum of each item; 0 outside of a request.
    private var sums: [Float] = []
    /// One bit an item: whether it is among the best; 0 outside of a request.
    private var marks: [UInt64] = []
    /// Place among the best of an item that is marked.
    private var places: [UInt16] = []
    /// Items whose sum was 0 before something was added.
    private var touched: [UInt32] = []
    /// Items with sums above 0.
    private var found: [TopSelection.Entry] = []
    /// How many of them have sums of the same leading bits.
    private var sizes = [UInt32](repeating: 0, count: ServingScratch.buckets)

    /// Sums are counted by their sign, exponent and first three bits, which order them.
    private static let buckets = 2048
    private static let bucketShift: UInt32 = 20
    /// Opinions an answer may have.
    static let mostOpinions = Int(UInt16.max)

    /// No room yet; it grows with the first request.
    public init() {}

    mutating func prepare(_ itemCount: Int) {
        guard sums.count != itemCount else { return }
        sums = [Float](repeating: 0, count: itemCount)
        marks = [UInt64](repeating: 0, count: (itemCount + 63) / 64)
        places = [UInt16](repeating: 0, count: itemCount)
    }

    /// The items of the greatest sums above 0 that are admitted and not in `history`, as shares of the greatest.
    mutating func best(
        _ layers: [ServingModel.Layer], _ parts: [Part], limit: Int, without history: [UInt32],
        _ admits: (UInt32) -> Bool
    ) -> [ServingModel.Opinion] {
        let touchedCount = add(layers, parts)
        for item in history { sums[Int(item)] = 0 }
        let count = gather(touchedCount)
        let best = select(count, min(limit, ServingScratch.mostOpinions), admits)
        guard let most = best.first?.value, most > 0 else { return [] }
        let because = reasons(of: best, layers, parts)
        return zip(best, because).map {
            ServingModel.Opinion(item: $0.index, score: $0.value / most, because: $1)
        }
    }

    /// Adds the rows up. Answers how many items were touched; one whose sum came back to 0 is touched again.
    private mutating func add(_ layers: [ServingModel.Layer], _ parts: [Part]) -> Int {
        let entries = parts.reduce(0) { $0 + layers[$1.layer].rows.places(of: $1.row).count }
        if touched.count < entries + 1 { touched = [UInt32](repeating: 0, count: entries + entries / 2 + 1) }
        var count = 0
        sums.withUnsafeMutableBufferPointer { sums in
            touched.withUnsafeMutableBufferPointer { touched in
                for part in parts {
                    let rows = layers[part.layer].rows
                    let weight = part.weight
                    rows.columns.withUnsafeBufferPointer { columns in
                        rows.values.withUnsafeBufferPointer { values in
                            for place in rows.places(of: part.row) {
                                let item = columns[place]
                                let before = sums[Int(item)]
                                // Written always and counted when new: a branch here would be guessed wrong too often.
                                touched[count] = item
                                count += before == 0 ? 1 : 0
                                sums[Int(item)] = before + weight * values[place]
                            }
                        }
                    }
                }
            }
        }
        return count
    }

    /// Moves the sums above 0 to ``found``, counts them in ``sizes`` and leaves 0 behind. Answers how many there are.
    private mutating func gather(_ touchedCount: Int) -> Int {
        if found.count < touchedCount + 1 {
            found = [TopSelection.Entry](
                repeating: .init(index: 0, value: 0), count: touchedCount + touchedCount / 2 + 1)
        }
        var count = 0
        sizes.withUnsafeMutableBufferPointer { sizes in
            sizes.update(repeating: 0)
            sums.withUnsafeMutableBufferPointer { sums in
                touched.withUnsafeBufferPointer { touched in
                    found.withUnsafeMutableBufferPointer { found in
                        for place in 0..<touchedCount {
                            let item = touched[place]
                            let sum = sums[Int(item)]
                            sums[Int(item)] = 0
                            found[count] = TopSelection.Entry(index: item, value: sum)
                            let isAbove: UInt32 = sum > 0 ? 1 : 0
                            count += Int(isAbove)
                            sizes[Int((sum.bitPattern & 0x7FFF_FFFF) >> Self.bucketShift)] += isAbove
                        }
                    }
                }
            }
        }
        return count
    }

    /// The greatest that are admitted, best first; of equal ones the smaller index. Only those are asked for that may be
    /// among them.
    private func select(_ count: Int, _ limit: Int, _ admits: (UInt32) -> Bool) -> [TopSelection.Entry] {
        guard count > 0, limit > 0 else { return [] }
        return found.withUnsafeBufferPointer { found in
            var wanted = limit
            var bucket = Self.buckets
            var above = 0
            var best: [TopSelection.Entry] = []
            while true {
                let upper = bucket
                while bucket > 0, above < wanted {
                    bucket -= 1
                    above += Int(sizes[bucket])
                }
                var further: [TopSelection.Entry] = []
                let (from, to) = (UInt32(bucket) << Self.bucketShift, UInt64(upper) << UInt64(Self.bucketShift))
                for place in 0..<count {
                    let bits = found[place].value.bitPattern
                    if bits >= from, UInt64(bits) < to, admits(found[place].index) { further.append(found[place]) }
                }
                further.sort { $0.value != $1.value ? $0.value > $1.value : $0.index < $1.index }
                best += further
                if best.count >= limit || bucket == 0 { return Array(best.prefix(limit)) }
                // Some were refused: look further down.
                wanted = max(above + 1, wanted * 4)
            }
        }
    }

    /// For each of the best the row of the greatest single share.
    private mutating func reasons(
        of best: [TopSelection.Entry], _ layers: [ServingModel.Layer], _ parts: [Part]
    ) -> [UInt32] {
        for (place, entry) in best.enumerated() {
            marks[Int(entry.index >> 6)] |= 1 << UInt64(entry.index & 63)
            places[Int(entry.index)] = UInt16(truncatingIfNeeded: place)
        }
        var shares = [Float](repeating: 0, count: best.count)
        var because = [UInt32](repeating: 0, count: best.count)
        marks.withUnsafeBufferPointer { marks in
            for part in parts {
                let rows = layers[part.layer].rows
                rows.columns.withUnsafeBufferPointer { columns in
                    for place in rows.places(of: part.row) {
                        let item = columns[place]
                        guard marks[Int(item >> 6)] >> UInt64(item & 63) & 1 == 1 else { continue }
                        let share = part.weight * rows.values[place]
                        let own = Int(places[Int(item)])
                        if share > shares[own] {
                            shares[own] = share
                            because[own] = UInt32(truncatingIfNeeded: part.row)
                        }
                    }
                }
            }
        }
        for entry in best { marks[Int(entry.index >> 6)] = 0 }
        return because
    }
}
