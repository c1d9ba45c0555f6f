internal import Domain
internal import HTTP
internal import JSON
internal import Live
internal import Recommend
internal import Storage

extension Routes {
    /// What the live state answers.
    static let answers: [Route] = [
        Route(.get, "/v1/popular", .write) { (request, context) throws(Problem) in
            let tenant = try context.tenant
            var query = try Query(request.queryItems)
            let mode = try query.choice("mode", PopularMode.self) ?? .overall
            let popular = try popularQuery(&query, mode, tenant)
            return .respond(popularAnswer(popular, tenant, context.now, list: "items"))
        },
        Route(.get, "/v1/trending", .write) { (request, context) throws(Problem) in
            let tenant = try context.tenant
            var query = try Query(request.queryItems)
            let mode = try query.choice("mode", PopularMode.self) ?? .trending
            let popular = try popularQuery(&query, mode, tenant)
            return .respond(popularAnswer(popular, tenant, context.now, list: "items"))
        },
        Route(.get, "/products/popular", .write) { (request, context) throws(Problem) in
            let tenant = try context.tenant
            var query = try Query(request.queryItems)
            let mode = try query.choice("mode", PopularMode.self) ?? .overall
            let popular = try popularQuery(&query, mode, tenant, fixedType: "product")
            return .respond(popularAnswer(popular, tenant, context.now, list: "products"))
        },
        Route(.get, "/v1/entities/{type}/{id}/stats", .write) { (request, context) throws(Problem) in
            let tenant = try context.tenant
            try Query(request.queryItems).refuseRest()
            let type = context.parameters[0]
            let id = context.parameters[1]
            guard let stats = tenant.live.stats(entityType: type, id: id, now: context.now) else {
                throw Problem.notFound("Nothing is known of an entity with this type and id.")
            }
            return .respond(.json(statsAnswer(stats, type: type, id: id)))
        },
        Route(.get, "/v1/sessions/{id}", .write) { (request, context) throws(Problem) in
            let tenant = try context.tenant
            try Query(request.queryItems).refuseRest()
            let id = context.parameters[0]
            guard let session = tenant.live.session(id: id) else {
                throw Problem.notFound("There is no session with this id.")
            }
            var writer = JSONWriter(reserving: 256)
            writer.beginObject()
            writer.key("session_id")
            writer.string(id)
            writer.key("duration")
            writer.integer(session.duration)
            writer.key("interactionCount")
            writer.integer(session.interactionCount)
            writer.key("engagementScore")
            writer.double(session.engagementScore)
            writer.key("pageViews")
            writer.integer(session.pageViews)
            writer.key("bounceRate")
            writer.double(session.bounceRate)
            writer.time("started_at", session.startedAt)
            writer.time("last_at", session.lastAt)
            writer.endObject()
            return .respond(.json(writer.bytes))
        },
        Route(.get, "/v1/users/{id}/interactions", .write) { (request, context) throws(Problem) in
            let tenant = try context.tenant
            var query = try Query(request.queryItems)
            let limit = try query.integer("limit", in: 1...100) ?? 100
            try query.refuseRest()
            let id = context.parameters[0]
            try Actor.require(id, for: "Reading a user's interactions", context, tenant)
            guard let recent = tenant.live.recent(user: id) else {
                throw Problem.notFound("Nothing is known of a user with this id.")
            }
            do throws(StorageError) {
                let rows = try tenant.store.interactions(
                    at: recent.prefix(limit).map(\.position), resolver: tenant.resolver)
                return .respond(.json(InteractionAnswers.list(rows, userID: id)))
            } catch {
                throw Problem(error)
            }
        },
        Route(.get, "/v1/totals", .write) { (request, context) throws(Problem) in
            let tenant = try context.tenant
            var query = try Query(request.queryItems)
            let window = try query.choice("time_window", TimeWindow.self) ?? .all
            try query.refuseRest()
            let totals = tenant.live.totals(window: window, now: context.now)
            var writer = JSONWriter(reserving: 512)
            writer.beginObject()
            writer.key("time_window")
            writer.string(window.rawValue)
            writer.key("interactions")
            writer.beginObject()
            for type in totals.interactions {
                writer.key(type.type)
                writer.integer(type.count)
            }
            writer.endObject()
            writer.key("sessions")
            writer.integer(totals.sessions)
            writer.key("bounces")
            writer.integer(totals.bounces)
            writer.key("bounceRate")
            writer.double(totals.bounceRate)
            writer.key("users")
            writer.integer(totals.persons)
            writer.key("entities")
            writer.integer(totals.entities)
            writer.endObject()
            return .respond(.json(writer.bytes))
        },
    ]

    private static func popularQuery(
        _ query: inout Query, _ mode: PopularMode, _ tenant: TenantService, fixedType: String? = nil
    ) throws(Problem) -> PopularQuery {
        let window = try query.choice("time_window", TimeWindow.self) ?? .all
        let category = try query.string("category")
        let type = if let fixedType { fixedType } else { try query.string("entity_type") }
        let limit = try query.integer("limit", in: 1...1000) ?? 10
        try query.refuseRest()
        if let type, fixedType == nil, tenant.plan.entityType(named: type) == nil {
            throw Problem(
                400, "unknown_entity_type", "The tracking plan has no entity type \"\(type.shortened(toBytes: 64))\".")
        }
        return PopularQuery(mode: mode, window: window, entityType: type, category: category, limit: limit)
    }

