import Domain
import Testing

@testable import Collect

@Suite struct SessioniserTests {
    static let timeout: Int64 = 30 * 60_000
    static let start: Int64 = 1_700_000_000_000
    let hasher = KeyHasher(seed: 99)

    /// The slow, obvious sessioniser: a list of sessions for each owner.
    struct Naive {
        struct Session {
            var id: String
            var start: Int64
            var last: Int64
        }

        var sessions: [String: [Session]] = [:]

        /// The session that a row belongs to; `nil` when a new one must begin.
        func session(_ owner: String, _ moment: Int64) -> String? {
            let near = sessions[owner, default: []].filter {
                $0.start - SessioniserTests.timeout < moment && moment < $0.last + SessioniserTests.timeout
            }
            func distance(_ session: Session) -> Int64 { max(session.start - moment, moment - session.last, 0) }
            return near.min { (distance($0), -$0.start) < (distance($1), -$1.start) }?.id
        }

        mutating func add(_ owner: String, _ id: String, _ moment: Int64) {
            var list = sessions[owner, default: []]
            if let index = list.firstIndex(where: { $0.id == id }) {
                list[index].start = min(list[index].start, moment)
                list[index].last = max(list[index].last, moment)
            } else {
                if list.count == 4 {
                    list.sort { ($0.last, $0.start) < ($1.last, $1.start) }
                    list.removeFirst()
                }
                list.append(Session(id: id, start: moment, last: moment))
            }
            sessions[owner] = list
        }
    }

    struct Sent {
        var user: String
        var browser: String?
        var occurredAt: Int64
        var named: String?

        var owner: String { user + "|" + (browser ?? "") }
    }

    func batch(_ rows: [Sent], receivedAt: Int64) -> InteractionBatch {
        var batch = InteractionBatch()
        for sent in rows {
            var row = InteractionRow()
            row.occurredAt = sent.occurredAt
            row.receivedAt = receivedAt
            row.userID = batch.append(sent.user)
            row.personKey = hasher.key(sent.user, .user)
            if let browser = sent.browser { row.browserSessionID = batch.append(browser) }
            if let named = sent.named {
                row.sessionID = batch.append(named)
                row.sessionKey = hasher.key(named, .session)
                row.namesSession = true
            }
            batch.rows.append(row)
        }
        return batch
    }

    func sessioniser(seed: UInt64, maximumSessions: Int = 1_000_000) -> Sessioniser {
        let generator = Box(SeededGenerator(seed: seed))
        return Sessioniser(
            hasher: hasher, timeout: SessioniserTests.timeout, maximumSessions: maximumSessions,
            random: { generator.value.next() })
    }

    final class Box<Value> {
        var value: Value
        init(_ value: Value) { self.value = value }
    }

    func contents(_ sessioniser: Sessioniser) -> Set<[UInt64]> {
        var result: Set<[UInt64]> = []
        sessioniser.table.forEach {
            result.insert([
                $0.key.high, $0.key.low, $0.id.high, $0.id.low, UInt64(bitPattern: $0.start),
                UInt64(bitPattern: $0.last), UInt64(bitPattern: $0.seen),
            ])
        }
        return result
    }

