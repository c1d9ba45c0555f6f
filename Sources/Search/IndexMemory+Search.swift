internal import Domain
internal import Glibc

/// A word of a query: what it is looked for as, by the numbers of words.
struct QueryWord: Sendable {
    var text: String
    /// The word itself, when some entity has it.
    var exact: Int32?
    /// Words that begin with it, itself included.
    var beginnings: [Int32] = []
    /// Words that it may have been meant to be.
    var alternatives: [(word: Int32, distance: Int)] = []
}

/// What a search needs room for, kept from one search to the next. Belongs to one thread.
final class SearchScratch {
    /// By the numbers of words: a bit for each word of the query that it stands for. All zero between searches.
    var marks: [UInt16] = []
    /// A bit for each place in the order by popularity.
    var bits: [UInt64] = []
    var other: [UInt64] = []
}

/// What was found for a query, before what the live state says of it.
struct SearchMatches {
    struct Candidate {
        var row: UInt32
        var key: Key128
        var relevance: Double
    }

    /// The most popular that match, in that order, at most ``IndexReader/ranked``.
    var candidates: [Candidate] = []
    /// How many match, counted up to ``SearchIndex/countedTotal``.
    var total = 0
    var hasMore = false
    var words: [QueryWord] = []
    var corrections: [SearchCorrection] = []
}

extension IndexMemory {
    /// Nanoseconds for a posting put into bits, for an entity looked at, and for one looked at that was in no bits; as
    /// measured, to choose between ways.
    private static let costs = (posting: 2.0, place: 4.0, entity: 60.0)
    /// Entities looked at in one search.
    private static let examined = 131_072

    /// Searches for all words. Time: at most a few nanoseconds for each entity that has the rarest of them, some tens for
    /// each of those that are looked at until enough are found.
    func search(_ texts: [String], _ filters: SearchFilters, _ scratch: SearchScratch) -> SearchMatches {
        var matches = SearchMatches()
        matches.words = texts.map { text in
            withUTF8(text) { bytes in
                var word = QueryWord(text: text, exact: lexicon.number(of: bytes))
                lexicon.begin(with: bytes, &word.beginnings)
                return word
            }
        }
        if scratch.marks.count < lexicon.end {
            scratch.marks += [UInt16](repeating: 0, count: lexicon.end - scratch.marks.count)
        }
        collect(&matches, filters, scratch)
        if matches.total < IndexReader.few, correct(&matches.words) {
            let before = matches.total
            collect(&matches, filters, scratch)
            if matches.total > before {
                matches.corrections = matches.words.filter { !$0.alternatives.isEmpty }.map { word in
                    SearchCorrection(word: word.text, alternatives: word.alternatives.map { lexicon.string($0.word) })
                }
            }
        }
        return matches
    }

    // MARK: - Mistakes

    /// Looks for what words may have been meant to be that next to nothing has. Whether there is anything.
    private func correct(_ words: inout [QueryWord]) -> Bool {
        for index in words.indices where isRare(words[index]) {
            words[index].alternatives = withUTF8(words[index].text) { bytes in
                let distance = Lexicon.forgiven(in: bytes, isUnknown: words[index].beginnings.isEmpty)
                guard distance > 0 else { return [] }
                return lexicon.nearest(to: bytes, distance: distance, limit: IndexReader.alternatives)
            }
        }
        return words.contains { !$0.alternatives.isEmpty }
    }

    private func isRare(_ word: QueryWord) -> Bool {
        var rows: Set<UInt32> = []
        for number in word.beginnings {
            for row in postings[Int(number)] {
                rows.insert(row)
                if rows.count >= IndexReader.few { return false }
            }
        }
        return true
    }

    // MARK: - Entities that have all words

    /// A word of the query, or the category, and how many postings it has.
    private struct Group {
        var bit: UInt16
        var lists: [Int32]
        var size: Int
        var isCategory = false
    }

