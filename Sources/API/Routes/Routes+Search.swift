internal import Collect
internal import Domain
internal import HTTP
internal import JSON
internal import Live
internal import Recommend
internal import Search
internal import Storage

extension Routes {
    /// Searching the catalogue, and what was searched for.
    static let searching: [Route] = [
        Route(.post, "/search", .write) { (request, context) throws(Problem) in try search(request, context) },
        Route(.post, "/v1/search", .write) { (request, context) throws(Problem) in try search(request, context) },
        Route(.get, "/v1/searches", .secret) { (request, context) throws(Problem) in
            let tenant = try context.tenant
            var query = try Query(request.queryItems)
            let isEmpty = try query.choice("results", Results.self) != nil
            let limit = try query.integer("limit", in: 1...1000) ?? 100
            let cursor = try query.integer("cursor", in: 1...Int.max)
            try query.refuseRest()
            if isEmpty, cursor != nil {
                throw Problem(400, "invalid_parameter", "\"cursor\" does not go with \"results\".")
            }
            do throws(StorageError) {
                return .respond(
                    isEmpty
                        ? try withoutResults(tenant, limit)
                        : try latest(tenant, before: cursor.map { Int64($0) } ?? .max, limit))
            } catch {
                throw Problem(error)
            }
        },
    ]

    private enum Results: String, CaseIterable { case none }

    /// Searches without results that one answer looks at.
    private static let examined = 10_000

    private static func search(_ request: borrowing HTTPRequest, _ context: RouteContext) throws(Problem) -> HTTPAction
    {
        let tenant = try context.tenant
        try Query(request.queryItems).refuseRest()
        let reception = try Actor.reception(context, tenant)
        var body = try SearchBody(try jsonBody(request), tenant)
        if let only = reception.onlyUser, let named = body.userID, !only.utf8.elementsEqual(named.utf8) {
            throw Problem(403, "user_not_allowed", "\"user_id\" names another user than the user token.")
        }
        body.userID = body.userID ?? reception.defaultUser
        body.anonymousID = body.anonymousID ?? reception.defaultVisitor
        let (asked, now, server, caller) = (body, context.now, context.server, context.caller)
        tenant.catalogue.tellEnds(to: tenant.live, now: now)
        return .suspend { exchange in
            @Sendable func answer(_ response: HTTPResponse) {
                exchange.resume(with: server.finish(response, for: caller))
            }
            let isBegun = tenant.search.search(
                asked.query, filters: asked.filters, limit: asked.limit
            ) { result in
                switch result {
                case .failure(let error): answer(Problem(error).response())
                case .success(let page):
                    let record = SearchRecord(asked, page)
                    tenant.searchLog.keep(record, now: now) { failure in
                        switch failure {
                        case nil: answer(.json(answerText(record, page)))
                        case .queueFull: answer(searchLogFull.response())
                        case .storage(let error): answer(Problem(error).response())
                        case .invalid(let error): answer(Problem(error).response())
                        }
                    }
                }
            }
            if !isBegun { answer(searchBusy.response()) }
        }
    }

    private static let searchBusy = Problem(
        503, "search_busy", "More searches wait than can be answered soon; send it again later.",
        headers: [("Retry-After", "1")])
    private static let searchLogFull = Problem(
        503, "search_log_full", "More searches arrive than can be stored; send it again later.",
        headers: [("Retry-After", "1")])

    private static func answerText(_ record: SearchRecord, _ page: SearchPage) -> [UInt8] {
        var writer = JSONWriter(reserving: 256 + page.hits.count * 256)
        writer.beginObject()
        writer.key("search_id")
        writer.string(record.id)
        writer.key("query")
        writer.string(record.query)
        writer.key("total")
        writer.integer(page.total)
        writer.key("has_more")
        writer.bool(page.hasMore)
        writer.key("results")
        writer.beginArray()
        for hit in page.hits { write(hit, &writer) }
        writer.endArray()
        if !page.corrections.isEmpty {
            writer.key("corrections")
            writer.beginArray()
            for correction in page.corrections {
                writer.beginObject()
                writer.key("word")
                writer.string(correction.word)
                writer.key("alternatives")
                writer.beginArray()
                for word in correction.alternatives { writer.string(word) }
                writer.endArray()
                writer.endObject()
            }
            writer.endArray()
        }
        writer.endObject()
        return writer.bytes
    }

