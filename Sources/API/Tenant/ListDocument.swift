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
        switch served.subject {
        case .audience(let audience):
            put("user_id", audience.user)
            put("anonymous_id", audience.visitor)
            put("session_id", audience.session)
        case .similar(let type, let id):
            writer.key("similar_to")
            writer.beginObject()
            put("entity_type", type)
            put("entity_id", id)
            writer.endObject()
        }
        put("context", served.context)
        put("entity_type", served.filters.entityType)
        writer.key("limit")
        writer.integer(served.limit)
        if let version = served.modelVersion {
            writer.key("model_version")
            writer.integer(version)
        }
        writeFilters(served.filters, &writer)
        write(served.list, isExplained: true, &writer)
        writer.endObject()
        return writer.bytes
    }

    private static func writeFilters(_ filters: Filters, _ writer: inout JSONWriter) {
        guard
            filters.category != nil || filters.priceMinimum != nil || filters.priceMaximum != nil
                || filters.currency != nil || filters.onlyInStock || !filters.excluded.isEmpty
        else { return }
        writer.key("filters")
        writer.beginObject()
        if let category = filters.category {
            writer.key("category")
            writer.string(category)
        }
        if let minimum = filters.priceMinimum {
            writer.key("price_min")
            writer.double(minimum)
        }
        if let maximum = filters.priceMaximum {
            writer.key("price_max")
            writer.double(maximum)
        }
        if let currency = filters.currency {
            writer.key("currency")
            writer.string(currency)
        }
        if filters.onlyInStock {
            writer.key("in_stock")
            writer.bool(true)
        }
        if !filters.excluded.isEmpty {
            writer.key("exclude")
            writer.beginArray()
            for id in filters.excluded.map(\.text).sorted() { writer.string(id) }
            writer.endArray()
        }
        writer.endObject()
    }

    /// The fields `items` and `fallback` of a list.
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
            writer.double(item.score)
            if isExplained { explain(item, &writer) }
            writer.endObject()
        }
        writer.endArray()
        writer.key("fallback")
        if let fallback = list.fallback { writer.string(fallback.name) } else { writer.null() }
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
            writer.double(value)
        }
        put("base", item.parts.base)
        put("personal", item.parts.personal)
        put("popularity", item.parts.popularity)
        put("price_fit", item.parts.priceFit)
        put("availability", item.parts.availability)
        put("category_affinity", item.parts.categoryAffinity)
        put("brand_affinity", item.parts.brandAffinity)
        put("neighbours", item.parts.neighbours)
        put("model", item.parts.model)
        put("popular_and_trending", item.parts.common)
        writer.endObject()
        writer.key("rules")
        writer.beginArray()
        for rule in item.rules { writer.string(rule.rawValue) }
        writer.endArray()
        writer.endObject()
    }
}