    @Test(
        "Sessions are those of a plain list of sessions, for streams in and out of order, with rollbacks and restarts",
        arguments: 1...30)
    func oracle(seed: UInt64) throws {
        var generator = SeededGenerator(seed: seed)
        var subject = sessioniser(seed: seed)
        var naive = Naive()
        var stored: [InteractionBatch] = []
        var snapshot = subject.encoded()
        var storedAtSnapshot = 0
        var now = SessioniserTests.start
        let users = Int.random(in: 1...30, using: &generator)
        let disorder = [0, 60_000, 3_600_000, 20 * 3_600_000][Int(seed % 4)]
        var created = 0
        var joined = 0
        var made: [String: String] = [:]

        for round in 0..<200 {
            now += Int64.random(in: 0...1_200_000, using: &generator)
            if Int.random(in: 0..<40, using: &generator) == 0 { now += 40_000_000 }
            let before = naive
            var moment = now - Int64.random(in: 0...Int64(disorder), using: &generator)
            let rows = (0..<Int.random(in: 1...30, using: &generator)).map { _ in
                if Bool.random(using: &generator) { moment += Int64.random(in: 0...600_000, using: &generator) }
                var sent = Sent(
                    user: "u\(Int.random(in: 0..<users, using: &generator))",
                    browser: ["tab1", "tab2", nil].randomElement(using: &generator) ?? nil, occurredAt: moment)
                switch Int.random(in: 0..<10, using: &generator) {
                case 0: sent.named = "client-\(Int.random(in: 0..<5, using: &generator))"
                case 1: sent.named = made.keys.min()
                default: break
                }
                return sent
            }
            var batch = batch(rows, receivedAt: now)
            subject.assign(&batch)
            for (index, sent) in rows.enumerated() {
                let id = try #require(batch.string(batch.rows[index].sessionID))
                #expect(batch.rows[index].sessionKey == hasher.key(id, .session))
                if let named = sent.named {
                    #expect(id == named)
                    // A client that names a session of the server's continues it.
                    if let browser = made[named] { naive.add(sent.user + "|" + browser, named, sent.occurredAt) }
                    continue
                }
                if let expected = naive.session(sent.owner, sent.occurredAt) {
                    #expect(id == expected, "seed \(seed), round \(round), row \(index)")
                    joined += 1
                } else {
                    #expect(made.updateValue(sent.browser ?? "", forKey: id) == nil, "seed \(seed), row \(index)")
                    created += 1
                }
                naive.add(sent.owner, id, sent.occurredAt)
            }
            if Int.random(in: 0..<6, using: &generator) == 0 {
                subject.rollback(to: 0)
                naive = before
            } else {
                subject.commit()
                stored.append(batch)
            }
            switch Int.random(in: 0..<20, using: &generator) {
            case 0:
                snapshot = subject.encoded()
                storedAtSnapshot = stored.count
            case 1:
                let old = contents(subject)
                subject = sessioniser(seed: seed &* 1000 &+ UInt64(round))
                #expect(snapshot.withUnsafeBytes { subject.decode($0) })
                for batch in stored[storedAtSnapshot...] {
                    var read = batch
                    for index in read.rows.indices {
                        // What the log does not keep.
                        read.rows[index].browserSessionID = .none
                        read.rows[index].namesSession = false
                    }
                    subject.observe(read)
                }
                // Sweeps come at other moments after a restart.
                let horizon = UInt64(now - 86_400_000)
                let difference = contents(subject).symmetricDifference(old).filter { $0[6] >= horizon }
                #expect(difference.isEmpty, "seed \(seed), round \(round)")
            default: break
            }
        }
        #expect(created > 20)
        #expect(joined > 20)
    }

    @Test("Silence of just under the timeout continues a session, the timeout itself ends it, before and after")
    func edges() throws {
        let subject = sessioniser(seed: 1)
        let start = SessioniserTests.start
        let timeout = SessioniserTests.timeout
        func id(_ moment: Int64) throws -> String {
            var batch = batch([Sent(user: "u", occurredAt: moment)], receivedAt: start + 10 * timeout)
            subject.assign(&batch)
            subject.commit()
            return try #require(batch.string(batch.rows[0].sessionID))
        }
        let first = try id(start)
        #expect(try id(start + timeout - 1) == first)
        #expect(try id(start - timeout + 1) == first)
        let after = try id(start + 2 * timeout - 1)
        let before = try id(start - 2 * timeout + 1)
        #expect(Set([first, after, before]).count == 3)
        #expect(subject.report.created == 3)
        #expect(subject.report.found == 2)
    }

    @Test("What an offline client sends a day later in order forms one session, and the current one goes on")
    func offline() throws {
        let subject = sessioniser(seed: 2)
        let now = SessioniserTests.start
        let minute: Int64 = 60_000
        var live = batch([Sent(user: "u", occurredAt: now)], receivedAt: now)
        subject.assign(&live)
        let rows = (0..<50).map { Sent(user: "u", occurredAt: now - 86_400_000 + $0 * 20 * minute) }
        var late = batch(rows, receivedAt: now + minute)
        subject.assign(&late)
        var next = batch([Sent(user: "u", occurredAt: now + 2 * minute)], receivedAt: now + 2 * minute)
        subject.assign(&next)
        #expect(Set(late.rows.map(\.sessionKey)).count == 1)
        #expect(live.rows[0].sessionKey == next.rows[0].sessionKey)
        #expect(live.rows[0].sessionKey != late.rows[0].sessionKey)
    }

    @Test("Browser sessions of one person, and the same one of two persons, are sessions apart")
    func browserSessions() {
        let subject = sessioniser(seed: 3)
        let now = SessioniserTests.start
        var batch = batch(
            [
                Sent(user: "a", occurredAt: now), Sent(user: "a", browser: "1", occurredAt: now),
                Sent(user: "a", browser: "2", occurredAt: now), Sent(user: "b", browser: "1", occurredAt: now),
                Sent(user: "a", browser: "1", occurredAt: now + 1), Sent(user: "a", occurredAt: now + 1),
            ], receivedAt: now)
        subject.assign(&batch)
        let keys = batch.rows.map(\.sessionKey)
        #expect(Set(keys).count == 4)
        #expect(keys[4] == keys[1] && keys[5] == keys[0])
    }

