internal import Domain
internal import Foundation
internal import JSON
internal import Live
internal import Recommend
internal import Storage
internal import Synchronization

/// A list that is being served.
struct ServedList: Sendable {
    let id: ListID
    let servedAt: Int64
    /// Whom it was for: its key, when there is one.
    let audience: Key128?
    /// What was asked for.
    let request: ListRequest
    let list: RecommendationList
    /// What stood on it and why, when the answer told: written once for both.
    let explained: [UInt8]?
}

/// Keeps what was served and which interactions name it, on a thread of its own: a request only puts its list into a
/// bounded queue. What finds no room is dropped and counted.
final class ListKeeper: Sendable {
    /// What has become of the lists.
    struct Figures: Sendable {
        var kept: UInt64 = 0
        var dropped: UInt64 = 0
        var attributed: UInt64 = 0
        var attributionsDropped: UInt64 = 0
        var failedCommits: UInt64 = 0
        var removed: UInt64 = 0
    }

    private struct State {
        var lists: [ServedList] = []
        /// Those that are being written.
        var writing: [ServedList] = []
        var items = 0
        var responses: [ListResponse] = []
        /// Last position of the log that attributions have been taken from.
        var position: Int64 = 0
        var lastOrder = (milliseconds: Int64.min, order: UInt16(0))
        var figures = Figures()
        var isStopping = false
    }

    /// Entities of lists that may wait, some 600 bytes each.
    private static let mostItems = 131_072
    private static let mostResponses = 262_144
    /// Milliseconds in which lists gather before they are written together.
    private static let gathering: UInt32 = 50
    /// Positions after which the file is told how far the log has been read, even without news.
    private static let positionStep: Int64 = 50_000
    /// Days that lists are kept.
    static let days: Int64 = 30
    /// Days that measures are kept.
    static let measuredDays: Int64 = 400
    /// Lists of an audience that are looked through for what was shown.
    static let lookedBack = 100

    private let store: any ListStore
    private let state: Mutex<State>
    private let meter: ListMeter
    private let orders: Mutex<[UInt16]>
    private let hasher: KeyHasher
    private let work = DispatchSemaphore(value: 0)
    private let stopped = DispatchGroup()
    private let failed: @Sendable (StorageError) -> Void

    /// A keeper with its thread. `price` says what an entity costs, by type and id; `failed` is told of every commit that
    /// could not be stored.
    init(
        store: any ListStore, hasher: KeyHasher, orderTypes: [UInt16], price: @escaping ListMeter.Price,
        failed: @escaping @Sendable (StorageError) -> Void
    ) {
        self.store = store
        self.hasher = hasher
        orders = Mutex(orderTypes)
        meter = ListMeter(store: store, price: price)
        self.failed = failed
        var first = State()
        first.position = store.position
        state = Mutex(first)
        stopped.enter()
        background { [self] in
            run()
            stopped.leave()
        }
    }

    /// Log position after which attributions have yet to be taken in.
    var position: Int64 { state.withLock { $0.position } }

    var figures: Figures { state.withLock { $0.figures } }

    var bytes: Int64 { store.bytes }

    /// An id for a list that is served now; later ones sort after earlier ones.
    func makeID(now: Int64) -> ListID {
        let random = UInt64.random(in: .min ... .max)
        let (milliseconds, order) = state.withLock { state in
            if now > state.lastOrder.milliseconds {
                state.lastOrder = (now, 0)
            } else if state.lastOrder.order < 0xfff {
                state.lastOrder.order += 1
            } else {
                state.lastOrder = (state.lastOrder.milliseconds + 1, 0)
            }
            return state.lastOrder
        }
        return ListID(milliseconds: milliseconds, order: order, random: random)
    }

    /// Queues a list; when there is no room it is dropped and counted.
    func keep(_ list: ServedList) {
        let isFirst = state.withLock { state in
            guard !state.isStopping, state.items + list.list.items.count <= Self.mostItems else {
                state.figures.dropped += 1
                return false
            }
            state.lists.append(list)
            state.items += list.list.items.count + 1
            return state.lists.count == 1 && state.responses.isEmpty
        }
        if isFirst { work.signal() }
    }

    /// Says which interaction types are orders, by number: those count for what was clicked on a list before.
    func setOrderTypes(_ types: [UInt16]) { orders.withLock { $0 = types } }

    /// Everything measured so far and still kept, over all days.
    var totals: [ListMeasure: Double] { meter.totals }

    /// What was measured on some days.
    func measures(from first: Int64, through last: Int64) throws(StorageError) -> [(
        measure: ListMeasure, amount: Double
    )] {
        try store.measures(from: first, through: last)
    }

