extension Routes {
    /// What the OpenAPI document says of users, carts and orders.
    static let commerceDescriptions: [String: Operation] = {
        let time = #"{"type": "string", "format": "date-time"}"#
        let word = #"{"type": "string"}"#
        let count = #"{"type": "integer", "minimum": 0}"#
        let user = Schemas.object(
            "\"id\": \(word), \"traits\": {\"type\": \"object\"}, \"created_at\": \(time), \"updated_at\": \(time)")
        let traits = "\"traits\": \(Schemas.ref("Traits"))"
        let change = #"{"type": "object", "additionalProperties": false, "properties": {\#(traits)}}"#
        let bulk = Operation(
            """
            Stores users, many at once, each answered by itself. One alone is taken too; when refused the answer is \
            422.
            """,
            body: [
                .json(
                    "{\"anyOf\": [{\"type\": \"array\", \"minItems\": 1, \"items\": \(Schemas.ref("Value"))}, "
                        + Schemas.object(
                            "\"users\": {\"type\": \"array\", \"minItems\": 1, \"items\": \(Schemas.ref("Value"))}",
                            closed: true) + "]}"), .lines,
            ],
            Schemas.object("\"stored\": \(count), \"results\": " + Schemas.list(#"{"type": "object"}"#)))
        let item = "\"product_id\": \(word), \"quantity\": \(count), \"added_at\": \(time), \"updated_at\": \(time)"
        let added = Schemas.object("\"cart_id\": \(word), \(item), \"tracked\": \(count)")
        let purchases = Schemas.object(
            "\"order_count\": \(count), \"spent\": {\"type\": \"object\"}, "
                + #""last_order_at": {"type": ["string", "null"]}, "last_order_id": {"type": ["string", "null"]}"#)
        let money = #"{"type": "string", "pattern": "^[0-9]{1,15}(\\.[0-9]{1,6})?$"}"#
        let quantity = #""quantity": {"type": "integer", "minimum": 1, "maximum": 9999}"#
        let line = Schemas.object(
            "\"product_id\": \(Schemas.ref("AnyID"))", optional: "\(quantity), \"price\": \(money)", closed: true)
        let order = Schemas.object(
            "\"order_id\": \(Schemas.ref("AnyID")), \"user_id\": \(Schemas.ref("AnyID")), "
                + #""status": {"type": "string", "minLength": 1, "maxLength": 64}, "#
                + #""currency": {"type": "string", "pattern": "^[A-Z]{3}$"}, "#
                + "\"items\": {\"type\": \"array\", \"minItems\": 1, \"items\": \(line)}",
            optional: "\"total\": \(money), \"paid_at\": {\"type\": [\"string\", \"null\"], \"format\": \"date-time\"}",
            closed: true)
        let me: [Operation.Parameter] = [
            .header("X-User-Id", Schemas.ref("HeaderText"), "With a secret key."),
            .header("X-User-Token", word, "With a write key."),
        ]
        let token: [Operation.Parameter] = [.header("X-User-Token", word, "With a write key.")]
        let cart = [
            "cart_id": "$request.path.cart_id", "X-User-Id": "$request.header.X-User-Id",
        ]
        let sameUser = ["GET /v1/users/{id}", "PATCH /v1/users/{id}", "DELETE /v1/users/{id}"]
        return [
            "PUT /v1/users": bulk,
            "POST /v1/users": bulk,
            "GET /v1/users": Operation(
                "The users, page by page.", [.limit1000, .cursor],
                Schemas.object("\"users\": " + Schemas.list(user), optional: #""next_cursor": {"type": "string"}"#)),
            "GET /v1/users/{id}": Operation(
                "What is known of a user: traits, what the orders come to, carts.", token,
                Schemas.object(
                    "\"id\": \(word), \"traits\": {\"type\": \"object\"}, \"purchases\": \(purchases), "
                        + "\"carts\": {\"type\": \"array\"}")),
            "GET /v1/users/{id}/orders": Operation(
                "A user's paid orders, the last told first.", token + [.limit1000, .cursor],
                Schemas.object(
                    "\"orders\": " + Schemas.list(#"{"type": "object"}"#),
                    optional: #""next_cursor": {"type": "string"}"#)),
            "PUT /v1/users/{id}": Operation("Creates or replaces a user.", body: [.json(change)], user)
                .linked(toSame: sameUser, ["id"]),
            "PATCH /v1/users/{id}": Operation(
                "Changes the traits that are given; those that are null go.", body: [.json(change)], user),
            "DELETE /v1/users/{id}": Operation("Takes a user's traits out; the history stays.", answers: [204: []]),
            "GET /users/me/carts/{cart_id}/items": Operation(
                "A cart of the user who asks.", me,
                Schemas.object("\"cart_id\": \(word), \"user_id\": \(word), \"items\": {\"type\": \"array\"}")),
            "POST /users/me/carts/{cart_id}/items": Operation(
                "Puts a product into a cart; what is in it adds up. Tracks `cart_add`.", me,
                body: [
                    .json(
                        Schemas.object(
                            "\"product_id\": \(Schemas.ref("AnyID"))",
                            optional: "\(quantity), \"id\": \(Schemas.ref("AnyID")), "
                                + "\"session_id\": \(Schemas.ref("AnyID")), \"list_id\": \(Schemas.ref("AnyID"))",
                            closed: true))
                ], answers: [201: [.json(added)], 200: [.json(#"{"type": "object"}"#)]]
            ).linked("cart", 201, to: "GET /users/me/carts/{cart_id}/items", cart)
                .linked(
                    "take out", 201, to: "DELETE /users/me/carts/{cart_id}/items/{product_id}",
                    cart.merging(["product_id": "$response.body#/product_id"]) { first, _ in first }),
            "DELETE /users/me/carts/{cart_id}/items/{product_id}": Operation(
                "Takes a product out of a cart. Tracks `cart_remove`.", me, answers: [204: []]),
            "POST /orders/payment/callback": Operation(
                "A payment provider's signed word that an order is paid.",
                [.header("X-Signature", word, required: true, "t=<unix seconds>,v1=<hex HMAC-SHA256 of \"t.body\">")],
                body: [.json(order)],
                Schemas.object(
                    "\"success\": {\"const\": true}, \"tracked\": \(count), "
                        + #""result": {"enum": ["stored", "duplicate", "not_paid"]}"#)),
        ]
    }()
}
