internal import Domain

/// Decayed sums in a new half-life, computed beside the old ones from the interactions themselves, in their order: the
/// sums are to the bit what they would be had the half-life never been another.
struct DecayRebuild: Sendable {
    private let decay: Decay
    private var buckets: BucketPool
    private var last: Int64 = 0

    init(_ core: LiveCore) {
        decay = Decay(halfLife: core.plan.halfLife)
        buckets = core.buckets
        buckets.updateAll { $0.decayed = 0 }
    }

    /// Adds interactions that `core` has counted; others, and those before the last one added, are passed over.
    mutating func add(_ rows: UnsafeBufferPointer<InteractionRow>, _ core: LiveCore) {
        for row in rows {
            guard row.verdict == .accepted, row.position > last, row.position <= core.position else { continue }
            last = row.position
            guard let entity = core.entity(row.entityKey) else { continue }
            let occurredAt = min(row.occurredAt, row.receivedAt &+ Slots.ahead)
            let hour = Slots.hour(occurredAt)
            let inHour = Int(truncatingIfNeeded: occurredAt &- Int64(hour) &* 3_600_000)
            guard hour >= core.hourFloor, inHour >= 0, inHour < 3_600_000 else { continue }
            let minuteOfHour = inHour / 60_000
            let inMinute = decay.inMinute(inHour - minuteOfHour * 60_000)
            let run = core.entities[Int(entity)].cells
            for place in run.base..<run.base + UInt32(run.count) where core.cells[place].type == row.type {
                add(inMinute * decay.minuteInHour(minuteOfHour), hour, core.cells[place].hours)
                add(inMinute, Slots.minute(occurredAt), core.cells[place].minutes)
            }
        }
    }

    private mutating func add(_ decayed: Double, _ slot: Int32, _ run: Run) {
        let place = buckets.place(of: slot, in: run)
        guard place < Int(run.count), buckets[run.base + UInt32(place)].slot == slot else { return }
        buckets[run.base + UInt32(place)].decayed += decayed
    }

    /// Puts the new sums in place of the old.
    func finish(_ core: inout LiveCore) {
        core.buckets = buckets
        core.decay = decay
    }
}
