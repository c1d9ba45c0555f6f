internal import Glibc
public import Live

/// A filter with numbers in place of names: a few nanoseconds a comparison.
public struct CompiledFilter: Sendable {
    private let root: Node
    /// Whether it asks for what ``EntityDetails`` has.
    public let needsDetails: Bool

    private indirect enum Node: Sendable {
        case and([Node])
        case or([Node])
        case not(Node)
        case number(NumberField, FilterExpression.Comparison, [Double])
        case numbered(NumberedField, [UInt32], isWanted: Bool)
        case inStock(Bool)
        case moment(MomentField, FilterExpression.Comparison, [Int64])
        case attribute(UInt32?, FilterExpression.Comparison, [AttributeValue?])
        case exists(FilterExpression.Field, UInt32?)
        case distance(Sphere, FilterExpression.Comparison, kilometres: Double)
    }

    private enum NumberField: Sendable { case price, stock, popularity }
    private enum NumberedField: Sendable { case category, brand, label, type, id }
    private enum MomentField: Sendable { case published, starts }

    /// Compiles a filter against what is known. A name that nothing has matches nothing.
    public init(_ expression: FilterExpression, _ knowledge: some Knowledge, type: String?) {
        var needsDetails = false
        root = CompiledFilter.compile(expression, knowledge, type, &needsDetails)
        self.needsDetails = needsDetails
    }

    /// Whether an entity passes.
    public func admits(_ facts: RankingFacts, _ details: EntityDetails?) -> Bool {
        CompiledFilter.holds(root, facts, details)
    }

    private static func compile(
        _ expression: FilterExpression, _ knowledge: some Knowledge, _ type: String?, _ needsDetails: inout Bool
    ) -> Node {
        switch expression {
        case .and(let parts): return .and(parts.map { compile($0, knowledge, type, &needsDetails) })
        case .or(let parts): return .or(parts.map { compile($0, knowledge, type, &needsDetails) })
        case .not(let part): return .not(compile(part, knowledge, type, &needsDetails))
        case .distance(let point, let comparison, let kilometres):
            needsDetails = true
            return .distance(Sphere(point), comparison, kilometres: kilometres)
        case .exists(let field):
            var name: UInt32?
            switch field {
            case .attribute(let text):
                name = knowledge.text(named: text)
                needsDetails = true
            case .label, .publishedAt, .startsAt: needsDetails = true
            default: break
            }
            return .exists(field, name)
        case .compare(let field, let comparison, let values):
            switch field {
            case .attribute, .label, .publishedAt, .startsAt: needsDetails = true
            default: break
            }
            return compile(field, comparison, values, knowledge, type)
        }
    }

    private static func compile(
        _ field: FilterExpression.Field, _ comparison: FilterExpression.Comparison, _ values: [FilterExpression.Value],
        _ knowledge: some Knowledge, _ type: String?
    ) -> Node {
        var numbers: [Double] { values.compactMap { if case .number(let number) = $0 { number } else { nil } } }
        var texts: [String] { values.compactMap { if case .text(let text) = $0 { text } else { nil } } }
        var moments: [Int64] { values.compactMap { if case .moment(let moment) = $0 { moment } else { nil } } }
        let isWanted = comparison != .unequal
        switch field {
        case .price: return .number(.price, comparison, numbers)
        case .stock: return .number(.stock, comparison, numbers)
        case .popularity: return .number(.popularity, comparison, numbers)
        case .inStock:
            let isAsked = values.contains(.truth(true))
            // One of true and false, whichever.
            if values.contains(.truth(!isAsked)) { return .and([]) }
            return .inStock(isAsked == isWanted)
        case .category:
            return .numbered(.category, texts.compactMap { knowledge.category(named: $0) }, isWanted: isWanted)
        case .brand: return .numbered(.brand, texts.compactMap { knowledge.brand(named: $0) }, isWanted: isWanted)
        case .label: return .numbered(.label, texts.compactMap { knowledge.text(named: $0) }, isWanted: isWanted)
        case .type:
            return .numbered(.type, texts.compactMap { knowledge.name($0) }.map { UInt32($0) }, isWanted: isWanted)
        case .id: return .numbered(.id, Array(knowledge.entities(ids: texts, type: type)), isWanted: isWanted)
        case .publishedAt: return .moment(.published, comparison, moments)
        case .startsAt: return .moment(.starts, comparison, moments)
        case .attribute(let name):
            let known = values.map { value -> AttributeValue? in
                switch value {
                case .number(let number): .number(number)
                case .truth(let truth): .truth(truth)
                case .text(let text): knowledge.text(named: text).map { .text($0) }
                case .moment(let moment): .number(Double(moment))
                }
            }
            return .attribute(knowledge.text(named: name), comparison, known)
        }
    }

