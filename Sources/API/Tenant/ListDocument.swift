internal import Domain
internal import JSON
internal import Live
internal import Recommend
internal import Storage

/// Lists as JSON.
enum ListDocument {
    /// Who a list was for, what stood on it and why, as it is kept.
    static func bytes(_ served: ServedList) -> [UInt8] {
        var writer = JSONWriter(reserving: 256 + served.list.items.count * 320)
        writer.beginObject()
        writer.key("list_id")
        writer.string(served.id.text)
        writer.time("served_at", served.servedAt)
        func put(_ name: StaticString, _ value: String?) {
            guard let value else { return }
            writer.key(name)
            writer.string(value)
        }
        let question = served.request.question
        switch question.subject {
        case .audience(let audience): put(audience)
        case .similar(let type, let id):
            writer.key("similar_to")
            writer.beginObject()
            put("entity_type", type)
            put("entity_id", id)
            writer.endObject()
            if let audience = question.audience { put(audience) }
        }
        func put(_ audience: Audience) {
            put("user_id", audience.user)
            put("anonymous_id", audience.visitor)
            put("session_id", audience.session)
        }
        put("surface", question.surface.rawValue)
        put("context", served.request.context)
        put("entity_type", question.filters.entityType)
        put("previous", served.request.cursor?.list.text)
        put("query", served.request.query)
        writer.key("limit")
        writer.integer(question.limit)
        writeFilters(served.request, &writer)
        if let explained = served.explained {
            writer.raw(explained)
        } else {
            write(served.list, isExplained: true, &writer)
        }
        writer.endObject()
        return writer.bytes
    }

    private static func writeFilters(_ request: ListRequest, _ writer: inout JSONWriter) {
        let filters = request.question.filters
        guard filters != Filters() || !request.question.pins.isEmpty else { return }
        writer.key("filters")
        writer.beginObject()
        func put(_ name: StaticString, _ value: String?) {
            guard let value else { return }
            writer.key(name)
            writer.string(value)
        }
        func put(_ name: StaticString, _ value: Double?) {
            guard let value else { return }
            writer.key(name)
            writer.double(value)
        }
        func put(_ name: StaticString, _ ids: Set<ExactText>) {
            writer.key(name)
            writer.beginArray()
            for id in ids.map(\.text).sorted() { writer.string(id) }
            writer.endArray()
        }
        put("category", filters.category)
        put("price_min", filters.priceMinimum)
        put("price_max", filters.priceMaximum)
        put("currency", filters.currency)
        put("filter", request.filterText)
        if filters.onlyInStock {
            writer.key("in_stock")
            writer.bool(true)
        }
        if !filters.excluded.isEmpty { put("exclude", filters.excluded) }
        if let included = filters.included { put("include", included) }
        if !request.question.pins.isEmpty {
            writer.key("pin")
            writer.beginArray()
            for pin in request.question.pins {
                writer.beginObject()
                put("entity_type", pin.type)
                put("entity_id", pin.id)
                writer.key("position")
                writer.integer(pin.position)
                writer.endObject()
            }
            writer.endArray()
        }
        writer.endObject()
    }

    /// After the point, of scores and what they are made of.
    private static let digits = 6

    /// The fields of a list that do not depend on whom it is for.
    static func write(_ list: RecommendationList, isExplained: Bool, _ writer: inout JSONWriter) {
        writer.key("items")
        writer.beginArray()
        for item in list.items {
            writer.beginObject()
            writer.key("entity_type")
            writer.string(item.entity.type)
            writer.key("entity_id")
            writer.string(item.entity.id)
            if let title = item.entity.title {
                writer.key("title")
                writer.string(title)
            }
            writer.key("score")
            writer.rounded(item.score, digits: digits)
            if isExplained { explain(item, &writer) }
            writer.endObject()
        }
        writer.endArray()
        writer.key("fallback")
        if let fallback = list.fallback { writer.string(fallback.name) } else { writer.null() }
        if let version = list.modelVersion {
            writer.key("model_version")
            writer.integer(version)
        }
        if list.isIncomplete {
            writer.key("incomplete")
            writer.bool(true)
        }
        guard !list.unmet.isEmpty else { return }
        writer.key("unmet")
        writer.beginArray()
        for unmet in list.unmet {
            writer.beginObject()
            writer.key("rule")
            writer.string(unmet.rule)
            writer.key("entity_id")
            writer.string(unmet.id)
            writer.key("reason")
            writer.string(unmet.reason)
            writer.endObject()
        }
        writer.endArray()
    }

    private static func explain(_ item: Recommendation, _ writer: inout JSONWriter) {
        writer.key("explain")
        writer.beginObject()
        writer.key("sentence")
        writer.string(item.reason.sentence)
        writer.key("source")
        writer.string(item.origin.name)
        writer.key("parts")
        writer.beginObject()
        func put(_ name: StaticString, _ value: Double?) {
            guard let value else { return }
            writer.key(name)
            writer.rounded(value, digits: digits)
        }
        put("base", item.parts.base)
        put("personal", item.parts.personal)
        put("popularity", item.parts.popularity)
        put("trending", item.parts.trending)
        put("search", item.parts.search)
        put("price_fit", item.parts.priceFit)
        put("availability", item.parts.availability)
        put("category_affinity", item.parts.categoryAffinity)
        put("brand_affinity", item.parts.brandAffinity)
        put("neighbours", item.parts.neighbours)
        put("content", item.parts.content)
        put("model", item.parts.model)
        put("popular_and_trending", item.parts.common)
        writer.endObject()
        writer.key("shares")
        writer.beginObject()
        put("base", item.shares.base)
        put("personal", item.shares.personal)
        put("popularity", item.shares.popularity)
        if item.parts.trending != nil { put("trending", item.shares.trending) }
        if item.parts.search != nil { put("search", item.shares.search) }
        writer.endObject()
        writer.key("rules")
        writer.beginArray()
        for rule in item.rules { writer.string(rule.rawValue) }
        writer.endArray()
        writer.endObject()
    }
}
