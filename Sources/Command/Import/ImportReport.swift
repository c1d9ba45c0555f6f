internal import JSON

/// What an import has done.
public struct ImportReport: Sendable, Equatable {
    /// A record that was not taken.
    public struct Problem: Sendable, Equatable {
        /// Line of the file, from 1.
        var line: Int
        /// Where it is, for people.
        var place: String
        /// Why it was not taken.
        var reason: String
    }

    /// Most problems that are kept to be shown.
    static let problemLimit = 10

    /// Records read, malformed ones included.
    public var read = 0
    /// Interactions newly stored.
    public var tracked = 0
    /// Interactions that were there already.
    public var duplicates = 0
    /// Records that were malformed or refused.
    public var rejected = 0
    /// Entities stored.
    public var entities = 0
    /// Users stored.
    public var users = 0
    /// Seconds it took.
    public var seconds = 0.0
    /// The first problems, in order of their lines.
    public private(set) var problems: [Problem] = []

    /// Records a second.
    public var rate: Double { seconds > 0 ? Double(read) / seconds : 0 }

    mutating func add(_ problem: Problem) {
        rejected += 1
        let position = problems.firstIndex { $0.line > problem.line } ?? problems.count
        guard position < ImportReport.problemLimit else { return }
        problems.insert(problem, at: position)
        if problems.count > ImportReport.problemLimit { problems.removeLast() }
    }

    /// One JSON object.
    var json: [UInt8] {
        var writer = JSONWriter()
        writer.beginObject()
        func put(_ key: StaticString, _ value: Int) {
            writer.key(key)
            writer.integer(value)
        }
        put("read", read)
        put("tracked", tracked)
        put("duplicates", duplicates)
        put("rejected", rejected)
        put("entities", entities)
        put("users", users)
        writer.key("seconds")
        writer.double((seconds * 1000).rounded() / 1000)
        writer.key("rate")
        writer.double(rate.rounded())
        writer.endObject()
        return writer.bytes
    }

    /// One sentence.
    var sentence: String {
        var parts = ["\(read.grouped) read", "\(tracked.grouped) tracked"]
        if entities > 0 { parts.append(entities.counted("entity", "entities") + " stored") }
        if users > 0 { parts.append(users.counted("user", "users") + " stored") }
        if duplicates > 0 { parts.append(duplicates.counted("duplicate", "duplicates")) }
        parts.append("\(rejected.grouped) rejected")
        return parts.joined(separator: ", ") + " in \(tenths(seconds)) s (\(Int(rate).grouped)/s)."
    }

    /// What went wrong, for standard error.
    var problemLines: [String] {
        var lines = problems.map { "\($0.place): \($0.reason)" }
        if rejected > problems.count {
            lines.append("… and \((rejected - problems.count).counted("more record", "more records")) rejected.")
        }
        return lines
    }
}

/// Seconds with one digit after the point.
func tenths(_ seconds: Double) -> String {
    let value = Int((seconds * 10).rounded())
    return "\((value / 10).grouped).\(value % 10)"
}
