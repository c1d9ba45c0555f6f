internal import COpenBLAS

extension SparseRows {
    /// self · dense, in row blocks on `threads` threads. 2 · entries · dense's columns operations.
    public func times(_ dense: DenseMatrix, threads: Int = Parallel.processors) -> DenseMatrix {
        let product = DenseMatrix(rows: rowCount, columns: dense.columns)
        guard dense.rows == columnCount, dense.columns > 0, BLAS.isReady else { return product }
        Parallel.ranges(rowCount, grain: 256, threads: threads) { range in
            for row in range {
                let target = product.row(row).baseAddress
                for place in places(of: row) {
                    blas_saxpy(Int32(dense.columns), values[place], dense.row(Int(columns[place])).baseAddress, target)
                }
            }
        }
        return product
    }
}
