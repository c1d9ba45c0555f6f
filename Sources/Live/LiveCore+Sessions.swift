internal import Domain

extension LiveCore {
    /// Number of the session with a key.
    @inline(__always)
    func session(_ key: Key128) -> UInt32? {
        sessionIndex.find(key) { sessions[Int($0)].key == key }
    }

    /// Number of the session with a key, made when missing; the greatest number when there is none left.
    @inline(__always)
    mutating func findSession(_ key: Key128) -> UInt32 {
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

    /// Adds an interaction to a session and corrects the totals.
    @inline(__always)
    mutating func countSession(_ index: Int, _ occurredAt: Int64, _ isPageView: Bool) {
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
}
