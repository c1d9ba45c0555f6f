import Collect
import Domain
import JSON
import Schema

/// The verdict on an item, read from the documents in the plainest way, with owned values: the oracle of the decoder.
struct FuzzOracle {
    let reception: Reception
    private let parser = JSONParser()

    init(_ reception: Reception) { self.reception = reception }

    private static let aliases = [
        "eventType": "type", "entityType": "entity_type", "entityId": "entity_id", "sessionId": "session_id",
    ]
    private static let fields: Set<String> = [
        "id", "type", "entity_type", "entity_id", "user_id", "anonymous_id", "session_id", "browser_session_id",
        "context",
        "occurred_at", "sent_at", "list_id", "value", "metadata",
    ]

    /// `ok` or the code of the refusal. `nil`: the text is not JSON.
    func verdict(_ item: [UInt8]) -> String? {
        guard let view = try? parser.parse(item, maximumDepth: 512) else { return nil }
        guard view.kind == .object else { return "not_an_object" }
        if view.containsDuplicateKey { return "duplicate_key" }
        if view.containsNUL { return "invalid_unicode" }
        if view.containsNumberOverflow { return "number_out_of_range" }
        var found: [String: JSONView] = [:]
        for (key, value) in view.members {
            let sent = String(decoding: key, as: UTF8.self)
            let name = FuzzOracle.aliases[sent] ?? sent
            guard FuzzOracle.fields.contains(name) else { return "unknown_field" }
            if value.isNull { continue }
            guard found.updateValue(value, forKey: name) == nil else { return "duplicate_key" }
        }
        return who(found) ?? when(found) ?? with(found) ?? "ok"
    }

    /// The text of an id, or the code of what is wrong with it.
    private func text(_ found: [String: JSONView], _ name: String) -> (text: String?, code: String?) {
        guard let view = found[name] else { return (nil, nil) }
        var text: String
        if let string = view.stringValue {
            text = string
        } else {
            text = String(decoding: view.raw, as: UTF8.self)
            // 12.0 is the whole number 12.
            if view.isNumber, let point = text.firstIndex(of: "."), text[point...].dropFirst().allSatisfy({ $0 == "0" })
            {
                text = String(text[..<point])
            }
            let isWhole = view.isNumber && text != "-0" && text.utf8.allSatisfy { "-0123456789".utf8.contains($0) }
            if !isWhole { return (nil, "invalid_\(name)") }
        }
        if text.isEmpty { return (nil, "invalid_\(name)") }
        if text.utf8.count > reception.limits.maximumIDBytes { return (nil, "\(name)_too_long") }
        return (text, nil)
    }

    private func entityType(_ found: [String: JSONView]) -> CompiledPlan.EntityType? {
        guard found["entity_type"] != nil else {
            return reception.plan.entityType(named: reception.plan.plan.defaultEntityType)
        }
        return text(found, "entity_type").text.flatMap { reception.plan.entityType(named: $0) }
    }

    private func who(_ found: [String: JSONView]) -> String? {
        if let only = reception.onlyUser {
            let user = text(found, "user_id")
            if user.code == "invalid_user_id" { return user.code }
            // One that is too long is another's too.
            if user.code != nil || user.text.map({ Array($0.utf8) != Array(only.utf8) }) ?? false {
                return "user_not_allowed"
            }
        }
        let type = text(found, "type")
        if found["type"] == nil { return "missing_type" }
        if let code = type.code { return code }
        let isKnown = reception.plan.plan.interactionTypes.contains { declared in
            ([declared.name] + declared.aliases).contains { $0.utf8.elementsEqual((type.text ?? "").utf8) }
        }
        if !isKnown { return "unknown_type" }
        if let code = text(found, "entity_type").code { return code }
        if entityType(found) == nil { return "unknown_entity_type" }
        if found["entity_id"] == nil { return "missing_entity_id" }
        let entity = text(found, "entity_id")
        if let code = entity.code { return code }
        if reception.plan.plan.isStrict, let id = entity.text, let type = entityType(found) {
            let key = Array(id.utf8).withUnsafeBytes { reception.hasher.entityKey($0, typeSalt: type.salt) }
            if !reception.knowsEntity(key) { return "unknown_entity" }
        }
        if let code = text(found, "user_id").code { return code }
        for name in ["anonymous_id", "session_id"] {
            if let code = text(found, name).code { return code }
        }
        let somebody = ["user_id", "anonymous_id", "session_id"].contains { found[$0] != nil }
        if !somebody, reception.defaultUser == nil, reception.defaultVisitor == nil { return "missing_actor" }
        for name in ["browser_session_id", "list_id"] {
            if let code = text(found, name).code { return code }
        }
        guard let context = found["context"] else { return nil }
        guard let name = context.stringValue else { return "invalid_context" }
        let allowed = reception.plan.plan.entityTypes.first { $0.name == entityType(found)?.name }?.contexts
        if let allowed { return allowed.contains { Array($0.utf8) == Array(name.utf8) } ? nil : "unknown_context" }
        let letters = "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789_-.:/".utf8
        let isShort = (1...64).contains(name.utf8.count) && name.utf8.allSatisfy { letters.contains($0) }
        return isShort ? nil : "invalid_context"
    }

    private func when(_ found: [String: JSONView]) -> String? {
        var times: [String: Int64] = [:]
        for name in ["sent_at", "occurred_at"] {
            guard let view = found[name] else { continue }
            guard let text = view.stringValue, let moment = Timestamp(rfc3339: text) else { return "invalid_time" }
            times[name] = moment.milliseconds
        }
        guard var occurredAt = times["occurred_at"], !reception.isImport else { return nil }
        if let sentAt = times["sent_at"] ?? reception.sentAt { occurredAt += reception.receivedAt - sentAt }
        if let days = reception.limits.retentionDays, occurredAt < reception.receivedAt - days * 86_400_000 {
            return "too_old"
        }
        return occurredAt < Timestamp.earliest ? "invalid_time" : nil
    }

    private func with(_ found: [String: JSONView]) -> String? {
        if let value = found["value"] {
            guard let number = value.double else { return "invalid_value" }
            guard comesBack(value, as: number) else { return "inexact_value" }
        }
        if let metadata = found["metadata"] {
            guard metadata.kind == .object else { return "invalid_metadata" }
            if metadata.raw.count > reception.limits.maximumMetadataBytes { return "metadata_too_large" }
            if depth(metadata) > reception.limits.maximumMetadataDepth { return "metadata_too_deep" }
            if entityType(found)?.schema?.isValid(metadata) == false { return "metadata_violates_schema" }
        }
        return text(found, "id").code
    }

    private func comesBack(_ view: JSONView, as number: Double) -> Bool {
        guard number.isFinite, let sent = JSONDecimal(view) else { return false }
        return Array("\(number)".utf8).withUnsafeBytes { JSONDecimal.compare(sent, JSONDecimal(numberText: $0)) == 0 }
    }

    private func depth(_ view: JSONView) -> Int {
        switch view.kind {
        case .array: 1 + (view.elements.map { depth($0) }.max() ?? 0)
        case .object: 1 + (view.members.map { depth($0.value) }.max() ?? 0)
        default: 0
        }
    }
}
