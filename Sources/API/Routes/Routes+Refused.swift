internal import Collect
internal import Domain
internal import HTTP
internal import JSON
internal import Storage
internal import Synchronization

extension Routes {
    /// Refused interactions, and the errors that clients report.
    static let refused: [Route] = [
        Route(.get, "/v1/rejected", .secret) { (request, context) throws(Problem) in
            let tenant = try context.tenant
            var query = try Query(request.queryItems)
            let code = try query.string("code")
            let after = try query.integer("cursor", in: 0...Int.max) ?? 0
            let limit = try query.integer("limit", in: 1...1000) ?? 100
            try query.refuseRest()
            do throws(StorageError) {
                let page = try RefusedPage(tenant.store, after: Int64(after), code: code, limit: limit)
                let total =
                    if let code { try tenant.store.rejectedCount(code: code) } else { try tenant.store.rejectedCount() }
                return .respond(.json(rejectedAnswer(page, total: total)))
            } catch {
                throw Problem(error)
            }
        },
        Route(.post, "/v1/rejected/replay", .secret) { (request, context) throws(Problem) in
            try replay(request, context)
        },
        Route(.post, "/v1/errors", .write) { (request, context) throws(Problem) in
            let tenant = try context.tenant
            try Query(request.queryItems).refuseRest()
            let body = try jsonBody(request)
            let documents: [JSONValue]
            if case .array(let list) = body { documents = list } else { documents = [body] }
            guard (1...100).contains(documents.count) else {
                throw Problem(400, "batch_too_large", "Send between 1 and 100 errors at once.")
            }
            var errors: [SystemError] = []
            for (index, document) in documents.enumerated() {
                do throws(FootfallError) {
                    let path = documents.count == 1 ? "" : "/\(index)"
                    errors.append(try SystemError(document: document, path: path, now: context.now))
                } catch {
                    throw Problem(error, status: 422)
                }
            }
            let reports = errors
            return change(context) { done in
                tenant.keep(reports) { failure in
                    let answer: JSONValue = ["stored": .integer(Int64(reports.count))]
                    done(failure.map { .failure($0) } ?? .success(.json(Array(answer.text.utf8))))
                }
            }
        },
        Route(.get, "/v1/errors", .secret) { (request, context) throws(Problem) in
            let tenant = try context.tenant
            var query = try Query(request.queryItems)
            let limit = try query.integer("limit", in: 1...1000) ?? 100
            try query.refuseRest()
            do throws(StorageError) {
                let errors = try tenant.store.systemErrors(limit: limit)
                let answer: JSONValue = ["errors": .array(errors.map(\.document))]
                return .respond(.json(Array(answer.text.utf8)))
            } catch {
                throw Problem(error)
            }
        },
    ]

    private static func rejectedAnswer(_ page: RefusedPage, total: Int64) -> [UInt8] {
        var writer = JSONWriter(reserving: 256 + page.items.count * 512)
        writer.beginObject()
        writer.key("total")
        writer.integer(total)
        writer.key("rejected")
        writer.beginArray()
        for item in page.items {
            writer.beginObject()
            writer.key("number")
            writer.integer(item.number)
            writer.time("received_at", item.receivedAt)
            if let id = item.id {
                writer.key("id")
                writer.string(id)
            }
            writer.key("code")
            writer.string(item.code)
            writer.key("message")
            writer.string(item.message)
            writer.key("plan_version")
            writer.integer(item.planVersion)
            writer.key("interaction")
            // What could not be read as JSON is shown as the text that it was.
            if (try? JSONValue(parsing: item.raw)) != nil {
                writer.raw(Array(item.raw.utf8))
            } else {
                writer.string(item.raw)
            }
            writer.endObject()
        }
        writer.endArray()
        if let cursor = page.nextCursor {
            writer.key("next_cursor")
            writer.string(cursor)
        }
        writer.endObject()
        return writer.bytes
    }

