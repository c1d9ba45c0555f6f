internal import Domain

/// Scores that are kept because they cost something: the factors of the buckets, and what lists order entities by in
/// the windows that end now, for the entities looked at last. An entity that changes is looked at by every board, each
/// of which wants one of the sums that one walk over its buckets gives.
struct Scores: Sendable {
    private(set) var factors: Factors
    /// What the newest interaction there can be weighs.
    private(set) var ceiling: Double = .infinity
    /// First hour of the window of the settings.
    private var trendEdge: Int32 = .min
    /// By the entity's number modulo the size.
    private var sums: ContiguousArray<Sums> = []
    /// The spans that lists are made for, as the plan has it.
    private var spans: [Span]

    /// Entities whose sums are kept; a power of two.
    private static let size = 4096
    private static let spanCount = 5

    init(_ core: borrowing LiveCore) {
        factors = Scores.factors(core, Factors.halfLives(core.watermark, core.decay.halfLife))
        spans = [.minutes(60), .hours(24), .hours(168), .hours(720), .hours(core.plan.windowHours)]
    }

    private static func factors(_ core: borrowing LiveCore, _ shift: Int) -> Factors {
        Factors(
            halfLife: core.decay.halfLife, shift: shift, hour: Slots.hour(core.watermark),
            minute: Slots.minute(core.watermark))
    }

    var bytes: Int { sums.capacity * MemoryLayout<Sums>.stride + 1100 * 8 }

    /// Makes ready for a reader at `now`. True when the units have changed, and with them every value of a board.
    mutating func prepare(_ core: borrowing LiveCore, now: Int64) -> Bool {
        trendEdge = max(Slots.back(Slots.hour(now), core.plan.windowHours), core.hourFloor)
        let shift = Factors.halfLives(now, core.decay.halfLife)
        let hasMoved = abs(shift - factors.shift) > 256
        if hasMoved {
            factors = Scores.factors(core, shift)
            sums = []
        } else if !factors.covers(hour: Slots.hour(core.watermark), minute: Slots.minute(core.watermark)) {
            factors = Scores.factors(core, factors.shift)
        }
        ceiling = factors.hour(Slots.hour(core.watermark) + 2)
        return hasMoved
    }

    /// What a list orders an entity by, decayed sums in units of ``factors``.
    mutating func value(
        _ entity: Int, _ metric: BoardKey.Metric, _ span: Span, from edge: Int32, _ core: borrowing LiveCore
    ) -> Double {
        guard span != .all, let index = spans.firstIndex(of: span) else {
            return core.value(entity, metric, span, from: edge, factors)
        }
        if sums.isEmpty { sums = ContiguousArray(repeating: Sums(), count: Self.size) }
        let place = entity & (Self.size - 1)
        let stamp = core.entities.address(entity).pointee.stamp
        if sums[place].entity != entity || sums[place].stamp != stamp {
            sums[place].entity = entity
            sums[place].stamp = stamp
            sums[place].isKnown = 0
        }
        let bit: UInt8 = 1 << UInt8(index)
        if sums[place].isKnown & bit == 0 || sums[place].edges[index] != edge {
            sums[place].isKnown |= bit
            sums[place].edges[index] = edge
            sums[place].spans[index] = core.sums(entity, span, from: edge, factors)
        }
        switch metric {
        case .trending: return sums[place].spans[index].trend
        case .overall: return sums[place].spans[index].overall
        case .counter(let counter): return Double(sums[place].spans[index].counts[counter.rawValue])
        }
    }

    /// An entity's `trending_score` at a moment.
    mutating func trendingScore(_ entity: Int, _ core: borrowing LiveCore, now: Int64) -> Double {
        let sum = value(entity, .trending, .hours(core.plan.windowHours), from: trendEdge, core)
        return factors.score(sum, at: now)
    }

    /// The sums of one entity.
    private struct Sums: Sendable {
        var entity = -1
        var stamp: UInt64 = 0
        var isKnown: UInt8 = 0
        var edges = InlineArray<5, Int32>(repeating: .min)
        var spans = InlineArray<5, SpanSums>(repeating: SpanSums())
    }
}

/// What lists may order an entity by, within one span.
struct SpanSums: Sendable {
    var trend = 0.0
    var overall = 0.0
    /// By ``OrderingCounter``.
    var counts = InlineArray<4, Int64>(repeating: 0)
}

extension LiveCore {
    /// All the sums of a span that is not all time, in one walk; each has the bits it would have alone.
    func sums(_ entity: Int, _ span: Span, from edge: Int32, _ factors: borrowing Factors) -> SpanSums {
        var sums = SpanSums()
        let isMinutes = if case .minutes = span { true } else { false }
        for cell in cells.elements(entities.address(entity).pointee.cells) {
            let run = buckets.elements(isMinutes ? cell.minutes : cell.hours)
            var count: Int64 = 0
            var trend = 0.0
            var index = run.count - 1
            while index >= 0, run[index].slot >= edge {
                count &+= Int64(run[index].count)
                let factor = isMinutes ? factors.minute(run[index].slot) : factors.hour(run[index].slot)
                trend += run[index].decayed * factor
                index -= 1
            }
            let weight = plan.weight(cell.type)
            if weight != 0 { sums.trend += weight * trend }
            let popularity = plan.popularity(cell.type)
            if popularity != 0 { sums.overall += popularity * Double(count) }
            let counter = plan.counter(cell.type)
            for ordering in OrderingCounter.allCases where plan.number(ordering) == counter {
                sums.counts[ordering.rawValue] &+= count
            }
        }
        return sums
    }
}
