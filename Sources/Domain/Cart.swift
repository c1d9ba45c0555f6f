public import JSON

/// What a user means to buy.
public struct Cart: Sendable, Equatable {
    /// A product in a cart.
    public struct Item: Sendable, Equatable {
        /// The product.
        public var productID: String
        /// How many, from 1.
        public var quantity: Int64
        /// When it was first put in, in milliseconds since the epoch.
        public var addedAt: Int64
        /// When its quantity last changed.
        public var updatedAt: Int64

        /// As a document.
        public var document: JSONValue {
            [
                "product_id": .string(productID), "quantity": .integer(quantity),
                "added_at": .string(Timestamp(milliseconds: addedAt).rfc3339),
                "updated_at": .string(Timestamp(milliseconds: updatedAt).rfc3339),
            ]
        }
    }

    /// How many of a product a cart or an order takes.
    public static let quantities: ClosedRange<Int64> = 1...9999
    /// How many products a cart takes.
    public static let maximumItems = 200

    /// Its id, which the client chooses.
    public var id: String
    /// Whose it is: who put the first product in.
    public var userID: String
    /// When it was made, in milliseconds since the epoch.
    public var createdAt: Int64
    /// When it last changed.
    public var updatedAt: Int64
    /// What is in it, in the order it was put in.
    public private(set) var items: [Item] = []

    /// An empty cart.
    public init(id: String, userID: String, now: Int64) {
        self.id = id
        self.userID = userID
        createdAt = now
        updatedAt = now
    }

    /// The item of a product.
    public func item(_ productID: String) -> Item? {
        items.first { $0.productID.utf8.elementsEqual(productID.utf8) }
    }

    /// Puts so many of a product in and returns its item. Throws `invalid_quantity` when there would be too many of it,
    /// `cart_full` when there are too many products.
    public mutating func add(_ productID: String, quantity: Int64, now: Int64) throws(FootfallError) -> Item {
        let index = items.firstIndex { $0.productID.utf8.elementsEqual(productID.utf8) }
        let sum = (index.map { items[$0].quantity } ?? 0) &+ quantity
        guard Cart.quantities.contains(quantity), Cart.quantities.contains(sum) else {
            throw FootfallError(
                "invalid_quantity", "A cart takes 1 to 9999 of a product, what is in it included.", path: "/quantity")
        }
        updatedAt = now
        if let index {
            items[index].quantity = sum
            items[index].updatedAt = now
            return items[index]
        }
        guard items.count < Cart.maximumItems else {
            throw FootfallError("cart_full", "A cart takes \(Cart.maximumItems) products; take one out first.")
        }
        let item = Item(productID: productID, quantity: quantity, addedAt: now, updatedAt: now)
        items.append(item)
        return item
    }

    /// Takes a product out, all of it; `nil` when it was not in.
    public mutating func remove(_ productID: String, now: Int64) -> Item? {
        guard let index = items.firstIndex(where: { $0.productID.utf8.elementsEqual(productID.utf8) }) else {
            return nil
        }
        updatedAt = now
        return items.remove(at: index)
    }

    /// As a document.
    public var document: JSONValue {
        [
            "cart_id": .string(id), "user_id": .string(userID),
            "created_at": .string(Timestamp(milliseconds: createdAt).rfc3339),
            "updated_at": .string(Timestamp(milliseconds: updatedAt).rfc3339),
            "items": .array(items.map(\.document)),
        ]
    }

    /// Reads a stored document; `nil` when it is none.
    public init?(document: JSONValue) {
        func time(_ value: JSONValue, _ name: String) -> Int64? {
            value[name]?.stringValue.flatMap { Timestamp(rfc3339: $0) }?.milliseconds
        }
        guard let id = document["cart_id"]?.stringValue, let user = document["user_id"]?.stringValue,
            let created = time(document, "created_at"), let updated = time(document, "updated_at"),
            let lines = document["items"]?.arrayValue
        else { return nil }
        self.init(id: id, userID: user, now: created)
        updatedAt = updated
        for line in lines {
            guard let product = line["product_id"]?.stringValue, let quantity = line["quantity"]?.integerValue,
                let added = time(line, "added_at"), let changed = time(line, "updated_at")
            else { return nil }
            items.append(Item(productID: product, quantity: quantity, addedAt: added, updatedAt: changed))
        }
    }
}
