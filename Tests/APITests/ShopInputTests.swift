import Domain
import Foundation
import HTTP
import JSON
import Storage
import Testing

@testable import API

/// What bad input gets, on the routes of a shop: a clear error or a sensible list, and nothing counted twice.
@Suite("Bad input at a shop's routes")
struct ShopInputTests {
    private func paid(_ service: TestService, _ body: JSONValue, age: Int64 = 0, half: Bool = false) throws -> Answer {
        let seconds = service.clock.now / 1000 - age
        let hash = UserToken.hmac(Array("\(seconds).\(body.text)".utf8), key: Array(service.webhookSecret.utf8))
        let hex = hash.map { ($0 < 16 ? "0" : "") + String($0, radix: 16) }.joined()
        return try service.send(
            "POST", "/orders/payment/callback",
            headers: [("X-Signature", "t=\(seconds),v1=\(half ? String(hex.prefix(32)) : hex)")], text: body.text)
    }

    @Test("A limit of 0, of 100,000, below 0 or of no number is refused on every route that has one")
    func limits() throws {
        let service = try TestService()
        defer { service.stop() }
        let routes = [
            "/v1/popular", "/v1/trending", "/products/popular", "/v1/recommendations?session_id=s",
            "/v1/similar/product/p", "/v1/entities", "/v1/users", "/v1/users/u/orders", "/v1/users/u/interactions",
            "/v1/searches", "/v1/interactions", "/v1/rejected", "/v1/errors",
        ]
        for route in routes {
            for limit in ["0", "100000", "-1", "1.5", "many", "", "9223372036854775808"] {
                let target = route + (route.contains("?") ? "&" : "?") + "limit=\(limit)"
                let answer = try service.send("GET", target)
                #expect(answer.status == 400, "\(target): \(answer.status)")
                #expect(answer.json["code"]?.stringValue?.isEmpty == false, "\(target)")
            }
            let good = try service.send("GET", route + (route.contains("?") ? "&" : "?") + "limit=1")
            // A user whom nothing was heard of is not found.
            #expect(good.status == (route.hasPrefix("/v1/users/u/interactions") ? 404 : 200), "\(route)")
        }
        for limit in ["0", "100000", "-1", "1.5", "\"5\"", "[]"] {
            let answer = try service.send("POST", "/search", text: #"{"query": "x", "limit": \#(limit)}"#)
            #expect(answer.status == 400 && answer.json["code"] == "invalid_limit", "\(limit)")
        }
    }

    @Test("Filters that contradict each other, or that nothing can meet, give an error or an empty list")
    func filters() throws {
        let service = try TestService()
        defer { service.stop() }
        try RecommendationTests.fill(service)
        for (filters, code) in [
            (#"{"price_min": 5, "price_max": 4}"#, "contradictory_filters"),
            (#"{"price_min": "5.01", "price_max": "5.001"}"#, "contradictory_filters"),
            (#"{"price_min": -1}"#, "invalid_filters"), (#"{"price_max": "1e3"}"#, "invalid_filters"),
            (#"{"price_max": "NaN"}"#, "invalid_filters"), (#"{"price_max": true}"#, "invalid_filters"),
            (#"{"in_stock": "yes"}"#, "invalid_filters"), (#"{"category": ""}"#, "invalid_filters"),
            (#"{"colour": "red"}"#, "unknown_field"), (#"[]"#, "invalid_filters"),
            (#"{"entity_type": "nothing"}"#, "unknown_entity_type"),
        ] {
            let answer = try service.send("POST", "/search", text: #"{"query": "item", "filters": \#(filters)}"#)
            #expect(answer.status == 400 && answer.json["code"]?.stringValue == code, "\(filters): \(answer)")
        }
        for filters in [
            #"{"currency": "USD"}"#, #"{"price_min": 1e15}"#, #"{"category": "c0", "price_max": 0}"#,
            #"{"category": "no such"}"#, #"{"entity_type": "post"}"#,
        ] {
            let answer = try service.send("POST", "/search", text: #"{"query": "item", "filters": \#(filters)}"#)
            #expect(answer.status == 200 && answer.json["total"] == 0, "\(filters): \(answer)")
        }
        // A number as it is mostly written.
        let priced = #"{"query": "item", "filters": {"price_min": 12.50, "price_max": 14.0}}"#
        let found = try service.send("POST", "/search", text: priced).json
        #expect(found["total"] == 2, "\(found.text)")
        for query in [
            "price_min=2&price_max=1", "price_max=-1", "price_max=1e9", "currency=euro", "in_stock=maybe", "category=",
            "limit=5&limit=6",
        ] {
            let answer = try service.send("GET", "/v1/recommendations?session_id=s&\(query)")
            #expect(answer.status == 400, "\(query): \(answer)")
        }
        for query in ["category=none", "currency=USD", "price_min=99999999", "category=c0&price_max=0"] {
            for route in ["/v1/recommendations?session_id=s&", "/v1/similar/product/p1?"] {
                let answer = try service.send("GET", route + query)
                #expect(
                    answer.status == 200 && answer.json["items"]?.arrayValue?.isEmpty == true, "\(query): \(answer)")
            }
        }
    }

    @Test("Absurd prices, quantities and stocks of the catalogue are refused, and change nothing")
    func catalogue() throws {
        let service = try TestService()
        defer { service.stop() }
        let good = #"{"title": "Lamp", "price": "5.00", "currency": "EUR", "inventory": 3}"#
        #expect(try service.send("PUT", "/v1/entities/product/p", text: good).status == 200)
        let before = try service.send("GET", "/v1/entities/product/p").json
        for (name, values) in [
            "price": ["-1", "\"-0.01\"", "\"1e5\"", "\"five\"", "\"NaN\"", "\"\"", "true", "\"1.\"", "{}", "1e400"],
            "inventory": ["-1", "1.5", "\"3\"", "1e30", "9223372036854775808"],
            "currency": ["\"euro\"", "5", "\"\"", "\"E R\""],
        ] {
            for value in values {
                for (method, more) in [("PATCH", ""), ("PUT", "\"title\": \"Lamp\", ")] {
                    let body = "{\(more)\"\(name)\": \(value)}"
                    let answer = try service.send(method, "/v1/entities/product/p", text: body)
                    #expect((400..<500).contains(answer.status), "\(method) \(body): \(answer.status)")
                    #expect(answer.json["code"]?.stringValue?.isEmpty == false, "\(method) \(body)")
                }
            }
        }
        #expect(try service.send("GET", "/v1/entities/product/p").json == before)
    }

    @Test("What is deleted, hidden or out of stock comes back on no list, whatever is ordered, carted or clicked")
    func gone() throws {
        let service = try TestService()
        defer { service.stop() }
        try RecommendationTests.fill(service)
        #expect(try service.send("DELETE", "/v1/entities/product/p5").status == 204)
        let order: JSONValue = [
            "order_id": "o1", "user_id": "u1", "status": "paid", "currency": "EUR",
            "items": .array(
                ["p5", "p22", "p23", "never"].map { ["product_id": .string($0), "quantity": 9, "price": "1.00"] }),
        ]
        // p5 is deleted, p22 hidden, p23 out of stock, and "never" was never heard of: the order is a fact all the same.
        #expect(try paid(service, order).json["tracked"] == 4)
        for id in ["p5", "p22", "p1"] {
            let item = #"{"type": "cart_add", "entity_id": "\#(id)", "user_id": "u1", "context": "cart"}"#
            #expect(try service.send("POST", "/v1/interactions", text: item).status == 200)
            if id == "p1" { continue }
            let cart = try service.send(
                "POST", "/users/me/carts/c/items", headers: [("X-User-Id", "u1")], text: #"{"product_id": "\#(id)"}"#)
            #expect(cart.status == 422, "\(id)")
        }
        func ids(_ target: String, _ list: String = "items", _ name: String = "entity_id") throws -> Set<String> {
            let answer = try service.send("GET", target).json
            return Set(answer[list]?.arrayValue?.compactMap { $0[name]?.stringValue } ?? [])
        }
        let never: Set<String> = ["p5", "p22"]
        for target in [
            "/v1/popular?limit=100", "/v1/trending?limit=100", "/v1/popular?mode=most_ordered&limit=100",
            "/v1/popular?mode=most_carted&limit=100&time_window=1h", "/v1/recommendations?user_id=u1&limit=100",
            "/v1/recommendations?session_id=s&limit=100", "/v1/similar/product/p23?limit=100",
            "/v1/similar/product/p5?limit=100",
        ] {
            let found = try ids(target)
            #expect(!found.isEmpty && found.isDisjoint(with: never), "\(target): \(found.intersection(never))")
        }
        #expect(try ids("/products/popular?limit=100", "products", "product_id").isDisjoint(with: never))
        for target in ["/v1/recommendations?user_id=u1&limit=100", "/v1/similar/product/p1?limit=100"] {
            #expect(try !ids(target + "&in_stock=true").contains("p23"), "\(target)")
        }
        let text = #"{"query": "item", "limit": 100, "filters": {"in_stock": true}}"#
        let found = try service.send("POST", "/search", text: text).json["results"]?.arrayValue ?? []
        let shown = Set(found.compactMap { $0["product_id"]?.stringValue })
        #expect(shown.count == 21 && shown.isDisjoint(with: ["p5", "p22", "p23"]))
    }

    @Test(
        "Callbacks that are told again, late, out of order, half-signed or with another currency count once or not at all"
    )
    func callbacks() throws {
        let service = try TestService()
        defer { service.stop() }
        func order(_ id: String, _ status: String = "paid", _ currency: String = "EUR", _ total: String = "5.00")
            -> JSONValue
        {
            [
                "order_id": .string(id), "user_id": "u", "status": .string(status), "currency": .string(currency),
                "total": .string(total), "items": [["product_id": "p", "quantity": 1, "price": .string(total)]],
            ]
        }
        #expect(try service.send("PUT", "/v1/entities/product/p", text: #"{"inventory": 10}"#).status == 200)
        // Half of a signature, one just too old, then in time; the news of its beginning comes after that of its payment.
        #expect(try paid(service, order("o1"), half: true).json["code"] == "invalid_signature")
        #expect(try paid(service, order("o1"), age: 301).json["code"] == "signature_expired")
        #expect(try paid(service, order("o1"), age: -301).json["code"] == "signature_expired")
        #expect(try paid(service, order("o1"), age: 299).json["result"] == "stored")
        #expect(try paid(service, order("o1", "pending")).json["result"] == "not_paid")
        #expect(try paid(service, order("o1", "cancelled")).json["result"] == "not_paid")
        for _ in 0..<3 { #expect(try paid(service, order("o1")).json["result"] == "duplicate") }
        // Under the same id with another currency or amount it is another order.
        for other in [order("o1", "paid", "USD"), order("o1", "paid", "EUR", "5.01")] {
            let answer = try paid(service, other)
            #expect(answer.status == 409 && answer.json["code"] == "order_conflict")
        }
        #expect(try paid(service, order("o2", "paid", "USD")).json["result"] == "stored")
        service.clock.now += 86_400_000
        #expect(try paid(service, order("o1")).json["result"] == "duplicate")
        let purchases = try service.send("GET", "/v1/users/u").json["purchases"]
        #expect(purchases?["order_count"] == 2)
        #expect(purchases?["spent"]?["EUR"]?["total"] == "5.00" && purchases?["spent"]?["USD"]?["total"] == "5.00")
        #expect(try service.send("GET", "/v1/entities/product/p").json["inventory"] == 8)
        let stats = try service.send("GET", "/v1/entities/product/p/stats").json
        #expect(stats["counts"]?["order_count"] == 2)
    }

    @Test("A cart belongs to its user: others can neither see it, nor change it, nor make it theirs")
    func carts() throws {
        let service = try TestService()
        defer { service.stop() }
        func ask(_ method: String, _ target: String, _ user: String, _ body: String = "") throws -> Int {
            try service.send(method, target, headers: [("X-User-Id", user)], text: body).status
        }
        let path = "/users/me/carts/c1/items"
        #expect(try ask("POST", path, "anna", #"{"product_id": "p"}"#) == 201)
        for other in ["bert", "ANNA", "anna\u{301}"] {
            #expect(try ask("GET", path, other) == 404, "\(other)")
            #expect(try ask("POST", path, other, #"{"product_id": "q"}"#) == 404, "\(other)")
            #expect(try ask("DELETE", path + "/p", other) == 404, "\(other)")
        }
        #expect(try ask("GET", "/users/me/carts/none/items", "anna") == 404)
        #expect(try ask("DELETE", path + "/q", "anna") == 404)
        // Emptied, it still is hers.
        #expect(try ask("DELETE", path + "/p", "anna") == 204)
        #expect(try ask("POST", path, "bert", #"{"product_id": "q"}"#) == 404)
        let rows = try service.tenant.store.interactionCount()
        #expect(rows == 2)
    }
}
