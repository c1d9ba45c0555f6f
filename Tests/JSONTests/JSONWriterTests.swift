import Foundation
import JSON
import Testing

@Suite("Writing")
struct JSONWriterTests {
    private func written(_ body: (inout JSONWriter) -> Void) -> String {
        var writer = JSONWriter()
        body(&writer)
        return String(decoding: writer.bytes, as: UTF8.self)
    }

    @Test("commas stand where they belong")
    func commas() {
        let text = written { writer in
            writer.beginObject()
            writer.key("a")
            writer.integer(1)
            writer.key("b")
            writer.beginArray()
            writer.beginArray()
            writer.endArray()
            writer.beginObject()
            writer.endObject()
            writer.bool(true)
            writer.null()
            writer.endArray()
            let dynamic = "c\"d"
            writer.key(dynamic)
            writer.string("x")
            writer.key("e")
            writer.raw(Array("[1, 2]".utf8))
            writer.key("f")
            writer.double(2.5)
            writer.endObject()
        }
        #expect(text == #"{"a":1,"b":[[],{},true,null],"c\"d":"x","e":[1, 2],"f":2.5}"#)
    }

    @Test("numbers are written plainly")
    func numbers() {
        let doubles: [(Double, String)] = [
            (0, "0"), (-0.0, "-0"), (1, "1"), (-3, "-3"), (1e15, "1000000000000000"), (100_000, "100000"), (0.1, "0.1"),
            (1.5, "1.5"),
            (9_007_199_254_740_991, "9007199254740991"), (1e300, "1e+300"), (.nan, "null"), (.infinity, "null"),
        ]
        for (value, text) in doubles { #expect(written { $0.double(value) } == text) }
        #expect(written { $0.integer(Int64.min) } == "-9223372036854775808")
        #expect(written { $0.integer(Int64.max) } == "9223372036854775807")
        #expect(written { $0.unsigned(.max) } == "18446744073709551615")
        #expect(written { $0.integer(0) } == "0")
    }

    @Test("what one object has is written into another as it stands, with or without members before it")
    func members() throws {
        for isFirst in [true, false] {
            var writer = JSONWriter()
            writer.beginObject()
            if !isFirst { writer.key("before"); writer.null() }
            let start = writer.bytes.count
            writer.key("score")
            writer.rounded(-0.25, digits: 3)
            writer.key("items")
            writer.beginArray()
            writer.endArray()
            let members = writer.bytes(since: start)
            #expect(String(decoding: members, as: UTF8.self) == #""score":-0.25,"items":[]"#)
            var other = JSONWriter()
            other.beginObject()
            other.raw(members)
            other.key("after")
            other.integer(1)
            other.endObject()
            #expect(String(decoding: other.bytes, as: UTF8.self) == #"{"score":-0.25,"items":[],"after":1}"#)
        }
    }

    @Test("rounded numbers are what printf gives, without zeros at the end")
    func rounded() {
        var random = SystemRandomNumberGenerator()
        for value in [
            0, -0.0, 1, -1, 0.5, 1e-7, -1e-7, 0.1234565, 999_999_999, 0.9999999, -12.5, 1e9, 1e300, .infinity, .nan,
        ] {
            #expect(written { $0.rounded(value, digits: 6) } == plain(value))
        }
        for _ in 0..<20_000 {
            let value = Double.random(in: -1...1, using: &random) * pow(10, Double.random(in: -8...9, using: &random))
            #expect(written { $0.rounded(value, digits: 6) } == plain(value))
        }
    }

    private func plain(_ value: Double) -> String {
        guard abs(value) < 1e9 else { return written { $0.double(value) } }
        // Halves go up here and to the even there.
        var text = String(format: "%.6f", (value * 1e6).rounded() / 1e6)
        while text.hasSuffix("0") { text.removeLast() }
        if text.hasSuffix(".") { text.removeLast() }
        return text == "-0" ? "0" : text
    }

    @Test("strings are escaped wherever the character stands")
    func strings() throws {
        let special =
            (0..<0x20).map { Character(Unicode.Scalar(UInt8($0))) } + ["\"", "\\", "/", "\u{7F}", "é", "😀", "\u{2028}"]
        for length in 0..<20 {
            for position in 0...length {
                for character in special {
                    var text = String(repeating: "x", count: length)
                    text.insert(character, at: text.index(text.startIndex, offsetBy: position))
                    let json = written { $0.string(text) }
                    let back = try JSONValue(parsing: json).stringValue
                    #expect(back.map { Array($0.utf8) } == Array(text.utf8), "\(json)")
                }
            }
        }
        #expect(written { $0.string("\u{8}\u{c}\n\r\t\u{0}\u{1f}\"\\") } == #""\b\f\n\r\t\u0000\u001f\"\\""#)
    }
}

@Suite("Values")
struct JSONValueTests {
    @Test("a text is shortened by bytes, at a whole scalar, however long its grapheme clusters are")
    func shortened() {
        #expect("abc".shortened(toBytes: 3) == "abc")
        #expect("abcd".shortened(toBytes: 3) == "abc")
        #expect("aé".shortened(toBytes: 2) == "a")
        #expect("😀😀".shortened(toBytes: 7) == "😀")
        #expect("".shortened(toBytes: 0) == "")
        // One grapheme cluster of two megabytes.
        let cluster = "e" + String(repeating: "\u{301}", count: 1_000_000)
        #expect(cluster.count == 1)
        #expect(cluster.shortened(toBytes: 64).utf8.count == 63)
    }

