internal import Numerics

/// Folds a blend into the item→item rows that serve.
///
/// A blend divides each part by the deviation of its scores over all items. Parts with the same weighting of histories become
/// one layer, in which the mean of 1 / σ over a sample of histories stands for that; the layers are brought to their usual
/// deviation by each request. What the
/// spectral part says of an item is computed for every item once, 2 · items² · rank operations, with fewer dimensions where
/// that would be more than ``mostOperations``. Parts that say the same of everybody are left to the popularity of the score.
struct BlendFolding {
    /// Bound of what folding the spectral part may cost, in operations.
    static let mostOperations = 1e13
    /// Entries of an item over all layers.
    static let mostEntries = 240

    let blend: BlendModel
    let sample: Histories
    let threads: Int

    /// The serving model; rows keep `neighbours` entries in a single layer.
    func model(neighbours: Int) -> ServingModel {
        var layers: [(recency: Recency, parts: [(rows: SparseRows, factor: Float, powers: [Float])])] = []
        for (part, powers) in zip(blend.parts, blend.powers) where part.weight != 0 {
            let rows: SparseRows
            let recency: Recency
            if let model = part.model as? any RowModel {
                (rows, recency) = (model.rows, model.recency)
            } else if let model = part.model as? SpectralModel, let found = spectralRows(model, powers, neighbours) {
                (rows, recency) = (found, model.recency)
            } else {
                continue
            }
            let factor = part.weight * meanInverseDeviation(part.model, powers)
            guard factor.isFinite, factor != 0 else { continue }
            if let place = layers.firstIndex(where: { $0.recency == recency }) {
                layers[place].parts.append((rows, factor, powers))
            } else {
                layers.append((recency, [(rows, factor, powers)]))
            }
        }
        let keep = max(20, min(neighbours, BlendFolding.mostEntries / max(1, layers.count)))
        return ServingModel(
            itemCount: blend.itemCount,
            layers: layers.map { layer in
                let rows = merged(layer.parts, keep: keep)
                return .init(recency: layer.recency, rows: rows, deviation: deviation(rows, layer.recency))
            })
    }

    /// Mean of σ of a layer's scores over the sample.
    private func deviation(_ rows: SparseRows, _ recency: Recency) -> Float {
        var sums = RowSums(itemCount: blend.itemCount)
        let powers = [Float](repeating: 1, count: blend.itemCount)
        var (sum, count) = (0.0, 0)
        for person in 0..<sample.count {
            sums.sum(rows, recency, person, of: sample)
            let deviation = sums.scale(by: powers, without: sample.items(of: person))
            guard deviation > 0 else { continue }
            sum += Double(deviation)
            count += 1
        }
        return count > 0 ? Float(sum / Double(count)) : 0
    }

    /// Mean of 1 / σ of a part's scores over the sample.
    private func meanInverseDeviation(_ model: any ItemModel, _ powers: [Float]) -> Float {
        var scores = QueryScores(itemCount: blend.itemCount)
        var (sum, count) = (0.0, 0)
        for start in stride(from: 0, to: sample.count, by: QueryScores.block) {
            scores.forEach(model, sample.slice(start..<min(sample.count, start + QueryScores.block))) { _, row in
                let deviation = row.deviation(powers)
                guard deviation > 0 else { return }
                sum += 1 / Double(deviation)
                count += 1
            }
        }
        // Where histories have all there is, nothing is left to measure, and nothing to compare with either.
        return count > 0 ? Float(sum / Double(count)) : 1
    }

    /// What the spectral part says of each item; `nil` when even a few dimensions would cost too much.
    private func spectralRows(_ model: SpectralModel, _ powers: [Float], _ keep: Int) -> SparseRows? {
        let count = model.itemCount
        let active = model.scale.count { $0 > 0 }
        let affordable = Int(BlendFolding.mostOperations / (2 * Double(max(1, active)) * Double(max(1, count))))
        guard affordable >= 16 else { return nil }
        let model = affordable < model.rank ? model.reduced(to: affordable) : model
        return SparseRows(
            rowCount: count, columnCount: count, grain: QueryScores.block, threads: threads
        ) { range in
            var single = Histories(itemCount: count)
            for item in range { single.append(ordered: [UInt32(item)]) }
            let block = DenseMatrix(rows: range.count, columns: count)
            model.score(single, into: block.values)
            var lists: [[(column: UInt32, value: Float)]] = []
            for (place, item) in range.enumerated() {
                let row = block.row(place)
                var selection = TopSelection(capacity: model.scale[item] > 0 ? keep : 0)
                // Chosen as they will count, kept as they were: the exponent is applied with the other parts'.
                for other in 0..<count where other != item && row[other] > 0 {
                    selection.add(UInt32(other), row[other] * powers[other])
                }
                lists.append(selection.sorted().map { ($0.index, row[Int($0.index)]) })
            }
            return lists
        }
    }

    /// The sum of parts, the `keep` strongest entries of each row.
    private func merged(
        _ parts: [(rows: SparseRows, factor: Float, powers: [Float])], keep: Int
    ) -> SparseRows {
        let count = blend.itemCount
        var merged = SparseRows(columnCount: count)
        var sums = [Float](repeating: 0, count: count)
        var touched: Set<UInt32> = []
        for item in 0..<count {
            for part in parts {
                for place in part.rows.places(of: item) {
                    let other = part.rows.columns[place]
                    touched.insert(other)
                    sums[Int(other)] += part.factor * part.rows.values[place] * part.powers[Int(other)]
                }
            }
            var selection = TopSelection(capacity: keep)
            for other in touched where other != item { selection.add(other, abs(sums[Int(other)])) }
            merged.append(
                selection.sorted().map { ($0.index, sums[Int($0.index)]) }.filter { $0.1.isFinite && $0.1 != 0 })
            for other in touched { sums[Int(other)] = 0 }
            touched.removeAll(keepingCapacity: true)
        }
        return merged
    }
}
