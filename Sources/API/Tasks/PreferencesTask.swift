internal import Domain
internal import JSON
internal import Live
internal import Storage

/// How far the log has been counted into `user_preferences`: everything up to `position`; of what lies above it up to
/// `end`, the users up to `user`. Stored in one commit with the rows, so that each interaction is counted once.
private struct PreferencesProgress {
    var position: Int64 = 0
    var end: Int64?
    var user: String?

    static let key = "task_user_preferences"

    init() {}

    init(_ text: String?) {
        guard let text, let document = try? JSONValue(parsing: text) else { return }
        position = document["position"]?.integerValue ?? 0
        end = document["end"]?.integerValue
        user = document["user"]?.stringValue
    }

    var values: [String: String] {
        var object: JSONObject = ["position": .integer(position)]
        if let end { object["end"] = .integer(end) }
        if let user { object["user"] = .string(user) }
        return [PreferencesProgress.key: JSONValue.object(object).text]
    }
}

/// Spreads a run over its time, lest it take a large share of a processor for a short while.
private struct Pace {
    /// Most that work rests for, by how long it took.
    private static let longestPause = 31.0
    private let begun = monotonicNanoseconds()
    private let seconds: Double

    /// A run that may take so many seconds, and takes longer when it has to.
    init(seconds: Double) { self.seconds = seconds }

    /// How long to rest, by how long `done` took since `begun`, when `left` more are to come.
    func pause(after done: Int, since begun: UInt64, before left: Int) -> Double {
        let now = monotonicNanoseconds()
        let remaining = seconds - Double(now &- self.begun) / 1e9
        let work = Double(now &- begun) / 1e9 * Double(left) / Double(max(1, done))
        guard work > 0, remaining > 0 else { return TaskScheduler.shortestPause }
        return min(max(remaining / work - 1, TaskScheduler.shortestPause), Self.longestPause)
    }
}

extension TaskScheduler.Run {
    /// Users after which what was found is written: below it, a user who was active more than once is written once.
    private static let mostUsers = 200_000
    /// Bytes after which a commit takes no more rows: a user's last interactions come to 8 KiB, and those who wait for the
    /// commit wait for all of it.
    private static let bytesPerWrite = 128 << 10
    /// Positions of the log that are read at once: some milliseconds' work.
    private static let positionsPerRead: Int64 = 16_384

    /// Writes a row of `user_preferences` for each user with interactions since the last run.
    func writePreferences() throws(TaskFailure) -> TaskOutcome {
        var progress: PreferencesProgress
        do throws(StorageError) {
            progress = PreferencesProgress(try tenant.store.value(forKey: PreferencesProgress.key))
        } catch {
            throw TaskFailure(error)
        }
        let last = tenant.store.lastPosition
        var changed = 0
        let interval = configuration.seconds[.userPreferences] ?? TaskName.userPreferences.standardSeconds
        let pace = Pace(seconds: interval / Double(2 * max(1, tenants)))
        while progress.position < last {
            if isStopping() { throw Self.stopping }
            let (activities, end) = try active(
                after: progress.position, through: progress.end ?? last,
                users: progress.end == nil ? Self.mostUsers : .max)
            if isStopping() { throw Self.stopping }
            progress.end = end
            // In the order of their bytes, by which a broken run goes on.
            var users = activities.keys.sorted { $0.utf8.lexicographicallyPrecedes($1.utf8) }
            if let done = progress.user { users.removeAll { !done.utf8.lexicographicallyPrecedes($0.utf8) } }
            var start = 0
            repeat {
                if isStopping() { throw Self.stopping }
                let begun = monotonicNanoseconds()
                var rows: [PreferencesRow] = []
                var bytes = 0
                for user in users[start...].prefix(configuration.rowsPerWrite) where bytes < Self.bytesPerWrite {
                    let row = try row(user, activities[user]?.interactions ?? 0, activities[user]?.orders ?? 0)
                    bytes += row.recent.utf8.count
                    rows.append(row)
                }
                start += rows.count
                var next = progress
                if start == users.count {
                    (next.position, next.end, next.user) = (end, nil, nil)
                } else {
                    next.user = rows.last?.userID
                }
                let pause =
                    isAwaited
                    ? TaskScheduler.shortestPause
                    : pace.pause(after: rows.count, since: begun, before: users.count - start)
                guard let count = try write(.preferences(rows), next.values, begun: begun, pause: pause) else {
                    return .waiting(rows: changed, reason: Self.waiting)
                }
                progress = next
                changed += count
            } while start < users.count
        }
        return .done(rows: changed)
    }

