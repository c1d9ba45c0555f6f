internal import Domain

extension LiveCore {
    /// Applies up to `limit` accepted interactions from a place in batches on, which it moves. Rows that are not accepted, or
    /// not after the last position, are passed over.
    ///
    /// Nearly all that is looked at is somewhere else in memory for every row, so rows are taken in groups, whatever batch
    /// they are of: each step asks for what the next one will look at, for all rows, and the waits overlap. What rows change,
    /// they change one after another in the last step, so that groups can be cut anywhere.
    mutating func apply(_ batches: [InteractionBatch], from place: inout BatchPlace, limit: Int) {
        withUnsafeTemporaryAllocation(of: AppliedRow.self, capacity: min(limit, AppliedRow.group)) { room in
            var rest = limit
            while rest > 0 {
                let count = take(batches, &place, UnsafeMutableBufferPointer(rebasing: room[..<min(rest, room.count)]))
                if count == 0 { break }
                apply(batches, UnsafeMutableBufferPointer(rebasing: room[..<count]))
                rest -= count
            }
        }
    }

    /// Takes the next rows that are to be applied and asks for where they are found; says how many there were.
    @inline(__always)
    private mutating func take(
        _ batches: [InteractionBatch], _ place: inout BatchPlace, _ room: UnsafeMutableBufferPointer<AppliedRow>
    ) -> Int {
        var count = 0
        while place.batch < batches.count, count < room.count {
            batches[place.batch].rows.withUnsafeBufferPointer { rows in
                while place.row < rows.count, count < room.count {
                    let index = place.row
                    place.row += 1
                    guard rows[index].verdict == .accepted, rows[index].position > position else { continue }
                    position = rows[index].position
                    room[count] = AppliedRow(rows[index], batch: place.batch)
                    entityIndex.prefetch(rows[index].entityKey)
                    if !rows[index].sessionKey.isNone { sessionIndex.prefetch(rows[index].sessionKey) }
                    if !rows[index].personKey.isNone { personIndex.prefetch(rows[index].personKey) }
                    count += 1
                }
                if place.row == rows.count { place = BatchPlace(batch: place.batch + 1) }
            }
        }
        return count
    }

    @inline(__always)
    private mutating func apply(_ batches: [InteractionBatch], _ rows: UnsafeMutableBufferPointer<AppliedRow>) {
        for index in rows.indices { prefetchRecords(rows[index]) }
        var met: UInt64 = 0
        for index in rows.indices {
            rows[index].entity = findEntity(batches, rows[index])
            if rows[index].entity == .max { continue }
            if !rows[index].sessionKey.isNone { rows[index].session = findSession(rows[index].sessionKey) }
            if !rows[index].personKey.isNone { rows[index].person = findPerson(rows[index].personKey) }
            let mark: UInt64 = 1 << UInt64(rows[index].person & 63)
            rows[index].isFirst = met & mark == 0
            met |= mark
            prefetchRuns(rows[index])
        }
        for index in rows.indices where rows[index].entity != .max { guessPartners(rows, index) }
        for index in rows.indices where rows[index].entity != .max { prefetchTables(rows[index]) }
        for index in rows.indices where rows[index].entity != .max { count(rows, index) }
    }

    @inline(__always)
    private mutating func findEntity(_ batches: [InteractionBatch], _ row: AppliedRow) -> UInt32 {
        if let number = entity(row.entityKey) { return number }
        let batch = batches[row.batch]
        return batch.bytes.withUnsafeBytes { bytes in
            addEntity(row.entityKey, type: row.entityType, id: batch.slice(bytes, row.entityID)) ?? .max
        }
    }

    /// Asks for the records that a row's keys lead to.
    @inline(__always)
    private func prefetchRecords(_ row: AppliedRow) {
        if let number = entityIndex.guess(row.entityKey) {
            entities.prefetch(Int(number))
            traits.prefetch(Int(number))
            meetings.prefetch(Int(number))
            circles.prefetch(Int(number))
        }
        if !row.sessionKey.isNone, let number = sessionIndex.guess(row.sessionKey) { sessions.prefetch(Int(number)) }
        if !row.personKey.isNone, let number = personIndex.guess(row.personKey) { persons.prefetch(Int(number)) }
    }

    /// Asks for what belongs to a row's entity, session and person.
    @inline(__always)
    private func prefetchRuns(_ row: AppliedRow) {
        let run = entities.address(Int(row.entity)).pointee.cells
        cells.prefetch(run, 0)
        if run.count > 1 { cells.prefetch(run, 1) }
        if run.count > 2 { cells.prefetch(run, 2) }
        if row.session != .max {
            let window = sessions.address(Int(row.session)).pointee.window
            windows.prefetch(window, 0)
            windows.prefetch(window, 4)
        }
        if row.person != .max {
            let people = circles.address(Int(row.entity)).pointee.people
            circleMembers.prefetch(people, max(0, Int(people.count) - 1))
        }
        if row.person != .max, row.isFirst {
            let person = persons.address(Int(row.person))
            let recents = person.pointee.recents
            // Three to a cache line, backwards from the newest.
            let newest = person.pointee.head == 0 ? Int(recents.count) : Int(person.pointee.head)
            for back in stride(from: 0, to: 16, by: 3) where newest >= back {
                self.recents.prefetch(recents, newest - back)
            }
        }
    }

