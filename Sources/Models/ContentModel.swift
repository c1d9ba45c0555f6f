public import Numerics
internal import Synchronization

/// Item-to-item by content, for items that nobody has touched yet as for any other: a history scores by the sum of its items'
/// rows, each row being the most similar items of a ``ContentIndex``.
///
/// A row costs one search of the index, which is bounded, so fitting grows linearly with the catalogue; memory is 8 bytes ·
/// neighbours an item beyond the index, which is dropped.
public struct ContentModel: RecencyModel {
    /// Hyper-parameters.
    public struct Parameters: Sendable, Hashable {
        /// Entries kept of each row.
        public var neighbours = 100
        /// How the late part of a history counts.
        public var recency = Recency.none

        /// The defaults.
        public init() {}
    }

    public let name = "content"
    /// Numbers and vectors that were left out, over all items.
    public let ignored: ContentIndex.Ignored
    /// How histories are weighted.
    public var recency: Recency
    private let rows: SparseRows

    public var itemCount: Int { rows.columnCount }

    /// Fits to the features of a catalogue, one an item.
    public init(_ features: [ContentFeatures], _ parameters: Parameters = .init(), threads: Int = Parallel.processors) {
        var filling = ContentIndex()
        var ignored = ContentIndex.Ignored()
        for (item, features) in features.enumerated() {
            let left = filling.add(UInt32(item), features)
            ignored.numbers += left.numbers
            ignored.vectors += left.vectors
        }
        let index = filling
        let grain = 256
        let pieces = Mutex([[[ContentIndex.Match]]](repeating: [], count: (features.count + grain - 1) / grain))
        Parallel.ranges(features.count, grain: grain, threads: threads) { range in
            var scratch = ContentScratch()
            let lists = range.map { index.similar(to: UInt32($0), limit: parameters.neighbours, &scratch) }
            pieces.withLock { $0[range.lowerBound / grain] = lists }
        }
        var rows = SparseRows(columnCount: features.count)
        pieces.withLock { pieces in
            for list in pieces.joined() { rows.append(list.map { ($0.entity, $0.similarity) }) }
        }
        self.rows = rows
        self.ignored = ignored
        recency = parameters.recency
    }

    public func score(_ histories: Histories, into scores: UnsafeMutableBufferPointer<Float>) {
        rows.addScores(of: histories, recency, into: scores)
    }
}
