import JSON
import Testing

/// Parses and copies; the error's code where it is refused.
func parsed(_ text: String, maximumDepth: Int = 64) -> Result<JSONValue, JSONError> {
    do throws(JSONError) {
        return .success(try JSONValue(parsing: text, maximumDepth: maximumDepth))
    } catch {
        return .failure(error)
    }
}

func errorCode(_ text: String, maximumDepth: Int = 64) -> String? {
    if case .failure(let error) = parsed(text, maximumDepth: maximumDepth) { return error.code }
    return nil
}

@Suite("Parsing")
struct JSONParserTests {
    let parser = JSONParser()

    @Test("scalars have their kind and value")
    func scalars() throws {
        #expect(try parser.parse("null").isNull)
        #expect(try parser.parse(" true ").bool == true)
        #expect(try parser.parse("false").bool == false)
        #expect(try parser.parse("\"x\"").stringValue == "x")
        #expect(try parser.parse("12").int64 == 12)
        #expect(try parser.parse("\"\"").string?.count == 0)
        #expect(try parser.parse("12").string == nil)
        #expect(try parser.parse("12").bool == nil)
    }

    @Test("numbers keep their kind, value and integrality at the edges")
    func numbers() throws {
        let cases: [(String, JSONKind, Int64?, Double, Bool)] = [
            ("0", .integer, 0, 0, true), ("-1", .integer, -1, -1, true),
            ("9223372036854775807", .integer, .max, 0x1p63, true),
            ("-9223372036854775808", .integer, .min, -0x1p63, true),
            ("9223372036854775808", .unsigned, nil, 0x1p63, true),
            ("18446744073709551615", .unsigned, nil, 0x1p64, true),
            ("18446744073709551616", .bigNumber, nil, 0x1p64, true),
            ("99999999999999999999", .bigNumber, nil, 1e20, true),
            ("-9223372036854775809", .bigNumber, nil, -0x1p63, true),
            ("1.0", .double, 1, 1, true), ("1e2", .double, 100, 100, true), ("1.5", .double, nil, 1.5, false),
            ("150e-1", .double, 15, 15, true), ("1E+2", .double, 100, 100, true), ("0e999", .double, 0, 0, true),
            ("9007199254740993.0", .double, 9_007_199_254_740_993, 9_007_199_254_740_992, true),
            ("9223372036854775807.00", .double, .max, 0x1p63, true),
            ("-9223372036854775808e0", .double, .min, -0x1p63, true),
            ("9223372036854775808e0", .double, nil, 0x1p63, true),
            ("1.00000000000000000000000001", .double, nil, 1, false),
            ("0.1", .double, nil, 0.1, false), ("1e-400", .double, nil, 0, false),
            ("1.7976931348623157e308", .double, nil, .greatestFiniteMagnitude, true),
            ("5e-324", .double, nil, .leastNonzeroMagnitude, false),
            ("123456789012345678901234567890e-29", .double, nil, 1.2345678901234567, false),
            ("0.000000000000000000000000000000000000000000000000000001e54", .double, 1, 1, true),
        ]
        for (text, kind, integer, double, isInteger) in cases {
            let view = try parser.parse(text)
            #expect(view.kind == kind, "\(text)")
            #expect(view.int64 == integer, "\(text)")
            #expect(view.double == double, "\(text)")
            #expect(view.isInteger == isInteger, "\(text)")
            #expect(!view.containsNumberOverflow, "\(text)")
            #expect(String(decoding: view.raw, as: UTF8.self) == text)
        }
    }

    @Test("minus zero keeps its sign", arguments: ["-0", "-0.0", "-0e5", "-0.000"])
    func minusZero(text: String) throws {
        let view = try parser.parse(text)
        #expect(view.double?.sign == .minus)
        #expect(view.int64 == 0)
        #expect(JSONValue(view).text == text)
    }

    @Test(
        "numbers beyond the doubles are flagged up to the root",
        arguments: ["1e309", "-1e400", "1e99999999999999999999"])
    func overflow(text: String) throws {
        let view = try parser.parse("{\"a\":[\(text)],\"b\":[1]}")
        #expect(view.containsNumberOverflow)
        #expect(view["a"]?.containsNumberOverflow == true)
        #expect(view["b"]?.containsNumberOverflow == false)
        #expect(try parser.parse(text).double?.isInfinite == true)
        #expect(try parser.parse(String(repeating: "9", count: 400)).containsNumberOverflow)
    }

