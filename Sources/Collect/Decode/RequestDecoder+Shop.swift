public import Domain
internal import JSON

/// What a request of Shop's tracker says beyond its interactions.
public struct ShopEnvelope: Sendable {
    /// The domain of the shop that it speaks of.
    public var domain: String
}

extension RequestDecoder {
    /// Reads Shop's `POST /api/phoenix/track-interaction`. An event about several products (`product_ids` or
    /// `productIds` in its metadata) becomes one interaction for each, with ids made from the event's and the event's id
    /// as their list.
    public func phoenix(_ body: UnsafeRawBufferPointer, _ reception: Reception) throws(FootfallError) -> (
        ShopEnvelope, DecodedRequest
    ) {
        let root = try parse(body)
        guard root.kind == .object else { throw FootfallError("invalid_body", "The body must be a JSON object.") }
        try RequestDecoder.refuse(
            root,
            except: [
                "shop_domain", "customer_id", "browser_session_id", "interaction_type", "context", "metadata", "id",
                "session_id", "occurred_at", "sent_at",
            ])
        guard let domain = root.member("shop_domain")?.stringValue, !domain.isEmpty else {
            throw FootfallError("missing_shop_domain", "\"shop_domain\" is required.", path: "/shop_domain")
        }
        guard let context = root.member("context"), !context.isNull else {
            throw FootfallError("missing_context", "\"context\" is required.", path: "/context")
        }
        let metadata = root.member("metadata")
        let products = try products(metadata, limit: reception.limits.maximumBatch)
        var eventID: [UInt8] = []
        if let id = root.member("id"), !id.isNull {
            do throws(DropReason) {
                eventID = Array(try ItemDecoder.text(id, "id", limit: reception.limits.maximumIDBytes))
            } catch {
                throw FootfallError(error.code, error.message, path: "/id")
            }
        } else {
            ids.append(to: &eventID, at: reception.receivedAt)
        }
        let event = String(decoding: eventID, as: UTF8.self)
        let customer = root.member("customer_id").flatMap { $0.isNull ? nil : $0 }
        let browser = root.member("browser_session_id").flatMap { $0.isNull ? nil : $0 }
        let ownList = metadata?.kind == .object ? metadata?.member("list_id") : nil

        try checkSize(
            of: [
                metadata, customer, browser, root.member("interaction_type"), root.member("session_id"),
                context, root.member("occurred_at"), root.member("sent_at"),
            ], products: products.count, reception.limits)

        var request = DecodedRequest()
        request.sentAt = reception.sentAt
        request.eventID = event
        var decoder = ItemDecoder(reception: reception, shape: .shop, ids: ids)
        defer { ids = decoder.ids }
        var writer = JSONWriter(reserving: body.count + 256)
        for (index, product) in products.enumerated() {
            writer.removeAll()
            writer.beginObject()
            writer.key("id")
            writer.string(
                products.count == 1
                    ? event
                    : RequestDecoder.itemID(of: event, index, longest: reception.limits.maximumIDBytes))
            writer.key("entity_type")
            writer.string("product")
            RequestDecoder.put("type", root.member("interaction_type"), &writer)
            RequestDecoder.put("entity_id", product, &writer)
            RequestDecoder.put("user_id", customer, &writer)
            // Without a customer the browser session is all there is of the visitor.
            RequestDecoder.put(customer == nil ? "anonymous_id" : "browser_session_id", browser, &writer)
            RequestDecoder.put("session_id", root.member("session_id"), &writer)
            RequestDecoder.put("context", context, &writer)
            RequestDecoder.put("occurred_at", root.member("occurred_at"), &writer)
            RequestDecoder.put("sent_at", root.member("sent_at"), &writer)
            if let ownList, ownList.kind == .string {
                RequestDecoder.put("list_id", ownList, &writer)
            } else if products.count > 1 {
                writer.key("list_id")
                writer.string(event)
            }
            RequestDecoder.put("metadata", metadata, &writer)
            writer.endObject()
            try writer.bytes.withBytes { (bytes) throws(FootfallError) in
                let item = try parse(bytes, with: itemParser)
                decoder.decode(item, into: &request.batch)
            }
        }
        return (ShopEnvelope(domain: domain), request)
    }

    /// The id of one of an event's interactions: the event's with a number, or, where that is too long for an id, a hash of
    /// it. The same event has the same ids each time it is sent.
    static func itemID(of event: String, _ index: Int, longest: Int) -> String {
        var id = "\(event):\(index)"
        guard id.utf8.count > longest else { return id }
        let halves = [0, 1].map { seed in id.withUTF8 { checksum64(UnsafeRawBufferPointer($0), seed: seed) } }
        let digits = halves.map { half in
            let text = String(half, radix: 16)
            return String(repeating: "0", count: 16 - text.count) + text
        }
        return String(digits.joined().prefix(longest))
    }

    /// Refuses an event whose common parts, which every one of its interactions repeats, are larger than an interaction
    /// may be: a small request must not become a large one.
    private func checkSize(of parts: [JSONView?], products: Int, _ limits: CollectionLimits) throws(FootfallError) {
        // A text of n bytes may be written in 6n, as escapes.
        let most = limits.maximumMetadataBytes + 48 * limits.maximumIDBytes
        let size = parts.reduce(0) { $0 + ($1?.raw.count ?? 0) }
        guard products == 1 || size <= most else {
            throw FootfallError(
                "batch_too_large", "What an event says of several products may have at most \(most) bytes.")
        }
    }

