public import Collect
public import Domain
internal import JSON
public import Live
internal import Recommend
public import Search
public import Storage
internal import Synchronization

/// One tenant at work: its log, what is derived from it, and its writer.
public final class TenantService: Sendable {
    /// What requests are checked against at a moment.
    struct Current: Sendable {
        var plan: CompiledPlan
        var settings: TenantSettings
    }

    /// The tenant's id.
    public let id: String
    /// Its folder.
    public let folder: String
    /// Its log and tables.
    public let store: any TenantStore
    /// What is derived from its log.
    public let live: LiveState
    /// Its writer.
    public let collector: Collector
    /// Makes the keys of its ids.
    public let hasher: KeyHasher
    /// Numbers and keys for rows read from the log.
    let resolver: RowResolver
    /// Full-text search over its catalogue.
    public let search: SearchIndex
    let recentSearches: RecentSearches
    /// Stores what was searched for.
    let searchLog: SearchLog
    let decoders = DecoderPool()
    let snapshots: SnapshotKeeper
    /// How its scheduled tasks stand.
    let tasks = TaskBoard()
    /// What was served; `nil` when its file cannot be used.
    let lists: ListKeeper?
    /// Its learned models.
    let models: ModelKeeper
    /// What is written for a command that evaluates.
    let dataJob = TrainingDataJob()
    /// What the pages that follow a list go on with.
    let pages = ListPages()
    /// What lists need of the catalogue beyond the live state.
    let catalogue: Catalogue
    /// Set while refused interactions are replayed: two replays at once would store those without an id twice.
    let isReplaying = Atomic(false)
    /// Daily totals of dropped sessions that no commit has stored yet.
    let pendingFold = Shared(Mutex<[DailySessions]>([]))
    private let current: Mutex<Current>
    /// Restores at opening: rows replayed and seconds spent, for the log and the metrics.
    public let recovery: Recovery

    /// How a tenant came back.
    public struct Recovery: Sendable {
        /// Log position of the snapshot that was used; 0 for none.
        public var snapshotPosition: Int64 = 0
        /// Why a snapshot was there but not used.
        public var snapshotProblem: String?
        /// Interactions read from the log after it.
        public var replayedRows: Int64 = 0
        /// Seconds from opening to ready.
        public var seconds: Double = 0
    }

    init(
        id: String, folder: String, store: any TenantStore, live: LiveState, collector: Collector,
        resolver: RowResolver, search: SearchIndex, recentSearches: RecentSearches, snapshots: SnapshotKeeper,
        lists: ListKeeper?, catalogue: Catalogue, models: ModelKeeper, plan: CompiledPlan, settings: TenantSettings,
        recovery: Recovery
    ) {
        self.id = id
        self.folder = folder
        self.store = store
        self.live = live
        self.collector = collector
        self.resolver = resolver
        self.search = search
        self.recentSearches = recentSearches
        searchLog = SearchLog(collector) { search, position, now in
            live.apply(search: search, position: position)
            recentSearches.add(search, at: now)
        }
        self.snapshots = snapshots
        self.lists = lists
        self.models = models
        self.catalogue = catalogue
        hasher = resolver.hasher
        current = Mutex(Current(plan: plan, settings: settings))
        self.recovery = recovery
        store.keepRefused(atMost: settings.maximumRefusedBytes)
    }

    /// The plan in force.
    public var plan: CompiledPlan { current.withLock { $0.plan } }
    /// The settings in force.
    public var settings: TenantSettings { current.withLock { $0.settings } }

    /// The limits in force.
    var limits: CollectionLimits { current.withLock { CollectionLimits($0.settings) } }

    /// What recommendations are made from.
    var knowledge: LiveKnowledge {
        LiveKnowledge(
            live, names: resolver.names, sessionTimeout: settings.sessionTimeout, catalogue: catalogue)
    }

    /// Takes over what an entity is now, in memory.
    func apply(_ entity: Entity, at position: Int64) {
        live.apply(entity: entity, position: position)
        catalogue.apply(entity, in: live)
        search.noteChange(at: position)
    }

    /// What the decoder needs to know of a request that came just now.
    func reception(now: Int64) -> Reception {
        let (plan, limits) = current.withLock { ($0.plan, CollectionLimits($0.settings)) }
        var reception = Reception(receivedAt: now, plan: plan, limits: limits, hasher: hasher)
        if plan.plan.isStrict { reception.knowsEntity = { [live] in live.isCatalogued($0) } }
        return reception
    }

