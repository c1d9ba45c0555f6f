internal import CNumerics

/// Many small least-squares problems over the rows y_j of one factor matrix Y, as alternating least squares has them:
///
/// (g·YᵀY + ridge_r·I + Σ_j |w_rj| y_j y_jᵀ) x_r = Σ_{j: w_rj > 0} (g + w_rj) y_j for each row r of a sparse matrix w.
///
/// Conjugate gradients in lockstep over blocks of ``block`` rows (Takács, Pilászy and Tikk 2011, with the products with YᵀY as
/// matrix products): a step costs 2 · width² operations a row, at the speed of BLAS, and 4 · width an entry. Blocks are fixed,
/// so the outcome does not depend on the number of threads.
public struct LeastSquaresRows: Sendable {
    /// Rows solved together.
    public static let block = 128
    /// Widths are multiples of this: unused columns are 0 and stay 0.
    public static let widthUnit = 16

    private let factors: DenseMatrix
    private let gram: DenseMatrix
    private let unobserved: Float

    /// Problems over the rows of `factors`, whose width must be a multiple of ``widthUnit``; `unobserved` is g.
    public init(factors: DenseMatrix, unobserved: Float, threads: Int) {
        self.factors = factors
        self.unobserved = unobserved
        gram = factors.gram(threads: threads)
        for place in gram.values.indices { gram.values[place] *= unobserved }
    }

    /// Improves the rows of `solutions` by at most `steps` steps each; a row whose residual has fallen to `tolerance` of what
    /// it was at the start (by length) is left alone.
    public func solve(
        _ weights: SparseRows, ridge: [Float], into solutions: DenseMatrix, steps: Int, tolerance: Float = 0,
        threads: Int
    ) {
        let width = factors.columns
        guard width > 0, width % LeastSquaresRows.widthUnit == 0, solutions.columns == width,
            solutions.rows == weights.rowCount, ridge.count == weights.rowCount, weights.columnCount == factors.rows
        else { return }
        Parallel.ranges(weights.rowCount, grain: LeastSquaresRows.block, threads: threads) { range in
            weights.columns.withUnsafeBufferPointer { columns in
                weights.values.withUnsafeBufferPointer { values in
                    var work = Block(range: range, width: width)
                    work.rows = range.map { row in
                        let places = weights.places(of: row)
                        return numerics_row(
                            factors: factors.values.baseAddress, stride: width,
                            columns: columns.baseAddress.map { $0 + places.lowerBound },
                            weights: values.baseAddress.map { $0 + places.lowerBound }, count: places.count,
                            unobserved: unobserved, ridge: ridge[row])
                    }
                    work.solve(gram, solutions, steps: steps, tolerance: tolerance)
                }
            }
        }
    }

    /// The rows of one range, with their vectors one after the other.
    private struct Block {
        let range: Range<Int>
        let width: Int
        var rows: [numerics_row] = []
        let residual: DenseMatrix
        let direction: DenseMatrix
        let image: DenseMatrix

        init(range: Range<Int>, width: Int) {
            self.range = range
            self.width = width
            residual = DenseMatrix(rows: range.count, columns: width)
            direction = DenseMatrix(rows: range.count, columns: width)
            image = DenseMatrix(rows: range.count, columns: width)
        }

        func solve(_ gram: DenseMatrix, _ solutions: DenseMatrix, steps: Int, tolerance: Float) {
            let mine = UnsafeMutableBufferPointer(
                rebasing: solutions.values[range.lowerBound * width..<range.upperBound * width])
            multiply(mine, gram, into: residual)
            for place in residual.values.indices { residual.values[place] = -residual.values[place] }
            rows.withUnsafeBufferPointer { rows in
                guard let first = rows.baseAddress, let x = mine.baseAddress else { return }
                var squared = rows.indices.map { index in
                    numerics_cg_begin(
                        first + index, x + index * width, residual.row(index).baseAddress,
                        direction.row(index).baseAddress)
                }
                let enough = squared.map { max(1e-20, tolerance * tolerance * $0) }
                for _ in 0..<steps where zip(squared, enough).contains(where: { $0 > $1 }) {
                    multiply(direction.values, gram, into: image)
                    for index in rows.indices where squared[index] > enough[index] {
                        squared[index] = numerics_cg_step(
                            first + index, x + index * width, residual.row(index).baseAddress,
                            direction.row(index).baseAddress, image.row(index).baseAddress, squared[index])
                    }
                }
            }
        }

        private func multiply(
            _ left: UnsafeMutableBufferPointer<Float>, _ gram: DenseMatrix, into product: DenseMatrix
        ) {
            BLAS.multiply(
                UnsafeBufferPointer(left), UnsafeBufferPointer(gram.values), into: product.values, rows: range.count,
                inner: width, columns: width, rightIsTurned: false)
        }
    }
}
