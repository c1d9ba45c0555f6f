/// How a file holds interactions.
public enum DatasetFormat: String, Sendable, CaseIterable {
    /// A line for each user: the user, then the items, oldest first.
    case lists
    /// A line for each interaction: user, item, and optionally weight and time.
    case pairs
    /// Tab-separated columns SessionId, ItemId and Time, which a header names.
    case sessions
}

/// An interaction within a run.
public struct DatasetEntry: Sendable, Equatable {
    /// Number of the item.
    public var item: UInt32
    /// How much it counts; 1 where the file does not say.
    public var weight: Float
    /// Milliseconds since the epoch, where the file says.
    public var time: Int64?

    /// An interaction that counts 1 at an unknown time, unless told otherwise.
    public init(item: UInt32, weight: Float = 1, time: Int64? = nil) {
        self.item = item
        self.weight = weight
        self.time = time
    }
}

/// What one file holds: for each user, or session, the interactions, oldest first.
public struct DatasetPart: Sendable, Equatable {
    /// By number of the user; by start, for sessions.
    public var runs: [[DatasetEntry]]
    /// Whether the entries have times.
    public var hasTimes: Bool

    /// A part.
    public init(runs: [[DatasetEntry]] = [], hasTimes: Bool = false) {
        self.runs = runs
        self.hasTimes = hasTimes
    }

    /// Interactions in all.
    public var count: Int { runs.reduce(0) { $0 + $1.count } }

    /// The run of a user, empty for one that the part does not have.
    public func run(_ user: Int) -> [DatasetEntry] { user < runs.count ? runs[user] : [] }
}
