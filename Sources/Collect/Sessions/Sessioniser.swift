public import Domain
internal import Synchronization

/// Gives every accepted interaction its session.
///
/// A session that the client names is used as it is. Otherwise the interaction joins the session of its person and
/// browser session that is nearest to it in time and less than ``timeout`` away, before or after; or begins one. The last
/// four sessions of each are remembered, so that interactions that arrive late and in order (a client that was offline)
/// form one session beside the current one. Ids are ``SessionID``s, so ``observe(_:)`` can learn from the log which
/// sessions are the server's own.
///
/// Memory: 75 to 120 bytes a session; one is forgotten when nothing was received for it for twice the timeout, and at
/// least a day, or sooner when there are more than ``maximumSessions``. Writer thread only, ``report`` apart.
public final class Sessioniser: @unchecked Sendable {
    /// What a sessioniser has done, and holds.
    public struct Report: Sendable, Equatable {
        /// Sessions begun.
        public var created: Int64 = 0
        /// Interactions that joined a session the server had made.
        public var found: Int64 = 0
        /// Interactions left without a session, because their batch had no room for its id.
        public var failed: Int64 = 0
        /// Sessions remembered.
        public var sessions = 0
        /// Memory, in bytes.
        public var memoryBytes = 0
    }

    /// Whose session it is: the person and the browser session.
    private struct Owner {
        var key: Key128
        /// Stands for the browser session; 0 without one.
        var tag: UInt32
    }

    private enum Change {
        case created(Key128, SessionID, evicted: SessionTable.Session?)
        case extended(SessionTable.Session)
        /// Begun for a row that names nobody, so that none can join it.
        case lone
    }

    /// Silence that ends a session, in milliseconds.
    @exclusivity(unchecked)
    public var timeout: Int64
    /// How many sessions are remembered before older ones are forgotten early.
    public let maximumSessions: Int

    let table = SessionTable()
    private let hasher: KeyHasher
    private let random: () -> UInt64
    /// The latest time of receipt.
    @exclusivity(unchecked)
    var newest = Int64.min
    @exclusivity(unchecked)
    private var changes: [Change] = []
    /// Written so that the loads which warm the cache are not left out.
    @exclusivity(unchecked)
    private var cacheTouches: UInt64 = 0
    private let owners = UnsafeMutablePointer<Owner>.allocate(capacity: Sessioniser.group)
    private static let group = 32
    private var failures: Int64 = 0
    private var nextSegment = 0
    private var sweptAt = Int64.min
    /// Halved for as long as there are too many sessions.
    private var patience: Int64 = 1
    private let published = Mutex(Report())

    /// A sessioniser that remembers nothing.
    ///
    /// - Parameters:
    ///   - hasher: the tenant's.
    ///   - timeout: silence that ends a session, in milliseconds.
    ///   - maximumSessions: how many to remember at most; a million cost about 100 MB.
    ///   - random: gives random numbers for ids; the system's unless given.
    public init(
        hasher: KeyHasher, timeout: Int64 = 30 * 60_000, maximumSessions: Int = 4_000_000,
        random: (() -> UInt64)? = nil
    ) {
        self.hasher = hasher
        self.timeout = timeout
        self.maximumSessions = maximumSessions
        let source = RandomSource()
        self.random = random ?? { source() }
    }

    deinit { owners.deallocate() }

    // MARK: - Rows

    /// Gives every accepted row of a batch its session: appends new text to the batch and sets `sessionID` and
    /// `sessionKey`. Some 100 ns a row. Undone by ``rollback(to:)``, kept by ``commit()``.
    public func assign(_ batch: inout InteractionBatch) {
        var previous: (id: SessionID, span: ByteSpan, key: Key128)?
        batch.bytes.reserveCapacity(batch.bytes.count + batch.rows.count * SessionID.textLength)
        var first = 0
        while first < batch.rows.count {
            let end = min(first + Sessioniser.group, batch.rows.count)
            // The cache misses of a group overlap.
            var touched: UInt64 = 0
            for index in first..<end {
                let owner = owner(of: batch.rows[index], in: batch)
                owners[index - first] = owner
                touched ^= table.touch(owner.key)
            }
            cacheTouches = touched
            for index in first..<end where batch.rows[index].verdict == .accepted {
                if batch.rows[index].namesSession {
                    learn(batch.rows[index], in: batch)
                    continue
                }
                let id = join(
                    owners[index - first], occurredAt: batch.rows[index].occurredAt,
                    receivedAt: batch.rows[index].receivedAt)
                if previous?.id != id {
                    previous = id.withText { text in
                        let span = batch.append(text)
                        return span.isNone ? nil : (id, span, hasher.key(text, .session))
                    }
                }
                guard let previous else {
                    failures += 1
                    continue
                }
                batch.rows[index].sessionID = previous.span
                batch.rows[index].sessionKey = previous.key
            }
            first = end
        }
    }

    /// The session that a row of this person at a moment was given, as text appended to the batch; none when it is not
    /// remembered.
    func recall(_ row: InteractionRow, at moment: Int64, in batch: inout InteractionBatch) -> ByteSpan {
        let owner = owner(of: row, in: batch)
        guard !owner.key.isNone, let session = table.nearest(owner.key, to: moment, reach: timeout) else {
            return .none
        }
        return session.pointee.id.withText { batch.append($0) }
    }

