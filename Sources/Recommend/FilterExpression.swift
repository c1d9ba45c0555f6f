/// What a filter text says: comparisons joined by AND, OR and NOT. See ``FilterParser`` for how it is written.
public indirect enum FilterExpression: Sendable, Equatable {
    /// All of them.
    case and([FilterExpression])
    /// One of them at least.
    case or([FilterExpression])
    /// Not this.
    case not(FilterExpression)
    /// A comparison.
    case compare(Field, Comparison, [Value])
    /// Whether a field has any value.
    case exists(Field)
    /// How the distance from a place compares with so many kilometres; false of what is nowhere.
    case distance(GeoPoint, Comparison, kilometres: Double)

    /// What can be asked about.
    public enum Field: Sendable, Equatable, Hashable {
        case price, stock, inStock, popularity, category, brand, label, type, id, publishedAt, startsAt
        /// An attribute by name, nested ones with dots.
        case attribute(String)
    }

    /// How values compare.
    public enum Comparison: String, Sendable, Equatable {
        case equal = "="
        case unequal = "!="
        case less = "<"
        case atMost = "<="
        case greater = ">"
        case atLeast = ">="
        /// One of several.
        case among = "IN"
    }

    /// What a field is compared with.
    public enum Value: Sendable, Equatable, Hashable {
        case number(Double)
        case text(String)
        case truth(Bool)
        /// A moment in milliseconds since the epoch.
        case moment(Int64)
    }
}

extension FilterExpression.Field {
    /// Its name in a filter.
    var name: String {
        switch self {
        case .price: "price"
        case .stock: "stock"
        case .inStock: "in_stock"
        case .popularity: "popularity"
        case .category: "category"
        case .brand: "brand"
        case .label: "label"
        case .type: "type"
        case .id: "id"
        case .publishedAt: "published_at"
        case .startsAt: "starts_at"
        case .attribute(let name): "attributes.\(name)"
        }
    }

    init?(name: String) {
        if name.hasPrefix("attributes.") {
            let attribute = name.dropFirst("attributes.".count)
            guard !attribute.isEmpty else { return nil }
            self = .attribute(String(attribute))
            return
        }
        let known: [Self] = [
            .price, .stock, .inStock, .popularity, .category, .brand, .label, .type, .id, .publishedAt, .startsAt,
        ]
        guard let found = known.first(where: { $0.name == name }) else { return nil }
        self = found
    }

    /// What sort of value it is compared with; `nil` for an attribute, which may be any.
    enum Sort { case number, text, truth, moment }

    var sort: Sort? {
        switch self {
        case .price, .stock, .popularity: .number
        case .inStock: .truth
        case .category, .brand, .label, .type, .id: .text
        case .publishedAt, .startsAt: .moment
        case .attribute: nil
        }
    }
}
