/// What the session itself has, the latest above all: an item that `d` clicks follow scores 1 / (d + 1). How much that
/// counts depends on whether people come back to what they have seen, and is chosen.
public struct RepeatModel: SessionModel {
    /// Clicks of the session that are looked at.
    private static let reach = 50

    public let name = "repeats"
    public let itemCount: Int

    /// A model over a catalogue of `itemCount` items; there is nothing to learn.
    public init(itemCount: Int) { self.itemCount = itemCount }

    public func score(_ session: [UInt32], at time: Int64?, into scores: inout SessionScores) {
        for (later, item) in session.suffix(RepeatModel.reach).reversed().enumerated() where scores[item] == 0 {
            scores.add(item, 1 / Float(later + 1))
        }
    }
}