    private func products(_ metadata: JSONView?, limit: Int) throws(FootfallError) -> [JSONView] {
        var products: [JSONView] = []
        if let metadata, metadata.kind == .object {
            for name in ["product_ids", "productIds"] {
                guard let list = metadata[name], list.kind == .array else { continue }
                guard list.count <= limit else {
                    throw FootfallError(
                        "batch_too_large", "An event may name at most \(limit) products.", path: "/metadata/\(name)")
                }
                products += list.elements
            }
            if products.isEmpty, let one = metadata["product_id"] ?? metadata["productId"] { products = [one] }
        }
        guard !products.isEmpty else {
            throw FootfallError(
                "missing_products", "Name the products in \"metadata\": \"product_ids\": [...] or \"product_id\".",
                path: "/metadata")
        }
        return products
    }

    /// Who clicked on what a search with a query has found, as far as the body and the headers say.
    public struct SearchClick: Sendable {
        /// The query.
        public var query: String
        /// The user.
        public var userID: String?
        /// The visitor.
        public var anonymousID: String?
        /// The session.
        public var sessionID: String?
    }

    /// Reads Ranking's `POST /search/click`: a `search_click` on a product, the query and the search's id kept as metadata.
    /// `attribute` finds the search of a click that names none.
    public func searchClick(
        _ body: UnsafeRawBufferPointer, _ reception: Reception, attribute: (SearchClick) -> String? = { _ in nil }
    ) throws(FootfallError) -> DecodedRequest {
        let root = try parse(body)
        guard root.kind == .object else { throw FootfallError("invalid_body", "The body must be a JSON object.") }
        try RequestDecoder.refuse(
            root,
            except: [
                "query", "product_id", "id", "search_id", "user_id", "anonymous_id", "session_id", "position",
                "occurred_at", "sent_at",
            ])
        guard let query = root.member("query"), query.kind == .string else {
            throw FootfallError("missing_query", "\"query\" is required, as a text.", path: "/query")
        }
        var writer = JSONWriter(reserving: body.count + 128)
        writer.beginObject()
        writer.key("type")
        writer.string("search_click")
        writer.key("entity_type")
        writer.string("product")
        RequestDecoder.put("entity_id", root.member("product_id"), &writer)
        for name in ["id", "user_id", "anonymous_id", "session_id", "occurred_at", "sent_at"] {
            guard let value = root[name] else { continue }
            writer.key(name)
            writer.raw(value.raw)
        }
        let named = root.member("search_id").flatMap { $0.isNull ? nil : $0 }
        var found: String?
        if named == nil {
            func id(_ name: StaticString) -> String? {
                root.member(name).flatMap { view in
                    view.stringValue ?? (view.kind == .integer ? String(decoding: view.raw, as: UTF8.self) : nil)
                }
            }
            found = attribute(
                SearchClick(
                    query: query.stringValue ?? "", userID: id("user_id") ?? reception.defaultUser,
                    anonymousID: id("anonymous_id") ?? reception.defaultVisitor, sessionID: id("session_id")))
        }
        RequestDecoder.put("list_id", named, &writer)
        if let found {
            writer.key("list_id")
            writer.string(found)
        }
        writer.key("metadata")
        writer.beginObject()
        RequestDecoder.put("query", query, &writer)
        if let named, named.kind == .string { RequestDecoder.put("search_id", named, &writer) }
        if let found {
            writer.key("search_id")
            writer.string(found)
            writer.key("attributed")
            writer.string("last_search")
        }
        RequestDecoder.put("position", root.member("position"), &writer)
        writer.endObject()
        writer.endObject()
        return try writer.bytes.withBytes { (bytes) throws(FootfallError) in
            try decode(bytes, reception, shape: .click)
        }
    }

    /// Decodes refused interactions again, each as of its own receipt.
    public func replay(_ items: [(raw: String, receivedAt: Int64, sentAt: Int64?)], _ reception: Reception)
        -> DecodedRequest
    {
        var request = DecodedRequest()
        for item in items {
            var own = reception
            own.receivedAt = item.receivedAt
            own.sentAt = item.sentAt
            var decoder = ItemDecoder(reception: own, ids: ids)
            var text = item.raw
            text.withUTF8 { utf8 in
                let bytes = UnsafeRawBufferPointer(utf8)
                do throws(FootfallError) {
                    decoder.decode(try parse(bytes), into: &request.batch)
                } catch {
                    decoder.reject(.invalidLine(error.message), id: nil, raw: Array(bytes), in: &request.batch)
                }
            }
            ids = decoder.ids
        }
        return request
    }

    private static func put(_ name: StaticString, _ view: JSONView?, _ writer: inout JSONWriter) {
        guard let view else { return }
        writer.key(name)
        writer.raw(view.raw)
    }

    private static func refuse(_ object: JSONView, except known: Set<String>) throws(FootfallError) {
        if object.containsDuplicateKey { throw FootfallError("duplicate_key", "A field is given twice.") }
        if object.containsNUL { throw FootfallError("invalid_unicode", "Text must not contain U+0000.") }
        for (key, _) in object.members {
            let name = String(decoding: key, as: UTF8.self).shortened(toBytes: 64)
            guard known.contains(name) else {
                throw FootfallError("unknown_field", "There is no field \"\(name)\" here.", path: "/\(name)")
            }
        }
    }
}
