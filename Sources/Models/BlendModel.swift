internal import Numerics

/// A weighted sum of models, made comparable for each person: score = Σ over parts of weight · s_j · p_j^g / σ, s being the
/// part's scores, p the persons who have an item, g the part's exponent and σ the standard deviation over all items of
/// s · p^g with the history's own items set to 0 (the mean, which is the same for all items, is left out).
public struct BlendModel: ItemModel {
    /// One model of the blend.
    public struct Part: Sendable {
        /// The model.
        public var model: any ItemModel
        /// g: how much popular items are raised, or lowered when below 0.
        public var exponent: Float
        /// Its weight.
        public var weight: Float

        /// A part.
        public init(model: any ItemModel, exponent: Float, weight: Float) {
            self.model = model
            self.exponent = exponent
            self.weight = weight
        }
    }

    public let name = "blend"
    public let itemCount: Int
    /// The models.
    public let parts: [Part]
    /// p^g of each item for each part.
    let powers: [[Float]]

    /// Blends models over one catalogue; `popularity` are the persons of each item.
    public init(_ parts: [Part], popularity: [Float]) {
        itemCount = popularity.count
        self.parts = parts.filter { $0.model.itemCount == popularity.count }
        powers = self.parts.map { BlendModel.powers(popularity, $0.exponent) }
    }

    /// p^g of each item; 0 for items nobody has.
    static func powers(_ popularity: [Float], _ exponent: Float) -> [Float] {
        popularity.map { $0 > 0 ? $0.raised(to: exponent) : 0 }
    }

    /// Persons of each item.
    public static func popularity(_ histories: Histories) -> [Float] { histories.personCounts.map { Float($0) } }

    public func score(_ histories: Histories, into scores: UnsafeMutableBufferPointer<Float>) {
        scores.update(repeating: 0)
        var sparse = RowSums(itemCount: itemCount)
        let block =
            parts.contains { !($0.model is any RowModel) }
            ? DenseMatrix(rows: histories.count, columns: itemCount) : DenseMatrix(rows: 0, columns: 0)
        for (part, powers) in zip(parts, powers) where part.weight != 0 {
            if let model = part.model as? any RowModel {
                let (rows, recency) = (model.rows, model.recency)
                for person in 0..<histories.count {
                    sparse.sum(rows, recency, person, of: histories)
                    let own = histories.items(of: person)
                    let deviation = sparse.scale(by: powers, without: own)
                    guard deviation > 0 else { continue }
                    let factor = part.weight / deviation
                    for item in sparse.touched {
                        scores[person * itemCount + Int(item)] += factor * sparse.values[Int(item)]
                    }
                }
            } else {
                part.model.score(histories, into: block.values)
                for person in 0..<histories.count {
                    let row = block.row(person)
                    let deviation = BlendModel.deviation(row, powers, without: histories.items(of: person))
                    guard deviation > 0 else { continue }
                    BlendModel.add(
                        part.weight / deviation, row, powers,
                        to: UnsafeMutableBufferPointer(
                            rebasing: scores[person * itemCount..<(person + 1) * itemCount]))
                }
            }
        }
    }

    /// Standard deviation of s · p^g over all items, those of the history as 0.
    static func deviation(
        _ scores: UnsafeMutableBufferPointer<Float>, _ powers: [Float], without own: ArraySlice<UInt32>
    ) -> Float {
        let kept = own.map { scores[Int($0)] }
        for item in own { scores[Int(item)] = 0 }
        defer { for (item, score) in zip(own, kept).reversed() where score != 0 { scores[Int(item)] = score } }
        var (sum, squares) = (SIMD8<Float>.zero, SIMD8<Float>.zero)
        var (tail, tailSquares): (Double, Double) = (0, 0)
        let count = min(scores.count, powers.count)
        var item = 0
        powers.withUnsafeBytes { powers in
            let scores = UnsafeRawBufferPointer(scores)
            while item + 8 <= count {
                let place = item * MemoryLayout<Float>.stride
                let scaled =
                    scores.loadUnaligned(fromByteOffset: place, as: SIMD8<Float>.self)
                    * powers.loadUnaligned(fromByteOffset: place, as: SIMD8<Float>.self)
                sum += scaled
                squares += scaled * scaled
                item += 8
            }
        }
        for rest in item..<count {
            let scaled = Double(scores[rest] * powers[rest])
            tail += scaled
            tailSquares += scaled * scaled
        }
        let size = Double(max(1, count))
        let mean = (Double(sum.sum()) + tail) / size
        let variance = (Double(squares.sum()) + tailSquares) / size - mean * mean
        return variance > 0 && variance.isFinite ? Float(variance.squareRoot()) : 0
    }

    private static func add(
        _ factor: Float, _ source: UnsafeMutableBufferPointer<Float>, _ powers: [Float],
        to target: UnsafeMutableBufferPointer<Float>
    ) {
        powers.withUnsafeBufferPointer { powers in
            for item in powers.indices { target[item] += factor * (source[item] * powers[item]) }
        }
    }
}
