public import Collect
public import Domain
internal import Glibc
internal import JSON
internal import Live
internal import Recommend
internal import Search
public import Storage
internal import Synchronization

/// Brings a tenant back from its folder: the newest snapshots, then everything in the log after them.
public struct TenantOpening {
    /// How a tenant is opened.
    public struct Options: Sendable {
        /// A snapshot is due after so many records, so that a restart replays no more.
        public var snapshotInterval: Int64 = 1_000_000
        /// A snapshot is due after so many seconds when there is anything new.
        public var snapshotSeconds: Double = 300
        /// Queue and commits.
        public var collector = Collector.Configuration()
        /// The plan of a tenant that has none yet.
        public var initialPlan: TrackingPlan?
        /// The settings of a tenant that has none yet.
        public var initialSettings: TenantSettings?

        /// The documented defaults.
        public init() {}
    }

    private let id: String
    private let folder: String
    private let store: any TenantStore
    private let options: Options
    private let log: Log
    private let clock: @Sendable () -> Int64
    private let names = NameTable()
    private let lastFailure = Shared(Mutex((code: "", time: UInt64(0))))
    private let resolver: RowResolver

    /// Opens a tenant whose store is open already. Throws what the store throws, and `invalid_plan` when the stored plan
    /// cannot be compiled by this release.
    public static func open(
        id: String, folder: String, store: any TenantStore, options: Options, log: Log,
        clock: @escaping @Sendable () -> Int64
    ) throws -> TenantService {
        try TenantOpening(id: id, folder: folder, store: store, options: options, log: log, clock: clock).open()
    }

    private init(
        id: String, folder: String, store: any TenantStore, options: Options, log: Log,
        clock: @escaping @Sendable () -> Int64
    ) {
        self.id = id
        self.folder = folder
        self.store = store
        self.options = options
        self.log = log
        self.clock = clock
        resolver = RowResolver(names: names, hasher: KeyHasher(seed: store.seed))
    }

    private func open() throws -> TenantService {
        let start = monotonicNanoseconds()
        try refuseEmptiedLog()
        try writeFirstRecords()
        let settings = try storedSettings()
        // The plans of the log take its place, each where it stands.
        let first = LivePlan(types: [], settings: TenantSettings())
        var recovery = TenantService.Recovery()

        let live = try loadLive(first, &recovery)
        if live.position == 0 {
            var totals: [DailyTotal] = []
            try store.dailyTotals { totals.append($0) }
            live.restore(dailyTotals: totals, dailySessions: try store.dailySessions())
        }
        let sessions = Sessioniser(hasher: resolver.hasher, timeout: settings.sessionTimeout)
        let sessionsPosition = SessionSnapshot.load(
            path: SnapshotKeeper.sessionsPath(folder), into: sessions, logPosition: store.lastPosition)
        let deduplication = try DeduplicationIndex.open(
            folder: "\(folder)/deduplication", seed: store.seed, logPosition: store.lastPosition, now: clock())

        let (storedPlan, version) = try storedPlan()
        let compiled = try CompiledPlan(storedPlan, version: version, names: names)
        let lists = openLists(live, compiled)
        recovery.replayedRows = try replay(live, sessions, after: sessionsPosition, deduplication, lists)
        live.apply(plan: LivePlan(compiled, settings))
        try rebuildDecay(live)
        // The index's thread reads its file while this one reads the catalogue.
        let search = openSearch(live)
        var isOpen = false
        defer { if !isOpen { search.stop() } }
        let catalogue = Catalogue()
        try fill(catalogue, live)
        recovery.seconds = Double(monotonicNanoseconds() - start) / 1e9

        let collector = Collector(
            store: store, deduplication: deduplication, sessions: sessions,
            follower: LiveFollower(live: live, lists: lists),
            configuration: options.collector, clock: clock
        ) { [log, id] text in
            log.info("deduplication", ["tenant": .string(id), "message": .string(text)])
        } failed: { [log, id, lastFailure] error in
            // Clients try again: the same failure is said once a second.
            let now = monotonicNanoseconds()
            let isNews = lastFailure.value.withLock { last in
                if last.code == error.code, now &- last.time < 1_000_000_000 { return false }
                last = (error.code, now)
                return true
            }
            guard isNews else { return }
            log.error(
                "commit_failed",
                ["tenant": .string(id), "code": .string(error.code), "message": .string(error.message)])
        }
        let models = ModelKeeper(tenant: id, folder: folder, log: log, clock: clock)
        models.open(live)
        let recentSearches = RecentSearches(hasher: resolver.hasher)
        try recentSearches.load(from: store, now: clock())
        isOpen = true
        return TenantService(
            id: id, folder: folder, store: store, live: live, collector: collector, resolver: resolver,
            search: search, recentSearches: recentSearches,
            snapshots: SnapshotKeeper(
                folder: folder, position: recovery.snapshotPosition, interval: options.snapshotInterval,
                seconds: options.snapshotSeconds, log: log),
            lists: lists, catalogue: catalogue, models: models, plan: compiled, settings: settings, recovery: recovery)
    }

