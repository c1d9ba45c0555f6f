internal import Numerics

extension ContentIndex {
    /// An entity found, with how alike it is: 1 the same in all that is known, 0 nothing in common.
    public struct Match: Sendable, Equatable {
        /// Its number.
        public var entity: UInt32
        /// How alike, above 0, at most 1.
        public var similarity: Float
    }

    /// The entities most like an entity, best first, itself left out; none when it is not there.
    public func similar(to entity: UInt32, limit: Int, _ scratch: inout ContentScratch) -> [Match] {
        similar(to: [(entity, 1)], limit: limit, &scratch)
    }

    /// What an entity's numbers and vectors count together where words count 2: half for numbers, 1 for each vector.
    public func weight(of entity: UInt32) -> Float {
        guard let slot = slot(of: entity) else { return 0 }
        return (slots[slot].numbers.isEmpty ? 0 : 0.5) + Float(slots[slot].vectors.count)
    }

    /// How alike an entity is with others, and with at most `limit` that are found to be most like it looking at no more than
    /// `budget` entries of the index: each once, itself left out, in no order. None when it is not there.
    public func matches(
        _ entity: UInt32, with others: some Sequence<UInt32>, limit: Int, budget: Int, _ scratch: inout ContentScratch
    ) -> [Match] {
        guard let own = slot(of: entity) else { return [] }
        let query = Query(self, [(slot: own, weight: 1)], &scratch)
        let excluded: Set<UInt32> = [UInt32(own)]
        var matches = search(query, without: excluded, limit: limit, budget: budget, &scratch)
        let found = Set(matches.lazy.map(\.entity))
        let further = others.lazy.filter { $0 != entity && !found.contains($0) }.compactMap { slot(of: $0) }
        matches += weigh(query, further, &scratch)
        return matches
    }

    /// The entities most like a weighted profile of entities, best first, the profile's own left out. Weights below 0 push
    /// away; unknown entities and weights that are no numbers are passed over; the heaviest ``mostProfile`` are looked at.
    public func similar(
        to profile: [(entity: UInt32, weight: Float)], limit: Int, _ scratch: inout ContentScratch
    ) -> [Match] {
        var known = profile.compactMap { entity, weight in
            weight.isFinite && weight != 0 ? self.slot(of: entity).map { (slot: $0, weight: weight) } : nil
        }
        if known.count > ContentIndex.mostProfile {
            let order = known.indices.sorted { (abs(known[$0].weight), $1) > (abs(known[$1].weight), $0) }
            known = order.prefix(ContentIndex.mostProfile).sorted().map { known[$0] }
        }
        guard let greatest = known.map({ abs($0.weight) }).max() else { return [] }
        for place in known.indices { known[place].weight /= greatest }
        return search(Query(self, known, &scratch), without: Set(known.map { UInt32($0.slot) }), limit: limit, &scratch)
    }

    /// Entities of a profile that are looked at, and terms that a search weighs.
    public static let mostProfile = 64
    static let mostTerms = 96
    static let mostKeys = 96

    /// What is searched for.
    private struct Query {
        /// Postings with their weight, rarity included once.
        var terms: [Term] = []
        var length: Float = 0
        var keys: [UInt32] = []
        var numbers: [ContentAttributes.Number] = []
        var vectors: [ContentAttributes.Vector] = []

        init(_ index: ContentIndex, _ profile: [(slot: Int, weight: Float)], _ scratch: inout ContentScratch) {
            scratch.prepare(slots: index.slots.count, postings: index.postings.count)
            var touched: [UInt32] = []
            var numbers: [Int: (sum: Double, weight: Double)] = [:]
            var vectors: [Int: [Float]] = [:]
            for (number, weight) in profile {
                let slot = index.slots[number]
                for term in slot.terms where slot.length > 0 {
                    if scratch.weights[Int(term.posting)] == 0 { touched.append(term.posting) }
                    scratch.weights[Int(term.posting)] += weight * term.weight / slot.length
                }
                for vector in slot.vectors {
                    var sum = vectors[vector.attribute] ?? [Float](repeating: 0, count: vector.values.count)
                    guard sum.count == vector.values.count else { continue }
                    for place in sum.indices { sum[place] += weight * vector.values[place] }
                    vectors[vector.attribute] = sum
                }
                guard weight > 0 else { continue }
                keys.append(contentsOf: slot.keys)
                for value in slot.numbers {
                    let (sum, total) = numbers[value.attribute] ?? (0, 0)
                    numbers[value.attribute] = (sum + Double(weight) * value.value, total + Double(weight))
                }
            }
            var selection = TopSelection(capacity: ContentIndex.mostTerms)
            for posting in touched where scratch.weights[Int(posting)] != 0 {
                selection.add(posting, abs(scratch.weights[Int(posting)]) * index.rarity(posting))
            }
            for entry in selection.sorted() {
                let weight = scratch.weights[Int(entry.index)] < 0 ? -entry.value : entry.value
                terms.append(Term(posting: entry.index, weight: weight))
                length += weight * weight
            }
            length = length.squareRoot()
            for posting in touched { scratch.weights[Int(posting)] = 0 }
            self.numbers = numbers.sorted { $0.key < $1.key }.map {
                ContentAttributes.Number(attribute: $0.key, value: $0.value.sum / $0.value.weight)
            }
            self.vectors = vectors.sorted { $0.key < $1.key }.compactMap { attribute, sum in
                ContentAttributes.direction(sum).map { ContentAttributes.Vector(attribute: attribute, values: $0) }
            }
            // The rarest keys find the nearest; on equal terms the order is that of the numbers.
            let rarest = Set(keys).sorted { (index.postings[Int($0)].live, $0) < (index.postings[Int($1)].live, $1) }
            keys = Array(rarest.prefix(ContentIndex.mostKeys))
        }
    }

