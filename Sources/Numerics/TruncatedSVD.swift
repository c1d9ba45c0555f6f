/// The greatest right singular vectors of a sparse matrix, by subspace iteration from a random start (Halko, Martinsson and
/// Tropp 2011).
///
/// Costs (2 · iterations + 1) products with the matrix and iterations orthonormalisations of columns × (rank + 32).
public struct TruncatedSVD: Sendable {
    /// Singular values, greatest first.
    public let singularValues: [Float]
    /// One right singular vector a column; columns of the matrix × rank.
    public let vectors: DenseMatrix

    /// Decomposes; `nil` when the matrix is empty or the numbers run away. The rank is at most the lesser side.
    public init?(
        _ matrix: SparseRows, rank: Int, iterations: Int = 2, seed: UInt64 = 1, threads: Int = Parallel.processors
    ) {
        let rank = min(rank, matrix.rowCount, matrix.columnCount)
        guard rank > 0, !matrix.values.isEmpty else { return nil }
        let width = min(rank + 32, matrix.columnCount)
        let turned = matrix.transposed()
        var random = SplitMix(seed: seed)
        var basis = DenseMatrix(rows: matrix.columnCount, columns: width)
        // Evenly drawn numbers are as good a start as normal ones, and cost a tenth.
        basis.fillUniform(&random)
        for _ in 0..<max(1, iterations) {
            basis = turned.times(matrix.times(basis, threads: threads), threads: threads)
            basis.orthonormalise(threads: threads)
        }
        guard let (values, rotation) = matrix.times(basis, threads: threads).gram(threads: threads).eigen() else {
            return nil
        }
        vectors = basis.times(rotation.prefix(columns: rank), threads: threads)
        singularValues = values.prefix(rank).map { max(0, $0).squareRoot() }
        guard singularValues.allSatisfy(\.isFinite), vectors.values.allSatisfy(\.isFinite) else { return nil }
    }
}
