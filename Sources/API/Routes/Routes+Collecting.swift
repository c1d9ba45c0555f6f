internal import Collect
internal import Domain
internal import HTTP
internal import JSON
internal import Storage

extension Routes {
    /// Interactions in the canonical shape.
    static let collecting: [Route] = [
        Route(.post, "/v1/interactions", .write, limit: .byContentType) { (request, context) throws(Problem) in
            let tenant = try context.tenant
            let type = context.fields.mediaType
            guard type != .other else {
                throw unsupportedMediaType("application/json, application/x-ndjson, or text/plain")
            }
            var query = try Query(request.queryItems)
            let importing = try query.choice("import", Choice.self) == .yes
            try query.refuseRest()
            if importing, !context.principal.isAdmin {
                throw Problem(403, "wrong_scope", "Imports go through \"footfall import\".")
            }
            var reception = try Actor.reception(context, tenant)
            reception.isImport = importing
            let decoded = try decode(tenant) { (decoder) throws(FootfallError) in
                type == .ndjson
                    ? try decoder.stream(request.body, reception)
                    : try decoder.interactions(request.body, reception)
            }
            return collect(decoded, tenant, context) { batch in
                decoded.isLone ? Answers.lone(batch) : Answers.batch(batch)
            }
        }
    ]

    private enum Choice: String, CaseIterable {
        case yes = "true"
        case no = "false"
    }

    private static func unsupportedMediaType(_ taken: String) -> Problem {
        Problem(415, "unsupported_media_type", "Send \(taken) from a page that is closing.")
    }

    /// Refuses a body that is not said to be JSON, or plain text as a closing page sends it.
    static func requireText(_ context: RouteContext) throws(Problem) {
        switch context.fields.mediaType {
        case .json, .text: return
        case .ndjson, .other: throw unsupportedMediaType("application/json, or text/plain")
        }
    }

    /// Decodes with a decoder of the tenant's pool.
    static func decode<Result>(
        _ tenant: TenantService, _ body: (RequestDecoder) throws(FootfallError) -> Result
    ) throws(Problem) -> Result {
        do throws(FootfallError) {
            return try tenant.decoders.use(body)
        } catch {
            throw Problem(error)
        }
    }

    /// Hands a decoded request to the tenant's writer and answers once it is on disk. With `recallsSessions` the answer
    /// knows the sessions of duplicates too.
    static func collect(
        _ decoded: DecodedRequest, _ tenant: TenantService, _ context: RouteContext, recallsSessions: Bool = false,
        answer: @escaping @Sendable (InteractionBatch) -> HTTPResponse
    ) -> HTTPAction {
        let server = context.server
        let admission = context.admission
        return .suspend { exchange in
            let work = CollectWork.interactions(
                decoded.batch, sentAt: decoded.sentAt, recallsSessions: recallsSessions
            ) { result in
                // Not here: the thread that follows the commits up has the next ones waiting.
                exchange.resume {
                    switch result {
                    case .success(let batch): server.finish(answer(batch), for: admission.caller)
                    case .failure(let error): server.finish(Problem(error).response(), for: admission.caller)
                    }
                }
            }
            if !tenant.collector.submit(work) {
                exchange.resume(with: server.finish(Problem.queueFull.response(), for: admission.caller))
            }
        }
    }
}

/// Who a request speaks of when its items do not say.
enum Actor {
    /// Everything about the request that the decoder needs, the persons of its headers included.
    static func reception(_ context: RouteContext, _ tenant: TenantService) throws(Problem) -> Reception {
        var reception = tenant.reception(now: context.now)
        let fields = context.fields
        reception.defaultUser = try id(fields.user, "X-User-Id", reception)
        if let user = try tokenUser(context, tenant) {
            // Byte by byte: texts that look alike may be two users.
            guard reception.defaultUser.map({ $0.utf8.elementsEqual(user.utf8) }) ?? true else {
                throw Problem(403, "user_not_allowed", "X-User-Id names another user than the user token.")
            }
            reception.defaultUser = user
            reception.onlyUser = user
        }
        reception.defaultVisitor = try id(fields.visitor, "X-Anonymous-Id", reception)
        return reception
    }

    /// The user that the request's user token names; `nil` without a token.
    static func tokenUser(_ context: RouteContext, _ tenant: TenantService) throws(Problem) -> String? {
        guard let token = context.fields.userToken else { return nil }
        let secrets = context.server.directory.keys.signingSecrets(of: tenant.id)
        return try UserToken.user(token, secrets: secrets, now: context.now)
    }

    /// Throws unless who asks speaks for any user, or for this one by a user token beside a write key. `what` begins the
    /// sentence that says so.
    static func require(_ user: String, for what: String, _ context: RouteContext, _ tenant: TenantService)
        throws(Problem)
    {
        if context.principal.speaksForAnyUser { return }
        guard let own = try tokenUser(context, tenant), own.utf8.elementsEqual(user.utf8) else {
            throw Problem(
                403, "user_not_allowed", "\(what) needs a secret key, or that user's token in X-User-Token.")
        }
    }

    private static func id(_ sent: SentFields.SentText?, _ name: StaticString, _ reception: Reception) throws(Problem)
        -> String?
    {
        guard let sent else { return nil }
        guard let value = sent else { throw Problem(400, "invalid_header", "\(name) must be text in UTF-8.") }
        guard (1...reception.limits.maximumIDBytes).contains(value.utf8.count) else {
            throw Problem(
                400, "invalid_header", "\(name) must have 1 to \(reception.limits.maximumIDBytes) bytes.")
        }
        return value
    }
}

/// Answers to requests that carry interactions.
enum Answers {
    /// How each item of a batch fared.
    static func batch(_ batch: InteractionBatch) -> HTTPResponse {
        var writer = JSONWriter(reserving: 64 + batch.rows.count * 80)
        var tracked = 0
        for row in batch.rows where row.verdict == .accepted { tracked += 1 }
        writer.beginObject()
        writer.key("tracked")
        writer.integer(tracked)
        writer.key("results")
        writer.beginArray()
        batch.bytes.withUnsafeBytes { bytes in
            for row in batch.rows { write(row, batch, bytes, &writer) }
        }
        writer.endArray()
        writer.endObject()
        return .json(writer.bytes)
    }

    private static func write(
        _ row: InteractionRow, _ batch: InteractionBatch, _ bytes: UnsafeRawBufferPointer, _ writer: inout JSONWriter
    ) {
        writer.beginObject()
        writer.key("id")
        if row.id.isNone { writer.null() } else { writer.string(batch.slice(bytes, row.id)) }
        writer.key("status")
        switch row.verdict {
        case .accepted: writer.string("ok")
        case .duplicate: writer.string("duplicate")
        case .rejected:
            writer.string("rejected")
            writer.key("code")
            writer.string(batch.slice(bytes, row.rejectionCode))
            writer.key("message")
            writer.string(batch.slice(bytes, row.rejectionMessage))
        }
        writer.endObject()
    }

    /// How a lone interaction fared: a refused one is an error of its own.
    static func lone(_ batch: InteractionBatch) -> HTTPResponse {
        guard let row = batch.rows.first, row.verdict == .rejected else { return Answers.batch(batch) }
        return Problem(
            422, batch.string(row.rejectionCode) ?? "rejected", batch.string(row.rejectionMessage) ?? ""
        ).response()
    }
}