    /// Checks refused interactions against the plan of now. Those that pass are stored as of their own receipt and leave
    /// the list; the others stay, with the reason of this check, and those with a ``DropReason/lasting`` one whatever the
    /// plan says.
    private static func replay(_ request: borrowing HTTPRequest, _ context: RouteContext) throws(Problem) -> HTTPAction
    {
        let tenant = try context.tenant
        try Query(request.queryItems).refuseRest()
        var code: String?
        var after: Int64 = 0
        var limit = 1000
        if request.body.count > 0 {
            let body = try jsonBody(request)
            do throws(FootfallError) {
                var reader = try DocumentReader(body, path: "", code: "invalid_body")
                code = try reader.string("code")
                after = try RefusedPage.position(reader.value("cursor"))
                limit = Int(try reader.integer("limit", in: 1...1000) ?? 1000)
                try reader.refuseRest()
            } catch {
                throw Problem(error)
            }
        }
        guard tenant.isReplaying.compareExchange(expected: false, desired: true, ordering: .acquiring).exchanged else {
            throw Problem(
                409, "replay_running", "Another replay of this tenant is under way.", headers: [("Retry-After", "1")])
        }
        let page: RefusedPage
        do throws(StorageError) {
            page = try RefusedPage(tenant.store, after: after, code: code, limit: limit)
        } catch {
            tenant.isReplaying.store(false, ordering: .releasing)
            throw Problem(error)
        }
        let checked = page.items.filter { !DropReason.lasting.contains($0.code) }
        let reception = tenant.reception(now: context.now)
        var decoded = tenant.decoders.use { decoder in
            decoder.replay(checked.map { (raw: $0.raw, receivedAt: $0.receivedAt, sentAt: $0.sentAt) }, reception)
        }
        // One row came of each: those that are refused again stay where they are.
        var passed: [Int64] = []
        var rows: [InteractionRow] = []
        var changed: [RefusalReason] = []
        for (row, item) in zip(decoded.batch.rows, checked) {
            if row.verdict != .rejected {
                passed.append(item.number)
                rows.append(row)
                continue
            }
            let reason = RefusalReason(
                number: item.number, code: decoded.batch.string(row.rejectionCode) ?? item.code,
                message: decoded.batch.string(row.rejectionMessage) ?? item.message,
                planVersion: Int64(row.planVersion))
            if reason != item.reason { changed.append(reason) }
        }
        let refusedAgain = page.items.count - rows.count
        decoded.batch.rows = rows
        let numbers = passed
        let reasons = changed
        let server = context.server
        let caller = context.caller
        let cursor = page.nextCursor
        return .suspend { [decoded] exchange in
            let work = CollectWork.replay(decoded.batch, passed: numbers, reasons: reasons) { result in
                tenant.isReplaying.store(false, ordering: .releasing)
                switch result {
                case .success(let batch):
                    let tracked = batch.rows.count { $0.verdict == .accepted }
                    var answer: JSONObject = [
                        "replayed": .integer(Int64(batch.rows.count)), "tracked": .integer(Int64(tracked)),
                        "rejected": .integer(Int64(refusedAgain)),
                    ]
                    if let cursor { answer["next_cursor"] = .string(cursor) }
                    exchange.resume(
                        with: server.finish(.json(Array(JSONValue.object(answer).text.utf8)), for: caller))
                case .failure(let error):
                    exchange.resume(with: server.finish(Problem(error).response(), for: caller))
                }
            }
            if !tenant.collector.submit(work) {
                tenant.isReplaying.store(false, ordering: .releasing)
                exchange.resume(with: server.finish(Problem.queueFull.response(), for: caller))
            }
        }
    }
}

/// Some of the refused interactions, in the order they came.
struct RefusedPage {
    /// At most as many as were asked for, fewer when their texts are long.
    private(set) var items: [RejectedInteraction] = []
    /// Where the next page begins; `nil` at the end.
    private(set) var nextCursor: String?

    /// Texts of a page beyond which no more are read, in bytes. A refused line may be as long as a body, and whoever has
    /// a write key can send a thousand of them.
    private static let mostBytes = 16 << 20
    private static let step = 8

    /// Reads a page of what was refused after a number.
    init(_ store: any TenantStore, after: Int64, code: String?, limit: Int) throws(StorageError) {
        var bytes = 0
        var last = after
        while items.count < limit, bytes < RefusedPage.mostBytes {
            let wanted = min(RefusedPage.step, limit - items.count)
            let some = try store.rejected(after: last, code: code, limit: wanted)
            for item in some { bytes += item.raw.utf8.count + item.message.utf8.count + 256 }
            items += some
            guard let end = some.last?.number, some.count == wanted else { return }
            last = end
        }
        nextCursor = items.last.map { String($0.number) }
    }

