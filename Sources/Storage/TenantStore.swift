public import Domain

/// A stretch of a tenant's log, in order of positions.
public enum LogChunk: Sendable {
    /// Consecutive interactions, resolved: names numbered, keys computed.
    case interactions(InteractionBatch)
    /// One other record.
    case record(LogRecord)
}

/// How many interactions of one type an entity had on one day, of those that clean-up has removed.
public struct DailyTotal: Sendable, Equatable {
    /// Days since the epoch.
    public var day: Int64
    /// Entity type.
    public var entityType: String
    /// Entity id.
    public var entityID: String
    /// Canonical interaction type.
    public var type: String
    /// How many.
    public var count: Int64
    /// The last moment among them, in milliseconds since the epoch.
    public var lastAt: Int64

    /// A total.
    public init(day: Int64, entityType: String, entityID: String, type: String, count: Int64, lastAt: Int64) {
        self.day = day
        self.entityType = entityType
        self.entityID = entityID
        self.type = type
        self.count = count
        self.lastAt = lastAt
    }
}

/// Sessions that began on one day, of those that clean-up has removed.
public struct DailySessions: Sendable, Equatable {
    /// Days since the epoch.
    public var day: Int64
    /// Sessions.
    public var sessions: Int64
    /// Sessions with one page view and nothing else.
    public var bounces: Int64

    /// A total.
    public init(day: Int64, sessions: Int64, bounces: Int64) {
        self.day = day
        self.sessions = sessions
        self.bounces = bounces
    }
}

/// A refused interaction, kept so that it can be sent again once the plan is mended.
public struct RejectedInteraction: Sendable, Equatable {
    /// Its number, from 1.
    public var number: Int64
    /// When it was received, in milliseconds since the epoch.
    public var receivedAt: Int64
    /// When the client says it sent it, in milliseconds since the epoch.
    public var sentAt: Int64?
    /// The id the client gave, if it could be read.
    public var id: String?
    /// Why: stable code.
    public var code: String
    /// Why: the sentence.
    public var message: String
    /// The item's JSON text in the canonical shape, or as it was sent when it could not be brought into it.
    public var raw: String
    /// Version of the plan it was checked against last.
    public var planVersion: Int64

    /// A rejected interaction as stored.
    public init(
        number: Int64, receivedAt: Int64, sentAt: Int64?, id: String?, code: String, message: String, raw: String,
        planVersion: Int64
    ) {
        self.number = number
        self.receivedAt = receivedAt
        self.sentAt = sentAt
        self.id = id
        self.code = code
        self.message = message
        self.raw = raw
        self.planVersion = planVersion
    }
}

/// Why a refused interaction did not pass when it was checked last.
public struct RefusalReason: Sendable, Equatable {
    /// Its number.
    public var number: Int64
    /// Stable code.
    public var code: String
    /// The sentence.
    public var message: String
    /// Version of the plan it was checked against.
    public var planVersion: Int64

    /// A reason.
    public init(number: Int64, code: String, message: String, planVersion: Int64) {
        self.number = number
        self.code = code
        self.message = message
        self.planVersion = planVersion
    }
}

extension RejectedInteraction {
    /// Why it is refused.
    public var reason: RefusalReason {
        get { RefusalReason(number: number, code: code, message: message, planVersion: planVersion) }
        set { (code, message, planVersion) = (newValue.code, newValue.message, newValue.planVersion) }
    }
}

/// An error that a client or the server itself reported (Music's six fields).
public struct SystemError: Sendable, Equatable {
    /// Where it happened.
    public var context: String
    /// Category: `validation`, `network`, `database`, `authentication`.
    public var category: String
    /// What happened.
    public var message: String
    /// Stack trace.
    public var stack: String?
    /// Further data: JSON text of an object.
    public var metadata: String
    /// The user it happened to.
    public var userID: String?
    /// When, in milliseconds since the epoch.
    public var timestamp: Int64

    /// An error report.
    public init(
        context: String, category: String, message: String, stack: String?, metadata: String, userID: String?,
        timestamp: Int64
    ) {
        self.context = context
        self.category = category
        self.message = message
        self.stack = stack
        self.metadata = metadata
        self.userID = userID
        self.timestamp = timestamp
    }
}

/// How much a user did in a stretch of the log.
public struct UserActivity: Sendable, Equatable {
    /// The user.
    public var userID: String
    /// Interactions.
    public var interactions: Int64
    /// Those of type `order`.
    public var orders: Int64

