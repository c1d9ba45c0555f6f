internal import Domain

/// Decayed sums in a new half-life, computed beside the old ones from the interactions themselves, in their order: the
/// sums are to the bit what they would be had the half-life never been another.
struct DecayRebuild: ~Copyable, Sendable {
    private let decay: Decay
    private var buckets: Pages<Bucket>
    private var last: Int64 = 0

    init(_ core: borrowing LiveCore) {
        decay = Decay(halfLife: core.plan.halfLife)
        buckets = core.buckets.copyPages()
        buckets.updateAll { $0.decayed = 0 }
    }

    /// Adds interactions that `core` has counted; others, and those before the last one added, are passed over.
    mutating func add(_ rows: UnsafeBufferPointer<InteractionRow>, _ core: borrowing LiveCore) {
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
                add(inMinute * decay.minuteInHour(minuteOfHour), hour, core.cells[place].hours, core)
                add(inMinute, Slots.minute(occurredAt), core.cells[place].minutes, core)
            }
        }
    }

    private mutating func add(_ decayed: Double, _ slot: Int32, _ run: Run, _ core: borrowing LiveCore) {
        let place = core.buckets.place(of: slot, in: run)
        let index = run.base + UInt32(place)
        guard place < Int(run.count), core.buckets[index].slot == slot else { return }
        buckets.writable(Int(index)).pointee.decayed += decayed
    }

    /// Puts the new sums in place of the old.
    mutating func finish(_ core: inout LiveCore) {
        core.decay = decay
        core.buckets.swapPages(&buckets)
    }
}
