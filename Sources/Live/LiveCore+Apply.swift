internal import Domain

extension LiveCore {
    /// Applies a stretch of accepted interactions. Rows that are not accepted, or not after the last position, are passed
    /// over.
    mutating func apply(_ rows: UnsafeBufferPointer<InteractionRow>, _ bytes: UnsafeRawBufferPointer) {
        withUnsafeTemporaryAllocation(of: Found.self, capacity: rows.count) { found in
            // One look-up after another for many rows at a time: their cache misses overlap.
            var last = position
            for index in 0..<rows.count {
                found[index] = Found()
                guard rows[index].verdict == .accepted, rows[index].position > last else { continue }
                last = rows[index].position
                found[index].entity = findEntity(rows, index, bytes)
            }
            for index in 0..<rows.count where found[index].entity != .max {
                if !rows[index].sessionKey.isNone { found[index].session = findSession(rows[index].sessionKey) }
            }
            for index in 0..<rows.count where found[index].entity != .max {
                if !rows[index].personKey.isNone { found[index].person = findPerson(rows[index].personKey) }
            }
            for index in 0..<rows.count where found[index].entity != .max {
                found[index].cell = findCell(Int(found[index].entity), rows[index].type) ?? .max
            }
            for index in 0..<rows.count where found[index].entity != .max { touch(found[index]) }
            for index in 0..<rows.count where found[index].entity != .max { touchPairs(rows, index, &found[index]) }
            for index in 0..<rows.count where found[index].entity != .max { touchNeighbours(found[index]) }
            for index in 0..<rows.count where found[index].entity != .max { count(rows, index, found[index]) }
            position = last
        }
    }

    /// Numbers of the records of a row; the greatest number stands for none.
    private struct Found {
        var entity: UInt32 = .max
        var session: UInt32 = .max
        var person: UInt32 = .max
        /// A guess: runs of cells may move until the row is counted.
        var cell: UInt32 = .max
        /// A guess, too: what the entity will be paired with.
        var partners = Partners()
    }

    @inline(__always)
    private mutating func findEntity(
        _ rows: UnsafeBufferPointer<InteractionRow>, _ index: Int, _ bytes: UnsafeRawBufferPointer
    ) -> UInt32 {
        if let number = entity(rows[index].entityKey) { return number }
        let span = rows[index].entityID
        let end = Int(span.offset) + Int(span.length)
        let id =
            span.isNone || end > bytes.count
            ? UnsafeRawBufferPointer(start: nil, count: 0)
            : UnsafeRawBufferPointer(rebasing: bytes[Int(span.offset)..<end])
        return addEntity(rows[index].entityKey, type: rows[index].entityType, id: id) ?? .max
    }

    /// Reads a little of everything that ``count(_:_:_:)`` will write, so that the waits for memory overlap.
    @inline(__always)
    private mutating func touch(_ found: Found) {
        if found.cell != .max {
            let cell = cells.address(found.cell)
            let (hours, minutes) = (cell.pointee.hours, cell.pointee.minutes)
            if hours.count > 0 { touched &+= buckets.address(hours.base &+ UInt32(hours.count) &- 1).pointee.count }
            if minutes.count > 0 {
                touched &+= buckets.address(minutes.base &+ UInt32(minutes.count) &- 1).pointee.count
            }
        }
        if found.person != .max {
            let person = persons.address(Int(found.person))
            let run = person.pointee.recents
            let next = Int(run.count) == Self.recentsKept ? person.pointee.head : max(run.count, 1) - 1
            if run.size != Run.none { touched &+= recents.address(run.base &+ UInt32(next)).pointee.entity }
        }
    }

    @inline(__always)
    private mutating func count(_ rows: UnsafeBufferPointer<InteractionRow>, _ index: Int, _ found: Found) {
        let receivedAt = rows[index].receivedAt
        let occurredAt = min(rows[index].occurredAt, receivedAt &+ Slots.ahead)
        let type = rows[index].type
        advance(to: receivedAt)
        countEntity(Int(found.entity), type, occurredAt, rows[index].position)
        let recent = Recent(position: rows[index].position, occurredAt: occurredAt, type: type, entity: found.entity)
        let weight = plan.preference(type)
        let amount = weight == 0 ? 0 : weight * preferenceDecay.factor(occurredAt)
        if amount > 0 { countPrice(Int(found.entity), amount) }
        if found.session != .max {
            if amount > 0, found.person == .max {
                pair(found.entity, partners(ofSession: Int(found.session), before: recent), amount)
            }
            if isSilent(Int(found.session)) { forgetWindow(of: Int(found.session)) }
            countSession(Int(found.session), occurredAt, plan.isPageView(type))
            keepWindow(recent, of: Int(found.session))
        }
        if found.person != .max {
            if amount > 0 { pair(found.entity, partners(ofPerson: Int(found.person), before: recent), amount) }
            prefer(Int(found.person), recent, amount)
            keep(recent, of: Int(found.person))
        }
    }

