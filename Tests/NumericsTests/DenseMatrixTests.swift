import Numerics
import Testing

@Suite("Dense matrices")
struct DenseMatrixTests {
    static func random(_ rows: Int, _ columns: Int, _ random: inout SplitMix) -> DenseMatrix {
        let matrix = DenseMatrix(rows: rows, columns: columns)
        matrix.fillUniform(&random)
        return matrix
    }

    static func slowProduct(_ left: DenseMatrix, _ right: DenseMatrix) -> [Double] {
        var product = [Double](repeating: 0, count: left.rows * right.columns)
        for row in 0..<left.rows {
            for inner in 0..<left.columns {
                for column in 0..<right.columns {
                    product[row * right.columns + column] +=
                        Double(left.row(row)[inner]) * Double(right.row(inner)[column])
                }
            }
        }
        return product
    }

    @Test("Products, Gram matrices and row products agree with slow loops, at sizes around the kernels' blocks")
    func products() {
        var random = SplitMix(seed: 5)
        #expect(BLAS.isReady)
        for (rows, inner, columns) in [
            (1, 1, 1), (3, 5, 7), (17, 33, 15), (64, 64, 64), (65, 100, 130), (257, 31, 49), (5, 200, 300),
        ] {
            let left = DenseMatrixTests.random(rows, inner, &random)
            let right = DenseMatrixTests.random(inner, columns, &random)
            let slow = DenseMatrixTests.slowProduct(left, right)
            let fast = left.times(right)
            #expect(zip(slow, fast.values).allSatisfy { abs($0 - Double($1)) < 1e-3 })
            let turned = DenseMatrix(rows: columns, columns: inner)
            for row in 0..<columns { for column in 0..<inner { turned.row(row)[column] = right.row(column)[row] } }
            let again = DenseMatrix(rows: rows, columns: columns)
            BLAS.multiply(
                UnsafeBufferPointer(left.values), UnsafeBufferPointer(turned.values), into: again.values, rows: rows,
                inner: inner, columns: columns, rightIsTurned: true)
            #expect(zip(slow, again.values).allSatisfy { abs($0 - Double($1)) < 1e-3 })
            let gram = right.gram()
            #expect(
                zip(DenseMatrixTests.slowProduct(turned, right), gram.values).allSatisfy { abs($0 - Double($1)) < 1e-3 }
            )
        }
    }

    @Test(
        "A system solved with its Cholesky factor gives back the side; a matrix that is not positive definite is told")
    func cholesky() {
        var random = SplitMix(seed: 6)
        for order in [1, 2, 9, 40, 100] {
            let gram = DenseMatrixTests.random(order + 5, order, &random).gram()
            for place in 0..<order { gram.row(place)[place] += 1 }
            let side = (0..<order).map { _ in Float(random.nextNormal()) }
            var factor = Array(gram.values.prefix(order * order))
            var solution = side
            let isDefinite = factor.withUnsafeMutableBufferPointer { factor in
                let isDefinite = BLAS.factorise(factor, order: order)
                solution.withUnsafeMutableBufferPointer { BLAS.solve(factor, order: order, $0) }
                return isDefinite
            }
            #expect(isDefinite)
            for row in 0..<order {
                let sum = zip(gram.row(row), solution).reduce(0.0) { $0 + Double($1.0) * Double($1.1) }
                #expect(abs(sum - Double(side[row])) < 1e-2)
            }
        }
        var indefinite: [Float] = [1, 2, 2, 1]
        #expect(!indefinite.withUnsafeMutableBufferPointer { BLAS.factorise($0, order: 2) })
    }

    @Test("Orthonormalised columns are orthonormal, also when some depend on others")
    func orthonormal() {
        var random = SplitMix(seed: 8)
        let matrix = DenseMatrixTests.random(200, 20, &random)
        matrix.orthonormalise()
        let gram = matrix.gram()
        for row in 0..<20 {
            for column in 0..<20 { #expect(abs(gram.row(row)[column] - (row == column ? 1 : 0)) < 1e-4) }
        }
        let dependent = DenseMatrixTests.random(50, 4, &random)
        for row in 0..<50 { dependent.row(row)[3] = dependent.row(row)[0] + dependent.row(row)[1] }
        dependent.orthonormalise()
        #expect(dependent.values.allSatisfy { $0.isFinite })
    }
}

@Suite("Truncated singular value decomposition")
struct TruncatedSVDTests {
    @Test(
        "A matrix of low rank is given back by its singular vectors, and the singular values are those of a slow iteration"
    )
    func lowRank() throws {
        // Three blocks of ones: singular values are √(rows · columns) of each.
        var matrix = SparseRows(columnCount: 30)
        for (rows, columns) in [(40, 0..<15), (20, 15..<25), (5, 25..<30)] {
            for _ in 0..<rows { matrix.append(columns.map { (UInt32($0), Float(1)) }) }
        }
        let decomposed = try #require(TruncatedSVD(matrix, rank: 3))
        for (found, exact) in zip(decomposed.singularValues, [Float(600), 200, 25]) {
            #expect(abs(found - exact.squareRoot()) < 1e-2)
        }
        // Projecting onto the vectors changes nothing.
        let projected = matrix.times(decomposed.vectors)
        for row in 0..<matrix.rowCount {
            for column in 0..<30 {
                var sum: Float = 0
                for place in 0..<3 { sum += projected.row(row)[place] * decomposed.vectors.row(column)[place] }
                let exact: Float = matrix.places(of: row).contains { Int(matrix.columns[$0]) == column } ? 1 : 0
                #expect(abs(sum - exact) < 1e-2)
            }
        }
    }

    @Test("Nothing has no decomposition; a rank beyond the lesser side is cut")
    func edges() throws {
        #expect(TruncatedSVD(SparseRows(columnCount: 4), rank: 2) == nil)
        var one = SparseRows(columnCount: 4)
        one.append([(2, 3)])
        let decomposed = try #require(TruncatedSVD(one, rank: 9))
        #expect(decomposed.singularValues.count == 1)
        #expect(abs(decomposed.singularValues[0] - 3) < 1e-4)
    }
}
