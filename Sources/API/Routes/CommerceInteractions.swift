internal import Collect
internal import Domain
internal import JSON

/// The interactions that carts and orders track by themselves.
enum CommerceInteractions {
    /// What one of them is about.
    struct Item {
        /// Its id; given on arrival when there is none.
        var id: String?
        var productID: String
        var quantity: Int64
        var metadata: JSONObject
        var occurredAt: Int64?
        var sessionID: String?
        var listID: String?

        init(id: String?, productID: String, quantity: Int64, metadata: JSONObject, occurredAt: Int64? = nil) {
            self.id = id
            self.productID = productID
            self.quantity = quantity
            self.metadata = metadata
            self.occurredAt = occurredAt
        }
    }

    /// Name of the entity type that carts and orders are about: `product` when the plan has it, else its default.
    static func entityType(_ tenant: TenantService) -> String {
        tenant.plan.entityType(named: "product")?.name ?? tenant.plan.plan.defaultEntityType
    }

    /// Interactions of one type, checked as if they had been sent. Where the tenant's schema has no room for what we say
    /// of them, they go without metadata. Throws what else the plan has against them.
    static func batch(
        _ type: String, _ items: [Item], context: String, _ reception: Reception, _ tenant: TenantService,
        user: String? = nil
    ) throws(Problem) -> InteractionBatch {
        for hasMetadata in [true, false] {
            let text = text(type, items, context: context, reception, user: user, hasMetadata: hasMetadata)
            let decoded = try Routes.decode(tenant) { (decoder) throws(FootfallError) in
                try text.withUnsafeBytes { bytes -> Result<DecodedRequest, FootfallError> in
                    Result { () throws(FootfallError) in try decoder.interactions(bytes, reception) }
                }.get()
            }
            guard let refused = decoded.batch.rows.first(where: { $0.verdict == .rejected }) else {
                return decoded.batch
            }
            if !hasMetadata {
                throw Problem(
                    422, decoded.batch.string(refused.rejectionCode) ?? "rejected",
                    decoded.batch.string(refused.rejectionMessage) ?? "")
            }
        }
        return InteractionBatch()
    }

    private static func text(
        _ type: String, _ items: [Item], context: String, _ reception: Reception, user: String?, hasMetadata: Bool
    ) -> [UInt8] {
        let plan = reception.plan
        let entityType = plan.entityType(named: "product") ?? plan.entityTypes[plan.defaultEntityType]
        var name = context
        let takesContext = name.withUTF8 { bytes in
            entityType.contexts?.find(UnsafeRawBufferPointer(bytes)) != nil || entityType.contexts == nil
        }
        var writer = JSONWriter(reserving: 64 + items.count * 256)
        writer.beginObject()
        writer.key("interactions")
        writer.beginArray()
        for item in items {
            writer.beginObject()
            func put(_ key: StaticString, _ value: String?) {
                guard let value else { return }
                writer.key(key)
                writer.string(value)
            }
            put("id", item.id)
            put("type", type)
            put("entity_type", entityType.name)
            put("entity_id", item.productID)
            put("user_id", user)
            put("session_id", item.sessionID)
            put("list_id", item.listID)
            if takesContext { put("context", context) }
            put("occurred_at", item.occurredAt.map { Timestamp(milliseconds: $0).rfc3339 })
            writer.key("value")
            writer.integer(item.quantity)
            if hasMetadata {
                writer.key("metadata")
                JSONValue.object(item.metadata).write(into: &writer)
            }
            writer.endObject()
        }
        writer.endArray()
        writer.endObject()
        return writer.bytes
    }
}
