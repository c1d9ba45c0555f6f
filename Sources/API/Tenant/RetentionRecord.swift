internal import JSON
internal import Storage

/// What a record of kind ``LogRecord/Kind/retention`` says.
struct RetentionRecord {
    /// What happened before this moment is cleaned up, in milliseconds since the epoch.
    let before: Int64
    /// How many interactions and searches were removed; `nil` when their sessions were folded.
    let removed: Int?
    /// The last position of which anything may have been removed so far; `nil`: any before the record.
    let through: Int64?

    init(before: Int64, removed: Int?, through: Int64?) {
        self.before = before
        self.removed = removed
        self.through = through
    }

    init(_ record: LogRecord) throws(StorageError) {
        guard let document = try? JSONValue(parsing: record.body), let before = document["before"]?.integerValue else {
            throw StorageError("store_corrupt", "The record at position \(record.position) cannot be read.")
        }
        self.before = before
        removed = document["removed"]?.integerValue.map { Int($0) }
        through = document["through"]?.integerValue
    }

    /// The record to append.
    func logged(_ now: Int64) -> LogRecord {
        var body: JSONObject = ["before": .integer(before)]
        if let removed { body["removed"] = .integer(Int64(removed)) }
        if let through { body["through"] = .integer(through) }
        return LogRecord(kind: .retention, receivedAt: now, body: Array(JSONValue.object(body).text.utf8))
    }
}
