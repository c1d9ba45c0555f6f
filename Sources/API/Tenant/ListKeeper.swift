internal import Domain
internal import Foundation
internal import JSON
internal import Recommend
internal import Storage
internal import Synchronization

/// A list that is being served.
struct ServedList: Sendable {
    let id: ListID
    let servedAt: Int64
    let subject: Question.Subject
    let context: String?
    let filters: Filters
    let limit: Int
    /// The model that had a say, so that what came of lists can be told by model.
    let modelVersion: Int64?
    let list: RecommendationList
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
        var items = 0
        var attributions: [ListAttribution] = []
        /// Last position of the log that attributions have been taken from.
        var position: Int64 = 0
        var lastOrder = (milliseconds: Int64.min, order: UInt16(0))
        var figures = Figures()
        var isStopping = false
    }

    /// Entities of lists that may wait, some 200 bytes each.
    private static let mostItems = 131_072
    private static let mostAttributions = 262_144
    /// Milliseconds in which lists gather before they are written together.
    private static let gathering: UInt32 = 50
    /// Positions after which the file is told how far the log has been read, even without news.
    private static let positionStep: Int64 = 50_000
    /// Days that lists are kept.
    static let days: Int64 = 30

    private let store: any ListStore
    private let state: Mutex<State>
    private let work = DispatchSemaphore(value: 0)
    private let stopped = DispatchGroup()
    private let failed: @Sendable (StorageError) -> Void

    /// A keeper with its thread. `failed` is told of every commit that could not be stored.
    init(store: any ListStore, failed: @escaping @Sendable (StorageError) -> Void) {
        self.store = store
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
            return state.lists.count == 1 && state.attributions.isEmpty
        }
        if isFirst { work.signal() }
    }

    /// Notes which interactions of a batch name a list. Rows at or before ``position`` are passed over.
    func observe(_ batch: InteractionBatch) {
        guard let last = batch.rows.last(where: { $0.verdict == .accepted })?.position else { return }
        var found: [ListAttribution] = []
        if batch.rows.contains(where: { !$0.listID.isNone }) {
            batch.bytes.withUnsafeBytes { bytes in
                for row in batch.rows where row.verdict == .accepted && !row.listID.isNone {
                    guard let list = ListID(text: batch.slice(bytes, row.listID)) else { continue }
                    found.append(ListAttribution(list: list, position: row.position))
                }
            }
        }
        let isFirst = state.withLock { state in
            let position = state.position
            guard last > position else { return false }
            state.position = last
            guard !found.isEmpty else { return false }
            let wasEmpty = state.lists.isEmpty && state.attributions.isEmpty
            for attribution in found where attribution.position > position {
                if state.attributions.count < Self.mostAttributions {
                    state.attributions.append(attribution)
                } else {
                    state.figures.attributionsDropped += 1
                }
            }
            return wasEmpty && !state.attributions.isEmpty
        }
        if isFirst { work.signal() }
    }

    /// A list as it was served, with the places in the log of interactions that name it. Sees what is still queued only
    /// once it is written, some 50 ms later.
    func list(_ id: ListID, limit: Int) throws(StorageError) -> (list: StoredList, positions: [Int64])? {
        try store.list(id, limit: limit)
    }

    /// Removes lists that are older than 30 days.
    func expire(now: Int64) throws(StorageError) {
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
            let (lists, attributions, position, isStopping) = state.withLock { state in
                defer {
                    state.lists = []
                    state.items = 0
                    state.attributions = []
                }
                return (state.lists, state.attributions, state.position, state.isStopping)
            }
            let isNews = !lists.isEmpty || !attributions.isEmpty
            let lag = position - store.position
            if isNews || lag >= Self.positionStep || (isStopping && lag > 0) {
                write(lists, attributions, position)
            }
            if isStopping { return }
        }
    }

    private func write(_ lists: [ServedList], _ attributions: [ListAttribution], _ position: Int64) {
        let stored = lists.map { StoredList(id: $0.id, document: ListDocument.bytes($0)) }
        do throws(StorageError) {
            try store.add(stored, attributions, through: position)
            state.withLock { state in
                state.figures.kept += UInt64(lists.count)
                state.figures.attributed += UInt64(attributions.count)
            }
        } catch {
            state.withLock { state in
                state.figures.failedCommits += 1
                state.figures.dropped += UInt64(lists.count)
                state.figures.attributionsDropped += UInt64(attributions.count)
            }
            failed(error)
        }
    }
}