    /// Guesses what an entity will be paired with and reads a little of each.
    @inline(__always)
    private mutating func touchPairs(
        _ rows: UnsafeBufferPointer<InteractionRow>, _ index: Int, _ found: inout Found
    ) {
        guard plan.preference(rows[index].type) > 0 else { return }
        let recent = Recent(
            position: rows[index].position, occurredAt: rows[index].occurredAt, type: rows[index].type,
            entity: found.entity)
        if found.person != .max {
            found.partners = partners(ofPerson: Int(found.person), before: recent)
            touched &+= UInt32(persons.address(Int(found.person)).pointee.affinities.count)
        } else if found.session != .max {
            found.partners = partners(ofSession: Int(found.session), before: recent)
        }
        touched &+= traits.address(Int(found.entity)).pointee.brand
        for place in 0..<found.partners.count {
            touched &+= traits.address(Int(found.partners.entities[place])).pointee.brand
        }
    }

    /// Reads a little of each table of neighbours, and of affinities, that will be added to.
    @inline(__always)
    private mutating func touchNeighbours(_ found: Found) {
        if found.person != .max {
            let run = persons.address(Int(found.person)).pointee.affinities
            if run.count > 0 {
                let category = traits.address(Int(found.entity)).pointee.categories[0] &* 2
                let place = WeightSet.place(category, among: Int(run.count))
                touched &+= affinities.address(run.base &+ UInt32(place)).pointee.keys[0]
            }
        }
        let own = traits.address(Int(found.entity)).pointee.neighbours
        for place in 0..<found.partners.count {
            let partner = found.partners.entities[place]
            let run = traits.address(Int(partner)).pointee.neighbours
            if run.count > 0 {
                let set = WeightSet.place(found.entity, among: Int(run.count))
                touched &+= neighbours.address(run.base &+ UInt32(set)).pointee.keys[7]
            }
            if own.count > 0 {
                let set = WeightSet.place(partner, among: Int(own.count))
                touched &+= neighbours.address(own.base &+ UInt32(set)).pointee.keys[7]
            }
        }
    }

    @inline(__always)
    private mutating func countEntity(_ entity: Int, _ type: UInt16, _ occurredAt: Int64, _ position: Int64) {
        let record = entities.writable(entity)
        changes.add(UInt32(truncatingIfNeeded: entity), &record.pointee)
        if occurredAt > record.pointee.lastAt { record.pointee.lastAt = occurredAt }
        let place = totals.place(type)
        totals.byType[place].all &+= 1
        guard let number = self.cell(entity, type) else { return }
        let cell = cells.writable(number)
        cell.pointee.count &+= 1

        let hour = Slots.hour(occurredAt)
        guard hour >= hourFloor, Slots.isPlausible(hour) else { return }
        let inHour = Int(truncatingIfNeeded: occurredAt &- Int64(hour) &* 3_600_000)
        // Times before the year −243,000 have no hour of their own; they are long out of every window.
        guard inHour >= 0, inHour < 3_600_000 else { return }
        let minuteOfHour = inHour / 60_000
        let inMinute = decay.inMinute(inHour - minuteOfHour * 60_000)
        buckets.add(hour, inMinute * decay.minuteInHour(minuteOfHour), to: &cell.pointee.hours, floor: hourFloor)
        totals.byType[place].hours.add(hour, 1)
        totals.firstPositions.setOnce(hour, position)
        let minute = Slots.minute(occurredAt)
        let isRecent = minute >= minuteFloor && Slots.isPlausible(minute)
        if isRecent {
            buckets.add(minute, inMinute, to: &cell.pointee.minutes, floor: minuteFloor)
            totals.byType[place].minutes.add(minute, 1)
        }
        cell.pointee.due = min(cell.pointee.due, hour + (isRecent ? Self.minutesDue : Self.hoursDue))
    }

    // MARK: - Time

    /// Moves the watermark; every minute a part of the tables is swept, all of them within a day.
    @inline(__always)
    private mutating func advance(to receivedAt: Int64) {
        guard receivedAt > watermark, moveWatermark(to: receivedAt) else { return }
        sweepEntities(entities.count / 1440 + 1)
        sweepPersons(persons.count / 1440 + 1)
        sweepSessions(sessions.count / 1440 + 1)
    }
}
