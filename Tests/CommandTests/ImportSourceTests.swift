import Domain
import JSON
import Testing

@testable import Command

@Suite("The readers of import files")
struct ImportSourceTests {
    private let folder = TemporaryFolder()

    // MARK: Lines

    private func lines(_ text: String, limit: Int = 4 << 20) throws -> [String] {
        let reader = try LineReader(path: folder.file("lines", text), maximumLineBytes: limit)
        var lines: [String] = []
        while let line = try reader.next() {
            switch line {
            case .text(let bytes): lines.append(String(decoding: bytes, as: UTF8.self))
            case .tooLong: lines.append("!\(reader.lineNumber)")
            }
        }
        #expect(reader.fraction ?? 1 == 1)
        return lines
    }

    @Test("lines are split at line feeds, with or without one at the end, and a byte order mark is passed over")
    func splitting() throws {
        #expect(try lines("") == [])
        #expect(try lines("\n") == [""])
        #expect(try lines("a\n\nb") == ["a", "", "b"])
        #expect(try lines("\u{FEFF}a\nb\n") == ["a", "b"])
        #expect(try lines("a\r\nb") == ["a\r", "b"])
    }

    @Test("lines of random lengths, over the limit too, come out as a plain split has them")
    func randomLines() throws {
        var generator = SeededGenerator(seed: 11)
        for _ in 0..<20 {
            let expected = (0..<Int.random(in: 1...30, using: &generator)).map { _ in
                String(repeating: "x", count: Int.random(in: 1...100_000, using: &generator))
            }
            let limit = 60_000
            let got = try lines(expected.joined(separator: "\n"), limit: limit)
            #expect(got.count == expected.count)
            for (index, pair) in zip(got, expected).enumerated() {
                #expect(pair.0 == (pair.1.count > limit ? "!\(index + 1)" : pair.1))
            }
        }
    }

    @Test("a line far beyond the limit costs no memory and the next line is found")
    func longLine() throws {
        let long = String(repeating: "y", count: 3_000_000)
        #expect(try lines("a\n\(long)\nb\n\(long)", limit: 1000) == ["a", "!2", "b", "!4"])
    }

    // MARK: JSON lines

    private func jsonLines(_ text: String, kind: ImportRecord.Kind = .interaction, shift: Int64 = 0) throws -> [String]
    {
        try drain(JSONLinesSource(path: folder.file("x.jsonl", text), kind: kind, shift: shift))
    }

    @Test("a line with an id goes through byte for byte, blank lines are passed over")
    func passThrough() throws {
        let line = #"{ "id":"1", "type":"view","user_id":"u", "occurred_at":"2026-01-01T00:00:00Z", "x": -0.0 }"#
        #expect(try jsonLines("\(line)\r\n\n  \n\(line)") == [line, line])
    }

    @Test("a line that is not one JSON object is malformed and the rest is read")
    func malformedLines() throws {
        let text = "{\"id\":1}\n{\"id\":\n[1]\n\"x\"\n{} {}\n\u{0}\n{\"id\":2}"
        #expect(try jsonLines(text) == [#"{"id":1}"#, "!2", "!3", "!4", "!5", "!6", #"{"id":2}"#])
        let bytes = Array("{\"id\":1,\"a\":\"".utf8) + [0xFF] + Array("\"}\n{\"id\":2}".utf8)
        let source = try JSONLinesSource(path: folder.file("y.jsonl", bytes), kind: .interaction, shift: 0)
        #expect(try drain(source) == ["!1", #"{"id":2}"#])
    }

    @Test("an id is made where there is none: the same for the same line, another for the next")
    func generatedIDs() throws {
        let text = "{\"type\":\"view\"}\n{\"type\":\"view\"}\n{\"id\":null,\"a\":1}\n{}\n"
        let first = try jsonLines(text).map { try JSONValue(parsing: $0) }
        let again = try jsonLines(text).map { try JSONValue(parsing: $0) }
        #expect(first == again)
        let ids = first.compactMap { $0["id"]?.stringValue }
        #expect(Set(ids).count == 4)
        #expect(ids.allSatisfy { $0.hasPrefix("import-") && $0.utf8.count == 39 })
        #expect(first[0]["type"] == "view")
        #expect(first[2]["a"] == 1)
        #expect(first.map { $0.objectValue?.count } == [2, 2, 2, 1])
    }

