public import JSON

/// An order that was paid: whose, what of, and for how much, as the shop's callback says.
public struct Order: Sendable, Equatable {
    /// One product of an order.
    public struct Item: Sendable, Equatable {
        /// The product.
        public var productID: String
        /// How many, from 1.
        public var quantity: Int64
        /// The price of one, when told.
        public var price: Money?

        /// An item.
        public init(productID: String, quantity: Int64, price: Money?) {
            self.productID = productID
            self.quantity = quantity
            self.price = price
        }
    }

    /// The shop's own id.
    public var id: String
    /// Who ordered.
    public var userID: String
    /// Code of the currency that all amounts are in.
    public var currency: String
    /// What was paid; Σ price · quantity when the callback does not say.
    public var total: Money
    /// When it was paid, in milliseconds since the epoch, when told.
    public var paidAt: Int64?
    /// When the callback came.
    public var receivedAt: Int64
    /// What was ordered, in the callback's order.
    public var items: [Item]

    /// An order.
    public init(
        id: String, userID: String, currency: String, total: Money, paidAt: Int64?, receivedAt: Int64, items: [Item]
    ) {
        self.id = id
        self.userID = userID
        self.currency = currency
        self.total = total
        self.paidAt = paidAt
        self.receivedAt = receivedAt
        self.items = items
    }

    /// When it happened: when it was paid, not later than 5 minutes after it was told.
    public var moment: Int64 {
        guard let paidAt, paidAt <= receivedAt &+ 5 * 60_000 else { return receivedAt }
        return paidAt
    }

    /// Whether two say the same; when they came does not matter.
    public func isSame(as other: Order) -> Bool {
        id.utf8.elementsEqual(other.id.utf8) && userID.utf8.elementsEqual(other.userID.utf8)
            && currency == other.currency && total.equals(other.total) && paidAt == other.paidAt
            && items.count == other.items.count
            && zip(items, other.items).allSatisfy { left, right in
                left.productID.utf8.elementsEqual(right.productID.utf8) && left.quantity == right.quantity
                    && left.price?.millionths == right.price?.millionths
            }
    }
}

// MARK: - As a document

extension Order {
    /// The order as a document.
    public var document: JSONValue {
        var object: JSONObject = [
            "order_id": .string(id), "user_id": .string(userID), "status": "paid", "currency": .string(currency),
            "total": .string(total.description),
        ]
        if let paidAt { object["paid_at"] = .string(Timestamp(milliseconds: paidAt).rfc3339) }
        object["received_at"] = .string(Timestamp(milliseconds: receivedAt).rfc3339)
        object["items"] = .array(
            items.map { item in
                var line: JSONObject = ["product_id": .string(item.productID), "quantity": .integer(item.quantity)]
                if let price = item.price { line["price"] = .string(price.description) }
                return .object(line)
            })
        return .object(object)
    }

    /// Reads a stored document; `nil` when it is none.
    public init?(document: JSONValue) {
        guard let id = document["order_id"]?.stringValue, let user = document["user_id"]?.stringValue,
            let currency = document["currency"]?.stringValue,
            let total = document["total"]?.stringValue.flatMap({ Money(stored: $0) }),
            let received = document["received_at"]?.stringValue.flatMap({ Timestamp(rfc3339: $0) }),
            let lines = document["items"]?.arrayValue
        else { return nil }
        var items: [Item] = []
        for line in lines {
            guard let product = line["product_id"]?.stringValue, let quantity = line["quantity"]?.integerValue else {
                return nil
            }
            items.append(
                Item(
                    productID: product, quantity: quantity,
                    price: line["price"]?.stringValue.flatMap { Money(stored: $0) }))
        }
        self.init(
            id: id, userID: user, currency: currency, total: total,
            paidAt: document["paid_at"]?.stringValue.flatMap { Timestamp(rfc3339: $0) }?.milliseconds,
            receivedAt: received.milliseconds, items: items)
    }
}
