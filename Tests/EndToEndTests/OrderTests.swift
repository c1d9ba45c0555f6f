import Foundation
import Testing

@Suite(.serialized) struct Orders {
    @Test("The tests' own signatures are those of RFC 4231")
    func oracle() {
        #expect(
            Signature.hmac(Array("what do ya want for nothing?".utf8), key: Array("Jefe".utf8))
                == "5bdcc146bf60754e6a042426089575c75a003f089d2739839dec58b964ec3843")
    }

    @Test("A paid order is tracked once, with its stock and its user's figures, in every way it can be told again")
    func once() throws {
        let folder = try TestFolder()
        let server = try ServerProcess(folder)
        let shop = try Shop(folder, server)
        for (id, price, stock) in [("a", "12.50", 10 as JSONValue), ("b", "3.00", 1), ("c", "1.00", nil)] {
            let put = try shop.client.put(
                "/v1/entities/product/\(id)", ["price": .string(price), "currency": "EUR", "inventory": stock])
            #expect(put.status == 200, "\(put)")
        }
        let paidAt = rfc3339(now() - 60_000)
        let body = """
            {"order_id":"o1","user_id":"u1","status":"paid","currency":"EUR","total":"31.005000","paid_at":"\(paidAt)",
             "items":[{"product_id":"a","quantity":2,"price":12.50},{"product_id":"b","quantity":2,"price":"3"},
                      {"product_id":"a","quantity":1,"price":1e0},{"product_id":"ghost"}]}
            """
        // An exponent is no decimal text.
        let exponent = try shop.pay(body)
        #expect(exponent.status == 422 && exponent.code == "invalid_order", "\(exponent)")
        let good = body.replacingOccurrences(of: "1e0", with: "0.000001")
        let first = try shop.pay(good)
        #expect(first.status == 200 && first.json["success"] == true && first.json["tracked"] == 4, "\(first)")
        for again in [
            good, good.replacingOccurrences(of: "31.005000", with: "31.005"),
            good.replacingOccurrences(of: "\"paid\"", with: "\"PAID\""),
        ] {
            let answer = try shop.pay(again)
            #expect(answer.status == 200 && answer.json["tracked"] == 0, "\(answer)")
            #expect(answer.json["result"] == "duplicate")
        }
        for other in [
            good.replacingOccurrences(of: "31.005000", with: "31.006"),
            good.replacingOccurrences(of: "\"u1\"", with: "\"u2\""),
            good.replacingOccurrences(of: "EUR", with: "USD"), good.replacingOccurrences(of: "ghost", with: "host"),
        ] {
            let answer = try shop.pay(other)
            #expect(answer.status == 409 && answer.code == "order_conflict", "\(answer)")
        }
        for status in ["pending", "failed", "refunded"] {
            let answer = try shop.pay(good.replacingOccurrences(of: "\"paid\"", with: "\"\(status)\""))
            #expect(answer.status == 200 && answer.json["tracked"] == 0, "\(answer)")
            let other = try shop.pay(["order_id": "o2", "status": .string(status)])
            #expect(other.status == 200 && other.json["tracked"] == 0, "\(other)")
        }
        let user = try shop.client.get("/v1/users/u1").json["purchases"]
        #expect(user?["order_count"] == 1 && user?["last_order_at"]?.stringValue == paidAt, "\(user?.text ?? "")")
        #expect(user?["spent"]?["EUR"]?["total"] == "31.005000", "\(user?.text ?? "")")
        #expect(try shop.client.get("/v1/users/u2").status == 404)
        #expect(try shop.client.get("/v1/entities/product/a").json["inventory"] == 7)
        #expect(try shop.client.get("/v1/entities/product/b").json["inventory"] == 0)
        #expect(try shop.client.get("/v1/entities/product/c").json["inventory"] == nil)
        #expect(try shop.client.get("/v1/entities/product/ghost").json["placeholder"] == true)
        #expect(try shop.client.get("/v1/entities/product/a/stats").json["counts"]?["order_count"] == 2)
        let file = try StoreFile(folder)
        #expect(
            try file.rows(
                """
                SELECT entity_id, user_id, context, metadata ->> '$.price', metadata ->> '$.quantity'
                FROM user_interactions WHERE type = 'order' ORDER BY seq
                """) == [
                    ["a", "u1", "checkout", "12.50", "2"], ["b", "u1", "checkout", "3", "2"],
                    ["a", "u1", "checkout", "0.000001", "1"], ["ghost", "u1", "checkout", nil, "1"],
                ])
        #expect(
            try file.rows("SELECT order_id, user_id, currency, total, paid_at, lines FROM orders") == [
                ["o1", "u1", "EUR", "31.005000", paidAt, "4"]
            ])
        #expect(
            try file.rows("SELECT line, product_id, quantity, price FROM order_items ORDER BY line") == [
                ["1", "a", "2", "12.50"], ["2", "b", "2", "3"], ["3", "a", "1", "0.000001"], ["4", "ghost", "1", nil],
            ])
        #expect(
            try file.rows("SELECT user_id, currency, order_count, total_spent FROM user_purchases") == [
                ["u1", "EUR", "1", "31.005000"]
            ])
        #expect(server.stop() == 0)
    }

    @Test("Whatever is not signed as it should be is refused and changes nothing")
    func signatures() throws {
        let folder = try TestFolder()
        let server = try ServerProcess(folder)
        let anonymous = try server.client()
        let order = PlainOrder(
            id: "o", user: "u", currency: "EUR", paidAt: now(), items: [(product: "p", quantity: 1, hundredths: 100)])
        let body = order.body.text
        let time = now() / 1000
        let early = try anonymous.post(
            "/orders/payment/callback", body, ["X-Signature": Signature.header(body, secret: "x")])
        #expect(early.status == 401 && early.code == "no_webhook_secret", "\(early)")
        let shop = try Shop(folder, server)
        let good = Signature.header(body, secret: shop.secret)
        let hex = Signature.hmac(Array("\(time).\(body)".utf8), key: Array(shop.secret.utf8))
        let bad: [String: String] = [
            "": "missing_signature", "t=\(time)": "invalid_signature", "v1=\(hex)": "invalid_signature",
            "t=\(time),v1=": "invalid_signature", "t=\(time),v1=\(hex.dropLast(2))": "invalid_signature",
            "t=\(time),v1=\(String(hex.reversed()))": "invalid_signature", "t=\(time),v0=\(hex)": "invalid_signature",
            "t=\(time),t=\(time),v1=\(hex)": "invalid_signature", "t=-1,v1=\(hex)": "invalid_signature",
            "t=99999999999999999999,v1=\(hex)": "invalid_signature", "t,v1": "invalid_signature",
            "t= \(time),v1=\(hex)": "invalid_signature", ",": "invalid_signature",
            "t=\(time)," + (0..<9).map { _ in "v1=\(hex)" }.joined(separator: ","): "invalid_signature",
            Signature.header(body, secret: shop.secret + "x"): "invalid_signature",
            Signature.header(body + " ", secret: shop.secret): "invalid_signature",
            Signature.header(body, secret: shop.secret, at: time - 320): "signature_expired",
            Signature.header(body, secret: shop.secret, at: time + 320): "signature_expired",
            Signature.header(body, secret: shop.secret, at: 0): "signature_expired",
        ]
        for (header, code) in bad {
            let answer = try shop.client.post("/orders/payment/callback", body, ["X-Signature": header])
            #expect(answer.status == 401 && answer.code == code, "\(header): \(answer)")
        }
        // The secret of another tenant, and one that opens nothing.
        let other = try Child.run(
            folder, ["keys", "create", "--data", folder.data, "--tenant", "other", "--scope", "webhook"])
        let foreign = other.output.trimmingCharacters(in: .whitespacesAndNewlines)
        #expect(try shop.pay(body, signature: Signature.header(body, secret: foreign)).status == 401)
        let keyless = Client(port: server.port, key: nil)
        #expect(try keyless.post("/orders/payment/callback", body, ["X-Signature": good]).code == "missing_key")
        let asKey = Client(port: server.port, key: shop.secret)
        #expect(try asKey.post("/orders/payment/callback", body, ["X-Signature": good]).code == "wrong_scope")
        let file = try StoreFile(folder)
        #expect(try file.integer("SELECT count(*) FROM documents") == 0)
        #expect(try file.integer("SELECT count(*) FROM user_interactions") == 0)
        // The write key may stand in the address; one of several signatures is enough.
        let both = "t=\(time),v1=\(String(hex.reversed())),v0=x,v1=\(hex.uppercased())"
        let target = "/orders/payment/callback?key=\(try server.keys.write)"
        let paid = try keyless.post(target, body, ["X-Signature": both])
        #expect(paid.status == 200 && paid.json["tracked"] == 1, "\(paid)")
        // Signed anew within the tolerance, it is the same order.
        let late = try shop.pay(body, signature: Signature.header(body, secret: shop.secret, at: time - 200))
        #expect(late.status == 200 && late.json["tracked"] == 0, "\(late)")
        #expect(server.stop() == 0)
    }

    @Test("Bad orders are refused with codes; odd ones are taken as they are")
    func oddOrders() throws {
        let folder = try TestFolder()
        let server = try ServerProcess(folder)
        let shop = try Shop(folder, server)
        let order: JSONValue = [
            "order_id": "o", "user_id": "u", "status": "paid", "currency": "EUR",
            "items": [["product_id": "p", "quantity": 1, "price": "1.00"]],
        ]
        func with(_ key: String, _ value: JSONValue?) -> JSONValue {
            var own = order
            own[key] = value
            return own
        }
        func item(_ key: String, _ value: JSONValue?) -> JSONValue {
            var own = order["items"]?[0] ?? .null
            own[key] = value
            return with("items", [own])
        }
        let refused: [(JSONValue, String)] = [
            (with("order_id", nil), "invalid_order"), (with("user_id", nil), "invalid_order"),
            (with("user_id", ""), "invalid_order"), (with("status", nil), "invalid_order"),
            (with("status", 1), "invalid_order"), (with("currency", "euro"), "invalid_order"),
            (with("currency", nil), "invalid_order"), (with("total", "-1"), "invalid_order"),
            (with("total", "1,5"), "invalid_order"), (with("total", "1."), "invalid_order"),
            (with("total", ".5"), "invalid_order"), (with("total", "1.1234567"), "invalid_order"),
            (with("total", "1234567890123456"), "invalid_order"), (with("total", true), "invalid_order"),
            (with("paid_at", "yesterday"), "invalid_order"), (with("items", []), "invalid_order"),
            (with("items", nil), "invalid_order"), (with("items", ["p"]), "invalid_order"),
            (with("color", "red"), "invalid_order"), (item("quantity", 0), "invalid_quantity"),
            (item("quantity", -3), "invalid_quantity"), (item("quantity", 10_000), "invalid_quantity"),
            (item("quantity", 1.5), "invalid_quantity"), (item("price", "-0.01"), "invalid_order"),
            (item("product_id", nil), "invalid_order"), (item("sku", "x"), "invalid_order"),
            (with("order_id", .string(String(repeating: "x", count: 257))), "invalid_order"),
            (with("items", .array(Array(repeating: ["product_id": "p"], count: 1001))), "invalid_order"),
            ([], "invalid_order"),
        ]
        for (body, code) in refused {
            let answer = try shop.pay(body)
            #expect(answer.status == 422 && answer.code == code, "\(body.text.prefix(200)): \(answer)")
        }
        #expect(try shop.pay("{").status == 400)
        #expect(try shop.pay(#"{"order_id":"o","order_id":"o"}"#).code == "duplicate_key")
        #expect(try StoreFile(folder).integer("SELECT count(*) FROM documents") == 0)

        // Deleted entities, another currency than the price's, a strict plan, and payments long ago.
        #expect(
            try shop.client.put(
                "/v1/entities/product/p", ["price": "5", "currency": "USD", "inventory": 5]
            ).status == 200)
        #expect(try shop.client.put("/v1/entities/product/d", ["inventory": 5]).status == 200)
        #expect(try shop.send("DELETE", "/v1/entities/product/d", as: nil).status == 204)
        #expect(try shop.client.put("/v1/plan", ["extends": "default", "strict": true]).status == 200)
        #expect(try shop.client.patch("/v1/settings", ["retention_days": 30]).status == 200)
        var odd = with("items", [["product_id": "p", "quantity": 2], ["product_id": "d"], ["product_id": "never"]])
        odd["paid_at"] = .string(rfc3339(now() - 100 * 86_400_000))
        let taken = try shop.pay(odd)
        #expect(taken.status == 200 && taken.json["tracked"] == 3, "\(taken)")
        #expect(try shop.client.get("/v1/entities/product/p").json["inventory"] == 3)
        #expect(try shop.client.get("/v1/entities/product/d").status == 404)
        let user = try shop.client.get("/v1/users/u").json["purchases"]
        #expect(user?["spent"] == ["EUR": ["orders": 1, "total": "0", "average": "0.00"]], "\(user?.text ?? "")")
        var ahead = with("order_id", "ahead")
        ahead["paid_at"] = .string(rfc3339(now() + 90 * 86_400_000))
        let sentAt = now()
        #expect(try shop.pay(ahead).json["tracked"] == 1)
        let last = try shop.client.get("/v1/users/u").json["purchases"]?["last_order_at"]?.stringValue
        #expect(last.flatMap { milliseconds($0) } ?? 0 >= sentAt - 1)
        #expect(server.stop() == 0)
    }

    @Test("Orders told in any order, some of them several times and at once, come to the same")
    func anyOrder() throws {
        var random = SeededGenerator(seed: printedSeed("anyOrder"))
        let orders = (0..<60).map { PlainOrder.random($0, using: &random) }
        let stock: [String: Int64] = ["p0": 1000, "p1": 3, "p2": 0, "p3": 40]
        var states: [String] = []
        for round in 0..<2 {
            let folder = try TestFolder()
            let server = try ServerProcess(folder)
            let shop = try Shop(folder, server)
            for (id, count) in stock {
                #expect(
                    try shop.client.put("/v1/entities/product/\(id)", ["inventory": .integer(count)]).status == 200)
            }
            let told = (orders + orders.shuffled(using: &random).prefix(30)).shuffled(using: &random)
            let secret = shop.secret
            DispatchQueue.concurrentPerform(iterations: 4) { lane in
                guard let client = try? server.client() else { return }
                for place in stride(from: lane, to: told.count, by: 4) {
                    let body = told[place].body.text
                    let answer = try? client.post(
                        "/orders/payment/callback", body, ["X-Signature": Signature.header(body, secret: secret)])
                    #expect(answer?.status == 200, "\(answer?.description ?? "none")")
                }
            }
            try shop.expectOrders(orders, stock: stock, folder, "round \(round)")
            let users = Set(orders.map(\.user)).sorted()
            states.append(try users.map { try shop.client.get("/v1/users/\($0)").text }.joined())
            let pages = try shop.client.get("/v1/users/u0/orders?limit=2")
            #expect(pages.json["next_cursor"] != nil)
            try expectAgreement(server, sample: 20, using: &random)
            #expect(server.stop() == 0)
            let second = try ServerProcess(folder)
            try Shop(folder, second, secret: secret).expectOrders(orders, stock: stock, folder, "restarted \(round)")
            #expect(second.stop() == 0)
        }
        #expect(states[0] == states[1])
    }

    @Test("Killed between callbacks and cart changes, each is there once or not at all, and telling again completes it")
    func killedBetweenCallbacksFault() throws {
        let folder = try TestFolder()
        var random = SeededGenerator(seed: printedSeed("killedBetweenCallbacksFault"))
        let stock: [String: Int64] = ["p0": 100_000, "p1": 10]
        var server = try ServerProcess(folder)
        let secret = try Shop.webhookSecret(folder)
        for (id, count) in stock {
            let put = try server.client().put("/v1/entities/product/\(id)", ["inventory": .integer(count)])
            #expect(put.status == 200)
        }
        var orders: [PlainOrder] = []
        var acknowledged: Set<String> = []
        var adds: Int64 = 0
        for round in 1...max(3, Faults.rounds / 4) {
            let process = server.process
            DispatchQueue.global().asyncAfter(deadline: .now() + Double.random(in: 0.05...0.5, using: &random)) {
                kill(process, SIGKILL)
            }
            let shop = try Shop(folder, server, secret: secret)
            var (sentAdds, isKilled) = (adds, false)
            while !isKilled, orders.count < 100_000 {
                let order = PlainOrder.random(orders.count, using: &random)
                orders.append(order)
                do {
                    guard try shop.pay(order.body).status == 200 else { break }
                    acknowledged.insert(order.id)
                    sentAdds += 1
                    let add = try shop.send("POST", "/users/me/carts/c/items", as: "buyer", ["product_id": "p1"])
                    guard add.status == 201 || adds >= 9999 else { break }
                    adds = sentAdds
                } catch {
                    isKilled = true
                }
            }
            server.kill()
            server = try ServerProcess(folder)
            let after = try Shop(folder, server, secret: secret)
            let file = try StoreFile(folder)
            let stored = Set(try file.rows("SELECT order_id FROM orders").compactMap { $0[0] })
            #expect(acknowledged.isSubset(of: stored), "round \(round)")
            // What an order says and what it tracks come together.
            let halves = try file.integer(
                """
                SELECT count(*) FROM (SELECT order_id, count(*) AS n FROM order_items GROUP BY 1) AS told FULL JOIN
                (SELECT metadata ->> '$.order_id' AS id, count(*) AS n FROM user_interactions WHERE type = 'order'
                GROUP BY 1) AS tracked ON tracked.id = told.order_id WHERE told.n IS NOT tracked.n
                """)
            #expect(halves == 0, "round \(round)")
            try after.expectOrders(
                orders.filter { stored.contains($0.id) }, stock: stock, folder, "round \(round) as killed")
            let quantity =
                try after.send("GET", "/users/me/carts/c/items", as: "buyer").json["items"]?[0]?["quantity"]?
                .integerValue ?? 0
            let tracked = try file.integer("SELECT count(*) FROM user_interactions WHERE type = 'cart_add'")
            #expect(quantity == tracked && (quantity == adds || quantity == sentAdds), "round \(round): \(quantity)")
            adds = quantity
            for order in orders.shuffled(using: &random).prefix(50) + orders.suffix(3) {
                let again = try after.pay(order.body)
                #expect(again.status == 200, "round \(round): \(again)")
                if stored.contains(order.id) { #expect(again.json["tracked"] == 0, "round \(round)") }
                acknowledged.insert(order.id)
            }
        }
        let shop = try Shop(folder, server, secret: secret)
        for order in orders { #expect(try shop.pay(order.body).status == 200) }
        try shop.expectOrders(orders, stock: stock, folder, "in the end")
        try expectAgreement(server, sample: 20, using: &random)
        print("killedBetweenCallbacksFault: \(orders.count) orders, \(adds) cart additions")
        #expect(server.stop() == 0)
        #expect(try StoreFile(folder).integrity() == "ok")
    }
}