    /// ln(1 + entities / entities with the term).
    private func rarity(_ posting: UInt32) -> Float {
        (1 + Float(count) / Float(max(1, postings[Int(posting)].live))).logarithm
    }

    private func search(
        _ query: Query, without excluded: Set<UInt32>, limit: Int, budget most: Int = searchBudget,
        _ scratch: inout ContentScratch
    ) -> [Match] {
        let limit = max(0, min(limit, ContentIndex.greatestLimit))
        guard limit > 0 else { return [] }
        let most = max(0, min(most, ContentIndex.searchBudget))
        var budget = most
        var candidates: [UInt32] = []
        func nominate(_ posting: UInt32, _ weigh: (_ weight: Float, _ length: Float) -> Float) {
            let entries = postings[Int(posting)].entries.suffix(min(budget, ContentIndex.termBudget))
            budget -= entries.count
            for (slot, weight) in entries where slots[Int(slot)].isAlive && !excluded.contains(slot) {
                if scratch.sums[Int(slot)] == 0 { candidates.append(slot) }
                scratch.sums[Int(slot)] += weigh(weight, slots[Int(slot)].length)
            }
        }
        // A quarter is for keys, whatever the words find.
        let forWords = budget * 3 / 4
        for term in query.terms where term.weight > 0 && most - budget < forWords {
            let share = term.weight * rarity(term.posting)
            nominate(term.posting) { weight, length in share * weight / length }
        }
        for key in query.keys where budget > 0 { nominate(key) { _, _ in 0.2 } }
        // Those most worth weighing exactly: what the words alone say, and how many keys they share.
        var best = TopSelection(capacity: limit + 64)
        for slot in candidates {
            best.add(slot, scratch.sums[Int(slot)])
            scratch.sums[Int(slot)] = 0
        }
        var matches = TopSelection(capacity: limit)
        for match in weigh(query, best.unsorted.lazy.map { Int($0.index) }, &scratch) where match.similarity > 0 {
            matches.add(match.entity, match.similarity)
        }
        return matches.sorted().map { Match(entity: $0.index, similarity: $0.value) }
    }

    /// How alike the query and each of some slots are.
    private func weigh(_ query: Query, _ places: some Sequence<Int>, _ scratch: inout ContentScratch) -> [Match] {
        for term in query.terms { scratch.weights[Int(term.posting)] = term.weight }
        defer { for term in query.terms { scratch.weights[Int(term.posting)] = 0 } }
        return places.map { place in
            Match(entity: slots[place].entity, similarity: similarity(query, slots[place], scratch.weights))
        }
    }

    /// The mean of the cosine of the terms (counted twice), of the numbers' likeness (half) and of each vector's cosine, over
    /// what the query has.
    private func similarity(_ query: Query, _ slot: Slot, _ weights: [Float]) -> Float {
        var (sum, total): (Float, Float) = (0, 0)
        if query.length > 0 {
            var (product, squared): (Float, Float) = (0, 0)
            for term in slot.terms {
                let value = term.weight * rarity(term.posting)
                squared += value * value
                product += value * weights[Int(term.posting)]
            }
            if squared > 0 { sum += 2 * product / (squared.squareRoot() * query.length) }
            total += 2
        }
        if !query.numbers.isEmpty {
            var likeness: Float = 0
            for wanted in query.numbers {
                guard let own = slot.numbers.first(where: { $0.attribute == wanted.attribute }) else { continue }
                likeness += attributes.likeness(wanted.attribute, wanted.value, own.value)
            }
            sum += 0.5 * likeness / Float(query.numbers.count)
            total += 0.5
        }
        for wanted in query.vectors {
            total += 1
            guard let own = slot.vectors.first(where: { $0.attribute == wanted.attribute }),
                own.values.count == wanted.values.count
            else { continue }
            var product: Float = 0
            for place in own.values.indices { product += own.values[place] * wanted.values[place] }
            sum += max(0, product)
        }
        return total > 0 ? min(1, sum / total) : 0
    }
}

/// Room for one search's sums: 4 bytes an entity and 4 a term, cleared by what was touched. One search at a time.
public struct ContentScratch: Sendable {
    var sums: [Float] = []
    var weights: [Float] = []

    /// No room yet; it grows with the first search.
    public init() {}

    mutating func prepare(slots: Int, postings: Int) {
        if sums.count < slots { sums.append(contentsOf: repeatElement(0, count: slots + slots / 4 - sums.count)) }
        if weights.count < postings {
            weights.append(contentsOf: repeatElement(0, count: postings + postings / 4 - weights.count))
        }
    }
}
