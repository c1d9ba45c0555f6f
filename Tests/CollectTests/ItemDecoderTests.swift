import Collect
import Domain
import JSON
import Testing

@Suite("The decoder of interactions")
struct ItemDecoderTests {
    @Test("A complete interaction keeps every field as it was sent")
    func complete() throws {
        let text = """
            {"interactions": [{"id": "i1", "type": "view", "entity_type": "product", "entity_id": "p1", "user_id": "u1",
              "anonymous_id": "a1", "session_id": "s1", "context": "homepage", "occurred_at": "2026-01-31T11:59:00.250Z",
              "list_id": "l1", "value": -0.0, "metadata": {"emoji": "😀", "zero": -0, "big": 12345678901234567890}}]}
            """
        let request = try decode(text, reception())
        #expect(request.verdicts == ["ok"])
        let row = request.batch.rows[0]
        func field(_ span: ByteSpan) -> String? { request.batch.string(span) }
        #expect(field(row.id) == "i1")
        #expect(field(row.typeName) == "view")
        #expect(row.originalType.isNone)
        #expect(field(row.entityTypeName) == "product")
        #expect(field(row.entityID) == "p1")
        #expect(field(row.userID) == "u1")
        #expect(field(row.anonymousID) == "a1")
        #expect(field(row.sessionID) == "s1")
        #expect(row.namesSession)
        #expect(field(row.context) == "homepage")
        #expect(row.occurredAt == noon - 59_750)
        #expect(field(row.listID) == "l1")
        #expect(row.value == 0 && row.value.sign == .minus)
        #expect(field(row.metadata) == #"{"emoji": "😀", "zero": -0, "big": 12345678901234567890}"#)
    }

