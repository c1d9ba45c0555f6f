import Collect
import Domain
import JSON
import Testing

/// One of the ways in which a request can be received.
struct FuzzReception {
    let reception: Reception
    let names: NameTable

    /// Sixteen receptions: plans, limits, strictness, defaults, imports, clocks.
    static func all() throws -> [FuzzReception] {
        try (0..<16).map { number in
            let names = NameTable()
            let preset = ["default", "music", "default", "commerce", "default", "feed"][number % 6]
            var plan = try #require(try TrackingPlan.preset(preset))
            plan.isStrict = number % 8 == 6
            var settings = TenantSettings()
            if number >= 12 {
                settings.maximumIDBytes = 16
                settings.maximumMetadataBytes = 64
                settings.maximumMetadataDepth = 2
            }
            if number % 3 == 0 { settings.retentionDays = nil }
            var reception = Reception(
                receivedAt: noon, plan: try CompiledPlan(plan, version: UInt32(number + 1), names: names),
                limits: CollectionLimits(settings), hasher: KeyHasher(seed: UInt64(number)))
            if number % 4 == 1 { reception.defaultUser = "u1" }
            if number % 4 == 2 { reception.defaultVisitor = "v" }
            if number % 5 == 1 { reception.onlyUser = "u1" }
            reception.isImport = number % 7 == 6
            reception.sentAt =
                [nil, noon, nil, noon + 3_600_000, nil, Timestamp.earliest, noon - 1, Timestamp.latest][number / 2 % 8]
            reception.knowsEntity = { $0.low % 2 == 0 }
            return FuzzReception(reception: reception, names: names)
        }
    }
}

@Suite("Generated input into the decoder")
struct FuzzDecoderTests {
    /// Rows of a stream, checked one by one against the invariants, the oracle, and each line decoded by itself.
    private struct Judge {
        let setting: FuzzReception
        let decoder = RequestDecoder()
        let other = RequestDecoder()
        let parser = JSONParser()
        let invariants: FuzzInvariants
        let oracle: FuzzOracle

        init(_ setting: FuzzReception) {
            self.setting = setting
            invariants = FuzzInvariants(setting.reception, names: setting.names)
            oracle = FuzzOracle(setting.reception)
        }

        func stream(_ body: [UInt8]) throws(FootfallError) -> DecodedRequest {
            try body.withBytes { (bytes) throws(FootfallError) in try decoder.stream(bytes, setting.reception) }
        }

        func json(_ body: [UInt8], _ reception: Reception) throws(FootfallError) -> DecodedRequest {
            try body.withBytes { (bytes) throws(FootfallError) in try other.interactions(bytes, reception) }
        }

        /// Invariants of every row, and that accepted metadata is what was sent, byte for byte.
        func check(_ request: DecodedRequest, items: [[UInt8]]) throws {
            guard request.batch.rows.count == items.count else {
                throw FuzzFailure(
                    "\(request.batch.rows.count) rows of \(items.count) items", input: items.joined(separator: [10]))
            }
            for (row, item) in zip(request.batch.rows, items) {
                if let broken = invariants.broken(row, in: request.batch) { throw FuzzFailure(broken, input: item) }
                guard row.verdict == .accepted, !row.metadata.isNone else { continue }
                let sent = try parser.parse(item, maximumDepth: 512).member("metadata")
                let isSame = request.batch.bytes.withUnsafeBytes { bytes in
                    sent.map { JSONView.equal($0.raw, request.batch.slice(bytes, row.metadata)) } ?? false
                }
                if !isSame { throw FuzzFailure("the metadata is not what was sent", input: item) }
            }
        }

        func checkOracle(_ request: DecodedRequest, items: [[UInt8]]) throws {
            for (verdict, item) in zip(request.verdicts, items) {
                let expected = oracle.verdict(item) ?? "invalid_json"
                if verdict != expected { throw FuzzFailure("\(verdict) instead of \(expected)", input: item) }
            }
        }

        /// Each line by itself gets the row that it got among the others.
        func checkAlone(_ request: DecodedRequest, items: [[UInt8]]) throws {
            for (row, item) in zip(request.batch.rows, items) {
                let alone = try stream(item)
                let isSame =
                    alone.batch.rows.count == 1
                    && InteractionRow.same(
                        row, request.batch, alone.batch.rows[0], alone.batch, exceptID: isIDGiven(item))
                if !isSame { throw FuzzFailure("the line by itself gives another row", input: item) }
            }
        }

        private func isIDGiven(_ item: [UInt8]) -> Bool {
            guard let view = try? parser.parse(item, maximumDepth: 512) else { return false }
            return view.member("id")?.isNull ?? true
        }

