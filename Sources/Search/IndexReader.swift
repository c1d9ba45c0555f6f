internal import CSQLite
internal import Domain
internal import Glibc
internal import Storage

/// Searches in an index. Belongs to one thread.
///
/// Words are looked up in memory (``IndexMemory``), or with FTS5 when memory does not hold them; what is shown of the
/// entities of a page is read from the file.
final class IndexReader {
    /// Rows that are ranked.
    static let ranked = 400
    /// Words of a query that count, and words that each may be corrected to.
    static let words = 12
    static let alternatives = 8
    /// With fewer rows than this, words are taken to be mistyped.
    static let few = 3
    /// Weights of title, description, brand and categories.
    static let weights = [8.0, 1.0, 4.0, 3.0]
    /// Share of the relevance in the score; the rest is the popularity's.
    static let relevanceShare = 0.8

    let database: IndexDatabase
    let ranking: UnsafeMutablePointer<ff_fts5_ranking>
    private let breaker: WordBreaker
    private let scratch = SearchScratch()

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

    /// An entity that matches.
    struct Candidate {
        var row: Int64
        var popularity: Double
        var relevance = 0.0
        var score = 0.0
    }

    func search(
        _ query: String, _ filters: SearchFilters, _ limit: Int, _ memory: SharedMemory, _ standing: SearchStanding
    ) throws(StorageError) -> SearchPage {
        let words = Array(breaker.words(of: query).prefix(IndexReader.words))
        var page = SearchPage()
        guard !words.isEmpty else { return page }
        // In one look at the memory, so that it cannot be given up between the question and the search.
        let matches = memory.read { memory in
            memory.hasWords ? memory.search(words, filters, scratch) : nil
        }
        var candidates: [Candidate] = []
        if let matches {
            page.total = matches.total
            page.hasMore = matches.hasMore
            page.corrections = matches.corrections
            candidates = zip(matches.candidates, standing(matches.candidates.map(\.key))).compactMap {
                match, popularity in
                popularity.map { Candidate(row: Int64(match.row), popularity: $0, relevance: match.relevance) }
            }
            page.total -= matches.candidates.count - candidates.count
        } else {
            candidates = try searchFile(words, filters, memory, standing, &page)
        }
        IndexReader.score(&candidates)
        page.hits = try hits(candidates, limit)
        return page
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
        guard !candidates.isEmpty else { return hits }
        try database.execute("BEGIN")
        defer { try? database.execute("COMMIT") }
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
