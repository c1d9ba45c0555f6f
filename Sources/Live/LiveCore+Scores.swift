/// A stretch of time as buckets have it.
enum Span: Hashable, Sendable {
    case all
    case hours(Int32)
    case minutes(Int32)

    init(_ window: TimeWindow) {
        switch window {
        case .hour: self = .minutes(60)
        case .day: self = .hours(24)
        case .week: self = .hours(168)
        case .month: self = .hours(720)
        case .all: self = .all
        }
    }
}

/// The slots of a span at a moment. The present one is summed apart from the closed ones before it, so that their sum
/// can be kept while it fills, and is the same to the bit whether it was kept or not.
struct Window: Equatable, Sendable {
    /// First slot.
    var edge = Int32.min
    /// The present slot; later ones count with it.
    var present = Int32.min
}

/// What lists may order an entity by, within some slots.
struct SpanSums: Sendable {
    /// Σ weight · decayed sums, in units of the factors.
    var trend = 0.0
    /// Σ weight · count over the types that count in `popularity_score`.
    var overall = 0.0
    /// By ``OrderingCounter``.
    var counts = InlineArray<4, Int64>(repeating: 0)

    @inline(__always)
    static func + (left: SpanSums, right: SpanSums) -> SpanSums {
        var sums = left
        sums.trend += right.trend
        sums.overall += right.overall
        for index in 0..<4 { sums.counts[index] &+= right.counts[index] }
        return sums
    }

    @inline(__always)
    func value(_ metric: BoardKey.Metric) -> Double {
        switch metric {
        case .trending: trend
        case .overall: overall
        case .counter(let counter): Double(counts[counter.rawValue])
        }
    }
}

extension LiveCore {
    /// The slots of a span at a moment.
    func window(_ span: Span, at now: Int64) -> Window {
        switch span {
        case .all: return Window()
        case .hours(let count):
            let hour = Slots.hour(now)
            return Window(edge: max(Slots.back(hour, count), hourFloor), present: hour)
        case .minutes(let count):
            let minute = Slots.minute(now)
            return Window(edge: max(Slots.back(minute, count), minuteFloor), present: minute)
        }
    }

    /// All-time Σ weight · count.
    func popularity(_ entity: Int) -> Double {
        var sum = 0.0
        for cell in cells.elements(entities.address(entity).pointee.cells) {
            sum += plan.popularity(cell.type) * Double(cell.count)
        }
        return sum
    }

    /// What a list orders an entity by, decayed sums in units of `factors`.
    func value(
        _ entity: Int, _ metric: BoardKey.Metric, _ span: Span, _ window: Window, _ factors: borrowing Factors
    ) -> Double {
        switch span {
        case .all: return allTime(entity, metric)
        case .hours: return sums(entity, ofMinutes: false, window, factors).value(metric)
        case .minutes: return sums(entity, ofMinutes: true, window, factors).value(metric)
        }
    }

    /// The same over all time, which nothing is ordered by trend over.
    func allTime(_ entity: Int, _ metric: BoardKey.Metric) -> Double {
        guard case .counter(let counter) = metric else { return popularity(entity) }
        let number = plan.number(counter)
        var total: Int64 = 0
        for cell in cells.elements(entities.address(entity).pointee.cells) where plan.counter(cell.type) == number {
            total &+= cell.count
        }
        return Double(total)
    }

    private func sums(
        _ entity: Int, ofMinutes: Bool, _ window: Window, _ factors: borrowing Factors
    ) -> SpanSums {
        let closed = sums(entity, ofMinutes: ofMinutes, from: window.edge, below: window.present, factors)
        let present = sums(
            entity, ofMinutes: ofMinutes, from: max(window.edge, window.present), below: .max, factors)
        return closed + present
    }

    /// The sums of some slots, newest first. `interactions` is added to by how many there were, of whatever type.
    @inline(__always)
    func sums(
        _ entity: Int, ofMinutes: Bool, from edge: Int32, below end: Int32, _ factors: borrowing Factors,
        interactions: UnsafeMutablePointer<Int64>? = nil
    ) -> SpanSums {
        var sums = SpanSums()
        for cell in cells.elements(entities.address(entity).pointee.cells) {
            let run = buckets.elements(ofMinutes ? cell.minutes : cell.hours)
            var count: Int64 = 0
            var trend = 0.0
            var index = run.count - 1
            while index >= 0, run[index].slot >= end { index -= 1 }
            while index >= 0, run[index].slot >= edge {
                let slot = run[index].slot
                count &+= Int64(run[index].count)
                trend += run[index].decayed * (ofMinutes ? factors.minute(slot) : factors.hour(slot))
                index -= 1
            }
            guard count > 0 else { continue }
            if let interactions { interactions.pointee &+= count }
            let weight = plan.weight(cell.type)
            if weight != 0 { sums.trend += weight * trend }
            let popularity = plan.popularity(cell.type)
            if popularity != 0 { sums.overall += popularity * Double(count) }
            let ordering = plan.ordering(cell.type)
            if ordering >= 0 { sums.counts[Int(ordering)] &+= count }
        }
        return sums
    }

    /// All-time counters that are not 0.
    func counters(_ entity: Int) -> [CounterValue] {
        var values: [CounterValue] = []
        let run = cells.elements(entities.address(entity).pointee.cells)
        values.reserveCapacity(run.count)
        for (number, name) in plan.counterNames.enumerated() {
            var sum: Int64 = 0
            for cell in run where Int(plan.counter(cell.type)) == number { sum &+= cell.count }
            if sum != 0 { values.append(CounterValue(counter: name, count: sum)) }
        }
        return values
    }
}
