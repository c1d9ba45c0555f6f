import Numerics
import Testing

@Suite("Least squares by rows")
struct LeastSquaresRowsTests {
    /// Random problems: factors, sparse weights of either sign, a ridge for each row.
    struct Problems {
        var factors: DenseMatrix
        var weights: SparseRows
        var ridge: [Float]
        let unobserved: Float = 0.3

        init(rows: Int, columns: Int, width: Int, used: Int, _ random: inout SplitMix) {
            factors = DenseMatrix(rows: columns, columns: width)
            for row in 0..<columns {
                for place in 0..<used { factors.row(row)[place] = Float(random.nextNormal()) * 0.3 }
            }
            weights = SparseRows(columnCount: columns)
            for _ in 0..<rows {
                let count = Int.random(in: 0...min(columns, 40), using: &random)
                let chosen = (0..<UInt32(columns)).shuffled(using: &random).prefix(count)
                weights.append(chosen.map { ($0, Float.random(in: -1...3, using: &random)) })
            }
            ridge = (0..<rows).map { _ in Float.random(in: 0.1...2, using: &random) }
        }

        /// The row's solution by elimination in 64 bits.
        func slow(_ row: Int) -> [Double] {
            let width = factors.columns
            var matrix = [[Double]](repeating: [Double](repeating: 0, count: width + 1), count: width)
            func add(_ item: Int, _ weight: Double, _ side: Double) {
                let vector = factors.row(item)
                for i in 0..<width {
                    for j in 0..<width { matrix[i][j] += weight * Double(vector[i]) * Double(vector[j]) }
                    matrix[i][width] += side * Double(vector[i])
                }
            }
            for item in 0..<factors.rows { add(item, Double(unobserved), 0) }
            for place in weights.places(of: row) {
                let weight = Double(weights.values[place])
                add(Int(weights.columns[place]), abs(weight), weight > 0 ? Double(unobserved) + weight : 0)
            }
            for i in 0..<width { matrix[i][i] += Double(ridge[row]) }
            for pivot in 0..<width {
                for i in 0..<width where i != pivot {
                    let factor = matrix[i][pivot] / matrix[pivot][pivot]
                    for j in pivot...width { matrix[i][j] -= factor * matrix[pivot][j] }
                }
            }
            return (0..<width).map { matrix[$0][width] / matrix[$0][$0] }
        }
    }

    @Test("Many steps reach the solution that elimination finds", arguments: [(16, 16), (48, 37), (160, 150)])
    func solution(width: Int, used: Int) {
        var random = SplitMix(seed: UInt64(width))
        let problems = Problems(rows: 150, columns: 60, width: width, used: used, &random)
        let found = DenseMatrix(rows: 150, columns: width)
        LeastSquaresRows(factors: problems.factors, unobserved: problems.unobserved, threads: 2)
            .solve(problems.weights, ridge: problems.ridge, into: found, steps: 200, tolerance: 1e-6, threads: 2)
        for row in stride(from: 0, to: 150, by: width > 100 ? 30 : 1) {
            for (value, expected) in zip(found.row(row), problems.slow(row)) {
                #expect(abs(Double(value) - expected) < 1e-3 * (1 + abs(expected)))
            }
        }
    }

    @Test("A few steps come nearer, a warm start nearer still, and threads change nothing")
    func steps() {
        var random = SplitMix(seed: 5)
        let problems = Problems(rows: 400, columns: 300, width: 64, used: 60, &random)
        let solver = LeastSquaresRows(factors: problems.factors, unobserved: problems.unobserved, threads: 1)
        let (one, two) = (DenseMatrix(rows: 400, columns: 64), DenseMatrix(rows: 400, columns: 64))
        var last = Double.infinity
        for _ in 0..<3 {
            solver.solve(problems.weights, ridge: problems.ridge, into: one, steps: 3, threads: 1)
            solver.solve(problems.weights, ridge: problems.ridge, into: two, steps: 3, threads: 2)
            #expect(Array(one.values) == Array(two.values))
            var distance = 0.0
            for row in stride(from: 0, to: 400, by: 40) {
                for (value, expected) in zip(one.row(row), problems.slow(row)) {
                    distance += (Double(value) - expected) * (Double(value) - expected)
                }
            }
            #expect(distance < last / 2 || distance < 1e-6)
            last = distance
        }
        for row in 0..<400 { #expect(one.row(row)[60..<64].allSatisfy { $0 == 0 }) }
    }
}
