public import JSON

extension TenantSettings {
    /// Reads settings from their document: every field is optional and has its documented default; an unknown field is
    /// refused.
    public init(document: JSONValue) throws(FootfallError) {
        self.init()
        try merge(document)
    }

    /// Changes the settings that a document names and leaves the others.
    public mutating func merge(_ document: JSONValue) throws(FootfallError) {
        var reader = try DocumentReader(document, path: "", code: "invalid_settings")
        var changed = self
        if let minutes = try reader.integer("session_timeout_minutes", in: 1...1440) {
            changed.sessionTimeout = minutes * 60_000
        }
        if let hours = try reader.number("trending_half_life_hours") {
            guard hours >= 0.1, hours <= 87_600 else {
                throw FootfallError(
                    "invalid_settings", "The half-life lies between 0.1 and 87600 hours.",
                    path: "/trending_half_life_hours")
            }
            changed.trendingHalfLifeHours = hours
        }
        changed.trendingWindowHours =
            try reader.integer("trending_window_hours", in: 1...720) ?? changed.trendingWindowHours
        if let days = try reader.optionalInteger("retention_days", in: 1...36_500) { changed.retentionDays = days }
        changed.trustsUserIDs = try reader.bool("trust_user_ids") ?? changed.trustsUserIDs
        if let domains = try reader.strings("domains") {
            changed.domains = domains.map { $0.lowercased() }
        }
        func limit(_ name: String, _ current: Int, _ range: ClosedRange<Int64>) throws(FootfallError) -> Int {
            try reader.integer(name, in: range).map { Int($0) } ?? current
        }
        changed.maximumIDBytes = try limit("maximum_id_bytes", maximumIDBytes, 16...4096)
        changed.maximumMetadataBytes = try limit("maximum_metadata_bytes", maximumMetadataBytes, 2...1_048_576)
        changed.maximumMetadataDepth = try limit("maximum_metadata_depth", maximumMetadataDepth, 1...256)
        changed.maximumBatch = try limit("maximum_batch", maximumBatch, 1...100_000)
        changed.maximumBodyBytes = try limit("maximum_body_bytes", maximumBodyBytes, 1024...67_108_864)
        changed.maximumStreamBytes = try limit("maximum_stream_bytes", maximumStreamBytes, 1024...268_435_456)
        changed.maximumRefusedBytes =
            try reader.integer("maximum_refused_bytes", in: 65_536...1_099_511_627_776) ?? changed.maximumRefusedBytes
        try changed.ranking.merge(&reader)
        try changed.training.merge(&reader)
        try reader.refuseRest()
        self = changed
    }

    /// All settings as a document.
    public var document: JSONValue {
        var object: JSONObject = [
            "session_timeout_minutes": .integer(sessionTimeout / 60_000),
            "trending_half_life_hours": .double(trendingHalfLifeHours),
            "trending_window_hours": .integer(trendingWindowHours),
            "retention_days": retentionDays.map { .integer($0) } ?? .null,
            "trust_user_ids": .bool(trustsUserIDs),
            "domains": .array(domains.map { .string($0) }),
            "maximum_id_bytes": .integer(Int64(maximumIDBytes)),
            "maximum_metadata_bytes": .integer(Int64(maximumMetadataBytes)),
            "maximum_metadata_depth": .integer(Int64(maximumMetadataDepth)),
            "maximum_batch": .integer(Int64(maximumBatch)),
            "maximum_body_bytes": .integer(Int64(maximumBodyBytes)),
            "maximum_stream_bytes": .integer(Int64(maximumStreamBytes)),
            "maximum_refused_bytes": .integer(maximumRefusedBytes),
        ]
        for field in ranking.fields + training.fields { object[field.name] = field.value }
        return .object(object)
    }
}