    private static func write(_ hit: SearchHit, _ writer: inout JSONWriter) {
        func put(_ name: StaticString, _ value: String?) {
            guard let value else { return }
            writer.key(name)
            writer.string(value)
        }
        writer.beginObject()
        put("product_id", hit.id)
        put("entity_type", hit.entityType)
        put("title", hit.title)
        put("brand", hit.brand)
        writer.key("categories")
        writer.beginArray()
        for category in hit.categories { writer.string(category) }
        writer.endArray()
        put("price", hit.price)
        put("currency", hit.currency)
        if let inventory = hit.inventory {
            writer.key("inventory")
            writer.integer(inventory)
        }
        writer.key("score")
        writer.double(hit.score)
        writer.endObject()
    }

    // MARK: - What was searched for

    private static func latest(_ tenant: TenantService, before: Int64, _ limit: Int) throws(StorageError)
        -> HTTPResponse
    {
        let records = try tenant.store.searches(before: before, isEmpty: false, limit: limit)
        let list = records.compactMap { record -> JSONValue? in
            guard var object = SearchRecord(record.body)?.document.objectValue else { return nil }
            object["timestamp"] = .string(Timestamp(milliseconds: record.receivedAt).rfc3339)
            return .object(object)
        }
        var answer: JSONObject = ["searches": .array(list)]
        if records.count == limit, let last = records.last { answer["next_cursor"] = .string(String(last.position)) }
        return .json(Array(JSONValue.object(answer).text.utf8))
    }

    /// Queries that found nothing, most frequent first. Two that differ in case and spaces alone are one.
    private static func withoutResults(_ tenant: TenantService, _ limit: Int) throws(StorageError) -> HTTPResponse {
        var queries: [String: (count: Int64, last: Int64)] = [:]
        var before = Int64.max
        var seen = 0
        while seen < examined {
            let page = try tenant.store.searches(before: before, isEmpty: true, limit: 1000)
            for record in page {
                guard let search = SearchRecord(record.body) else { continue }
                let query = RecentSearches.normalised(search.query)
                let known = queries[query] ?? (0, record.receivedAt)
                queries[query] = (known.count + 1, max(known.last, record.receivedAt))
            }
            seen += page.count
            guard let last = page.last, page.count == 1000 else { break }
            before = last.position
        }
        let sorted = queries.sorted {
            if $0.value.count != $1.value.count { return $0.value.count > $1.value.count }
            return $0.key.utf8.lexicographicallyPrecedes($1.key.utf8)
        }
        let list = sorted.prefix(limit).map { query, figures -> JSONValue in
            [
                "query": .string(query), "count": .integer(figures.count),
                "last_at": .string(Timestamp(milliseconds: figures.last).rfc3339),
            ]
        }
        let answer: JSONValue = [
            "queries": .array(list), "searches": .integer(Int64(seen)), "has_more": .bool(seen >= examined),
        ]
        return .json(Array(answer.text.utf8))
    }
}

extension SearchRecord {
    /// What the log keeps of a search.
    init(_ asked: SearchBody, _ page: SearchPage) {
        self.init(
            id: "search-" + KeyText.random(), query: asked.query, entityType: asked.filters.entityType,
            total: Int64(page.total), productIDs: page.hits.map(\.id))
        userID = asked.userID
        anonymousID = asked.anonymousID
        sessionID = asked.sessionID
        filters = asked.filterDocument
    }
}
