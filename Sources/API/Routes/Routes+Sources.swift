internal import Collect
internal import Domain
internal import HTTP
internal import JSON
internal import Storage

extension Routes {
    /// The tracking paths that the sources describe, with their own bodies and answers.
    static let sources: [Route] = [
        Route(.post, "/api/track", .write) { (request, context) throws(Problem) in
            let tenant = try context.tenant
            try Query(request.queryItems).refuseRest()
            try requireText(context)
            let (reception, visitor) = try withActor(context, tenant)
            let decoded = try decode(tenant) { (decoder) throws(FootfallError) in
                try decoder.feed(request.body, reception)
            }
            return collect(decoded, tenant, context) { batch in
                named(SourceAnswers.feed(batch, isLone: decoded.isLone), visitor)
            }
        },
        Route(.post, "/api/phoenix/track-interaction", .write) { (request, context) throws(Problem) in
            let tenant = try context.tenant
            try Query(request.queryItems).refuseRest()
            try requireText(context)
            let reception = try Actor.reception(context, tenant)
            let (envelope, decoded) = try decode(tenant) { (decoder) throws(FootfallError) in
                try decoder.phoenix(request.body, reception)
            }
            let domain = envelope.domain.lowercased()
            guard domain == tenant.id || tenant.settings.domains.contains(domain) else {
                throw Problem(
                    404, "shop_not_found",
                    "The key's tenant has no shop with this domain; add it to \"domains\" in its settings.")
            }
            return collect(decoded, tenant, context, recallsSessions: true) { SourceAnswers.phoenix($0) }
        },
        Route(.post, "/search/click", .write) { (request, context) throws(Problem) in
            let tenant = try context.tenant
            try Query(request.queryItems).refuseRest()
            try requireText(context)
            let (reception, visitor) = try withActor(context, tenant)
            let decoded = try decode(tenant) { (decoder) throws(FootfallError) in
                try decoder.searchClick(request.body, reception) { click in
                    tenant.recentSearches.find(
                        query: click.query, user: click.userID, visitor: click.anonymousID,
                        session: click.sessionID, at: context.now)
                }
            }
            return collect(decoded, tenant, context) { batch in
                named(SourceAnswers.click(batch), visitor)
            }
        },
    ]

    /// Bodies of these paths need not say who acts. Without a header that does, the request is a new visitor's, whose id
    /// is sent back so that the client can go on using it.
    private static func withActor(_ context: RouteContext, _ tenant: TenantService) throws(Problem)
        -> (Reception, newVisitor: String?)
    {
        var reception = try Actor.reception(context, tenant)
        if reception.defaultUser != nil || reception.defaultVisitor != nil { return (reception, nil) }
        let visitor = "visitor-" + KeyText.random()
        reception.defaultVisitor = visitor
        return (reception, visitor)
    }

    private static func named(_ response: HTTPResponse, _ visitor: String?) -> HTTPResponse {
        guard let visitor else { return response }
        var response = response
        response.headers.append(("X-Anonymous-Id", visitor))
        return response
    }
}

/// Answers in the sources' own shapes.
enum SourceAnswers {
    /// Feed: how many were tracked, and an error for each that was not.
    static func feed(_ batch: InteractionBatch, isLone: Bool) -> HTTPResponse {
        let isRefused = isLone && batch.rows.first?.verdict == .rejected
        var writer = JSONWriter(reserving: 128)
        writer.beginObject()
        writer.key("success")
        writer.bool(!isRefused)
        writer.key("tracked")
        writer.integer(tracked(batch))
        writeErrors(batch, &writer)
        writer.endObject()
        return .json(writer.bytes, status: isRefused ? 400 : 200)
    }

    /// Shop: the session and the ids of what was tracked.
    static func phoenix(_ batch: InteractionBatch) -> HTTPResponse {
        let isRefused = batch.rows.allSatisfy { $0.verdict == .rejected }
        var writer = JSONWriter(reserving: 256)
        writer.beginObject()
        writer.key("success")
        writer.bool(!isRefused)
        writer.key("session_id")
        if let row = batch.rows.first(where: { !$0.sessionID.isNone }), let session = batch.string(row.sessionID) {
            writer.string(session)
        } else {
            writer.null()
        }
        writer.key("interaction_ids")
        writer.beginArray()
        for row in batch.rows where row.verdict != .rejected { writer.string(batch.string(row.id) ?? "") }
        writer.endArray()
        writer.key("tracked")
        writer.integer(tracked(batch))
        writeErrors(batch, &writer)
        writer.endObject()
        return .json(writer.bytes, status: isRefused ? 422 : 200)
    }

    /// Ranking: whether the click is kept.
    static func click(_ batch: InteractionBatch) -> HTTPResponse {
        guard let row = batch.rows.first, row.verdict == .rejected else {
            return .json(Array(#"{"success":true}"#.utf8))
        }
        return Problem(
            422, batch.string(row.rejectionCode) ?? "rejected", batch.string(row.rejectionMessage) ?? ""
        ).response()
    }

    private static func tracked(_ batch: InteractionBatch) -> Int {
        batch.rows.count { $0.verdict == .accepted }
    }

    private static func writeErrors(_ batch: InteractionBatch, _ writer: inout JSONWriter) {
        writer.key("errors")
        writer.beginArray()
        for (index, row) in batch.rows.enumerated() where row.verdict == .rejected {
            writer.beginObject()
            writer.key("index")
            writer.integer(index)
            writer.key("code")
            writer.string(batch.string(row.rejectionCode) ?? "")
            writer.key("message")
            writer.string(batch.string(row.rejectionMessage) ?? "")
            writer.endObject()
        }
        writer.endArray()
    }
}
