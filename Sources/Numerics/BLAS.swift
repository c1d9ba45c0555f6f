internal import COpenBLAS

/// The routines of BLAS and LAPACK in use, with their sizes checked. One thread a call: whoever has more to do than one
/// processor can do splits the work (``Parallel``). Without the library nothing is written, which ``isReady`` tells.
public enum BLAS {
    /// Whether the library is there; the first call loads it.
    public static var isReady: Bool { blas_load() }

    /// Name of the kernels in use; `nil` without the library.
    public static var kernels: String? { isReady ? String(cString: blas_core()) : nil }

    /// Σ left · right.
    public static func dot(_ left: UnsafeBufferPointer<Float>, _ right: UnsafeBufferPointer<Float>) -> Float {
        guard isReady else { return 0 }
        return blas_sdot(Int32(min(left.count, right.count)), left.baseAddress, right.baseAddress)
    }

    /// target += factor · source.
    public static func add(
        _ factor: Float, _ source: UnsafeBufferPointer<Float>, to target: UnsafeMutableBufferPointer<Float>
    ) {
        guard isReady else { return }
        blas_saxpy(Int32(min(source.count, target.count)), factor, source.baseAddress, target.baseAddress)
    }

    /// product = left · right, row-major: left is rows × inner, right inner × columns (or columns × inner when `turned`).
    public static func multiply(
        _ left: UnsafeBufferPointer<Float>, _ right: UnsafeBufferPointer<Float>,
        into product: UnsafeMutableBufferPointer<Float>, rows: Int, inner: Int, columns: Int, rightIsTurned turned: Bool
    ) {
        guard rows > 0, inner > 0, columns > 0, left.count >= rows * inner, right.count >= inner * columns,
            product.count >= rows * columns, isReady
        else { return }
        blas_sgemm(
            false, turned, Int32(rows), Int32(columns), Int32(inner), 1, left.baseAddress, Int32(inner),
            right.baseAddress, Int32(turned ? inner : columns), 0, product.baseAddress, Int32(columns))
    }

    /// Replaces a symmetric positive definite matrix by its triangular Cholesky factor (row-major: the upper one). False when
    /// it is not positive definite.
    public static func factorise(_ matrix: UnsafeMutableBufferPointer<Float>, order: Int) -> Bool {
        guard matrix.count >= order * order, order > 0, isReady else { return false }
        var info = Int32(0)
        blas_spotrf(Int32(order), matrix.baseAddress, Int32(order), &info)
        return info == 0
    }

    /// Solves with the factor that ``factorise(_:order:)`` left, in place.
    public static func solve(
        _ factor: UnsafeMutableBufferPointer<Float>, order: Int, _ side: UnsafeMutableBufferPointer<Float>
    ) {
        guard factor.count >= order * order, side.count >= order, order > 0, isReady else { return }
        var info = Int32(0)
        blas_spotrs(Int32(order), 1, factor.baseAddress, Int32(order), side.baseAddress, Int32(order), &info)
    }

    /// Replaces the factor that ``factorise(_:order:)`` left by the inverse of the matrix, whole and symmetric. False when it
    /// has none.
    public static func invert(_ factor: UnsafeMutableBufferPointer<Float>, order: Int) -> Bool {
        guard order > 0, factor.count / order >= order, isReady else { return false }
        var info = Int32(0)
        blas_spotri(Int32(order), factor.baseAddress, Int32(order), &info)
        guard info == 0 else { return false }
        // Column-major lower is row-major upper.
        for row in 0..<order {
            for column in 0..<row { factor[row * order + column] = factor[column * order + row] }
        }
        return true
    }

    /// Eigenvalues (ascending) and eigenvectors (one after the other) of a symmetric matrix.
    static func eigen(_ matrix: UnsafeMutableBufferPointer<Float>, order: Int) -> (values: [Float], vectors: [Float])? {
        guard order > 0, matrix.count >= order * order, isReady else { return nil }
        var vectors = Array(matrix.prefix(order * order))
        var values = [Float](repeating: 0, count: order)
        var (wanted, wantedIntegers, info) = (Float(0), Int32(0), Int32(0))
        blas_ssyevd(Int32(order), &vectors, Int32(order), &values, &wanted, -1, &wantedIntegers, -1, &info)
        guard info == 0, wanted.isFinite, wanted >= 1 else { return nil }
        // The size is told as a 32-bit float, which rounds.
        let workSize = Int(wanted * 1.000_001) + 64
        let integerSize = max(1, Int(wantedIntegers))
        var work = [Float](repeating: 0, count: workSize)
        var integers = [Int32](repeating: 0, count: integerSize)
        blas_ssyevd(
            Int32(order), &vectors, Int32(order), &values, &work, Int32(workSize), &integers, Int32(integerSize), &info)
        return info == 0 && values.allSatisfy(\.isFinite) ? (values, vectors) : nil
    }
}
