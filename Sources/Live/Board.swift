/// What a list is ordered by and what may stand on it.
struct BoardKey: Hashable, Sendable {
    enum Metric: Hashable, Sendable {
        case trending
        case overall
        /// Number of a counter of the plan.
        case counter(Int16)
    }

    var metric: Metric
    var span: Span
    var entityType: UInt16?
    var category: UInt32?
}

/// Sizes of what is derived from the state for its readers; smaller in tests.
struct Limits: Sendable {
    /// Places of a board when it is made anew.
    var places = 2048
    /// Most places before the last are given up.
    var mostPlaces = 3072
    /// Changes that a board works off rather than being made anew, when half of its candidates are fewer.
    var backlog = 4096
    /// Changes that are put in their place one by one.
    var singly = 64
    /// Changes that are remembered; a power of two.
    var changes = 1 << 17
    /// Most boards kept; up to about 200 KB each.
    var boards = 256
}

/// A place on a board.
struct Ranked: Sendable {
    var value: Double
    var entity: UInt32
}

/// The best entities by one measure, exactly and in order: everything that is not on the board stands behind its floor.
/// A reader first has it look again at what changed since; the whole catalogue is looked through only when it is made
/// or too much has left it.
struct Board: Sendable {
    let key: BoardKey
    /// Best first.
    private(set) var members: ContiguousArray<Ranked> = []
    private var values: [UInt32: Double] = [:]
    /// Nothing outside stands before this; `nil` when everything with a score is on the board.
    private var floor: Ranked?
    /// Up to where in the list of changes it has looked; 0 before it is made.
    private var cursor: UInt64 = 0
    private var edge: Int32 = .min
    /// The moment it was last brought up to.
    private(set) var now: Int64 = .min
    /// For throwing out the one not asked for longest.
    var lastUsed: UInt64 = 0
    /// When somebody asked for it last, in milliseconds since the epoch.
    var lastRead: Int64 = .min / 2
    /// When it was last brought up to date unasked.
    var lastMaintained: Int64 = .min / 2

    private let limits: Limits
    /// How far a clock may be behind the last reader's without the past being looked up again, in milliseconds.
    static let clockSkew: Int64 = 2000

    init(key: BoardKey, limits: Limits) {
        self.key = key
        self.limits = limits
    }

    /// Bytes held.
    var bytes: Int { members.capacity * 16 + values.capacity * 24 + 256 }

    /// Changes it has yet to look at.
    func backlog(_ core: borrowing LiveCore) -> UInt64 { cursor == 0 ? .max : core.changes.head - cursor }

    /// Brings the board up to date, with at least `needed` places unless fewer entities have a score.
    mutating func catchUp(_ core: borrowing LiveCore, _ scores: inout Scores, now: Int64, needed: Int) {
        var now = now
        if cursor != 0, now < self.now, now >= self.now &- Self.clockSkew { now = self.now }
        let edge = core.edge(key.span, at: now)
        defer {
            self.now = now
            self.edge = edge
        }
        let backlog = backlog(core)
        if cursor == 0 || edge < self.edge || backlog > UInt64(core.changes.size)
            || backlog > UInt64(max(limits.backlog, candidateCount(core) / 2))
            || (edge > self.edge && core.plan.hasNegativeWeight)
        {
            rebuild(core, &scores, edge)
            return
        }
        if edge > self.edge { dropExpired(core, &scores, edge) }
        if backlog > 0 { lookAgain(core, &scores, edge) }
        if members.count > limits.mostPlaces { keepBest(limits.places) }
        if members.count < needed, floor != nil { rebuild(core, &scores, edge) }
    }

    // MARK: - Whole

    private func candidateCount(_ core: borrowing LiveCore) -> Int {
        if let category = key.category { return core.categories.entities(category).count }
        if let type = key.entityType { return core.types.entities(type).count }
        return core.entities.count
    }

    private mutating func rebuild(_ core: borrowing LiveCore, _ scores: inout Scores, _ edge: Int32) {
        var best = Selection(places: limits.places)
        if let category = key.category {
            for entity in core.categories.entities(category) { consider(entity, &best, core, &scores, edge) }
        } else if let type = key.entityType {
            for entity in core.types.entities(type) { consider(entity, &best, core, &scores, edge) }
        } else {
            for entity in 0..<core.entities.count {
                consider(UInt32(truncatingIfNeeded: entity), &best, core, &scores, edge)
            }
        }
        members = best.sorted(core)
        floor = best.hasLeftOut ? members.last : nil
        values = Dictionary(minimumCapacity: members.count)
        for member in members { values[member.entity] = member.value }
        cursor = core.changes.head
    }

    @inline(__always)
    private func consider(
        _ entity: UInt32, _ best: inout Selection, _ core: borrowing LiveCore, _ scores: inout Scores, _ edge: Int32
    ) {
        if bound(of: entity, core, scores) < best.least {
            best.hasLeftOut = true
            return
        }
        let value = value(of: entity, core, &scores, edge)
        if value > 0 { best.offer(Ranked(value: value, entity: entity), core) }
    }

    // MARK: - Part

    /// What an entity's value cannot exceed, told from its cells alone: all of its interactions, just now.
    @inline(__always)
    private func bound(of entity: UInt32, _ core: borrowing LiveCore, _ scores: borrowing Scores) -> Double {
        var sum = 0.0
        for cell in core.cells.elements(core.entities.address(Int(entity)).pointee.cells) {
            switch key.metric {
            case .trending: sum += max(0, core.plan.weight(cell.type)) * Double(cell.count)
            case .overall: sum += max(0, core.plan.popularity(cell.type)) * Double(cell.count)
            case .counter(let counter): if core.plan.counter(cell.type) == counter { sum += Double(cell.count) }
            }
        }
        // Sums in another order may differ in their last bits.
        return (key.metric == .trending ? sum * scores.ceiling : sum) * 1.000_001
    }

