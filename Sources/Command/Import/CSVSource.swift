internal import Domain
internal import JSON

/// Interactions or entities with a header that names the fields of the API.
struct CSVSource: ImportSource {
    /// How the cells of a column become a field.
    private enum Column: Equatable {
        /// A text as it stands.
        case text(String)
        /// A JSON number.
        case number(String)
        /// true or false.
        case truth(String)
        /// Texts separated by `|`, or a JSON list.
        case list(String)
        /// A JSON object.
        case object
        /// A member of that object.
        case member(String)
        /// Passed over.
        case none
    }

    private let reader: CSVReader
    private let parser = JSONParser()
    private let kind: ImportRecord.Kind
    private let shift: Int64
    private let columns: [Column]
    private let laneColumns: [Int]
    private var writer = JSONWriter()

    /// Reads a file's header; interactions are moved by `shift` milliseconds. Throws when the header does not name the
    /// fields that every record needs, or names unknown ones.
    init(path: String, kind: ImportRecord.Kind, shift: Int64) throws(CommandError) {
        reader = try CSVReader(path: path)
        self.kind = kind
        self.shift = shift
        switch try reader.next() {
        case .record: break
        case .end: throw .failure("\(path) is empty; the first line must name the columns.")
        case .malformed(let line, let reason): throw .failure("The header of \(path) (line \(line)): \(reason)")
        }
        var names: [String] = []
        for index in 0..<reader.fieldCount {
            names.append(reader.withField(index) { String(decoding: $0, as: UTF8.self) }.trimmingSpaces)
        }
        let canonical = names.map { CSVSource.aliases[$0] ?? $0 }
        columns = try CSVSource.columns(names, canonical, kind, path)
        let who = kind != .interaction ? ["id"] : ["user_id", "anonymous_id", "session_id"]
        laneColumns = who.compactMap { canonical.firstIndex(of: $0) }
    }

    var fraction: Double? { reader.fraction }

    mutating func next(into record: inout ImportRecord) throws(CommandError) -> ImportStep {
        switch try reader.next() {
        case .end: return .end
        case .malformed(let line, let reason): return .malformed(line: line, reason: reason)
        case .record: break
        }
        record.line = reader.line
        record.kind = kind
        record.time = nil
        guard reader.fieldCount == columns.count else {
            let fields = reader.fieldCount.counted("field", "fields")
            return .malformed(line: reader.line, reason: "The record has \(fields); the header has \(columns.count).")
        }
        if let reason = write(&record) { return .malformed(line: reader.line, reason: reason) }
        record.lane = 0
        for column in laneColumns {
            let lane = reader.withField(column) { $0.isEmpty ? nil : RecordWriter.lane($0) }
            if let lane {
                record.lane = lane
                break
            }
        }
        swap(&record.json, &writer.bytes)
        return .record
    }
}

// MARK: - Header

extension CSVSource {
    private static let interactionFields: [(String, Column)] = [
        ("id", .text("id")), ("type", .text("type")), ("entity_type", .text("entity_type")),
        ("entity_id", .text("entity_id")), ("user_id", .text("user_id")), ("anonymous_id", .text("anonymous_id")),
        ("session_id", .text("session_id")), ("browser_session_id", .text("browser_session_id")),
        ("context", .text("context")), ("occurred_at", .text("occurred_at")), ("list_id", .text("list_id")),
        ("value", .number("value")), ("metadata", .object),
    ]
    private static let entityFields: [(String, Column)] = [
        ("type", .text("type")), ("id", .text("id")), ("title", .text("title")),
        ("description", .text("description")), ("categories", .list("categories")), ("brand", .text("brand")),
        ("price", .text("price")), ("currency", .text("currency")), ("inventory", .number("inventory")),
        ("published_at", .text("published_at")), ("hidden", .truth("hidden")), ("labels", .list("labels")),
        ("attributes", .object), ("deleted", .truth("deleted")),
    ]
    private static let userFields: [(String, Column)] = [("id", .text("id")), ("traits", .object)]

    /// The field that holds what a record has beyond its own fields.
    private static func objectName(_ kind: ImportRecord.Kind) -> String {
        switch kind {
        case .interaction: "metadata"
        case .entity: "attributes"
        case .user: "traits"
        }
    }

    private static let aliases = [
        "eventType": "type", "entityType": "entity_type", "entityId": "entity_id", "sessionId": "session_id",
    ]

    private static func columns(_ names: [String], _ canonical: [String], _ kind: ImportRecord.Kind, _ path: String)
        throws(CommandError) -> [Column]
    {
        let fields =
            switch kind {
            case .interaction: interactionFields
            case .entity: entityFields
            case .user: userFields
            }
        let prefix = objectName(kind) + "."
        var seen: Set<String> = []
        var columns: [Column] = []
        for (shown, name) in zip(names, canonical) {
            guard seen.insert(name).inserted else {
                throw .failure("\(path) has the column \"\(shown)\" twice.")
            }
            if let field = fields.first(where: { $0.0 == name }) {
                columns.append(field.1)
            } else if kind == .interaction, ImportRecord.setByServer.contains(name) {
                columns.append(.none)
            } else if name.hasPrefix(prefix), name.count > prefix.count {
                columns.append(.member(String(name.dropFirst(prefix.count))))
            } else {
                let near = nearestName(to: name, among: fields.map(\.0)).map { " Did you mean \"\($0)\"?" } ?? ""
                throw .failure(
                    "\(path) has a column \"\(shown)\", which is no field of "
                        + "\(kind == .entity ? "an entity" : kind == .user ? "a user" : "an interaction").\(near) The fields are "
                        + "\((fields.map(\.0) + ["\(prefix)NAME"]).joined(separator: ", ")).")
            }
        }
        let needed =
            switch kind {
            case .interaction: ["type", "entity_id"]
            case .entity: ["type", "id"]
            case .user: ["id"]
            }
        for name in needed where !seen.contains(name) {
            throw .failure("\(path) has no column \"\(name)\", which every record needs.")
        }
        if kind == .interaction, seen.isDisjoint(with: ["user_id", "anonymous_id", "session_id"]) {
            throw .failure("\(path) has none of the columns user_id, anonymous_id and session_id.")
        }
        return columns
    }
}

