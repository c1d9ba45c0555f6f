internal import Domain
internal import HTTP
internal import JSON
internal import Live
internal import Storage

extension Routes {
    /// Entities: create, replace, patch, delete, read, list, and many at once.
    static let catalogue: [Route] = [
        Route(.put, "/v1/entities", .secret, limit: .stream) { (request, context) throws(Problem) in
            try bulk(request, context)
        },
        Route(.post, "/v1/entities", .secret, limit: .stream) { (request, context) throws(Problem) in
            try bulk(request, context)
        },
        Route(.get, "/v1/entities", .secret) { (request, context) throws(Problem) in
            let tenant = try context.tenant
            var query = try Query(request.queryItems)
            let type = try query.string("entity_type")
            let limit = try query.integer("limit", in: 1...1000) ?? 100
            let cursor = try query.string("cursor", longest: PageCursor.longest)
            try query.refuseRest()
            if let type { try check(type: type, tenant, status: 400, path: nil) }
            var after: (type: String, id: String)?
            if let cursor {
                guard let place = PageCursor.decode(cursor, "entity", fields: 2) else { throw invalidCursor }
                after = (place[0], place[1])
            }
            do throws(StorageError) {
                let entities = try tenant.store.entities(type: type, after: after, limit: limit)
                var answer: JSONObject = ["entities": .array(entities.map(\.document))]
                if entities.count == limit, let last = entities.last {
                    answer["next_cursor"] = .string(PageCursor.encode("entity", last.type, last.id))
                }
                return .respond(.json(Array(JSONValue.object(answer).text.utf8)))
            } catch {
                throw Problem(error)
            }
        },
        Route(.get, "/v1/entities/{type}/{id}", .write) { (request, context) throws(Problem) in
            let tenant = try context.tenant
            try Query(request.queryItems).refuseRest()
            let type = context.parameters[0]
            let id = context.parameters[1]
            do throws(StorageError) {
                if let entity = try tenant.store.entity(type: type, id: id), !entity.isDeleted {
                    return .respond(entityAnswer(entity))
                }
            } catch {
                throw Problem(error)
            }
            // Met in an interaction, but not in the catalogue.
            guard let stats = tenant.live.stats(entityType: type, id: id, now: context.now), stats.isPlaceholder else {
                throw Problem.notFound("There is no entity with this type and id.")
            }
            var entity = Entity(type: type, id: id)
            entity.isPlaceholder = true
            return .respond(entityAnswer(entity))
        },
        Route(.put, "/v1/entities/{type}/{id}", .secret) { (request, context) throws(Problem) in
            let tenant = try context.tenant
            try Query(request.queryItems).refuseRest()
            let document = try jsonBody(request)
            let entity: Entity
            do throws(FootfallError) {
                entity = try Entity(
                    document: document, type: context.parameters[0], id: context.parameters[1],
                    maximumIDBytes: tenant.limits.maximumIDBytes)
            } catch {
                throw Problem(error, status: 422)
            }
            try check(entity, tenant)
            return change(context) { done in
                tenant.put([entity], now: context.now) { failure in
                    done(failure.map { .failure($0) } ?? .success(entityAnswer(entity)))
                }
            }
        },
        Route(.patch, "/v1/entities/{type}/{id}", .secret) { (request, context) throws(Problem) in
            let tenant = try context.tenant
            try Query(request.queryItems).refuseRest()
            let document = try jsonBody(request)
            return change(context) { done in
                tenant.patch(
                    type: context.parameters[0], id: context.parameters[1], with: document, now: context.now
                ) { result in done(result.map { entityAnswer($0) }) }
            }
        },
        Route(.delete, "/v1/entities/{type}/{id}", .secret) { (request, context) throws(Problem) in
            let tenant = try context.tenant
            try Query(request.queryItems).refuseRest()
            return change(context) { done in
                tenant.patch(
                    type: context.parameters[0], id: context.parameters[1], with: ["deleted": true], now: context.now
                ) { result in done(result.map { _ in HTTPResponse(status: 204) }) }
            }
        },
    ]

    private static func entityAnswer(_ entity: Entity) -> HTTPResponse {
        var document = entity.document.objectValue ?? [:]
        document["placeholder"] = .bool(entity.isPlaceholder)
        return .json(Array(JSONValue.object(document).text.utf8))
    }

    private static func check(_ entity: Entity, _ tenant: TenantService) throws(Problem) {
        try check(type: entity.type, tenant, status: 422, path: "/type")
    }

    private static func check(type: String, _ tenant: TenantService, status: Int, path: String?) throws(Problem) {
        guard tenant.plan.entityType(named: type) != nil else {
            throw Problem(
                status, "unknown_entity_type",
                "The tracking plan has no entity type \"\(type.shortened(toBytes: 64))\".",
                path: path)
        }
    }

