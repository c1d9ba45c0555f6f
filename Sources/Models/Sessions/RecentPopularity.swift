internal import Numerics

/// Items by the number of clicks in the last days of training, whatever the session: the yardstick.
public struct RecentPopularity: SessionModel {
    public let name = "popularity"
    public let itemCount: Int
    private let best: [TopSelection.Entry]

    /// Counts what happened in the `days` before the newest interaction; everything where there are no times. The greatest
    /// `kept` answer.
    public init(_ sessions: Histories, days: Double = 1, kept: Int = 200) {
        itemCount = sessions.itemCount
        let edge = (sessions.times.max() ?? 0) - Int64(days * 86_400_000)
        var counts = [Float](repeating: 0, count: itemCount)
        for place in sessions.items.indices where sessions.times.isEmpty || sessions.times[place] > edge {
            counts[Int(sessions.items[place])] += 1
        }
        var selection = TopSelection(capacity: kept)
        for (item, count) in counts.enumerated() where count > 0 {
            selection.add(UInt32(truncatingIfNeeded: item), count)
        }
        best = selection.sorted()
    }

    public func score(_ session: [UInt32], at time: Int64?, into scores: inout SessionScores) {
        for entry in best { scores.add(entry.index, entry.value) }
    }
}
