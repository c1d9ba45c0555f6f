internal import Domain

/// Reads files of one format into numbers that all of them share.
///
/// Users keep their numbers from file to file; sessions do not, because files number theirs anew.
public struct DatasetReader: Sendable {
    /// How the files hold interactions.
    public let format: DatasetFormat
    /// Users, or nobody for sessions.
    public private(set) var users = Names()
    /// Items, in order of first appearance.
    public private(set) var items = Names()

    /// A reader that has read nothing.
    public init(_ format: DatasetFormat) { self.format = format }

    /// Reads a file's bytes. Throws at the first line that is not as the format wants it. O(bytes).
    public mutating func read(_ bytes: [UInt8], named file: String) throws(DatasetError) -> DatasetPart {
        // Typed throws do not pass through the buffer's closure.
        let result: Result<DatasetPart, DatasetError> = bytes.withUnsafeBytes { raw in
            do throws(DatasetError) {
                var scanner = FieldScanner(raw)
                switch format {
                case .lists: return .success(try readLists(&scanner, file))
                case .pairs: return .success(try readPairs(&scanner, file))
                case .sessions: return .success(try readSessions(&scanner, file))
                }
            } catch {
                return .failure(error)
            }
        }
        return try result.get()
    }

    private mutating func readLists(_ scanner: inout FieldScanner, _ file: String) throws(DatasetError) -> DatasetPart {
        var part = DatasetPart()
        while scanner.next() {
            let user = try name(0, "user", scanner, file, &users)
            grow(&part.runs, to: user)
            part.runs[user].reserveCapacity(scanner.fields.count - 1)
            for field in 1..<max(1, scanner.fields.count) {
                part.runs[user].append(
                    DatasetEntry(item: UInt32(truncatingIfNeeded: try name(field, "item", scanner, file, &items))))
            }
        }
        return part
    }

    /// Three columns can mean a weight or a time. Times are told by their size: from 10^8 on, which is 1973 in seconds.
    private mutating func readPairs(_ scanner: inout FieldScanner, _ file: String) throws(DatasetError) -> DatasetPart {
        var part = DatasetPart()
        var columns: Int?
        var third: [Double] = []
        var owners: [(user: Int, place: Int)] = []
        while scanner.next() {
            let count = scanner.fields.count
            guard (2...4).contains(count) else {
                throw DatasetError(
                    file: file, line: scanner.line,
                    "a line has user, item and optionally weight and time; this has \(count) fields")
            }
            guard count == columns ?? count else {
                throw DatasetError(
                    file: file, line: scanner.line, "this line has \(count) fields, the lines before \(columns ?? 0)")
            }
            columns = count
            let user = try name(0, "user", scanner, file, &users)
            grow(&part.runs, to: user)
            var entry = DatasetEntry(item: UInt32(truncatingIfNeeded: try name(1, "item", scanner, file, &items)))
            if count == 4 { entry.time = try time(3, scanner, file) }
            if count >= 3 {
                let number = try number(2, count == 3 ? "weight or time" : "weight", scanner, file)
                if count == 3 {
                    third.append(number)
                    owners.append((user, part.runs[user].count))
                }
                entry.weight = Float(number)
            }
            guard entry.weight.isFinite else {
                throw DatasetError(file: file, line: scanner.line, "the weight is too large")
            }
            part.runs[user].append(entry)
        }
        if !third.isEmpty, third.allSatisfy({ $0 >= 1e8 }) {
            for (number, owner) in zip(third, owners) {
                part.runs[owner.user][owner.place].weight = 1
                part.runs[owner.user][owner.place].time = Timestamp(secondsOrMilliseconds: number)?.milliseconds
            }
            columns = 4
        }
        part.hasTimes = columns == 4
        if part.hasTimes { for user in part.runs.indices { part.runs[user].sortByTime() } }
        return part
    }

    private mutating func readSessions(_ scanner: inout FieldScanner, _ file: String) throws(DatasetError)
        -> DatasetPart
    {
        guard scanner.next(tabs: true) else {
            throw DatasetError(file: file, "the file is empty; its first line names SessionId, ItemId and Time")
        }
        let header = scanner.fields.indices.map { scanner.text($0) ?? "" }
        guard let session = header.firstIndex(of: "SessionId"), let item = header.firstIndex(of: "ItemId"),
            let time = header.firstIndex(of: "Time")
        else {
            throw DatasetError(
                file: file, line: scanner.line, "the first line must name SessionId, ItemId and Time, separated by tabs"
            )
        }
        var part = DatasetPart(hasTimes: true)
        var sessions = Names()
        while scanner.next(tabs: true) {
            guard scanner.fields.count == header.count else {
                throw DatasetError(
                    file: file, line: scanner.line,
                    "this line has \(scanner.fields.count) fields, the header \(header.count)")
            }
            let number = try name(session, "SessionId", scanner, file, &sessions)
            grow(&part.runs, to: number)
            part.runs[number].append(
                DatasetEntry(
                    item: UInt32(truncatingIfNeeded: try name(item, "ItemId", scanner, file, &items)),
                    time: try self.time(time, scanner, file)))
        }
        for session in part.runs.indices { part.runs[session].sortByTime() }
        // By start, so that later sessions have greater numbers; equal starts stay as the file has them.
        let order = part.runs.indices.sorted {
            let (left, right) = (part.runs[$0].first?.time ?? 0, part.runs[$1].first?.time ?? 0)
            return left != right ? left < right : $0 < $1
        }
        part.runs = order.map { part.runs[$0] }
        return part
    }

    private func grow(_ runs: inout [[DatasetEntry]], to user: Int) {
        while runs.count <= user { runs.append([]) }
    }

    private func name(
        _ field: Int, _ what: String, _ scanner: FieldScanner, _ file: String, _ names: inout Names
    ) throws(DatasetError) -> Int {
        guard let text = scanner.text(field), !text.isEmpty else {
            throw DatasetError(file: file, line: scanner.line, "the \(what) is empty or not UTF-8")
        }
        return Int(names.number(of: text))
    }

    private func number(_ field: Int, _ what: String, _ scanner: FieldScanner, _ file: String) throws(DatasetError)
        -> Double
    {
        guard let number = scanner.number(field) else {
            throw DatasetError(
                file: file, line: scanner.line, "the \(what) \"\(scanner.text(field) ?? "?")\" is not a number")
        }
        return number
    }

    private func time(_ field: Int, _ scanner: FieldScanner, _ file: String) throws(DatasetError) -> Int64 {
        let number = try number(field, "time", scanner, file)
        guard let time = Timestamp(secondsOrMilliseconds: number)?.milliseconds else {
            throw DatasetError(file: file, line: scanner.line, "the time \(number) is out of range")
        }
        return time
    }
}

extension [DatasetEntry] {
    /// By time; entries of one time stay as the file has them.
    mutating func sortByTime() {
        let isSorted = indices.dropFirst().allSatisfy { (self[$0 - 1].time ?? 0) <= (self[$0].time ?? 0) }
        guard !isSorted else { return }
        self = enumerated().sorted {
            let (left, right) = ($0.element.time ?? 0, $1.element.time ?? 0)
            return left != right ? left < right : $0.offset < $1.offset
        }.map(\.element)
    }
}
