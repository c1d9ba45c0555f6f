public import Numerics

/// A model whose score of a history is the weighted sum of its items' rows.
public protocol RowModel: RecencyModel {
    /// For each item the items that it speaks for, with how strongly.
    var rows: SparseRows { get }
}

extension RowModel {
    public var itemCount: Int { rows.columnCount }

    public func score(_ histories: Histories, into scores: UnsafeMutableBufferPointer<Float>) {
        rows.addScores(of: histories, recency, into: scores)
    }
}

extension SparseRows {
    /// Writes for each history the sum of its items' rows, weighted by how late they lie.
    func addScores(of histories: Histories, _ recency: Recency, into scores: UnsafeMutableBufferPointer<Float>) {
        scores.update(repeating: 0)
        for person in 0..<histories.count {
            let start = person * columnCount
            for (weight, place) in zip(recency.profile(of: person, in: histories), histories.places(of: person)) {
                for entry in places(of: Int(histories.items[place])) {
                    scores[start + Int(columns[entry])] += weight * values[entry]
                }
            }
        }
    }
}
