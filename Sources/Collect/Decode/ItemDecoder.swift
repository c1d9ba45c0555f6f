internal import Domain
internal import JSON
internal import Schema

/// Checks one interaction in named steps, what → which → who → where → when → with, each with its own reason for
/// dropping it, and writes it to a batch in flat form. About 1 µs an item; allocates only when it refuses one.
struct ItemDecoder {
    var reception: Reception
    /// The wire shape of the items.
    var shape = FieldMap.canonical
    var ids: IDGenerator
    private var called: FieldNames { shape.called }

    /// Decodes an item and appends one row: accepted, or rejected with its reason and its text in the canonical shape.
    mutating func decode(_ item: JSONView, into batch: inout InteractionBatch) {
        var fields = ItemFields()
        var isReadable = false
        do throws(DropReason) {
            try shape.read(item, into: &fields)
            isReadable = true
            try append(fields, to: &batch)
        } catch {
            let raw = isReadable ? canonical(fields) : Array(item.raw)
            reject(error, id: isReadable ? fields.id : nil, raw: raw, in: &batch)
        }
    }

    /// Appends a rejected row.
    mutating func reject(_ reason: DropReason, id: JSONView?, raw: [UInt8], in batch: inout InteractionBatch) {
        var row = InteractionRow()
        row.verdict = .rejected
        row.receivedAt = reception.receivedAt
        row.planVersion = reception.plan.version
        if let id, let text = try? Self.text(id, "id", limit: reception.limits.maximumIDBytes) {
            row.id = batch.append(text)
        }
        row.rejectionCode = batch.append(reason.code)
        row.rejectionMessage = batch.append(reason.message)
        row.raw = raw.withUnsafeBytes { batch.append($0) }
        batch.rows.append(row)
    }

    private mutating func append(_ fields: ItemFields, to batch: inout InteractionBatch) throws(DropReason) {
        let mark = batch.bytes.count
        do throws(DropReason) {
            var row = InteractionRow()
            row.receivedAt = reception.receivedAt
            row.planVersion = reception.plan.version
            try checkUser(fields)
            try setType(fields, &row, &batch)
            let entityType = try entityType(fields)
            try setEntity(fields, entityType, &row, &batch)
            try setActor(fields, &row, &batch)
            try setContext(fields, entityType, &row, &batch)
            try setTime(fields, &row)
            try setMetadata(fields, entityType, &row, &batch)
            try setID(fields, &row, &batch)
            batch.rows.append(row)
        } catch {
            batch.bytes.removeSubrange(mark...)
            throw error
        }
    }
}

// MARK: - The steps

extension ItemDecoder {
    /// Comes before all that a change of the plan or of the limits can mend: what is refused for such a reason may be
    /// replayed, when nobody knows any more whose token it came with. So no length is too long here.
    private func checkUser(_ fields: ItemFields) throws(DropReason) {
        guard let only = reception.onlyUser, let view = fields.userID else { return }
        let id = try Self.text(view, "user_id", called.userID, limit: .max)
        if !only.utf8.elementsEqual(id) { throw .otherUser }
    }

    private func setType(_ fields: ItemFields, _ row: inout InteractionRow, _ batch: inout InteractionBatch)
        throws(DropReason)
    {
        guard let view = fields.type else { throw .missingType(called) }
        let name = try Self.text(view, "type", called.type, limit: reception.limits.maximumIDBytes)
        guard let (type, isAlias) = reception.plan.type(name) else {
            throw .unknownType(String(decoding: name, as: UTF8.self))
        }
        row.type = type.index
        if isAlias {
            row.originalType = batch.append(name)
            row.typeName = batch.append(type.declaration.name)
        } else {
            row.typeName = batch.append(name)
        }
    }

    private func entityType(_ fields: ItemFields) throws(DropReason) -> CompiledPlan.EntityType {
        if let fixed = shape.entityType {
            guard let type = reception.plan.entityType(named: fixed) else { throw .unknownEntityType(fixed) }
            return type
        }
        guard let view = fields.entityType else {
            return reception.plan.entityTypes[reception.plan.defaultEntityType]
        }
        let name = try Self.text(view, "entity_type", limit: reception.limits.maximumIDBytes)
        guard let type = reception.plan.entityType(name) else {
            throw .unknownEntityType(String(decoding: name, as: UTF8.self))
        }
        return type
    }

