internal import Collect
internal import Domain
internal import HTTP
internal import JSON
internal import Storage

extension Routes {
    /// Carts of the user who asks.
    static let carts: [Route] = [
        Route(.get, "/users/me/carts/{cart_id}/items", .write) { (request, context) throws(Problem) in
            let tenant = try context.tenant
            try Query(request.queryItems).refuseRest()
            let (_, user) = try me(context, tenant)
            do throws(StorageError) {
                guard let cart = try tenant.cart(context.parameters[0], of: user) else {
                    throw StorageError("not_found", "")
                }
                return .respond(.json(Array(cart.document.text.utf8)))
            } catch {
                throw error.code == "not_found" ? .notFound("There is no cart with this id.") : Problem(error)
            }
        },
        Route(.post, "/users/me/carts/{cart_id}/items", .write) { (request, context) throws(Problem) in
            let tenant = try context.tenant
            try Query(request.queryItems).refuseRest()
            let (reception, user) = try me(context, tenant)
            let cartID = context.parameters[0]
            let limit = tenant.limits.maximumIDBytes
            guard cartID.utf8.count <= limit, !cartID.utf8.contains(0) else {
                throw Problem(422, "invalid_cart_item", "A cart's id has 1 to \(limit) bytes and no U+0000.")
            }
            let document = try jsonBody(request)
            let addition: CartAddition
            do throws(FootfallError) {
                addition = try CartAddition(document, maximumIDBytes: limit)
            } catch {
                throw Problem(error, status: 422)
            }
            let interaction = try cartInteraction("cart_add", addition, cartID: cartID, reception, tenant)
            return change(context) { done in
                tenant.add(
                    addition.productID, type: CommerceInteractions.entityType(tenant), quantity: addition.quantity,
                    toCart: cartID, of: user, tracking: interaction, now: context.now
                ) { result in
                    done(
                        result.map { change in
                            var answer: JSONObject = [
                                "cart_id": .string(cartID), "product_id": .string(addition.productID),
                                "quantity": .integer(change.item?.quantity ?? 0),
                            ]
                            if let item = change.item { answer = merged(answer, item.document) }
                            answer["tracked"] = .integer(change.isRepeated ? 0 : 1)
                            return .json(
                                Array(JSONValue.object(answer).text.utf8), status: change.isRepeated ? 200 : 201)
                        })
                }
            }
        },
        Route(.delete, "/users/me/carts/{cart_id}/items/{product_id}", .write) { (request, context) throws(Problem) in
            let tenant = try context.tenant
            try Query(request.queryItems).refuseRest()
            var (reception, user) = try me(context, tenant)
            let (cartID, productID) = (context.parameters[0], context.parameters[1])
            // What left the catalogue can still be taken out of a cart.
            reception.knowsEntity = { _ in true }
            guard productID.utf8.count <= tenant.limits.maximumIDBytes, !productID.utf8.contains(0) else {
                throw Problem.notFound("The product is not in this cart.")
            }
            let removal = CartAddition(productID: productID)
            let interaction = try cartInteraction("cart_remove", removal, cartID: cartID, reception, tenant)
            return change(context) { done in
                tenant.remove(productID, fromCart: cartID, of: user, tracking: interaction, now: context.now) {
                    result in done(result.map { _ in HTTPResponse(status: 204) })
                }
            }
        },
    ]

    private static func merged(_ object: JSONObject, _ other: JSONValue) -> JSONObject {
        var object = object
        for member in other.objectValue ?? [:] { object[member.key] = member.value }
        return object
    }

    /// Who "me" is: the user of the user token, else `X-User-Id` from whoever may speak for any user.
    private static func me(_ context: RouteContext, _ tenant: TenantService) throws(Problem)
        -> (Reception, user: String)
    {
        let reception = try Actor.reception(context, tenant)
        guard let user = reception.defaultUser else {
            throw Problem(
                401, "missing_user", "Say who \"me\" is: a user token in X-User-Token, or X-User-Id with a secret key.")
        }
        guard reception.onlyUser != nil || context.principal.speaksForAnyUser else {
            throw Problem(
                403, "user_not_allowed", "With a write key, carts need the user's token in X-User-Token.")
        }
        return (reception, user)
    }

    private static func cartInteraction(
        _ type: String, _ addition: CartAddition, cartID: String, _ reception: Reception, _ tenant: TenantService
    ) throws(Problem) -> InteractionBatch {
        var item = CommerceInteractions.Item(
            id: addition.interactionID, productID: addition.productID, quantity: addition.quantity,
            metadata: ["cart_id": .string(cartID)])
        if type == "cart_add" { item.metadata["quantity"] = .integer(addition.quantity) }
        item.sessionID = addition.sessionID
        item.listID = addition.listID
        return try CommerceInteractions.batch(type, [item], context: "cart", reception, tenant)
    }
}

/// What a request puts into a cart.
struct CartAddition {
    let productID: String
    var quantity: Int64 = 1
    /// The interaction's id, when the client wants to send the request again safely.
    var interactionID: String?
    /// The session and the shown list it came from.
    var sessionID: String?
    var listID: String?

    init(productID: String) { self.productID = productID }

    init(_ document: JSONValue, maximumIDBytes: Int) throws(FootfallError) {
        var reader = try DocumentReader(document, path: "", code: "invalid_cart_item")
        func id(_ name: String) throws(FootfallError) -> String? {
            let text: String?
            switch reader.value(name) {
            case nil, .null: return nil
            case .string(let own): text = own
            case .integer(let number): text = String(number)
            default: text = nil
            }
            guard let text, (1...maximumIDBytes).contains(text.utf8.count), !text.utf8.contains(0) else {
                throw FootfallError(
                    "invalid_cart_item", "\"\(name)\" is a text of 1 to \(maximumIDBytes) bytes, or a whole number.",
                    path: "/\(name)")
            }
            return text
        }
        guard let productID = try id("product_id") else {
            throw FootfallError("invalid_cart_item", "\"product_id\" is required.", path: "/product_id")
        }
        self.productID = productID
        interactionID = try id("id")
        sessionID = try id("session_id")
        listID = try id("list_id")
        if let value = reader.value("quantity") {
            guard let whole = value.integerValue, Cart.quantities.contains(whole) else {
                throw FootfallError(
                    "invalid_quantity", "\"quantity\" is a whole number from 1 to 9999.", path: "/quantity")
            }
            quantity = whole
        }
        try reader.refuseRest()
    }
}
