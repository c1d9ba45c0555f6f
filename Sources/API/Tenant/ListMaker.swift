internal import Domain
internal import JSON
internal import Live
internal import Recommend
internal import Storage

/// Makes one list for a tenant, has it kept, and writes the answer.
struct ListMaker {
    private let tenant: TenantService
    private let now: Int64
    /// Draws of new entities change from hour to hour.
    private static let drawing: Int64 = 3_600_000
    /// Pages of one list that are followed back to what stood on them.
    private static let mostPages = 50

    init(_ tenant: TenantService, now: Int64) {
        self.tenant = tenant
        self.now = now
    }

    /// The answer to a request; `found` is what its search has found.
    func answer(_ request: ListRequest, found: [(entity: EntityNumber, relevance: Double)]) throws(Problem) -> [UInt8] {
        var request = request
        let subject = ListCursor.subject(of: request.question)
        request.question.found = found
        request.question.seed = subject ^ UInt64(bitPattern: now / ListMaker.drawing)
        if !request.cart.isEmpty { request.question.seeds = seeds(request) }
        let goesOn: Bool
        do throws(StorageError) {
            goesOn = try goOn(&request)
            try tellShown(&request)
        } catch {
            throw Problem(error)
        }
        guard goesOn else {
            throw Problem(
                400, "invalid_cursor", "The list that \"cursor\" goes on with is no longer kept; begin anew.",
                path: "/cursor")
        }
        let recommender = tenant.recommender
        let list = recommender.list(for: request.question, now: now)
        return write(list, request, subject)
    }

    private func seeds(_ request: ListRequest) -> [EntityNumber] {
        let type = request.question.filters.entityType ?? CommerceInteractions.entityType(tenant)
        return request.cart.compactMap { tenant.live.entityNumber(type: type, id: $0) }
    }

    /// Goes on with the page before: what stood on the list so far, and what was ranked after it. False when that is gone.
    private func goOn(_ request: inout ListRequest) throws(StorageError) -> Bool {
        guard let cursor = request.cursor else { return true }
        request.question.seed = cursor.seed
        if let page = tenant.pages.page(cursor.list) {
            request.question.earlier = page.shown
            request.question.order = page.rest
            return true
        }
        // Long ago, or before a restart: what stood on the pages is known, what would have followed is ranked anew.
        var pages: [[EntityNumber]] = []
        var next: ListID? = cursor.list
        while let id = next, pages.count < ListMaker.mostPages, let kept = try tenant.lists?.kept(id) {
            pages.append(kept.items.compactMap { tenant.live.entityNumber(type: $0.type, id: $0.id) })
            next = kept.previous
        }
        request.question.earlier = ContiguousArray(pages.reversed().joined())
        return !pages.isEmpty
    }

    /// Says how often what was shown, where a rule asks for it.
    private func tellShown(_ request: inout ListRequest) throws(StorageError) {
        let question = request.question
        let most = question.excludesShown ?? tenant.settings.ranking.settings(for: question.surface).excludesShown
        guard most > 0, let lists = tenant.lists, let audience = lists.key(of: ListMaker.audience(question)) else {
            return
        }
        // This list's own pages do not count against it.
        for item in try lists.shown(to: audience, now: now) {
            guard let entity = tenant.live.entityNumber(type: item.type, id: item.id) else { continue }
            request.question.shown.add(entity, 1)
        }
    }

    private static func audience(_ question: Question) -> Audience? {
        if case .audience(let audience) = question.subject { return audience }
        return question.audience
    }

    private func write(_ list: RecommendationList, _ request: ListRequest, _ subject: UInt64) -> [UInt8] {
        var writer = JSONWriter(reserving: 256 + list.items.count * (request.isExplained ? 480 : 96))
        let id = tenant.lists?.makeID(now: now)
        writer.beginObject()
        writer.key("list_id")
        if let id { writer.string(id.text) } else { writer.null() }
        writer.key("surface")
        writer.string(request.question.surface.rawValue)
        let start = writer.bytes.count
        ListDocument.write(list, isExplained: request.isExplained, &writer)
        var next: String?
        if let id, let lists = tenant.lists {
            if !list.rest.isEmpty, !list.items.isEmpty {
                next = ListCursor(list: id, subject: subject, seed: request.question.seed).text
                let shown =
                    request.question.earlier + ContiguousArray(list.items.lazy.map(\.entity.number))
                tenant.pages.keep(id, ListPages.Page(shown: shown, rest: list.rest))
            }
            lists.keep(
                ServedList(
                    id: id, servedAt: now, audience: lists.key(of: ListMaker.audience(request.question)),
                    request: request, list: list, explained: request.isExplained ? writer.bytes(since: start) : nil))
        }
        writer.key("next_cursor")
        if let next { writer.string(next) } else { writer.null() }
        writer.endObject()
        return writer.bytes
    }
}

extension TenantService {
    /// Makes lists from what is known now, as the settings say. The learned model, when there is one, has its say.
    var recommender: Recommender<LiveKnowledge> {
        let sources: [any CandidateSource] = models.current.map { [ModelSource($0)] } ?? []
        return Recommender(knowledge, settings: settings.ranking, models: sources)
    }
}
