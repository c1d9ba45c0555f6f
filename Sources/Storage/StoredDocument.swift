/// A JSON document beside the log, as it is from some position of the log on: a user, a cart, an order. Kinds that are
/// told in the log are written with their record in one commit; those that follow from others (``Kind/purchases``) with
/// what they follow from.
public struct StoredDocument: Sendable, Equatable {
    /// What a document is. Open, like ``LogRecord/Kind``.
    public struct Kind: RawRepresentable, Sendable, Hashable {
        /// The stored name.
        public let rawValue: String
        /// A kind by its stored name.
        public init(rawValue: String) { self.rawValue = rawValue }
        /// A user's traits, by user id.
        public static let user = Kind(rawValue: "user")
        /// A cart, by cart id; its owner is the user.
        public static let cart = Kind(rawValue: "cart")
        /// A paid order, by order id; its owner is the user.
        public static let order = Kind(rawValue: "order")
        /// What a user's orders come to, by user id.
        public static let purchases = Kind(rawValue: "purchases")
    }

    /// What it is.
    public var kind: Kind
    /// Its id, one of its kind.
    public var id: String
    /// The user it belongs to, if it belongs to one.
    public var owner: String?
    /// JSON text of an object.
    public var body: String
    /// Whether it is gone; its id and position stay.
    public var isDeleted: Bool
    /// Log position since which it is as it is; the store sets it.
    public var position: Int64

    /// A document that is not stored yet.
    public init(kind: Kind, id: String, owner: String? = nil, body: String, isDeleted: Bool = false) {
        self.kind = kind
        self.id = id
        self.owner = owner
        self.body = body
        self.isDeleted = isDeleted
        position = 0
    }
}

extension LogRecord.Kind {
    /// A user as it is from now on (a deleted one carries `"deleted": true`); the body is its document.
    public static let user = LogRecord.Kind(rawValue: "user")
    /// A cart as it is from now on; the body is its document.
    public static let cart = LogRecord.Kind(rawValue: "cart")
    /// A paid order, told once; the body is its document.
    public static let order = LogRecord.Kind(rawValue: "order")
}
