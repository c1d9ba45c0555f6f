public import JSON

/// What a payment callback says.
public enum PaymentCallback: Sendable, Equatable {
    /// The order is paid.
    case paid(Order)
    /// It has another status, which changes nothing.
    case notPaid(status: String)
}

extension PaymentCallback {
    /// Reads the body of a callback. Amounts are taken from its text, digit by digit. Ids have at most `maximumIDBytes`,
    /// an order at most `maximumItems` items.
    public init(_ body: JSONView, receivedAt: Int64, maximumIDBytes: Int, maximumItems: Int) throws(FootfallError) {
        let reader = CallbackReader(maximumIDBytes: maximumIDBytes)
        guard body.kind == .object else {
            throw FootfallError("invalid_order", "The body must be an order, as a JSON object.")
        }
        let fields: Set<String> = ["order_id", "user_id", "status", "currency", "total", "paid_at", "items"]
        for (name, _) in body.members where !fields.contains(String(decoding: name, as: UTF8.self)) {
            let name = String(decoding: name.prefix(64), as: UTF8.self)
            throw FootfallError("invalid_order", "An order has no field \"\(name)\".", path: "/\(name)")
        }
        let id = try reader.id(body, "order_id", path: "")
        let status = try reader.text(body, "status", path: "", longest: 64)
        guard status.lowercased() == "paid" else {
            self = .notPaid(status: status)
            return
        }
        let user = try reader.id(body, "user_id", path: "")
        let currency = try reader.text(body, "currency", path: "", longest: 3)
        guard currency.utf8.count == 3, currency.utf8.allSatisfy({ (65...90).contains($0) }) else {
            throw reader.wrong("currency", "is a code of three capital letters, such as EUR", path: "")
        }
        var paidAt: Int64?
        if let view = body.member("paid_at"), !view.isNull {
            guard let moment = view.stringValue.flatMap({ Timestamp(rfc3339: $0) }) else {
                throw reader.wrong("paid_at", "is an RFC 3339 time, such as 2026-01-31T12:00:00Z", path: "")
            }
            paidAt = moment.milliseconds
        }
        guard let list = body.member("items"), list.kind == .array, (1...maximumItems).contains(list.count) else {
            throw reader.wrong("items", "is a list of 1 to \(maximumItems) items", path: "")
        }
        var items: [Order.Item] = []
        for (index, item) in list.elements.enumerated() {
            items.append(try reader.item(item, path: "/items/\(index)"))
        }
        let sum = items.reduce(Money.zero) { $0 + ($1.price ?? .zero) * $1.quantity }
        let total = try reader.money(body, "total", path: "") ?? sum
        self = .paid(
            Order(
                id: id, userID: user, currency: currency, total: total, paidAt: paidAt, receivedAt: receivedAt,
                items: items))
    }
}

/// Takes the fields of a callback.
private struct CallbackReader {
    let maximumIDBytes: Int

    func wrong(_ name: String, _ what: String, path: String) -> FootfallError {
        FootfallError("invalid_order", "\"\(name)\" \(what).", path: "\(path)/\(name)")
    }

    /// An id: a text, or a whole number that stands for its digits.
    func id(_ view: JSONView, _ name: String, path: String) throws(FootfallError) -> String {
        let value = view[name]
        var text: String?
        if let value, value.kind == .string { text = value.stringValue }
        if let value, value.isNumber {
            let digits = String(decoding: value.raw, as: UTF8.self)
            if digits.utf8.allSatisfy({ (48...57).contains($0) || $0 == 45 }) { text = digits }
        }
        guard let text, (1...maximumIDBytes).contains(text.utf8.count), !text.utf8.contains(0) else {
            throw wrong(name, "is required: 1 to \(maximumIDBytes) bytes of text, or a whole number", path: path)
        }
        return text
    }

    func text(_ view: JSONView, _ name: String, path: String, longest: Int) throws(FootfallError) -> String {
        guard let text = view[name]?.stringValue, (1...longest).contains(text.utf8.count) else {
            throw wrong(name, "is required: a text of 1 to \(longest) bytes", path: path)
        }
        return text
    }

    func money(_ view: JSONView, _ name: String, path: String) throws(FootfallError) -> Money? {
        guard let value = view[name], !value.isNull else { return nil }
        let text =
            value.isNumber ? String(decoding: value.raw, as: UTF8.self) : value.stringValue ?? ""
        guard let money = Money(text) else {
            throw wrong(
                name,
                "is a decimal number of at least 0 such as \"12.50\", 15 digits before the point and 6 after it "
                    + "at most", path: path)
        }
        return money
    }

    func item(_ view: JSONView, path: String) throws(FootfallError) -> Order.Item {
        guard view.kind == .object else {
            throw FootfallError(
                "invalid_order", "An item is an object with \"product_id\", \"quantity\" and \"price\".", path: path)
        }
        let fields: Set<String> = ["product_id", "quantity", "price"]
        for (name, _) in view.members where !fields.contains(String(decoding: name, as: UTF8.self)) {
            let name = String(decoding: name.prefix(64), as: UTF8.self)
            throw FootfallError("invalid_order", "An item has no field \"\(name)\".", path: "\(path)/\(name)")
        }
        var quantity: Int64 = 1
        if let value = view["quantity"] {
            guard let whole = value.int64, Cart.quantities.contains(whole) else {
                throw FootfallError(
                    "invalid_quantity", "\"quantity\" is a whole number from 1 to 9999.", path: "\(path)/quantity")
            }
            quantity = whole
        }
        return Order.Item(
            productID: try id(view, "product_id", path: path), quantity: quantity,
            price: try money(view, "price", path: path))
    }
}
