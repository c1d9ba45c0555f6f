/// How a tenant's log becomes a model.
public struct TrainingOptions: Sendable, Equatable {
    /// Days after which an interaction counts half.
    public var halfLifeDays: Double = 90
    /// The latest items of each person that are looked at.
    public var longestHistory = 1_000
    /// Items that a model knows at most: those that most persons had to do with.
    public var maximumItems = 1_000_000
    /// Memory that a training may take, in bytes, what it reads included.
    public var memoryBytes = 2 << 30
    /// Seconds of processor time that choosing hyper-parameters may take; 0: 60.
    public var tuningSeconds: Double = 0
    /// Processors used.
    public var threads = 1
    /// Share of new interactions from which on a model is renewed when it is not worse.
    public var renewalShare = 0.2

    /// The defaults.
    public init() {}

    /// Clicks of sessions that are kept at most, the latest: 80 bytes a click while the log is read.
    var maximumClicks: Int { max(1_000, min(1_000_000, memoryBytes / 1_280)) }

    /// Pairs of person and item that are read at most, so that they take no more than a quarter of the memory: 80 bytes a
    /// pair while the log is read.
    var maximumPairs: Int { max(1_000, min(memoryBytes / 320, Int(UInt32.max) / 4)) }
}
