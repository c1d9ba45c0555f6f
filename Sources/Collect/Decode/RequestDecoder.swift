public import Domain
internal import JSON

/// A request in flat form.
public struct DecodedRequest: Sendable {
    /// One row an item, in the order sent, the refused ones included.
    public var batch = InteractionBatch()
    /// When the client says it sent the request, in milliseconds since the epoch.
    public var sentAt: Int64?
    /// Whether it was one object and not a batch.
    public var isLone = false
    /// The id of the event, where one event becomes several interactions.
    public var eventID: String?
}

/// Reads the bodies of requests that carry interactions. Not thread-safe: one per thread, taken from a pool.
///
/// A body that cannot be read as a whole throws and changes nothing; an item that cannot be taken becomes a rejected row.
public final class RequestDecoder {
    let parser = JSONParser()
    /// For items that are made from what `parser` holds.
    let itemParser = JSONParser()
    var ids = IDGenerator()

    /// A decoder with buffers of its own.
    public init() {}

    /// How deep a request may nest before it is refused whole: far above what metadata may.
    static let maximumDepth = 512

    func parse(_ body: UnsafeRawBufferPointer, with other: JSONParser? = nil) throws(FootfallError) -> JSONView {
        do {
            return try (other ?? parser).parse(body, maximumDepth: RequestDecoder.maximumDepth)
        } catch {
            let place = error.offset.map { " (at byte \($0))" } ?? ""
            throw FootfallError(error.code, "\(error.message)\(place)")
        }
    }

    /// Reads `POST /v1/interactions` as JSON: an object with `interactions`, a bare list, or one interaction.
    public func interactions(_ body: UnsafeRawBufferPointer, _ reception: Reception) throws(FootfallError)
        -> DecodedRequest
    {
        try decode(body, reception, shape: .canonical)
    }

    /// Reads Feed's `POST /api/track`: one post's interaction or `{"interactions": […]}`.
    public func feed(_ body: UnsafeRawBufferPointer, _ reception: Reception) throws(FootfallError) -> DecodedRequest {
        try decode(body, reception, shape: .feed)
    }

    func decode(_ body: UnsafeRawBufferPointer, _ reception: Reception, shape: FieldMap) throws(FootfallError)
        -> DecodedRequest
    {
        let root = try parse(body)
        var decoder = ItemDecoder(reception: reception, shape: shape, ids: ids)
        defer { ids = decoder.ids }
        var request = DecodedRequest()
        var items: JSONView?
        switch root.kind {
        case .array: items = root
        case .object:
            if root.member("interactions") != nil {
                items = try wrapper(root, &decoder.reception)
            } else {
                request.isLone = true
            }
        default:
            throw FootfallError(
                "invalid_body", "The body must be an interaction or {\"interactions\": [...]}, as a JSON object.")
        }
        let count = items?.count ?? 1
        guard count <= reception.limits.maximumBatch else {
            throw FootfallError(
                "batch_too_large",
                "A request may carry at most \(reception.limits.maximumBatch) interactions; this one has \(count).")
        }
        request.sentAt = decoder.reception.sentAt
        request.batch.rows.reserveCapacity(count)
        request.batch.bytes.reserveCapacity(body.count + count * 48)
        if let items {
            for item in items.elements { decoder.decode(item, into: &request.batch) }
        } else {
            decoder.decode(root, into: &request.batch)
        }
        return request
    }

    private func wrapper(_ root: JSONView, _ reception: inout Reception) throws(FootfallError) -> JSONView {
        var items: JSONView?
        var hasTime = false
        for (key, value) in root.members {
            if key.elementsEqual("interactions".utf8), items == nil {
                guard value.kind == .array else {
                    throw FootfallError("invalid_body", "\"interactions\" must be a list.", path: "/interactions")
                }
                items = value
            } else if key.elementsEqual("sent_at".utf8), !hasTime {
                hasTime = true
                if value.isNull { continue }
                do throws(DropReason) { reception.sentAt = try ItemDecoder.time(value, "sent_at") } catch {
                    throw FootfallError(error.code, error.message, path: "/sent_at")
                }
            } else {
                let name = String(decoding: key, as: UTF8.self).shortened(toBytes: 64)
                throw FootfallError(
                    items != nil && name == "interactions" || name == "sent_at" ? "duplicate_key" : "unknown_field",
                    "The body of a batch has \"interactions\" and \"sent_at\", each once; \"\(name)\" is not expected.",
                    path: "/\(name)")
            }
        }
        guard let items else { throw FootfallError("invalid_body", "\"interactions\" is missing.") }
        return items
    }

    /// Reads newline-delimited JSON, one interaction a line; blank lines are passed over. A line that is not JSON becomes
    /// a rejected row. A body may have a line for every 64 bytes that it may be long: a row takes some 300 bytes however
    /// short its line is.
    public func stream(_ body: UnsafeRawBufferPointer, _ reception: Reception) throws(FootfallError) -> DecodedRequest {
        var request = DecodedRequest()
        request.sentAt = reception.sentAt
        request.batch.bytes.reserveCapacity(body.count + body.count / 4)
        var decoder = ItemDecoder(reception: reception, ids: ids)
        defer { ids = decoder.ids }
        let maximumLines = max(reception.limits.maximumBatch, reception.limits.maximumStreamBytes / 64)
        var start = 0
        while start < body.count {
            var end = start
            while end < body.count, body[end] != 10 { end += 1 }
            let line = UnsafeRawBufferPointer(rebasing: body[start..<end])
            start = end + 1
            if line.allSatisfy({ $0 == 32 || $0 == 13 || $0 == 9 }) { continue }
            guard request.batch.rows.count < maximumLines else {
                throw FootfallError("batch_too_large", "A request may carry at most \(maximumLines) lines.")
            }
            do throws(FootfallError) {
                let item = try parse(line)
                decoder.decode(item, into: &request.batch)
            } catch {
                decoder.reject(
                    .invalidLine("\(error.message)"), id: nil,
                    raw: Array(String(decoding: line, as: UTF8.self).utf8), in: &request.batch)
            }
        }
        guard !request.batch.rows.isEmpty else {
            throw FootfallError("empty_body", "The body has no interaction; send one JSON object a line.")
        }
        return request
    }
}