    private static func holds(_ node: Node, _ facts: RankingFacts, _ details: EntityDetails?) -> Bool {
        switch node {
        case .and(let parts): return parts.allSatisfy { holds($0, facts, details) }
        case .or(let parts): return parts.contains { holds($0, facts, details) }
        case .not(let part): return !holds(part, facts, details)
        case .inStock(let isWanted): return facts.isAvailable == isWanted
        case .number(let field, let comparison, let values):
            switch field {
            case .price: return compare(facts.price.isNaN ? nil : facts.price, comparison, values)
            case .stock: return compare(facts.inventory < 0 ? nil : Double(facts.inventory), comparison, values)
            case .popularity: return compare(facts.popularity, comparison, values)
            }
        case .moment(let field, let comparison, let values):
            return compare(field == .published ? details?.publishedAt : details?.startsAt, comparison, values)
        case .numbered(let field, let numbers, let isWanted):
            let isOne =
                switch field {
                case .category: numbers.contains { facts.isIn($0) }
                case .brand: numbers.contains(facts.brand)
                case .type: numbers.contains(UInt32(facts.type))
                case .id: numbers.contains(facts.number)
                case .label: details?.labels.contains { numbers.contains($0) } ?? false
                }
            return isOne == isWanted
        case .attribute(let name, let comparison, let values):
            return attribute(details, name, comparison, values)
        case .exists(let field, let name): return exists(field, name, facts, details)
        case .distance(let sphere, let comparison, let kilometres):
            guard let place = details?.place else { return false }
            return compare(sphere.kilometres(to: place), comparison, [kilometres])
        }
    }

    private static func compare<Number: Comparable>(
        _ value: Number?, _ comparison: FilterExpression.Comparison, _ wanted: [Number]
    ) -> Bool {
        guard let value, let first = wanted.first else { return comparison == .unequal }
        switch comparison {
        case .equal: return value == first
        case .unequal: return value != first
        case .less: return value < first
        case .atMost: return value <= first
        case .greater: return value > first
        case .atLeast: return value >= first
        case .among: return wanted.contains(value)
        }
    }

    /// Of an attribute with several values one has to hold; none of them may be what is ruled out.
    private static func attribute(
        _ details: EntityDetails?, _ name: UInt32?, _ comparison: FilterExpression.Comparison,
        _ wanted: [AttributeValue?]
    ) -> Bool {
        guard let name, let details else { return comparison == .unequal }
        let isRuledOut = comparison == .unequal
        for attribute in details.attributes where attribute.name == name {
            switch comparison {
            case .equal, .unequal, .among:
                if wanted.contains(attribute.value) { return !isRuledOut }
            default:
                if case .number(let number) = attribute.value, case .number(let limit)?? = wanted.first,
                    compare(number, comparison, [limit])
                {
                    return true
                }
            }
        }
        return isRuledOut
    }

    private static func exists(
        _ field: FilterExpression.Field, _ name: UInt32?, _ facts: RankingFacts, _ details: EntityDetails?
    ) -> Bool {
        switch field {
        case .price: !facts.price.isNaN
        case .stock: facts.inventory >= 0
        case .inStock, .popularity, .type, .id: true
        case .category: facts.categories[0] != RankingFacts.none
        case .brand: facts.brand != RankingFacts.none
        case .label: !(details?.labels.isEmpty ?? true)
        case .publishedAt: details?.publishedAt != nil
        case .startsAt: details?.startsAt != nil
        case .attribute: details?.attributes.contains { $0.name == name } ?? false
        }
    }
}

/// Distances from a place along the surface of a sphere of Earth's mean radius (the haversine formula).
struct Sphere: Sendable {
    /// Kilometres.
    static let radius = 6371.0088
    private let latitude: Double
    private let longitude: Double
    private let cosine: Double

    init(_ point: GeoPoint) {
        latitude = point.latitude * .pi / 180
        longitude = point.longitude * .pi / 180
        cosine = cos(latitude)
    }

    func kilometres(to point: GeoPoint) -> Double {
        let other = (point.latitude * .pi / 180, point.longitude * .pi / 180)
        let (north, east) = (sin((other.0 - latitude) / 2), sin((other.1 - longitude) / 2))
        let share = north * north + cosine * cos(other.0) * east * east
        return 2 * Sphere.radius * asin(min(1, share.squareRoot()))
    }
}
