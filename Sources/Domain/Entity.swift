/// What is acted on: a product, a post, an event, …, as the catalogue knows it.
public struct Entity: Sendable, Equatable {
    /// Entity type, one of the tracking plan's.
    public var type: String
    /// The tenant's own id.
    public var id: String
    /// What a person reads as its name.
    public var title: String?
    /// A longer text.
    public var description: String?
    /// Categories, most important first, without repeats.
    public var categories: [String] = []
    /// Brand, maker, artist.
    public var brand: String?
    /// Price as decimal text (`12.50`).
    public var price: String?
    /// Currency code of the price (ISO 4217).
    public var currency: String?
    /// Pieces in stock; `nil` when stock is not kept.
    public var inventory: Int64?
    /// When it was, or will be, published.
    public var publishedAt: Timestamp?
    /// Whether it is kept out of every list.
    public var isHidden = false
    /// Free labels.
    public var labels: [String] = []
    /// Anything else the tenant wants to keep: JSON text of an object.
    public var attributes = "{}"
    /// Known only because it was interacted with.
    public var isPlaceholder = false
    /// Taken out of the catalogue; its history stays.
    public var isDeleted = false

    /// An entity without attributes.
    public init(type: String, id: String) {
        self.type = type
        self.id = id
    }
}
