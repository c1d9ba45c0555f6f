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
        if found.session != .max { countSession(Int(found.session), occurredAt, plan.isPageView(type)) }
        if found.person != .max {
            let recent = Recent(
                position: rows[index].position, occurredAt: occurredAt, type: type, entity: found.entity)
            keep(recent, of: Int(found.person))
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

    /// Hours after which no window sees a bucket of an hour, or of a minute.
    private static let hoursDue = Slots.hoursKept + 2
    private static let minutesDue = Slots.minutesKept / 60 + 1

    /// Moves the watermark; every hour a part of the entities is rid of buckets that no window sees any more.
    @inline(__always)
    private mutating func advance(to receivedAt: Int64) {
        guard receivedAt > watermark, moveWatermark(to: receivedAt) else { return }
        sweep(entities.count / 24 + 1)
    }

    private mutating func sweep(_ limit: Int) {
        let hour = Slots.hour(watermark)
        for _ in 0..<min(limit, entities.count) {
            if sweepNext >= entities.count { sweepNext = 0 }
            let run = entities.address(sweepNext).pointee.cells
            for place in run.base..<run.base + UInt32(run.count) where cells.address(place).pointee.due <= hour {
                let cell = cells.writable(place)
                buckets.trim(&cell.pointee.hours, before: hourFloor)
                buckets.trim(&cell.pointee.minutes, before: minuteFloor)
                cell.pointee.due = min(
                    buckets.elements(cell.pointee.hours).first.map { $0.slot + Self.hoursDue } ?? .max,
                    buckets.elements(cell.pointee.minutes).first.map { $0.slot / 60 + Self.minutesDue } ?? .max)
            }
            sweepNext += 1
        }
    }

    // MARK: - Sessions

    @inline(__always)
    func session(_ key: Key128) -> UInt32? {
        sessionIndex.find(key) { sessions[Int($0)].key == key }
    }

    @inline(__always)
    private mutating func findSession(_ key: Key128) -> UInt32 {
        if let number = session(key) { return number }
        var record = SessionRecord()
        record.key = key
        if let free = freeSessions.popLast() {
            sessions[Int(free)] = record
            sessionIndex.insert(key, free)
            return free
        }
        guard let number = UInt32(exactly: sessions.count), number < .max else { return .max }
        sessions.append(record)
        sessionIndex.insert(key, number)
        return number
    }

    @inline(__always)
    private mutating func countSession(_ index: Int, _ occurredAt: Int64, _ isPageView: Bool) {
        let place = sessions.writable(index)
        let before = place.pointee
        var record = before
        if record.count == 0 {
            record.start = occurredAt
            record.last = occurredAt
            totals.sessions &+= 1
        } else {
            record.start = min(record.start, occurredAt)
            record.last = max(record.last, occurredAt)
        }
        if record.count < .max { record.count += 1 }
        if isPageView, record.pageViews < .max { record.pageViews += 1 }
        place.pointee = record
        let moved = before.count == 0 || before.start != record.start
        if !moved, before.isBounce == record.isBounce { return }
        if before.count > 0, moved { addSession(before.start, -1) }
        if moved { addSession(record.start, 1) }
        if before.isBounce {
            totals.bounces &-= 1
            addBounce(before.start, -1)
        }
        if record.isBounce {
            totals.bounces &+= 1
            addBounce(record.start, 1)
        }
    }

    private mutating func addSession(_ start: Int64, _ amount: Int64) {
        let (hour, minute) = (Slots.hour(start), Slots.minute(start))
        if amount < 0 || hour >= hourFloor { totals.sessionHours.add(hour, amount) }
        if amount < 0 || minute >= minuteFloor { totals.sessionMinutes.add(minute, amount) }
    }

    private mutating func addBounce(_ start: Int64, _ amount: Int64) {
        let (hour, minute) = (Slots.hour(start), Slots.minute(start))
        if amount < 0 || hour >= hourFloor { totals.bounceHours.add(hour, amount) }
        if amount < 0 || minute >= minuteFloor { totals.bounceMinutes.add(minute, amount) }
    }

    // MARK: - Persons

    @inline(__always)
    func person(_ key: Key128) -> UInt32? {
        personIndex.find(key) { persons[Int($0)].key == key }
    }

    @inline(__always)
    private mutating func findPerson(_ key: Key128) -> UInt32 {
        if let number = person(key) { return number }
        var record = PersonRecord()
        record.key = key
        if let free = freePersons.popLast() {
            persons[Int(free)] = record
            personIndex.insert(key, free)
            return free
        }
        guard let number = UInt32(exactly: persons.count), number < .max else { return .max }
        persons.append(record)
        personIndex.insert(key, number)
        return number
    }

    /// Keeps an interaction among a person's last ones.
    @inline(__always)
    private mutating func keep(_ recent: Recent, of index: Int) {
        let person = persons.writable(index)
        let count = Int(person.pointee.recents.count)
        let isNewest = recent.occurredAt >= person.pointee.newest
        if count == Self.recentsKept {
            let head = Int(person.pointee.head)
            if isNewest {
                recents.writable(person.pointee.recents.base + UInt32(head)).pointee = recent
                person.pointee.head = UInt16(head + 1 == count ? 0 : head + 1)
                person.pointee.newest = recent.occurredAt
            } else {
                insertIntoFull(recent, index)
            }
            return
        }
        if count == recents.capacity(person.pointee.recents.size) {
            guard recents.grow(&person.pointee.recents) else { return }
        }
        // The ring turns only once it is full; until then it begins at 0.
        let ring = recents.room(person.pointee.recents)
        var place = count
        if isNewest {
            person.pointee.newest = recent.occurredAt
        } else {
            while place > 0, recent < ring[place - 1] {
                ring[place] = ring[place - 1]
                place -= 1
            }
        }
        ring[place] = recent
        person.pointee.recents.count += 1
    }

    private mutating func insertIntoFull(_ recent: Recent, _ index: Int) {
        let run = persons[index].recents
        let head = Int(persons[index].head)
        let count = Self.recentsKept
        let ring = recents.room(run)
        // Older ones move back over the oldest until the place is found.
        guard !(recent < ring[head]) else { return }
        var place = head
        var next = head + 1 == count ? 0 : head + 1
        while next != head, ring[next] < recent {
            ring[place] = ring[next]
            place = next
            next = next + 1 == count ? 0 : next + 1
        }
        ring[place] = recent
    }

    /// A person's last interactions, oldest first.
    func recents(of index: Int) -> [Recent] {
        let ring = recents.elements(persons[index].recents)
        let head = Int(persons[index].head)
        return Array(ring[head...]) + Array(ring[..<head])
    }
}
