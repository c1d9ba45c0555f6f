internal import Synchronization

/// A sparse matrix by rows (CSR): row `r` holds `columns[offsets[r]..<offsets[r + 1]]` with the values beside them.
public struct SparseRows: Sendable, Equatable {
    /// Where each row begins; one more than there are rows.
    public private(set) var offsets: [Int]
    /// Column of each entry, below ``columnCount``.
    public private(set) var columns: [UInt32]
    /// Value of each entry.
    public private(set) var values: [Float]
    /// Width of the matrix.
    public let columnCount: Int

    /// Rows of the matrix.
    public var rowCount: Int { offsets.count - 1 }

    /// A matrix without rows.
    public init(columnCount: Int) {
        offsets = [0]
        columns = []
        values = []
        self.columnCount = columnCount
    }

    /// A matrix of finished parts; `nil` when they do not fit together (offsets that fall, a column past the width).
    public init?(offsets: [Int], columns: [UInt32], values: [Float], columnCount: Int) {
        guard offsets.first == 0, offsets.last == columns.count, columns.count == values.count,
            zip(offsets, offsets.dropFirst()).allSatisfy({ $0 <= $1 }),
            columns.allSatisfy({ Int($0) < columnCount })
        else { return nil }
        self.offsets = offsets
        self.columns = columns
        self.values = values
        self.columnCount = columnCount
    }

    /// A matrix whose rows are found on several processors: `find` answers the rows of a range, which are put in their order,
    /// whatever was ready first. Ranges have `grain` rows.
    public init(
        rowCount: Int, columnCount: Int, grain: Int, threads: Int,
        _ find: @Sendable (Range<Int>) -> [[(column: UInt32, value: Float)]]
    ) {
        let found = Mutex<[[(column: UInt32, value: Float)]]>(Array(repeating: [], count: rowCount))
        Parallel.ranges(rowCount, grain: grain, threads: threads) { range in
            let rows = find(range)
            found.withLock { all in for (place, row) in zip(range, rows) { all[place] = row } }
        }
        self.init(columnCount: columnCount)
        found.withLock { all in
            let entries = all.reduce(0) { $0 + $1.count }
            columns.reserveCapacity(entries)
            values.reserveCapacity(entries)
            for place in all.indices {
                append(all[place])
                // Two of everything would be too much of a large matrix.
                all[place] = []
            }
        }
    }

    /// Adds a row at the end. Entries past the width are left out.
    public mutating func append(_ row: some Sequence<(column: UInt32, value: Float)>) {
        for (column, value) in row where Int(column) < columnCount {
            columns.append(column)
            values.append(value)
        }
        offsets.append(columns.count)
    }

    /// The places of a row's entries.
    @inlinable
    public func places(of row: Int) -> Range<Int> { offsets[row]..<offsets[row + 1] }

    /// The matrix turned over. O(rows + columns + entries).
    public func transposed() -> SparseRows {
        var counts = [Int](repeating: 0, count: columnCount + 1)
        for column in columns { counts[Int(column) + 1] += 1 }
        for column in 0..<columnCount { counts[column + 1] += counts[column] }
        var next = counts
        var turned = [UInt32](repeating: 0, count: columns.count)
        var moved = [Float](repeating: 0, count: columns.count)
        for row in 0..<rowCount {
            for place in places(of: row) {
                let column = Int(columns[place])
                turned[next[column]] = UInt32(row)
                moved[next[column]] = values[place]
                next[column] += 1
            }
        }
        return SparseRows(unchecked: counts, turned, moved, columnCount: rowCount)
    }

    init(unchecked offsets: [Int], _ columns: [UInt32], _ values: [Float], columnCount: Int) {
        self.offsets = offsets
        self.columns = columns
        self.values = values
        self.columnCount = columnCount
    }
}
