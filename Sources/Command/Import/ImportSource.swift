/// What an import file holds.
public enum ImportFormat: String, Sendable, CaseIterable {
    /// The folder of MovieLens 100K.
    case movielens
    /// One JSON object a line.
    case jsonl
    /// Comma-separated values with a header.
    case csv
    /// Tab-separated `SessionId ItemId Time` with a header.
    case sessions
}

/// A record on its way to the server. One value is used again for every record, so that steady state allocates nothing.
struct ImportRecord {
    /// What a record is about.
    enum Kind: Sendable { case interaction, entity, user }

    /// What an export says of an interaction beyond what one is sent with: the server sets it anew.
    static let setByServer = ["received_at", "original_type"]

    /// The record as JSON without a line break.
    var json: [UInt8] = []
    /// What it is about.
    var kind = Kind.interaction
    /// Line of the file where it begins, from 1.
    var line = 0
    /// When it happened, before any shift, in milliseconds since the epoch; `nil`: it does not say.
    var time: Int64?
    /// Records with the same number stay in order: those of one person, or those of one entity.
    var lane: UInt64 = 0
}

/// What came of asking for the next record.
enum ImportStep: Equatable {
    /// The record was filled.
    case record
    /// A line cannot be read.
    case malformed(line: Int, reason: String)
    /// There is nothing more.
    case end
}

/// Reads the records of a file one after another, in memory that does not grow with the file.
protocol ImportSource: SendableMetatype {
    /// Fills in the next record. Throws when the file as a whole cannot be read on.
    mutating func next(into record: inout ImportRecord) throws(CommandError) -> ImportStep
    /// Share of the file that has been read, 0…1; `nil` when its size is not known.
    var fraction: Double? { get }
    /// Where a line is, for people: `line 3`, `u.data line 3`.
    static func place(_ kind: ImportRecord.Kind, line: Int) -> String
}

extension ImportSource {
    static func place(_ kind: ImportRecord.Kind, line: Int) -> String { "line \(line)" }
}
