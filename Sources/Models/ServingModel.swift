public import Numerics

/// A trained model in the form in which it answers requests: a blend of models folded into sparse item→item rows, one layer
/// for each way of weighting a history. A person's vector is made from the history at the moment of the request, so that a
/// new interaction counts in the next answer and nobody has to have been there in training.
///
/// A request costs Σ over the history of the entries of its items' rows: at most 100 · 200 additions a layer.
public struct ServingModel: Sendable, Equatable {
    /// What follows from having an item, and how the items of a history are weighted.
    public struct Layer: Sendable, Equatable {
        /// How the late part of a history counts.
        public var recency: Recency
        /// For each item the items that it speaks for, with how strongly. Square.
        public var rows: SparseRows
        /// Deviation over all items that its scores usually have, to which those of each request are brought, so that the
        /// layers count beside each other as they were chosen to; 0 leaves them as they are.
        public var deviation: Float

        /// A layer.
        public init(recency: Recency, rows: SparseRows, deviation: Float = 0) {
            self.recency = recency
            self.rows = rows
            self.deviation = deviation
        }
    }

    /// An item that a person had to do with.
    public struct Action: Sendable, Equatable {
        /// Number of the item in the model.
        public var item: UInt32
        /// Its weight; below 0 it pushes down what the item speaks for, and speaks for nothing.
        public var weight: Float

        /// An action.
        public init(item: UInt32, weight: Float) {
            self.item = item
            self.weight = weight
        }
    }

    /// What the model says of an item.
    public struct Opinion: Sendable, Equatable {
        /// Number of the item.
        public var item: UInt32
        /// 1 for the best of the answer, falling to 0.
        public var score: Float
        /// The item of the history that speaks most for it.
        public var because: UInt32

        /// An opinion.
        public init(item: UInt32, score: Float, because: UInt32) {
            self.item = item
            self.score = score
            self.because = because
        }
    }

    /// The latest entries of a history that are looked at.
    public static let longestHistory = 100

    /// Items that the numbers stand for.
    public let itemCount: Int
    /// The layers, whose scores are added.
    public let layers: [Layer]

    /// A model of layers; those that do not fit the catalogue are left out.
    public init(itemCount: Int, layers: [Layer]) {
        self.itemCount = itemCount
        self.layers = layers.filter { $0.rows.rowCount == itemCount && $0.rows.columnCount == itemCount }
    }

    /// The items that a history speaks most for, best first; what the history itself has is left out, and so is
    /// what `admits` refuses. `history` is oldest first. `scratch` may be used by one request at a time.
    public func opinions(
        of history: [Action], limit: Int, admits: (UInt32) -> Bool = { _ in true }, _ scratch: inout ServingScratch
    ) -> [Opinion] {
        scratch.prepare(itemCount)
        let latest = history.suffix(ServingModel.longestHistory).filter {
            Int($0.item) < itemCount && $0.weight.isFinite
        }
        var parts: [ServingScratch.Part] = []
        parts.reserveCapacity(layers.count * latest.count)
        for (number, layer) in layers.enumerated() {
            let start = parts.count
            var sum: Float = 0
            for (place, action) in latest.enumerated() {
                let weight =
                    action.weight
                    * layer.recency.weight(
                        position: Histories.position(place, of: latest.count), later: latest.count - 1 - place)
                sum += abs(weight)
                parts.append(ServingScratch.Part(layer: number, row: Int(action.item), weight: weight))
            }
            if sum > 0 {
                for place in start..<parts.count { parts[place].weight /= sum }
            } else {
                parts.removeSubrange(start...)
            }
        }
        return scratch.best(layers, &parts, limit: limit, without: latest.map(\.item), admits)
    }
}
