import Numerics
import Testing

@Suite("Sparse rows")
struct SparseRowsTests {
    @Test("Turned over twice a matrix is itself, and entry by entry it is the transpose")
    func transpose() {
        var random = SystemRandomNumberGenerator()
        for _ in 0..<50 {
            let (rows, columns) = (Int.random(in: 0...9, using: &random), Int.random(in: 1...9, using: &random))
            var matrix = SparseRows(columnCount: columns)
            var dense: [[Float]] = []
            for _ in 0..<rows {
                let row = (0..<columns).map { _ in
                    Bool.random(using: &random) ? Float.random(in: 1...2, using: &random) : 0
                }
                dense.append(row)
                matrix.append(row.enumerated().filter { $0.element != 0 }.map { (UInt32($0.offset), $0.element) })
            }
            let turned = matrix.transposed()
            #expect(turned.transposed() == matrix)
            #expect(turned.rowCount == columns)
            for column in 0..<columns {
                var row = [Float](repeating: 0, count: rows)
                for place in turned.places(of: column) { row[Int(turned.columns[place])] = turned.values[place] }
                #expect(row == dense.map { $0[column] })
            }
        }
    }

    @Test(
        "Rows found on several processors stand in their order, those that nobody found are empty",
        arguments: [1, 2, 5])
    func parallel(threads: Int) {
        for count in [0, 1, 7, 100] {
            let rows = SparseRows(rowCount: count, columnCount: 3, grain: 4, threads: threads) { range in
                range.prefix(3).map { row in (0..<UInt32(row % 5)).map { ($0, Float(row)) } }
            }
            var slow = SparseRows(columnCount: 3)
            for row in 0..<count { slow.append(row % 4 == 3 ? [] : (0..<UInt32(row % 5)).map { ($0, Float(row)) }) }
            #expect(rows == slow)
        }
    }

    @Test("Parts that do not fit together make no matrix")
    func parts() {
        #expect(SparseRows(offsets: [0, 2], columns: [0], values: [1], columnCount: 1) == nil)
        #expect(SparseRows(offsets: [0, 1], columns: [1], values: [1], columnCount: 1) == nil)
        #expect(SparseRows(offsets: [0, 1, 0], columns: [], values: [], columnCount: 1) == nil)
        #expect(SparseRows(offsets: [0, 1], columns: [0], values: [1], columnCount: 1) != nil)
    }
}
