public import JSON

/// What a tenant tracks: its interaction types with their weights, its entity types with the JSON Schema of their
/// metadata, and its contexts. A value; ``CompiledPlan`` is the form that checks interactions.
public struct TrackingPlan: Sendable, Equatable {
    /// An interaction type.
    public struct InteractionType: Sendable, Equatable {
        /// Canonical name, by which it is counted.
        public var name: String
        /// Weight in `popularity_score` (where it counts) and `trending_score`.
        public var weight: Double
        /// Weight in preferences and training; the same as `weight` unless said otherwise.
        public var preferenceWeight: Double
        /// Whether it counts in `popularity_score`.
        public var countsInPopularity: Bool
        /// Name of its counter in answers.
        public var counter: String
        /// The Gorse feedback type it is sent as; `nil`: not sent.
        public var gorse: String?
        /// Whether it is a page view of a session.
        public var isPageView: Bool
        /// Other names that are counted as this type.
        public var aliases: [String]
    }

    /// An entity type.
    public struct EntityType: Sendable, Equatable {
        /// Its name.
        public var name: String
        /// JSON Schema (2020-12) of the metadata of interactions with it; `nil`: any object.
        public var metadata: JSONValue?
        /// The contexts in which it can be met; `nil`: any short name.
        public var contexts: [String]?
    }

    /// A name for people.
    public var name: String
    /// In the order they were declared.
    public var interactionTypes: [InteractionType]
    /// In the order they were declared.
    public var entityTypes: [EntityType]
    /// The type of entity meant when an interaction names none.
    public var defaultEntityType: String
    /// Whether only entities that the catalogue knows may be tracked.
    public var isStrict: Bool

    /// Most types a plan may declare, of either sort.
    public static let maximumTypes = 1000
}

// MARK: - Reading the document

extension TrackingPlan {
    /// Reads a plan from its document. `extends` names a preset to begin from; what the document declares is added to it
    /// or takes the place of what has the same name. Everything is checked here but the schemas, which
    /// ``CompiledPlan`` compiles. Of one that is in force already (`isStored`) the counters are taken as they are: an
    /// earlier release may have let it in, and a tenant must open with it.
    public init(document: JSONValue, isStored: Bool = false) throws(FootfallError) {
        var reader = try PlanReader(document, path: "", code: "invalid_plan")
        var base = TrackingPlan(
            name: "", interactionTypes: [], entityTypes: [], defaultEntityType: "", isStrict: false)
        if let preset = try reader.string("extends") {
            guard let known = try TrackingPlan.preset(preset) else {
                throw FootfallError(
                    "invalid_plan",
                    "There is no preset \"\(preset.shortened(toBytes: 64))\"; use commerce, music, feed or default.",
                    path: "/extends")
            }
            base = known
        }
        base.name = try reader.string("name") ?? base.name
        base.isStrict = try reader.bool("strict") ?? base.isStrict
        for (name, value) in try reader.object("interaction_types") {
            let declared = try InteractionType(name: name, document: value)
            if let index = base.interactionTypes.firstIndex(where: { $0.name == name }) {
                base.interactionTypes[index] = declared
            } else {
                base.interactionTypes.append(declared)
            }
        }
        for (name, value) in try reader.object("entity_types") {
            let declared = try EntityType(name: name, document: value)
            if let index = base.entityTypes.firstIndex(where: { $0.name == name }) {
                base.entityTypes[index] = declared
            } else {
                base.entityTypes.append(declared)
            }
        }
        base.defaultEntityType =
            try reader.string("default_entity_type")
            ?? (base.defaultEntityType.isEmpty ? base.entityTypes.first?.name ?? "" : base.defaultEntityType)
        try reader.refuseRest()
        try base.check()
        if !isStored { try base.checkCounters() }
        self = base
    }

    private func check() throws(FootfallError) {
        guard !interactionTypes.isEmpty, interactionTypes.count <= TrackingPlan.maximumTypes else {
            throw FootfallError(
                "invalid_plan", "A plan declares between 1 and \(TrackingPlan.maximumTypes) interaction types.",
                path: "/interaction_types")
        }
        guard !entityTypes.isEmpty, entityTypes.count <= TrackingPlan.maximumTypes else {
            throw FootfallError(
                "invalid_plan", "A plan declares between 1 and \(TrackingPlan.maximumTypes) entity types.",
                path: "/entity_types")
        }
        guard entityTypes.contains(where: { $0.name == defaultEntityType }) else {
            throw FootfallError(
                "invalid_plan", "The default entity type \"\(defaultEntityType)\" is not declared in entity_types.",
                path: "/default_entity_type")
        }
        var names: Set<String> = []
        for type in interactionTypes {
            for name in [type.name] + type.aliases where !names.insert(name).inserted {
                throw FootfallError(
                    "invalid_plan", "\"\(name)\" is declared twice, as a type or as an alias.",
                    path: "/interaction_types/\(type.name)")
            }
        }
    }