    /// A user's figures.
    public init(userID: String, interactions: Int64, orders: Int64) {
        self.userID = userID
        self.interactions = interactions
        self.orders = orders
    }
}

/// What can be written inside one commit. Used on the tenant's writer thread only.
public protocol TenantTransaction: AnyObject {
    /// Appends every accepted row to the log, giving it its position, and keeps every rejected one. `sentAt` is the
    /// request's own. Duplicates are passed over.
    func append(_ batch: inout InteractionBatch, sentAt: Int64?) throws(StorageError)
    /// Appends another record and brings the tables that show it (entities, plan versions, settings) up to date.
    /// Returns its position. `entity` is the entity that an ``LogRecord/Kind/entity`` record's body says.
    func append(_ record: LogRecord, entity: Entity?) throws(StorageError) -> Int64
    /// Appends a record and stores the document that it says. Returns their position.
    func append(_ record: LogRecord, document: StoredDocument) throws(StorageError) -> Int64
    /// Stores a document that follows from what this transaction has appended last.
    func put(_ document: StoredDocument) throws(StorageError)
    /// Marks rejected interactions as replayed: they are listed no more.
    func removeRejected(_ numbers: [Int64]) throws(StorageError)
    /// Gives rejected interactions the reason of a later check. Those that are gone are passed over.
    func setReasons(_ reasons: [RefusalReason]) throws(StorageError)
    /// Keeps an error report.
    func append(_ error: SystemError) throws(StorageError)
    /// Removes up to `maximumRows` interactions that happened before `before`, folding them into daily totals, and
    /// rejected interactions and error reports received before it; likewise searches made before it. What stands after
    /// `position` in the log stays. Returns how many interactions and searches it removed.
    func expire(before: Int64, upTo position: Int64, maximumRows: Int) throws(StorageError) -> Int
    /// Adds to the folded totals of sessions.
    func foldSessions(_ totals: [DailySessions]) throws(StorageError)
    /// Writes rows of a derived table and returns how many it changed. `nil`, with nothing written, while the store
    /// cannot take them (its overflow is in use): to be tried again later. `updatedAt` in milliseconds since the epoch.
    func write(_ rows: DerivedRows, updatedAt: Int64) throws(StorageError) -> Int?
    /// Sets a small named value that belongs to the store (watermarks, …).
    func setValue(_ value: String, forKey key: String) throws(StorageError)
}

/// A tenant's log and tables, behind which an embedded or a shared database can stand.
///
/// One thread writes (``commit(_:)``, ``write(_:)``); any thread reads. Every read is of committed data.
public protocol TenantStore: AnyObject, Sendable {
    /// The secret seed of the tenant's keys, made once when the store is.
    var seed: UInt64 { get }
    /// The last position of the log; 0 when it is empty.
    var lastPosition: Int64 { get }
    /// Number of interactions stored now.
    func interactionCount() throws(StorageError) -> Int64

    /// Runs `work` and makes everything it wrote durable, all of it or nothing: when this returns, it is on disk.
    /// Many requests share one commit. Writer thread only.
    func commit(_ work: (any TenantTransaction) throws(StorageError) -> Void) throws(StorageError)
    /// Does ``commit(_:)`` without waiting for the disk: others can read it on return, and it is durable after the next
    /// ``synchronize()`` or ``commit(_:)``, with everything before it or not at all. Writer thread only.
    func write(_ work: (any TenantTransaction) throws(StorageError) -> Void) throws(StorageError)
    /// Returns when everything written before the call is durable. After an error nothing more is written until the store
    /// is opened anew. Any thread.
    func synchronize() throws(StorageError)