    @Test("times are moved where they stand, and ids do not depend on it")
    func shifting() throws {
        let text = """
            {"a":{"occurred_at":"2026-01-01T00:00:00Z"},"occurred_at":"2026-01-01T01:00:00+01:00","z":1}
            {"occurred_at":"soon","id":"1"}
            {"id":"2"}
            """
        let moved = try jsonLines(text, shift: 1500)
        #expect(moved[0].contains(#""a":{"occurred_at":"2026-01-01T00:00:00Z"}"#))
        #expect(moved[0].hasSuffix(#","occurred_at":"2026-01-01T00:00:01.500Z","z":1}"#))
        #expect(moved[1...] == [#"{"occurred_at":"soon","id":"1"}"#, #"{"id":"2"}"#])
        let id = try JSONValue(parsing: moved[0])["id"]
        #expect(try JSONValue(parsing: jsonLines(text)[0])["id"] == id)
    }

    @Test("entities go through as they are")
    func entityLines() throws {
        let line = #"{"type":"product","id":7,"title":"Ä"}"#
        #expect(try jsonLines("\(line)\nnull\n", kind: .entity) == [line, "!2"])
    }

    // MARK: CSV

    private func csv(_ text: String, kind: ImportRecord.Kind = .interaction, shift: Int64 = 0) throws -> [JSONValue] {
        try drain(CSVSource(path: folder.file("x.csv", text), kind: kind, shift: shift)).map { text in
            text.hasPrefix("!") ? .string(text) : try JSONValue(parsing: text)
        }
    }