    /// Finishes what is queued, writes a last snapshot and closes the store.
    public func stop() {
        models.stop()
        searchLog.stop()
        dataJob.stop()
        collector.stop()
        snapshots.writeLast(of: self)
        lists?.stop()
        search.stop()
        store.close()
    }
}

// MARK: - Changes, each in its place in the log

extension TenantService {
    /// A change that could not be made.
    enum ChangeFailure: Error, Sendable {
        case queueFull
        case storage(StorageError)
        case invalid(FootfallError)
    }

    /// Queues a change and tells how it ended. `applied` runs on the writer thread before the completion does; it is given
    /// the writer's sessions. `prepare` runs there before the commit and may read the store.
    func change(
        bytes: Int = 1024, prepare: (@Sendable () throws(StorageError) -> Void)? = nil,
        _ write: @escaping @Sendable (any TenantTransaction) throws(StorageError) -> Void,
        applied: @escaping @Sendable (Sessioniser) -> Void,
        completion: @escaping @Sendable (ChangeFailure?) -> Void
    ) {
        let work = CollectWork.change(bytes: bytes, prepare: prepare, write: write, applied: applied) { result in
            switch result {
            case .success: completion(nil)
            case .failure(let error): completion(.storage(error))
            }
        }
        if !collector.submit(work) { completion(.queueFull) }
    }

    /// Puts a new version of the tracking plan into force.
    func setPlan(
        _ plan: TrackingPlan, now: Int64, completion: @escaping @Sendable (Result<CompiledPlan, ChangeFailure>) -> Void
    ) {
        let box = Shared(Mutex<Result<CompiledPlan, FootfallError>?>(nil))
        let position = Shared(Mutex<Int64>(0))
        let names = resolver.names
        change(
            { [self] (transaction) throws(StorageError) in
                do throws(FootfallError) {
                    // The version is known only here, where one change follows the other.
                    let next = try CompiledPlan(plan, version: self.plan.version &+ 1, names: names)
                    box.value.withLock { $0 = .success(next) }
                } catch {
                    box.value.withLock { $0 = .failure(error) }
                    return
                }
                let record = LogRecord(kind: .plan, receivedAt: now, body: Array(plan.document.text.utf8))
                let own = try transaction.append(record, entity: nil)
                position.value.withLock { $0 = own }
            },
            applied: { [self] _ in
                guard case .success(let next) = box.value.withLock({ $0 }) else { return }
                let settings = current.withLock { current in
                    current.plan = next
                    return current.settings
                }
                live.apply(plan: LivePlan(next, settings), position: position.value.withLock { $0 })
                lists?.setOrderTypes(next.orderTypes)
            }
        ) { failure in
            if let failure { return completion(.failure(failure)) }
            switch box.value.withLock({ $0 }) {
            case .success(let plan): completion(.success(plan))
            case .failure(let error): completion(.failure(.invalid(error)))
            case nil: completion(.failure(.invalid(FootfallError("invalid_plan", "Nothing was changed."))))
            }
        }
    }

    /// Changes the settings that a document names.
    func changeSettings(
        _ document: JSONValue, now: Int64,
        completion: @escaping @Sendable (Result<TenantSettings, ChangeFailure>) -> Void
    ) {
        let box = Shared(Mutex<Result<TenantSettings, FootfallError>?>(nil))
        let position = Shared(Mutex<Int64>(0))
        change(
            { [self] (transaction) throws(StorageError) in
                var settings = self.settings
                do throws(FootfallError) {
                    try settings.merge(document)
                } catch {
                    box.value.withLock { $0 = .failure(error) }
                    return
                }
                box.value.withLock { $0 = .success(settings) }
                let record = LogRecord(kind: .settings, receivedAt: now, body: Array(settings.document.text.utf8))
                let own = try transaction.append(record, entity: nil)
                position.value.withLock { $0 = own }
            },
            applied: { [self] sessions in
                guard case .success(let settings) = box.value.withLock({ $0 }) else { return }
                let plan = current.withLock { current in
                    current.settings = settings
                    return current.plan
                }
                live.apply(plan: LivePlan(plan, settings), position: position.value.withLock { $0 })
                store.keepRefused(atMost: settings.maximumRefusedBytes)
                rebuildDecay()
                sessions.timeout = settings.sessionTimeout
            }
        ) { failure in
            if let failure { return completion(.failure(failure)) }
            switch box.value.withLock({ $0 }) {
            case .success(let settings): completion(.success(settings))
            case .failure(let error): completion(.failure(.invalid(error)))
            case nil: completion(.failure(.invalid(FootfallError("invalid_settings", "Nothing was changed."))))
            }
        }
    }