    @Test("Rejected and duplicate rows get no session; a row that names nobody gets one of its own")
    func others() throws {
        let subject = sessioniser(seed: 4)
        var batch = batch((0..<4).map { _ in Sent(user: "a", occurredAt: 5) }, receivedAt: 5)
        batch.rows[0].verdict = .rejected
        batch.rows[1].verdict = .duplicate
        batch.rows[2].personKey = .none
        batch.rows[3].personKey = .none
        subject.assign(&batch)
        subject.commit()
        #expect(batch.rows[0].sessionID.isNone && batch.rows[1].sessionID.isNone)
        #expect(batch.string(batch.rows[2].sessionID)?.count == 36)
        #expect(batch.rows[2].sessionKey != batch.rows[3].sessionKey)
        #expect(subject.report.created == 2 && subject.report.sessions == 0)
    }

    @Test("Sessions are forgotten a day after their last receipt, and sooner when there are too many")
    func sweeping() {
        let patient = sessioniser(seed: 5)
        let full = sessioniser(seed: 6, maximumSessions: 2000)
        var now = SessioniserTests.start
        var most = 0
        for round in 0..<3000 {
            // Ten new visitors a minute: 14,400 a day.
            now += 60_000
            let rows = (0..<10).map { Sent(user: "u\(round)-\($0)", occurredAt: now) }
            for subject in [patient, full] {
                var batch = batch(rows, receivedAt: now)
                subject.assign(&batch)
                subject.commit()
            }
            if round > 600 { most = max(most, full.report.sessions) }
        }
        // A sweep takes 256 commits here, a quarter of a day.
        #expect((14_400...18_500).contains(patient.report.sessions))
        #expect(patient.report.memoryBytes < 140 * 18_500)
        #expect(most < 8000)
        var batch = batch([Sent(user: "u2999-0", occurredAt: now)], receivedAt: now)
        patient.assign(&batch)
        patient.commit()
        #expect(patient.report.found == 1)
    }

    @Test("Bytes that are no snapshot are refused")
    func snapshots() {
        let subject = sessioniser(seed: 7)
        var batch = batch((0..<50).map { Sent(user: "u\($0)", occurredAt: 9) }, receivedAt: 9)
        subject.assign(&batch)
        subject.commit()
        var bytes = subject.encoded()
        #expect(bytes.withUnsafeBytes { sessioniser(seed: 8).decode($0) })
        for count in 0..<bytes.count {
            #expect(
                !bytes.withUnsafeBytes { sessioniser(seed: 8).decode(UnsafeRawBufferPointer(rebasing: $0[..<count])) })
        }
        bytes[0] = 2
        #expect(!bytes.withUnsafeBytes { sessioniser(seed: 8).decode($0) })
    }
}

@Suite struct SessionIDTests {
    let hasher = KeyHasher(seed: 4711)

    @Test("Ids read back from their text with their tag, look like version 8 UUIDs, and are nobody else's")
    func roundTrip() throws {
        var generator = SeededGenerator(seed: 5)
        let other = KeyHasher(seed: 4712)
        var recognised = 0
        for _ in 0..<20_000 {
            let tag = Bool.random(using: &generator) ? 0 : UInt32.random(in: 1...(.max), using: &generator)
            let id = SessionID(random: (generator.next(), generator.next()), tag: tag, hasher: hasher)
            let text = id.withText { String(decoding: $0, as: UTF8.self) }
            let shape = try Regex("[0-9a-f]{8}-[0-9a-f]{4}-8[0-9a-f]{3}-[89ab][0-9a-f]{3}-[0-9a-f]{12}")
            if recognised % 500 == 0 { #expect(text.wholeMatch(of: shape) != nil) }
            var copy = text
            let read = try #require(copy.withUTF8 { SessionID(text: UnsafeRawBufferPointer($0)) })
            #expect(read == id)
            #expect(read.tag(hasher) == tag)
            if read.tag(other) != nil { recognised += 1 }
            let altered = SessionID(high: id.high ^ 1 << UInt64.random(in: 16..<64, using: &generator), low: id.low)
            if altered.tag(hasher) != nil { recognised += 1 }
        }
        // 16 check bits: 40,000 strangers pass 0.6 times on average.
        #expect(recognised <= 6)
    }

    @Test(
        "Text that is not such an id is refused",
        arguments: [
            "", "x", "0190f5fe-7c00-8a00-8000-00000000000", "0190f5fe-7c00-8a00-8000-0000000000000",
            "0190F5FE-7c00-8a00-8000-000000000000", "0190f5fe_7c00-8a00-8000-000000000000",
            "0190f5fe-7c00-8a00-8000-00000000000g",
        ])
    func refusals(text: String) {
        var copy = text
        #expect(copy.withUTF8 { SessionID(text: UnsafeRawBufferPointer($0)) } == nil)
    }
}