    @Test("quotes, quoted commas, quotes and line breaks, CRLF and a byte order mark are read as RFC 4180 has them")
    func quoting() throws {
        let text =
            "\u{FEFF}id,type,entity_id,user_id,context\r\n1,view,\"a,b\",\"he said \"\"no\"\"\",\"x\r\ny\"\r\n"
            + "\n2,view,\"\",u,\n"
        #expect(
            try csv(text) == [
                ["id": "1", "type": "view", "entity_id": "a,b", "user_id": "he said \"no\"", "context": "x\r\ny"],
                ["id": "2", "type": "view", "user_id": "u"],
            ])
    }

    @Test("random tables come back as they were written")
    func randomTables() throws {
        var generator = SeededGenerator(seed: 5)
        let letters = ["a", "\"", ",", "\n", "\r\n", "ß", "🦜", " ", "1"]
        let fields = ["id", "type", "entity_id", "user_id", "list_id"]
        for _ in 0..<50 {
            let rows = (0..<20).map { _ in
                fields.map { _ in
                    (0..<Int.random(in: 1...6, using: &generator)).map { _ in
                        letters.randomElement(using: &generator) ?? ""
                    }.joined()
                }
            }
            let text = ([fields] + rows).map { row in
                row.map { "\"" + $0.replacing("\"", with: "\"\"") + "\"" }.joined(separator: ",")
            }.joined(separator: "\n")
            let got = try csv(text)
            #expect(got.count == rows.count)
            for (value, row) in zip(got, rows) {
                #expect(fields.map { value[$0]?.stringValue } == row.map { Optional($0) })
            }
        }
    }

    @Test("malformed records are passed over and the next one is read")
    func malformedRecords() throws {
        let text = """
            id,type,entity_id,user_id,value,occurred_at
            1,view,e,u,1,2026-01-01T00:00:00Z
            2,view,e,u,1
            3,view,"e"x,u,1,
            4,view,e"x,u,1,
            5,view,e,u,one,
            6,view,e,u,,yesterday
            7,view,e,u,1.50,
            8,view,"e,u,,
            """
        let got = try csv(text)
        #expect(got.map(\.stringValue) == [nil, "!3", "!4", "!5", "!6", "!7", nil, "!9"])
        #expect(got[6] == ["id": "7", "type": "view", "entity_id": "e", "user_id": "u", "value": 1.5])
        let bytes = Array("id,type,entity_id,user_id\n1,view,".utf8) + [0xC3, 0x28] + Array(",u\n2,view,e,u\n".utf8)
        let source = try CSVSource(path: folder.file("y.csv", bytes), kind: .interaction, shift: 0)
        #expect(try drain(source).map { $0.hasPrefix("!") } == [true, false])
    }

    @Test("metadata is a column of JSON, columns of members, or both")
    func metadata() throws {
        let text = #"""
            id,type,entity_id,user_id,metadata,metadata.a,metadata.b c
            1,view,e,u,"{""a"":1,
              ""z"":[1,{""k"":2}]}",,
            2,view,e,u,"{""a"":1,""z"":2}",true,zip 007
            3,view,e,u,,"""12""",12
            4,view,e,u,,1e999,"{""x"":null}"
            5,view,e,u,,,
            6,view,e,u,[1],,
            """#
        let got = try csv(text)
        #expect(got[0]["metadata"] == ["a": 1, "z": [1, ["k": 2]]])
        #expect(got[1]["metadata"] == ["z": 2, "a": true, "b c": "zip 007"])
        #expect(got[2]["metadata"] == ["a": "12", "b c": 12])
        #expect(got[3]["metadata"] == ["a": "1e999", "b c": ["x": nil]])
        #expect(got[4]["metadata"] == nil)
        #expect(got[5] == "!8")
    }

    @Test("times are moved, ids are made, Music's names are understood")
    func csvDetails() throws {
        let text = "eventType,entityType,entityId,sessionId,occurred_at\nview,song,s1,x,2026-01-01T00:00:00Z\n"
        let moved = try csv(text, shift: -1000)
        #expect(moved[0]["occurred_at"] == "2025-12-31T23:59:59.000Z")
        #expect(moved[0]["session_id"] == "x")
        #expect(moved[0]["entity_type"] == "song")
        #expect(moved[0]["id"]?.stringValue?.hasPrefix("import-") == true)
        #expect(try csv(text)[0]["id"] == moved[0]["id"])
    }

    @Test(
        "a header that cannot be meant is refused before anything is read",
        arguments: [
            ("", "is empty"), ("type,entity_id,usr_id\n", "\"usr_id\", which is no field"),
            ("type,entity_id,usr_id\n", "Did you mean \"user_id\"?"), ("type,user_id\n", "no column \"entity_id\""),
            ("type,entity_id\n", "none of the columns user_id, anonymous_id and session_id"),
            ("type,type,entity_id,user_id\n", "\"type\" twice"), ("\"type,entity_id,user_id\n", "never closed"),
            ("type,entity_id,user_id,metadata.\n", "\"metadata.\""),
        ])
    func headers(text: String, sentence: String) {
        let error = #expect(throws: CommandError.self) { try csv(text) }
        #expect(error?.message.contains(sentence) == true, "\(error?.message ?? "")")
    }

    @Test("what an export says that only the server sets is passed over, in lines and in columns")
    func exported() throws {
        let line =
            #"{"id":"1","type":"cart_add","original_type":"add_to_cart","entity_id":"e","user_id":"u","#
            + #""occurred_at":"2026-01-01T00:00:00.000Z","received_at":"2026-01-01T00:00:01.000Z","metadata":{"received_at":1}}"#
        let wanted: JSONValue = [
            "id": "1", "type": "cart_add", "entity_id": "e", "user_id": "u", "occurred_at": "2026-01-01T00:00:00.000Z",
            "metadata": ["received_at": 1],
        ]
        let source = try JSONLinesSource(path: folder.file("e.jsonl", line), kind: .interaction, shift: 0)
        #expect(try drain(source).map { try JSONValue(parsing: $0) } == [wanted])
        let moved = try JSONLinesSource(path: folder.file("e.jsonl", line), kind: .interaction, shift: 1000)
        #expect(try JSONValue(parsing: drain(moved)[0])["occurred_at"] == "2026-01-01T00:00:01.000Z")
        let table = """
            id,type,original_type,entity_id,user_id,occurred_at,received_at,metadata
            1,cart_add,add_to_cart,e,u,2026-01-01T00:00:00.000Z,2026-01-01T00:00:01.000Z,"{""received_at"":1}"
            """
        #expect(try csv(table) == [wanted])
        #expect(throws: CommandError.self) { try csv("type,id,received_at\n", kind: .entity) }
    }

    @Test("entities: lists, truth values, numbers and attributes")
    func csvEntities() throws {
        let text = """
            type,id,title,categories,labels,price,inventory,hidden,deleted,attributes.size,attributes,published_at
            product,1,Ä,a | b||c,"[""x|y"",""z""]",12.50,3,TRUE,0,42,"{""c"":""red""}",2026-01-01T00:00:00Z
            product,2,,,,,,,,,,
            product,3,,,,,many,,,,,
            product,4,,,,,,perhaps,,,,
            """
        let got = try csv(text, kind: .entity)
        #expect(
            got == [
                [
                    "type": "product", "id": "1", "title": "Ä", "categories": ["a", "b", "c"],
                    "labels": ["x|y", "z"], "price": "12.50", "inventory": 3, "hidden": true, "deleted": false,
                    "attributes": ["c": "red", "size": 42], "published_at": "2026-01-01T00:00:00Z",
                ], ["type": "product", "id": "2"], "!4", "!5",
            ])
    }

    // MARK: Sessions

    @Test("sessions: each line is a view with an id of its own, and times keep their milliseconds")
    func sessions() throws {
        let text = """
            SessionId\tItemId\tTime
            3\t214\t1396437466.94
            3\t214\t1396437466.94
            4\t\t1
            4\t5\tsoon
            4\t5
            4\t5\tnan
            5\tx\t1e3
            """
        let got = try drain(SessionsSource(path: folder.file("s.txt", text), shift: 0))
        #expect(got.map { $0.hasPrefix("!") } == [false, false, true, true, true, true, false])
        let values = try [0, 1, 6].map { try JSONValue(parsing: got[$0]) }
        #expect(
            values[0] == [
                "id": "sessions-3-214-2", "type": "view", "entity_type": "product", "entity_id": "214",
                "session_id": "3", "occurred_at": "2014-04-02T11:17:46.940Z",
            ])
        #expect(values[1]["id"] == "sessions-3-214-3")
        #expect(values[2]["occurred_at"] == "1970-01-01T00:16:40.000Z")
        let moved = try drain(SessionsSource(path: folder.file("s.txt", text), shift: 60))
        #expect(try JSONValue(parsing: moved[0])["occurred_at"] == "2014-04-02T11:17:47.000Z")
        #expect(throws: CommandError.self) { try SessionsSource(path: folder.file("t.txt", "1\t2\t3\n"), shift: 0) }
    }

    // MARK: MovieLens

    private func movieLens() -> String {
        _ = folder.file("u.genre", "unknown|0\nAction|1\nDrama|2\n\n")
        _ = folder.file(
            "u.item",
            Array("1|Am".utf8) + [0xE9] + Array("lie (2001)|05-Feb-2001||http://x/?a%20b|0|1|1\n".utf8)
                + Array("2|unknown||||1|0|0\nbroken\n".utf8))
        _ = folder.file("u.data", "7\t1\t5\t200\n8\t2\t3\t100\nx\t1\t1\t1\n7\t2\t4\t200\r\n")
        return folder.path
    }

    @Test("MovieLens: films with their genres first, then ratings in order of time")
    func movieLensFolder() throws {
        let got = try drain(MovieLensSource(folder: movieLens(), filmsOnly: false, shift: 0))
        #expect(got.map { $0.hasPrefix("!") } == [false, false, true, true, false, false, false])
        #expect(
            try JSONValue(parsing: got[0]) == [
                "type": "product", "id": "1", "title": "Amélie (2001)", "categories": ["Action", "Drama"],
                "published_at": "2001-02-05T00:00:00.000Z", "attributes": ["imdb_url": "http://x/?a%20b"],
            ])
        #expect(
            try JSONValue(parsing: got[1]) == ["type": "product", "id": "2", "title": "unknown", "categories": []])
        #expect(got[2...3] == ["!3", "!3"])
        #expect(
            try JSONValue(parsing: got[4]) == [
                "id": "ml-8-2-100", "type": "view", "entity_type": "product", "entity_id": "2", "user_id": "8",
                "occurred_at": "1970-01-01T00:01:40.000Z", "metadata": ["rating": 3],
            ])
        let ids = try got[4...].map { try JSONValue(parsing: $0)["id"] }
        #expect(ids == ["ml-8-2-100", "ml-7-1-200", "ml-7-2-200"])
        let moved = try drain(MovieLensSource(folder: folder.path, filmsOnly: false, shift: 1000))
        #expect(try JSONValue(parsing: moved[4])["occurred_at"] == "1970-01-01T00:01:41.000Z")
        #expect(moved[0] == got[0])
        #expect(try drain(MovieLensSource(folder: folder.path, filmsOnly: true, shift: 0)).count == 3)
    }

    @Test("a folder of the wrong shape is refused with what is missing")
    func wrongFolder() {
        _ = folder.file("u.item", "")
        let error = #expect(throws: CommandError.self) {
            try MovieLensSource(folder: folder.path, filmsOnly: false, shift: 0)
        }
        #expect(error?.message.hasSuffix("is not the folder of MovieLens 100K: u.genre is missing.") == true)
    }

    @Test("days are read as the catalogue writes them, impossible ones are left out")
    func dates() {
        #expect(MovieLensSource.date("01-Jan-1995")?.rfc3339 == "1995-01-01T00:00:00.000Z")
        #expect(MovieLensSource.date("4-Feb-1971")?.rfc3339 == "1971-02-04T00:00:00.000Z")
        #expect(MovieLensSource.date("31-Feb-1995") == nil)
        #expect(MovieLensSource.date("") == nil)
        #expect(MovieLensSource.date("1995") == nil)
    }
}
