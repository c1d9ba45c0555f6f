/// A record of a tenant's log that is not an interaction. All kinds share one order of positions.
public struct LogRecord: Sendable, Equatable {
    /// What a record is about. Open: a reader skips kinds it does not know only when they are marked as ignorable by
    /// their owner; otherwise it stops.
    public struct Kind: RawRepresentable, Sendable, Hashable {
        /// The stored name.
        public let rawValue: String
        /// A kind by its stored name.
        public init(rawValue: String) { self.rawValue = rawValue }
        /// A new version of the tracking plan; the body is the plan's document.
        public static let plan = Kind(rawValue: "plan")
        /// New settings; the body is the whole settings document.
        public static let settings = Kind(rawValue: "settings")
        /// An entity as it is from now on (a deleted one carries `"deleted": true`); the body is its document.
        public static let entity = Kind(rawValue: "entity")
        /// Clean-up of what happened before a moment: `{"before": ms}`, with `"removed": n` when it says that so many
        /// interactions and searches went, without when it says that their sessions were folded. Nothing after the position
        /// `"through"` was removed by it or by one before it; without that, it may lie anywhere before the record.
        public static let retention = Kind(rawValue: "retention")
        /// A search and the page that was shown; the body is a ``SearchRecord``'s document.
        public static let search = Kind(rawValue: "search")
    }

    /// Its place in the log, from 1; 0 until appended.
    public var position: Int64
    /// What it is about.
    public var kind: Kind
    /// Version of the body's form.
    public var version: Int
    /// When the server received it, in milliseconds since the epoch.
    public var receivedAt: Int64
    /// The body: JSON text.
    public var body: [UInt8]

    /// A record that is not appended yet.
    public init(kind: Kind, version: Int = 1, receivedAt: Int64, body: [UInt8]) {
        position = 0
        self.kind = kind
        self.version = version
        self.receivedAt = receivedAt
        self.body = body
    }
}
