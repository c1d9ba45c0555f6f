internal import Domain
internal import JSON

/// Click sessions as the literature on session recommendation shares them: tab-separated, with a header that names
/// `SessionId`, `ItemId` and `Time` (seconds, with a fraction). Each line is a view of a product.
struct SessionsSource: ImportSource {
    private let reader: LineReader
    private let shift: Int64
    private let session: Int
    private let item: Int
    private let time: Int
    private let columnCount: Int
    private var fields: [Range<Int>] = []
    private var writer = JSONWriter()

    /// Reads a file's header; times are moved by `shift` milliseconds.
    init(path: String, shift: Int64) throws(CommandError) {
        reader = try LineReader(path: path)
        self.shift = shift
        guard case .text(let header)? = try reader.next() else {
            throw .failure("\(path) is empty; the first line must be SessionId, ItemId and Time.")
        }
        let names = String(decoding: header, as: UTF8.self).split(separator: "\t", omittingEmptySubsequences: false)
            .map { $0.trimmingSpaces.lowercased() }
        guard let session = names.firstIndex(of: "sessionid"), let item = names.firstIndex(of: "itemid"),
            let time = names.firstIndex(of: "time")
        else {
            throw .failure("\(path) does not begin with a header of tab-separated SessionId, ItemId and Time.")
        }
        (self.session, self.item, self.time, columnCount) = (session, item, time, names.count)
    }

    var fraction: Double? { reader.fraction }

    mutating func next(into record: inout ImportRecord) throws(CommandError) -> ImportStep {
        while let line = try reader.next() {
            guard case .text(let whole) = line else {
                return .malformed(line: reader.lineNumber, reason: "The line is too long.")
            }
            let text = withoutCarriageReturn(whole)
            if text.isEmpty { continue }
            if let reason = fill(&record, text) { return .malformed(line: reader.lineNumber, reason: reason) }
            return .record
        }
        return .end
    }

    private mutating func fill(_ record: inout ImportRecord, _ text: UnsafeRawBufferPointer) -> String? {
        split(text)
        guard fields.count == columnCount else {
            return "The line has \(fields.count.counted("field", "fields")); the header has \(columnCount)."
        }
        let session = UnsafeRawBufferPointer(rebasing: text[fields[self.session]])
        let item = UnsafeRawBufferPointer(rebasing: text[fields[self.item]])
        guard !session.isEmpty, !item.isEmpty else { return "SessionId or ItemId is empty." }
        guard isUTF8(text) else { return "The line is not valid UTF-8." }
        guard let time = milliseconds(UnsafeRawBufferPointer(rebasing: text[fields[self.time]])) else {
            return "Time is not a number of seconds."
        }
        record.line = reader.lineNumber
        record.kind = .interaction
        record.time = time
        record.lane = RecordWriter.lane(session)
        writer.removeAll()
        writer.beginObject()
        writer.key("id")
        // The line's number keeps an item's repeats within a session apart.
        writer.string(
            "sessions-\(String(decoding: session, as: UTF8.self))-\(String(decoding: item, as: UTF8.self))-\(record.line)"
        )
        writer.key("type")
        writer.string("view")
        writer.key("entity_type")
        writer.string("product")
        writer.key("entity_id")
        writer.string(item)
        writer.key("session_id")
        writer.string(session)
        writer.key("occurred_at")
        writer.time(time, shiftedBy: shift)
        writer.endObject()
        swap(&record.json, &writer.bytes)
        return nil
    }

    private mutating func split(_ text: UnsafeRawBufferPointer) {
        fields.removeAll(keepingCapacity: true)
        var start = 0
        for index in text.indices where text[index] == 9 {
            fields.append(start..<index)
            start = index + 1
        }
        fields.append(start..<text.count)
    }

    private func milliseconds(_ text: UnsafeRawBufferPointer) -> Int64? {
        guard let seconds = Double(String(decoding: text, as: UTF8.self)) else { return nil }
        let milliseconds = (seconds * 1000).rounded()
        guard milliseconds >= Double(Timestamp.earliest), milliseconds <= Double(Timestamp.latest) else { return nil }
        return Int64(milliseconds)
    }
}
