internal import CSQLite
internal import Domain
internal import Glibc
internal import Storage
internal import Synchronization

/// Searches in an index file. Belongs to one thread.
///
/// A search walks through what has all words as prefixes, up to ``IndexReader/walked`` rows; of what the filters admit it
/// ranks the ``IndexReader/ranked`` most popular by bm25. So its cost is bounded whatever the words are.
final class IndexReader {
    /// Rows that are looked at.
    static let walked = 4000
    /// Rows that are ranked.
    static let ranked = 400
    /// Words of a query that count, and words that each may be corrected to.
    static let words = 12
    static let alternatives = 8
    /// With fewer rows than this, words are taken to be mistyped.
    static let few = 3
    /// Weights of title, description, brand and categories.
    private static let weights = [8.0, 1.0, 4.0, 3.0]
    /// Share of the relevance in the score; the rest is the popularity's.
    static let relevanceShare = 0.8

    private let database: IndexDatabase
    private let breaker: WordBreaker
    private let ranking: UnsafeMutablePointer<ff_fts5_ranking>

    init(path: String) throws(StorageError) {
        database = try IndexDatabase(path: path, readOnly: true)
        try database.execute("PRAGMA cache_size = -8192; PRAGMA temp_store = MEMORY; PRAGMA query_only = 1")
        breaker = try WordBreaker(database)
        ranking = .allocate(capacity: 1)
        ranking.initialize(to: ff_fts5_ranking())
        withUnsafeMutableBytes(of: &ranking.pointee.weights) { bytes in
            for (index, weight) in IndexReader.weights.enumerated() {
                bytes.storeBytes(of: weight, toByteOffset: index * 8, as: Double.self)
            }
        }
        guard ff_fts5_rank_register(database.handle, ranking) == SQLITE_OK else {
            throw StorageError("store_io", "SQLite has no full-text search (FTS5).")
        }
    }

    deinit { ranking.deallocate() }

    /// What a word of the query is looked for as.
    private struct Term {
        var word: String
        /// How many entities have it as a prefix, counted up to ``IndexReader/walked``.
        var entities = 0
        var alternatives: [(word: String, distance: Int)] = []
    }

    private struct Candidate {
        var row: Int64
        var popularity: Double
        var relevance = 0.0
        var score = 0.0
    }

    func search(
        _ query: String, _ filters: SearchFilters, _ limit: Int, _ memory: borrowing Mutex<IndexMemory>,
        _ standing: SearchStanding
    ) throws(StorageError) -> SearchPage {
        var seen: Set<String> = []
        var terms = breaker.words(of: query).filter { seen.insert($0).inserted }.prefix(IndexReader.words).map {
            Term(word: $0)
        }
        var page = SearchPage()
        guard !terms.isEmpty else { return page }
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
                let word = terms[index].word
                let distance = Vocabulary.forgiven(in: word)
                guard distance > 0 else { continue }
                terms[index].alternatives = memory.withLock {
                    // The word itself is nothing to correct it to.
                    Array(
                        $0.vocabulary.nearest(to: word, distance: distance, limit: IndexReader.alternatives + 1)
                            .filter { $0.distance > 0 }.prefix(IndexReader.alternatives))
                }
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
        guard !candidates.isEmpty else { return page }
        if candidates.count > IndexReader.ranked {
            candidates.sort { ($1.popularity, $0.row) < ($0.popularity, $1.row) }
            candidates.removeSubrange(IndexReader.ranked...)
            candidates.sort { $0.row < $1.row }
        }
        try rank(&candidates, terms, memory)
        IndexReader.score(&candidates)
        page.hits = try hits(candidates, limit)
        return page
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
    private func frequencies(_ terms: [Term], _ memory: borrowing Mutex<IndexMemory>) -> [Double] {
        memory.withLock { memory in
            let all = Double(max(memory.count, 1))
            func frequency(_ entities: Int) -> Double {
                let held = min(Double(entities), all)
                return log(1 + (all - held + 0.5) / (held + 0.5))
            }
            return terms.flatMap { term in
                [frequency(term.entities), frequency(memory.vocabulary.entities(with: term.word))]
                    + term.alternatives.map {
                        frequency(memory.vocabulary.entities(with: $0.word)) / Double(1 << $0.distance)
                    }
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
        _ rows: [Int64], _ filters: SearchFilters, _ memory: borrowing Mutex<IndexMemory>, _ standing: SearchStanding
    ) -> [Candidate] {
        var admitted: [Int64] = []
        var keys: [Key128] = []
        memory.withLock { memory in
            let own = memory.filters(filters)
            for row in rows {
                guard let facts = memory[row], own.admits(facts) else { continue }
                admitted.append(row)
                keys.append(facts.key)
            }
        }
        guard !keys.isEmpty else { return [] }
        return zip(admitted, standing(keys)).compactMap { row, popularity in
            popularity.map { Candidate(row: row, popularity: $0) }
        }
    }

    /// Sets the relevance of candidates, which are in order of their rows.
    private func rank(
        _ candidates: inout [Candidate], _ terms: [Term], _ memory: borrowing Mutex<IndexMemory>
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

    /// score = 0.8 · relevance / greatest relevance + 0.2 · ln(1 + popularity) / ln(1 + greatest popularity).
    private static func score(_ candidates: inout [Candidate]) {
        let relevance = candidates.map(\.relevance).max() ?? 0
        let popularity = log(1 + max(0, candidates.map(\.popularity).max() ?? 0))
        for index in candidates.indices {
            let own = log(1 + max(0, candidates[index].popularity))
            candidates[index].score =
                relevanceShare * (relevance > 0 ? candidates[index].relevance / relevance : 0)
                + (1 - relevanceShare) * (popularity > 0 ? own / popularity : 0)
        }
        candidates.sort { ($1.score, $0.row) < ($0.score, $1.row) }
    }

    private func hits(_ candidates: [Candidate], _ limit: Int) throws(StorageError) -> [SearchHit] {
        var hits: [SearchHit] = []
        let statement = try database.cached(
            "SELECT type, id, title, brand, category_list, price, currency, inventory FROM docs WHERE n = ?1")
        defer { statement.reset() }
        for candidate in candidates.prefix(limit) {
            statement.reset()
            statement.bind(1, candidate.row)
            guard try statement.step() else { continue }
            hits.append(
                SearchHit(
                    entityType: statement.text(0), id: statement.text(1), title: statement.textOrNil(2),
                    brand: statement.textOrNil(3), categories: IndexWriter.list(statement.text(4)),
                    price: statement.textOrNil(5), currency: statement.textOrNil(6),
                    inventory: statement.isNull(7) ? nil : statement.integer(7), score: candidate.score))
        }
        return hits
    }
}
