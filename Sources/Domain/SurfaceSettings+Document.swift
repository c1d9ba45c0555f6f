internal import JSON

extension SurfaceSettings {
    /// Changes what a document names and leaves the rest; a field that is null goes back to its default.
    mutating func merge(_ document: JSONValue, _ surface: Surface, path: String) throws(FootfallError) {
        let standard = SurfaceSettings.standard(surface)
        var changed = self
        var members = try SurfaceReader(document, path: path)
        changed.recallers = try members.recallers(changed.recallers, standard.recallers)
        changed.baseWeight = try members.number("base_weight", 0...1, changed.baseWeight, standard.baseWeight)
        changed.personalWeight = try members.number(
            "personal_weight", 0...1, changed.personalWeight, standard.personalWeight)
        changed.popularityWeight = try members.number(
            "popularity_weight", 0...1, changed.popularityWeight, standard.popularityWeight)
        changed.modelShare = try members.number("model_share", 0...1, changed.modelShare, standard.modelShare)
        changed.trendingWeight = try members.number(
            "trending_weight", 0...1, changed.trendingWeight, standard.trendingWeight)
        changed.searchWeight = try members.number("search_weight", 0...1, changed.searchWeight, standard.searchWeight)
        changed.categoryLimit = try members.integer(
            "category_limit", 1...10, changed.categoryLimit, standard.categoryLimit)
        changed.orderedFactor = try members.number(
            "ordered_factor", 0...1, changed.orderedFactor, standard.orderedFactor)
        changed.relevance = try members.number("relevance", 0...1, changed.relevance, standard.relevance)
        changed.exploration = try members.number("exploration", 0...1, changed.exploration, standard.exploration)
        changed.explorationBelow = try members.number(
            "exploration_below", 0...1e9, changed.explorationBelow, standard.explorationBelow)
        changed.excludesSeen = try members.bool("exclude_seen", changed.excludesSeen, standard.excludesSeen)
        changed.excludesBought = try members.bool("exclude_bought", changed.excludesBought, standard.excludesBought)
        changed.excludesShown = try members.integer(
            "exclude_shown", 0...1000, changed.excludesShown, standard.excludesShown)
        try members.refuseRest()
        self = changed
    }

    /// All fields that differ from the surface's defaults.
    func document(_ surface: Surface) -> JSONValue {
        let standard = SurfaceSettings.standard(surface)
        var object: JSONObject = [:]
        if recallers != standard.recallers {
            object["recallers"] = .array(
                recallers.map {
                    .object([
                        "name": .string($0.recaller.rawValue), "most": .integer(Int64($0.most)),
                        "weight": .double($0.weight),
                    ])
                })
        }
        func put(_ name: String, _ value: Double?, _ standard: Double?) {
            if let value, value != standard { object[name] = .double(value) }
        }
        put("base_weight", baseWeight, standard.baseWeight)
        put("personal_weight", personalWeight, standard.personalWeight)
        put("popularity_weight", popularityWeight, standard.popularityWeight)
        put("model_share", modelShare, standard.modelShare)
        put("trending_weight", trendingWeight, standard.trendingWeight)
        put("search_weight", searchWeight, standard.searchWeight)
        put("ordered_factor", orderedFactor, standard.orderedFactor)
        put("relevance", relevance, standard.relevance)
        put("exploration", exploration, standard.exploration)
        put("exploration_below", explorationBelow, standard.explorationBelow)
        if let categoryLimit, categoryLimit != standard.categoryLimit {
            object["category_limit"] = .integer(Int64(categoryLimit))
        }
        if excludesSeen != standard.excludesSeen { object["exclude_seen"] = .bool(excludesSeen) }
        if excludesBought != standard.excludesBought { object["exclude_bought"] = .bool(excludesBought) }
        if excludesShown != standard.excludesShown { object["exclude_shown"] = .integer(Int64(excludesShown)) }
        return .object(object)
    }
}

/// Takes the fields of one surface; null stands for the default.
private struct SurfaceReader {
    private var reader: DocumentReader
    private let document: JSONValue
    private let path: String

    init(_ document: JSONValue, path: String) throws(FootfallError) {
        reader = try DocumentReader(document, path: path, code: "invalid_settings")
        self.document = document
        self.path = path
    }

    /// Whether a field is null, and then taken.
    private mutating func isNull(_ name: String) -> Bool {
        guard document[name]?.isNull == true else { return false }
        _ = reader.value(name)
        return true
    }

    mutating func number<Value>(
        _ name: String, _ range: ClosedRange<Double>, _ current: Value, _ standard: Value
    ) throws(FootfallError) -> Value where Value: DoubleHolder {
        if isNull(name) { return standard }
        guard let value = try reader.number(name) else { return current }
        guard range.contains(value) else {
            let most = range.upperBound == 1 ? "1" : "1000000000"
            throw FootfallError(
                "invalid_settings", "\"\(name)\" lies between 0 and \(most).", path: "\(path)/\(name)")
        }
        return Value(holding: value)
    }

    mutating func integer<Value>(
        _ name: String, _ range: ClosedRange<Int64>, _ current: Value, _ standard: Value
    ) throws(FootfallError) -> Value where Value: IntHolder {
        if isNull(name) { return standard }
        guard let value = try reader.integer(name, in: range) else { return current }
        return Value(holding: Int(value))
    }

    mutating func bool(_ name: String, _ current: Bool, _ standard: Bool) throws(FootfallError) -> Bool {
        isNull(name) ? standard : try reader.bool(name) ?? current
    }

    mutating func recallers(_ current: [RecallerSettings], _ standard: [RecallerSettings]) throws(FootfallError)
        -> [RecallerSettings]
    {
        if isNull("recallers") { return standard }
        guard let value = reader.value("recallers") else { return current }
        let place = "\(path)/recallers"
        guard let list = value.arrayValue, list.count <= Recaller.allCases.count else {
            throw FootfallError("invalid_settings", "\"recallers\" is a list, each of them once.", path: place)
        }
        var recallers: [RecallerSettings] = []
        for (index, entry) in list.enumerated() {
            var fields = try DocumentReader(entry, path: "\(place)/\(index)", code: "invalid_settings")
            let known = Recaller.allCases.map(\.rawValue).joined(separator: ", ")
            guard let name = try fields.string("name"), let recaller = Recaller(rawValue: name),
                !recallers.contains(where: { $0.recaller == recaller })
            else {
                throw FootfallError(
                    "invalid_settings", "\"name\" is one of \(known), each once.", path: "\(place)/\(index)/name")
            }
            let most = try fields.integer("most", in: 1...500) ?? 50
            let weight = try fields.number("weight") ?? 1
            guard (0...10).contains(weight) else {
                throw FootfallError(
                    "invalid_settings", "\"weight\" lies between 0 and 10.", path: "\(place)/\(index)/weight")
            }
            try fields.refuseRest()
            recallers.append(RecallerSettings(recaller, most: Int(most), weight: weight))
        }
        return recallers
    }

    func refuseRest() throws(FootfallError) { try reader.refuseRest() }
}

/// A number, or one that may be missing.
private protocol DoubleHolder { init(holding value: Double) }
extension Double: DoubleHolder { fileprivate init(holding value: Double) { self = value } }
extension Optional: DoubleHolder where Wrapped == Double { fileprivate init(holding value: Double) { self = value } }

private protocol IntHolder { init(holding value: Int) }
extension Int: IntHolder { fileprivate init(holding value: Int) { self = value } }
extension Optional: IntHolder where Wrapped == Int { fileprivate init(holding value: Int) { self = value } }