    private func setEntity(
        _ fields: ItemFields, _ type: CompiledPlan.EntityType, _ row: inout InteractionRow,
        _ batch: inout InteractionBatch
    ) throws(DropReason) {
        guard let view = fields.entityID else { throw .missingEntity(called) }
        let id = try Self.text(view, "entity_id", called.entityID, limit: reception.limits.maximumIDBytes)
        row.entityType = type.index
        row.entityTypeName = batch.append(type.name)
        row.entityID = batch.append(id)
        row.entityKey = reception.hasher.entityKey(id, typeSalt: type.salt)
        if reception.plan.plan.isStrict, !reception.knowsEntity(row.entityKey) { throw .unknownEntity }
    }

    private func setActor(_ fields: ItemFields, _ row: inout InteractionRow, _ batch: inout InteractionBatch)
        throws(DropReason)
    {
        let limit = reception.limits.maximumIDBytes
        if let view = fields.userID {
            let id = try Self.text(view, "user_id", called.userID, limit: limit)
            row.userID = batch.append(id)
            row.personKey = reception.hasher.key(id, .user)
        } else if let user = reception.defaultUser {
            row.userID = batch.append(user)
            row.personKey = reception.hasher.key(user, .user)
        }
        if let view = fields.anonymousID {
            let id = try Self.text(view, "anonymous_id", called.anonymousID, limit: limit)
            row.anonymousID = batch.append(id)
            if row.userID.isNone { row.personKey = reception.hasher.key(id, .visitor) }
        } else if let visitor = reception.defaultVisitor {
            row.anonymousID = batch.append(visitor)
            if row.userID.isNone { row.personKey = reception.hasher.key(visitor, .visitor) }
        }
        if let view = fields.sessionID {
            let id = try Self.text(view, "session_id", limit: limit)
            row.sessionID = batch.append(id)
            row.sessionKey = reception.hasher.key(id, .session)
            row.namesSession = true
        }
        if row.personKey.isNone, row.sessionID.isNone { throw .missingActor(called) }
        if let view = fields.browserSessionID {
            row.browserSessionID = batch.append(
                try Self.text(view, "browser_session_id", called.browserSessionID, limit: limit))
        }
        if let view = fields.listID {
            row.listID = batch.append(try Self.text(view, "list_id", called.listID, limit: limit))
        }
    }

    private func setContext(
        _ fields: ItemFields, _ type: CompiledPlan.EntityType, _ row: inout InteractionRow,
        _ batch: inout InteractionBatch
    ) throws(DropReason) {
        guard let view = fields.context else { return }
        guard let name = view.string else { throw .invalidContext }
        if let contexts = type.contexts {
            guard contexts.find(name) != nil else {
                throw .unknownContext(String(decoding: name, as: UTF8.self), type.contextNames)
            }
        } else if !DocumentReader.isName(name) {
            throw .invalidContext
        }
        row.context = batch.append(name)
    }

    private func setTime(_ fields: ItemFields, _ row: inout InteractionRow) throws(DropReason) {
        var sentAt = reception.sentAt
        if let view = fields.sentAt { sentAt = try Self.time(view, "sent_at") }
        row.occurredAt = reception.receivedAt
        guard let view = fields.occurredAt else { return }
        var occurredAt = try Self.time(view, "occurred_at")
        if reception.isImport {
            row.occurredAt = occurredAt
            return
        }
        // The client's clock may be off: what matters is how long before sending it happened.
        if let sentAt { occurredAt += reception.receivedAt - sentAt }
        if occurredAt > reception.receivedAt + ItemDecoder.tolerance { occurredAt = reception.receivedAt }
        if let days = reception.limits.retentionDays,
            occurredAt < reception.receivedAt - days * Timestamp.millisecondsPerDay
        {
            throw .tooOld(days)
        }
        // A wrong "sent_at" can carry a time out of the years that can be written down.
        if occurredAt < Timestamp.earliest { throw .timeBeforeYearOne }
        row.occurredAt = occurredAt
    }

    /// How far ahead of the server's clock a time may lie, in milliseconds.
    static let tolerance: Int64 = 5 * 60_000

    private func setMetadata(
        _ fields: ItemFields, _ type: CompiledPlan.EntityType, _ row: inout InteractionRow,
        _ batch: inout InteractionBatch
    ) throws(DropReason) {
        if let view = fields.value {
            guard view.isNumber else { throw .invalidValue }
            guard let value = view.exactDouble else { throw .inexactValue }
            row.value = value
        }
        guard let metadata = fields.metadata else { return }
        guard metadata.kind == .object else { throw .invalidMetadata }
        let raw = metadata.raw
        let limits = reception.limits
        if raw.count > limits.maximumMetadataBytes { throw .metadataTooLarge(limits.maximumMetadataBytes) }
        if Self.isDeeper(raw, than: limits.maximumMetadataDepth) {
            throw .metadataTooDeep(limits.maximumMetadataDepth)
        }
        if let violation = type.schema?.validate(metadata) { throw .schema(violation.message) }
        row.metadata = batch.append(raw)
    }

