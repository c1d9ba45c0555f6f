import Foundation
import Testing

@Suite(.serialized) struct Carts {
    @Test("A cart takes products, adds up, gives them back, tracks both, and survives a restart")
    func carts() throws {
        let folder = try TestFolder()
        var server = try ServerProcess(folder)
        var shop = try Shop(folder, server)
        let path = "/users/me/carts/c%20%F0%9F%9B%92/items"
        #expect(try shop.send("GET", path, as: "u1").status == 404)
        let first = try shop.send("POST", path, as: "u1", ["product_id": "p1"])
        #expect(first.status == 201 && first.json["product_id"] == "p1" && first.json["quantity"] == 1, "\(first)")
        #expect(first.json["cart_id"] == "c 🛒" && first.json["tracked"] == 1, "\(first)")
        let more = try shop.send("POST", path, as: "u1", ["product_id": "p1", "quantity": 3])
        #expect(more.status == 201 && more.json["quantity"] == 4, "\(more)")
        let number = try shop.send("POST", path, as: "u1", ["product_id": 123, "quantity": 9999])
        #expect(number.status == 201 && number.json["product_id"] == "123", "\(number)")
        func stats(_ id: String) throws -> JSONValue? {
            try shop.client.get("/v1/entities/product/\(id)/stats").json["counts"]
        }
        #expect(try stats("p1")?["cart_add_count"] == 2)

        // With an id the same request adds once.
        for round in 0..<3 {
            let again = try shop.send(
                "POST", path, as: "u1", ["product_id": "p2", "quantity": 2, "id": "add-1", "list_id": "l1"])
            #expect(again.status == (round == 0 ? 201 : 200) && again.json["quantity"] == 2, "\(again)")
            #expect(again.json["tracked"]?.integerValue == (round == 0 ? 1 : 0))
        }
        #expect(try stats("p2")?["cart_add_count"] == 1)

        #expect(try shop.send("DELETE", path + "/p1", as: "u1").status == 204)
        let gone = try shop.send("DELETE", path + "/p1", as: "u1")
        #expect(gone.status == 404 && gone.isProblem, "\(gone)")
        #expect(try stats("p1")?["cart_remove_count"] == 1)

        for isRestarted in [false, true] {
            let cart = try shop.send("GET", path, as: "u1").json
            let items = cart["items"]?.arrayValue ?? []
            #expect(items.map { $0["product_id"]?.stringValue } == ["123", "p2"], "\(cart.text)")
            #expect(items.map { $0["quantity"]?.integerValue } == [9999, 2])
            let user = try shop.client.get("/v1/users/u1").json
            #expect(user["carts"]?[0]?["cart_id"] == "c 🛒" && user["carts"]?[0]?["products"] == 2, "\(user.text)")
            #expect(user["purchases"]?["order_count"] == 0)
            if isRestarted { continue }
            #expect(server.stop() == 0)
            server = try ServerProcess(folder)
            shop = try Shop(folder, server, secret: shop.secret)
        }
        let file = try StoreFile(folder)
        #expect(
            try file.rows("SELECT cart_id, user_id, product_id, quantity FROM cart_items") == [
                ["c 🛒", "u1", "123", "9999"], ["c 🛒", "u1", "p2", "2"],
            ])
        #expect(try file.rows("SELECT cart_id, user_id, products FROM carts") == [["c 🛒", "u1", "2"]])
        #expect(
            try file.rows(
                """
                SELECT type, entity_id, user_id, context, list_id, metadata ->> '$.cart_id' FROM user_interactions
                ORDER BY seq DESC LIMIT 2
                """) == [
                    ["cart_remove", "p1", "u1", "cart", nil, "c 🛒"], ["cart_add", "p2", "u1", "cart", "l1", "c 🛒"],
                ])
        #expect(server.stop() == 0)
    }

    @Test("A cart is its user's alone, and who that is has to be vouched for")
    func owners() throws {
        let folder = try TestFolder()
        let server = try ServerProcess(folder)
        let shop = try Shop(folder, server)
        let path = "/users/me/carts/c1/items"
        #expect(try shop.send("POST", path, as: "u1", ["product_id": "p1"]).status == 201)
        for (method, target) in [("GET", path), ("POST", path), ("DELETE", path + "/p1")] {
            let body: JSONValue? = method == "POST" ? ["product_id": "p1"] : nil
            let other = try shop.send(method, target, as: "u2", body)
            #expect(other.status == 404 && other.code == "not_found", "\(method): \(other)")
            let nobody = try shop.send(method, target, as: nil, body)
            #expect(nobody.status == 401 && nobody.code == "missing_user", "\(method): \(nobody)")
        }
        let writer = try server.writer()
        func ask(_ headers: [String: String]) throws -> Int { try writer.get(path, headers).status }
        // The demo tenant takes ids as they come.
        #expect(try ask(["X-User-Id": "u1"]) == 200)
        #expect(try shop.client.patch("/v1/settings", ["trust_user_ids": false]).status == 200)
        #expect(try ask(["X-User-Id": "u1"]) == 403)
        #expect(try ask(["X-User-Token": Signature.token(user: "u1", secret: shop.secret)]) == 200)
        #expect(try ask(["X-User-Token": Signature.token(user: "u2", secret: shop.secret)]) == 404)
        #expect(try ask(["X-User-Token": Signature.token(user: "u1", secret: "ffh_other")]) == 401)
        for target in ["/v1/users/u1", "/v1/users/u1/orders"] {
            let token = Signature.token(user: "u1", secret: shop.secret)
            #expect(try writer.get(target).status == 403)
            #expect(try writer.get(target, ["X-User-Token": token]).status == 200)
            #expect(
                try writer.get(target.replacingOccurrences(of: "u1", with: "u2"), ["X-User-Token": token]).status == 403
            )
        }
        let cart = try shop.send("GET", path, as: "u1").json
        #expect(cart["items"]?.arrayValue?.count == 1 && cart["items"]?[0]?["quantity"] == 1, "\(cart.text)")
        #expect(server.stop() == 0)
    }

    @Test("What cannot be put into a cart is refused with a code, and changes nothing")
    func refusals() throws {
        let folder = try TestFolder()
        let server = try ServerProcess(folder)
        let shop = try Shop(folder, server)
        let path = "/users/me/carts/c1/items"
        for id in ["shown", "hidden", "deleted", "sold"] {
            #expect(
                try shop.client.put("/v1/entities/product/\(id)", ["hidden": .bool(id == "hidden")]).status == 200)
        }
        #expect(try shop.send("POST", path, as: "u", ["product_id": "deleted"]).status == 201)
        #expect(try shop.send("DELETE", "/v1/entities/product/deleted", as: nil).status == 204)
        #expect(try shop.send("POST", path, as: "u", ["product_id": "shown", "quantity": 9000]).status == 201)
        let before = try shop.send("GET", path, as: "u").text
        let refused: [(JSONValue, String)] = [
            (["product_id": "shown", "quantity": 0], "invalid_quantity"),
            (["product_id": "shown", "quantity": -1], "invalid_quantity"),
            (["product_id": "shown", "quantity": 10_000], "invalid_quantity"),
            (["product_id": "shown", "quantity": 1000], "invalid_quantity"),
            (["product_id": "shown", "quantity": 1.5], "invalid_quantity"),
            (["product_id": "shown", "quantity": "2"], "invalid_quantity"),
            (["product_id": "shown", "quantity": 9_223_372_036_854_775_807], "invalid_quantity"),
            (["product_id": "hidden"], "entity_hidden"), (["product_id": "deleted"], "entity_deleted"),
            (["quantity": 1], "invalid_cart_item"), (["product_id": ""], "invalid_cart_item"),
            (["product_id": ["x"]], "invalid_cart_item"), (["product_id": "shown", "price": "1"], "invalid_cart_item"),
            ([1], "invalid_cart_item"),
        ]
        for (body, code) in refused {
            let answer = try shop.send("POST", path, as: "u", body)
            #expect(answer.status == 422 && answer.code == code, "\(body.text): \(answer)")
        }
        #expect(try shop.client.post(path, "{", ["X-User-Id": "u"]).status == 400)
        #expect(try shop.send("GET", path, as: "u").text == before)
        let plan = try shop.client.put("/v1/plan", ["extends": "default", "strict": true])
        #expect(plan.status == 200, "\(plan)")
        let unknown = try shop.send("POST", path, as: "u", ["product_id": "unknown"])
        #expect(unknown.status == 422 && unknown.code == "unknown_entity", "\(unknown)")
        // What is in the cart can be taken out, whatever has become of it.
        #expect(try shop.send("DELETE", path + "/deleted", as: "u").status == 204)
        let file = try StoreFile(folder)
        #expect(try file.integer("SELECT count(*) FROM user_interactions") == 3)
        #expect(try file.integer("SELECT count(*) FROM log_records WHERE kind = 'cart'") == 3)
        // A plan whose schema has no room for our metadata, and one without the type.
        let closed: JSONValue = [
            "extends": "default",
            "entity_types": ["product": ["metadata": ["type": "object", "additionalProperties": false]]],
        ]
        #expect(try shop.client.put("/v1/plan", closed).status == 200)
        #expect(try shop.send("POST", path, as: "u", ["product_id": "any"]).status == 201)
        #expect(try shop.client.put("/v1/plan", ["extends": "feed"]).status == 200)
        let without = try shop.send("POST", path, as: "u", ["product_id": "any"])
        #expect(without.status == 422 && without.code == "unknown_type", "\(without)")
        #expect(server.stop() == 0)
    }
}
