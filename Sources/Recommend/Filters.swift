public import Live

/// What a caller wants left out. Hidden and deleted entities are always left out.
public struct Filters: Sendable, Equatable {
    /// Ids that must not be shown, of whatever type.
    public var excluded: Set<ExactText> = []
    /// Only entities in this category.
    public var category: String?
    /// Only entities that cost at least so much.
    public var priceMinimum: Double?
    /// Only entities that cost at most so much.
    public var priceMaximum: Double?
    /// Only entities whose price is in this currency.
    public var currency: String?
    /// Only entities that are in stock.
    public var onlyInStock = false
    /// Only entities of this type.
    public var entityType: String?

    /// Everything that may be listed.
    public init() {}

    /// The part of the catalogue that is left by type and category.
    public var scope: CatalogueScope { CatalogueScope(type: entityType, category: category) }

    /// Whether an entity passes. `category` is the number of the wanted category, `nil` when it has none, which nothing
    /// passes then.
    public func admits(_ entity: EntityFacts, category number: UInt32?) -> Bool {
        guard entity.isListed, !onlyInStock || entity.isAvailable else { return false }
        if let entityType, !entityType.utf8.elementsEqual(entity.type.utf8) { return false }
        if category != nil {
            guard let number, entity.categories.contains(number) else { return false }
        }
        if priceMinimum != nil || priceMaximum != nil {
            guard let price = entity.price, price >= priceMinimum ?? 0, price <= priceMaximum ?? .infinity else {
                return false
            }
        }
        if let currency, entity.currency != currency { return false }
        return excluded.isEmpty || !excluded.contains(ExactText(entity.id))
    }
}

/// A text that equals only what has the same bytes: ids that look alike may be two entities.
public struct ExactText: Hashable, Sendable {
    /// The text.
    public let text: String

    /// A text.
    public init(_ text: String) { self.text = text }

    public static func == (left: ExactText, right: ExactText) -> Bool {
        left.text.utf8.elementsEqual(right.text.utf8)
    }

    public func hash(into hasher: inout Hasher) {
        for byte in text.utf8 { hasher.combine(byte) }
        hasher.combine(text.utf8.count)
    }
}
