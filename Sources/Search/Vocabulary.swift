/// The words of an index and in how many entities each stands, for finding what a mistyped word was meant to be.
///
/// A look-up goes through all words, a nanosecond or two each: nearly all are dismissed by their length and by which
/// letters they have. So that this stays bounded, words past ``Vocabulary/most`` are not taken in.
struct Vocabulary: Sendable {
    /// Most words kept.
    static let most = 262_144
    /// Lengths in Unicode scalars of the words kept; shorter ones are not worth correcting, longer ones are no words.
    static let lengths = 3...40

    private var places: [String: Int32] = [:]
    private var words: [String] = []
    private var counts: [Int32] = []
    private var masks: [UInt64] = []
    private var sizes: [UInt8] = []
    private var free: [Int32] = []

    /// How many words are kept.
    var count: Int { places.count }

    /// In how many entities a word stands.
    func entities(with word: String) -> Int { places[word].map { Int(counts[Int($0)]) } ?? 0 }

    /// Adds to the number of entities with a word; one that has none any more is forgotten.
    mutating func add(_ word: String, _ change: Int) {
        if let place = places[word] {
            let index = Int(place)
            counts[index] += Int32(clamping: change)
            guard counts[index] <= 0 else { return }
            places[word] = nil
            sizes[index] = 0
            masks[index] = 0
            free.append(place)
            return
        }
        guard change > 0, places.count < Vocabulary.most, word.utf8.count <= 4 * Vocabulary.lengths.upperBound else {
            return
        }
        let size = word.unicodeScalars.count
        guard Vocabulary.lengths.contains(size) else { return }
        let mask = Vocabulary.mask(word)
        if let place = free.popLast() {
            let index = Int(place)
            (words[index], counts[index], masks[index], sizes[index]) = (
                word, Int32(clamping: change), mask, UInt8(size)
            )
            places[word] = place
        } else {
            places[word] = Int32(words.count)
            words.append(word)
            counts.append(Int32(clamping: change))
            masks.append(mask)
            sizes.append(UInt8(size))
        }
    }

    /// The words nearest to one, nearest first, then those that stand in more entities, then by name. `distance` is the
    /// greatest number of mistakes.
    func nearest(to word: String, distance: Int, limit: Int) -> [(word: String, distance: Int)] {
        let scalars = Array(word.unicodeScalars)
        let mask = Vocabulary.mask(word)
        var found: [(word: String, distance: Int, entities: Int32)] = []
        let least = UInt8(clamping: scalars.count - distance)
        let most = UInt8(clamping: scalars.count + distance)
        for index in sizes.indices where sizes[index] >= max(1, least) && sizes[index] <= most {
            // A mistake changes two letters at most.
            guard (masks[index] ^ mask).nonzeroBitCount <= 2 * distance else { continue }
            let candidate = Array(words[index].unicodeScalars)
            if let own = editDistance(scalars, candidate, atMost: distance) {
                found.append((words[index], own, counts[index]))
            }
        }
        found.sort {
            if $0.distance != $1.distance { return $0.distance < $1.distance }
            if $0.entities != $1.entities { return $0.entities > $1.entities }
            return $0.word.utf8.lexicographicallyPrecedes($1.word.utf8)
        }
        return found.prefix(limit).map { ($0.word, $0.distance) }
    }

    /// Greatest number of mistakes forgiven in a word: 1 from 4 letters on, 2 from 8.
    static func forgiven(in word: String) -> Int {
        switch word.unicodeScalars.count {
        case ..<4: 0
        case ..<8: 1
        default: 2
        }
    }

    /// A bit for each letter that a word has.
    private static func mask(_ word: String) -> UInt64 {
        word.unicodeScalars.reduce(0) { $0 | 1 << UInt64(($1.value &* 0x9e37_79b1) >> 26) }
    }
}

/// Fewest insertions, deletions, replacements and swaps of neighbours that make one word of the other, when they are
/// `limit` at most (optimal string alignment).
func editDistance(_ left: [Unicode.Scalar], _ right: [Unicode.Scalar], atMost limit: Int) -> Int? {
    guard abs(left.count - right.count) <= limit else { return nil }
    var before = [Int](repeating: 0, count: right.count + 1)
    var last = Array(0...right.count)
    var row = before
    for i in 0..<left.count {
        row[0] = i + 1
        var best = row[0]
        for j in 0..<right.count {
            var cost = min(last[j] + (left[i] == right[j] ? 0 : 1), last[j + 1] + 1, row[j] + 1)
            if i > 0, j > 0, left[i] == right[j - 1], left[i - 1] == right[j] { cost = min(cost, before[j - 1] + 1) }
            row[j + 1] = cost
            best = min(best, cost)
        }
        if best > limit { return nil }
        (before, last, row) = (last, row, before)
    }
    return last[right.count] <= limit ? last[right.count] : nil
}
