internal import Domain

extension LiveCore {
    /// All-time Σ weight · count.
    func popularity(_ entity: Int) -> Double {
        popularity(entity, .all, from: .min)
    }

    /// Σ weight · decayed sums of the buckets from `edge` on, in units of `factors`.
    func trend(_ entity: Int, fromHour edge: Int32, _ factors: borrowing Factors) -> Double {
        var total = 0.0
        for cell in cells.elements(entities.address(entity).pointee.cells) {
            let weight = plan.weight(cell.type)
            if weight == 0 { continue }
            var sum = 0.0
            let run = buckets.elements(cell.hours)
            var index = run.count - 1
            while index >= 0, run[index].slot >= edge {
                sum += run[index].decayed * factors.hour(run[index].slot)
                index -= 1
            }
            total += weight * sum
        }
        return total
    }

    /// The same by minutes.
    func trend(_ entity: Int, fromMinute edge: Int32, _ factors: borrowing Factors) -> Double {
        var total = 0.0
        for cell in cells.elements(entities.address(entity).pointee.cells) {
            let weight = plan.weight(cell.type)
            if weight == 0 { continue }
            var sum = 0.0
            let run = buckets.elements(cell.minutes)
            var index = run.count - 1
            while index >= 0, run[index].slot >= edge {
                sum += run[index].decayed * factors.minute(run[index].slot)
                index -= 1
            }
            total += weight * sum
        }
        return total
    }

    /// Interactions counted by a counter within a span.
    func count(_ entity: Int, _ counter: OrderingCounter, _ span: Span, from edge: Int32) -> Double {
        let number = plan.number(counter)
        var total: Int64 = 0
        for cell in cells.elements(entities.address(entity).pointee.cells) where plan.counter(cell.type) == number {
            total &+= count(cell, span, from: edge)
        }
        return Double(total)
    }

    /// Σ weight · count within a span.
    func popularity(_ entity: Int, _ span: Span, from edge: Int32) -> Double {
        var total = 0.0
        for cell in cells.elements(entities.address(entity).pointee.cells) {
            let weight = plan.popularity(cell.type)
            if weight != 0 { total += weight * Double(count(cell, span, from: edge)) }
        }
        return total
    }

    /// What a list orders an entity by, decayed sums in units of `factors`.
    @inline(__always)
    func value(
        _ entity: Int, _ metric: BoardKey.Metric, _ span: Span, from edge: Int32, _ factors: borrowing Factors
    ) -> Double {
        switch metric {
        case .trending:
            if case .minutes = span { return trend(entity, fromMinute: edge, factors) }
            return trend(entity, fromHour: edge, factors)
        case .overall: return popularity(entity, span, from: edge)
        case .counter(let counter): return count(entity, counter, span, from: edge)
        }
    }

    @inline(__always)
    private func count(_ cell: Cell, _ span: Span, from edge: Int32) -> Int64 {
        let run: UnsafeBufferPointer<Bucket>
        switch span {
        case .all: return cell.count
        case .hours: run = buckets.elements(cell.hours)
        case .minutes: run = buckets.elements(cell.minutes)
        }
        var sum: Int64 = 0
        var index = run.count - 1
        while index >= 0, run[index].slot >= edge {
            sum &+= Int64(run[index].count)
            index -= 1
        }
        return sum
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

    /// The first slot of a span at a moment.
    func edge(_ span: Span, at now: Int64) -> Int32 {
        switch span {
        case .all: .min
        case .hours(let count): max(Slots.back(Slots.hour(now), count), hourFloor)
        case .minutes(let count): max(Slots.back(Slots.minute(now), count), minuteFloor)
        }
    }
}

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
