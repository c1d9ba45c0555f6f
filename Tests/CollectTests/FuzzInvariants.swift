import Collect
import Domain
import JSON

/// What must hold of every row that the decoder makes, whatever it was given.
struct FuzzInvariants {
    let reception: Reception
    let names: NameTable
    private let parser = JSONParser()

    init(_ reception: Reception, names: NameTable) {
        self.reception = reception
        self.names = names
    }

    /// Codes of refused items.
    static let itemCodes: Set<String> = {
        let texts = [
            "id", "type", "entity_type", "entity_id", "user_id", "anonymous_id", "session_id", "browser_session_id",
            "list_id",
        ]
        return Set(texts.flatMap { ["invalid_\($0)", "\($0)_too_long"] }).union([
            "not_an_object", "duplicate_key", "invalid_unicode", "number_out_of_range", "unknown_field", "invalid_json",
            "missing_type", "unknown_type", "missing_entity_id", "unknown_entity_type", "unknown_entity",
            "missing_actor",
            "user_not_allowed", "unknown_context", "invalid_context", "invalid_time", "too_old", "invalid_metadata",
            "metadata_too_large", "metadata_too_deep", "metadata_violates_schema", "invalid_value", "inexact_value",
        ])
    }()

    /// Codes of refused requests.
    static let requestCodes: Set<String> = [
        "json_empty", "invalid_json", "invalid_utf8", "invalid_surrogate", "json_too_deep", "invalid_body",
        "batch_too_large",
        "unknown_field", "duplicate_key", "invalid_unicode", "invalid_time", "missing_shop_domain", "missing_context",
        "missing_products",
        "missing_query", "empty_body", "invalid_id", "id_too_long", "metadata_too_large",
    ]

    /// The first invariant that a row breaks.
    func broken(_ row: InteractionRow, in batch: InteractionBatch) -> String? {
        for span in row.spans where !span.isNone {
            if Int(span.offset) + Int(span.length) > batch.bytes.count { return "a span lies outside the batch" }
        }
        if row.receivedAt != reception.receivedAt { return "the time of receipt is another" }
        if row.planVersion != reception.plan.version { return "the plan's version is another" }
        return row.verdict == .rejected ? brokenRejected(row, batch) : brokenAccepted(row, batch)
    }

    private func brokenRejected(_ row: InteractionRow, _ batch: InteractionBatch) -> String? {
        guard let code = batch.string(row.rejectionCode), FuzzInvariants.itemCodes.contains(code) else {
            return "the code \(batch.string(row.rejectionCode) ?? "nil") is not known"
        }
        guard let message = batch.string(row.rejectionMessage), message.utf8.count >= 10 else { return "no message" }
        guard !row.raw.isNone, row.raw.length > 0 else { return "no raw text" }
        let isText = batch.bytes.withUnsafeBytes { String(validating: batch.slice($0, row.raw), as: UTF8.self) != nil }
        if !isText { return "the raw text is not UTF-8" }
        if !row.id.isNone, !(1...reception.limits.maximumIDBytes).contains(Int(row.id.length)) {
            return "the id is too long"
        }
        return nil
    }

    private func brokenAccepted(_ row: InteractionRow, _ batch: InteractionBatch) -> String? {
        guard row.verdict == .accepted, row.rejectionCode.isNone, row.rejectionMessage.isNone, row.raw.isNone else {
            return "the verdict is neither of the two"
        }
        guard let typeName = batch.string(row.typeName), let type = reception.plan.type(named: typeName),
            type.declaration.name == typeName, row.type == names.index(of: typeName)
        else { return "the type is not the plan's" }
        if let alias = batch.string(row.originalType), !type.declaration.aliases.contains(alias) {
            return "no such alias"
        }
        guard let entityTypeName = batch.string(row.entityTypeName),
            let entityType = reception.plan.entityType(named: entityTypeName),
            row.entityType == names.index(of: entityTypeName)
        else { return "the entity type is not the plan's" }
        let limit = reception.limits.maximumIDBytes
        for span in [
            row.id, row.entityID, row.userID, row.anonymousID, row.sessionID, row.browserSessionID, row.listID,
        ] where !span.isNone {
            // An id given on arrival has 36 characters whatever the limit.
            let longest = span == row.id ? max(limit, 36) : limit
            if span.length == 0 || span.length > longest { return "an id is empty or too long" }
            let isText = batch.bytes.withUnsafeBytes { bytes in
                let text = batch.slice(bytes, span)
                return !text.contains(0) && String(validating: text, as: UTF8.self) != nil
            }
            if !isText { return "an id is not text" }
        }
        if row.id.isNone || row.entityID.isNone { return "an id is missing" }
        if let broken = brokenKeys(row, batch, salt: entityType.salt) { return broken }
        if row.namesSession == row.sessionID.isNone { return "namesSession is wrong" }
        if row.personKey.isNone, row.sessionKey.isNone { return "nobody did it" }
        if let only = reception.onlyUser, let user = batch.string(row.userID), !user.utf8.elementsEqual(only.utf8) {
            return "it speaks for another user"
        }
        if let context = batch.string(row.context) {
            let isAllowed =
                entityType.contexts == nil
                ? DocumentReader.isName(context.utf8) : entityType.contextNames.contains(context)
            if !isAllowed { return "the context is not allowed" }
        }
        if !row.value.isNaN, !row.value.isFinite { return "the value is infinite" }
        return brokenTime(row) ?? brokenMetadata(row, batch)
    }

