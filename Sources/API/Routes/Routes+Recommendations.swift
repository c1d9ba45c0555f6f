internal import Domain
internal import HTTP
internal import JSON
internal import Live
internal import Recommend
internal import Search
internal import Storage

extension Routes {
    /// Lists for persons, sessions and visitors, lists about an entity, lists as they were served, and what came of them.
    static let recommendations: [Route] = [
        Route(.get, "/v1/recommendations", .write) { (request, context) throws(Problem) in
            var parameters = ListParameters(try Query(request.queryItems))
            return try list(&parameters, context)
        },
        Route(.post, "/v1/recommendations", .write) { (request, context) throws(Problem) in
            try Query(request.queryItems).refuseRest()
            var parameters = try ListParameters(body: try jsonBody(request))
            return try list(&parameters, context)
        },
        Route(.get, "/v1/similar/{type}/{id}", .write) { (request, context) throws(Problem) in
            var parameters = ListParameters(try Query(request.queryItems))
            return try list(&parameters, context, about: (context.parameters[0], context.parameters[1]))
        },
        Route(.get, "/v1/recommendations/metrics", .secret) { (request, context) throws(Problem) in
            try ListMetricsAnswer.response(request, context)
        },
        Route(.get, "/v1/lists/{id}", .secret) { (request, context) throws(Problem) in
            let tenant = try context.tenant
            try Query(request.queryItems).refuseRest()
            guard let id = ListID(context.parameters[0]) else {
                throw Problem(400, "invalid_list_id", "A list's id is the \"list_id\" of an answer.")
            }
            let answer: [UInt8]?
            do throws(StorageError) {
                answer = try storedAnswer(id, tenant, now: context.now)
            } catch {
                throw Problem(error)
            }
            guard let answer else { throw Problem.notFound("No list with this id was served in the last 30 days.") }
            return .respond(.json(answer))
        },
    ]

    /// A list as it was served, with the interactions that name it; `nil` for one unknown or too old.
    private static func storedAnswer(_ id: ListID, _ tenant: TenantService, now: Int64) throws(StorageError)
        -> [UInt8]?
    {
        guard id.milliseconds > now - ListKeeper.days * Timestamp.millisecondsPerDay,
            let found = try tenant.lists?.list(id, limit: 1000)
        else { return nil }
        let rows = try tenant.store.interactions(at: found.positions, resolver: tenant.resolver)
        var answer = found.list.document
        // The document is an object: its last byte closes it.
        if answer.last == UInt8(ascii: "}") { answer.removeLast() }
        return answer + Array(#","interactions":"#.utf8) + InteractionAnswers.array(rows) + [UInt8(ascii: "}")]
    }

    /// Reads a request, makes the list, has it kept and answers.
    private static func list(
        _ parameters: inout ListParameters, _ context: RouteContext, about subject: (type: String, id: String)? = nil
    ) throws(Problem) -> HTTPAction {
        let tenant = try context.tenant
        let audience = try ListRequest.audience(&parameters, tenant)
        if let user = audience.user { try Actor.require(user, for: "A user's list", context, tenant) }
        let asked = try ListRequest(&parameters, audience, about: subject, tenant, now: context.now)
        guard let query = asked.query else {
            return .respond(.json(try ListMaker(tenant, now: context.now).answer(asked, found: [])))
        }
        return try searched(asked, query, tenant, context)
    }

    /// Candidates that a search gives.
    private static let searchReach = 100

    /// A list of what a search finds: the search runs on its own threads, and so does what follows.
    private static func searched(
        _ asked: ListRequest, _ query: String, _ tenant: TenantService, _ context: RouteContext
    ) throws(Problem) -> HTTPAction {
        let filters = asked.question.filters
        var searchFilters = SearchFilters(
            entityType: filters.entityType ?? CommerceInteractions.entityType(tenant))
        searchFilters.category = filters.category
        searchFilters.currency = filters.currency
        searchFilters.priceMinimum = filters.priceMinimum
        searchFilters.priceMaximum = filters.priceMaximum
        searchFilters.isInStock = filters.onlyInStock
        guard query.utf8.count <= SearchIndex.maximumQueryBytes else {
            throw Problem(
                400, "query_too_long", "\"query\" may have at most \(SearchIndex.maximumQueryBytes) bytes.",
                path: "/query")
        }
        let (restriction, now, server, caller) = (searchFilters, context.now, context.server, context.caller)
        return .suspend { exchange in
            @Sendable func answer(_ response: HTTPResponse) {
                exchange.resume(with: server.finish(response, for: caller))
            }
            let isBegun = tenant.search.search(
                query, filters: restriction, limit: searchReach
            ) { result in
                switch result {
                case .failure(let error): answer(Problem(error).response())
                case .success(let page):
                    let found = page.hits.compactMap { hit in
                        tenant.live.entityNumber(type: hit.entityType, id: hit.id).map { ($0, hit.score) }
                    }
                    do throws(Problem) {
                        answer(.json(try ListMaker(tenant, now: now).answer(asked, found: found)))
                    } catch {
                        answer(error.response())
                    }
                }
            }
            if !isBegun {
                answer(
                    Problem(
                        503, "search_busy", "More searches wait than can be answered soon; send it again later.",
                        headers: [("Retry-After", "1")]
                    ).response())
            }
        }
    }
}