    private func openSearch(_ live: LiveState) -> SearchIndex {
        SearchIndex(folder: folder, store: store) { [names, resolver] type, id in
            guard let number = names.intern(type) else { return .none }
            var id = id
            return id.withUTF8 {
                resolver.hasher.entityKey(UnsafeRawBufferPointer($0), typeSalt: names.salt(of: number))
            }
        } standing: { [live] keys in
            live.standing(of: keys)
        } note: { [log, id] text in
            log.info("search_index", ["tenant": .string(id), "message": .string(text)])
        }
    }

    /// The state of the newest snapshot, or an empty one.
    private func loadLive(_ plan: LivePlan, _ recovery: inout TenantService.Recovery) throws -> LiveState {
        let path = SnapshotKeeper.livePath(folder)
        // What was removed was folded into the daily totals, where the log cannot show it to a snapshot that lacks it.
        var removedThrough: Int64 = 0
        if let cleanUp = try store.lastRecord(.retention, upTo: store.lastPosition) {
            removedThrough = try RetentionRecord(cleanUp).through ?? cleanUp.position
        }
        switch LiveState.load(from: path, names: names, hasher: resolver.hasher, plan: plan) {
        case .loaded(let live) where live.position < removedThrough:
            recovery.snapshotProblem = "it is older than the last clean-up"
        case .loaded(let live) where live.position <= store.lastPosition:
            recovery.snapshotPosition = live.position
            return live
        case .loaded: recovery.snapshotProblem = "it is ahead of the log"
        case .unusable(let reason): recovery.snapshotProblem = reason
        case .missing: break
        }
        return LiveState(names: names, hasher: resolver.hasher, plan: plan)
    }

    /// A snapshot is only ever made of a log with something in it: beside an empty one the database was lost, and going
    /// on would bury that.
    private func refuseEmptiedLog() throws(StorageError) {
        guard store.lastPosition == 0, access(SnapshotKeeper.livePath(folder), F_OK) == 0 else { return }
        throw StorageError(
            "store_corrupt",
            "The database of the tenant \"\(id)\" in \(folder) is empty while there is a snapshot of its state: "
                + "restore footfall.sqlite from a backup, or remove that folder to begin anew.")
    }

    /// A new tenant's log begins with its plan and its settings.
    private func writeFirstRecords() throws {
        let now = clock()
        if try store.plan() == nil {
            guard let plan = try options.initialPlan ?? TrackingPlan.preset("default") else { return }
            _ = try CompiledPlan(plan, version: 1, names: NameTable())
            let body = Array(plan.document.text.utf8)
            _ = try store.commit { (transaction) throws(StorageError) in
                _ = try transaction.append(LogRecord(kind: .plan, receivedAt: now, body: body), entity: nil)
            }
        }
        if try store.settings() == nil {
            let body = Array((options.initialSettings ?? TenantSettings()).document.text.utf8)
            _ = try store.commit { (transaction) throws(StorageError) in
                _ = try transaction.append(LogRecord(kind: .settings, receivedAt: now, body: body), entity: nil)
            }
        }
    }