        /// Accepted rows, written in the canonical shape and decoded again, are the same rows.
        func checkRoundTrip(_ request: DecodedRequest) throws {
            var reception = setting.reception
            reception.sentAt = nil
            reception.defaultUser = nil
            reception.defaultVisitor = nil
            var kept: [InteractionRow] = []
            var writer = JSONWriter(reserving: 4096)
            writer.beginArray()
            for row in request.batch.rows where row.verdict == .accepted {
                kept.append(row)
                write(row, request.batch, &writer)
            }
            writer.endArray()
            // An id given on arrival may be longer than a small limit allows ids of clients to be.
            reception.limits.maximumIDBytes = max(36, reception.limits.maximumIDBytes)
            let again = try json(writer.bytes, reception)
            for (row, second) in zip(kept, again.batch.rows) {
                let isSame = InteractionRow.same(row, request.batch, second, again.batch, exceptID: false)
                if !isSame {
                    let code = again.batch.string(second.rejectionCode) ?? "accepted"
                    throw FuzzFailure("an accepted row does not survive a round trip: \(code)", input: writer.bytes)
                }
            }
            if kept.count != again.batch.rows.count { throw FuzzFailure("rows are lost", input: writer.bytes) }
        }

        private func write(_ row: InteractionRow, _ batch: InteractionBatch, _ writer: inout JSONWriter) {
            func put(_ name: String, _ span: ByteSpan) {
                guard let text = batch.string(span) else { return }
                writer.key(name)
                writer.string(text)
            }
            writer.beginObject()
            put("id", row.id)
            put("type", row.originalType.isNone ? row.typeName : row.originalType)
            put("entity_type", row.entityTypeName)
            put("entity_id", row.entityID)
            put("user_id", row.userID)
            put("anonymous_id", row.anonymousID)
            put("session_id", row.sessionID)
            put("browser_session_id", row.browserSessionID)
            put("context", row.context)
            put("list_id", row.listID)
            writer.key("occurred_at")
            writer.string(Timestamp(milliseconds: row.occurredAt).rfc3339)
            if row.value.isFinite {
                writer.key("value")
                writer.double(row.value)
            }
            if !row.metadata.isNone {
                writer.key("metadata")
                batch.bytes.withUnsafeBytes { writer.raw(batch.slice($0, row.metadata)) }
            }
            writer.endObject()
        }

        /// What was refused is refused again, for the same reason, when its kept text is replayed under the same plan.
        func checkReplay(_ request: DecodedRequest) throws {
            let refused = request.batch.rows.filter { $0.verdict == .rejected }
            let sentAt = setting.reception.sentAt
            let items = refused.map { (raw: request.batch.string($0.raw) ?? "", receivedAt: noon, sentAt: sentAt) }
            let again = other.replay(items, setting.reception)
            for (row, verdict) in zip(refused, again.verdicts) {
                let code = request.batch.string(row.rejectionCode) ?? ""
                let raw = request.batch.string(row.raw) ?? ""
                // What was not UTF-8 is kept as text, with U+FFFD in place of what was not.
                if code == verdict || raw.unicodeScalars.contains("\u{fffd}") { continue }
                throw FuzzFailure("replayed: \(verdict) instead of \(code)", input: raw.utf8)
            }
            if again.batch.rows.count != refused.count { throw FuzzFailure("replayed rows are lost", input: []) }
        }
    }

    @Test(
        "Fuzz: every line of a stream becomes a row that holds, and the row it would become by itself", arguments: 0..<4
    )
    func lines(part: Int) throws {
        var generator = FuzzGenerator(random: Fuzz.random(UInt64(part)))
        let judges = try FuzzReception.all().map { Judge($0) }
        let goal = Fuzz.share(percent: 14)
        var fed = 0
        var accepted = 0
        var codes: Set<String> = []
        var round = part
        while fed < goal {
            let judge = judges[round % judges.count]
            var items: [[UInt8]] = []
            for _ in 0..<40 {
                var item: [UInt8] = []
                generator.object(FuzzGenerator.canonical, into: &item)
                if generator.random.chance(25) { generator.random.spoil(&item, from: 0) }
                for index in item.indices where item[index] == 10 { item[index] = 32 }
                if item.allSatisfy({ $0 == 32 || $0 == 9 || $0 == 13 }) { item = [0x31] }
                items.append(item)
            }
            let request = try judge.stream(Array(items.joined(separator: [10])))
            try judge.check(request, items: items)
            if round % 4 == part % 4 { try judge.checkOracle(request, items: items) }
            if round % 8 == 1 { try judge.checkAlone(request, items: items) }
            if round % 4 == 2 { try judge.checkReplay(request) }
            if round % 2 == 0 { try judge.checkRoundTrip(request) }
            accepted += request.batch.rows.count { $0.verdict == .accepted }
            codes.formUnion(request.verdicts)
            fed += items.count
            round += 1
        }
        // The generator is of use only while both verdicts, and most of the reasons, come up.
        #expect(accepted > goal / 10 && accepted < goal * 9 / 10, "\(accepted) of \(fed) accepted")
        let missing = FuzzInvariants.itemCodes.union(["ok"]).subtracting(codes)
        #expect(goal < 50_000 || missing.isEmpty, "never seen: \(missing.sorted())")
    }

