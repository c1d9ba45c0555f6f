/// Reads the records of comma-separated values as RFC 4180 has them: quotes, quoted line breaks, LF or CRLF, a byte order
/// mark. Memory is bounded by the longest record. Not thread-safe.
final class CSVReader {
    /// What came of asking for the next record.
    enum Step: Equatable {
        /// The record was read.
        case record
        /// A record cannot be read; reading goes on after its line.
        case malformed(line: Int, reason: String)
        /// There is nothing more.
        case end
    }

    private let reader: LineReader
    /// Line where the record read last begins, from 1.
    private(set) var line = 0
    /// Bytes of the record as it stands in the file.
    private(set) var source: [UInt8] = []
    private var bytes: [UInt8] = []
    private var ends: [Int] = []

    /// Reads a file; `-` is standard input.
    init(path: String) throws(CommandError) { reader = try LineReader(path: path) }

    /// Share of the file that was read.
    var fraction: Double? { reader.fraction }

    /// How many fields the record has.
    var fieldCount: Int { ends.count }

    /// Calls `body` with the bytes of a field, without quotes.
    func withField<Result>(_ index: Int, _ body: (UnsafeRawBufferPointer) -> Result) -> Result {
        bytes.withUnsafeBytes {
            body(UnsafeRawBufferPointer(rebasing: $0[(index > 0 ? ends[index - 1] : 0)..<ends[index]]))
        }
    }

    /// Reads the next record; blank lines are passed over.
    func next() throws(CommandError) -> Step {
        bytes.removeAll(keepingCapacity: true)
        ends.removeAll(keepingCapacity: true)
        source.removeAll(keepingCapacity: true)
        var state = State.fieldStart
        while let next = try reader.next() {
            if source.isEmpty { line = reader.lineNumber }
            guard case .text(let text) = next, source.count + text.count <= reader.maximumLineBytes else {
                return .malformed(line: line, reason: "The record is longer than \(reader.maximumLineBytes) bytes.")
            }
            if state == .quoted {
                source.append(10)
                bytes.append(10)
            } else if text.isEmpty || text.elementsEqual([13]) {
                continue
            }
            source.append(contentsOf: text)
            if let reason = read(text, &state) { return .malformed(line: line, reason: reason) }
            if state == .quoted { continue }
            ends.append(bytes.count)
            guard source.withUnsafeBytes({ isUTF8($0) }) else {
                return .malformed(line: line, reason: "The record is not valid UTF-8.")
            }
            return .record
        }
        if state == .quoted {
            return .malformed(line: line, reason: "A quote is opened in this record and never closed.")
        }
        return .end
    }

    private enum State { case fieldStart, plain, quoted, afterQuote }

    /// Reads one line into fields; answers what is wrong with it.
    private func read(_ text: UnsafeRawBufferPointer, _ state: inout State) -> String? {
        let quote = UInt8(ascii: "\"")
        let comma = UInt8(ascii: ",")
        let last = text.count - 1
        var index = 0
        while index <= last {
            let byte = text[index]
            switch state {
            case .fieldStart where byte == quote: state = .quoted
            case .quoted where byte == quote: state = .afterQuote
            case .afterQuote where byte == quote:
                bytes.append(quote)
                state = .quoted
            case .quoted:
                let start = index
                while index < last, text[index + 1] != quote { index += 1 }
                bytes.append(contentsOf: text[start...index])
            case _ where byte == comma:
                ends.append(bytes.count)
                state = .fieldStart
            case _ where byte == 13 && index == last: break
            case .afterQuote: return "Text follows a closing quote; a quote inside a field is written twice."
            case _ where byte == quote: return "A quote stands inside a field that is not quoted."
            default:
                let start = index
                while index < last, text[index + 1] != quote, text[index + 1] != comma { index += 1 }
                let end = index == last && text[last] == 13 ? last : index + 1
                bytes.append(contentsOf: text[start..<end])
                state = .plain
            }
            index += 1
        }
        return nil
    }
}