    private func storedSettings() throws -> TenantSettings {
        guard let text = try store.settings() else { return TenantSettings() }
        return try TenantSettings(document: JSONValue(parsing: text))
    }

    private func storedPlan() throws -> (TrackingPlan, UInt32) {
        guard let (version, text) = try store.plan() else {
            throw StorageError("store_corrupt", "The log has no tracking plan.")
        }
        return (try TrackingPlan(document: JSONValue(parsing: text), isStored: true), UInt32(clamping: version))
    }

    /// What was served is no part of the log: without it everything else goes on.
    private func openLists(_ live: LiveState, _ plan: CompiledPlan) -> ListKeeper? {
        for anew in [false, true] {
            do throws(StorageError) {
                let lists = try store.openLists(anew: anew)
                return ListKeeper(
                    store: lists, hasher: resolver.hasher, orderTypes: plan.orderTypes,
                    price: { [live] type, id in
                        guard let number = live.entityNumber(type: type, id: id),
                            let facts = live.facts(of: [number]).first
                        else { return nil }
                        return (facts.price, facts.currency)
                    }
                ) { [log, id] error in
                    log.error(
                        "lists_not_kept",
                        ["tenant": .string(id), "code": .string(error.code), "message": .string(error.message)])
                }
            } catch {
                log.error(
                    "lists_unusable",
                    ["tenant": .string(id), "code": .string(error.code), "message": .string(error.message)])
                guard error.code == "store_corrupt" else { return nil }
            }
        }
        return nil
    }

    /// Takes over what the catalogue says of each entity: some 10 µs each.
    private func fill(_ catalogue: Catalogue, _ live: LiveState) throws(StorageError) {
        var last: (type: String, id: String)?
        while true {
            let page = try store.entities(type: nil, after: last, limit: 1000)
            for entity in page { catalogue.apply(entity, in: live) }
            guard page.count == 1000, let end = page.last else { return }
            last = (end.type, end.id)
        }
    }

    /// Reads the log after the oldest of the positions; each part takes what it has not seen.
    private func replay(
        _ live: LiveState, _ sessions: Sessioniser, after sessionsPosition: Int64, _ deduplication: DeduplicationIndex,
        _ lists: ListKeeper?
    ) throws -> Int64 {
        let position = min(
            live.position, sessionsPosition, deduplication.replayAfter, lists?.position ?? .max)
        var records = RecordFollower(live: live, names: names)
        try records.begin(from: store, upTo: live.position)
        var rows: Int64 = 0
        try store.scan(after: position, resolver: resolver) { (chunk) throws(StorageError) in
            switch chunk {
            case .interactions(let batch):
                rows += Int64(batch.rows.count)
                try deduplication.replay(batch)
                if let last = batch.rows.last, last.position > sessionsPosition { sessions.observe(batch) }
                if let last = batch.rows.last, last.position > live.position { live.apply(batch) }
                lists?.observe(batch)
            case .record(let record):
                if record.position > live.position { try records.apply(record) }
            }
            return true
        }
        sessions.commit()
        deduplication.finishReplay()
        return rows
    }

    private func rebuildDecay(_ live: LiveState) throws {
        guard live.needsDecayRebuild else { return }
        try live.rebuildDecay { (feed) throws(StorageError) in
            try store.scan(after: live.decayRebuildPosition, resolver: resolver) { (chunk) throws(StorageError) in
                if case .interactions(let batch) = chunk { feed(batch) }
                return true
            }
        }
    }
}

/// Tells the live state of what the writer has stored.
final class LiveFollower: LogFollower {
    private let live: LiveState
    private let lists: ListKeeper?

    init(live: LiveState, lists: ListKeeper?) {
        self.live = live
        self.lists = lists
    }

    func apply(_ batches: [InteractionBatch]) {
        live.apply(batches)
        if let lists { for batch in batches { lists.observe(batch) } }
    }
}
