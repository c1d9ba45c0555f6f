internal import Numerics

/// Room for one request's sums: 10.2 bytes an item of the catalogue, all 0 between requests, and 12 bytes for each entry of
/// the rows that a request adds up. A request only touches the places of those entries.
public struct ServingScratch: Sendable {
    /// A row that is added up, and how much it counts.
    struct Part {
        var layer: Int
        var row: Int
        var weight: Float

        /// The least entry of the row that counts: what was turned down is no reason for what does not go with it.
        var least: Float { weight < 0 ? 0 : -.infinity }
    }

    /// The sum of each item; 0 outside of a request.
    private var sums: [Float] = []
    /// The sum of each item in one layer; 0 outside of it.
    private var own: [Float] = []
    /// One bit an item: whether it is among the best; 0 outside of a request.
    private var marks: [UInt64] = []
    /// Place among the best of an item that is marked.
    private var places: [UInt16] = []
    /// Items whose sum was 0 before something was added.
    private var touched: [UInt32] = []
    /// Items with sums above 0; while rows are added up, the sums of one layer.
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
        own = [Float](repeating: 0, count: itemCount)
        marks = [UInt64](repeating: 0, count: (itemCount + 63) / 64)
        places = [UInt16](repeating: 0, count: itemCount)
    }

    /// The items of the greatest sums above 0 that are admitted and not in `history`, as shares of the greatest.
    mutating func best(
        _ layers: [ServingModel.Layer], _ parts: inout [Part], limit: Int, without history: [UInt32],
        _ admits: (UInt32) -> Bool
    ) -> [ServingModel.Opinion] {
        let touchedCount = add(layers, &parts, without: history)
        for item in history { sums[Int(item)] = 0 }
        let count = gather(touchedCount)
        let best = select(count, min(limit, ServingScratch.mostOpinions), admits)
        guard let most = best.first?.value, most > 0 else { return [] }
        let because = reasons(of: best, layers, parts)
        return zip(best, because).map {
            ServingModel.Opinion(item: $0.index, score: $0.value / most, because: $1)
        }
    }

    /// Adds the rows up. Where there is more than one layer, each is added up apart and brought to the deviation that it
    /// usually has, with the weights of its parts, before it joins the others. Answers how many items were touched.
    private mutating func add(
        _ layers: [ServingModel.Layer], _ parts: inout [Part], without history: [UInt32]
    ) -> Int {
        let entries = parts.reduce(0) { $0 + layers[$1.layer].rows.places(of: $1.row).count }
        makeRoom(entries + 1)
        let isMixed = parts.first?.layer != parts.last?.layer
        var count = 0
        var start = 0
        while start < parts.count {
            let layer = layers[parts[start].layer]
            let next = parts[start...].firstIndex { $0.layer != parts[start].layer } ?? parts.count
            if isMixed, layer.deviation > 0 {
                let end = ServingScratch.add(layer.rows, parts[start..<next], to: &own, &touched, after: count)
                for item in history { own[Int(item)] = 0 }
                let deviation = takeOut(count..<end)
                // What says nothing of anything else is left as it is.
                let factor = deviation > 0 ? layer.deviation / deviation : 1
                for place in start..<next { parts[place].weight *= factor }
                count = join(end - count, times: factor, after: count)
            } else {
                count = ServingScratch.add(layer.rows, parts[start..<next], to: &sums, &touched, after: count)
            }
            start = next
        }
        return count
    }

    private mutating func makeRoom(_ entries: Int) {
        if touched.count < entries { touched = [UInt32](repeating: 0, count: entries + entries / 2) }
        if found.count < entries {
            found = [TopSelection.Entry](repeating: .init(index: 0, value: 0), count: entries + entries / 2)
        }
    }

    /// Adds rows to sums and lists the items that were 0 before, behind the first `count`. Answers how many are listed; one
    /// whose sum came back to 0 is listed again.
    private static func add(
        _ rows: SparseRows, _ parts: ArraySlice<Part>, to sums: inout [Float], _ touched: inout [UInt32],
        after count: Int
    ) -> Int {
        var count = count
        sums.withUnsafeMutableBufferPointer { sums in
            touched.withUnsafeMutableBufferPointer { touched in
                rows.columns.withUnsafeBufferPointer { columns in
                    rows.values.withUnsafeBufferPointer { values in
                        for part in parts {
                            let (weight, least) = (part.weight, part.least)
                            for place in rows.places(of: part.row) {
                                let item = columns[place]
                                let before = sums[Int(item)]
                                // Written always and counted when new: a branch here would be guessed wrong too often.
                                touched[count] = item
                                count += before == 0 ? 1 : 0
                                sums[Int(item)] = before + weight * max(values[place], least)
                            }
                        }
                    }
                }
            }
        }
        return count
    }

    /// Moves one layer's sums to ``found`` and leaves 0 behind: those of the items that a range of ``touched`` lists, all
    /// others being 0. Answers their standard deviation over all items.
    private mutating func takeOut(_ places: Range<Int>) -> Float {
        var (sum, squares) = (0.0, 0.0)
        own.withUnsafeMutableBufferPointer { own in
            touched.withUnsafeBufferPointer { touched in
                found.withUnsafeMutableBufferPointer { found in
                    for (number, place) in places.enumerated() {
                        let item = touched[place]
                        let single = own[Int(item)]
                        own[Int(item)] = 0
                        found[number] = TopSelection.Entry(index: item, value: single)
                        sum += Double(single)
                        squares += Double(single) * Double(single)
                    }
                }
            }
        }
        let size = Double(max(1, own.count))
        let variance = squares / size - (sum / size) * (sum / size)
        return variance > 0 && variance.isFinite ? Float(variance.squareRoot()) : 0
    }

    /// Adds the first of ``found`` to the sums and lists the items that were 0 before. Answers how many are listed.
    private mutating func join(_ number: Int, times factor: Float, after count: Int) -> Int {
        var count = count
        sums.withUnsafeMutableBufferPointer { sums in
            touched.withUnsafeMutableBufferPointer { touched in
                for entry in found[..<number] {
                    let before = sums[Int(entry.index)]
                    touched[count] = entry.index
                    count += before == 0 ? 1 : 0
                    sums[Int(entry.index)] = before + factor * entry.value
                }
            }
        }
        return count
    }

    /// Moves the sums above 0 to ``found``, counts them in ``sizes`` and leaves 0 behind. Answers how many there are.
    private mutating func gather(_ touchedCount: Int) -> Int {
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
                        let share = part.weight * max(rows.values[place], part.least)
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
