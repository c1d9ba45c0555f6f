internal import Live

/// Puts ranked candidates into the places of a list, one place after the other: pinned ones where they were pinned, new
/// ones where places are kept for them, else the best by maximal marginal relevance (Carbonell and Goldstein, 1998) among
/// those that leave at most so many of ten from one category. When none fits any more the best that is left stands in, so
/// that the list is never shorter.
struct Arrangement: Sendable {
    /// Places that the limit on categories is about: 1 to 10, 11 to 20, and so on.
    static let block = 10
    /// Candidates among which relevance and likeness are weighed against each other.
    static let weighed = 200
    /// New ones among which one is drawn.
    static let drawn = 20

    /// Most of ten from one category.
    var categoryLimit = 10
    /// A category that was asked for, which all entities have.
    var exempt: UInt32?
    /// λ of maximal marginal relevance; 1 goes by the score alone.
    var relevance = 1.0
    /// Share of places for what is new.
    var exploration = 0.0
    /// Popularity below which what was never met together with anything is new.
    var explorationBelow = 1.0
    /// What the draws of new ones come from.
    var seed: UInt64 = 0
    /// Places (from 0) of pinned ones, by place among the candidates.
    var pins: [(position: Int, candidate: Int)] = []

    /// Why one stands where it stands.
    enum Cause: Sendable, Equatable {
        case score
        /// It fits the limit on categories, or differs enough, where better ones did not.
        case diversity
        /// Nothing fitted.
        case relaxed
        case exploration
        case pinned
    }

    /// The list's places, as places among the candidates, which are ranked best first. `earlier` are those of earlier
    /// pages, in their order.
    func arrange(_ ranked: Ranking, count: Int, after earlier: ContiguousArray<RankingFacts>) -> [(
        place: Int, cause: Cause
    )] {
        var state = Choosing(ranked.count)
        let offset = earlier.count
        if relevance < 1 {
            for facts in earlier { state.weigh(ranked, like: facts, upTo: Arrangement.weighed) }
        }
        let start = offset - offset % Arrangement.block
        for facts in earlier.dropFirst(start) { state.count(facts, exempt) }
        for pin in pins { state.reserved[pin.candidate] = true }
        var chosen: [(place: Int, cause: Cause)] = []
        chosen.reserveCapacity(min(count, ranked.count))
        while chosen.count < min(count, ranked.count) {
            let position = offset + chosen.count
            if position.isMultiple(of: Arrangement.block) { state.counts.removeAll(keepingCapacity: true) }
            let next = choose(ranked, position, &state)
            state.take(next.place)
            state.count(ranked[next.place].facts, exempt)
            if relevance < 1 { state.weigh(ranked, like: ranked[next.place].facts, upTo: Arrangement.weighed) }
            chosen.append(next)
        }
        return chosen
    }

    private func choose(_ ranked: Ranking, _ position: Int, _ state: inout Choosing) -> (
        place: Int, cause: Cause
    ) {
        if let pin = pins.first(where: { $0.position == position && !state.isTaken[$0.candidate] }) {
            return (pin.candidate, .pinned)
        }
        if isExploring(position), let new = draw(ranked, position, state) { return (new, .exploration) }
        guard let first = state.first else {
            // Only pinned ones are left, further down than the list goes: they close up.
            return (pins.first { !state.isTaken[$0.candidate] }?.candidate ?? 0, .pinned)
        }
        var best: (place: Int, value: Double)?
        var looked = 0
        for place in first..<ranked.count where !state.isTaken[place] && !state.reserved[place] {
            guard fits(ranked[place].facts, state) else { continue }
            if relevance >= 1 { return (place, state.cause(place, first)) }
            let value = relevance * Double(Float(ranked[place].score)) - (1 - relevance) * state.likeness(place)
            if best.map({ value > $0.value }) ?? true { best = (place, value) }
            looked += 1
            if looked == Arrangement.weighed { break }
        }
        guard let best else { return (first, .relaxed) }
        return (best.place, state.cause(best.place, first))
    }

    /// Whether a place is one of those kept for what is new: each time the share has added up to another whole place.
    private func isExploring(_ position: Int) -> Bool {
        exploration > 0
            && (Double(position + 1) * exploration).rounded(.down) > (Double(position) * exploration).rounded(.down)
    }