    /// Whether somebody has asked for this run or for the next one.
    private var isAwaited: Bool { wasRequested || tenant.tasks.state(.userPreferences).isRequested }

    private typealias Activity = (interactions: Int64, orders: Int64)

    /// The users in a stretch of the log with what they did in it, and where the stretch ends: at `last`, or before it when
    /// it has about `most` users.
    private func active(
        after position: Int64, through last: Int64, users most: Int
    ) throws(TaskFailure) -> ([String: Activity], Int64) {
        var users: [String: Activity] = [:]
        var end = position
        while end < last, !isStopping() {
            let begun = monotonicNanoseconds()
            let next = min(end + Self.positionsPerRead, last)
            do throws(StorageError) {
                for user in try tenant.store.activity(after: end, through: next) {
                    users[user.userID, default: (0, 0)].interactions += user.interactions
                    users[user.userID, default: (0, 0)].orders += user.orders
                }
            } catch {
                throw TaskFailure(error)
            }
            end = next
            if users.count >= most { break }
            if !isAwaited { rest(since: begun) }
        }
        return (users, end)
    }

    /// A user's row as the API would answer now. One key look-up in the store.
    func row(_ user: String, _ interactions: Int64, _ orders: Int64) throws(TaskFailure) -> PreferencesRow {
        var writer = JSONWriter(reserving: 8192)
        writer.beginArray()
        for recent in tenant.live.recent(user: user) ?? [] {
            writer.beginObject()
            writer.key("type")
            writer.string(recent.type)
            writer.key("entity_type")
            writer.string(recent.entityType)
            writer.key("entity_id")
            writer.string(recent.entityID)
            writer.time("occurred_at", recent.occurredAt)
            writer.endObject()
        }
        writer.endArray()
        var preferences = PreferencesRow(
            userID: user, recent: String(decoding: writer.bytes, as: UTF8.self), newInteractions: interactions,
            newOrders: orders)
        if let profile = tenant.live.profile(user: user, now: clock()) {
            preferences.categories = Self.shares(profile.categories)
            preferences.brands = Self.shares(profile.brands)
        }
        do throws(StorageError) {
            let purchases = try tenant.purchases(of: user)
            preferences.totalSpent = Self.amounts(purchases) { $0.total }
            preferences.averageOrder = Self.amounts(purchases) { $0.average }
            preferences.lastOrder = purchases.lastOrderAt
        } catch {
            throw TaskFailure(error)
        }
        return preferences
    }

    /// An amount, or each currency's in an object: amounts of two currencies are never added up.
    private static func amounts(_ purchases: Purchases, _ amount: (Purchases.Spent) -> Money) -> String? {
        if purchases.spent.count <= 1 { return purchases.spent.first.map { amount($0.value).description } }
        let sorted = purchases.spent.sorted { $0.key < $1.key }
        return JSONValue.object(
            JSONObject(sorted.map { (key: $0.key, value: .string(amount($0.value).description)) })
        ).text
    }

    /// Name to share, strongest first. Shares stay what they are as time passes, which weights do not.
    private static func shares(_ affinities: [Affinity]) -> String {
        var writer = JSONWriter(reserving: 512)
        writer.beginObject()
        for affinity in affinities {
            writer.key(affinity.name)
            writer.double(affinity.share)
        }
        writer.endObject()
        return String(decoding: writer.bytes, as: UTF8.self)
    }
}
