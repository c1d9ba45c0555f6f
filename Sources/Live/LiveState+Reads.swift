public import Domain

extension LiveState {
    /// The best entities, best first: by score, then entity type, then id. Entities that are hidden, deleted or over, or
    /// whose score is not above 0, are left out. Cost grows with what changed since the last such query, not with the
    /// number of entities, except for the first query of its kind.
    public func popular(_ query: PopularQuery, now: Int64) -> [PopularItem] {
        state.withLock { $0.boards.popular(query, &$0.core, now: now) }
    }

    /// What is known of an entity; `nil` for one never heard of.
    public func stats(entityType: String, id: String, now: Int64) -> EntityStats? {
        state.withLock { state in
            guard let entity = state.core.entity(type: entityType, id: id) else { return nil }
            return state.boards.stats(entity, &state.core, now: now)
        }
    }

    /// Whether the catalogue holds an entity, by its key. About 100 ns.
    public func isCatalogued(_ key: Key128) -> Bool {
        state.withReadLock { state in
            guard let number = state.core.entity(key) else { return false }
            return state.core.entities[Int(number)].flags.isDisjoint(with: [.placeholder, .deleted])
        }
    }

    /// A session's figures; `nil` for one unknown or cleaned up.
    public func session(id: String) -> SessionMetrics? {
        let key = hasher.key(id, .session)
        return state.withReadLock { state in
            guard let number = state.core.session(key) else { return nil }
            let record = state.core.sessions[Int(number)]
            return SessionMetrics(
                startedAt: record.start, lastAt: record.last, interactionCount: Int64(record.count),
                pageViews: Int64(record.pageViews))
        }
    }

    /// A user's last 100 interactions, newest first; `nil` for one without any at hand.
    public func recent(user: String) -> [RecentInteraction]? { recent(hasher.key(user, .user)) }

    /// A visitor's last 100 interactions as long as no user was known, newest first; `nil` for one without any at hand.
    public func recent(visitor: String) -> [RecentInteraction]? { recent(hasher.key(visitor, .visitor)) }

    private func recent(_ key: Key128) -> [RecentInteraction]? {
        state.withReadLock { state in
            guard let number = state.core.person(key) else { return nil }
            // A person has few types and mostly one entity type: each name is looked for once.
            var types: [(number: UInt16, name: String)] = []
            var entityType: (number: UInt16, name: String)?
            return state.core.recents(of: Int(number)).reversed().map { recent in
                let entity = Int(recent.entity)
                let type =
                    types.first { $0.number == recent.type }
                    ?? (number: recent.type, name: names.name(recent.type) ?? "")
                if types.last?.number != type.number, !types.contains(where: { $0.number == type.number }) {
                    types.append(type)
                }
                let sort = state.core.entities.address(entity).pointee.type
                if entityType?.number != sort { entityType = (sort, state.core.types.name(sort)) }
                return RecentInteraction(
                    position: recent.position, occurredAt: recent.occurredAt, type: type.name,
                    entityType: entityType?.name ?? "", entityID: state.core.infos.address(entity).pointee.id)
            }
        }
    }

    /// The tenant's figures over a window.
    public func totals(window: TimeWindow, now: Int64) -> TenantTotals {
        state.withReadLock { state in
            let span = Span(window)
            let edge = state.core.window(span, at: now).edge
            var totals = TenantTotals(
                interactions: [], sessions: 0, bounces: 0, bounceRate: 0, persons: state.core.personIndex.count,
                entities: state.core.entities.count)
            for type in state.core.totals.byType {
                let count =
                    switch span {
                    case .all: type.all
                    case .hours: type.hours.sum(from: edge)
                    case .minutes: type.minutes.sum(from: edge)
                    }
                if count != 0 {
                    totals.interactions.append(TypeCount(type: names.name(type.type) ?? "", count: count))
                }
            }
            totals.interactions.sort { $0.type.utf8.lexicographicallyPrecedes($1.type.utf8) }
            switch span {
            case .all: (totals.sessions, totals.bounces) = (state.core.totals.sessions, state.core.totals.bounces)
            case .hours:
                totals.sessions = state.core.totals.sessionHours.sum(from: edge)
                totals.bounces = state.core.totals.bounceHours.sum(from: edge)
            case .minutes:
                totals.sessions = state.core.totals.sessionMinutes.sum(from: edge)
                totals.bounces = state.core.totals.bounceMinutes.sum(from: edge)
            }
            if totals.sessions > 0 { totals.bounceRate = 100 * Double(totals.bounces) / Double(totals.sessions) }
            return totals
        }
    }

    /// Brings lists up to date, so that the next query finds little left to do: every mode over 7 days and over all time,
    /// and whatever was asked for in the last minute. For a background ticker, every 100 ms or so; holds the lock for
    /// a slice of the work at a time.
    public func maintain(now: Int64) {
        // In a flood of interactions the rest is left to the next call.
        for _ in 0..<2048 {
            state.letOthersIn()
            if state.withLock({ $0.boards.tell(&$0.core) }) { break }
        }
        var behind = state.withLock { $0.boards.behind($0.core, now: now) }
        // One slice of each in turn, so that what was computed for an entity serves every board while it is at hand.
        for _ in 0..<2048 where !behind.isEmpty {
            behind.removeAll { key in
                state.letOthersIn()
                return !state.withLock { $0.boards.maintain(key, &$0.core, now: now) }
            }
        }
    }

    /// Where the memory is, as an estimate that counts room held in reserve.
    public func memory() -> [MemoryShare] {
        let namesBytes = names.names.reduce(0) { $0 + $1.utf8.count + 120 }
        return state.withReadLock { $0.core.memory() + [MemoryShare(owner: "boards", bytes: $0.boards.bytes)] }
            + [MemoryShare(owner: "names", bytes: namesBytes)]
    }
}