    private func collect(_ matches: inout SearchMatches, _ filters: SearchFilters, _ scratch: SearchScratch) {
        matches.candidates = []
        matches.total = 0
        matches.hasMore = false
        let own = self.filters(filters)
        var groups: [Group] = []
        for (index, word) in matches.words.enumerated() {
            let lists = word.beginnings + word.alternatives.map(\.word)
            let size = lists.reduce(0) { $0 + postings[Int($1)].count }
            guard size > 0 else { return }
            groups.append(Group(bit: 1 << UInt16(index), lists: lists, size: size))
        }
        if let category = own.category {
            guard let rows = members[category] else { return }
            groups.append(Group(bit: 0, lists: [category], size: rows.count, isCategory: true))
        }
        groups.sort { $0.size < $1.size }
        for group in groups where !group.isCategory {
            for word in group.lists { scratch.marks[Int(word)] |= group.bit }
        }
        defer {
            for group in groups where !group.isCategory { for word in group.lists { scratch.marks[Int(word)] = 0 } }
        }

        let (isWalk, tested) = plan(groups, scratch)
        let wanted = tested.reduce(0) { $1.isCategory ? $0 : $0 | $1.bit }
        let category = tested.contains { $0.isCategory } ? own.category : nil
        var examined = 0
        scratch.marks.withUnsafeBufferPointer { marks in
            func look(_ row: UInt32) -> Bool {
                examined += 1
                let index = Int(row)
                guard own.admits(facts[index]), category.map({ categories[index].contains($0) }) ?? true,
                    wanted == 0 || has(index, wanted, marks)
                else { return examined < IndexMemory.examined }
                if matches.total >= SearchIndex.countedTotal {
                    matches.hasMore = true
                    return false
                }
                if matches.total < IndexReader.ranked {
                    matches.candidates.append(.init(row: row, key: facts[index].key, relevance: 0))
                }
                matches.total += 1
                return examined < IndexMemory.examined
            }
            if isWalk {
                for row in ranking where !look(row) { break }
            } else {
                places: for (index, word) in scratch.bits.enumerated() {
                    var word = word
                    while word != 0 {
                        let place = index * 64 + word.trailingZeroBitCount
                        word &= word - 1
                        if !look(ranking[place]) { break places }
                    }
                }
            }
            if examined >= IndexMemory.examined { matches.hasMore = true }
            rank(&matches, marks)
        }
    }

    /// Chooses between walking through all entities in order of popularity and putting the postings of the rarest words
    /// into the scratch's bits; the groups that are to be tested entity by entity are returned.
    private func plan(_ groups: [Group], _ scratch: SearchScratch) -> (isWalk: Bool, tested: [Group]) {
        guard let rarest = groups.first else { return (true, []) }
        let all = Double(max(count, 1))
        let shares = groups.map { min(1, Double($0.size) / all) }
        let enough = Double(SearchIndex.countedTotal) / shares.reduce(1, *)
        let walk = min(Double(ranking.count), enough) * IndexMemory.costs.entity
        var cost = Double(rarest.size) * IndexMemory.costs.posting
        var left = Double(rarest.size)
        var tested: [Group] = []
        var set: [Group] = []
        for (group, share) in zip(groups, shares).dropFirst() {
            let (setting, testing) = (
                Double(group.size) * IndexMemory.costs.posting, min(left, enough) * IndexMemory.costs.entity
            )
            cost += min(setting, testing)
            if setting < testing { set.append(group) } else { tested.append(group) }
            if setting < testing { left *= share }
        }
        cost += min(left, enough) * IndexMemory.costs.place
        if walk < cost { return (true, groups) }
        fill(&scratch.bits, rarest)
        for group in set {
            fill(&scratch.other, group)
            for index in scratch.bits.indices { scratch.bits[index] &= scratch.other[index] }
        }
        return (false, tested)
    }

