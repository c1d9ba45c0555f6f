internal import Domain
internal import JSON
internal import Live
internal import Models
internal import Recommend
internal import Storage
internal import Synchronization
internal import Training

/// The learned models of a tenant: which one serves, and the training that is under way. Serving never waits for either: a
/// request takes the model that is in service at that moment, and a new one takes its place in one step.
final class ModelKeeper: Sendable {
    /// How the training stands, and what has become of trainings.
    struct Training: Sendable {
        var state = "idle"
        var share = 0.0
        var step: String?
        var startedAt: Int64?
        var last: Last?
        var kept: UInt64 = 0
        var rejected: UInt64 = 0
        var failed: UInt64 = 0
        /// On a clock that never goes back.
        var endedAt: UInt64?
        /// End of the log when the last training began.
        var triedPosition: Int64 = 0
    }

    /// How the last training ended.
    struct Last: Sendable {
        var endedAt: Int64
        var seconds: Double
        /// The new version, when it was kept.
        var version: Int64?
        var card: ModelCard?
        var failure: TrainingError?
    }

    let store: ModelStore
    private let tenant: String
    private let log: Log
    private let clock: @Sendable () -> Int64
    private let served = Mutex<ServedModel?>(nil)
    /// Held while a model is named in the folder and begins to serve.
    private let switching = Mutex(())
    private let training = Mutex(Training())
    private let isStopping = Atomic(false)
    /// One training at a time in the whole process: its memory is bounded, and the others wait.
    private static let isTaken = Atomic(false)

    /// A keeper of the models in a tenant's folder.
    init(tenant: String, folder: String, log: Log, clock: @escaping @Sendable () -> Int64) {
        self.tenant = tenant
        self.log = log
        self.clock = clock
        store = ModelStore(tenantFolder: folder) { text in
            log.error("model", ["tenant": .string(tenant), "message": .string(text)])
        }
    }

    /// The model in service.
    var current: ServedModel? { served.withLock { $0 } }
    /// How the training stands.
    var status: Training { training.withLock { $0 } }
    /// Bytes of memory of the model in service.
    var memoryBytes: Int {
        guard let current else { return 0 }
        let card = store.entries.first { $0.version == current.version }?.card
        return current.memoryBytes + (card?.memoryBytes ?? 0)
    }

    /// Puts the current model of the folder into service. For the opening: the live state must be complete.
    func open(_ live: LiveState) {
        if let model = store.loadCurrent() { serve(model, live) }
    }

    /// Has another stored version serve.
    func activate(_ version: Int64, _ live: LiveState) throws(TrainingError) {
        try store.check(version)
        let model: StoredModel
        do throws(TrainingError) {
            model = try store.load(version)
        } catch {
            guard error.code == ModelError.Code.unreadable.text else { throw error }
            log.error(
                "model_unreadable",
                ["tenant": .string(tenant), "version": .integer(version), "message": .string(error.message)])
            let service = current.map { "Model \($0.version) stays in service" } ?? "No model is in service"
            throw TrainingError(
                error.code,
                "Model \(version) is damaged, or of another release, and cannot serve. \(service); POST /v1/models/train "
                    + "makes a new one.")
        }
        try putIntoService(model, live)
        log.info("model_activated", ["tenant": .string(tenant), "version": .integer(version)])
    }

    /// Names a model in the folder as the one that serves, and serves it: both, lest of two at once one be named and the
    /// other serve.
    private func putIntoService(_ model: StoredModel, _ live: LiveState) throws(TrainingError) {
        try switching.withLock { _ throws(TrainingError) in
            try store.activate(model.card.version)
            serve(model, live)
        }
    }

    private func serve(_ stored: StoredModel, _ live: LiveState) {
        let items = stored.items
        var entities: [UInt32?] = []
        entities.reserveCapacity(items.count)
        for item in 0..<items.count {
            entities.append(live.entityNumber(type: items.type(of: item), id: items.id(of: item)))
        }
        let model = ServedModel(
            version: stored.card.version, model: stored.model, entities: entities, types: items.typePlaces,
            typeNames: items.types, halfLifeDays: stored.card.halfLifeDays, sessions: stored.sessions?.recommender)
        served.withLock { $0 = model }
    }

    /// Begins a training on a thread of its own; false while another one of this tenant is under way.
    func start(_ tenant: TenantService, tuningSeconds: Double = 0) -> Bool {
        let now = clock()
        let begins = training.withLock { training in
            guard training.state == "idle", !isStopping.load(ordering: .acquiring) else { return false }
            (training.state, training.share, training.step, training.startedAt) = ("waiting", 0, nil, now)
            return true
        }
        guard begins else { return false }
        background { [self] in run(tenant, tuningSeconds) }
        return true
    }

    /// Ends a training that is under way and waits for it.
    func stop() {
        isStopping.store(true, ordering: .releasing)
        while training.withLock({ $0.state != "idle" }) { sleep(milliseconds: 5) }
    }

    // MARK: - A training

