/// What a model listed for one person, and what that person did afterwards.
public struct RankedList: Sendable, Equatable {
    /// Items, best first, each once.
    public var ranked: [UInt32]
    /// The held-back items, each once.
    public var relevant: Set<UInt32>

    /// A list beside its truth.
    public init(ranked: [UInt32], relevant: Set<UInt32>) {
        self.ranked = ranked
        self.relevant = relevant
    }

    /// Held-back items among the first `cutoff`.
    public func hits(at cutoff: Int) -> Int {
        ranked.prefix(cutoff).count { relevant.contains($0) }
    }
}
