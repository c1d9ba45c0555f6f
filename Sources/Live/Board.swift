/// What a list is ordered by and what may stand on it.
struct BoardKey: Hashable, Sendable {
    enum Metric: Hashable, Sendable {
        case trending
        case overall
        /// One of the counters that order lists.
        case counter(OrderingCounter)
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
    var singly = 8
    /// Changes that are remembered; a power of two.
    var changes = 1 << 17
    /// Most boards kept: as many categories as are read at a time should find room. Up to 200 KB each, a few for most
    /// categories.
    var boards = 1024
    /// Bytes from which on a further board takes the place of another.
    var boardBytes = 64 << 20
    /// Changes, or entities, looked at under one hold of the lock while boards are kept up to date.
    var slice = 48
    /// Changes that may wait for a reader: few enough to be worked off at once, and the more wait, the more of them
    /// concern the same entities.
    var waiting = 1024
}

/// A place on a board.
struct Ranked: Sendable {
    var value: Double
    var entity: UInt32
}

/// The best entities by one measure, exactly and in order: everything that is not on the board stands behind its floor.
/// A reader first has it look again at what changed since; the whole catalogue is looked through only when it is made
/// or too much has left it.
///
/// A board of a category is told of the changes that concern it (``tell(_:_:)``); one of the whole catalogue or of a type
/// goes through the list of changes itself. There may be hundreds of the one, and there are a dozen or two of the other.
struct Board: Sendable {
    let key: BoardKey
    /// Best first.
    private(set) var members: ContiguousArray<Ranked> = []
    private var values = MemberTable()
    /// Nothing outside stands before this; `nil` when everything with a score is on the board.
    private var floor: Ranked?
    /// Up to where in the list of changes it has looked, for one that is told up to where it had when it was made; 0 before
    /// it is made.
    private var cursor: UInt64 = 0
    /// What it was told of and has not looked at again; one may be there twice.
    private var told: ContiguousArray<UInt32> = []
    /// The slots that its values are of.
    private var window = Window()
    /// The moment it was last brought up to.
    private var now: Int64 = .min
    /// The best so far while it is made, a slice at a time.
    private var making: Making?
    /// For throwing out the one not asked for longest.
    var lastUsed: UInt64 = 0
    /// When it was last asked for, in milliseconds since the epoch.
    var lastRead: Int64 = .min / 2
    /// When it was last brought up to date unasked.
    var lastMaintained: Int64 = .min / 2
    private let limits: Limits

    private struct Making: Sendable {
        var best: Selection
        var next = 0
        let window: Window
        /// Changes from here on have to be looked at again in the end.
        let cursor: UInt64
    }

    /// How far a clock may be behind the last reader's without the past being looked up again, in milliseconds.
    static let clockSkew: Int64 = 2000

    init(key: BoardKey, limits: Limits) {
        self.key = key
        self.limits = limits
    }

    /// Bytes held.
    var bytes: Int {
        members.capacity * 16 + values.bytes + told.capacity * 4 + (making == nil ? 0 : limits.places * 16) + 256
    }

    /// Whether it is told of what changes.
    var isTold: Bool { key.category != nil }

    /// Tells a board of a category that one of its entities has changed, or has left it.
    mutating func tell(_ entity: UInt32, _ core: borrowing LiveCore) {
        guard cursor != 0 else { return }
        told.append(entity)
        if told.count > max(limits.waiting, min(limits.backlog, candidateCount(core) / 2)) { forget() }
    }

    /// Has it made anew.
    mutating func forget() {
        cursor = 0
        told = []
    }

    /// Whether a reader would have to wait for it.
    func isBehind(_ core: borrowing LiveCore, now: Int64) -> Bool {
        // What a board is told of has to be looked at whole, where most of the list of changes is passed over.
        let isLate = isTold ? told.count > limits.waiting / 16 : core.changes.head - cursor > UInt64(limits.waiting)
        return cursor == 0 || making != nil || isLate || core.window(key.span, at: now) != window
    }

    /// Whether it has `needed` places as everything is now, or all that there are; what it is told of was told.
    func isCurrent(_ core: borrowing LiveCore, now: Int64, needed: Int) -> Bool {
        (isTold ? cursor != 0 && told.isEmpty : cursor == core.changes.head) && making == nil
            && (members.count >= needed || floor == nil) && core.window(key.span, at: moment(now)) == window
    }

    /// The moment that a reader's clock stands for: the last reader's, when it is a little behind that.
    private func moment(_ now: Int64) -> Int64 {
        cursor != 0 && now < self.now && now >= self.now &- Self.clockSkew ? self.now : now
    }

    /// The first places in numbers.
    func first(_ count: Int) -> ContiguousArray<UInt32> {
        ContiguousArray(members.prefix(count).lazy.map { $0.entity })
    }

    // MARK: - Up to date

    /// Brings the board up to date, with at least `needed` places unless fewer entities have a score.
    mutating func catchUp(_ core: borrowing LiveCore, _ scores: inout Scores, now: Int64, needed: Int) {
        _ = goOn(core, &scores, now: now, budget: .max)
        if members.count < needed, floor != nil {
            cursor = 0
            _ = goOn(core, &scores, now: now, budget: .max)
        }
    }

