internal import Domain
internal import HTTP
internal import JSON
internal import Live
internal import Storage

extension Routes {
    /// Users: what the tenant says of them, and what they ordered.
    static let users: [Route] = [
        Route(.put, "/v1/users", .secret, limit: .stream) { (request, context) throws(Problem) in
            try bulkUsers(request, context)
        },
        Route(.post, "/v1/users", .secret, limit: .stream) { (request, context) throws(Problem) in
            try bulkUsers(request, context)
        },
        Route(.get, "/v1/users", .secret) { (request, context) throws(Problem) in
            let tenant = try context.tenant
            var query = try Query(request.queryItems)
            let limit = try query.integer("limit", in: 1...1000) ?? 100
            let cursor = try query.string("cursor", longest: PageCursor.longest)
            try query.refuseRest()
            var after: String?
            if let cursor {
                guard let place = PageCursor.decode(cursor, "user", fields: 1) else { throw invalidCursor }
                after = place[0]
            }
            do throws(StorageError) {
                let users = try tenant.store.documents(.user, after: after, limit: limit)
                var answer: JSONObject = [:]
                var list: [JSONValue] = []
                for user in users { list.append(try TenantService.body(user)) }
                answer["users"] = .array(list)
                if users.count == limit, let last = users.last {
                    answer["next_cursor"] = .string(PageCursor.encode("user", last.id))
                }
                return .respond(.json(Array(JSONValue.object(answer).text.utf8)))
            } catch {
                throw Problem(error)
            }
        },
        Route(.get, "/v1/users/{id}", .write) { (request, context) throws(Problem) in
            let tenant = try context.tenant
            try Query(request.queryItems).refuseRest()
            let id = context.parameters[0]
            try Actor.require(id, for: "Reading what belongs to a user", context, tenant)
            let (profile, purchases, carts): (UserProfile?, Purchases, [StoredDocument])
            do throws(StorageError) {
                profile = try tenant.profile(of: id)
                purchases = try tenant.purchases(of: id)
                carts = try tenant.store.documents(.cart, owner: id, before: nil, limit: shownCarts)
            } catch {
                throw Problem(error)
            }
            guard profile != nil || purchases.orders > 0 || !carts.isEmpty || tenant.live.recent(user: id) != nil else {
                throw Problem.notFound("Nothing is known of a user with this id.")
            }
            var answer = profile?.document.objectValue ?? ["id": .string(id), "traits": [:]]
            answer["purchases"] = purchases.document
            answer["carts"] = .array(
                carts.compactMap { cart in
                    guard let document = try? TenantService.body(cart) else { return nil }
                    return [
                        "cart_id": .string(cart.id),
                        "products": .integer(Int64(document["items"]?.arrayValue?.count ?? 0)),
                        "updated_at": document["updated_at"] ?? .null,
                    ]
                })
            return .respond(.json(Array(JSONValue.object(answer).text.utf8)))
        },
        Route(.get, "/v1/users/{id}/orders", .write) { (request, context) throws(Problem) in
            let tenant = try context.tenant
            var query = try Query(request.queryItems)
            let limit = try query.integer("limit", in: 1...1000) ?? 100
            let cursor = try query.string("cursor")
            try query.refuseRest()
            let id = context.parameters[0]
            try Actor.require(id, for: "Reading what belongs to a user", context, tenant)
            var before: Int64?
            if let cursor {
                guard let place = PageCursor.decode(cursor, "order", fields: 1), let position = Int64(place[0]),
                    position > 0
                else { throw invalidCursor }
                before = position
            }
            do throws(StorageError) {
                let orders = try tenant.store.documents(.order, owner: id, before: before, limit: limit)
                var list: [JSONValue] = []
                for order in orders { list.append(try TenantService.body(order)) }
                var answer: JSONObject = ["orders": .array(list)]
                if orders.count == limit, let last = orders.last {
                    answer["next_cursor"] = .string(PageCursor.encode("order", String(last.position)))
                }
                return .respond(.json(Array(JSONValue.object(answer).text.utf8)))
            } catch {
                throw Problem(error)
            }
        },
        Route(.put, "/v1/users/{id}", .secret) { (request, context) throws(Problem) in
            let tenant = try context.tenant
            try Query(request.queryItems).refuseRest()
            let document = try jsonBody(request)
            let profile: UserProfile
            do throws(FootfallError) {
                profile = try UserProfile(
                    request: document, id: context.parameters[0], now: context.now,
                    maximumIDBytes: tenant.limits.maximumIDBytes)
            } catch {
                throw Problem(error, status: 422)
            }
            return changeUser(.put(profile), request.body.count, context, tenant) {
                .json(Array($0.document.text.utf8))
            }
        },
        Route(.patch, "/v1/users/{id}", .secret) { (request, context) throws(Problem) in
            let tenant = try context.tenant
            try Query(request.queryItems).refuseRest()
            let document = try jsonBody(request)
            return changeUser(.patch(id: context.parameters[0], document), request.body.count, context, tenant) {
                .json(Array($0.document.text.utf8))
            }
        },
        Route(.delete, "/v1/users/{id}", .secret) { (request, context) throws(Problem) in
            let tenant = try context.tenant
            try Query(request.queryItems).refuseRest()
            return changeUser(.delete(id: context.parameters[0]), 0, context, tenant) { _ in HTTPResponse(status: 204) }
        },
    ]

