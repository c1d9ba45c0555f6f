internal import CSQLite
internal import Domain
internal import Glibc
internal import Storage

/// Searching with FTS5, when memory does not hold the words.
///
/// A search walks through what has all words as prefixes, up to ``IndexReader/walked`` rows; of what the filters admit it
/// ranks the ``IndexReader/ranked`` most popular by bm25. So its cost is bounded whatever the words are.
extension IndexReader {
    /// Rows that are looked at.
    static let walked = 4000

    /// What a word of the query is looked for as.
    private struct Term {
        var word: String
        /// How many entities have it as a prefix, counted up to ``IndexReader/walked``.
        var entities = 0
        var alternatives: [Alternative] = []
    }

    private struct Alternative {
        var word: String
        var distance: Int
        var entities: Int
    }

    /// Searches in the file; sets the page's totals and corrections.
    func searchFile(
        _ words: [String], _ filters: SearchFilters, _ memory: SharedMemory, _ standing: SearchStanding,
        _ page: inout SearchPage
    ) throws(StorageError) -> [Candidate] {
        var terms = words.map { Term(word: $0) }
        try database.execute("BEGIN")
        defer { try? database.execute("COMMIT") }

        var rows = try walk(IndexReader.expression(terms, isRanked: false))
        if terms.count == 1 {
            terms[0].entities = rows.count
        } else {
            for index in terms.indices { terms[index].entities = try walk(IndexReader.prefix(terms[index].word)).count }
        }
        if rows.count < IndexReader.few {
            let before = rows
            for index in terms.indices where terms[index].entities < IndexReader.few {
                let isUnknown = terms[index].entities == 0
                terms[index].alternatives = IndexReader.alternatives(terms[index].word, isUnknown, memory)
            }
            if terms.contains(where: { !$0.alternatives.isEmpty }) {
                rows = try walk(IndexReader.expression(terms, isRanked: false))
                if rows.count > before.count {
                    page.corrections = terms.filter { !$0.alternatives.isEmpty }.map {
                        SearchCorrection(word: $0.word, alternatives: $0.alternatives.map(\.word))
                    }
                }
            }
        }
        var candidates = admitted(rows, filters, memory, standing)
        let isCut = rows.count >= IndexReader.walked
        page.total = min(candidates.count, SearchIndex.countedTotal)
        page.hasMore = isCut || candidates.count > page.total
        guard !candidates.isEmpty else { return candidates }
        if candidates.count > IndexReader.ranked {
            candidates.sort { ($1.popularity, $0.row) < ($0.popularity, $1.row) }
            candidates.removeSubrange(IndexReader.ranked...)
            candidates.sort { $0.row < $1.row }
        }
        try rank(&candidates, terms, memory)
        return candidates
    }

    private static func alternatives(_ word: String, _ isUnknown: Bool, _ memory: SharedMemory) -> [Alternative] {
        var word = word
        return word.withUTF8 { bytes in
            let bytes = UnsafeRawBufferPointer(bytes)
            let distance = Lexicon.forgiven(in: bytes, isUnknown: isUnknown)
            guard distance > 0 else { return [] }
            return memory.read { memory in
                memory.lexicon.nearest(to: bytes, distance: distance, limit: alternatives).map { word, distance in
                    Alternative(
                        word: memory.lexicon.string(word), distance: distance,
                        entities: memory.lexicon.entities(with: word))
                }
            }
        }
    }

    // MARK: - Expressions, of the index's own words alone

    private static func quoted(_ word: String) -> String {
        "\"" + word.replacing("\"", with: "\"\"") + "\""
    }

    private static func prefix(_ word: String) -> String { quoted(word) + " *" }

    /// All terms, each as a prefix or as one of the words it may have been meant to be. For ranking, each term also as
    /// the whole word, so that this counts for more; the phrases are in the order of ``frequencies(_:_:)``.
    private static func expression(_ terms: [Term], isRanked: Bool) -> String {
        terms.map { term in
            var parts = [prefix(term.word)]
            if isRanked { parts.append(quoted(term.word)) }
            parts += term.alternatives.map { quoted($0.word) }
            return "(" + parts.joined(separator: " OR ") + ")"
        }.joined(separator: " AND ")
    }