    private mutating func setID(_ fields: ItemFields, _ row: inout InteractionRow, _ batch: inout InteractionBatch)
        throws(DropReason)
    {
        if let view = fields.id {
            row.id = batch.append(try Self.text(view, "id", limit: reception.limits.maximumIDBytes))
        } else {
            let offset = UInt32(truncatingIfNeeded: batch.bytes.count)
            ids.append(to: &batch.bytes, at: reception.receivedAt)
            row.id = ByteSpan(offset: offset, length: 36)
        }
        row.idKey = batch.bytes.withUnsafeBytes {
            reception.hasher.key(batch.slice($0, row.id), .interaction)
        }
    }
}

// MARK: - Texts and times

extension ItemDecoder {
    /// The bytes of an id or a name: a text, or an integer as its decimal text. `name` is what the sender calls the field.
    static func text(_ view: JSONView, _ field: StaticString, _ name: StaticString? = nil, limit: Int)
        throws(DropReason) -> UnsafeRawBufferPointer
    {
        let called = name ?? field
        let bytes: UnsafeRawBufferPointer
        switch view.kind {
        case .string:
            guard let text = view.string else { throw .invalidText(field, called) }
            bytes = text
        case .integer, .unsigned:
            bytes = view.raw
        case .double:
            // 12.0 is the whole number 12.
            guard let point = view.raw.firstIndex(of: 46), view.raw[(point + 1)...].allSatisfy({ $0 == 48 }),
                !view.raw[..<point].elementsEqual("-0".utf8)
            else { throw .invalidText(field, called) }
            bytes = UnsafeRawBufferPointer(rebasing: view.raw[..<point])
        case .bigNumber where view.raw.allSatisfy({ (48...57).contains($0) || $0 == 45 }):
            bytes = view.raw
        default: throw .invalidText(field, called)
        }
        if bytes.isEmpty { throw .emptyText(field, called) }
        if bytes.count > limit { throw .tooLong(field, called, limit) }
        return bytes
    }

    static func time(_ view: JSONView, _ field: StaticString) throws(DropReason) -> Int64 {
        guard let text = view.string, let moment = Timestamp(rfc3339: text) else { throw .invalidTime("\(field)") }
        return moment.milliseconds
    }

    /// Whether JSON text nests deeper than `limit`. Brackets inside strings are told apart only when there are enough
    /// brackets for it to matter.
    static func isDeeper(_ raw: UnsafeRawBufferPointer, than limit: Int) -> Bool {
        var brackets = 0
        for byte in raw where byte == 0x7b || byte == 0x5b { brackets += 1 }
        if brackets <= limit { return false }
        var depth = 0
        var isInString = false
        var isEscaped = false
        for byte in raw {
            if isInString {
                if isEscaped {
                    isEscaped = false
                } else if byte == 0x5c {
                    isEscaped = true
                } else if byte == 0x22 {
                    isInString = false
                }
                continue
            }
            switch byte {
            case 0x22: isInString = true
            case 0x7b, 0x5b:
                depth += 1
                if depth > limit { return true }
            case 0x7d, 0x5d: depth -= 1
            default: break
            }
        }
        return false
    }

    /// The item in the canonical shape, so that it can be replayed whatever path it came by.
    private func canonical(_ fields: ItemFields) -> [UInt8] {
        var writer = JSONWriter(reserving: 256)
        writer.beginObject()
        func put(_ name: StaticString, _ view: JSONView?) {
            guard let view else { return }
            writer.key(name)
            writer.raw(view.raw)
        }
        put("id", fields.id)
        put("type", fields.type)
        if let entityType = shape.entityType {
            writer.key("entity_type")
            writer.string(entityType)
        } else {
            put("entity_type", fields.entityType)
        }
        put("entity_id", fields.entityID)
        put("user_id", fields.userID)
        if fields.userID == nil, let user = reception.defaultUser {
            writer.key("user_id")
            writer.string(user)
        }
        put("anonymous_id", fields.anonymousID)
        if fields.anonymousID == nil, let visitor = reception.defaultVisitor {
            writer.key("anonymous_id")
            writer.string(visitor)
        }
        put("session_id", fields.sessionID)
        put("browser_session_id", fields.browserSessionID)
        put("context", fields.context)
        put("occurred_at", fields.occurredAt)
        put("sent_at", fields.sentAt)
        put("list_id", fields.listID)
        put("value", fields.value)
        put("metadata", fields.metadata)
        writer.endObject()
        return writer.bytes
    }
}
