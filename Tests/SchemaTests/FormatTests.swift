import JSON
import Schema
import Testing

@Suite("Formats")
struct FormatTests {
    static let cases: [(String, [String], [String])] = [
        (
            "date-time",
            [
                "2026-01-31T12:00:00Z", "2026-01-31t12:00:00.123456789z", "2024-02-29T23:59:59+23:59",
                "1998-12-31T23:59:60Z", "0000-01-01T00:00:00-00:00",
            ],
            [
                "2026-01-31", "2026-01-31 12:00:00Z", "2026-01-31T12:00:00", "2026-01-31T12:00:00.Z",
                "2026-02-29T00:00:00Z", "2026-01-31T24:00:00Z", "2026-01-31T12:00:00+24:00", "2026-01-31T12:00:00Z ",
                "", "2026-1-31T12:00:00Z",
            ]
        ),
        (
            "date", ["2026-12-31", "2000-02-29"],
            ["1900-02-29", "2026-04-31", "2026-00-10", "2026-10-00", "26-10-10", "2026-10-10Z", "2026/10/10"]
        ),
        (
            "time", ["00:00:00Z", "23:59:60Z", "01:29:60+01:30", "15:59:60-08:00", "12:00:00.5+00:00"],
            ["12:00:00", "24:00:00Z", "12:60:00Z", "22:59:60Z", "23:59:60+01:00", "12:00Z", "1:00:00Z"]
        ),
        (
            "email", ["a@b", "a.b+c@d-e.f", "\"a b@c\"@d.e", "\"\\\"\"@d", "a@[127.0.0.1]", "a@[IPv6:::1]"],
            [
                "", "@b", "a@", "a@b@c", ".a@b", "a.@b", "a..b@c", "a@-b", "a@b-", "a@b..c", "a@b.", "a b@c", "\"a@b",
                "é@b", "a@[300.0.0.1]", "a@[::1]",
            ]
        ),
        (
            "uri",
            [
                "http://a", "a:", "urn:x:y", "http://u:p@[::1]:80/p?q#f", "mailto:a@b", "http://[v1.x]", "file:///a",
                "a:b/c@:%20",
            ],
            [
                "", "a", "//a", "/a", "1a:b", "http://a b", "http://[::1", "a:%2", "a:%zz", "http://a:b", "a:é",
                "a:#b#c", "http://[::1]x",
            ]
        ),
        (
            "uuid", ["123e4567-e89b-12d3-a456-426614174000", "FFFFFFFF-FFFF-FFFF-FFFF-FFFFFFFFFFFF"],
            [
                "123e4567e89b12d3a456426614174000", "123e4567-e89b-12d3-a456-42661417400",
                "123e4567-e89b-12d3-a456-42661417400g", "{123e4567-e89b-12d3-a456-426614174000}",
            ]
        ),
        (
            "ipv4", ["0.0.0.0", "255.255.255.255"],
            ["256.0.0.1", "01.0.0.0", "1.2.3", "1.2.3.4.5", "1.2.3.", "1.2.3.4 ", "1..2.3", "1000.0.0.0"]
        ),
        (
            "ipv6",
            ["::", "::1", "1::", "1:2:3:4:5:6:7:8", "1:2:3:4:5:6:1.2.3.4", "::1.2.3.4", "1::2:3", "1:2:3:4:5:6:7::"],
            [
                "", ":", ":::", "1:2:3:4:5:6:7", "1:2:3:4:5:6:7:8:9", "1::2::3", "12345::", "1:2:3:4:5:6:7:1.2.3.4",
                "::1.2.3", ":1", "1:", "::g", "::1%eth0", "1:2:3:4:5:6:7::8", "::1.2.3.4:5",
            ]
        ),
    ]

    @Test("formats are asserted on strings", arguments: cases)
    func formats(name: String, valid: [String], invalid: [String]) throws {
        let schema = try compiled("{\"format\":\"\(name)\"}")
        for text in valid { #expect(try schema.accepts(JSONValue.string(text).text), "\(text)") }
        for text in invalid { #expect(try !schema.accepts(JSONValue.string(text).text), "\(text)") }
        for other in ["1", "null", "{}", "[]"] { #expect(try schema.accepts(other)) }
    }

    @Test("every date of four centuries is judged as the calendar says")
    func calendar() throws {
        let schema = try compiled(#"{"format":"date"}"#)
        let parser = JSONParser()
        var count = 0
        for year in 1800..<2200 {
            for month in 1...12 {
                for day in 28...31 {
                    let pad = { (value: Int) in value < 10 ? "0\(value)" : "\(value)" }
                    let view = try parser.parse("\"\(year)-\(pad(month))-\(pad(day))\"")
                    if schema.isValid(view) == true { count += 1 }
                }
            }
        }
        // 12 twenty-eighths a year; of the 29th to 31st February 97 in four centuries, 11 twenty-ninths, 11 thirtieths, 7 thirty-firsts.
        #expect(count == 400 * (12 + 11 + 11 + 7) + 97)
    }
}
