internal import Collect
internal import Domain
internal import HTTP
internal import JSON
internal import Storage

extension Routes {
    /// Users, carts and orders.
    static let commerce: [Route] = users + carts + orders

    /// What the payment provider tells.
    static let orders: [Route] = [
        Route(.post, "/orders/payment/callback", .write) { (request, context) throws(Problem) in
            let tenant = try context.tenant
            try Query(request.queryItems).refuseRest()
            // Before anything of the body is believed.
            try CallbackSignature.check(
                request.header("X-Signature"), body: request.body,
                secrets: context.server.directory.keys.signingSecrets(of: tenant.id), now: context.now)
            guard [.json, .text].contains(context.fields.mediaType) else {
                throw Problem(415, "unsupported_media_type", "Send application/json.")
            }
            switch try paymentCallback(request, context, tenant) {
            case .notPaid:
                // Only payment makes an order; what comes before and after it changes nothing.
                return .respond(orderAnswer(tracked: 0, result: "not_paid"))
            case .paid(let order):
                let interactions = try orderInteractions(order, context, tenant)
                return change(context) { done in
                    tenant.take(
                        order, entityType: CommerceInteractions.entityType(tenant), tracking: interactions,
                        now: context.now
                    ) { result in
                        done(
                            result.map { outcome in
                                switch outcome {
                                case .stored(let tracked): orderAnswer(tracked: tracked, result: "stored")
                                case .repeated: orderAnswer(tracked: 0, result: "duplicate")
                                case .different: differentOrder.response()
                                }
                            })
                    }
                }
            }
        }
    ]

    private static let differentOrder = Problem(
        409, "order_conflict", "Another order was taken under this \"order_id\"; nothing of this one was.")

    private static func paymentCallback(
        _ request: borrowing HTTPRequest, _ context: RouteContext, _ tenant: TenantService
    ) throws(Problem) -> PaymentCallback {
        let settings = tenant.settings
        let parser = JSONParser()
        let view: JSONView
        do throws(JSONError) {
            view = try parser.parse(request.body, maximumDepth: 32)
        } catch {
            throw Problem(400, error.code, error.message)
        }
        defer { withExtendedLifetime(parser) {} }
        if view.containsDuplicateKey { throw Problem(400, "duplicate_key", "A field is given twice.") }
        if view.containsNUL { throw Problem(400, "invalid_unicode", "Text must not contain U+0000.") }
        do throws(FootfallError) {
            return try PaymentCallback(
                view, receivedAt: context.now, maximumIDBytes: settings.maximumIDBytes,
                maximumItems: settings.maximumBatch)
        } catch {
            throw Problem(error, status: 422)
        }
    }

    /// One `order` interaction for each item. Their ids follow from the order's id, the product and its place, under the
    /// tenant's seed: nobody outside can take one of them before.
    private static func orderInteractions(
        _ order: Order, _ context: RouteContext, _ tenant: TenantService
    ) throws(Problem) -> InteractionBatch {
        var reception = tenant.reception(now: context.now)
        // Orders are facts, whatever the catalogue says now and however late they are told.
        reception.knowsEntity = { _ in true }
        reception.isImport = true
        reception.limits.maximumIDBytes = max(reception.limits.maximumIDBytes, 64)
        let items = order.items.enumerated().map { place, item in
            let key = tenant.hasher.key("order\0\(order.id)\0\(place)\0\(item.productID)", .interaction)
            var metadata: JSONObject = [
                "order_id": .string(order.id), "quantity": .integer(item.quantity),
                "currency": .string(order.currency),
            ]
            if let price = item.price { metadata["price"] = .string(price.description) }
            return CommerceInteractions.Item(
                id: "order-" + hex(key.high) + hex(key.low), productID: item.productID, quantity: item.quantity,
                metadata: metadata, occurredAt: order.moment)
        }
        return try CommerceInteractions.batch(
            "order", items, context: "checkout", reception, tenant, user: order.userID)
    }

    private static func hex(_ value: UInt64) -> String {
        let digits = String(value, radix: 16)
        return String(repeating: "0", count: 16 - digits.utf8.count) + digits
    }

    private static func orderAnswer(tracked: Int, result: String) -> HTTPResponse {
        let answer: JSONValue = ["success": true, "tracked": .integer(Int64(tracked)), "result": .string(result)]
        return .json(Array(answer.text.utf8))
    }
}
