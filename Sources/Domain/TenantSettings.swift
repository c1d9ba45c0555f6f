/// What a tenant's owner can set apart from the tracking plan.
public struct TenantSettings: Sendable, Equatable {
    /// Silence that ends a session, in milliseconds.
    public var sessionTimeout: Int64 = 30 * 60_000
    /// Half-life of the trending score, in hours.
    public var trendingHalfLifeHours: Double = 72
    /// Window of the trending score, in whole hours.
    public var trendingWindowHours: Int64 = 168
    /// How long interactions are kept, in days; `nil` is for ever.
    public var retentionDays: Int64? = 90
    /// Whether a write key may read what belongs to any user without a user token.
    public var trustsUserIDs = false
    /// Shop domains that stand for this tenant.
    public var domains: [String] = []
    /// Longest id, in UTF-8 bytes.
    public var maximumIDBytes = 256
    /// Longest metadata, in UTF-8 bytes of its JSON text.
    public var maximumMetadataBytes = 32_768
    /// Deepest metadata, in levels.
    public var maximumMetadataDepth = 32
    /// Most interactions in one request.
    public var maximumBatch = 1000
    /// Longest request body, in bytes, once decompressed.
    public var maximumBodyBytes = 1_048_576
    /// Longest newline-delimited body, in bytes, once decompressed.
    public var maximumStreamBytes = 16 * 1_048_576
    /// What is kept of refused interactions, and as much of error reports, in bytes; the oldest make room.
    public var maximumRefusedBytes: Int64 = 64 * 1_048_576

    /// How lists are ranked.
    public var ranking = RankingSettings()
    /// How and when models are trained.
    public var training = TrainingSettings()

    /// The documented defaults.
    public init() {}
}
