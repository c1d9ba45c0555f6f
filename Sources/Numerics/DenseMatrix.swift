internal import COpenBLAS

/// A matrix of 32-bit numbers, row after row, in memory of its own.
public final class DenseMatrix: @unchecked Sendable {
    // Unchecked, because the numbers are a bare buffer: whoever writes from several threads writes separate rows.

    /// Rows.
    public let rows: Int
    /// Width.
    public let columns: Int
    /// The numbers, rows × columns.
    public let values: UnsafeMutableBufferPointer<Float>

    /// A matrix of zeros.
    public init(rows: Int, columns: Int) {
        self.rows = max(0, rows)
        self.columns = max(0, columns)
        values = .allocate(capacity: max(1, self.rows * self.columns))
        values.initialize(repeating: 0)
    }

    deinit { values.deallocate() }

    /// One row.
    @inlinable
    public func row(_ row: Int) -> UnsafeMutableBufferPointer<Float> {
        UnsafeMutableBufferPointer(rebasing: values[row * columns..<(row + 1) * columns])
    }

    var base: UnsafeMutablePointer<Float>? { values.baseAddress }

    /// Fills with numbers drawn evenly from between -1 and 1.
    public func fillUniform(_ random: inout SplitMix) {
        for place in values.indices { values[place] = Float(Int64(bitPattern: random.next()) >> 40) / Float(1 << 23) }
    }

    /// The first columns of each row, in a matrix of their own.
    public func prefix(columns count: Int) -> DenseMatrix {
        let part = DenseMatrix(rows: rows, columns: min(count, columns))
        for row in 0..<rows { _ = part.row(row).update(fromContentsOf: self.row(row).prefix(part.columns)) }
        return part
    }
}

extension DenseMatrix {
    /// self · other, in row blocks on `threads` threads. 2 · rows · columns · other's columns operations.
    public func times(_ other: DenseMatrix, threads: Int = Parallel.processors) -> DenseMatrix {
        let product = DenseMatrix(rows: rows, columns: other.columns)
        guard rows > 0, columns > 0, other.columns > 0, other.rows == columns else { return product }
        guard BLAS.isReady else { return product }
        Parallel.ranges(rows, grain: 1024, threads: threads) { range in
            blas_sgemm(
                false, false, Int32(range.count), Int32(other.columns), Int32(columns), 1,
                base.map { $0 + range.lowerBound * columns }, Int32(columns), other.base, Int32(other.columns), 0,
                product.base.map { $0 + range.lowerBound * other.columns }, Int32(other.columns))
        }
        return product
    }

    /// selfᵀ · self, whole and symmetric; its blocks of columns are made on `threads` threads.
    public func gram(threads: Int = Parallel.processors) -> DenseMatrix {
        let product = DenseMatrix(rows: columns, columns: columns)
        guard rows > 0, columns > 0 else { return product }
        guard BLAS.isReady else { return product }
        // The upper triangle in strips: what lies left of a strip's diagonal block is its mirror image.
        Parallel.ranges(columns, grain: 128, threads: threads) { strip in
            let width = columns - strip.lowerBound
            blas_sgemm(
                true, false, Int32(strip.count), Int32(width), Int32(rows), 1,
                base.map { $0 + strip.lowerBound }, Int32(columns), base.map { $0 + strip.lowerBound }, Int32(columns),
                0,
                product.base.map { $0 + strip.lowerBound * columns + strip.lowerBound }, Int32(columns))
        }
        for row in 0..<columns {
            for column in 0..<row { product.values[row * columns + column] = product.values[column * columns + row] }
        }
        return product
    }

    /// Makes the columns orthonormal (Cholesky QR, twice, with a shift when the columns are nearly dependent). Columns that
    /// depend on others become small noise, never infinite.
    public func orthonormalise(threads: Int = Parallel.processors) {
        for _ in 0..<2 {
            let gram = gram(threads: threads)
            var trace: Float = 0
            for column in 0..<columns { trace += gram.values[column * columns + column] }
            guard trace > 0, trace.isFinite else { return }
            // Row-major upper is column-major lower: the factor R of G = RᵀR in row-major terms.
            var shift = trace / Float(columns) * 1e-7
            var factor = DenseMatrix(rows: columns, columns: columns)
            var failed = true
            while failed, shift <= trace {
                factor = DenseMatrix(rows: columns, columns: columns)
                _ = factor.values.update(fromContentsOf: gram.values)
                for column in 0..<columns { factor.values[column * columns + column] += shift }
                failed = !BLAS.factorise(factor.values, order: columns)
                shift *= 100
            }
            guard !failed, let factorBase = factor.base else { return }
            nonisolated(unsafe) let triangle = factorBase
            Parallel.ranges(rows, grain: 1024, threads: threads) { range in
                blas_strsm_right_upper(
                    Int32(range.count), Int32(columns), triangle, Int32(columns),
                    base.map { $0 + range.lowerBound * columns }, Int32(columns))
            }
        }
    }

    /// Eigenvectors of this symmetric matrix as columns, and the eigenvalues, greatest first; `nil` when they cannot be found.
    public func eigen() -> (values: [Float], vectors: DenseMatrix)? {
        guard rows == columns, rows > 0 else { return nil }
        guard let (ascending, vectors) = BLAS.eigen(values, order: rows) else { return nil }
        let turned = DenseMatrix(rows: rows, columns: rows)
        for rank in 0..<rows {
            let source = rows - 1 - rank
            // Column-major: eigenvector `source` is contiguous.
            for row in 0..<rows { turned.values[row * rows + rank] = vectors[source * rows + row] }
        }
        return (ascending.reversed(), turned)
    }
}
