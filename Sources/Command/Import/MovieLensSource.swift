internal import Domain
internal import Glibc
internal import JSON

/// MovieLens 100K: films as products, ratings as views in order of time.
///
/// The ratings are read whole before the first is sent, 40 bytes each, because the file is in no order.
struct MovieLensSource: ImportSource {
    private struct Rating {
        var time: Int64
        var user: UInt64
        var item: UInt64
        var rating: Int
        var line: Int
    }

    private let folder: String
    private let shift: Int64
    private let genres: [String]
    private let films: LineReader
    private var hasFilms = true
    private var ratings: [Rating] = []
    private var faults: [(line: Int, reason: String)] = []
    private var nextFault = 0
    private var nextRating = 0
    private var writer = JSONWriter()

    /// Reads a folder; ratings are moved by `shift` milliseconds. With `filmsOnly` the ratings are left out.
    init(folder: String, filmsOnly: Bool, shift: Int64) throws(CommandError) {
        self.folder = folder
        self.shift = shift
        let names = ["u.item", "u.genre"] + (filmsOnly ? [] : ["u.data"])
        for name in names where access("\(folder)/\(name)", R_OK) != 0 {
            throw .failure("\(folder) is not the folder of MovieLens 100K: \(name) is missing.")
        }
        genres = try MovieLensSource.genres("\(folder)/u.genre")
        films = try LineReader(path: "\(folder)/u.item")
        if !filmsOnly { try readRatings() }
    }

    var fraction: Double? {
        let total = ratings.count + 1
        return (Double(nextRating) + (films.fraction ?? 1)) / Double(total)
    }

    static func place(_ kind: ImportRecord.Kind, line: Int) -> String {
        "\(kind == .entity ? "u.item" : "u.data") line \(line)"
    }

    mutating func next(into record: inout ImportRecord) throws(CommandError) -> ImportStep {
        while hasFilms {
            record.kind = .entity
            guard let line = try films.next() else {
                hasFilms = false
                break
            }
            guard case .text(let text) = line else {
                return .malformed(line: films.lineNumber, reason: "The line is too long.")
            }
            if withoutCarriageReturn(text).isEmpty { continue }
            if let reason = fill(&record, film: withoutCarriageReturn(text)) {
                return .malformed(line: films.lineNumber, reason: reason)
            }
            return .record
        }
        record.kind = .interaction
        if nextFault < faults.count {
            let fault = faults[nextFault]
            nextFault += 1
            return .malformed(line: fault.line, reason: fault.reason)
        }
        guard nextRating < ratings.count else { return .end }
        fill(&record, ratings[nextRating])
        nextRating += 1
        return .record
    }
}

// MARK: - Ratings

extension MovieLensSource {
    private mutating func readRatings() throws(CommandError) {
        let reader = try LineReader(path: "\(folder)/u.data")
        while let line = try reader.next() {
            guard case .text(let whole) = line else {
                faults.append((reader.lineNumber, "The line is too long."))
                continue
            }
            let text = withoutCarriageReturn(whole)
            if text.isEmpty { continue }
            let fields = text.split(separator: 9, omittingEmptySubsequences: false).map { field in
                Int64(String(decoding: field, as: UTF8.self))
            }
            guard fields.count == 4, let user = fields[0], let item = fields[1], let rating = fields[2],
                let seconds = fields[3], user > 0, item > 0, rating >= 0, rating <= 1000,
                seconds >= 0, seconds <= Timestamp.latest / 1000
            else {
                faults.append(
                    (reader.lineNumber, "The line is not user, item, rating and time, separated by tabs."))
                continue
            }
            ratings.append(
                Rating(
                    time: seconds * 1000, user: UInt64(user), item: UInt64(item), rating: Int(rating),
                    line: reader.lineNumber))
        }
        ratings.sort { ($0.time, $0.line) < ($1.time, $1.line) }
    }