    /// What an entity is worth on this board; 0 when it may not stand on it.
    @inline(__always)
    private func value(of entity: UInt32, _ core: borrowing LiveCore, _ scores: inout Scores, _ edge: Int32) -> Double {
        let index = Int(entity)
        let record = core.entities.address(index)
        guard record.pointee.isListed else { return 0 }
        if let type = key.entityType, record.pointee.type != type { return 0 }
        if let category = key.category,
            !core.infos.address(index).pointee.categories.contains(where: { $0.category == category })
        {
            return 0
        }
        switch key.metric {
        case .trending:
            switch key.span {
            case .minutes: return core.trend(index, fromMinute: edge, scores.factors)
            default: return scores.trend(index, fromHour: edge, core)
            }
        case .overall:
            return key.span == .all ? core.popularity(index) : core.popularity(index, key.span, from: edge)
        case .counter(let counter):
            return core.count(index, counter: counter, key.span, from: edge)
        }
    }

    /// Time has moved: buckets have left the window. With no weight below zero scores only fall, so that only those on
    /// the board need be looked at.
    private mutating func dropExpired(_ core: borrowing LiveCore, _ scores: inout Scores, _ edge: Int32) {
        let old = members
        members.removeAll(keepingCapacity: true)
        for member in old { set(member.entity, value(of: member.entity, core, &scores, edge), core) }
        members.sort { precedes($0, $1, core) }
    }

    private mutating func lookAgain(_ core: borrowing LiveCore, _ scores: inout Scores, _ edge: Int32) {
        var changed: ContiguousArray<Ranked> = []
        for place in cursor..<core.changes.head {
            let entity = core.changes.entity(at: place)
            // Listed again further on: once is enough.
            guard core.entities.address(Int(entity)).pointee.stamp == place else { continue }
            if let floor, bound(of: entity, core, scores) < floor.value, values[entity] == nil { continue }
            let value = value(of: entity, core, &scores, edge)
            if values[entity] == nil, !qualifies(Ranked(value: value, entity: entity), core) { continue }
            changed.append(Ranked(value: value, entity: entity))
        }
        cursor = core.changes.head
        if changed.count > limits.singly {
            for entry in changed where values[entry.entity] != nil {
                values[entry.entity] = nil
            }
            members.removeAll(keepingCapacity: true)
            for (entity, value) in values { members.append(Ranked(value: value, entity: entity)) }
            for entry in changed { set(entry.entity, entry.value, core) }
            members.sort { precedes($0, $1, core) }
            return
        }
        for entry in changed {
            if let old = values[entry.entity] {
                if old == entry.value { continue }
                values[entry.entity] = nil
                let place = place(Ranked(value: old, entity: entry.entity), core)
                if place < members.count { members.remove(at: place) }
            }
            if qualifies(entry, core) {
                values[entry.entity] = entry.value
                members.insert(entry, at: place(entry, core))
            }
        }
    }

    /// Puts an entity on the board, unsorted, or off it.
    private mutating func set(_ entity: UInt32, _ value: Double, _ core: borrowing LiveCore) {
        let entry = Ranked(value: value, entity: entity)
        if qualifies(entry, core) {
            values[entity] = value
            members.append(entry)
        } else {
            values[entity] = nil
        }
    }

    private func qualifies(_ entry: Ranked, _ core: borrowing LiveCore) -> Bool {
        guard entry.value > 0 else { return false }
        guard let floor else { return true }
        return precedes(entry, floor, core)
    }

    private mutating func keepBest(_ count: Int) {
        floor = members[count]
        for member in members[count...] { values[member.entity] = nil }
        members.removeSubrange(count...)
    }

    /// The first place whose holder does not precede `entry`.
    private func place(_ entry: Ranked, _ core: borrowing LiveCore) -> Int {
        var (low, high) = (0, members.count)
        while low < high {
            let middle = (low + high) / 2
            if precedes(members[middle], entry, core) { low = middle + 1 } else { high = middle }
        }
        return low
    }
}

/// Order of a list: score descending, then entity type, then id.
@inline(__always)
func precedes(_ left: Ranked, _ right: Ranked, _ core: borrowing LiveCore) -> Bool {
    left.value != right.value ? left.value > right.value : core.precedes(left.entity, right.entity)
}

/// The best of many, in a heap whose root is the worst kept.
struct Selection: Sendable {
    private let places: Int
    private var heap: ContiguousArray<Ranked> = []
    /// Whether there was no place for some.
    var hasLeftOut = false

    /// What there is still a place for must be worth.
    @inline(__always) var least: Double { heap.count < places ? -.infinity : heap[0].value }

    init(places: Int) { self.places = places }

    mutating func offer(_ entry: Ranked, _ core: borrowing LiveCore) {
        if heap.count < places {
            heap.append(entry)
            var child = heap.count - 1
            while child > 0 {
                let parent = (child - 1) / 2
                guard precedes(heap[parent], heap[child], core) else { break }
                heap.swapAt(parent, child)
                child = parent
            }
            return
        }
        hasLeftOut = true
        guard precedes(entry, heap[0], core) else { return }
        heap[0] = entry
        var parent = 0
        while true {
            var worst = parent
            for child in [2 * parent + 1, 2 * parent + 2] where child < heap.count {
                if precedes(heap[worst], heap[child], core) { worst = child }
            }
            if worst == parent { return }
            heap.swapAt(parent, worst)
            parent = worst
        }
    }

    func sorted(_ core: borrowing LiveCore) -> ContiguousArray<Ranked> {
        ContiguousArray(heap.sorted { precedes($0, $1, core) })
    }
}
