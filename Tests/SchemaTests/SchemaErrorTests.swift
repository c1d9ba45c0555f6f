import JSON
import Schema
import Testing

@Suite("Refused schemas")
struct SchemaErrorTests {
    @Test(
        "what is wrong or unsupported is refused with its path",
        arguments: [
            (#"1"#, "invalid_schema", ""),
            (#"{"items":1}"#, "invalid_schema", "/items"),
            (#"{"a":1,"a":2}"#, "invalid_schema", ""),
            (#"{"properties":{"a":{"requried":["x"]}}}"#, "unknown_keyword", "/properties/a/requried"),
            (#"{"$defs":{"a/b":{"typo":1}}}"#, "unknown_keyword", "/$defs/a~1b/typo"),
            (#"{"type":"text"}"#, "invalid_keyword", "/type"),
            (#"{"type":[]}"#, "invalid_keyword", "/type"),
            (#"{"type":["string",1]}"#, "invalid_keyword", "/type"),
            (#"{"enum":1}"#, "invalid_keyword", "/enum"),
            (#"{"required":"a"}"#, "invalid_keyword", "/required"),
            (#"{"required":["a","a"]}"#, "invalid_keyword", "/required"),
            (#"{"required":[1]}"#, "invalid_keyword", "/required"),
            (#"{"properties":[]}"#, "invalid_keyword", "/properties"),
            (#"{"items":[{}]}"#, "invalid_keyword", "/items"),
            (#"{"allOf":[]}"#, "invalid_keyword", "/allOf"),
            (#"{"allOf":[{},2]}"#, "invalid_schema", "/allOf/1"),
            (#"{"minLength":-1}"#, "invalid_keyword", "/minLength"),
            (#"{"minLength":1.5}"#, "invalid_keyword", "/minLength"),
            (#"{"minimum":"1"}"#, "invalid_keyword", "/minimum"),
            (#"{"multipleOf":0}"#, "invalid_keyword", "/multipleOf"),
            (#"{"multipleOf":-2}"#, "invalid_keyword", "/multipleOf"),
            (#"{"multipleOf":1.23456789012345678901}"#, "unsupported_number", "/multipleOf"),
            (#"{"uniqueItems":1}"#, "invalid_keyword", "/uniqueItems"),
            (#"{"pattern":1}"#, "invalid_keyword", "/pattern"),
            (#"{"pattern":"("}"#, "invalid_pattern", "/pattern"),
            (#"{"pattern":"(?=a)"}"#, "unsupported_pattern", "/pattern"),
            (#"{"patternProperties":{"(a)\\1":true}}"#, "unsupported_pattern", #"/patternProperties/(a)\1"#),
            (#"{"format":"hostname"}"#, "unsupported_format", "/format"),
            (#"{"format":"duration"}"#, "unsupported_format", "/format"),
            (#"{"unevaluatedProperties":false}"#, "unsupported_keyword", "/unevaluatedProperties"),
            (#"{"not":{"unevaluatedItems":false}}"#, "unsupported_keyword", "/not/unevaluatedItems"),
            (#"{"dependentSchemas":{}}"#, "unsupported_keyword", "/dependentSchemas"),
            (#"{"$anchor":"a"}"#, "unsupported_keyword", "/$anchor"),
            (##"{"$dynamicRef":"#a"}"##, "unsupported_keyword", "/$dynamicRef"),
            (#"{"additionalItems":false}"#, "unsupported_keyword", "/additionalItems"),
            (#"{"dependencies":{}}"#, "unsupported_keyword", "/dependencies"),
            (#"{"$id":"a#b"}"#, "unsupported_keyword", "/$id"),
            (#"{"$schema":"http://json-schema.org/draft-07/schema#"}"#, "unsupported_dialect", "/$schema"),
            (#"{"$ref":"other.json"}"#, "unsupported_reference", "/$ref"),
            (#"{"$ref":"https://json-schema.org/draft/2020-12/schema"}"#, "unsupported_reference", "/$ref"),
            (##"{"$ref":"#anchor"}"##, "unsupported_reference", "/$ref"),
            (##"{"$ref":"#/$defs/none"}"##, "missing_reference", "/$ref"),
            (##"{"$ref":"#/$defs/%zz","$defs":{}}"##, "missing_reference", "/$ref"),
            (##"{"$ref":"#/$defs/~2","$defs":{}}"##, "missing_reference", "/$ref"),
            (
                ##"{"$ref":"#/$defs/a/$defs/b","$defs":{"a":{"$id":"a","$defs":{"b":true}}}}"##,
                "unsupported_reference", "/$ref"
            ),
            (##"{"$ref":"#/prefixItems/01","prefixItems":[true,true]}"##, "missing_reference", "/$ref"),
            (##"{"$ref":"#"}"##, "endless_reference", ""),
            (##"{"items":{"anyOf":[{"not":{"$ref":"#/items"}}]}}"##, "endless_reference", "/items"),
        ])
    func refused(schema: String, code: String, path: String) throws {
        let error = try #require(try refusal(schema))
        #expect(error.code == code)
        #expect(error.path == path)
        #expect(error.message.hasSuffix("."))
    }

    @Test("unknown keywords are annotations when the schema is read leniently")
    func lenient() throws {
        #expect(try refusal(#"{"requried":["x"],"$defs":{"unused":{"type":"text"}}}"#, strict: false) == nil)
        #expect(try refusal(#"{"unevaluatedItems":false}"#, strict: false)?.code == "unsupported_keyword")
    }

    @Test("long chains of references do not exhaust the stack")
    func longChains() throws {
        let chain = { (length: Int) in
            let definitions =
                (0..<length).map { "\"d\($0)\":{\"$ref\":\"#/$defs/d\($0 + 1)\"}" } + [
                    "\"d\(length)\":{\"type\":\"integer\"}"
                ]
            return "{\"$ref\":\"#/$defs/d0\",\"$defs\":{\(definitions.joined(separator: ","))}}"
        }
        #expect(try compiled(chain(100)).accepts("1"))
        #expect(try !compiled(chain(100)).accepts("\"x\""))
        #expect(try refusal(chain(3_000))?.code == "schema_too_deep")
        #expect(try refusal(chain(10_000))?.code == "schema_too_large")
    }

    @Test("schemas nested without end are refused or checked, never a crash")
    func nested() throws {
        let nested = { (depth: Int) in
            String(repeating: "{\"items\":", count: depth) + "false" + String(repeating: "}", count: depth)
        }
        let array = { (depth: Int) in String(repeating: "[", count: depth) + String(repeating: "]", count: depth) }
        #expect(try !compiled(nested(500)).accepts(array(501)))
        #expect(try compiled(nested(500)).accepts(array(500)))
        let recursive = try compiled(##"{"items":{"$ref":"#"}}"##)
        #expect(try recursive.accepts(array(400)))
        #expect(try recursive.violation(array(4000))?.keyword == "limit")
    }

    @Test("exponential schemas are given up instead of running on")
    func exponential() throws {
        let levels = (0..<60).map {
            "\"l\($0)\":{\"allOf\":[{\"$ref\":\"#/$defs/l\($0 + 1)\"},{\"$ref\":\"#/$defs/l\($0 + 1)\"}]}"
        }
        let schema = try compiled("{\"$ref\":\"#/$defs/l0\",\"$defs\":{\(levels.joined(separator: ",")),\"l60\":true}}")
        var violation: SchemaViolation?
        let took = try processorSeconds { violation = try schema.violation("1") }
        #expect(violation?.keyword == "limit")
        #expect(took < 20)
        let negated = try compiled(
            "{\"not\":{\"$ref\":\"#/$defs/l0\"},\"$defs\":{\(levels.joined(separator: ",")),\"l60\":true}}")
        #expect(try negated.violation("1")?.keyword == "limit")
        let parser = JSONParser()
        #expect(negated.isValid(try parser.parse("1")) == nil)
    }
}

@Suite("Messages")
struct SchemaMessageTests {
    @Test(
        "a violation says what to change and where",
        arguments: [
            (
                #"{"properties":{"rating":{"type":"number"}}}"#, #"{"rating":"x"}"#, "/rating", "type",
                "metadata.rating must be a number."
            ),
            (
                #"{"properties":{"a":{"type":["string","null"]}}}"#, #"{"a":1}"#, "/a", "type",
                "metadata.a must be null or a string."
            ),
            (#"{"required":["a"]}"#, "{}", "", "required", "metadata.a is missing."),
            (
                #"{"items":{"properties":{"b c":{"minimum":1.50}}}}"#, #"[{},{"b c":1}]"#, "/1/b c", "minimum",
                #"metadata[1]["b c"] must be at least 1.50."#
            ),
            (
                #"{"additionalProperties":false}"#, #"{"a/b":1}"#, "/a~1b", "additionalProperties",
                #"metadata["a/b"] is not allowed."#
            ),
            (#"{"properties":{"a":false}}"#, #"{"a":1}"#, "/a", "false", "metadata.a is not allowed."),
            (#"{"enum":["x",1]}"#, "2", "", "enum", #"metadata must be one of "x" or 1."#),
            (#"{"const":{"a":1}}"#, "2", "", "const", #"metadata must be {"a":1}."#),
            (#"{"minLength":1}"#, "\"\"", "", "minLength", "metadata must have at least 1 character."),
            (#"{"maxItems":2}"#, "[1,2,3]", "", "maxItems", "metadata must have at most 2 elements."),
            (
                #"{"uniqueItems":true}"#, "[1,2,1]", "", "uniqueItems",
                "metadata must not repeat elements, but metadata[0] and metadata[2] are equal."
            ),
            (#"{"pattern":"^a$"}"#, "\"b\"", "", "pattern", "metadata must match the pattern ^a$."),
            (#"{"format":"date"}"#, "\"b\"", "", "format", "metadata must be a date such as 2026-01-31."),
            (
                #"{"oneOf":[true,true]}"#, "1", "", "oneOf",
                "metadata must fit exactly one of the 2 schemas under “oneOf”, but fits 2."
            ),
            (
                #"{"dependentRequired":{"a":["b"]}}"#, #"{"a":1}"#, "", "dependentRequired",
                "metadata.b is missing, which metadata.a requires."
            ),
            (
                #"{"propertyNames":{"maxLength":1}}"#, #"{"ab":1}"#, "", "propertyNames",
                #"metadata must not have a field named "ab"."#
            ),
            (
                ##"{"allOf":[{"properties":{"a":{"$ref":"#/$defs/n"}}}],"$defs":{"n":{"maximum":1}}}"##, #"{"a":2}"#,
                "/a", "maximum", "metadata.a must be at most 1."
            ),
        ])
    func messages(schema: String, text: String, path: String, keyword: String, message: String) throws {
        let violation = try #require(try compiled(schema).violation(text))
        #expect(violation.instancePath == path)
        #expect(violation.keyword == keyword)
        #expect(violation.message == message)
    }

    @Test("the schema's path points at the keyword")
    func schemaPath() throws {
        let violation = try compiled(#"{"properties":{"a/b":{"items":{"maximum":1}}}}"#).violation(#"{"a/b":[2]}"#)
        #expect(violation?.schemaPath == "/properties/a~1b/items/maximum")
    }

    @Test("the value may be called by another name")
    func name() throws {
        let parser = JSONParser()
        let violation = try compiled(#"{"type":"object"}"#).validate(try parser.parse("1"), called: "context")
        #expect(violation?.message == "context must be an object.")
    }
}