    /// One of the best new ones, by lot.
    private func draw(_ ranked: Ranking, _ position: Int, _ state: Choosing) -> Int? {
        var new: [Int] = []
        for place in (state.first ?? ranked.count)..<ranked.count where !state.isTaken[place] && !state.reserved[place]
        {
            guard isNew(ranked[place].facts), fits(ranked[place].facts, state) else { continue }
            new.append(place)
            if new.count == Arrangement.drawn { break }
        }
        guard !new.isEmpty else { return nil }
        return new[Int(truncatingIfNeeded: Arrangement.mix(seed &+ UInt64(position)) % UInt64(new.count))]
    }

    private func isNew(_ facts: RankingFacts) -> Bool { !facts.isPaired && facts.popularity < explorationBelow }

    /// SplitMix64's mixing.
    private static func mix(_ value: UInt64) -> UInt64 {
        var z = value &* 0x9e37_79b9_7f4a_7c15
        z = (z ^ (z >> 30)) &* 0xbf58_476d_1ce4_e5b9
        z = (z ^ (z >> 27)) &* 0x94d0_49bb_1331_11eb
        return z ^ (z >> 31)
    }

    private func fits(_ facts: RankingFacts, _ state: Choosing) -> Bool {
        if categoryLimit >= Arrangement.block { return true }
        var fits = true
        facts.forEachCategory { category in
            if fits, category != exempt, state.countOf(category) >= categoryLimit { fits = false }
        }
        return fits
    }

    /// What has been chosen so far.
    private struct Choosing {
        var isTaken: ContiguousArray<Bool>
        var reserved: ContiguousArray<Bool>
        /// Categories of the block, with how many there are.
        var counts: ContiguousArray<(category: UInt32, count: Int)> = []
        /// By candidate: greatest likeness to what stands above; empty until something is weighed.
        private var likenesses: ContiguousArray<Double> = []
        private var next = 0

        init(_ count: Int) {
            isTaken = ContiguousArray(repeating: false, count: count)
            reserved = isTaken
        }

        /// The best that is left and not pinned.
        var first: Int? {
            var place = next
            while place < isTaken.count, isTaken[place] || reserved[place] { place += 1 }
            return place < isTaken.count ? place : nil
        }

        mutating func take(_ place: Int) {
            isTaken[place] = true
            while next < isTaken.count, isTaken[next] { next += 1 }
        }

        mutating func count(_ facts: RankingFacts, _ exempt: UInt32?) {
            facts.forEachCategory { category in
                guard category != exempt else { return }
                if let place = counts.firstIndex(where: { $0.category == category }) {
                    counts[place].count += 1
                } else {
                    counts.append((category, 1))
                }
            }
        }

        func countOf(_ category: UInt32) -> Int { counts.first { $0.category == category }?.count ?? 0 }

        func likeness(_ place: Int) -> Double { place < likenesses.count ? likenesses[place] : 0 }

        mutating func weigh(_ ranked: Ranking, like facts: RankingFacts, upTo most: Int) {
            if likenesses.isEmpty { likenesses = ContiguousArray(repeating: 0, count: ranked.count) }
            for place in ranked.indices where !isTaken[place] {
                likenesses[place] = max(likenesses[place], Arrangement.likeness(ranked[place].facts, facts))
            }
        }

        func cause(_ place: Int, _ first: Int) -> Cause { place == first ? .score : .diversity }
    }

    /// How alike two entities are, 0…1: half the share of their categories that both have, a third for the brand, a sixth
    /// for the type.
    static func likeness(_ left: RankingFacts, _ right: RankingFacts) -> Double {
        var common = 0
        left.forEachCategory { if right.isIn($0) { common += 1 } }
        let all = left.categoryCount + right.categoryCount - common
        var likeness = all > 0 ? 0.5 * Double(common) / Double(all) : 0
        if left.brand != RankingFacts.none, left.brand == right.brand { likeness += 1.0 / 3 }
        if left.type == right.type { likeness += 1.0 / 6 }
        return likeness
    }
}
