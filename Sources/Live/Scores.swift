internal import Domain

/// Scores that are kept because they cost something: the factors of the buckets, and what lists order entities by, for
/// the entities looked at last. An entity that changes is looked at by every board, each of which wants one of the sums
/// that one walk over its buckets gives; and only the present hour's, or minute's, buckets have changed as a rule.
struct Scores: Sendable {
    private(set) var factors: Factors
    /// What the newest interaction there can be weighs.
    private(set) var ceiling: Double = .infinity
    /// The window of the settings.
    private var trendWindow = Window()
    /// By the entity's number modulo the size.
    private var kept: ContiguousArray<Kept> = []
    /// The spans that lists are made for, as the plan has it.
    private let spans: [Span]

    /// Entities whose sums are kept; a power of two.
    private static let size = 4096

    init(_ core: borrowing LiveCore) {
        factors = Scores.factors(core, Factors.halfLives(core.watermark, core.decay.halfLife))
        spans = [.minutes(60), .hours(24), .hours(168), .hours(720), .hours(core.plan.windowHours)]
    }

    private static func factors(_ core: borrowing LiveCore, _ shift: Int) -> Factors {
        Factors(
            halfLife: core.decay.halfLife, shift: shift, hour: Slots.hour(core.watermark),
            minute: Slots.minute(core.watermark))
    }

    var bytes: Int { kept.capacity * MemoryLayout<Kept>.stride + 1100 * 8 }

    /// Makes ready for a reader at `now`. True when the units have changed, and with them every value of a board.
    mutating func prepare(_ core: borrowing LiveCore, now: Int64) -> Bool {
        trendWindow = core.window(.hours(core.plan.windowHours), at: now)
        let shift = Factors.halfLives(now, core.decay.halfLife)
        let hasMoved = isFar(shift)
        if hasMoved {
            factors = Scores.factors(core, shift)
            kept = []
        } else if !factors.covers(hour: Slots.hour(core.watermark), minute: Slots.minute(core.watermark)) {
            factors = Scores.factors(core, factors.shift)
        }
        ceiling = factors.hour(Slots.hour(core.watermark) + 2)
        return hasMoved
    }

    /// Whether ``prepare(_:now:)`` would leave the units as they are.
    func isReady(_ core: borrowing LiveCore, now: Int64) -> Bool {
        !isFar(Factors.halfLives(now, core.decay.halfLife))
    }

    /// Whether the units are so many half-lives away that sums would lose digits.
    private func isFar(_ shift: Int) -> Bool { abs(shift - factors.shift) > 256 }

    /// What a list orders an entity by, decayed sums in units of ``factors``: the same as ``LiveCore/value``.
    mutating func value(
        _ entity: Int, _ metric: BoardKey.Metric, _ span: Span, _ window: Window, _ core: borrowing LiveCore
    ) -> Double {
        if span == .all { return core.allTime(entity, metric) }
        guard let index = spans.firstIndex(of: span) else {
            return core.value(entity, metric, span, window, factors)
        }
        if kept.isEmpty { kept = ContiguousArray(repeating: Kept(), count: Self.size) }
        let place = entity & (Self.size - 1)
        let stamp = core.entities.address(entity).pointee.stamp
        if kept[place].entity != entity { kept[place] = Kept(entity: entity) }
        let part = kept[place].spans[index]
        if part.isKnown, part.stamp == stamp, part.window == window { return part.sums.value(metric) }
        let fresh = renew(part, entity, stamp, ofMinutes: index == 0, window, core)
        kept[place].spans[index] = fresh
        return fresh.sums.value(metric)
    }

    private func renew(
        _ old: Part, _ entity: Int, _ stamp: UInt64, ofMinutes: Bool, _ window: Window, _ core: borrowing LiveCore
    ) -> Part {
        var part = old
        var interactions: Int64 = 0
        let present = core.sums(
            entity, ofMinutes: ofMinutes, from: max(window.edge, window.present), below: .max, factors,
            interactions: &interactions)
        var before: Int64 = -interactions
        for cell in core.cells.elements(core.entities.address(entity).pointee.cells) { before &+= cell.count }
        // As long as no more interactions happened before the present slot, what was summed of them still holds.
        if !part.isKnown || part.window != window || part.before != before {
            part.closed = core.sums(
                entity, ofMinutes: ofMinutes, from: window.edge, below: window.present, factors)
        }
        part.before = before
        part.sums = part.closed + present
        part.window = window
        part.stamp = stamp
        part.isKnown = true
        return part
    }

    /// An entity's `trending_score` at a moment.
    mutating func trendingScore(_ entity: Int, _ core: borrowing LiveCore, now: Int64) -> Double {
        factors.score(value(entity, .trending, .hours(core.plan.windowHours), trendWindow, core), at: now)
    }

    /// The sums of one entity by span.
    private struct Kept: Sendable {
        var entity = -1
        var spans = InlineArray<5, Part>(repeating: Part())
    }

    /// The sums of one span.
    private struct Part: Sendable {
        var isKnown = false
        var window = Window()
        /// Of the entity when it was looked at.
        var stamp: UInt64 = 0
        /// All-time interactions but those of the present slot.
        var before: Int64 = 0
        /// Sums of the slots before the present one.
        var closed = SpanSums()
        var sums = SpanSums()
    }
}