    /// The number that a cursor in a body stands for: the text of a `nextCursor`, or that text as a number.
    static func position(_ cursor: JSONValue?) throws(FootfallError) -> Int64 {
        var number = cursor?.integerValue
        if case .string(let text)? = cursor, text.utf8.allSatisfy({ (48...57).contains($0) }) { number = Int64(text) }
        if cursor == nil { number = 0 }
        guard let number, number >= 0 else {
            throw FootfallError(
                "invalid_body", "\"cursor\" must be the \"next_cursor\" of an earlier answer.", path: "/cursor")
        }
        return number
    }
}

extension SystemError {
    /// Reads Music's shape: `context`, `error_message`, `error_stack`, `metadata`, `user_id`, `timestamp`, and the category.
    init(document: JSONValue, path: String, now: Int64) throws(FootfallError) {
        var reader = try DocumentReader(document, path: path, code: "invalid_error")
        func text(_ name: String, longest: Int) throws(FootfallError) -> String? {
            let value = try reader.optionalString(name, default: nil)
            if let value, value.utf8.count > longest {
                throw FootfallError(
                    "invalid_error", "\"\(name)\" has at most \(longest) bytes.", path: "\(path)/\(name)")
            }
            return value
        }
        guard let context = try text("context", longest: 256), let message = try text("error_message", longest: 8192),
            !context.isEmpty, !message.isEmpty
        else {
            throw FootfallError(
                "invalid_error", "\"context\" and \"error_message\" are required, and not empty.", path: path)
        }
        let category = try text("category", longest: 32) ?? "validation"
        guard ["validation", "network", "database", "authentication"].contains(category) else {
            throw FootfallError(
                "invalid_error", "\"category\" is one of validation, network, database, authentication.",
                path: "\(path)/category")
        }
        var metadata = "{}"
        switch reader.value("metadata") {
        case nil, .null: break
        case .object(let object): metadata = JSONValue.object(object).text
        default:
            throw FootfallError("invalid_error", "\"metadata\" must be an object.", path: "\(path)/metadata")
        }
        var timestamp = now
        if let time = try text("timestamp", longest: 64) {
            guard let moment = Timestamp(rfc3339: time) else {
                throw FootfallError("invalid_error", "\"timestamp\" is an RFC 3339 time.", path: "\(path)/timestamp")
            }
            timestamp = moment.milliseconds
        }
        self.init(
            context: context, category: category, message: message, stack: try text("error_stack", longest: 65_536),
            metadata: metadata, userID: try Self.userID(reader.value("user_id"), path: "\(path)/user_id"),
            timestamp: timestamp)
        try reader.refuseRest()
    }

    /// A user's id as interactions have it: a text, or a whole number that stands for its digits.
    private static func userID(_ value: JSONValue?, path: String) throws(FootfallError) -> String? {
        let text: String
        switch value {
        case nil, .null: return nil
        case .string(let own)?: text = own
        case .integer?, .double?, .number?: text = wholeNumber(value?.text ?? "")
        default: text = ""
        }
        guard (1...256).contains(text.utf8.count) else {
            throw FootfallError(
                "invalid_error", "\"user_id\" must be a text of 1 to 256 bytes or a whole number.", path: path)
        }
        return text
    }

    /// The digits of a whole number, which may have a point with zeros behind it; empty for any other.
    private static func wholeNumber(_ text: String) -> String {
        let parts = text.split(separator: ".", maxSplits: 1)
        let digits = parts.first ?? ""
        let isWhole = parts.dropFirst().allSatisfy { $0.utf8.allSatisfy { $0 == 48 } } && digits != "-0"
        let isPlain = digits.drop { $0 == "-" }.utf8.allSatisfy { (48...57).contains($0) }
        return isWhole && isPlain ? String(digits) : ""
    }

    /// The report in Music's shape.
    var document: JSONValue {
        var object: JSONObject = [
            "context": .string(context), "category": .string(category), "error_message": .string(message),
            "metadata": (try? JSONValue(parsing: metadata)) ?? .object([:]),
            "timestamp": .string(Timestamp(milliseconds: timestamp).rfc3339),
        ]
        if let stack { object["error_stack"] = .string(stack) }
        if let userID { object["user_id"] = .string(userID) }
        return .object(object)
    }
}
