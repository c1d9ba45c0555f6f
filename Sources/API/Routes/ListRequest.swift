internal import Domain
internal import JSON
internal import Recommend

/// A request for a list, read and checked for what contradicts itself.
struct ListRequest: Sendable {
    var question: Question
    /// The page before, when this one goes on with it.
    var cursor: ListCursor?
    var context: String?
    var isExplained = false
    /// What is searched for.
    var query: String?
    /// The filter as it was written.
    var filterText: String?
    /// Ids of a cart, or of what else the list goes out from.
    var cart: [String] = []

    /// Reads what is said of the audience.
    static func audience(_ parameters: inout ListParameters, _ tenant: TenantService) throws(Problem) -> Audience {
        let longest = tenant.limits.maximumIDBytes
        return Audience(
            user: try parameters.id("user_id", longest: longest),
            visitor: try parameters.id("anonymous_id", longest: longest),
            session: try parameters.id("session_id", longest: longest))
    }

    /// Reads the rest. `subject` is what the path says the list is about; an audience then only counts for rules.
    init(
        _ parameters: inout ListParameters, _ audience: Audience, about subject: (type: String, id: String)?,
        _ tenant: TenantService, now: Int64
    ) throws(Problem) {
        let longest = tenant.limits.maximumIDBytes
        let surface = try parameters.choice("surface", Surface.self)
        var about = subject
        let subjectType = try parameters.text("subject_type")
        let subjectID = try parameters.id("subject_id", longest: longest)
        if subject != nil, subjectID != nil || subjectType != nil {
            throw Problem(
                400, "invalid_parameter",
                "The path says what the list is about: \"subject_id\" and \"subject_type\" do not go with it.",
                path: "/subject_id")
        }
        if let id = subjectID {
            about = (subjectType ?? tenant.plan.plan.defaultEntityType, id)
        } else if subjectType != nil {
            throw Problem(400, "invalid_parameter", "\"subject_type\" goes with \"subject_id\".", path: "/subject_type")
        }
        if let about {
            question = Question(.similar(type: about.type, id: about.id), surface: surface)
            question.audience = audience == Audience() ? nil : audience
            try ListRequest.check(about.type, tenant)
        } else {
            guard audience != Audience() else {
                throw Problem(
                    400, "missing_audience", "Say for whom: \"user_id\", \"anonymous_id\" or \"session_id\".")
            }
            question = Question(.audience(audience), surface: surface)
        }
        question.limit = try parameters.integer("limit", in: 1...100, code: "invalid_limit") ?? 10
        question.filters.entityType = try parameters.text("entity_type") ?? subject?.type
        context = try parameters.text("context", longest: 64)
        isExplained = try parameters.flag("explain") ?? false
        cart = try parameters.ids("cart", longest: longest) ?? []
        query = try parameters.text("query", longest: 1024)
        try readFilters(&parameters, longest, now)
        try readRules(&parameters, longest)
        if let text = try parameters.text("cursor", longest: 1024) {
            guard let cursor = ListCursor(text), cursor.subject == ListCursor.subject(of: question) else {
                throw Problem(
                    400, "invalid_cursor",
                    "\"cursor\" is the \"next_cursor\" of a list for the same audience, subject and surface.",
                    path: "/cursor")
            }
            self.cursor = cursor
        }
        try parameters.refuseRest()
        if let type = question.filters.entityType { try ListRequest.check(type, tenant) }
        try refuseContradictions()
    }

    private static func check(_ type: String, _ tenant: TenantService) throws(Problem) {
        if tenant.plan.entityType(named: type) == nil {
            throw Problem(400, "unknown_entity_type", "The tracking plan has no entity type \"\(type.prefix(64))\".")
        }
    }

