internal import Domain
internal import JSON
internal import Storage
internal import Synchronization

/// Who searched for what within the last half hour, so that a click that names no search finds the one it came from.
///
/// Two maps take turns: what is put in stands in the newer one, which becomes the older when it is full or half an hour
/// old. So it holds 65,536 entries at most.
final class RecentSearches: Sendable {
    /// Milliseconds within which a click belongs to a search.
    static let window: Int64 = 30 * 60_000
    private static let most = 32_768

    private struct Entry {
        var id: String
        var time: Int64
    }

    private struct Maps {
        var newer: [Key128: Entry] = [:]
        var older: [Key128: Entry] = [:]
        var begun: Int64 = 0
    }

    private let maps = Mutex(Maps())
    private let hasher: KeyHasher

    init(hasher: KeyHasher) { self.hasher = hasher }

    /// Takes in a search.
    func add(_ search: SearchRecord, at time: Int64) {
        let keys = keys(search.query, user: search.userID, visitor: search.anonymousID, session: search.sessionID)
        guard !keys.isEmpty else { return }
        maps.withLock { maps in
            if maps.newer.count >= RecentSearches.most || time - maps.begun > RecentSearches.window {
                maps.older = maps.newer
                maps.newer = [:]
                maps.begun = time
            }
            for key in keys { maps.newer[key] = Entry(id: search.id, time: time) }
        }
    }

    /// The last search of a person or session with a query.
    func find(query: String, user: String?, visitor: String?, session: String?, at time: Int64) -> String? {
        let keys = keys(query, user: user, visitor: visitor, session: session)
        return maps.withLock { maps in
            let found = keys.compactMap { maps.newer[$0] ?? maps.older[$0] }.filter {
                (0...RecentSearches.window).contains(time - $0.time)
            }
            return found.max { $0.time < $1.time }?.id
        }
    }

    /// Takes in the searches of the last half hour from the log.
    func load(from store: any TenantStore, now: Int64) throws(StorageError) {
        var recent: [LogRecord] = []
        var before = Int64.max
        while recent.count < RecentSearches.most {
            let page = try store.searches(before: before, isEmpty: false, limit: 1000)
            recent += page
            guard let last = page.last, page.count == 1000, last.receivedAt >= now - RecentSearches.window else {
                break
            }
            before = last.position
        }
        for record in recent.reversed() {
            if let search = SearchRecord(record.body) { add(search, at: record.receivedAt) }
        }
    }

    /// A query without what does not make it another one: case and the spaces between its words.
    static func normalised(_ query: String) -> String {
        query.lowercased().split(whereSeparator: \.isWhitespace).joined(separator: " ")
    }

    private func keys(_ query: String, user: String?, visitor: String?, session: String?) -> [Key128] {
        let words = RecentSearches.normalised(query)
        return [("u", user), ("v", visitor), ("s", session)].compactMap { kind, id in
            id.map { hasher.key("\(kind)\($0.utf8.count):\($0)\(words)", .interaction) }
        }
    }
}
