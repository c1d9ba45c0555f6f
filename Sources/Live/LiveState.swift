public import Domain
public import Storage

/// What follows from a tenant's log: counters, trends, sessions, the last interactions of each person, totals.
///
/// A pure function of the records in their order: applying reads no clock and no random number, so two processes that
/// apply the same records agree to the bit. One thread writes (the `apply` functions, ``restore(dailyTotals:dailySessions:)``,
/// ``rebuildDecay(_:)``, ``freeze()``); any thread reads, with the moment passed in, in milliseconds since the epoch. A read sees everything applied before it
/// began and waits for a writer for at most one short stretch of rows.
///
/// An interaction more than an hour ahead of its receipt counts as of an hour after receipt.
public final class LiveState: Sendable {
    struct State: ~Copyable, Sendable {
        var core: LiveCore
        var boards: BoardSet
    }

    let state: StateLock<State>
    let names: NameTable
    let hasher: KeyHasher
    let frozen = FrozenCount()
    /// Rows that are applied under one hold of the lock; fewer while each may copy some thirty pages that a frozen copy
    /// shares.
    static let stretch = 128
    private static let stretchWhileFrozen = 1

    /// The state before the first record.
    public convenience init(names: NameTable, hasher: KeyHasher, plan: LivePlan) {
        self.init(LiveCore(names: names, hasher: hasher, plan: plan))
    }

    init(_ core: consuming LiveCore, limits: Limits = Limits()) {
        names = core.names
        hasher = core.hasher
        let boards = BoardSet(core, limits: limits)
        state = StateLock(State(core: core, boards: boards))
    }

    /// Last log position applied.
    public var position: Int64 { state.withLock { $0.core.position } }

    /// Applies the accepted interactions of a batch in log order; those at or before ``position`` are passed over. The
    /// batch must be resolved (``RowResolver``) with this state's names and hasher.
    public func apply(_ batch: InteractionBatch) { apply([batch]) }

    /// The same for several batches, one after the other: what is waited for in memory overlaps across them.
    public func apply(_ batches: [InteractionBatch]) {
        var place = BatchPlace()
        while place.batch < batches.count {
            let stretch = frozen.isHeld ? Self.stretchWhileFrozen : Self.stretch
            state.withLock { $0.core.apply(batches, from: &place, limit: stretch) }
            if place.batch < batches.count { state.letOthersIn() }
        }
    }

    /// Takes a new plan, or new settings. Weights and counters hold at once and for all of history; a new half-life
    /// holds once the decayed sums are computed anew (``needsDecayRebuild``).
    public func apply(plan: LivePlan, position: Int64? = nil) {
        state.withLock { state in
            state.core.plan = CompiledPlan(plan, searchType: state.core.searchType)
            if state.core.position == 0 { state.core.decay = Decay(halfLife: state.core.plan.halfLife) }
            state.core.move(to: position)
            state.boards.reset(state.core)
        }
    }

    /// Creates, replaces, hides or deletes an entity: its title, categories and flags are as given from now on; its
    /// counts stay.
    public func apply(entity: Entity, position: Int64? = nil) {
        state.withLock { state in
            state.core.apply(entity)
            state.core.move(to: position)
        }
    }

    /// Passes over a record that says nothing about the live state.
    public func skip(to position: Int64) {
        state.withLock { $0.core.move(to: position) }
    }

    /// Cleans up after retention: sessions whose last interaction was before the moment go, and so do kept interactions
    /// of persons, what they ordered, and time buckets before it. A person of whom no interaction is left goes with
    /// all that was derived of it; the preferences of one who has lost some of the kept ones are computed anew from what
    /// is left. Counters stay, and so do the decayed sums of neighbours and of category prices, which name nobody
    /// (docs/decisions/0010). The moment is rounded down to a whole hour. Returns the
    /// totals of the sessions that went, by day of their beginning, in order of days. Cost grows with the number of sessions and
    /// persons; readers get in between.
    public func applyRetention(before moment: Int64, position: Int64? = nil) -> [DailySessions] {
        let before = Timestamp.floorDivide(moment, Timestamp.millisecondsPerHour) &* Timestamp.millisecondsPerHour
        var days: [Int64: (sessions: Int64, bounces: Int64)] = [:]
        var next = 0
        while state.withLock({ $0.core.dropSessions(before: before, from: &next, &days) }) {}
        next = 0
        while state.withLock({ $0.core.dropRecents(before: before, from: &next) }) {}
        state.withLock { state in
            if before > state.core.retainedFrom {
                state.core.retainedFrom = before
                state.core.setFloors()
                state.boards.reset(state.core)
            }
            state.core.move(to: position)
        }
        return days.keys.sorted().map {
            DailySessions(day: $0, sessions: days[$0]?.sessions ?? 0, bounces: days[$0]?.bounces ?? 0)
        }
    }

    /// Adds what clean-up has folded, before the rows that are left are applied. May be called several times.
    public func restore(dailyTotals: [DailyTotal], dailySessions: [DailySessions]) {
        var start = 0
        while start < dailyTotals.count {
            let end = min(start + Self.stretch, dailyTotals.count)
            state.withLock { state in
                for total in dailyTotals[start..<end] { state.core.restore(total) }
            }
            start = end
        }
        state.withLock { state in
            for day in dailySessions {
                state.core.totals.sessions &+= day.sessions
                state.core.totals.bounces &+= day.bounces
            }
        }
    }

    // MARK: - A new half-life

    /// Whether the decayed sums are still in another half-life than the settings': ``rebuildDecay(_:)`` is due. Until
    /// then `trending_score` goes by the old one.
    public var needsDecayRebuild: Bool {
        state.withLock { $0.core.decay.halfLife != $0.core.plan.halfLife }
    }

    /// The log position after which every interaction lies that a rebuild must see.
    public var decayRebuildPosition: Int64 {
        state.withLock { state in
            (state.core.totals.firstPositions.minimum(from: state.core.hourFloor) ?? state.core.position + 1) - 1
        }
    }

    /// Computes the decayed sums anew. `scan` hands over the interactions after ``decayRebuildPosition``, oldest first
    /// and resolved; those after ``position`` are passed over. Writer thread only. Readers see the old sums until the
    /// end, which needs the memory of the buckets twice.
    public func rebuildDecay<Failure: Error>(
        _ scan: ((InteractionBatch) -> Void) throws(Failure) -> Void
    ) throws(Failure) {
        var rebuild = state.withLock { DecayRebuild($0.core) }
        try scan { batch in
            batch.rows.withUnsafeBufferPointer { rows in
                for start in stride(from: 0, to: rows.count, by: Self.stretch) {
                    let stretch = UnsafeBufferPointer(
                        rebasing: rows[start..<min(start + Self.stretch, rows.count)])
                    state.withLock { rebuild.add(stretch, $0.core) }
                }
            }
        }
        state.withLock { state in
            rebuild.finish(&state.core)
            state.boards.reset(state.core)
        }
    }
}
