internal import Domain
internal import Storage

extension LiveCore {
    /// Moves the position forward.
    mutating func move(to position: Int64?) {
        if let position, position > self.position { self.position = position }
    }

    /// Adds what clean-up has folded.
    mutating func restore(_ total: DailyTotal) {
        guard total.count > 0, let entityType = names.intern(total.entityType), let type = names.intern(total.type)
        else { return }
        if type == searchType { return countShown(type: entityType, id: total.entityID, times: total.count) }
        let key = entityKey(entityType, total.entityID)
        var id = total.entityID
        guard
            let number = entity(key)
                ?? id.withUTF8({ addEntity(key, type: entityType, id: UnsafeRawBufferPointer($0)) })
        else { return }
        changes.add(number, &entities.writable(Int(number)).pointee)
        entities[Int(number)].lastAt = max(entities[Int(number)].lastAt, total.lastAt)
        totals.byType[totals.place(type)].all &+= total.count
        if let cell = cell(Int(number), type) { cells[cell].count &+= total.count }
    }

    /// Drops old sessions among the next few thousand; false when there are none left to look at.
    mutating func dropSessions(
        before: Int64, from next: inout Int, _ days: inout [Int64: (sessions: Int64, bounces: Int64)]
    ) -> Bool {
        let end = min(next + 4096, sessions.count)
        for index in next..<max(next, end) {
            let record = sessions[index]
            guard record.count > 0, record.last < before else { continue }
            let day = Timestamp(milliseconds: record.start).day
            days[day, default: (0, 0)].sessions += 1
            if record.isBounce { days[day, default: (0, 0)].bounces += 1 }
            let number = UInt32(truncatingIfNeeded: index)
            sessionIndex.remove(record.key, number)
            windows.release(&sessions[index].window)
            sessions[index] = SessionRecord()
            freeSessions.append(number)
        }
        next = end
        return end < sessions.count
    }

    /// Drops old interactions of the next few hundred persons; false when there are none left to look at.
    mutating func dropRecents(before: Int64, from next: inout Int) -> Bool {
        let end = min(next + 512, persons.count)
        for index in next..<max(next, end) {
            let run = persons[index].recents
            guard run.count > 0 else { continue }
            dropOrders(of: index, before: before)
            let head = Int(persons[index].head)
            guard recents[run.base + UInt32(head)].occurredAt < before else { continue }
            let kept = recents(of: index).filter { $0.occurredAt >= before }
            recents.release(&persons[index].recents)
            persons[index].head = 0
            if kept.isEmpty {
                let number = UInt32(truncatingIfNeeded: index)
                personIndex.remove(persons[index].key, number)
                affinities.release(&persons[index].affinities)
                orders.release(&persons[index].orders)
                persons[index] = PersonRecord()
                freePersons.append(number)
            } else if recents.reserve(&persons[index].recents, kept.count) {
                let base = persons[index].recents.base
                for (offset, recent) in kept.enumerated() { recents[base + UInt32(offset)] = recent }
                persons[index].recents.count = UInt16(kept.count)
                // Whatever is no longer among the last ones is older than what has just gone, so these are all that are left.
                deriveAnew(index, from: kept)
            }
        }
        next = end
        return end < persons.count
    }

    private mutating func dropOrders(of person: Int, before: Int64) {
        let run = persons[person].orders
        guard orders.elements(run).contains(where: { $0.time < before }) else { return }
        let kept = orders.elements(run).filter { $0.time >= before }
        orders.release(&persons[person].orders)
        guard !kept.isEmpty, orders.reserve(&persons[person].orders, kept.count) else { return }
        let base = persons[person].orders.base
        for (offset, order) in kept.enumerated() { orders[base + UInt32(offset)] = order }
        persons[person].orders.count = UInt16(kept.count)
    }
}