    /// Names that no counter may have: `/products/popular` has counters beside the fields of a product, and
    /// `search_count` counts how often searches showed an entity.
    static let reservedCounters: Set<String> = [
        "product_id", "title", "score", "popularity_score", "trending_score", "last_interaction", "search_count",
    ]

    private func checkCounters() throws(FootfallError) {
        for type in interactionTypes {
            let path = "/interaction_types/\(type.name)"
            // Searches are counted under this name, as if it were a type.
            guard type.name != "search_count" else {
                throw FootfallError("invalid_plan", "The name \"search_count\" is Footfall's own.", path: path)
            }
            guard !TrackingPlan.reservedCounters.contains(type.counter) else {
                throw FootfallError(
                    "invalid_plan", "\"\(type.counter)\" is a field of answers and no name for a counter.",
                    path: "\(path)/counter")
            }
        }
    }

    /// The whole plan as a document that ``init(document:)`` reads back, every default written out.
    public var document: JSONValue {
        var types = JSONObject()
        for type in interactionTypes { types[type.name] = type.document }
        var entities = JSONObject()
        for type in entityTypes { entities[type.name] = type.document }
        return .object([
            "name": .string(name), "strict": .bool(isStrict), "default_entity_type": .string(defaultEntityType),
            "interaction_types": .object(types), "entity_types": .object(entities),
        ])
    }
}

extension TrackingPlan.InteractionType {
    init(name: String, document: JSONValue) throws(FootfallError) {
        let path = "/interaction_types/\(name)"
        try PlanReader.checkName(name, path: path)
        var reader = try PlanReader(document, path: path, code: "invalid_plan")
        self.name = name
        weight = try reader.number("weight") ?? 0
        preferenceWeight = try reader.number("preference_weight") ?? weight
        countsInPopularity = try reader.bool("popularity") ?? false
        counter = try reader.string("counter") ?? Self.counter(of: name)
        gorse = try reader.optionalString("gorse", default: name)
        isPageView = try reader.bool("page_view") ?? false
        aliases = try reader.strings("aliases") ?? []
        for alias in aliases { try PlanReader.checkName(alias, path: "\(path)/aliases") }
        try PlanReader.checkName(counter, path: "\(path)/counter")
        guard abs(weight) <= 1_000_000, abs(preferenceWeight) <= 1_000_000 else {
            throw FootfallError(
                "invalid_plan", "A weight lies between -1000000 and 1000000.", path: "\(path)/weight")
        }
        try reader.refuseRest()
    }

    /// The counter of a type that names none. That of `search` gives way to what counts the pages of searches.
    private static func counter(of name: String) -> String { name == "search" ? "search_event_count" : "\(name)_count" }

    var document: JSONValue {
        .object([
            "weight": .double(weight), "preference_weight": .double(preferenceWeight),
            "popularity": .bool(countsInPopularity), "counter": .string(counter),
            "gorse": gorse.map { .string($0) } ?? .null, "page_view": .bool(isPageView),
            "aliases": .array(aliases.map { .string($0) }),
        ])
    }
}

extension TrackingPlan.EntityType {
    init(name: String, document: JSONValue) throws(FootfallError) {
        let path = "/entity_types/\(name)"
        try PlanReader.checkName(name, path: path)
        var reader = try PlanReader(document, path: path, code: "invalid_plan")
        self.name = name
        metadata = try reader.schema("metadata")
        contexts = try reader.strings("contexts")
        for context in contexts ?? [] { try PlanReader.checkName(context, path: "\(path)/contexts") }
        try reader.refuseRest()
    }

    var document: JSONValue {
        var object = JSONObject()
        if let metadata { object["metadata"] = metadata }
        if let contexts { object["contexts"] = .array(contexts.map { .string($0) }) }
        return .object(object)
    }
}
