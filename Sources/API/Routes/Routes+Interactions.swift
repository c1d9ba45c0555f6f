internal import Domain
internal import HTTP
internal import JSON
internal import Storage
internal import Synchronization

extension Routes {
    /// Interactions read back from the log.
    static let interactions: [Route] = [
        Route(.get, "/v1/interactions", .secret) { (request, context) throws(Problem) in
            let tenant = try context.tenant
            let asked = try InteractionsRequest(request.queryItems)
            // A request reads a bounded stretch of the log; a handful at once must not keep the disk from the writer.
            guard readers.wrappingAdd(1, ordering: .relaxed).oldValue < mostReaders else {
                readers.wrappingSubtract(1, ordering: .relaxed)
                throw Problem(
                    503, "too_many_readers", "\(mostReaders) such reads are under way; try again in a moment.",
                    headers: [("Retry-After", "1")])
            }
            let server = context.server
            let caller = context.caller
            return .suspend { exchange in
                background {
                    defer { readers.wrappingSubtract(1, ordering: .relaxed) }
                    let response: HTTPResponse
                    do throws(StorageError) {
                        response = asked.answer(try tenant.store.interactions(asked.query))
                    } catch {
                        response = Problem(error).response()
                    }
                    exchange.resume(with: server.finish(response, for: caller))
                }
            }
        }
    ]

    private static let mostReaders = 4
    private static let readers = Atomic<Int>(0)
}

/// What `GET /v1/interactions` is asked for.
struct InteractionsRequest: Sendable {
    private(set) var query: InteractionQuery
    private let isLines: Bool

    enum Order: String, CaseIterable { case desc, asc }
    enum Format: String, CaseIterable { case json, ndjson }

    init(_ items: [(name: String, value: String)]) throws(Problem) {
        var query = try Query(items, repeatable: "where")
        var filter = InteractionFilter()
        filter.from = try query.moment("from")
        filter.to = try query.moment("to")
        if let from = filter.from, let to = filter.to, from >= to {
            throw Problem(400, "invalid_parameter", "\"from\" must be before \"to\"; \"to\" itself is not included.")
        }
        filter.userID = try query.string("user_id", longest: 4096)
        filter.anonymousID = try query.string("anonymous_id", longest: 4096)
        filter.sessionID = try query.string("session_id", longest: 4096)
        filter.entityType = try query.string("entity_type")
        filter.entityID = try query.string("entity_id", longest: 4096)
        filter.type = try query.string("type")
        filter.context = try query.string("context", longest: 4096)
        for condition in try query.strings("where") {
            guard let predicate = MetadataPredicate(condition) else {
                throw Problem(
                    400, "invalid_condition",
                    "\"where\" is metadata.NAME, or metadata.NAME followed by =, !=, <, <=, > or >= and a value; a name "
                        + "inside another one follows a point (metadata.page.section=shoes).")
            }
            filter.metadata.append(predicate)
        }
        self.query = InteractionQuery(filter)
        let order = try query.choice("order", Order.self) ?? .desc
        self.query.newestFirst = order == .desc
        self.query.limit = try query.integer("limit", in: 1...1000) ?? 100
        isLines = try query.choice("format", Format.self) == .ndjson
        if let cursor = try query.string("cursor") {
            guard let place = PageCursor.decode(cursor, "log", fields: 2), place[0] == order.rawValue,
                let after = Int64(place[1]), (0..<Int64.max).contains(after)
            else {
                throw Problem(
                    400, "invalid_cursor",
                    "Take the cursor from \"next_cursor\" of the page before, and keep to its \"order\".")
            }
            self.query.after = after
        }
        try query.refuseRest()
    }

    /// One object, or a line for each interaction and a last one that says how to go on.
    func answer(_ page: InteractionPage) -> HTTPResponse {
        var writer = JSONWriter(reserving: 256 + page.batch.bytes.count + page.batch.rows.count * 384)
        if isLines {
            var text: [UInt8] = []
            page.batch.bytes.withUnsafeBytes { bytes in
                for row in page.batch.rows {
                    writer.removeAll()
                    InteractionAnswers.write(row, page.batch, bytes, &writer)
                    text += writer.bytes
                    text.append(10)
                }
            }
            writer.removeAll()
            writer.beginObject()
            end(page, &writer)
            writer.endObject()
            return HTTPResponse(contentType: .ndjson, body: text + writer.bytes + [10])
        }
        writer.beginObject()
        writer.key("interactions")
        writer.beginArray()
        page.batch.bytes.withUnsafeBytes { bytes in
            for row in page.batch.rows { InteractionAnswers.write(row, page.batch, bytes, &writer) }
        }
        writer.endArray()
        end(page, &writer)
        writer.endObject()
        return .json(writer.bytes)
    }

    private func end(_ page: InteractionPage, _ writer: inout JSONWriter) {
        writer.key("complete")
        writer.bool(!page.stoppedEarly)
        guard let next = page.next else { return }
        writer.key("next_cursor")
        writer.string(PageCursor.encode("log", query.newestFirst ? "desc" : "asc", String(next)))
    }
}