    private static func popularAnswer(_ query: PopularQuery, _ tenant: TenantService, _ now: Int64, list: StaticString)
        -> HTTPResponse
    {
        let isProducts = list.utf8CodeUnitCount == 8
        tenant.catalogue.tellEnds(to: tenant.live, now: now)
        let items = tenant.live.popular(query, now: now)
        var writer = JSONWriter(reserving: 128 + items.count * 256)
        writer.beginObject()
        writer.key("mode")
        writer.string(query.mode.rawValue)
        writer.key("time_window")
        writer.string(query.window.rawValue)
        writer.key(list)
        writer.beginArray()
        for item in items {
            writer.beginObject()
            if isProducts {
                writer.key("product_id")
                writer.string(item.entityID)
            } else {
                writer.key("entity_type")
                writer.string(item.entityType)
                writer.key("entity_id")
                writer.string(item.entityID)
            }
            if let title = item.title {
                writer.key("title")
                writer.string(title)
            }
            writer.key("score")
            writer.double(item.score)
            writer.key("popularity_score")
            writer.double(item.popularityScore)
            writer.key("trending_score")
            writer.double(item.trendingScore)
            if isProducts {
                writeProductCounts(item.counts, &writer)
            } else {
                writer.key("counts")
                writer.beginObject()
                for count in item.counts {
                    writer.key(count.counter)
                    writer.integer(count.count)
                }
                writer.endObject()
            }
            if let last = item.lastInteraction { writer.time("last_interaction", last) }
            writer.endObject()
        }
        writer.endArray()
        writer.endObject()
        return .json(writer.bytes)
    }

    /// Ranking's columns are always there, zero or not; further counters follow.
    private static func writeProductCounts(_ counts: [CounterValue], _ writer: inout JSONWriter) {
        let fixed = ["search_count", "search_click_count", "view_count", "cart_add_count", "order_count"]
        for name in fixed {
            writer.key(name)
            writer.integer(counts.first { $0.counter == name }?.count ?? 0)
        }
        for count in counts where !fixed.contains(count.counter) {
            writer.key(count.counter)
            writer.integer(count.count)
        }
    }

    private static func statsAnswer(_ stats: EntityStats, type: String, id: String) -> [UInt8] {
        var writer = JSONWriter(reserving: 384)
        writer.beginObject()
        writer.key("entity_type")
        writer.string(type)
        writer.key("entity_id")
        writer.string(id)
        if let title = stats.title {
            writer.key("title")
            writer.string(title)
        }
        writer.key("counts")
        writer.beginObject()
        for count in stats.counts {
            writer.key(count.counter)
            writer.integer(count.count)
        }
        writer.endObject()
        writer.key("popularity_score")
        writer.double(stats.popularityScore)
        writer.key("trending_score")
        writer.double(stats.trendingScore)
        if let last = stats.lastInteraction {
            writer.time("last_interaction", last)
        } else {
            writer.key("last_interaction")
            writer.null()
        }
        writer.key("placeholder")
        writer.bool(stats.isPlaceholder)
        writer.endObject()
        return writer.bytes
    }
}

extension JSONWriter {
    /// A field with an RFC 3339 time.
    mutating func time(_ name: StaticString, _ milliseconds: Int64) {
        key(name)
        string(Timestamp(milliseconds: milliseconds).rfc3339)
    }
}

/// Interactions as they are read back.
enum InteractionAnswers {
    /// A list, in the order given.
    static func list(_ batch: InteractionBatch, userID: String) -> [UInt8] {
        var writer = JSONWriter(reserving: 128 + batch.rows.count * 256)
        writer.beginObject()
        writer.key("user_id")
        writer.string(userID)
        writer.key("interactions")
        writer.beginArray()
        batch.bytes.withUnsafeBytes { bytes in
            for row in batch.rows { write(row, batch, bytes, &writer) }
        }
        writer.endArray()
        writer.endObject()
        return writer.bytes
    }

    /// A list alone, in the order given.
    static func array(_ batch: InteractionBatch) -> [UInt8] {
        var writer = JSONWriter(reserving: 16 + batch.rows.count * 256)
        writer.beginArray()
        batch.bytes.withUnsafeBytes { bytes in
            for row in batch.rows { write(row, batch, bytes, &writer) }
        }
        writer.endArray()
        return writer.bytes
    }

    /// Writes one as an object.
    static func write(
        _ row: InteractionRow, _ batch: InteractionBatch, _ bytes: UnsafeRawBufferPointer, _ writer: inout JSONWriter
    ) {
        func put(_ name: StaticString, _ span: ByteSpan) {
            guard !span.isNone else { return }
            writer.key(name)
            writer.string(batch.slice(bytes, span))
        }
        writer.beginObject()
        put("id", row.id)
        put("type", row.typeName)
        put("original_type", row.originalType)
        put("entity_type", row.entityTypeName)
        put("entity_id", row.entityID)
        put("user_id", row.userID)
        put("anonymous_id", row.anonymousID)
        put("session_id", row.sessionID)
        put("context", row.context)
        writer.time("occurred_at", row.occurredAt)
        writer.time("received_at", row.receivedAt)
        put("list_id", row.listID)
        if !row.value.isNaN {
            writer.key("value")
            writer.double(row.value)
        }
        if !row.metadata.isNone {
            writer.key("metadata")
            writer.raw(batch.slice(bytes, row.metadata))
        }
        writer.endObject()
    }
}
