internal import Domain
internal import HTTP
internal import JSON
internal import Live
internal import Recommend
internal import Storage

extension Routes {
    /// Lists for persons, sessions and visitors, lists about an entity, and lists as they were served.
    static let recommendations: [Route] = [
        Route(.get, "/v1/recommendations", .write) { (request, context) throws(Problem) in
            let tenant = try context.tenant
            var query = try Query(request.queryItems)
            let longest = tenant.settings.maximumIDBytes
            let audience = Audience(
                user: try query.string("user_id", longest: longest),
                visitor: try query.string("anonymous_id", longest: longest),
                session: try query.string("session_id", longest: longest))
            guard audience != Audience() else {
                throw Problem(
                    400, "missing_audience", "Say for whom: \"user_id\", \"anonymous_id\" or \"session_id\".")
            }
            if let user = audience.user { try allow(user, request, context, tenant) }
            return try served(.audience(audience), &query, tenant, context)
        },
        Route(.get, "/v1/similar/{type}/{id}", .write) { (request, context) throws(Problem) in
            let tenant = try context.tenant
            var query = try Query(request.queryItems)
            let type = context.parameters[0]
            try check(type, tenant)
            let subject = Question.Subject.similar(type: type, id: context.parameters[1])
            return try served(subject, &query, tenant, context, entityType: type)
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

    /// A user's list needs a secret key, or that user's token beside a write key.
    private static func allow(
        _ user: String, _ request: borrowing HTTPRequest, _ context: RouteContext, _ tenant: TenantService
    ) throws(Problem) {
        if context.principal.speaksForAnyUser { return }
        guard let named = try Actor.tokenUser(request, context, tenant), named.utf8.elementsEqual(user.utf8) else {
            throw Problem(
                403, "user_not_allowed",
                "A user's list needs a secret key, or that user's token in X-User-Token.")
        }
    }

    private static func check(_ type: String, _ tenant: TenantService) throws(Problem) {
        if tenant.plan.entityType(named: type) == nil {
            throw Problem(400, "unknown_entity_type", "The tracking plan has no entity type \"\(type.prefix(64))\".")
        }
    }

    /// Reads the rest of the query, makes the list, has it kept and answers.
    private static func served(
        _ subject: Question.Subject, _ query: inout Query, _ tenant: TenantService, _ context: RouteContext,
        entityType: String? = nil
    ) throws(Problem) -> HTTPAction {
        var question = Question(subject)
        question.limit = try limit(&query)
        question.filters = try filters(&query, tenant.settings.maximumIDBytes)
        question.filters.entityType = try query.string("entity_type") ?? entityType
        let place = try query.string("context", longest: 64)
        let isExplained = try query.choice("explain", Choice.self) == .yes
        try query.refuseRest()
        if let type = question.filters.entityType { try check(type, tenant) }

        let model = tenant.models.current
        let recommender = Recommender(
            tenant.knowledge, settings: tenant.settings.ranking, models: model.map { [ModelSource($0)] } ?? [])
        let list = recommender.list(for: question, now: context.now)
        var writer = JSONWriter(reserving: 128 + list.items.count * (isExplained ? 320 : 96))
        writer.beginObject()
        if let lists = tenant.lists {
            let id = lists.makeID(now: context.now)
            writer.key("list_id")
            writer.string(id.text)
            lists.keep(
                ServedList(
                    id: id, servedAt: context.now, subject: subject, context: place, filters: question.filters,
                    limit: question.limit, modelVersion: model?.version, list: list))
        } else {
            writer.key("list_id")
            writer.null()
        }
        ListDocument.write(list, isExplained: isExplained, &writer)
        writer.endObject()
        return .respond(.json(writer.bytes))
    }

    private enum Choice: String, CaseIterable {
        case yes = "true"
        case no = "false"
    }

    private static func limit(_ query: inout Query) throws(Problem) -> Int {
        guard let text = try query.string("limit") else { return 10 }
        guard let limit = Int(text), (1...100).contains(limit) else {
            throw Problem(400, "invalid_limit", "\"limit\" must be a whole number between 1 and 100.")
        }
        return limit
    }

    private static func filters(_ query: inout Query, _ longestID: Int) throws(Problem) -> Filters {
        var filters = Filters()
        if let text = try query.string("exclude", longest: 65_536) {
            let ids = text.split(separator: ",", omittingEmptySubsequences: true)
            guard ids.count <= 1000, ids.allSatisfy({ $0.utf8.count <= longestID }) else {
                throw Problem(
                    400, "invalid_parameter", "\"exclude\" has up to 1000 ids, with commas between them.")
            }
            filters.excluded = Set(ids.map { ExactText(String($0)) })
        }
        filters.category = try query.string("category")
        filters.priceMinimum = try price("price_min", &query)
        filters.priceMaximum = try price("price_max", &query)
        if let least = filters.priceMinimum, let most = filters.priceMaximum, least > most {
            throw Problem(
                400, "contradictory_filters", "No price is at least \"price_min\" and at most \"price_max\".")
        }
        if let currency = try query.string("currency") {
            guard currency.utf8.count == 3, currency.utf8.allSatisfy({ (65...90).contains($0) }) else {
                throw Problem(
                    400, "invalid_parameter", "\"currency\" is a code of three capital letters, such as EUR.")
            }
            filters.currency = currency
        }
        filters.onlyInStock = try query.choice("in_stock", Choice.self) == .yes
        return filters
    }

    private static func price(_ name: String, _ query: inout Query) throws(Problem) -> Double? {
        guard let text = try query.string(name, longest: 32) else { return nil }
        let parts = text.split(separator: ".", omittingEmptySubsequences: false)
        guard (1...2).contains(parts.count),
            parts.allSatisfy({ !$0.isEmpty && $0.utf8.allSatisfy { (48...57).contains($0) } }),
            let value = Double(text), value.isFinite
        else {
            throw Problem(
                400, "invalid_parameter", "\"\(name)\" is a decimal number of at least 0 such as 12.50.")
        }
        return value
    }
}
