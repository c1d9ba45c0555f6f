internal import Collect
internal import Domain
internal import JSON
internal import Live
internal import Storage
internal import Synchronization

/// Decides when a snapshot is due, freezes the state between two commits and writes it aside, so that a restart replays
/// little.
final class SnapshotKeeper: Sendable {
    private struct State {
        var position: Int64
        var writtenAt = monotonicNanoseconds()
        var isWriting = false
        var isRequested = false
        var lastSeconds: Double = 0
        var count: UInt64 = 0
        var failures: UInt64 = 0
    }

    private let folder: String
    private let interval: Int64
    /// Nanoseconds that lie between two snapshots at least.
    private static let shortestPause: UInt64 = 20_000_000_000
    private let nanoseconds: UInt64
    private let pace = BackgroundPace()
    private let state: Mutex<State>
    private let log: Log

    /// A keeper for a tenant's folder whose newest snapshot has `position`; a new one is due after `interval` records, or
    /// after `seconds` when there is anything new.
    init(folder: String, position: Int64, interval: Int64, seconds: Double, log: Log) {
        self.folder = folder
        self.interval = interval
        nanoseconds = UInt64(max(1, min(seconds, 1e9)) * 1e9)
        self.log = log
        state = Mutex(State(position: position))
    }

    static func livePath(_ folder: String) -> String { "\(folder)/live.snapshot" }
    static func sessionsPath(_ folder: String) -> String { "\(folder)/sessions.snapshot" }

    /// Log position of the newest snapshot.
    var position: Int64 { state.withLock { $0.position } }
    /// Snapshots written since the start.
    var count: UInt64 { state.withLock { $0.count } }

    /// Asks for a snapshot at the next tick.
    func request() { state.withLock { $0.isRequested = true } }

    /// Makes a snapshot that has everything up to now, unless the newest does, and waits for it. Its position; `nil` when it
    /// could not be written or `isStopping` says so.
    func make(of tenant: TenantService, unless isStopping: () -> Bool) -> Int64? {
        let wanted = tenant.live.position
        let failures = state.withLock { $0.failures }
        while true {
            let (position, failed) = state.withLock { ($0.position, $0.failures > failures) }
            if position >= wanted { return position }
            if failed || isStopping() { return nil }
            request()
            tick(tenant)
            sleep(milliseconds: 20)
        }
    }

    /// Starts a snapshot when enough has been appended since the last one. Called by a ticker.
    func tick(_ tenant: TenantService) {
        let due = state.withLock { state in
            let news = tenant.live.position - state.position
            guard !state.isWriting, news > 0 else { return false }
            // Writing one costs the writer a copy of every page that it touches meanwhile, so a flood of interactions does
            // not have them written one after the other.
            let age = monotonicNanoseconds() - state.writtenAt
            let isDue = age >= nanoseconds || (news >= interval && age >= SnapshotKeeper.shortestPause)
            guard state.isRequested || isDue else { return false }
            state.isWriting = true
            state.isRequested = false
            return true
        }
        guard due else { return }
        let (live, collector) = (tenant.live, tenant.collector)
        background { [self] in
            LiveState.stockPages(pace)
            let queued = collector.submit(
                .inspect { [self] sessions, _ in
                    let frozenLive = live.freeze()
                    let frozenSessions = SessionSnapshot(sessions)
                    background {
                        self.write(frozenLive, frozenSessions)
                        LiveState.trimPages()
                    }
                })
            if !queued { noteFailure() }
        }
    }

    /// Writes a snapshot at the end, when nothing changes any more.
    func writeLast(of tenant: TenantService) {
        // One that is being written has the same file, and need not rest any more.
        pace.hurry()
        while state.withLock({ $0.isWriting }) { sleep(milliseconds: 10) }
        tenant.collector.withStoppedState { sessions in
            guard tenant.live.position > position else { return }
            write(tenant.live.freeze(), SessionSnapshot(sessions))
        }
    }

    private func write(_ live: LiveSnapshot, _ sessions: SessionSnapshot) {
        let start = monotonicNanoseconds()
        let position = live.position
        do throws(StorageError) {
            try live.write(to: SnapshotKeeper.livePath(folder), pace: pace)
            try sessions.write(to: SnapshotKeeper.sessionsPath(folder), position: position, pace: pace)
            state.withLock { state in
                state.position = position
                state.writtenAt = monotonicNanoseconds()
                state.isWriting = false
                state.count += 1
                state.lastSeconds = Double(monotonicNanoseconds() - start) / 1e9
            }
            log.debug("snapshot", ["position": .integer(position)])
        } catch {
            // Without a snapshot a restart takes longer and loses nothing.
            noteFailure()
            log.error("snapshot_failed", ["code": .string(error.code), "message": .string(error.message)])
        }
    }

    private func noteFailure() {
        state.withLock { state in
            state.isWriting = false
            state.failures += 1
        }
    }
}
