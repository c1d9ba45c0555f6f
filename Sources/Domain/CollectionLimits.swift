/// What a tenant's settings allow of what is sent, in a form that costs nothing to hand on with every request.
public struct CollectionLimits: Sendable, Equatable {
    /// Longest id, in UTF-8 bytes.
    public var maximumIDBytes: Int
    /// Longest metadata, in UTF-8 bytes of its JSON text.
    public let maximumMetadataBytes: Int
    /// Deepest metadata, in levels.
    public let maximumMetadataDepth: Int
    /// Most interactions in one request.
    public let maximumBatch: Int
    /// Longest request body, in bytes, once decompressed.
    public let maximumBodyBytes: Int
    /// Longest newline-delimited body, in bytes, once decompressed.
    public let maximumStreamBytes: Int
    /// How long interactions are kept, in days; `nil` is for ever.
    public let retentionDays: Int64?

    /// The limits that settings have.
    public init(_ settings: TenantSettings) {
        maximumIDBytes = settings.maximumIDBytes
        maximumMetadataBytes = settings.maximumMetadataBytes
        maximumMetadataDepth = settings.maximumMetadataDepth
        maximumBatch = settings.maximumBatch
        maximumBodyBytes = settings.maximumBodyBytes
        maximumStreamBytes = settings.maximumStreamBytes
        retentionDays = settings.retentionDays
    }
}
