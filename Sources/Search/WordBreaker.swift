internal import CSQLite
internal import Storage

/// Breaks text into the words that the index has of it: FTS5's `unicode61`, which takes letters and digits of every
/// script, folds case and removes diacritics. Belongs to one thread.
final class WordBreaker {
    private var words = ff_fts5_words()
    private let database: IndexDatabase

    /// A breaker that lives as long as `database` does at least.
    init(_ database: IndexDatabase) throws(StorageError) {
        self.database = database
        guard ff_fts5_words_open(database.handle, &words) == SQLITE_OK else {
            throw StorageError("store_io", "SQLite has no full-text search (FTS5).")
        }
    }

    deinit { ff_fts5_words_close(&words) }

    private final class Collected {
        var words = TextWords()
        var column = 0
    }

    /// The words of texts, in order, repeats included; the column is the place of the text.
    func words(of texts: [String?]) -> TextWords {
        let collected = Collected()
        for (column, text) in texts.enumerated() {
            guard var text else { continue }
            collected.column = column
            text.withUTF8 { utf8 in
                guard let start = utf8.baseAddress, let length = Int32(exactly: utf8.count) else { return }
                let context = Unmanaged.passUnretained(collected).toOpaque()
                start.withMemoryRebound(to: CChar.self, capacity: utf8.count) { bytes in
                    _ = ff_fts5_words_each(&words, bytes, length, context) { context, _, word, length, _, _ in
                        guard let context, let word, length > 0 else { return SQLITE_OK }
                        let collected = Unmanaged<Collected>.fromOpaque(context).takeUnretainedValue()
                        collected.words.append(
                            UnsafeRawBufferPointer(start: word, count: Int(length)), column: collected.column)
                        return SQLITE_OK
                    }
                }
            }
        }
        return collected.words
    }

    /// The different words of a query, in order.
    func words(of query: String) -> [String] {
        var words: [String] = []
        var seen: Set<[UInt8]> = []
        self.words(of: [query]).forEach { word, _ in
            if seen.insert(Array(word)).inserted { words.append(String(decoding: word, as: UTF8.self)) }
        }
        return words
    }
}