    /// Stores what can be stored of a list, and says of each how it fared.
    private static func bulk(_ request: borrowing HTTPRequest, _ context: RouteContext) throws(Problem) -> HTTPAction {
        let tenant = try context.tenant
        try Query(request.queryItems).refuseRest()
        let (documents, isLone) = try bulkDocuments(request, tenant, list: "entities")
        var stored: [Entity] = []
        var results: [JSONValue] = []
        for document in documents {
            do throws(FootfallError) {
                let entity = try entity(document, tenant)
                stored.append(entity)
                results.append(["type": .string(entity.type), "id": .string(entity.id), "status": "ok"])
            } catch {
                if isLone { throw Problem(error, status: 422) }
                let document = (try? document.get()) ?? .null
                results.append([
                    "type": document["type"] ?? .null, "id": document["id"] ?? .null, "status": "rejected",
                    "code": .string(error.code), "message": .string(error.message),
                ])
            }
        }
        let answer: JSONValue = ["stored": .integer(Int64(stored.count)), "results": .array(results)]
        let entities = stored
        return change(context) { done in
            tenant.put(entities, now: context.now) { failure in
                done(failure.map { .failure($0) } ?? .success(.json(Array(answer.text.utf8))))
            }
        }
    }

    /// The documents of a body that carries many: a list, an object with the list, one a line; or one alone.
    static func bulkDocuments(
        _ request: borrowing HTTPRequest, _ tenant: TenantService, list name: String
    ) throws(Problem) -> (documents: [Result<JSONValue, Problem>], isLone: Bool) {
        var isLone = false
        var documents: [Result<JSONValue, Problem>] = []
        if MediaType(request.head) == .ndjson {
            for line in request.body.split(separator: 10) where !line.allSatisfy({ $0 == 32 || $0 == 13 || $0 == 9 }) {
                documents.append(parse(UnsafeRawBufferPointer(rebasing: line)))
            }
        } else {
            let body = try jsonBody(request)
            switch body {
            case .array(let list): documents = list.map { .success($0) }
            case .object(let object) where object[name] != nil:
                guard object.count == 1, case .array(let list) = object[name] else {
                    throw Problem(400, "invalid_body", "The body must be {\"\(name)\": [...]}.")
                }
                documents = list.map { .success($0) }
            default:
                documents = [.success(body)]
                isLone = true
            }
        }
        guard !documents.isEmpty, documents.count <= tenant.limits.maximumBatch else {
            throw Problem(
                documents.isEmpty ? 400 : 413, documents.isEmpty ? "empty_body" : "batch_too_large",
                "A request carries between 1 and \(tenant.limits.maximumBatch) \(name).")
        }
        return (documents, isLone)
    }

    private static func entity(_ document: Result<JSONValue, Problem>, _ tenant: TenantService) throws(FootfallError)
        -> Entity
    {
        switch document {
        case .failure(let problem): throw FootfallError(problem.code, problem.detail)
        case .success(let document):
            let entity = try Entity(document: document, maximumIDBytes: tenant.limits.maximumIDBytes)
            guard tenant.plan.entityType(named: entity.type) != nil else {
                throw FootfallError(
                    "unknown_entity_type",
                    "The tracking plan has no entity type \"\(entity.type.shortened(toBytes: 64))\".")
            }
            return entity
        }
    }

    /// The body as a JSON value.
    static func jsonBody(_ request: borrowing HTTPRequest) throws(Problem) -> JSONValue {
        guard MediaType(request.head) == .json else {
            throw Problem(415, "unsupported_media_type", "Send application/json.")
        }
        return try parse(request.body).get()
    }

    /// JSON text as a value; what a value cannot keep is refused.
    private static func parse(_ text: UnsafeRawBufferPointer) -> Result<JSONValue, Problem> {
        let parser = JSONParser()
        do throws(JSONError) {
            let view = try parser.parse(text, maximumDepth: 128)
            if view.containsDuplicateKey {
                throw JSONError(code: "duplicate_key", message: "A field is given twice.", offset: nil)
            }
            if view.containsNUL {
                throw JSONError(code: "invalid_unicode", message: "Text must not contain U+0000.", offset: nil)
            }
            if view.containsNumberOverflow {
                throw JSONError(code: "number_out_of_range", message: "A number is too large.", offset: nil)
            }
            // The view points into the parser's buffers.
            return .success(withExtendedLifetime(parser) { JSONValue(view) })
        } catch {
            return .failure(Problem(400, error.code, error.message))
        }
    }

    /// Waits for a change of the tenant and answers how it ended.
    static func change(
        _ context: RouteContext,
        _ start: @escaping (@escaping @Sendable (Result<HTTPResponse, TenantService.ChangeFailure>) -> Void) -> Void
    ) -> HTTPAction {
        let server = context.server
        let caller = context.caller
        return .suspend { exchange in
            start { result in
                let response =
                    switch result {
                    case .success(let response): response
                    case .failure(.queueFull): Problem.queueFull.response()
                    case .failure(.storage(let error)): Problem(error).response()
                    case .failure(.invalid(let error)):
                        Problem(error, status: error.code == "not_found" ? 404 : 422).response()
                    }
                exchange.resume(with: server.finish(response, for: caller))
            }
        }
    }
}