    private mutating func readFilters(_ parameters: inout ListParameters, _ longest: Int, _ now: Int64) throws(Problem)
    {
        let greatest = Double.greatestFiniteMagnitude
        question.filters.category = try parameters.text("category")
        question.filters.priceMinimum = try parameters.number("price_min", in: 0...greatest, isPrice: true)
        question.filters.priceMaximum = try parameters.number("price_max", in: 0...greatest, isPrice: true)
        if let currency = try parameters.text("currency") {
            guard currency.utf8.count == 3, currency.utf8.allSatisfy({ (65...90).contains($0) }) else {
                throw Problem(
                    400, "invalid_parameter", "\"currency\" is a code of three capital letters, such as EUR.",
                    path: "/currency")
            }
            question.filters.currency = currency
        }
        question.filters.onlyInStock = try parameters.flag("in_stock") ?? false
        var parts: [FilterExpression] = []
        if let text = try parameters.text("filter", longest: FilterParser.longest) {
            filterText = text
            do throws(FilterError) {
                parts.append(try FilterParser.parse(text, now: now))
            } catch {
                throw Problem(400, "invalid_filter", error.message, path: "/filter")
            }
        }
        let latitude = try parameters.number("latitude", in: -90...90)
        let longitude = try parameters.number("longitude", in: -180...180)
        let kilometres = try parameters.number("within_km", in: 0...21_000)
        switch (latitude, longitude, kilometres) {
        case (nil, nil, nil): break
        case (let latitude?, let longitude?, let kilometres?):
            if let point = GeoPoint(latitude: latitude, longitude: longitude) {
                parts.append(.distance(point, .atMost, kilometres: kilometres))
            }
        default:
            throw Problem(
                400, "invalid_parameter", "\"latitude\", \"longitude\" and \"within_km\" go together.",
                path: "/within_km")
        }
        if !parts.isEmpty { question.filters.expression = parts.count == 1 ? parts[0] : .and(parts) }
    }

    private mutating func readRules(_ parameters: inout ListParameters, _ longest: Int) throws(Problem) {
        question.filters.excluded = Set((try parameters.ids("exclude", longest: longest) ?? []).map { ExactText($0) })
        if let included = try parameters.ids("include", longest: longest) {
            question.filters.included = Set(included.map { ExactText($0) })
        }
        question.excludesSeen = try parameters.flag("exclude_seen")
        question.excludesBought = try parameters.flag("exclude_bought")
        question.excludesShown = try parameters.integer("exclude_shown", in: 0...1000)
        question.pins = try parameters.pins(longest: longest).map {
            Question.Pin(type: $0.type, id: $0.id, position: $0.position)
        }
    }

    private func refuseContradictions() throws(Problem) {
        let filters = question.filters
        if let least = filters.priceMinimum, let most = filters.priceMaximum, least > most {
            throw Problem(
                400, "contradictory_filters", "No price is at least \"price_min\" and at most \"price_max\".",
                path: "/price_min")
        }
        if let included = filters.included {
            guard !included.isEmpty, !included.isSubset(of: filters.excluded) else {
                throw Problem(
                    400, "contradictory_rules", "\"include\" names nothing that \"exclude\" leaves.", path: "/include")
            }
        }
        var positions: Set<Int> = []
        var pinned: Set<Question.Pin> = []
        for pin in question.pins {
            guard (1...question.limit).contains(pin.position) else {
                throw Problem(
                    400, "contradictory_rules", "A pinned place lies between 1 and \"limit\".", path: "/pin")
            }
            let id = ExactText(pin.id)
            guard !filters.excluded.contains(id), filters.included?.contains(id) ?? true else {
                throw Problem(
                    400, "contradictory_rules",
                    "\"\(pin.id.shortened(toBytes: 64))\" is pinned, and excluded or not among the included.",
                    path: "/pin")
            }
            guard positions.insert(pin.position).inserted,
                pinned.insert(Question.Pin(type: pin.type, id: pin.id, position: 0)).inserted
            else {
                throw Problem(
                    400, "contradictory_rules", "Each place, and each entity, can be pinned once.", path: "/pin")
            }
        }
        if question.surface == .search, query == nil, cursor == nil {
            throw Problem(400, "missing_query", "The surface \"search\" needs a \"query\".", path: "/query")
        }
        if query != nil, question.surface != .search {
            throw Problem(400, "invalid_parameter", "\"query\" goes with the surface \"search\".", path: "/query")
        }
    }
}
