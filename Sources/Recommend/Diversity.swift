/// At most so many of ten from one category: of places 1 to 10, of 11 to 20, and so on.
public struct Diversity: Sendable {
    /// Places that the limit is about.
    public static let block = 10

    /// Most of ten from one category.
    public let limit: Int
    /// A category that was asked for, which all entities have.
    public let exempt: UInt32?

    /// A rule.
    public init(limit: Int, exempt: UInt32? = nil) {
        self.limit = limit
        self.exempt = exempt
    }

    /// Chooses `count` of ranked entities, given by their categories, best first: always the best that fits. When none
    /// fits any more the best that is left stands in, so that the list is never shorter. Returns places among the ranked,
    /// and whether each fits. Costs at most `count` looks at each.
    public func choose(_ ranked: [[UInt32]], count: Int) -> [(place: Int, fits: Bool)] {
        var chosen: [(place: Int, fits: Bool)] = []
        var isTaken = [Bool](repeating: false, count: ranked.count)
        var counts: [UInt32: Int] = [:]
        var start = 0
        while chosen.count < min(count, ranked.count) {
            if chosen.count.isMultiple(of: Diversity.block) { counts.removeAll(keepingCapacity: true) }
            while isTaken[start] { start += 1 }
            let fitting = (start..<ranked.count).first { !isTaken[$0] && fits(ranked[$0], counts) }
            let place = fitting ?? start
            isTaken[place] = true
            for category in ranked[place] where category != exempt { counts[category, default: 0] += 1 }
            chosen.append((place, fitting != nil))
        }
        return chosen
    }

    private func fits(_ categories: [UInt32], _ counts: [UInt32: Int]) -> Bool {
        limit >= Diversity.block || categories.allSatisfy { $0 == exempt || counts[$0, default: 0] < limit }
    }
}