    /// Does up to `budget` of the work that is left before the board is up to date; says whether it is.
    mutating func goOn(_ core: borrowing LiveCore, _ scores: inout Scores, now: Int64, budget: Int) -> Bool {
        let now = moment(now)
        let window = core.window(key.span, at: now)
        if mustBeMade(core, window.edge) {
            guard make(core, &scores, window, budget: budget) else { return false }
        }
        if window != self.window {
            self.window = window
            dropExpired(core, &scores)
        }
        self.now = now
        if isTold { lookAtTold(core, &scores, budget: budget) } else { lookAgain(core, &scores, budget: budget) }
        if members.count > limits.mostPlaces { keepBest(limits.places) }
        return isTold ? told.isEmpty : cursor == core.changes.head
    }

    /// Whether working off what has changed is impossible, or dearer than looking through everything.
    private mutating func mustBeMade(_ core: borrowing LiveCore, _ edge: Int32) -> Bool {
        if let making {
            let isSound =
                making.window.edge == edge || (making.window.edge < edge && !core.plan.hasNegativeWeight)
            if !isSound || core.changes.head - making.cursor > UInt64(core.changes.size) { self.making = nil }
            return true
        }
        if cursor == 0 || edge < window.edge { return true }
        // With a weight below zero a score can rise as time goes on, and any entity may come in.
        if edge > window.edge, core.plan.hasNegativeWeight { return true }
        if isTold { return false }
        let backlog = core.changes.head - cursor
        return backlog > UInt64(core.changes.size) || backlog > UInt64(max(limits.backlog, candidateCount(core) / 2))
    }

    // MARK: - Whole

    private func candidateCount(_ core: borrowing LiveCore) -> Int {
        if let category = key.category { return core.categories.entities(category).count }
        if let type = key.entityType { return core.types.entities(type).count }
        return core.entities.count
    }

    /// Looks through up to `budget` more candidates; true once there are none left.
    private mutating func make(
        _ core: borrowing LiveCore, _ scores: inout Scores, _ window: Window, budget: Int
    ) -> Bool {
        var making =
            self.making ?? Making(best: Selection(places: limits.places), window: window, cursor: core.changes.head)
        self.making = nil
        let count = candidateCount(core)
        // The list of a category is not only added to, so that it must be gone through at once.
        let end = key.category == nil && budget < count - making.next ? making.next + budget : count
        if let category = key.category {
            let list = core.categories.entities(category)
            while making.next < end { consider(list[making.next], &making, core, scores) }
        } else if let type = key.entityType {
            let list = core.types.entities(type)
            while making.next < end { consider(list[making.next], &making, core, scores) }
        } else {
            while making.next < end {
                consider(UInt32(truncatingIfNeeded: making.next), &making, core, scores)
            }
        }
        guard making.next >= count else {
            self.making = making
            return false
        }
        members = making.best.sorted(core)
        floor = making.best.hasLeftOut ? members.last : nil
        values = MemberTable(capacity: members.count)
        for member in members { values[member.entity] = member.value }
        self.window = making.window
        cursor = making.cursor
        told = []
        return true
    }

    @inline(__always)
    private func consider(
        _ entity: UInt32, _ making: inout Making, _ core: borrowing LiveCore, _ scores: borrowing Scores
    ) {
        making.next += 1
        guard isEligible(entity, core) else { return }
        if bound(of: entity, core, scores) < making.best.least {
            making.best.hasLeftOut = true
            return
        }
        let value = core.value(Int(entity), key.metric, key.span, making.window, scores.factors)
        if value > 0 { making.best.offer(Ranked(value: value, entity: entity), core) }
    }

    // MARK: - One entity

    /// Whether an entity may stand on this board.
    @inline(__always)
    private func isEligible(_ entity: UInt32, _ core: borrowing LiveCore) -> Bool {
        guard core.isShown(entity) else { return false }
        let record = core.entities.address(Int(entity))
        if let type = key.entityType, record.pointee.type != type { return false }
        guard let category = key.category else { return true }
        // One bit in 64 says no for most.
        guard record.pointee.categoryMask & (1 << UInt64(category & 63)) != 0 else { return false }
        return core.infos.address(Int(entity)).pointee.categories.contains { $0.category == category }
    }

    /// What an entity's value cannot exceed, told from its cells alone: all of its interactions, just now.
    @inline(__always)
    private func bound(of entity: UInt32, _ core: borrowing LiveCore, _ scores: borrowing Scores) -> Double {
        var sum = 0.0
        for cell in core.cells.elements(core.entities.address(Int(entity)).pointee.cells) {
            switch key.metric {
            case .trending: sum += max(0, core.plan.weight(cell.type)) * Double(cell.count)
            case .overall: sum += max(0, core.plan.popularity(cell.type)) * Double(cell.count)
            case .counter(let counter):
                if core.plan.counter(cell.type) == core.plan.number(counter) { sum += Double(cell.count) }
            }
        }
        // Sums in another order may differ in their last bits.
        return (key.metric == .trending ? sum * scores.ceiling : sum) * 1.000_001
    }