    /// Most carts that a user's page shows, the last changed first.
    private static let shownCarts = 100

    static let invalidCursor = Problem(
        400, "invalid_cursor", "Take the cursor from \"next_cursor\" of the page before.")

    private static func changeUser(
        _ change: TenantService.UserChange, _ bytes: Int, _ context: RouteContext, _ tenant: TenantService,
        answer: @escaping @Sendable (UserProfile) -> HTTPResponse
    ) -> HTTPAction {
        self.change(context) { done in
            tenant.change([change], bytes: bytes, now: context.now) { result in
                done(
                    result.flatMap { results in
                        switch results.first {
                        case .success(let profile): .success(answer(profile))
                        case .failure(let error): .failure(.invalid(error))
                        case nil: .failure(.invalid(FootfallError("not_found", "Nothing was changed.")))
                        }
                    })
            }
        }
    }

    /// Stores what can be stored of a list, and says of each how it fared.
    private static func bulkUsers(
        _ request: borrowing HTTPRequest, _ context: RouteContext
    ) throws(Problem) -> HTTPAction {
        let tenant = try context.tenant
        try Query(request.queryItems).refuseRest()
        let (documents, isLone) = try bulkDocuments(request, tenant, list: "users")
        var changes: [TenantService.UserChange] = []
        var results: [JSONValue] = []
        for document in documents {
            do throws(FootfallError) {
                let profile: UserProfile
                switch document {
                case .failure(let problem): throw FootfallError(problem.code, problem.detail)
                case .success(let document):
                    profile = try UserProfile(
                        request: document, now: context.now, maximumIDBytes: tenant.limits.maximumIDBytes)
                }
                changes.append(.put(profile))
                results.append(["id": .string(profile.id), "status": "ok"])
            } catch {
                if isLone { throw Problem(error, status: 422) }
                let document = (try? document.get()) ?? .null
                results.append([
                    "id": document["id"] ?? .null, "status": "rejected", "code": .string(error.code),
                    "message": .string(error.message),
                ])
            }
        }
        let answer: JSONValue = ["stored": .integer(Int64(changes.count)), "results": .array(results)]
        let (own, bytes) = (changes, request.body.count)
        return change(context) { done in
            tenant.change(own, bytes: bytes, now: context.now) { result in
                done(result.map { _ in .json(Array(answer.text.utf8)) })
            }
        }
    }
}
