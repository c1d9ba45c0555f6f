/// Measures of many predictions, kept for each unit (a user; a session with all its predictions), so that the uncertainty
/// over units can be told.
public struct MeasureTable: Sendable, Equatable {
    /// Names of the measures, such as `recall@20`.
    public let names: [String]
    /// Sums over a unit's predictions: row-major, units × names.
    public private(set) var sums: [Double] = []
    /// Predictions of each unit.
    public private(set) var predictions: [Double] = []

    /// A table without units.
    public init(names: [String]) { self.names = names }

    /// Units.
    public var unitCount: Int { predictions.count }

    /// Adds a unit: the sums of its measures over its predictions.
    public mutating func append(_ unit: [Double], predictions count: Int = 1) {
        guard unit.count == names.count else { return }
        sums += unit
        predictions.append(Double(count))
    }

    /// Adds the units of another table with the same measures.
    public mutating func append(_ other: MeasureTable) {
        guard other.names == names else { return }
        sums += other.sums
        predictions += other.predictions
    }

    /// Means over all predictions; 0 when there is none.
    public var means: [Double] {
        var totals = [Double](repeating: 0, count: names.count)
        for unit in 0..<unitCount {
            for place in names.indices { totals[place] += sums[unit * names.count + place] }
        }
        let count = predictions.reduce(0, +)
        return count > 0 ? totals.map { $0 / count } : totals
    }

    /// The mean of a measure.
    public func mean(_ name: String) -> Double? { names.firstIndex(of: name).map { means[$0] } }

    /// What this has more than another table of the same units and measures; `nil` when they do not match.
    public func minus(_ other: MeasureTable) -> MeasureTable? {
        guard names == other.names, predictions == other.predictions else { return nil }
        var difference = self
        for place in sums.indices { difference.sums[place] -= other.sums[place] }
        return difference
    }
}
