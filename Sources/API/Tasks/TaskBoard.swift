internal import Domain
internal import JSON
internal import Synchronization

/// What runs on a schedule beside the requests.
public enum TaskName: String, Sendable, CaseIterable {
    /// Writes `product_popularity`.
    case productPopularity = "product_popularity"
    /// Writes `user_preferences`.
    case userPreferences = "user_preferences"
    /// Writes `item_similarity`.
    case itemSimilarity = "item_similarity"
    /// Removes what has outlived its retention.
    case cleanUp = "clean_up"
    /// Sees whether a model is to be trained, and trains it.
    case modelTraining = "model_training"

    /// Seconds between two runs when nobody says otherwise.
    public var standardSeconds: Double {
        switch self {
        case .productPopularity: 1800
        case .userPreferences: 300
        case .itemSimilarity: 86_400
        case .cleanUp: 3600
        case .modelTraining: 60
        }
    }

    /// Seconds from the start to the first run, at most: a start has enough to do.
    var firstSeconds: Double {
        switch self {
        case .cleanUp: 0
        case .userPreferences: 5
        case .productPopularity: 10
        case .itemSimilarity: 60
        case .modelTraining: 30
        }
    }
}

/// How a run of a task ended.
enum TaskOutcome: Sendable, Equatable {
    /// With so many rows written or removed.
    case done(rows: Int)
    /// It could not go on for the time being, which is nobody's fault; the rest is done soon.
    case waiting(rows: Int, reason: String)
}

/// Why a run of a task failed.
struct TaskFailure: Error, Sendable, Equatable {
    var code: String
    var message: String
}

/// How a tenant's tasks stand. Times are milliseconds since the epoch; due times are of a clock that never goes back.
final class TaskBoard: Sendable {
    struct State: Sendable, Equatable {
        var seconds: Double
        var due: UInt64 = 0
        var isRunning = false
        var isRequested = false
        var lastRun: Int64?
        var lastSuccess: Int64?
        var lastSeconds: Double = 0
        var lastRows = 0
        var waitsFor: String?
        var failure: TaskFailure?
        var failuresInARow = 0
        var successes: UInt64 = 0
        var failures: UInt64 = 0
    }

    private let states = Mutex<[TaskName: State]>(
        Dictionary(uniqueKeysWithValues: TaskName.allCases.map { ($0, State(seconds: $0.standardSeconds)) }))

    func state(_ name: TaskName) -> State { states.withLock { $0[name] ?? State(seconds: name.standardSeconds) } }

    /// Has a task run as soon as its turn comes.
    func request(_ name: TaskName) { states.withLock { $0[name]?.isRequested = true } }

    /// Begins a run when it is due; the first time it is asked, the first run is planned. `nil` when there is nothing to do.
    func begin(_ name: TaskName, every seconds: Double, nanoseconds now: UInt64, at moment: Int64) -> Bool {
        states.withLock { states in
            guard var state = states[name] else { return false }
            state.seconds = seconds
            if state.due == 0 { state.due = now &+ TaskBoard.nanoseconds(min(seconds, name.firstSeconds)) }
            let isDue = state.isRequested || (seconds > 0 && now >= state.due)
            if isDue {
                state.isRunning = true
                state.isRequested = false
                state.lastRun = moment
            }
            states[name] = state
            return isDue
        }
    }

    /// Notes how a run ended and plans the next one: after the interval; soon when it waits; after a failure 1 second
    /// later, then twice as long each time, up to the interval.
    func end(
        _ name: TaskName, _ result: Result<TaskOutcome, TaskFailure>, seconds: Double, nanoseconds now: UInt64,
        at moment: Int64
    ) {
        states.withLock { states in
            guard var state = states[name] else { return }
            state.isRunning = false
            state.lastSeconds = seconds
            var pause = state.seconds
            switch result {
            case .success(.done(let rows)):
                state.lastRows = rows
                state.lastSuccess = moment
                (state.waitsFor, state.failure, state.failuresInARow) = (nil, nil, 0)
                state.successes += 1
            case .success(.waiting(let rows, let reason)):
                state.lastRows = rows
                state.waitsFor = reason
                pause = min(pause, 5)
            case .failure(let failure):
                state.waitsFor = nil
                state.failure = failure
                state.failures += 1
                state.failuresInARow += 1
                pause = TaskBoard.backOff(failures: state.failuresInARow, interval: state.seconds)
            }
            state.due = max(1, now &+ TaskBoard.nanoseconds(pause))
            states[name] = state
        }
    }

    /// Seconds until a task that has failed so many times in a row is tried again.
    static func backOff(failures: Int, interval: Double) -> Double {
        min(Double(1 << max(0, min(failures - 1, 30))), interval)
    }

    private static func nanoseconds(_ seconds: Double) -> UInt64 { UInt64(max(0, min(seconds, 1e9)) * 1e9) }

    /// All tasks as a document, in the order of their declaration.
    func document(nanoseconds now: UInt64, at moment: Int64) -> JSONValue {
        func time(_ moment: Int64?) -> JSONValue {
            moment.map { .string(Timestamp(milliseconds: $0).rfc3339) } ?? .null
        }
        return .array(
            TaskName.allCases.map { name in
                let state = state(name)
                let what =
                    state.isRunning
                    ? "running" : state.failure != nil ? "retrying" : state.waitsFor != nil ? "waiting" : "idle"
                let rest = state.due > now ? Int64((state.due - now) / 1_000_000) : 0
                var object: JSONObject = [
                    "name": .string(name.rawValue), "state": .string(what),
                    "interval_seconds": .double(state.seconds), "last_run": time(state.lastRun),
                    "last_success": time(state.lastSuccess),
                    "duration_ms": state.lastRun == nil ? .null : .double((state.lastSeconds * 1e6).rounded() / 1e3),
                    "rows": .integer(Int64(state.lastRows)),
                    "next_run": time(
                        state.isRunning || (state.seconds == 0 && !state.isRequested)
                            ? nil : moment + (state.isRequested ? 0 : rest)),
                    "runs": .integer(Int64(clamping: state.successes)),
                    "failures": .integer(Int64(clamping: state.failures)),
                ]
                object["error"] =
                    state.failure.map { ["code": .string($0.code), "message": .string($0.message)] } ?? .null
                if let reason = state.waitsFor { object["waits_for"] = .string(reason) }
                return .object(object)
            })
    }
}