    private func brokenKeys(_ row: InteractionRow, _ batch: InteractionBatch, salt: UInt64) -> String? {
        batch.bytes.withUnsafeBytes { bytes in
            let hasher = reception.hasher
            func text(_ span: ByteSpan) -> UnsafeRawBufferPointer { batch.slice(bytes, span) }
            if row.idKey != hasher.key(text(row.id), .interaction) { return "the id's key is wrong" }
            if row.entityKey != hasher.entityKey(text(row.entityID), typeSalt: salt) {
                return "the entity's key is wrong"
            }
            let person: Key128 =
                !row.userID.isNone
                ? hasher.key(text(row.userID), .user)
                : row.anonymousID.isNone ? .none : hasher.key(text(row.anonymousID), .visitor)
            if row.personKey != person { return "the person's key is wrong" }
            let session: Key128 = row.sessionID.isNone ? .none : hasher.key(text(row.sessionID), .session)
            return row.sessionKey == session ? nil : "the session's key is wrong"
        }
    }

    private func brokenTime(_ row: InteractionRow) -> String? {
        guard (Timestamp.earliest...Timestamp.latest).contains(row.occurredAt) else {
            return "the time \(row.occurredAt) is outside the years 1 to 9999"
        }
        if reception.isImport { return nil }
        if row.occurredAt > row.receivedAt + 300_000 { return "the time is more than five minutes ahead" }
        if let days = reception.limits.retentionDays, row.occurredAt < row.receivedAt - days * 86_400_000 {
            return "the time is older than the retention"
        }
        return nil
    }

    private func brokenMetadata(_ row: InteractionRow, _ batch: InteractionBatch) -> String? {
        if row.metadata.isNone { return nil }
        if Int(row.metadata.length) > reception.limits.maximumMetadataBytes { return "the metadata is too long" }
        return batch.bytes.withUnsafeBytes { bytes in
            let text = batch.slice(bytes, row.metadata)
            do throws(JSONError) {
                let view = try parser.parse(text, maximumDepth: reception.limits.maximumMetadataDepth)
                if view.kind != .object { return "the metadata is no object" }
                if view.containsNUL || view.containsDuplicateKey || view.containsNumberOverflow {
                    return "bad metadata"
                }
                return view.raw.elementsEqual(text) ? nil : "the metadata has white space around it"
            } catch { return "the metadata is not JSON within the depth: \(error)" }
        }
    }
}

extension InteractionRow {
    /// Every run of bytes of the row.
    var spans: [ByteSpan] {
        [
            typeName, originalType, entityTypeName, id, entityID, userID, anonymousID, sessionID, browserSessionID,
            context,
            listID, metadata, rejectionCode, rejectionMessage, raw,
        ]
    }

    /// The numbers and keys that do not depend on where the row's texts lie.
    private func hasSameNumbers(_ other: InteractionRow, exceptID: Bool) -> Bool {
        occurredAt == other.occurredAt && receivedAt == other.receivedAt
            && value.bitPattern == other.value.bitPattern && planVersion == other.planVersion && type == other.type
            && entityType == other.entityType && verdict == other.verdict && namesSession == other.namesSession
            && entityKey == other.entityKey && personKey == other.personKey && sessionKey == other.sessionKey
            && (exceptID || idKey == other.idKey)
    }

    /// Whether two rows say the same. Ids given on arrival differ, so they can be left out.
    static func same(
        _ left: InteractionRow, _ leftBatch: InteractionBatch, _ right: InteractionRow, _ rightBatch: InteractionBatch,
        exceptID: Bool
    ) -> Bool {
        guard left.hasSameNumbers(right, exceptID: exceptID) else { return false }
        var leftRow = left
        var rightRow = right
        if exceptID {
            leftRow.id = .none
            rightRow.id = .none
        }
        return leftBatch.bytes.withUnsafeBytes { leftBytes in
            rightBatch.bytes.withUnsafeBytes { rightBytes in
                zip(leftRow.spans, rightRow.spans).allSatisfy { leftSpan, rightSpan in
                    leftSpan.isNone == rightSpan.isNone
                        && JSONView.equal(leftBatch.slice(leftBytes, leftSpan), rightBatch.slice(rightBytes, rightSpan))
                }
            }
        }
    }
}