    /// Learns from rows of the log, in order, as if they had just been given their sessions.
    public func observe(_ batch: InteractionBatch) {
        for row in batch.rows { learn(row, in: batch) }
        changes.removeAll(keepingCapacity: true)
        sweep()
        publish()
    }

    /// Whose session a row wants.
    @inline(__always)
    private func owner(of row: InteractionRow, in batch: InteractionBatch) -> Owner {
        guard !row.browserSessionID.isNone else { return Owner(key: row.personKey, tag: 0) }
        let key = batch.bytes.withUnsafeBytes { hasher.key(batch.slice($0, row.browserSessionID), .browserSession) }
        if row.personKey.isNone { return Owner(key: key, tag: 0) }
        let tag = max(1, UInt32(truncatingIfNeeded: key.low))
        return Owner(key: Sessioniser.tableKey(row.personKey, tag), tag: tag)
    }

    /// Different for different tags of the same person.
    @inline(__always)
    private static func tableKey(_ person: Key128, _ tag: UInt32) -> Key128 {
        Key128(high: person.high ^ (UInt64(tag) &* 0x9e37_79b9_7f4a_7c15), low: person.low)
    }

    private func join(_ owner: Owner, occurredAt: Int64, receivedAt: Int64) -> SessionID {
        newest = max(newest, receivedAt)
        if !owner.key.isNone, let session = table.nearest(owner.key, to: occurredAt, reach: timeout) {
            extend(session, occurredAt, receivedAt)
            return session.pointee.id
        }
        let id = SessionID(random: (random(), random()), tag: owner.tag, hasher: hasher)
        if owner.key.isNone {
            changes.append(.lone)
        } else {
            begin(owner.key, id, occurredAt, receivedAt)
        }
        return id
    }

    /// Takes a row with a session into account, if the server made that session's id and its person is known.
    private func learn(_ row: InteractionRow, in batch: InteractionBatch) {
        newest = max(newest, row.receivedAt)
        guard row.sessionID.length == UInt32(SessionID.textLength), !row.personKey.isNone else { return }
        let id = batch.bytes.withUnsafeBytes { SessionID(text: batch.slice($0, row.sessionID)) }
        guard let id, let tag = id.tag(hasher) else { return }
        let key = Sessioniser.tableKey(row.personKey, tag)
        if let session = table.session(key, id) {
            extend(session, row.occurredAt, row.receivedAt)
        } else {
            begin(key, id, row.occurredAt, row.receivedAt)
        }
    }

    @inline(__always)
    private func extend(_ session: UnsafeMutablePointer<SessionTable.Session>, _ occurredAt: Int64, _ seen: Int64) {
        changes.append(.extended(session.pointee))
        session.pointee.start = min(session.pointee.start, occurredAt)
        session.pointee.last = max(session.pointee.last, occurredAt)
        session.pointee.seen = max(session.pointee.seen, seen)
    }

    private func begin(_ key: Key128, _ id: SessionID, _ occurredAt: Int64, _ seen: Int64) {
        let evicted = table.insert(
            SessionTable.Session(key: key, id: id, start: occurredAt, last: occurredAt, seen: seen))
        changes.append(.created(key, id, evicted: evicted))
    }

    // MARK: - Ends of commits

    /// Where a later ``rollback(to:)`` can return to, within the running commit.
    public var mark: Int { changes.count }

    /// Forgets what was assigned since a mark; 0 is the commit's beginning.
    public func rollback(to mark: Int) {
        if mark <= 0 { failures = 0 }
        while changes.count > max(0, mark), let change = changes.popLast() {
            switch change {
            case .created(let key, let id, let evicted):
                table.remove(key, id)
                if let evicted { _ = table.insert(evicted) }
            case .extended(let before): table.session(before.key, before.id)?.pointee = before
            case .lone: break
            }
        }
    }

    /// Keeps what was assigned, and sweeps a part of the table.
    public func commit() {
        var created: Int64 = 0
        for change in changes {
            if case .extended = change { continue }
            created += 1
        }
        let found = Int64(changes.count) - created
        changes.removeAll(keepingCapacity: true)
        published.withLock { report in
            report.created += created
            report.found += found
            report.failed += failures
        }
        failures = 0
        sweep()
        publish()
    }

    /// What it has done, and holds, as of the last commit. Any thread.
    public var report: Report { published.withLock { $0 } }

    private func publish() {
        published.withLock { report in
            report.sessions = table.count
            report.memoryBytes = table.memoryBytes + changes.capacity * MemoryLayout<Change>.stride
        }
    }

    /// How long a session is remembered after the last receipt.
    private var memory: Int64 {
        let (twice, overflow) = timeout.multipliedReportingOverflow(by: 2)
        return overflow ? timeout : max(twice, Timestamp.millisecondsPerDay) / patience
    }

    /// One segment at a time; the whole table every ten minutes, or as fast as commits come when it is too full.
    private func sweep() {
        let isTooFull = table.count > maximumSessions
        if nextSegment == 0, !isTooFull, newest < sweptAt.addingReportingOverflow(600_000).partialValue, sweptAt != .min
        {
            return
        }
        if nextSegment == 0 { sweptAt = newest }
        table.sweep(segment: nextSegment, seenBefore: newest &- memory)
        nextSegment += 1
        guard nextSegment == SessionTable.segmentCount else { return }
        nextSegment = 0
        if table.count > maximumSessions {
            patience = min(patience * 2, 1 << 20)
        } else if table.count < maximumSessions / 2 {
            patience = 1
        }
    }
}
