internal import Domain
internal import HTTP
internal import JSON
internal import Storage

/// What came of served lists, by surface, source and model version.
enum ListMetricsAnswer {
    private enum Grouping: String, CaseIterable {
        case total
        case day
    }

    /// What is told of one group.
    private struct Key: Hashable {
        var day: Int64
        var surface: String
        var source: String
        var model: String
    }

    static func response(_ request: borrowing HTTPRequest, _ context: RouteContext) throws(Problem) -> HTTPAction {
        let tenant = try context.tenant
        var query = try Query(request.queryItems)
        let days = try query.integer("days", in: 1...Int(ListKeeper.measuredDays)) ?? 30
        let grouping = try query.choice("by", Grouping.self) ?? .total
        let surface = try query.choice("surface", Surface.self)
        try query.refuseRest()
        let last = ListMeter.day(context.now)
        let first = last - Int64(days) + 1
        let measures: [(measure: ListMeasure, amount: Double)]
        do throws(StorageError) {
            // An order of tomorrow may have been told today.
            measures = try tenant.lists?.measures(from: first, through: last + 1) ?? []
        } catch {
            throw Problem(error)
        }
        var groups: [Key: [ListMeasure.Name: Double]] = [:]
        var revenues: [Key: [String: Double]] = [:]
        for (measure, amount) in measures where surface == nil || surface?.rawValue == measure.surface {
            let day = grouping == .day ? measure.day : 0
            // What is measured of a source is measured of its surface too.
            let own = Key(day: day, surface: measure.surface, source: measure.source, model: measure.model)
            let whole = Key(day: day, surface: measure.surface, source: "", model: measure.model)
            for key in measure.source.isEmpty ? [own] : [own, whole] {
                groups[key, default: [:]][measure.name, default: 0] += amount
                if measure.name == .revenue { revenues[key, default: [:]][measure.currency, default: 0] += amount }
            }
        }
        var writer = JSONWriter(reserving: 256 + groups.count * 256)
        writer.beginObject()
        writer.time("from", first * Timestamp.millisecondsPerDay)
        writer.time("to", context.now)
        writer.key("metrics")
        writer.beginArray()
        let order = groups.keys.sorted {
            ($0.day, $0.surface, $0.source, $0.model) < ($1.day, $1.surface, $1.source, $1.model)
        }
        for key in order {
            write(key, groups[key] ?? [:], revenues[key] ?? [:], isByDay: grouping == .day, &writer)
        }
        writer.endArray()
        writer.endObject()
        return .respond(.json(writer.bytes))
    }

    private static func write(
        _ key: Key, _ amounts: [ListMeasure.Name: Double], _ revenues: [String: Double], isByDay: Bool,
        _ writer: inout JSONWriter
    ) {
        writer.beginObject()
        if isByDay { writer.time("day", key.day * Timestamp.millisecondsPerDay) }
        writer.key("surface")
        writer.string(key.surface)
        writer.key("source")
        if key.source.isEmpty { writer.null() } else { writer.string(key.source) }
        writer.key("model_version")
        if let version = Int64(key.model) { writer.integer(version) } else { writer.null() }
        func whole(_ name: StaticString, _ measure: ListMeasure.Name) {
            writer.key(name)
            writer.integer(Int(amounts[measure] ?? 0))
        }
        if key.source.isEmpty { whole("lists", .lists) }
        whole("items", .items)
        whole("views", .views)
        whole("clicks", .clicks)
        whole("conversions", .conversions)
        func share(_ name: StaticString, _ part: ListMeasure.Name, _ all: ListMeasure.Name) {
            writer.key(name)
            let count = amounts[all] ?? 0
            if count > 0 { writer.double((amounts[part] ?? 0) / count) } else { writer.null() }
        }
        share("click_through", .clicks, .items)
        share("conversion", .conversions, .clicks)
        writer.key("revenue")
        writer.beginObject()
        for (currency, amount) in revenues.sorted(by: { $0.key < $1.key }) {
            writer.key(currency.isEmpty ? "unknown" : currency)
            writer.double(amount)
        }
        writer.endObject()
        writer.endObject()
    }
}
