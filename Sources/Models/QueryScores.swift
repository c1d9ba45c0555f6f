internal import Numerics

/// The scores of models for the histories of a hold-out, one history after the other, in rooms that are used again.
struct QueryScores {
    /// Histories scored at once.
    static let block = 64

    /// The scores of one history: every item's, and which of them are not 0 (`nil`: any may be).
    struct Row {
        let scores: UnsafeMutableBufferPointer<Float>
        let touched: [UInt32]?

        /// Calls with each item that may have a score.
        @inline(__always)
        func forEach(_ body: (Int, Float) -> Void) {
            if let touched {
                for item in touched { body(Int(item), scores[Int(item)]) }
            } else {
                for item in scores.indices { body(item, scores[item]) }
            }
        }
    }

    private let room: DenseMatrix
    private var sums: RowSums

    init(itemCount: Int) {
        room = DenseMatrix(rows: QueryScores.block, columns: itemCount)
        sums = RowSums(itemCount: itemCount)
    }

    /// Scores histories (at most ``block``), the history's own items as 0, and hands each row out.
    mutating func forEach(_ model: any ItemModel, _ histories: Histories, _ body: (Int, Row) -> Void) {
        guard histories.count <= QueryScores.block else { return }
        if let model = model as? any RowModel {
            let (rows, recency) = (model.rows, model.recency)
            let row = room.row(0)
            row.update(repeating: 0)
            for person in 0..<histories.count {
                sums.sum(rows, recency, person, of: histories)
                for item in sums.touched { row[Int(item)] = sums.value(of: item) }
                for item in histories.items(of: person) { row[Int(item)] = 0 }
                body(person, Row(scores: row, touched: sums.touched))
                for item in sums.touched { row[Int(item)] = 0 }
            }
        } else {
            model.score(histories, into: room.values)
            for person in 0..<histories.count {
                let row = room.row(person)
                for item in histories.items(of: person) { row[Int(item)] = 0 }
                body(person, Row(scores: row, touched: nil))
            }
        }
    }
}

extension QueryScores.Row {
    /// The greatest of s · p^g among items with a score above 0.
    func best(_ count: Int, _ powers: [Float]) -> [TopSelection.Entry] {
        var selection = TopSelection(capacity: count)
        forEach { item, score in
            if score > 0 { selection.add(UInt32(item), score * powers[item]) }
        }
        return selection.sorted()
    }

    /// Standard deviation of s · p^g over all items.
    func deviation(_ powers: [Float]) -> Float {
        var (sum, squares) = (0.0, 0.0)
        forEach { item, score in
            let scaled = Double(score * powers[item])
            sum += scaled
            squares += scaled * scaled
        }
        let count = Double(max(1, scores.count))
        let variance = squares / count - (sum / count) * (sum / count)
        return variance > 0 && variance.isFinite ? Float(variance.squareRoot()) : 0
    }
}