    @Test(
        "What is wrong with an item is said by its code",
        arguments: [
            (#"{"entity_id":"p","user_id":"u"}"#, "missing_type"),
            (#"{"type":"nope","entity_id":"p","user_id":"u"}"#, "unknown_type"),
            (#"{"type":7,"entity_id":"p","user_id":"u"}"#, "unknown_type"),
            (#"{"type":"view","user_id":"u"}"#, "missing_entity_id"),
            (#"{"type":"view","entity_id":"","user_id":"u"}"#, "invalid_entity_id"),
            (#"{"type":"view","entity_id":1.5,"user_id":"u"}"#, "invalid_entity_id"),
            (#"{"type":"view","entity_id":["p"],"user_id":"u"}"#, "invalid_entity_id"),
            (#"{"type":"view","entity_id":"p"}"#, "missing_actor"),
            (#"{"type":"view","entity_id":"p","user_id":null}"#, "missing_actor"),
            (#"{"type":"view","entity_id":"p","user_id":true}"#, "invalid_user_id"),
            (#"{"type":"view","entity_id":"p","user_id":"u","entity_type":"nope"}"#, "unknown_entity_type"),
            (#"{"type":"view","entity_id":"p","user_id":"u","context":"garage"}"#, "unknown_context"),
            (#"{"type":"view","entity_type":"post","entity_id":"p","user_id":"u","context":"a b"}"#, "invalid_context"),
            (#"{"type":"view","entity_id":"p","user_id":"u","occurred_at":"yesterday"}"#, "invalid_time"),
            (#"{"type":"view","entity_id":"p","user_id":"u","occurred_at":1769860800000}"#, "invalid_time"),
            (#"{"type":"view","entity_id":"p","user_id":"u","occurred_at":"2025-01-01T00:00:00Z"}"#, "too_old"),
            (#"{"type":"view","entity_id":"p","user_id":"u","metadata":[1]}"#, "invalid_metadata"),
            (#"{"type":"view","entity_id":"p","user_id":"u","value":"3"}"#, "invalid_value"),
            (#"{"type":"view","entity_id":"p","user_id":"u","metadata":{"a":1e999}}"#, "number_out_of_range"),
            (#"{"type":"view","entity_id":"p","user_id":"u","metadata":{"a":"\u0000"}}"#, "invalid_unicode"),
            (#"{"type":"view","entity_id":"p","user_id":"u","metadata":{"a":1,"a":2}}"#, "duplicate_key"),
            (#"{"type":"view","eventType":"view","entity_id":"p","user_id":"u"}"#, "duplicate_key"),
            (#"{"type":"view","entity_id":"p","user_id":"u","colour":"red"}"#, "unknown_field"),
            (
                #"{"type":"review","entity_type":"review","entity_id":"r","user_id":"u","metadata":{"rating":"five"}}"#,
                "metadata_violates_schema"
            ),
            (
                #"{"type":"like","entity_type":"artist","entity_id":"a","user_id":"u","metadata":{}}"#,
                "metadata_violates_schema"
            ),
            (#"17"#, "not_an_object"),
        ])
    func refusals(item: String, code: String) throws {
        let request = try decode("{\"interactions\":[\(item)]}", reception())
        #expect(request.verdicts == [code])
        let message = request.batch.string(request.batch.rows[0].rejectionMessage) ?? ""
        #expect(message.count > 10, "\(message)")
    }

    @Test("Music's names are understood, its valid example is taken and its invalid ones are refused")
    func music() throws {
        let reception = try reception("music") { $0.defaultUser = "u" }
        let good = """
            {"eventType": "view", "entityType": "event", "entityId": "event-123", "metadata": {"artist_name":
             "Taylor Swift", "venue_name": "Madison Square Garden", "event_date": "2024-06-15T20:00:00Z"}}
            """
        #expect(try decode(good, reception).verdicts == ["ok"])
        #expect(try decode(#"{"eventType": "view"}"#, reception).verdicts == ["missing_entity_id"])
        let wrong = #"{"eventType": "invalid_type", "entityType": "event", "entityId": "event-123"}"#
        #expect(try decode(wrong, reception).verdicts == ["unknown_type"])
    }

    @Test("An alias is counted as its type and what was sent is kept")
    func alias() throws {
        let request = try decode(#"{"type":"add_to_cart","entity_id":7894675292299,"user_id":-3}"#, reception())
        let row = request.batch.rows[0]
        #expect(request.batch.string(row.typeName) == "cart_add")
        #expect(request.batch.string(row.originalType) == "add_to_cart")
        #expect(request.batch.string(row.entityID) == "7894675292299")
        #expect(request.batch.string(row.userID) == "-3")
    }

    @Test("A schema applies only when metadata is sent")
    func schemaNeedsMetadata() throws {
        let absent = #"{"type":"like","entity_type":"artist","entity_id":"a","user_id":"u"}"#
        let null = #"{"type":"like","entity_type":"artist","entity_id":"a","user_id":"u","metadata":null}"#
        #expect(try decode("[\(absent),\(null)]", reception()).verdicts == ["ok", "ok"])
    }

    @Test("The client's clock is corrected by when it says it sent")
    func clock() throws {
        func occurred(_ item: String, sentAt: String?) throws -> Int64 {
            let sent = sentAt.map { #","sent_at":"\#($0)""# } ?? ""
            let body = #"{"interactions":[{"type":"view","entity_id":"p","user_id":"u"\#(item)}]\#(sent)}"#
            return try decode(body, reception()).batch.rows[0].occurredAt - noon
        }
        #expect(try occurred("", sentAt: nil) == 0)
        // Two minutes before sending, on a clock that is an hour ahead.
        #expect(try occurred(#","occurred_at":"2026-01-31T12:58:00Z""#, sentAt: "2026-01-31T13:00:00Z") == -120_000)
        #expect(try occurred(#","occurred_at":"2026-01-31T11:58:00Z""#, sentAt: nil) == -120_000)
        // Up to five minutes ahead is believed, more becomes the time of receipt.
        #expect(try occurred(#","occurred_at":"2026-01-31T12:05:00Z""#, sentAt: nil) == 300_000)
        #expect(try occurred(#","occurred_at":"2026-01-31T12:05:00.001Z""#, sentAt: nil) == 0)
        #expect(try occurred(#","occurred_at":"9999-12-31T23:59:59Z""#, sentAt: "0001-01-01T00:00:00Z") == 0)
    }

    @Test("Imports may be of any age")
    func imports() throws {
        let reception = try reception { $0.isImport = true }
        let item = #"{"type":"view","entity_id":"p","user_id":"u","occurred_at":"1997-09-20T03:05:10Z"}"#
        let request = try decode(item, reception)
        #expect(request.verdicts == ["ok"])
        #expect(Timestamp(milliseconds: request.batch.rows[0].occurredAt).rfc3339 == "1997-09-20T03:05:10.000Z")
    }

    @Test("Limits on ids and metadata hold to the byte")
    func limits() throws {
        func item(id: Int, padding: Int, depth: Int) -> String {
            let nested = String(repeating: "[", count: depth - 1) + String(repeating: "]", count: depth - 1)
            let id = String(repeating: "x", count: id)
            let metadata = #"{"a":\#(nested.isEmpty ? "1" : nested),"b":"\#(String(repeating: "y", count: padding))"}"#
            return #"{"type":"view","entity_id":"\#(id)","user_id":"u","metadata":\#(metadata)}"#
        }
        let fixed = #"{"a":1,"b":""}"#.utf8.count
        #expect(try decode(item(id: 256, padding: 32_768 - fixed, depth: 1), reception()).verdicts == ["ok"])
        #expect(try decode(item(id: 257, padding: 0, depth: 1), reception()).verdicts == ["entity_id_too_long"])
        #expect(
            try decode(item(id: 1, padding: 32_769 - fixed, depth: 1), reception()).verdicts == ["metadata_too_large"])
        #expect(try decode(item(id: 1, padding: 0, depth: 32), reception()).verdicts == ["ok"])
        #expect(try decode(item(id: 1, padding: 0, depth: 33), reception()).verdicts == ["metadata_too_deep"])
        let brackets =
            #"{"type":"view","entity_id":"p","user_id":"u","metadata":{"a":"\#(String(repeating: "[", count: 99))"}}"#
        #expect(try decode(brackets, reception()).verdicts == ["ok"])
    }

    @Test("A value is taken when it comes back as the number that was sent, and refused when a float would change it")
    func values() throws {
        let kept = [
            "0.1", "1e300", "12.50", "-0", "0.0", "0e99", "9007199254740992", "1E2", "5e-324",
            "1.7976931348623157e308", "100000000000000000000", "123456789012345", "0.30000000000000004",
        ]
        let changed = [
            "9007199254740993", "-9007199254740993", "1e-400", "123456789012345678901234567890",
            "0.1000000000000000055",
            "9223372036854775807", "18446744073709551615", "4e-324", "3.14159265358979323846",
        ]
        for value in kept + changed {
            let body = #"{"type":"view","entity_id":"p","user_id":"u","value":\#(value)}"#
            let request = try decode(body, reception())
            #expect(request.verdicts == [kept.contains(value) ? "ok" : "inexact_value"], "\(value)")
            if kept.contains(value) { #expect(request.batch.rows[0].value == Double(value), "\(value)") }
        }
    }

    @Test("A refused item is kept in the canonical shape and passes once what was wrong is mended")
    func replay() throws {
        let reception = try reception { $0.defaultUser = "u9" }
        let body = #"{"post_id":"x1","interaction_type":"zap","metadata":{"duration":5}}"#
        let refused = try Array(body.utf8).withBytes { (bytes) throws(FootfallError) in
            try RequestDecoder().feed(bytes, reception)
        }
        #expect(refused.verdicts == ["unknown_type"])
        let raw = try #require(refused.batch.string(refused.batch.rows[0].raw))
        var plan = try #require(try TrackingPlan.preset("feed"))
        var zap = plan.interactionTypes[1]
        zap.name = "zap"
        plan.interactionTypes.append(zap)
        var mended = reception
        mended.plan = try CompiledPlan(plan, version: 2, names: NameTable())
        mended.defaultUser = nil
        let request = RequestDecoder().replay([(raw: raw, receivedAt: noon - 5, sentAt: nil)], mended)
        #expect(request.verdicts == ["ok"])
        #expect(request.batch.string(request.batch.rows[0].userID) == "u9")
        #expect(request.batch.rows[0].receivedAt == noon - 5)
        #expect(request.batch.string(request.batch.rows[0].entityTypeName) == "post")
    }
}