    /// Inverse document frequencies of the phrases of a ranked expression. Words that are one or two mistakes away
    /// count a half and a quarter.
    private func frequencies(_ terms: [Term], _ memory: SharedMemory) -> [Double] {
        memory.read { memory in
            let all = Double(max(memory.count, 1))
            func frequency(_ entities: Int) -> Double {
                let held = min(Double(entities), all)
                return log(1 + (all - held + 0.5) / (held + 0.5))
            }
            return terms.flatMap { term in
                var word = term.word
                let exact = word.withUTF8 { memory.lexicon.number(of: UnsafeRawBufferPointer($0)) }
                return [frequency(term.entities), frequency(exact.map(memory.lexicon.entities) ?? 0)]
                    + term.alternatives.map { frequency($0.entities) / Double(1 << $0.distance) }
            }
        }
    }

    // MARK: - Steps

    /// Rows that match, ascending, up to ``walked``.
    private func walk(_ expression: String) throws(StorageError) -> [Int64] {
        let statement = try database.cached("SELECT rowid FROM words WHERE words MATCH ?1 ORDER BY rowid LIMIT ?2")
        defer { statement.reset() }
        statement.bind(1, expression)
        statement.bind(2, Int64(IndexReader.walked))
        var rows: [Int64] = []
        while try statement.step() { rows.append(statement.integer(0)) }
        return rows
    }

    /// What the filters and the live state let through.
    private func admitted(
        _ rows: [Int64], _ filters: SearchFilters, _ memory: SharedMemory, _ standing: SearchStanding
    ) -> [Candidate] {
        let (admitted, keys) = memory.read { memory in
            var admitted: [Int64] = []
            var keys: [Key128] = []
            let own = memory.filters(filters)
            for row in rows {
                guard let index = Int(exactly: row), memory.facts.indices.contains(index) else { continue }
                let facts = memory.facts[index]
                guard own.admits(facts), own.category.map(memory.categories[index].contains) ?? true else { continue }
                admitted.append(row)
                keys.append(facts.key)
            }
            return (admitted, keys)
        }
        guard !keys.isEmpty else { return [] }
        return zip(admitted, standing(keys)).compactMap { row, popularity in
            popularity.map { Candidate(row: row, popularity: $0) }
        }
    }

    /// Sets the relevance of candidates, which are in order of their rows.
    private func rank(
        _ candidates: inout [Candidate], _ terms: [Term], _ memory: SharedMemory
    ) throws(StorageError) {
        guard let last = candidates.last?.row else { return }
        let statement = try database.cached(
            "SELECT rowid, chosen_rank(words) FROM words WHERE words MATCH ?1 AND rowid <= ?2 ORDER BY rowid")
        defer { statement.reset() }
        statement.bind(1, IndexReader.expression(terms, isRanked: true))
        statement.bind(2, last)
        let rows = candidates.map(\.row)
        let frequencies = frequencies(terms, memory)
        var failure: StorageError?
        rows.withUnsafeBufferPointer { rows in
            frequencies.withUnsafeBufferPointer { frequencies in
                UnsafeRawPointer(rows.baseAddress)?.withMemoryRebound(to: sqlite3_int64.self, capacity: rows.count) {
                    ranking.pointee.rows = $0
                    ranking.pointee.count = Int32(rows.count)
                    ranking.pointee.next = 0
                    ranking.pointee.frequencies = frequencies.baseAddress
                    ranking.pointee.phrases = Int32(frequencies.count)
                    var next = 0
                    do throws(StorageError) {
                        while next < candidates.count, try statement.step() {
                            let row = statement.integer(0)
                            while next < candidates.count, candidates[next].row < row { next += 1 }
                            guard next < candidates.count, candidates[next].row == row else { continue }
                            candidates[next].relevance = statement.double(1)
                            next += 1
                        }
                    } catch {
                        failure = error
                    }
                    ranking.pointee.count = 0
                }
            }
        }
        if let failure { throw failure }
    }
}
