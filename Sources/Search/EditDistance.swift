/// Fewest insertions, deletions, replacements and swaps of neighbours that make one word of another (optimal string
/// alignment). Keeps its rows, so that measuring many words allocates nothing.
struct EditDistance {
    private let word: [UInt32]
    private var before: [Int] = []
    private var last: [Int] = []
    private var row: [Int] = []

    /// A measure of the distance from a word, given in Unicode scalars.
    init(_ word: [UInt32]) { self.word = word }

    /// The distance to another word when it is `limit` at most. Time: the product of the lengths.
    mutating func distance(to other: [UInt32], atMost limit: Int) -> Int? {
        guard abs(word.count - other.count) <= limit else { return nil }
        while row.count <= other.count {
            before.append(0)
            last.append(0)
            row.append(0)
        }
        for index in 0...other.count { last[index] = index }
        for i in 0..<word.count {
            row[0] = i + 1
            var best = row[0]
            for j in 0..<other.count {
                var cost = min(last[j] + (word[i] == other[j] ? 0 : 1), last[j + 1] + 1, row[j] + 1)
                if i > 0, j > 0, word[i] == other[j - 1], word[i - 1] == other[j] {
                    cost = min(cost, before[j - 1] + 1)
                }
                row[j + 1] = cost
                best = min(best, cost)
            }
            if best > limit { return nil }
            (before, last, row) = (last, row, before)
        }
        return last[other.count] <= limit ? last[other.count] : nil
    }
}