    @Test("strings are unescaped")
    func strings() throws {
        #expect(try parser.parse(#""a\"\\\/\b\f\n\r\té\uD83D\uDE00€""#).stringValue == "a\"\\/\u{8}\u{c}\n\r\té😀€")
        #expect(try parser.parse("\"😀 𝄞 日本\"").stringValue == "😀 𝄞 日本")
        let two = try parser.parse(#"["\n1","plain","\t2"]"#)
        #expect(two.elements.compactMap(\.stringValue) == ["\n1", "plain", "\t2"])
        let long = String(repeating: "x", count: 1000)
        #expect(try parser.parse("\"\(long)\\n\(long)\"").stringValue == long + "\n" + long)
    }

    @Test("U+0000 is flagged in values and keys")
    func nul() throws {
        #expect(try parser.parse(#"{"a":["\u0000"]}"#).containsNUL)
        #expect(try parser.parse(#"{"a\u0000b":1}"#).containsNUL)
        #expect(try !parser.parse(#"{"a":"\\u0000","b":"0"}"#).containsNUL)
        #expect(try parser.parse(#"["a\u0000b"]"#).elements.first { _ in true }?.string?.count == 3)
    }

    @Test("raw slices are exact, without white space")
    func raw() throws {
        let view = try parser.parse("  {\"a\" : [ 1 , {\"b\":2} ] , \"c\":\"x\\ny\" }  ")
        let raw = { (view: JSONView?) in view.map { String(decoding: $0.raw, as: UTF8.self) } }
        #expect(raw(view) == "{\"a\" : [ 1 , {\"b\":2} ] , \"c\":\"x\\ny\" }")
        #expect(raw(view["a"]) == "[ 1 , {\"b\":2} ]")
        #expect(raw(view["c"]) == "\"x\\ny\"")
        #expect(view["a"]?.offset == 9)
        #expect(view.count == 2)
        #expect(view["a"]?.count == 2)
        #expect(view["a"]?.elements.map { String(decoding: $0.raw, as: UTF8.self) } == ["1", "{\"b\":2}"])
    }

    @Test("members are found by name, the last of repeated ones")
    func members() throws {
        let view = try parser.parse(#"{"a":1,"bb":2,"a":3,"\u0062c":4}"#)
        #expect(view.member("a")?.int64 == 3)
        #expect(view["bb"]?.int64 == 2)
        #expect(view["bc"]?.int64 == 4)
        #expect(view["zz"] == nil)
        #expect(view.member("") == nil)
        #expect(view.members.map { String(decoding: $0.key, as: UTF8.self) } == ["a", "bb", "a", "bc"])
        #expect(try parser.parse("[1]").member("a") == nil)
    }

    @Test("repeated keys are flagged up to the root, and only they")
    func duplicates() throws {
        #expect(try parser.parse(#"{"a":1,"\u0061":2}"#).containsDuplicateKey)
        #expect(try parser.parse(#"[{"x":{"a":1,"b":2,"a":3}}]"#).containsDuplicateKey)
        #expect(try !parser.parse(#"{"a":{"a":{"a":1}},"b":{"a":1}}"#).containsDuplicateKey)
        #expect(try parser.parse(#"{"":1,"":2}"#).containsDuplicateKey)
        #expect(try !parser.parse("{\"é\":1,\"e\u{301}\":2}").containsDuplicateKey)
        var random = SeededGenerator(state: 11)
        for round in 0..<2000 {
            let count = 2 + random.below(round % 2 == 0 ? 12 : 90)
            let prefix = String(repeating: "k", count: random.below(30))
            let keys = (0..<count).map { _ in prefix + String(random.below(count * count * 2)) + prefix }
            let text = "{" + keys.map { "\"\($0)\":0" }.joined(separator: ",") + "}"
            #expect(try parser.parse(text).containsDuplicateKey == (Set(keys).count < count), "round \(round)")
        }
    }

    @Test("a large object with crafted keys is checked in time n log n")
    func manyKeys() throws {
        let middle = { (index: Int) in "\"same-start-" + String(1_000_000 + index) + "-and-same-end\":0" }
        let text = "{" + (0..<200_000).map(middle).joined(separator: ",") + "}"
        var repeats = true
        let took = try processorSeconds { repeats = try parser.parse(text).containsDuplicateKey }
        #expect(!repeats)
        #expect(took < 5)
        #expect(try parser.parse(text.dropLast() + "," + middle(77) + "}").containsDuplicateKey)
    }

    @Test("depth counts open containers and is exact")
    func depth() {
        let nested = { (depth: Int) in String(repeating: "[", count: depth) + String(repeating: "]", count: depth) }
        #expect(errorCode(nested(64)) == nil)
        #expect(errorCode(nested(65)) == "json_too_deep")
        #expect(errorCode("1", maximumDepth: 0) == nil)
        #expect(errorCode("[]", maximumDepth: 0) == "json_too_deep")
        #expect(
            errorCode(String(repeating: "{\"a\":", count: 5) + "1" + String(repeating: "}", count: 5), maximumDepth: 5)
                == nil)
        #expect(errorCode(String(repeating: "[", count: 1_000_000), maximumDepth: 1_000_000) == "invalid_json")
        #expect(errorCode(String(repeating: "[", count: 1_000_000)) == "json_too_deep")
        #expect(errorCode("[]", maximumDepth: -1) == "json_too_deep")
    }

    @Test(
        "what is not JSON is refused",
        arguments: [
            "{", "}", "[", "]", "[1", "[1,", "[1,]", "[,1]", "{\"a\"}", "{\"a\":}", "{\"a\":1,}", "{a:1}", "{\"a\" 1}",
            "{1:2}", "1 2",
            "[1]]", "{}{}", "\"a\" \"b\"", "\"a\"b", "a\"b\"", "tru", "truex", "True", "nul", "nulll", "falsee", "NaN",
            "Infinity", "-",
            "+1", "01", "-01", "1.", ".5", "1.e5", "1e", "1e+", "0x10", "1_000", "1a", "1\"", "\"", "\"a", "\"\\\"",
            "\"\\x\"", "\"\\u12\"",
            "\"\\u12g4\"", "\"\n\"", "\"\t\"", "'a'", "[1 2]", "{\"a\":1 \"b\":2}", "{\"a\":1]", "[1}", "/**/1",
            "\u{FEFF}1", "\u{0}", "1\u{0}",
            "[1\u{0}]", ":", ",", "[:1]", "{\"a\":1,,\"b\":2}", "\u{B}1", "\u{A0}1", "--1", "1-1", "[1:2]", "tr ue",
        ])
    func malformed(text: String) {
        #expect(errorCode(text) == "invalid_json")
    }

    @Test("empty input, broken UTF-8 and half surrogates have codes of their own")
    func codes() {
        #expect(errorCode("") == "json_empty")
        #expect(errorCode(" \n\t\r ") == "json_empty")
        for half in ["\\uD800", "\\uDC00", "\\uD800x", "\\uD800\\u0041", "\\uDBFF\\uD800", "\\uD83D\\n"] {
            #expect(errorCode("\"\(half)\"") == "invalid_surrogate", "\(half)")
        }
        let broken: [[UInt8]] = [
            [0x80], [0xC0, 0x80], [0xC3], [0xED, 0xA0, 0x80], [0xF4, 0x90, 0x80, 0x80], [0xE0, 0x80, 0x80],
            [0xF0, 0x80, 0x80, 0x80], [0xFF],
        ]
        for bytes in broken {
            let error = #expect(throws: JSONError.self) { try parser.parse([0x5B, 0x22] + bytes + [0x22, 0x5D]) }
            #expect(error?.code == "invalid_utf8")
            #expect(error?.offset == 2)
        }
        #expect(
            parsed("[1,?]")
                == .failure(JSONError(code: "invalid_json", message: "The text is not valid JSON.", offset: 3)))
    }

    @Test("a parser is usable after errors and after larger and smaller documents")
    func reuse() throws {
        for size in [1, 100, 5_000, 3_000_000, 10, 20_000, 9_000_000, 3] {
            let text = "[" + String(repeating: "1,\"\\n\",", count: size / 7) + "2]"
            #expect(try parser.parse(text).count == size / 7 * 2 + 1)
            #expect(throws: JSONError.self) { try parser.parse("[1,") }
        }
    }
}