    /// Reads the log after a position, oldest first, in chunks of up to a few thousand rows, until `body` returns false
    /// or the end. At least a million rows a second: a restart replays with it. Rejected and expired rows are not in it.
    func scan(after position: Int64, resolver: RowResolver, _ body: (LogChunk) throws(StorageError) -> Bool)
        throws(StorageError)
    /// What each user did at the positions after one, up to another: users that are named, in any order. Some .3 µs a
    /// position; to be asked for some ten thousand positions at a time.
    func activity(after position: Int64, through last: Int64) throws(StorageError) -> [UserActivity]
    /// The interactions at the given positions, in the order given; those that are gone are left out.
    func interactions(at positions: [Int64], resolver: RowResolver) throws(StorageError) -> InteractionBatch
    /// The interactions that pass a filter, in order of positions. Looks at a bounded number of positions.
    func interactions(_ query: InteractionQuery) throws(StorageError) -> InteractionPage
    /// The newest record of a kind at or before a position.
    func lastRecord(_ kind: LogRecord.Kind, upTo position: Int64) throws(StorageError) -> LogRecord?
    /// Records of a kind after a position, up to another, oldest first.
    func records(_ kind: LogRecord.Kind, after: Int64, upTo: Int64, limit: Int) throws(StorageError) -> [LogRecord]
    /// Searches before a position, newest first; with `isEmpty` only those that found nothing.
    func searches(before: Int64, isEmpty: Bool, limit: Int) throws(StorageError) -> [LogRecord]
    /// Folded totals of expired interactions.
    func dailyTotals(_ body: (DailyTotal) -> Void) throws(StorageError)
    /// Folded totals of expired sessions.
    func dailySessions() throws(StorageError) -> [DailySessions]

    /// Rejected interactions numbered above `after`, oldest first, optionally of one code.
    func rejected(after: Int64, code: String?, limit: Int) throws(StorageError) -> [RejectedInteraction]
    /// How many rejected interactions are kept.
    func rejectedCount() throws(StorageError) -> Int64
    /// How many rejected interactions of one code are kept. Looks at all that are kept, which ``keepRefused(atMost:)`` bounds.
    func rejectedCount(code: String) throws(StorageError) -> Int64
    /// From the next one on, keeps at most about so many bytes of refused interactions and as many of error reports: the
    /// oldest make room. While a store writes to two files, that holds for each of them. Without a call there is no bound.
    func keepRefused(atMost bytes: Int64)
    /// How many refused interactions and error reports have been removed for that since the store was opened.
    var droppedRefused: Int64 { get }
    /// Error reports, newest first.
    func systemErrors(limit: Int) throws(StorageError) -> [SystemError]

    /// The entity with a type and id, deleted and placeholder ones included.
    func entity(type: String, id: String) throws(StorageError) -> Entity?
    /// Entities of a type in order of id, after an id; deleted ones left out.
    func entities(type: String?, after: (type: String, id: String)?, limit: Int) throws(StorageError) -> [Entity]
    /// The document with an id, a deleted one included.
    func document(_ kind: StoredDocument.Kind, id: String) throws(StorageError) -> StoredDocument?
    /// Documents of a kind in order of id, after an id; deleted ones left out.
    func documents(_ kind: StoredDocument.Kind, after id: String?, limit: Int) throws(StorageError) -> [StoredDocument]
    /// Documents of a kind that belong to a user, the last changed first, changed before a position; deleted ones left
    /// out.
    func documents(_ kind: StoredDocument.Kind, owner: String, before position: Int64?, limit: Int)
        throws(StorageError) -> [StoredDocument]
    /// The newest plan document and its version; `nil` before the first.
    func plan() throws(StorageError) -> (version: Int64, document: String)?
    /// The plan document of a version.
    func plan(version: Int64) throws(StorageError) -> String?
    /// Plan versions with their times in milliseconds, newest first.
    func planVersions() throws(StorageError) -> [(version: Int64, createdAt: Int64)]
    /// The settings document, `nil` before the first.
    func settings() throws(StorageError) -> String?
    /// Users of `user_preferences` in order of id, after an id, with the moment of the oldest interaction in their rows.
    func preferencesUsers(after: String, limit: Int) throws(StorageError) -> [(id: String, oldest: Int64?)]
    /// A small named value.
    func value(forKey key: String) throws(StorageError) -> String?

    /// Opens what keeps served lists beside the log. Throws when the file cannot be used; `anew` puts it aside and begins
    /// an empty one.
    func openLists(anew: Bool) throws(StorageError) -> any ListStore

    /// Copies everything committed before the call into a new file, beside the writer, and returns the last log position
    /// in it. `progress` is told of parts done and of all, and answers whether to go on. Throws `store_busy`, and what
    /// writing throws.
    func backUp(to path: String, progress: (Int64, Int64) -> Bool) throws(StorageError) -> Int64
    /// Size on disk in bytes by part (`database`, `wal`, …), for metrics.
    func sizes() -> [(part: String, bytes: Int64)]
    /// Moves what the write-ahead log holds into the database and closes everything. Idempotent.
    func close()
}
