internal import Domain

extension LiveCore {
    /// Number of the person with a key.
    @inline(__always)
    func person(_ key: Key128) -> UInt32? {
        personIndex.find(key) { persons[Int($0)].key == key }
    }

    /// Number of the person with a key, made when missing; the greatest number when there is none left.
    @inline(__always)
    mutating func findPerson(_ key: Key128) -> UInt32 {
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
    mutating func keep(_ recent: Recent, of index: Int) {
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
