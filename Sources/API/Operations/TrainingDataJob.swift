internal import Domain
internal import JSON
internal import Synchronization
internal import Training

/// Writes what a tenant's models are learned from into a file, for a command that evaluates beside the server. One at a time.
final class TrainingDataJob: Sendable {
    private struct State {
        var status = "idle"
        var share = 0.0
        var failure: TrainingError?
    }

    private let state = Mutex(State())
    private let isStopping = Atomic(false)

    /// Begins to write to a file that is not there yet; false while another one is under way.
    func start(_ tenant: TenantService, destination: String) -> Bool {
        let begins = state.withLock { state in
            if state.status == "running" || isStopping.load(ordering: .acquiring) { return false }
            state = State(status: "running")
            return true
        }
        guard begins else { return false }
        background { [self] in
            ThreadPriority.lower()
            do throws(TrainingError) {
                let data = try tenant.trainingData(
                    progress: { [self] share in state.withLock { $0.share = share } },
                    isCancelled: { [self] in isStopping.load(ordering: .acquiring) })
                try data.write(to: destination)
                state.withLock { $0.status = "done" }
            } catch {
                state.withLock { ($0.status, $0.failure) = ("failed", error) }
            }
        }
        return true
    }

    /// Ends what is under way and waits for it.
    func stop() {
        isStopping.store(true, ordering: .releasing)
        while state.withLock({ $0.status == "running" }) { sleep(milliseconds: 5) }
    }

    /// How it stands.
    var document: JSONValue {
        state.withLock { state in
            var object: JSONObject = ["state": .string(state.status), "progress": .double(state.share)]
            if let failure = state.failure {
                object["error"] = ["code": .string(failure.code), "message": .string(failure.message)]
            }
            return .object(object)
        }
    }
}

extension TenantService {
    /// What is learned from, as training reads it. `progress` is told the share that is read.
    func trainingData(
        _ options: TrainingOptions? = nil, progress: (Double) -> Void = { _ in }, isCancelled: () -> Bool = { false }
    ) throws(TrainingError) -> TrainingData {
        let live = live
        return try TrainingLog(store: store, resolver: resolver, plan: plan, options: options ?? trainingOptions)
            .read(isListed: { live.areListed($0) }, progress: progress, isCancelled: isCancelled)
    }

    /// How the settings have it trained.
    var trainingOptions: TrainingOptions {
        let settings = settings.training
        var options = TrainingOptions()
        options.halfLifeDays = settings.halfLifeDays
        options.longestHistory = settings.longestHistory
        options.memoryBytes = settings.memoryMiB << 20
        options.renewalShare = settings.newShare ?? options.renewalShare
        return options
    }
}