    /// Sets the bits of the places of all that a group has, and no others.
    private func fill(_ bits: inout [UInt64], _ group: Group) {
        let size = (ranking.count + 63) / 64
        if bits.count != size {
            bits = [UInt64](repeating: 0, count: size)
        } else {
            for index in bits.indices { bits[index] = 0 }
        }
        bits.withUnsafeMutableBufferPointer { bits in
            places.withUnsafeBufferPointer { places in
                func put(_ rows: ContiguousArray<UInt32>) {
                    for row in rows {
                        let place = Int(places[Int(row)])
                        bits[place >> 6] |= 1 << UInt64(place & 63)
                    }
                }
                for list in group.lists { group.isCategory ? members[list].map(put) : put(postings[Int(list)]) }
            }
        }
    }

    /// Whether a row has a word for each of these bits.
    @inline(__always)
    private func has(_ index: Int, _ wanted: UInt16, _ marks: UnsafeBufferPointer<UInt16>) -> Bool {
        words[index].withUnsafeBufferPointer { entries in
            var found: UInt16 = 0
            for entry in entries {
                found |= marks[Int(entry.word)]
                if found & wanted == wanted { return true }
            }
            return false
        }
    }

    // MARK: - Relevance

    /// Sets the relevance of candidates: bm25 (Robertson and Zaragoza, 2009) as ``IndexReader`` computes it with FTS5. A
    /// word of the query counts as a beginning, once more as the whole word, and as each of its alternatives, those one or
    /// two mistakes away a half and a quarter.
    private func rank(_ matches: inout SearchMatches, _ marks: UnsafeBufferPointer<UInt16>) {
        let all = Double(max(count, 1))
        func frequency(_ entities: Int) -> Double {
            let held = min(Double(entities), all)
            return log(1 + (all - held + 0.5) / (held + 0.5))
        }
        struct Phrase {
            var word: Int32?
            var frequency: Double
            var hits = 0.0
        }
        // A query's word's phrases stand together: its beginnings, itself, its alternatives.
        var phrases: [Phrase] = []
        var starts: [Int] = []
        for word in matches.words {
            starts.append(phrases.count)
            let size = word.beginnings.reduce(0) { $0 + postings[Int($1)].count }
            phrases.append(Phrase(word: nil, frequency: frequency(size)))
            phrases.append(Phrase(word: word.exact ?? -1, frequency: frequency(word.exact.map(lexicon.entities) ?? 0)))
            for (other, distance) in word.alternatives {
                let own = frequency(lexicon.entities(with: other)) / Double(1 << distance)
                phrases.append(Phrase(word: other, frequency: own))
            }
        }
        starts.append(phrases.count)
        let beginnings = matches.words.map { word in
            word.alternatives.isEmpty ? nil : Set(word.beginnings)
        }
        let mean = size > 0 ? Double(size) / all : 1
        for candidate in matches.candidates.indices {
            let index = Int(matches.candidates[candidate].row)
            for phrase in phrases.indices { phrases[phrase].hits = 0 }
            for entry in words[index] {
                var bits = marks[Int(entry.word)]
                guard bits != 0 else { continue }
                var hits = 0.0
                for (column, weight) in IndexReader.weights.enumerated() {
                    hits += weight * Double(entry.count(in: column))
                }
                while bits != 0 {
                    let word = bits.trailingZeroBitCount
                    bits &= bits - 1
                    let (start, end) = (starts[word], starts[word + 1])
                    if beginnings[word]?.contains(entry.word) ?? true { phrases[start].hits += hits }
                    for phrase in start + 1..<end where phrases[phrase].word == entry.word {
                        phrases[phrase].hits += hits
                    }
                }
            }
            let length = 1.2 * (0.25 + 0.75 * Double(facts[index].size) / mean)
            matches.candidates[candidate].relevance = phrases.reduce(0) {
                $0 + $1.frequency * $1.hits * 2.2 / ($1.hits + length)
            }
        }
    }
}

private func withUTF8<Result>(_ text: String, _ body: (UnsafeRawBufferPointer) -> Result) -> Result {
    var text = text
    return text.withUTF8 { body(UnsafeRawBufferPointer($0)) }
}