    // MARK: - Part

    /// Time has moved: buckets have left the window. With no weight below zero scores only fall, so that only those on
    /// the board need be looked at.
    private mutating func dropExpired(_ core: borrowing LiveCore, _ scores: inout Scores) {
        var changes: ContiguousArray<Change> = []
        for member in members {
            let value = scores.value(Int(member.entity), key.metric, key.span, window, core)
            if value != member.value {
                changes.append(Change(entity: member.entity, old: member.value, new: value))
            }
        }
        replace(changes, core)
    }

    private mutating func lookAgain(_ core: borrowing LiveCore, _ scores: inout Scores, budget: Int) {
        let end = UInt64(budget) < core.changes.head - cursor ? cursor + UInt64(budget) : core.changes.head
        guard cursor < end else { return }
        var changes: ContiguousArray<Change> = []
        for place in cursor..<end {
            let entity = core.changes.entity(at: place)
            // Listed again further on: once is enough.
            guard core.entities.address(Int(entity)).pointee.stamp == place else { continue }
            if let change = change(of: entity, core, &scores) { changes.append(change) }
        }
        cursor = end
        replace(changes, core)
    }

    private mutating func lookAtTold(_ core: borrowing LiveCore, _ scores: inout Scores, budget: Int) {
        guard !told.isEmpty else { return }
        let first = told.count - min(budget, told.count)
        var entities = ContiguousArray(told[first...])
        told.removeSubrange(first...)
        entities.sort()
        var changes: ContiguousArray<Change> = []
        for (place, entity) in entities.enumerated() where place == 0 || entities[place - 1] != entity {
            if let change = change(of: entity, core, &scores) { changes.append(change) }
        }
        replace(changes, core)
    }

    /// What has become of an entity; `nil` when that makes no difference here.
    @inline(__always)
    private func change(of entity: UInt32, _ core: borrowing LiveCore, _ scores: inout Scores) -> Change? {
        let old = values[entity]
        guard isEligible(entity, core) else { return old.map { Change(entity: entity, old: $0, new: 0) } }
        if old == nil, let floor, bound(of: entity, core, scores) < floor.value { return nil }
        let new = scores.value(Int(entity), key.metric, key.span, window, core)
        return new != old && (old != nil || new > 0) ? Change(entity: entity, old: old, new: new) : nil
    }

    /// What becomes of one entity; without an old value it was not on the board.
    private struct Change {
        var entity: UInt32
        var old: Double?
        var new: Double
    }

    /// Puts entities where their new values belong, or off the board.
    private mutating func replace(_ changes: ContiguousArray<Change>, _ core: borrowing LiveCore) {
        if changes.isEmpty { return }
        var leaving: ContiguousArray<Int> = []
        var coming: ContiguousArray<Ranked> = []
        for change in changes {
            let entry = Ranked(value: change.new, entity: change.entity)
            if let old = change.old, let place = place(of: change.entity, value: old) { leaving.append(place) }
            if qualifies(entry, core) {
                values[change.entity] = change.new
                coming.append(entry)
            } else if change.old != nil {
                values[change.entity] = nil
            }
        }
        leaving.sort()
        if leaving.count + coming.count <= limits.singly {
            for place in leaving.reversed() { members.remove(at: place) }
            for entry in coming { members.insert(entry, at: place(entry, core)) }
            return
        }
        sort(&coming, core)
        var merged: ContiguousArray<Ranked> = []
        merged.reserveCapacity(max(limits.mostPlaces, members.count + coming.count))
        var (from, left) = (0, 0)
        func stay(upTo end: Int) {
            while left < leaving.count, leaving[left] < end {
                merged.append(contentsOf: members[from..<leaving[left]])
                from = leaving[left] + 1
                left += 1
            }
            merged.append(contentsOf: members[from..<max(from, end)])
            from = max(from, end)
        }
        for entry in coming {
            stay(upTo: place(entry, core))
            merged.append(entry)
        }
        stay(upTo: members.count)
        members = merged
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

    /// Where a member stands. Among equals it is looked for by its number, which is at hand, rather than by its id.
    private func place(of entity: UInt32, value: Double) -> Int? {
        var place = firstPlace { $0.value <= value }
        while place < members.count, members[place].entity != entity { place += 1 }
        return place < members.count ? place : nil
    }

    /// The first place whose holder does not precede `entry`.
    private func place(_ entry: Ranked, _ core: borrowing LiveCore) -> Int {
        firstPlace { !precedes($0, entry, core) }
    }

    /// The first place from which on something holds for all members; after the last where it does for none.
    @inline(__always)
    private func firstPlace(where holds: (Ranked) -> Bool) -> Int {
        var (low, high) = (0, members.count)
        while low < high {
            let middle = (low + high) / 2
            if holds(members[middle]) { high = middle } else { low = middle + 1 }
        }
        return low
    }
}
