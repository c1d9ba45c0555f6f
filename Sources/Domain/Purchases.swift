public import JSON

/// What a user's orders come to. Adding orders in any order gives the same.
public struct Purchases: Sendable, Equatable {
    /// Orders of one currency.
    public struct Spent: Sendable, Equatable {
        /// How many.
        public var orders: Int64
        /// What they come to.
        public var total: Money

        /// What one order comes to on average.
        public var average: Money { total.divided(by: orders) }
    }

    /// How many orders.
    public private(set) var orders: Int64 = 0
    /// What was spent, by currency: amounts of two currencies are never added up.
    public private(set) var spent: [String: Spent] = [:]
    /// When the last one was paid, in milliseconds since the epoch.
    public private(set) var lastOrderAt: Int64?
    /// Its id; of several at one moment the greatest.
    public private(set) var lastOrderID: String?

    /// Those of nobody.
    public init() {}

    /// Adds an order that was not added before.
    public mutating func add(_ order: Order) {
        orders &+= 1
        var own = spent[order.currency] ?? Spent(orders: 0, total: .zero)
        own.orders &+= 1
        own.total = own.total + order.total
        spent[order.currency] = own
        let isLater =
            if let lastOrderAt, let lastOrderID {
                order.moment > lastOrderAt
                    || (order.moment == lastOrderAt && lastOrderID.utf8.lexicographicallyPrecedes(order.id.utf8))
            } else {
                true
            }
        if isLater { (lastOrderAt, lastOrderID) = (order.moment, order.id) }
    }

    /// As a document.
    public var document: JSONValue {
        var object: JSONObject = ["order_count": .integer(orders)]
        object["spent"] = .object(
            JSONObject(
                spent.sorted { $0.key < $1.key }.map { currency, own in
                    let value: JSONValue = [
                        "orders": .integer(own.orders), "total": .string(own.total.description),
                        "average": .string(own.average.description),
                    ]
                    return (key: currency, value: value)
                }))
        object["last_order_at"] = lastOrderAt.map { .string(Timestamp(milliseconds: $0).rfc3339) } ?? .null
        object["last_order_id"] = lastOrderID.map { .string($0) } ?? .null
        return .object(object)
    }

    /// Reads a stored document; `nil` when it is none.
    public init?(document: JSONValue) {
        guard let orders = document["order_count"]?.integerValue, let spent = document["spent"]?.objectValue else {
            return nil
        }
        self.orders = orders
        for member in spent {
            guard let count = member.value["orders"]?.integerValue,
                let total = member.value["total"]?.stringValue.flatMap({ Money(stored: $0) })
            else { return nil }
            self.spent[member.key] = Spent(orders: count, total: total)
        }
        lastOrderAt = document["last_order_at"]?.stringValue.flatMap { Timestamp(rfc3339: $0) }?.milliseconds
        lastOrderID = document["last_order_id"]?.stringValue
    }
}