    private mutating func fill(_ record: inout ImportRecord, _ rating: Rating) {
        record.line = rating.line
        record.time = rating.time
        writer.removeAll()
        writer.beginObject()
        writer.key("id")
        writer.string("ml-\(rating.user)-\(rating.item)-\(rating.time / 1000)")
        writer.key("type")
        writer.string("view")
        writer.key("entity_type")
        writer.string("product")
        writer.key("entity_id")
        writer.string(String(rating.item))
        writer.key("user_id")
        writer.string(String(rating.user))
        writer.key("occurred_at")
        writer.time(rating.time, shiftedBy: shift)
        writer.key("metadata")
        writer.beginObject()
        writer.key("rating")
        writer.integer(rating.rating)
        writer.endObject()
        writer.endObject()
        swap(&record.json, &writer.bytes)
        record.lane = withUnsafeBytes(of: rating.user) { RecordWriter.lane($0) }
    }
}

// MARK: - Films

extension MovieLensSource {
    /// Genre names by their number.
    private static func genres(_ path: String) throws(CommandError) -> [String] {
        let reader = try LineReader(path: path)
        var genres: [String] = []
        while case .text(let line)? = try reader.next() {
            let parts = text(withoutCarriageReturn(line)).split(separator: "|")
            if parts.isEmpty { continue }
            guard parts.count == 2, Int(parts[1]) == genres.count else {
                throw .failure("\(path) line \(reader.lineNumber) is not a genre with the number \(genres.count).")
            }
            genres.append(String(parts[0]))
        }
        guard !genres.isEmpty else { throw .failure("\(path) names no genres.") }
        return genres
    }

    /// The published file is Latin-1; copies of it in UTF-8 go about too. Latin-1 text beyond ASCII is hardly ever valid
    /// UTF-8, so the bytes tell.
    static func text(_ bytes: UnsafeRawBufferPointer) -> String {
        if let text = String(validating: bytes, as: UTF8.self) { return text }
        var text = ""
        for byte in bytes { text.unicodeScalars.append(Unicode.Scalar(byte)) }
        return text
    }

    private mutating func fill(_ record: inout ImportRecord, film line: UnsafeRawBufferPointer) -> String? {
        let fields = MovieLensSource.text(line).split(separator: "|", omittingEmptySubsequences: false)
        guard fields.count == 5 + genres.count, let id = UInt64(fields[0]), id > 0, !fields[1].isEmpty else {
            return "The line is not an item with \(genres.count) genre flags, separated by |."
        }
        record.line = films.lineNumber
        record.time = nil
        writer.removeAll()
        writer.beginObject()
        writer.key("type")
        writer.string("product")
        writer.key("id")
        writer.string(String(id))
        writer.key("title")
        writer.string(fields[1].trimmingSpaces)
        writer.key("categories")
        writer.beginArray()
        // "unknown" says that the genre is not known, which is no category.
        for (genre, flag) in zip(genres, fields[5...]) where flag == "1" && genre != "unknown" { writer.string(genre) }
        writer.endArray()
        if let date = MovieLensSource.date(fields[2]) {
            writer.key("published_at")
            writer.string(date.rfc3339)
        }
        if !fields[4].isEmpty {
            writer.key("attributes")
            writer.beginObject()
            writer.key("imdb_url")
            writer.string(String(fields[4]))
            writer.endObject()
        }
        writer.endObject()
        swap(&record.json, &writer.bytes)
        record.lane = withUnsafeBytes(of: id) { RecordWriter.lane($0) }
        return nil
    }

    /// Midnight UTC of a day such as `01-Jan-1995`.
    static func date(_ text: some StringProtocol) -> Timestamp? {
        let months = ["Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug", "Sep", "Oct", "Nov", "Dec"]
        let parts = text.split(separator: "-")
        guard parts.count == 3, let month = months.firstIndex(of: String(parts[1])), parts[2].count == 4 else {
            return nil
        }
        func two(_ text: String) -> String { text.count == 1 ? "0" + text : text }
        return Timestamp(rfc3339: "\(parts[2])-\(two(String(month + 1)))-\(two(String(parts[0])))T00:00:00Z")
    }
}