    /// Stores entities as they are from now on.
    func put(_ entities: [Entity], now: Int64, completion: @escaping @Sendable (ChangeFailure?) -> Void) {
        let places = Shared(Mutex<[Int64]>([]))
        let bytes = entities.reduce(0) { $0 + 512 + ($1.description?.utf8.count ?? 0) + $1.attributes.utf8.count }
        change(
            bytes: bytes,
            { (transaction) throws(StorageError) in
                var positions: [Int64] = []
                for entity in entities {
                    let record = LogRecord(kind: .entity, receivedAt: now, body: Array(entity.document.text.utf8))
                    positions.append(try transaction.append(record, entity: entity))
                }
                places.value.withLock { $0 = positions }
            },
            applied: { [self] _ in
                for (entity, position) in zip(entities, places.value.withLock { $0 }) { apply(entity, at: position) }
            }, completion: completion)
    }

    /// Changes one entity as it stands when its turn comes, so that two patches at once both count.
    func patch(
        type: String, id: String, with document: JSONValue, now: Int64,
        completion: @escaping @Sendable (Result<Entity, ChangeFailure>) -> Void
    ) {
        let box = Shared(Mutex<Result<Entity, FootfallError>?>(nil))
        let position = Shared(Mutex<Int64>(0))
        let limit = settings.maximumIDBytes
        change(
            prepare: { [self] () throws(StorageError) in
                let stored = try store.entity(type: type, id: id) ?? placeholder(type: type, id: id, now: now)
                guard let stored, !stored.isDeleted else {
                    let message = "The catalogue has no entity with this type and id."
                    box.value.withLock { $0 = .failure(FootfallError("not_found", message)) }
                    return
                }
                do throws(FootfallError) {
                    let entity = try Entity(
                        document: document, type: type, id: id, patching: stored, maximumIDBytes: limit)
                    box.value.withLock { $0 = .success(entity) }
                } catch {
                    box.value.withLock { $0 = .failure(error) }
                }
            },
            { (transaction) throws(StorageError) in
                if case .success(let entity) = box.value.withLock({ $0 }) {
                    let record = LogRecord(kind: .entity, receivedAt: now, body: Array(entity.document.text.utf8))
                    let own = try transaction.append(record, entity: entity)
                    position.value.withLock { $0 = own }
                }
            },
            applied: { [self] _ in
                guard case .success(let entity) = box.value.withLock({ $0 }) else { return }
                apply(entity, at: position.value.withLock { $0 })
            }
        ) { failure in
            if let failure { return completion(.failure(failure)) }
            switch box.value.withLock({ $0 }) {
            case .success(let entity): completion(.success(entity))
            case .failure(let error): completion(.failure(.invalid(error)))
            case nil: completion(.failure(.invalid(FootfallError("not_found", "Nothing was changed."))))
            }
        }
    }

    /// What is known of an entity that was only ever met in interactions: that it is there. A patch makes it a real one.
    private func placeholder(type: String, id: String, now: Int64) -> Entity? {
        guard plan.entityType(named: type) != nil, let stats = live.stats(entityType: type, id: id, now: now),
            stats.isPlaceholder
        else { return nil }
        return Entity(type: type, id: id)
    }

    /// Keeps error reports. They share the commits of interactions: a page that reports many must not hold those up.
    func keep(_ errors: [SystemError], completion: @escaping @Sendable (ChangeFailure?) -> Void) {
        let bytes = errors.reduce(0) {
            $0 + $1.message.utf8.count + ($1.stack?.utf8.count ?? 0) + $1.metadata.utf8.count
        }
        let work = CollectWork.addition(bytes: bytes + errors.count * 256) { (transaction) throws(StorageError) in
            for error in errors { try transaction.append(error) }
        } completion: { result in
            switch result {
            case .success: completion(nil)
            case .failure(let error): completion(.storage(error))
            }
        }
        if !collector.submit(work) { completion(.queueFull) }
    }
}

extension TenantService {
    /// Computes the decayed sums anew when the half-life has changed. Writer thread only; collecting waits for it.
    private func rebuildDecay() {
        guard live.needsDecayRebuild else { return }
        try? live.rebuildDecay { (feed) throws(StorageError) in
            try store.scan(after: live.decayRebuildPosition, resolver: resolver) { (chunk) throws(StorageError) in
                if case .interactions(let batch) = chunk { feed(batch) }
                return true
            }
        }
    }
}

/// Carries something that may not be copied into closures.
final class Shared<Value: ~Copyable & Sendable>: Sendable {
    let value: Value
    init(_ value: consuming Value) { self.value = value }
}
