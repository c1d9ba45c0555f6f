internal import JSON

/// How lists are ranked, per tenant.
public struct RankingSettings: Sendable, Equatable {
    /// Weight of price fit and availability.
    public var baseWeight = 0.5
    /// Weight of what the person, the session and the models say.
    public var personalWeight = 0.3
    /// Weight of popularity.
    public var popularityWeight = 0.2
    /// Share of the learned model's opinion in the order of lists where a model serves; the rest is the three weights'.
    public var modelShare = 0.9
    /// Most of ten from one category; 10 is no limit.
    public var categoryLimit = 3
    /// Factor on the score of what the person ordered in the last 30 days.
    public var orderedFactor = 0.3
    /// Surfaces that are not as their defaults have it.
    public var surfaces: [Surface: SurfaceSettings] = [:]

    /// The documented defaults.
    public init() {}

    /// How the lists of a surface are made.
    public func settings(for surface: Surface) -> SurfaceSettings { surfaces[surface] ?? .standard(surface) }

    /// Takes the fields that are its own from a settings document.
    mutating func merge(_ reader: inout DocumentReader) throws(FootfallError) {
        func share(_ name: String, _ current: Double) throws(FootfallError) -> Double {
            guard let value = try reader.number(name) else { return current }
            guard (0...1).contains(value) else {
                throw FootfallError("invalid_settings", "\"\(name)\" lies between 0 and 1.", path: "/\(name)")
            }
            return value
        }
        baseWeight = try share("ranking_base_weight", baseWeight)
        personalWeight = try share("ranking_personal_weight", personalWeight)
        popularityWeight = try share("ranking_popularity_weight", popularityWeight)
        guard baseWeight + personalWeight + popularityWeight > 0 else {
            throw FootfallError(
                "invalid_settings", "One of the three weights must be above 0.", path: "/ranking_base_weight")
        }
        modelShare = try share("ranking_model_share", modelShare)
        orderedFactor = try share("ranking_ordered_factor", orderedFactor)
        categoryLimit = try reader.integer("ranking_category_limit", in: 1...10).map { Int($0) } ?? categoryLimit
        try mergeSurfaces(&reader)
    }

    private mutating func mergeSurfaces(_ reader: inout DocumentReader) throws(FootfallError) {
        for (name, document) in try reader.object("ranking_surfaces") {
            let path = "/ranking_surfaces/\(name.shortened(toBytes: 64))"
            guard let surface = Surface(rawValue: name) else {
                let known = Surface.allCases.map(\.rawValue).joined(separator: ", ")
                throw FootfallError("invalid_settings", "There is no such surface; there are \(known).", path: path)
            }
            if document.isNull {
                surfaces[surface] = nil
                continue
            }
            var settings = settings(for: surface)
            try settings.merge(document, surface, path: path)
            let weights = [
                settings.baseWeight ?? baseWeight, settings.personalWeight ?? personalWeight,
                settings.popularityWeight ?? popularityWeight, settings.trendingWeight, settings.searchWeight,
            ]
            guard weights.contains(where: { $0 > 0 }) else {
                throw FootfallError("invalid_settings", "One of the weights must be above 0.", path: path)
            }
            surfaces[surface] = settings == .standard(surface) ? nil : settings
        }
    }

    /// Its fields of a settings document.
    var fields: [(name: String, value: JSONValue)] {
        var object: JSONObject = [:]
        for surface in Surface.allCases {
            guard let settings = surfaces[surface] else { continue }
            object[surface.rawValue] = settings.document(surface)
        }
        return [
            ("ranking_base_weight", .double(baseWeight)), ("ranking_personal_weight", .double(personalWeight)),
            ("ranking_popularity_weight", .double(popularityWeight)),
            ("ranking_model_share", .double(modelShare)),
            ("ranking_category_limit", .integer(Int64(categoryLimit))),
            ("ranking_ordered_factor", .double(orderedFactor)),
            ("ranking_surfaces", .object(object)),
        ]
    }
}
