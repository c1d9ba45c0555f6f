import Evaluation
import Testing

@Suite("Reading data sets")
struct DatasetReaderTests {
    static func read(_ format: DatasetFormat, _ texts: String...) throws -> (DatasetReader, [DatasetPart]) {
        var reader = DatasetReader(format)
        var parts: [DatasetPart] = []
        for (number, text) in texts.enumerated() {
            parts.append(try reader.read(Array(text.utf8), named: "file\(number)"))
        }
        return (reader, parts)
    }

    static func items(_ part: DatasetPart, _ reader: DatasetReader) -> [[String]] {
        part.runs.map { $0.map { reader.items.texts[Int($0.item)] } }
    }

    @Test("lists: users and items keep their numbers from file to file; blank lines and carriage returns do not matter")
    func lists() throws {
        let (reader, parts) = try DatasetReaderTests.read(
            .lists, "\u{FEFF}u1 a b\tc\r\n\nu2   b\nu3\n", "u2 c d\nu4 a\nu2 e")
        #expect(DatasetReaderTests.items(parts[0], reader) == [["a", "b", "c"], ["b"], []])
        #expect(DatasetReaderTests.items(parts[1], reader) == [[], ["c", "d", "e"], [], ["a"]])
        #expect(reader.users.texts == ["u1", "u2", "u3", "u4"])
        #expect(!parts[0].hasTimes && parts[0].count == 4)
    }

    @Test("pairs: weights and times, equal times in the order of the file")
    func pairs() throws {
        let (reader, parts) = try DatasetReaderTests.read(
            .pairs, "u a 2 881250949\nu b 1 881250000\nu c 3 881250949\nu d 1 881250949000\n")
        #expect(DatasetReaderTests.items(parts[0], reader) == [["b", "a", "c", "d"]])
        #expect(parts[0].runs[0].map(\.weight) == [1, 2, 3, 1])
        #expect(parts[0].runs[0].map(\.time) == [881_250_000_000, 881_250_949_000, 881_250_949_000, 881_250_949_000])
    }

    @Test("pairs: a third column is a weight, or a time when all its numbers are as great as times")
    func thirdColumn() throws {
        let (_, weights) = try DatasetReaderTests.read(.pairs, "u a 5\nu b 900000000\n")
        #expect(weights[0].runs[0].map(\.weight) == [5, 9e8] && !weights[0].hasTimes)
        let (reader, times) = try DatasetReaderTests.read(.pairs, "u a 900000001\nu b 900000000\n")
        #expect(times[0].runs[0].map(\.weight) == [1, 1] && times[0].hasTimes)
        #expect(DatasetReaderTests.items(times[0], reader) == [["b", "a"]])
        let (_, bare) = try DatasetReaderTests.read(.pairs, "u a\nu b\n")
        #expect(bare[0].runs[0].map(\.time) == [nil, nil])
    }

    @Test("sessions: by start, clicks by time, columns in any order; each file has sessions of its own")
    func sessions() throws {
        let text = "ItemId\tSessionId\tTime\tX\nb\t1\t20.5\t\na\t1\t10.25\t\nc\t2\t5\t\n"
        let (reader, parts) = try DatasetReaderTests.read(.sessions, text, text)
        #expect(DatasetReaderTests.items(parts[0], reader) == [["c"], ["a", "b"]])
        #expect(parts[0].runs[1].map(\.time) == [10_250, 20_500])
        #expect(parts[0] == parts[1])
    }

    @Test(
        "What is wrong is said with its file and line",
        arguments: [
            (DatasetFormat.pairs, "u a\nu\n", 2), (.pairs, "u a\nu b 3\n", 2), (.pairs, "u a x 1\n", 1),
            (.pairs, "u a 1 1\n\nu b 1 nan\n", 3), (.pairs, "u a 1 1e300\n", 1), (.pairs, "u a 1e300 1\n", 1),
            (.pairs, "a b c d e\n", 1), (.sessions, "SessionId\tItemId\n1\t2\n", 1),
            (.sessions, "SessionId\tItemId\tTime\n1\t2\t3\n1\t2\n", 3),
            (.sessions, "SessionId\tItemId\tTime\n1\t\t3\n", 2),
            (.sessions, "SessionId\tItemId\tTime\n1\t2\tsoon\n", 2),
        ])
    func faults(format: DatasetFormat, text: String, line: Int) throws {
        let error = try #require(throws: DatasetError.self) { try DatasetReaderTests.read(format, text) }
        #expect(error.file == "file0" && error.line == line)
        #expect("\(error)".hasPrefix("file0, line \(line): "))
    }

    @Test("Bytes that are no text are refused; a missing file and a folder are said")
    func files() {
        var reader = DatasetReader(.lists)
        #expect(throws: DatasetError.self) { try reader.read([117, 32, 0xFF, 10], named: "f") }
        #expect(throws: DatasetError.self) { try InputFile.read("/no/such/file") }
        #expect(throws: DatasetError.self) { try InputFile.read("/tmp") }
        var sessions = DatasetReader(.sessions)
        #expect(throws: DatasetError.self) { try sessions.read([], named: "f") }
    }
}

@Suite("Splits")
struct SplitTests {
    @Test("The words are understood, and nothing else")
    func words() {
        #expect(Split("last") == .last)
        #expect(Split("temporal:0.8") == .temporal(0.8))
        for text in ["", "temporal", "temporal:", "temporal:0", "temporal:1", "temporal:x", "first", "temporal:0.8:1"] {
            #expect(Split(text) == nil)
        }
    }

    @Test("Last holds back one interaction of everyone with two")
    func last() throws {
        let (_, parts) = try DatasetReaderTests.read(.lists, "u a b c\nv a\nw\n")
        let divided = try Split.last.divide(parts[0])
        #expect(divided.train.runs.map(\.count) == [2, 1, 0])
        #expect(divided.test.runs.map { $0.map(\.item) } == [[2], [], []])
    }

    @Test("Temporal divides all interactions by time, and says when there are no times")
    func temporal() throws {
        let (_, parts) = try DatasetReaderTests.read(.pairs, "u a 1 1\nv b 1 2\nu c 1 3\nv d 1 4\nu e 1 5\n")
        let divided = try Split.temporal(0.6).divide(parts[0])
        #expect(divided.train.runs.map { $0.map(\.item) } == [[0, 2], [1]])
        #expect(divided.test.runs.map { $0.map(\.item) } == [[4], [3]])
        let (_, bare) = try DatasetReaderTests.read(.pairs, "u a\n")
        #expect(throws: DatasetError.self) { try Split.temporal(0.5).divide(bare[0]) }
    }

    @Test("Sessions stay whole: the last day, or a share")
    func sessions() throws {
        let text = "SessionId\tItemId\tTime\n1\ta\t0\n1\tb\t90000\n2\ta\t50000\n3\ta\t120000\n"
        let (_, parts) = try DatasetReaderTests.read(.sessions, text)
        #expect(Split.last.divideSessions(parts[0]).test.runs.count == 2)
        #expect(Split.temporal(0.67).divideSessions(parts[0]).test.runs.count == 1)
    }
}