// MARK: - Records

extension CSVSource {
    /// Writes the record's JSON; answers what is wrong with it.
    private mutating func write(_ record: inout ImportRecord) -> String? {
        writer.removeAll()
        writer.beginObject()
        var hasID = kind != .interaction
        var hasObject = false
        for (index, column) in columns.enumerated() {
            let reason: String? = reader.withField(index) { cell in
                if cell.isEmpty { return nil }
                switch column {
                case .text("occurred_at"): return writeTime(cell, &record)
                case .text(let name):
                    if name == "id" { hasID = true }
                    writer.key(name)
                    writer.string(cell)
                case .number(let name): return writeNumber(cell, name)
                case .truth(let name): return writeTruth(cell, name)
                case .list(let name): return writeList(cell, name)
                case .object, .member: hasObject = true
                case .none: break
                }
                return nil
            }
            if let reason { return reason }
        }
        if hasObject, let reason = writeObject() { return reason }
        if !hasID {
            writer.key("id")
            writer.string(reader.source.withUnsafeBytes { RecordWriter.generatedID(line: record.line, $0) })
        }
        writer.endObject()
        return nil
    }

    private mutating func writeTime(_ cell: UnsafeRawBufferPointer, _ record: inout ImportRecord) -> String? {
        guard let time = Timestamp(rfc3339: cell) else {
            return "occurred_at is not an RFC 3339 time such as 2026-01-31T12:00:00Z."
        }
        record.time = time.milliseconds
        writer.key("occurred_at")
        writer.time(time.milliseconds, shiftedBy: shift)
        return nil
    }

    private mutating func writeNumber(_ cell: UnsafeRawBufferPointer, _ name: String) -> String? {
        guard let view = try? parser.parse(cell), view.isNumber else { return "\(name) is not a number." }
        writer.key(name)
        writer.raw(view.raw)
        return nil
    }

    private mutating func writeTruth(_ cell: UnsafeRawBufferPointer, _ name: String) -> String? {
        let value: Bool
        switch String(decoding: cell.prefix(8), as: UTF8.self).lowercased() {
        case "true", "1": value = true
        case "false", "0": value = false
        default: return "\(name) is neither true nor false."
        }
        writer.key(name)
        writer.bool(value)
        return nil
    }

    private mutating func writeList(_ cell: UnsafeRawBufferPointer, _ name: String) -> String? {
        writer.key(name)
        if cell.first == UInt8(ascii: "["), let view = try? parser.parse(cell), view.kind == .array {
            writeFlat(view)
            return nil
        }
        writer.beginArray()
        for part in cell.split(separator: UInt8(ascii: "|")) {
            let text = String(decoding: part, as: UTF8.self).trimmingSpaces
            if !text.isEmpty { writer.string(text) }
        }
        writer.endArray()
        return nil
    }

    /// Writes parsed JSON; a line break between its tokens would end the record, so it is written anew.
    private mutating func writeFlat(_ view: JSONView) {
        guard view.raw.contains(10) || view.raw.contains(13) else { return writer.raw(view.raw) }
        switch view.kind {
        case .array:
            writer.beginArray()
            for element in view.elements { writeFlat(element) }
            writer.endArray()
        case .object:
            writer.beginObject()
            for (key, value) in view.members {
                writer.key(key)
                writeFlat(value)
            }
            writer.endObject()
        default: writer.raw(view.raw)
        }
    }

    /// Writes metadata or attributes: the JSON cell's members, then the columns of single members.
    private mutating func writeObject() -> String? {
        let name = CSVSource.objectName(kind)
        writer.key(name)
        writer.beginObject()
        for (index, column) in columns.enumerated() where column == .object {
            let reason: String? = reader.withField(index) { cell in
                if cell.isEmpty { return nil }
                guard let view = try? parser.parse(cell, maximumDepth: 512), view.kind == .object else {
                    return "\(name) is not a JSON object."
                }
                for (key, value) in view.members where !hasOwnColumn(key) {
                    writer.key(key)
                    writeFlat(value)
                }
                return nil
            }
            if let reason { return reason }
        }
        for (index, column) in columns.enumerated() {
            guard case .member(let key) = column else { continue }
            reader.withField(index) { cell in
                if cell.isEmpty { return }
                writer.key(key)
                if let view = try? parser.parse(cell, maximumDepth: 512), !view.containsNumberOverflow {
                    writeFlat(view)
                } else {
                    writer.string(cell)
                }
            }
        }
        writer.endObject()
        return nil
    }

    /// Whether a member of the JSON cell has a column of its own that is filled in; the column's value counts.
    private func hasOwnColumn(_ key: UnsafeRawBufferPointer) -> Bool {
        columns.enumerated().contains { index, column in
            guard case .member(let name) = column, name.utf8.elementsEqual(key) else { return false }
            return reader.withField(index) { !$0.isEmpty }
        }
    }
}