    /// Notes which interactions of a batch name a list, or are orders. Rows at or before ``position`` are passed over.
    func observe(_ batch: InteractionBatch) {
        guard let last = batch.rows.last(where: { $0.verdict == .accepted })?.position else { return }
        let orderTypes = orders.withLock { $0 }
        var found: [ListResponse] = []
        batch.bytes.withUnsafeBytes { bytes in
            for row in batch.rows where !row.listID.isNone || orderTypes.contains(row.type) {
                guard row.verdict == .accepted else { continue }
                let list = ListID(text: batch.slice(bytes, row.listID))
                let isOrder = orderTypes.contains(row.type)
                if list != nil {
                    meter.note(row.personKey, row.entityKey)
                    meter.note(row.sessionKey, row.entityKey)
                } else if !isOrder || !meter.mayCredit(row) {
                    continue
                }
                found.append(ListResponse(row, batch, list: list, isOrder: isOrder))
            }
        }
        let isFirst = state.withLock { state in
            let position = state.position
            guard last > position else { return false }
            state.position = last
            guard !found.isEmpty else { return false }
            let wasEmpty = state.lists.isEmpty && state.responses.isEmpty
            for response in found where response.position > position {
                if state.responses.count < Self.mostResponses {
                    state.responses.append(response)
                } else {
                    state.figures.attributionsDropped += 1
                }
            }
            return wasEmpty && !state.responses.isEmpty
        }
        if isFirst { work.signal() }
    }

    /// How often what was shown to an audience, by type and id, in its last lists within 30 days: those that are kept and
    /// those that wait to be. Reads up to ``lookedBack`` documents.
    func shown(to audience: Key128, now: Int64) throws(StorageError) -> [(type: String, id: String)] {
        let waiting = state.withLock { state in
            (state.lists + state.writing).filter { $0.audience == audience }
        }
        var (seen, shown): (Set<String>, [(type: String, id: String)]) = ([], [])
        for list in waiting {
            seen.insert(list.id.text)
            for item in list.list.items { shown.append((item.entity.type, item.entity.id)) }
        }
        let edge = now - ListKeeper.days * Timestamp.millisecondsPerDay
        for document in try store.documents(of: audience, limit: Self.lookedBack) {
            guard let kept = KeptList(document), !seen.contains(kept.id), kept.servedAt > edge else { continue }
            shown += kept.items.map { ($0.type, $0.id) }
        }
        return shown
    }

    /// Key of whom a list is for: the user, else the visitor, else the session.
    func key(of audience: Audience?) -> Key128? {
        guard let audience else { return nil }
        return audience.user.map { hasher.key($0, .user) } ?? audience.visitor.map { hasher.key($0, .visitor) }
            ?? audience.session.map { hasher.key($0, .session) }
    }

    /// The document of a list that is kept, or waits to be.
    func kept(_ id: ListID) throws(StorageError) -> KeptList? {
        let waiting = state.withLock { state in
            state.lists.first { $0.id == id } ?? state.writing.first { $0.id == id }
        }
        if let waiting { return KeptList(ListDocument.bytes(waiting)) }
        return try store.list(id, limit: 0).flatMap { KeptList($0.list.document) }
    }

    /// A list as it was served, with the places in the log of interactions that name it. Sees what is still queued only
    /// once it is written, some 50 ms later.
    func list(_ id: ListID, limit: Int) throws(StorageError) -> (list: StoredList, positions: [Int64])? {
        try store.list(id, limit: limit)
    }

    /// Removes lists that are older than 30 days, and measures older than 400.
    func expire(now: Int64) throws(StorageError) {
        try store.expireMeasures(before: ListMeter.day(now) - Self.measuredDays)
        let before = now - ListKeeper.days * Timestamp.millisecondsPerDay
        while true {
            let removed = try store.expire(before: before, maximum: 2000)
            state.withLock { $0.figures.removed += UInt64(removed) }
            if removed == 0 || state.withLock({ $0.isStopping }) { return }
        }
    }

    /// Writes what is queued and closes the file. Idempotent.
    func stop() {
        let isFirst = state.withLock { state in
            defer { state.isStopping = true }
            return !state.isStopping
        }
        if isFirst { work.signal() }
        stopped.wait()
        store.close()
    }

    private func run() {
        while true {
            _ = work.wait(timeout: .now() + 1)
            if !state.withLock({ $0.isStopping }) { sleep(milliseconds: Self.gathering) }
            let (lists, responses, position, isStopping) = state.withLock { state in
                defer {
                    state.writing = state.lists
                    state.lists = []
                    state.items = 0
                    state.responses = []
                }
                return (state.lists, state.responses, state.position, state.isStopping)
            }
            let isNews = !lists.isEmpty || !responses.isEmpty
            let lag = position - store.position
            if isNews || lag >= Self.positionStep || (isStopping && lag > 0) {
                write(lists, responses, position)
            }
            state.withLock { $0.writing = [] }
            if isStopping { return }
        }
    }

    private func write(_ lists: [ServedList], _ responses: [ListResponse], _ position: Int64) {
        do throws(StorageError) {
            let attributed = try meter.write(lists, responses, through: position)
            state.withLock { state in
                state.figures.kept += UInt64(lists.count)
                state.figures.attributed += UInt64(attributed)
            }
        } catch {
            state.withLock { state in
                state.figures.failedCommits += 1
                state.figures.dropped += UInt64(lists.count)
                state.figures.attributionsDropped += UInt64(responses.count)
            }
            failed(error)
        }
    }
}
