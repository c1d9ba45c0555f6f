import JSON
import Schema
import Testing

@Suite("Keywords")
struct SchemaKeywordTests {
    struct Case: Sendable, CustomStringConvertible {
        let schema: String
        let valid: [String]
        let invalid: [String]

        init(_ schema: String, _ valid: [String], not invalid: [String]) {
            self.schema = schema
            self.valid = valid
            self.invalid = invalid
        }

        var description: String { schema }
    }

    static let scalars: [Case] = [
        Case("true", ["1", "null", "{}"], not: []),
        Case("false", [], not: ["1", "null", "{}"]),
        Case("{}", ["1", "null", "{}"], not: []),
        Case(
            #"{"type":"integer"}"#, ["1", "1.0", "1e2", "-0", "1e400", "123456789012345678901234567890"],
            not: ["1.5", "1e-1", "\"1\"", "true"]),
        Case(#"{"type":"number"}"#, ["1", "1.5", "1e400", "18446744073709551616"], not: ["null", "\"1\""]),
        Case(#"{"type":["null","string"]}"#, ["null", "\"\""], not: ["0", "false", "[]"]),
        Case(#"{"type":"boolean"}"#, ["true", "false"], not: ["0", "null"]),
        Case(
            #"{"enum":[1,"a",null,[0],{"x":1,"y":[true]}]}"#,
            ["1.0", "\"a\"", "null", "[0.0]", #"{"y":[true],"x":1e0}"#],
            not: ["true", "\"A\"", "0", "[false]", #"{"x":1}"#, "[]"]),
        Case(#"{"enum":[]}"#, [], not: ["null"]),
        Case(#"{"const":false}"#, ["false"], not: ["0", "null", "true"]),
        Case(#"{"const":0}"#, ["0", "0.0", "-0", "-0.0", "0e9"], not: ["false", "1", "1e-400"]),
        Case(
            #"{"const":9007199254740993}"#, ["9007199254740993", "9007199254740993.0"],
            not: ["9007199254740992", "9007199254740994"]),
        Case(
            #"{"const":{"a":1,"b":2}}"#, [#"{"b":2,"a":1}"#, #"{"a":9,"b":2,"a":1}"#],
            not: [#"{"a":1}"#, #"{"a":1,"b":2,"c":3}"#, #"{"a":1,"b":2,"a":9}"#]),
        Case(#"{"minimum":1.1}"#, ["1.1", "1.10", "2", "\"x\""], not: ["1.0999999999999999999999", "0", "-1e400"]),
        Case(
            #"{"maximum":18446744073709551615}"#, ["18446744073709551615", "1"],
            not: ["18446744073709551616", "18446744073709551615.1", "1e20"]),
        Case(#"{"exclusiveMinimum":0}"#, ["1e-400", "1"], not: ["0", "-0", "-1e-400"]),
        Case(
            #"{"exclusiveMaximum":972783798187987123879878123.18878137}"#, ["972783798187987123879878123.188781369"],
            not: ["972783798187987123879878123.188781370", "972783798187987123879878123.188781371"]),
        Case(
            #"{"minimum":-9223372036854775808,"maximum":9223372036854775807}"#,
            ["-9223372036854775808", "9223372036854775807"], not: ["-9223372036854775809", "9223372036854775808"]),
        Case(
            #"{"multipleOf":0.01}"#, ["0", "4.02", "19.99", "1e300", "0.07", "-1.11"], not: ["0.015", "0.001", "1e-3"]),
        Case(#"{"multipleOf":0.0001}"#, ["0.0075"], not: ["0.00751"]),
        Case(#"{"multipleOf":0.123456789}"#, ["0.246913578"], not: ["1e308"]),
        Case(#"{"multipleOf":1e-8}"#, ["12391239123", "12391239123.00000001"], not: ["0.000000001"]),
        Case(#"{"multipleOf":2.5}"#, ["7.5", "1e400", "-2.5", "\"x\""], not: ["2", "1e-400"]),
        Case(
            #"{"multipleOf":3}"#, ["9007199254740993", "-9", "123456789012345678901234567890"],
            not: ["9007199254740992", "123456789012345678901234567891"]),
        Case(
            #"{"multipleOf":9223372036854775807}"#, ["85070591730234615847396907784232501249"],
            not: ["85070591730234615847396907784232501248"]),
        Case(
            #"{"minLength":2,"maxLength":3}"#,
            ["\"ab\"", "\"日本\"", "\"😀😀😀\"", "5", "\"e\u{301}\"", "\"\\u0000\\u0000\""],
            not: ["\"\"", "\"😀\"", "\"abcd\"", "\"😀😀😀😀\""]),
        Case(#"{"minLength":2.0}"#, ["\"ab\""], not: ["\"a\""]),
        Case(#"{"maxLength":1e30}"#, ["\"ab\""], not: []),
        Case(#"{"minLength":1e30}"#, ["1"], not: ["\"ab\""]),
        Case(#"{"pattern":"b+"}"#, ["\"abba\"", "1"], not: ["\"aa\"", "\"\""]),
    ]

    static let containers: [Case] = [
        Case(#"{"items":{"type":"integer"}}"#, ["[]", "[1,2]", "{}"], not: ["[1,\"x\"]"]),
        Case(#"{"items":false}"#, ["[]"], not: ["[1]"]),
        Case(
            #"{"prefixItems":[{"type":"integer"},true],"items":{"type":"string"}}"#,
            ["[]", "[1]", "[1,null]", "[1,null,\"x\"]"], not: ["[\"x\"]", "[1,null,2]"]),
        Case(#"{"prefixItems":[{"type":"integer"}]}"#, ["[1,\"x\"]"], not: ["[null]"]),
        Case(#"{"contains":{"minimum":5}}"#, ["[1,5]", "\"x\""], not: ["[]", "[1]"]),
        Case(
            #"{"contains":{"minimum":5},"minContains":2,"maxContains":3}"#, ["[5,6]", "[5,1,6,7]"],
            not: ["[5]", "[5,6,7,8]"]),
        Case(#"{"contains":{"minimum":5},"minContains":0}"#, ["[]", "[1]"], not: []),
        Case(#"{"contains":{"minimum":5},"minContains":0,"maxContains":1}"#, ["[]", "[5]"], not: ["[5,5]"]),
        Case(#"{"minContains":3}"#, ["[]"], not: []),
        Case(#"{"minItems":1,"maxItems":2}"#, ["[1]", "[1,2]", "{}"], not: ["[]", "[1,2,3]"]),
        Case(
            #"{"uniqueItems":true}"#,
            ["[]", "[1,true]", "[0,false]", #"["a","A"]"#, #"[{"a":1},{"a":2}]"#, "[[1],[2]]", "[1,1e-30]"],
            not: ["[1,1.0]", "[null,null]", #"[{"a":1,"b":2},{"b":2,"a":1.0}]"#, "[[0],[-0]]"]),
        Case(
            #"{"uniqueItems":true}"#, ["[1,2,3,4,5,6,7,8,9,10,11,12,13,14,\"1\",[1]]"],
            not: [
                "[1,2,3,4,5,6,7,8,9,10,11,12,13,14,15,1e0]", "[[],2,3,4,5,6,7,8,9,10,11,12,13,14,15,[]]",
                #"[{"a":1,"b":2},2,3,4,5,6,7,8,9,10,11,12,13,14,15,{"b":2,"a":1}]"#,
            ]),
        Case(#"{"uniqueItems":false}"#, ["[1,1]"], not: []),
        Case(
            #"{"properties":{"a":{"type":"integer"},"a/b~c":false,"é":true}}"#,
            ["{}", #"{"a":1}"#, #"{"b":"x"}"#, "[]"], not: [#"{"a":"x"}"#, #"{"\u0061":"x"}"#, #"{"a/b~c":1}"#]),
        Case(#"{"properties":{"a":{"type":"integer"}}}"#, [#"{"a":"x","a":1}"#], not: [#"{"a":1,"a":"x"}"#]),
        Case(#"{"required":["a","b"]}"#, [#"{"a":null,"b":1}"#, "3"], not: ["{}", #"{"a":1}"#, #"{"b":1,"c":1}"#]),
        Case(
            #"{"patternProperties":{"^x-":{"type":"string"},"z$":{"minLength":2}},"additionalProperties":false}"#,
            [#"{"x-a":""}"#, #"{"x-z":"ab"}"#, #"{"z":1}"#], not: [#"{"x-z":"a"}"#, #"{"y":1}"#, #"{"x-":1}"#]),
        Case(
            #"{"properties":{"a":true},"additionalProperties":{"type":"integer"}}"#, [#"{"a":"x","b":1}"#],
            not: [#"{"b":"x"}"#]),
        Case(#"{"propertyNames":{"maxLength":2}}"#, [#"{"ab":1}"#, "{}", "3"], not: [#"{"abc":1}"#]),
        Case(#"{"propertyNames":false}"#, ["{}"], not: [#"{"a":1}"#]),
        Case(
            #"{"minProperties":1,"maxProperties":2}"#, [#"{"a":1}"#, #"{"a":1,"a":2,"a":3}"#],
            not: ["{}", #"{"a":1,"b":2,"c":3}"#]),
        Case(
            #"{"dependentRequired":{"a":["b","c"],"d":[]}}"#,
            ["{}", #"{"b":1}"#, #"{"a":1,"b":1,"c":1}"#, #"{"d":1}"#], not: [#"{"a":1,"b":1}"#]),
    ]

    static let applicators: [Case] = [
        Case(#"{"allOf":[{"minimum":1},{"maximum":3}]}"#, ["2"], not: ["0", "4"]),
        Case(#"{"anyOf":[{"type":"string"},{"minimum":3}]}"#, ["\"x\"", "3", "null"], not: ["2"]),
        Case(#"{"oneOf":[{"multipleOf":2},{"multipleOf":3}]}"#, ["2", "3"], not: ["6", "5", "null"]),
        Case(#"{"not":{"type":"integer"}}"#, ["1.5", "null"], not: ["1"]),
        Case(#"{"not":{"not":{"type":"integer"}}}"#, ["1"], not: ["1.5"]),
        Case(#"{"if":{"minimum":10},"then":{"multipleOf":10},"else":{"maximum":5}}"#, ["20", "3"], not: ["15", "7"]),
        Case(#"{"then":false,"else":false}"#, ["1"], not: []),
        Case(#"{"if":false,"then":false}"#, ["1"], not: []),
        Case(##"{"$ref":"#/$defs/a","minimum":2,"$defs":{"a":{"type":"integer"}}}"##, ["2"], not: ["1", "2.5"]),
        Case(
            ##"{"properties":{"n":{"$ref":"#"}},"additionalProperties":false}"##, [#"{"n":{"n":{}}}"#],
            not: [#"{"n":{"m":{}}}"#]),
        Case(##"{"$ref":"#/$defs/a~1b~0c%25%22","$defs":{"a/b~c%\"":{"type":"null"}}}"##, ["null"], not: ["1"]),
        Case(
            ##"{"allOf":[{"$ref":"#/prefixItems/1"}],"prefixItems":[true,{"type":["array","integer"]}]}"##,
            ["[1,2]", "1"], not: ["[1,\"x\"]", "\"x\""]),
        Case(
            ##"{"$id":"http://a.test/","$ref":"#/$defs/e","$defs":{"e":{"$id":"e","$ref":"#/$defs/f","$defs":{"f":{"type":"string"}}},"f":{"type":"integer"}}}"##,
            ["\"x\""], not: ["1"]),
        Case(
            ##"{"$defs":{"tree":{"required":["v"],"properties":{"v":{"type":"integer"},"kids":{"items":{"$ref":"#/$defs/tree"}}}}},"$ref":"#/$defs/tree"}"##,
            [#"{"v":1,"kids":[{"v":2,"kids":[]}]}"#], not: [#"{"v":1,"kids":[{"kids":[]}]}"#]),
    ]

    @Test("verdicts follow the standard", arguments: scalars + containers + applicators)
    func verdicts(example: Case) throws {
        let schema = try compiled(example.schema)
        for text in example.valid { #expect(try schema.accepts(text), "\(text)") }
        for text in example.invalid { #expect(try !schema.accepts(text), "\(text)") }
    }

    @Test("annotations change nothing")
    func annotations() throws {
        let schema = try compiled(
            #"{"$schema":"https://json-schema.org/draft/2020-12/schema","$id":"https://a.test/s","$comment":"c","title":"t","description":"d","default":1,"deprecated":true,"readOnly":true,"writeOnly":true,"examples":[1],"contentEncoding":"base64","contentMediaType":"a/b","contentSchema":{"type":"x"},"x-own":{"type":"x"},"definitions":{"a":{"type":"string"}},"$defs":{}}"#
        )
        for text in ["1", "\"x\"", "{}"] { #expect(try schema.accepts(text)) }
    }

    @Test("more than 64 required keys are all required")
    func manyRequired() throws {
        let names = (0..<100).map { "\"k\($0)\"" }
        let schema = try compiled(
            "{\"required\":[\(names.joined(separator: ","))],\"properties\":{\"k99\":{\"type\":\"integer\"}}}")
        for missing in [nil, 0, 63, 64, 99] {
            let members = names.enumerated().filter { $0.offset != missing }.map { $0.element + ":1" }
            #expect(try schema.accepts("{\(members.joined(separator: ","))}") == (missing == nil))
        }
    }

    @Test("large objects and constants are compared whole")
    func largeObjects() throws {
        let members = (0..<200).map { "\"key\($0)\":\($0)" }
        let schema = try compiled("{\"const\":{\(members.joined(separator: ","))}}")
        #expect(try schema.accepts("{\(members.reversed().joined(separator: ","))}"))
        #expect(try schema.accepts("{\"key7\":0,\(members.reversed().joined(separator: ","))}"))
        #expect(try !schema.accepts("{\(members.dropLast().joined(separator: ","))}"))
        #expect(try !schema.accepts("{\(members.dropLast().joined(separator: ",")),\"key199\":198}"))
        #expect(try !schema.accepts("{\(members.joined(separator: ",")),\"key7\":0}"))
    }

    @Test("a schema as a value is the same schema")
    func fromValue() throws {
        let schema = try CompiledSchema(["type": "object", "required": ["a"], "properties": ["a": ["maximum": 2.5]]])
        #expect(try schema.accepts(#"{"a":2.5}"#))
        #expect(try !schema.accepts(#"{"a":2.6}"#))
        #expect(try !schema.accepts("{}"))
    }
}
