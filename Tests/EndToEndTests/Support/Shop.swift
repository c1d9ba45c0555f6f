import Foundation
import Testing

/// A running server with what a shop's own server has: keys and a webhook secret.
struct Shop {
    let server: ServerProcess
    let client: Client
    let secret: String

    init(_ folder: TestFolder, _ server: ServerProcess, secret: String? = nil) throws {
        self.server = server
        client = try server.client()
        self.secret = try secret ?? Shop.webhookSecret(folder)
    }

    static func webhookSecret(_ folder: TestFolder) throws -> String {
        let made = try Child.run(
            folder, ["keys", "create", "--data", folder.data, "--tenant", "demo", "--scope", "webhook"])
        #expect(made.status == 0, "\(made.errors)")
        return made.output.trimmingCharacters(in: .whitespacesAndNewlines)
    }

    /// Sends a payment callback, signed now unless a header is given.
    func pay(_ body: String, signature: String? = nil) throws -> Answer {
        try client.post(
            "/orders/payment/callback", body, ["X-Signature": signature ?? Signature.header(body, secret: secret)])
    }

    func pay(_ order: JSONValue) throws -> Answer { try pay(order.text) }

    /// Sends as a user, with the secret key.
    func send(_ method: String, _ target: String, as user: String?, _ body: JSONValue? = nil) throws -> Answer {
        try client.send(
            method, target, user.map { ["X-User-Id": $0] } ?? [:], body.map { Array($0.text.utf8) } ?? [])
    }
}

/// An order with its amounts in hundredths, so that sums are exact whole numbers.
struct PlainOrder {
    var id: String
    var user: String
    var currency: String
    var paidAt: Int64
    var items: [(product: String, quantity: Int64, hundredths: Int64)]

    var total: Int64 { items.reduce(0) { $0 + $1.quantity * $1.hundredths } }

    static func text(_ hundredths: Int64) -> String {
        "\(hundredths / 100)." + (hundredths % 100 < 10 ? "0" : "") + "\(hundredths % 100)"
    }

    var body: JSONValue {
        [
            "order_id": .string(id), "user_id": .string(user), "status": "paid", "currency": .string(currency),
            "total": .string(Self.text(total)), "paid_at": .string(rfc3339(paidAt)),
            "items": .array(
                items.map {
                    [
                        "product_id": .string($0.product), "quantity": .integer($0.quantity),
                        "price": .string(Self.text($0.hundredths)),
                    ]
                }),
        ]
    }

    static func random(_ number: Int, using random: inout SeededGenerator) -> PlainOrder {
        let count = Int.random(in: 1...5, using: &random)
        return PlainOrder(
            id: "order \(number)", user: "u\(Int.random(in: 0..<6, using: &random))",
            currency: ["EUR", "USD", "JPY"].randomElement(using: &random) ?? "EUR",
            paidAt: now() - Int64.random(in: 0..<40, using: &random) * 3_600_000,
            items: (0..<count).map { _ in
                (
                    product: "p\(Int.random(in: 0..<8, using: &random))",
                    quantity: Int64.random(in: 1...4, using: &random),
                    hundredths: Int64.random(in: 1...99_999, using: &random)
                )
            })
    }
}

extension Shop {
    /// Compares users, stock and rows with what orders come to when they are added up one by one.
    func expectOrders(_ orders: [PlainOrder], stock: [String: Int64], _ folder: TestFolder, _ note: String) throws {
        for user in Set(orders.map(\.user)) {
            let own = orders.filter { $0.user == user }
            let purchases = try client.get("/v1/users/\(user)").json["purchases"]
            #expect(
                purchases?["order_count"]?.integerValue == Int64(own.count), "\(note): \(user) \(purchases?.text ?? "")"
            )
            let spent = purchases?["spent"]
            #expect(Set(spent?.members.map(\.key) ?? []) == Set(own.map(\.currency)), "\(note): \(user)")
            for currency in Set(own.map(\.currency)) {
                let same = own.filter { $0.currency == currency }
                let sum = same.reduce(0) { $0 + $1.total }
                #expect(spent?[currency]?["orders"]?.integerValue == Int64(same.count), "\(note): \(user) \(currency)")
                #expect(
                    spent?[currency]?["total"]?.stringValue == PlainOrder.text(sum), "\(note): \(user) \(currency)")
                let average = (sum * 2 + Int64(same.count)) / (Int64(same.count) * 2)
                #expect(
                    spent?[currency]?["average"]?.stringValue == PlainOrder.text(average),
                    "\(note): \(user) \(currency)")
            }
            let last = own.max { ($0.paidAt, $0.id) < ($1.paidAt, $1.id) }
            #expect(purchases?["last_order_id"]?.stringValue == last?.id, "\(note): \(user)")
            #expect(purchases?["last_order_at"]?.stringValue == last.map { rfc3339($0.paidAt) }, "\(note): \(user)")
            let listed = try client.get("/v1/users/\(user)/orders?limit=1000").json["orders"]?.arrayValue ?? []
            #expect(
                Set(listed.compactMap { $0["order_id"]?.stringValue }) == Set(own.map(\.id))
                    && listed.count == own.count, "\(note): \(user)")
        }
        for (product, first) in stock {
            let sold = orders.flatMap(\.items).filter { $0.product == product }.reduce(0) { $0 + $1.quantity }
            let entity = try client.get("/v1/entities/product/\(product)").json
            #expect(entity["inventory"]?.integerValue == max(0, first - sold), "\(note): \(entity.text)")
        }
        let file = try StoreFile(folder)
        let rows = try file.rows("SELECT entity_id, count(*) FROM user_interactions WHERE type = 'order' GROUP BY 1")
        var counts: [String: Int64] = [:]
        for item in orders.flatMap(\.items) { counts[item.product, default: 0] += 1 }
        #expect(
            Dictionary(uniqueKeysWithValues: rows.map { ($0[0] ?? "", Int64($0[1] ?? "") ?? 0) }) == counts, "\(note)")
        for (product, count) in counts {
            let stats = try client.get("/v1/entities/product/\(product)/stats").json["counts"]
            #expect(stats?["order_count"]?.integerValue == count, "\(note): \(product)")
        }
    }
}
