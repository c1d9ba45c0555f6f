internal import Domain
internal import JSON

/// One canonical interaction, or one document of an entity or a user, a line. Lines are checked only as far as they have to be
/// understood here; the server checks the rest. About 1 µs a line.
struct JSONLinesSource: ImportSource {
    private let reader: LineReader
    private let parser = JSONParser()
    private let kind: ImportRecord.Kind
    private let shift: Int64
    private var edits: [Edit] = []

    /// A piece of a line that is written differently.
    private struct Edit {
        var offset: Int
        var length: Int
        var text: [UInt8]
    }

    /// How deep a line may nest: as deep as the server reads.
    private static let maximumDepth = 512

    /// Reads a file; interactions are moved by `shift` milliseconds.
    init(path: String, kind: ImportRecord.Kind, shift: Int64) throws(CommandError) {
        reader = try LineReader(path: path)
        self.kind = kind
        self.shift = shift
    }

    var fraction: Double? { reader.fraction }

    mutating func next(into record: inout ImportRecord) throws(CommandError) -> ImportStep {
        while let line = try reader.next() {
            guard case .text(let text) = line else {
                return .malformed(
                    line: reader.lineNumber, reason: "The line is longer than \(reader.maximumLineBytes) bytes.")
            }
            if text.allSatisfy({ $0 == 32 || $0 == 9 || $0 == 13 }) { continue }
            record.line = reader.lineNumber
            record.kind = kind
            do throws(JSONError) {
                var root = try parser.parse(text, maximumDepth: Self.maximumDepth)
                if kind == .interaction, let line = withoutServerFields(root) {
                    root = try parser.parse(line, maximumDepth: Self.maximumDepth)
                }
                guard root.kind == .object else {
                    return .malformed(line: reader.lineNumber, reason: "The line is not a JSON object.")
                }
                switch kind {
                case .interaction: fill(&record, interaction: root)
                case .entity, .user: fill(&record, document: root)
                }
                return .record
            } catch {
                return .malformed(line: reader.lineNumber, reason: error.description)
            }
        }
        return .end
    }

    /// A line of an export without what only the server sets; `nil` when there is nothing of that in it.
    private func withoutServerFields(_ root: JSONView) -> [UInt8]? {
        func isServers(_ key: UnsafeRawBufferPointer) -> Bool {
            ImportRecord.setByServer.contains { $0.utf8.elementsEqual(key) }
        }
        guard root.members.contains(where: { isServers($0.key) }) else { return nil }
        var writer = JSONWriter(reserving: root.raw.count)
        writer.beginObject()
        for (key, value) in root.members where !isServers(key) {
            writer.key(key)
            writer.raw(value.raw)
        }
        writer.endObject()
        return writer.bytes
    }

    private mutating func fill(_ record: inout ImportRecord, document root: JSONView) {
        record.time = nil
        record.lane = root.member("id").map { RecordWriter.lane($0.raw) } ?? 0
        record.json.removeAll(keepingCapacity: true)
        record.json.append(contentsOf: root.raw)
    }

    private mutating func fill(_ record: inout ImportRecord, interaction root: JSONView) {
        edits.removeAll(keepingCapacity: true)
        record.time = nil
        let id = root.member("id")
        if id == nil || id?.isNull == true {
            let text = Array("\"\(RecordWriter.generatedID(line: record.line, root.raw))\"".utf8)
            if let id {
                edits.append(Edit(offset: id.offset, length: id.raw.count, text: text))
            } else {
                let rest = root.count > 0 ? "," : ""
                edits.append(Edit(offset: root.offset + 1, length: 0, text: "\"id\":".utf8 + text + rest.utf8))
            }
        }
        if let view = root.member("occurred_at"), let text = view.string, let time = Timestamp(rfc3339: text) {
            record.time = time.milliseconds
            if shift != 0 {
                let moved = time.advanced(byMilliseconds: shift).rfc3339
                edits.append(Edit(offset: view.offset, length: view.raw.count, text: Array("\"\(moved)\"".utf8)))
            }
        }
        record.lane = lane(root)
        write(root, into: &record.json)
    }

    private func lane(_ root: JSONView) -> UInt64 {
        if let user = root.member("user_id"), !user.isNull { return RecordWriter.lane(user.raw) }
        if let visitor = root.member("anonymous_id"), !visitor.isNull { return RecordWriter.lane(visitor.raw) }
        let session = root.member("session_id") ?? root.member("sessionId")
        return session.map { RecordWriter.lane($0.raw) } ?? 0
    }

    private mutating func write(_ root: JSONView, into json: inout [UInt8]) {
        json.removeAll(keepingCapacity: true)
        let raw = root.raw
        if edits.count > 1 { edits.sort { $0.offset < $1.offset } }
        var position = 0
        for edit in edits {
            let offset = edit.offset - root.offset
            json.append(contentsOf: raw[position..<offset])
            json.append(contentsOf: edit.text)
            position = offset + edit.length
        }
        json.append(contentsOf: raw[position...])
    }
}