    /// Guesses what an entity will be paired with, and asks for what leads there.
    @inline(__always)
    private func guessPartners(_ rows: UnsafeMutableBufferPointer<AppliedRow>, _ index: Int) {
        guard let row = rows.baseAddress.map({ $0 + index }) else { return }
        let run = entities.address(Int(row.pointee.entity)).pointee.cells
        for place in cells.elements(run) where place.type == row.pointee.type {
            buckets.prefetch(place.hours, max(0, Int(place.hours.count) - 1))
            buckets.prefetch(place.minutes, max(0, Int(place.minutes.count) - 1))
        }
        guard plan.preference(row.pointee.type) > 0 else { return }
        if row.pointee.person == .max {
            guard row.pointee.session != .max else { return }
            row.pointee.partners = partners(ofSession: Int(row.pointee.session), before: row.pointee.recent)
        } else if row.pointee.isFirst {
            row.pointee.partners = partners(ofPerson: Int(row.pointee.person), before: row.pointee.recent)
        } else {
            // Those of the same person before it in the group, and what the first of them is paired with.
            var other = index - 1
            while other >= 0, row.pointee.partners.count < Self.windowSize {
                defer { other -= 1 }
                guard rows[other].person == row.pointee.person, rows[other].entity != .max else { continue }
                row.pointee.partners.guess(rows[other].entity, except: row.pointee.entity)
                guard rows[other].isFirst else { continue }
                for place in 0..<rows[other].partners.count {
                    row.pointee.partners.guess(rows[other].partners.entities[place], except: row.pointee.entity)
                }
                break
            }
        }
        for place in 0..<row.pointee.partners.count { meetings.prefetch(Int(row.pointee.partners.entities[place])) }
    }

    /// Asks for each set of neighbours, and of affinities, that will be added to.
    @inline(__always)
    private func prefetchTables(_ row: AppliedRow) {
        if row.person != .max {
            let run = persons.address(Int(row.person)).pointee.affinities
            let traits = traits.address(Int(row.entity))
            for place in 0..<2 where run.count > 0 && traits.pointee.categories[place] != .max {
                let set = WeightSet.place(traits.pointee.categories[place] &* 2, among: Int(run.count))
                affinities.prefetch(run, set)
            }
            if run.count > 0, traits.pointee.brand != .max {
                affinities.prefetch(run, WeightSet.place(traits.pointee.brand &* 2 &+ 1, among: Int(run.count)))
            }
        }
        let own = meetings.address(Int(row.entity)).pointee.neighbours
        for place in 0..<row.partners.count {
            let partner = row.partners.entities[place]
            let run = meetings.address(Int(partner)).pointee.neighbours
            if run.count > 0 { neighbours.prefetch(run, WeightSet.place(row.entity, among: Int(run.count))) }
            if own.count > 0 { neighbours.prefetch(own, WeightSet.place(partner, among: Int(own.count))) }
        }
    }

    @inline(__always)
    private mutating func count(_ rows: UnsafeMutableBufferPointer<AppliedRow>, _ index: Int) {
        let recent = rows[index].recent
        let (entity, session, person) = (rows[index].entity, rows[index].session, rows[index].person)
        advance(to: rows[index].receivedAt)
        countEntity(Int(entity), recent.type, recent.occurredAt, recent.position)
        let weight = plan.preference(recent.type)
        let amount = weight == 0 ? 0 : weight * preferenceDecay.factor(recent.occurredAt)
        if amount > 0 { countPrice(Int(entity), amount) }
        if session != .max {
            if amount > 0, person == .max {
                pair(entity, partners(ofSession: Int(session), before: recent), amount)
            }
            if isSilent(Int(session)) { forgetWindow(of: Int(session)) }
            countSession(Int(session), recent.occurredAt, plan.isPageView(recent.type))
            keepWindow(recent, of: Int(session))
        }
        if person != .max {
            if amount > 0 {
                if rows[index].isFirst {
                    pair(entity, rows[index].partners, amount)
                } else {
                    pair(entity, partners(ofPerson: Int(person), before: recent), amount)
                }
            }
            join(person, Int(entity), isFor: amount > 0, isOrder: plan.isOrder(recent.type))
            prefer(Int(person), recent, amount)
            keep(recent, of: Int(person))
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

/// Where in batches a row stands.
struct BatchPlace {
    var batch = 0
    var row = 0
}

/// What applying needs of a row, and what it finds out; the greatest number stands for none.
private struct AppliedRow {
    let receivedAt: Int64
    let occurredAt: Int64
    let position: Int64
    let type: UInt16
    let entityType: UInt16
    let entityID: ByteSpan
    let batch: Int
    let entityKey: Key128
    let sessionKey: Key128
    let personKey: Key128
    var entity: UInt32 = .max
    var session: UInt32 = .max
    var person: UInt32 = .max
    /// Whether no earlier row of the group is of the same person, so that ``partners`` is no guess.
    var isFirst = false
    /// What the entity will be paired with.
    var partners = Partners()

    /// Rows that are applied together.
    static let group = 32

    @inline(__always)
    init(_ row: InteractionRow, batch: Int) {
        receivedAt = row.receivedAt
        occurredAt = min(row.occurredAt, row.receivedAt &+ Slots.ahead)
        position = row.position
        type = row.type
        entityType = row.entityType
        entityID = row.entityID
        self.batch = batch
        entityKey = row.entityKey
        sessionKey = row.sessionKey
        personKey = row.personKey
    }

    @inline(__always) var recent: Recent {
        Recent(position: position, occurredAt: occurredAt, type: type, entity: entity)
    }
}