    private func run(_ tenant: TenantService, _ tuningSeconds: Double) {
        ThreadPriority.lower()
        while !ModelKeeper.isTaken.compareExchange(expected: false, desired: true, ordering: .acquiringAndReleasing)
            .exchanged
        {
            sleep(milliseconds: 20)
            if isStopping.load(ordering: .acquiring) {
                return finish(.failure(.cancelled), from: monotonicNanoseconds())
            }
        }
        let start = monotonicNanoseconds()
        let position = tenant.store.lastPosition
        training.withLock { ($0.state, $0.triedPosition) = ("running", position) }
        let result: Result<(version: Int64?, card: ModelCard), TrainingError>
        do throws(TrainingError) {
            result = .success(try train(tenant, tuningSeconds, from: start))
        } catch {
            result = .failure(error)
        }
        ModelKeeper.isTaken.store(false, ordering: .releasing)
        finish(result, from: start)
    }

    private func train(_ tenant: TenantService, _ tuningSeconds: Double, from start: UInt64) throws(TrainingError) -> (
        version: Int64?, card: ModelCard
    ) {
        var options = tenant.trainingOptions
        options.tuningSeconds = tuningSeconds
        let memory = MemoryGuard(bytes: Int64(options.memoryBytes))
        let isCancelled: @Sendable () -> Bool = { [self] in
            isStopping.load(ordering: .relaxed) || memory.isExceeded()
        }
        let progress: @Sendable (Double, String) -> Void = { [self] share, step in
            training.withLock { ($0.share, $0.step) = (share, step) }
        }
        do throws(TrainingError) {
            let data = try tenant.trainingData(
                options, progress: { progress(0.2 * $0, "reading") }, isCancelled: isCancelled)
            var current: TrainingRun.Current?
            if let version = store.current, let model = try? store.load(version) {
                current = .init(model: model, heldOut: store.loadHeldOut(version))
            }
            let outcome = try TrainingRun(options).run(
                data, current: current, progress: { progress(0.2 + 0.75 * $0, $1) }, isCancelled: isCancelled)
            guard var model = outcome.model else { return (nil, outcome.card) }
            progress(0.95, "storing")
            model.card.trainedAt = clock()
            model.card.seconds = Double(monotonicNanoseconds() - start) / 1e9
            let version = try store.add(model, heldOut: outcome.heldOut)
            if isStopping.load(ordering: .acquiring) { throw TrainingError.cancelled }
            model.card.version = version
            try putIntoService(model, tenant.live)
            return (version, model.card)
        } catch {
            guard error == .cancelled, memory.isExceeded() else { throw error }
            throw TrainingError(
                ModelError.Code.tooLarge.text,
                "The training needs more than the \(options.memoryBytes >> 20) MiB that \"training_memory_mib\" allows; raise it, "
                    + "or lower \"training_longest_history\".")
        }
    }

    private func finish(_ result: Result<(version: Int64?, card: ModelCard), TrainingError>, from start: UInt64) {
        let now = monotonicNanoseconds()
        var last = Last(endedAt: clock(), seconds: Double(now - start) / 1e9)
        var fields: JSONObject = ["tenant": .string(tenant), "seconds": .double(last.seconds)]
        switch result {
        case .success(let (version, card)):
            last.version = version
            last.card = card
            fields["reason"] = .string(card.reason)
            if let version { fields["version"] = .integer(version) }
            log.info(version == nil ? "model_not_kept" : "model_trained", fields)
        case .failure(let error):
            last.failure = error
            fields["code"] = .string(error.code)
            fields["message"] = .string(error.message)
            switch error.code {
            case TrainingError.cancelled.code: log.info("training_stopped", fields)
            case ModelError.Code.noData.text: log.info("nothing_to_train_on", fields)
            default: log.error("training_failed", fields)
            }
        }
        training.withLock { training in
            training.state = "idle"
            training.last = last
            training.endedAt = now
            switch (last.failure, last.version) {
            case (nil, nil): training.rejected += 1
            case (nil, _): training.kept += 1
            case (TrainingError.cancelled, _): break
            default: training.failed += 1
            }
        }
    }
}

/// Says when a piece of work has made the process take more memory than it may.
final class MemoryGuard: Sendable {
    private let limit: Int64
    private let state = Mutex((askedAt: UInt64(0), isExceeded: false))

    /// A guard over `bytes` from what the process has now.
    init(bytes: Int64) { limit = ProcessMemory.residentBytes() + bytes }

    /// Whether there is more; looks at most every 20 ms.
    func isExceeded() -> Bool {
        state.withLock { state in
            let now = monotonicNanoseconds()
            guard !state.isExceeded, now &- state.askedAt > 20_000_000 else { return state.isExceeded }
            state.askedAt = now
            state.isExceeded = ProcessMemory.residentBytes() > limit
            return state.isExceeded
        }
    }
}

extension LiveState {
    /// Whether lists may show entities; what was never heard of may not.
    func areListed(_ entities: [(type: String, id: String)]) -> [Bool] {
        entities.map { entity in
            guard let number = entityNumber(type: entity.type, id: entity.id) else { return false }
            return facts(of: [number]).first?.isListed ?? false
        }
    }
}