    @Test("Fuzz: a batch in one body gives the verdicts of its items")
    func batches() throws {
        var generator = FuzzGenerator(random: Fuzz.random(100))
        let judges = try FuzzReception.all().map { Judge($0) }
        let goal = Fuzz.share(percent: 16)
        var fed = 0
        var taken = 0
        var round = 0
        while fed < goal {
            let judge = judges[round % judges.count]
            let shape = generator.random.below(3)
            var items: [[UInt8]] = []
            for _ in 0..<(shape == 2 ? 1 : 1 + generator.random.below(30)) {
                var item: [UInt8] = []
                generator.object(FuzzGenerator.canonical, into: &item)
                items.append(item)
            }
            var body: [UInt8] = []
            if shape == 0 { body.put("{\"interactions\":") }
            if shape < 2 { body.put("[") }
            body.append(contentsOf: items.joined(separator: [0x2c]))
            if shape < 2 { body.put("]") }
            if shape == 0 {
                if generator.random.chance(30) {
                    body.put(",\"sent_at\":")
                    generator.moment(into: &body)
                }
                body.put("}")
            }
            let isSpoilt = generator.random.chance(20)
            if isSpoilt { generator.random.spoil(&body, from: 0) }
            fed += items.count
            round += 1
            do throws(FootfallError) {
                let request = try judge.json(body, judge.setting.reception)
                taken += request.batch.rows.count
                for row in request.batch.rows {
                    if let broken = judge.invariants.broken(row, in: request.batch) {
                        throw FootfallError("broken", broken)
                    }
                }
                if isSpoilt || request.sentAt != judge.setting.reception.sentAt { continue }
                if request.isLone != (shape == 2) { throw FootfallError("broken", "isLone is wrong") }
                for (verdict, item) in zip(request.verdicts, items) {
                    let alone = try judge.stream(item.map { $0 == 10 ? 32 : $0 })
                    if alone.verdicts != [verdict] {
                        throw FootfallError("broken", "\(verdict), alone \(alone.verdicts)")
                    }
                }
            } catch {
                guard FuzzInvariants.requestCodes.contains(error.code), error.message.count >= 10 else {
                    throw FuzzFailure("\(error)", input: body, place: "round \(round)")
                }
            }
        }
        #expect(taken > goal / 10, "\(taken) of \(fed) items came in bodies that could be read")
    }

    @Test("Fuzz: the sources' own bodies become rows that hold or a refusal with a code", arguments: 0..<3)
    func sources(path: Int) throws {
        var generator = FuzzGenerator(random: Fuzz.random(200 + UInt64(path)))
        // Shop's and Ranking's paths speak of products, which two of the plans do not have.
        let judges = try FuzzReception.all().enumerated().filter { path == 0 || $0.offset % 2 == 0 }.map {
            Judge($0.element)
        }
        let goal = Fuzz.share(percent: 6)
        var accepted = 0
        var codes: Set<String> = []
        for round in 0..<goal {
            let judge = judges[round % judges.count]
            var body: [UInt8] = []
            let isBatch = path == 0 && round % 3 == 0
            if isBatch { body.put("{\"interactions\":[") }
            generator.object([FuzzGenerator.feed, FuzzGenerator.phoenix, FuzzGenerator.searchClick][path], into: &body)
            if isBatch { body.put("]}") }
            if generator.random.chance(20) { generator.random.spoil(&body, from: 0) }
            do throws(FootfallError) {
                let request = try body.withBytes { (bytes) throws(FootfallError) in
                    let reception = judge.setting.reception
                    return switch path {
                    case 0: try judge.decoder.feed(bytes, reception)
                    case 1: try judge.decoder.phoenix(bytes, reception).1
                    default: try judge.decoder.searchClick(bytes, reception)
                    }
                }
                for row in request.batch.rows {
                    if let broken = judge.invariants.broken(row, in: request.batch) {
                        throw FootfallError("broken", broken)
                    }
                    if row.verdict == .accepted { accepted += 1 }
                }
                codes.formUnion(request.verdicts)
                if round % 4 == 0 {
                    do { try judge.checkRoundTrip(request) } catch { throw FootfallError("broken", "\(error)") }
                }
                if round % 4 == 1 {
                    do { try judge.checkReplay(request) } catch { throw FootfallError("broken", "\(error)") }
                }
            } catch {
                guard FuzzInvariants.requestCodes.contains(error.code), error.message.count >= 10 else {
                    throw FuzzFailure("\(error)", input: body, place: "path \(path) round \(round)")
                }
            }
        }
        #expect(accepted > goal / 20, "\(accepted) of \(goal)")
        #expect(codes.count > 5, "\(codes.sorted())")
    }
}