    @Test(
        "a number is written as it was read",
        arguments: [
            "0", "-0", "0.0", "-0.0", "1.0", "12.50", "1e5", "1E+5", "1e-7", "0.1", "-3.25", "9223372036854775807",
            "-9223372036854775808", "9223372036854775808", "18446744073709551615", "18446744073709551616",
            "-9223372036854775809", "123456789012345678901234567890", "0.1000000000000000055511151231257827",
            "3.14159265358979323846264338327950288", "1e308", "5e-324", "4.9406564584124654e-324", "1e-400",
        ])
    func numbers(_ text: String) throws {
        let value = try JSONValue(parsing: "[{\"a\":\(text)}]")
        #expect(value.text == "[{\"a\":\(text)}]")
        #expect(value[0]?["a"]?.doubleValue == Double(text))
    }

    @Test("numbers that only their text keeps apart differ, and equal ones have one hash")
    func exactNumbers() throws {
        func number(_ text: String) throws -> JSONValue { try JSONValue(parsing: text) }
        #expect(try number("9007199254740993.0") == .integer(9_007_199_254_740_993))
        #expect(try number("9007199254740993.0").hashValue == JSONValue.integer(9_007_199_254_740_993).hashValue)
        #expect(try number("9007199254740993.0") != number("9007199254740992.0"))
        #expect(try number("100000000000000000000") == number("1e20"))
        #expect(try number("100000000000000000000").hashValue == JSONValue.double(1e20).hashValue)
        #expect(try number("100000000000000000001") != .double(1e20))
        #expect(try number("1.50") == .double(1.5))
        #expect(try number("1.50").hashValue == JSONValue.double(1.5).hashValue)
        #expect(try number("1.50") != .string("1.50"))
        #expect(try number("12.0").integerValue == 12)
        #expect(try number("1e2").integerValue == 100)
        #expect(try number("12.5e0").integerValue == nil)
        #expect(try number("9223372036854775808").integerValue == nil)
    }

    @Test("equality goes by value and ignores the order of members")
    func equality() throws {
        #expect(JSONValue.integer(1) == .double(1))
        #expect(JSONValue.integer(1).hashValue == JSONValue.double(1).hashValue)
        #expect(JSONValue.integer(.max) != .double(0x1p63))
        #expect(JSONValue.bool(false) != .integer(0))
        #expect(["a": 1, "b": [2, nil]] as JSONValue == ["b": [2.0, nil], "a": 1.0])
        #expect((["a": 1, "b": 2] as JSONValue).hashValue == (["b": 2, "a": 1] as JSONValue).hashValue)
        #expect(JSONValue.string("é") != .string("e\u{301}"))
        #expect(["é": 1, "e\u{301}": 2] as JSONObject != ["é": 1])
    }

    @Test("objects keep their order, replace in place and stay right above the linear limit")
    func objects() {
        var object: JSONObject = ["x": 1, "y": 2, "x": 3]
        #expect(object.keys == ["x", "y"])
        #expect(object["x"] == 3)
        for index in 0..<100 { object["k\(index)"] = .integer(Int64(index)) }
        for index in stride(from: 0, to: 100, by: 3) { object["k\(index)"] = nil }
        for index in 0..<100 { #expect(object["k\(index)"] == (index % 3 == 0 ? nil : .integer(Int64(index)))) }
        #expect(object.count == 2 + 66)
        for index in 0..<100 { object["k\(index)"] = nil }
        #expect(object == ["y": 2, "x": 3])
    }

    @Test("subscripts and accessors answer nil for what is not there")
    func accessors() {
        let value: JSONValue = ["list": [1, 2.5, "t"], "flag": true, "none": nil]
        #expect(value["list"]?[1]?.doubleValue == 2.5)
        #expect(value["list"]?[2]?.stringValue == "t")
        #expect(value["list"]?[3] == nil)
        #expect(value["list"]?[-1] == nil)
        #expect(value["flag"]?.boolValue == true)
        #expect(value["none"]?.isNull == true)
        #expect(value["flag"]?["x"] == nil)
        #expect(JSONValue.double(3).integerValue == 3)
        #expect(JSONValue.double(3.5).integerValue == nil)
    }

    @Test("the pretty form is indented")
    func pretty() {
        let value: JSONValue = ["a": [1, [:]], "b": []]
        #expect(value.prettyText == "{\n  \"a\": [\n    1,\n    {}\n  ],\n  \"b\": []\n}")
    }
}
