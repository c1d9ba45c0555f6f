internal import Domain

extension LiveCore {
    /// Hours after which no window sees a bucket of an hour, or of a minute.
    static var hoursDue: Int32 { Slots.hoursKept + 2 }
    static var minutesDue: Int32 { Slots.minutesKept / 60 + 1 }

    /// Rids the next entities of buckets that no window sees any more.
    mutating func sweepEntities(_ limit: Int) {
        let hour = Slots.hour(watermark)
        for _ in 0..<min(limit, entities.count) {
            if nextSwept.entity >= entities.count { nextSwept.entity = 0 }
            let run = entities.address(nextSwept.entity).pointee.cells
            for place in run.base..<run.base + UInt32(run.count) where cells.address(place).pointee.due <= hour {
                let cell = cells.writable(place)
                buckets.trim(&cell.pointee.hours, before: hourFloor)
                buckets.trim(&cell.pointee.minutes, before: minuteFloor)
                cell.pointee.due = min(
                    buckets.elements(cell.pointee.hours).first.map { $0.slot + Self.hoursDue } ?? .max,
                    buckets.elements(cell.pointee.minutes).first.map { $0.slot / 60 + Self.minutesDue } ?? .max)
                buckets.compact(&cell.pointee.hours)
                buckets.compact(&cell.pointee.minutes)
            }
            var near = meetings.address(nextSwept.entity).pointee.neighbours
            let base = near.base
            neighbours.compact(&near)
            if near.base != base { meetings.writable(nextSwept.entity).pointee.neighbours = near }
            var circle = circles.address(nextSwept.entity).pointee
            let bases = (circle.people.base, circle.buyers.base)
            circleMembers.compact(&circle.people)
            circleMembers.compact(&circle.buyers)
            if (circle.people.base, circle.buyers.base) != bases {
                circles.writable(nextSwept.entity).pointee = circle
            }
            nextSwept.entity += 1
        }
    }

    /// Moves the next persons' interactions together.
    mutating func sweepPersons(_ limit: Int) {
        for _ in 0..<min(limit, persons.count) {
            if nextSwept.person >= persons.count { nextSwept.person = 0 }
            var run = persons.address(nextSwept.person).pointee.recents
            var affinity = persons.address(nextSwept.person).pointee.affinities
            var ordered = persons.address(nextSwept.person).pointee.orders
            let (base, affinityBase, orderedBase) = (run.base, affinity.base, ordered.base)
            recents.compact(&run)
            affinities.compact(&affinity)
            orders.compact(&ordered)
            // A page that a frozen copy shares is not to be copied for nothing.
            if run.base != base { persons.writable(nextSwept.person).pointee.recents = run }
            if affinity.base != affinityBase { persons.writable(nextSwept.person).pointee.affinities = affinity }
            if ordered.base != orderedBase { persons.writable(nextSwept.person).pointee.orders = ordered }
            nextSwept.person += 1
        }
    }

    /// Gives back the windows of the next sessions that have been silent for long, and moves the others together.
    mutating func sweepSessions(_ limit: Int) {
        for _ in 0..<min(limit, sessions.count) {
            if nextSwept.session >= sessions.count { nextSwept.session = 0 }
            var window = sessions.address(nextSwept.session).pointee.window
            let (base, size) = (window.base, window.size)
            if isSilent(nextSwept.session) { windows.release(&window) } else { windows.compact(&window) }
            if window.base != base || window.size != size {
                sessions.writable(nextSwept.session).pointee.window = window
            }
            nextSwept.session += 1
        }
    }
}
