public import Domain
internal import Synchronization

/// What a collector has done since it started.
public final class CollectorMetrics: Sendable {
    /// The figures at one moment.
    public struct Figures: Sendable {
        /// Interactions newly stored.
        public var accepted: UInt64 = 0
        /// Interactions known already.
        public var duplicates: UInt64 = 0
        /// Refused interactions by code.
        public var rejected: [String: UInt64] = [:]
        /// Requests refused because the queue was full.
        public var refused: UInt64 = 0
        /// Commits that failed.
        public var failedCommits: UInt64 = 0
        /// Sessions made and sessions found for interactions without one.
        public var sessionsCreated: UInt64 = 0
        /// Interactions that joined a session already open.
        public var sessionsFound: UInt64 = 0
        /// Interactions for which no session could be given.
        public var sessionFailures: UInt64 = 0
        /// Interactions a commit.
        public var commitRows = Histogram(bounds: Histogram.rows)
        /// Seconds a commit, waiting for the disk included.
        public var commitSeconds = Histogram(bounds: Histogram.seconds)
        /// Seconds a commit waited for the disk.
        public var syncSeconds = Histogram(bounds: Histogram.seconds)
    }

    private let figures = Mutex(Figures())

    /// All zero.
    public init() {}

    /// The figures now.
    public var current: Figures { figures.withLock { $0 } }

    func update(_ change: (inout Figures) -> Void) { figures.withLock { change(&$0) } }
}
