public import JSON

/// What is known of a stored model without loading it.
public struct ModelCard: Sendable, Equatable {
    /// Its number; each new one is greater than any before.
    public var version: Int64 = 0
    /// When it was trained, in milliseconds since the epoch.
    public var trainedAt: Int64 = 0
    /// Seconds that the training took.
    public var seconds: Double = 0
    /// Log position up to which it learned.
    public var position: Int64 = 0
    /// The newest interaction that it learned from, in milliseconds since the epoch.
    public var newest: Int64 = 0
    /// Interactions of the log, those that weigh nothing included.
    public var rows: Int64 = 0
    /// Interactions, persons, pairs of person and item, and items that it learned from.
    public var interactions: Int64 = 0
    public var persons = 0
    public var pairs = 0
    public var items = 0
    /// Days after which an interaction counted half.
    public var halfLifeDays: Double = 0
    /// How the hold-out was cut: `time` or `person`; `nil` when there was too little for one.
    public var split: String?
    /// With a split by time, the moment of the cut, in milliseconds since the epoch.
    public var cutAt: Int64?
    /// Persons of the hold-out.
    public var heldOutPersons = 0
    /// What it measured on the hold-out, fitted to the rest: `ndcg@20`, …
    public var measures: [String: Double] = [:]
    /// 95 % intervals of ``measures``: lower and upper end.
    public var intervals: [String: [Double]] = [:]
    /// What its lists show there, by name: `coverage@20`, `novelty@20` (bits), `gini@20`, `popularity_bias@20`.
    public var exposure: [String: Double] = [:]
    /// How it compared with the model that served then.
    public var comparison: Comparison?
    /// What the training measured of the models beside it, by model.
    public var candidates: [String: [String: Double]] = [:]
    /// Hyper-parameters in force.
    public var parameters: [String: String] = [:]
    /// Why it was kept.
    public var reason = ""
    /// Bytes of memory that it takes when it serves.
    public var memoryBytes = 0

    /// A comparison with another model on the hold-out, paired by person.
    public struct Comparison: Sendable, Equatable {
        /// The other model.
        public var version: Int64
        /// What was compared.
        public var measure: String
        /// What the other has.
        public var current: Double
        /// What the new one has more, with its 95 % interval.
        public var difference: Double
        public var lower: Double
        public var upper: Double
    }

    /// Nothing known.
    public init() {}

    /// As a document.
    public var document: JSONValue {
        var object: JSONObject = [
            "version": .integer(version), "trained_at": .integer(trainedAt), "seconds": .double(seconds),
            "position": .integer(position), "newest": .integer(newest), "rows": .integer(rows),
            "interactions": .integer(interactions),
            "persons": .integer(Int64(persons)), "pairs": .integer(Int64(pairs)), "items": .integer(Int64(items)),
            "half_life_days": .double(halfLifeDays), "held_out_persons": .integer(Int64(heldOutPersons)),
            "measures": ModelCard.object(measures.mapValues { .double($0) }),
            "exposure": ModelCard.object(exposure.mapValues { .double($0) }),
            "candidates": ModelCard.object(
                candidates.mapValues { ModelCard.object($0.mapValues { .double($0) }) }),
            "parameters": ModelCard.object(parameters.mapValues { .string($0) }), "reason": .string(reason),
            "memory_bytes": .integer(Int64(memoryBytes)),
        ]
        object["intervals"] = ModelCard.object(intervals.mapValues { .array($0.map { .double($0) }) })
        object["comparison"] =
            comparison.map { comparison in
                [
                    "version": .integer(comparison.version), "measure": .string(comparison.measure),
                    "current": .double(comparison.current), "difference": .double(comparison.difference),
                    "lower": .double(comparison.lower), "upper": .double(comparison.upper),
                ]
            } ?? .null
        object["split"] = split.map { .string($0) } ?? .null
        object["cut_at"] = cutAt.map { .integer($0) } ?? .null
        return .object(object)
    }

    /// Reads what ``document`` wrote; `nil` when it is no such document.
    public init?(document: JSONValue) {
        guard let version = document["version"]?.integerValue, version > 0,
            let trainedAt = document["trained_at"]?.integerValue, let position = document["position"]?.integerValue,
            let items = document["items"]?.integerValue, items >= 0
        else { return nil }
        func count(_ name: String) -> Int { Int(clamping: document[name]?.integerValue ?? 0) }
        func numbers(_ value: JSONValue?) -> [String: Double] {
            ModelCard.members(value).compactMapValues { $0.doubleValue }
        }
        self.version = version
        self.trainedAt = trainedAt
        self.position = position
        self.items = Int(clamping: items)
        seconds = document["seconds"]?.doubleValue ?? 0
        newest = document["newest"]?.integerValue ?? 0
        rows = document["rows"]?.integerValue ?? 0
        interactions = document["interactions"]?.integerValue ?? 0
        persons = count("persons")
        pairs = count("pairs")
        halfLifeDays = document["half_life_days"]?.doubleValue ?? 0
        split = document["split"]?.stringValue
        cutAt = document["cut_at"]?.integerValue
        heldOutPersons = count("held_out_persons")
        measures = numbers(document["measures"])
        intervals = ModelCard.members(document["intervals"]).mapValues {
            ($0.arrayValue ?? []).compactMap(\.doubleValue)
        }
        exposure = numbers(document["exposure"])
        if let document = document["comparison"], let version = document["version"]?.integerValue,
            let measure = document["measure"]?.stringValue
        {
            func number(_ name: String) -> Double { document[name]?.doubleValue ?? 0 }
            comparison = Comparison(
                version: version, measure: measure, current: number("current"), difference: number("difference"),
                lower: number("lower"), upper: number("upper"))
        }
        candidates = ModelCard.members(document["candidates"]).mapValues { numbers($0) }
        parameters = ModelCard.members(document["parameters"]).compactMapValues { $0.stringValue }
        reason = document["reason"]?.stringValue ?? ""
        memoryBytes = count("memory_bytes")
    }

    private static func object(_ members: [String: JSONValue]) -> JSONValue {
        var object = JSONObject()
        for (name, value) in members.sorted(by: { $0.key < $1.key }) { object[name] = value }
        return .object(object)
    }

    private static func members(_ value: JSONValue?) -> [String: JSONValue] {
        guard case .object(let object)? = value else { return [:] }
        var members: [String: JSONValue] = [:]
        for member in object { members[member.key] = member.value }
        return members
    }
}
