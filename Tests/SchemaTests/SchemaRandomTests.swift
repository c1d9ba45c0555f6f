import JSON
import Schema
import Testing

/// Random schemas and values from small vocabularies, so that they meet.
struct SchemaGenerator {
    var random: SeededGenerator
    private static let keys = ["a", "b", "c", "aa", "ab", "foo", "é", ""]
    private static let patterns = ["^a", "b$", "^[a-c]+$", "o{2,}", "^.{1,3}$", "a|b", "^(ab)*$", "[^a]"]
    private static let numbers: [JSONValue] = [0, 1, 2, 3, -1, -2, 0.5, 1.5, 2.0, 100.0, 10, 4.25, .double(-0.0)]
    private static let strings: [JSONValue] = ["", "a", "b", "ab", "aab", "foo", "é", "日本", "😀😀", "1"]
    private static let types: [JSONValue] = ["null", "boolean", "object", "array", "number", "string", "integer"]

    mutating func value(depth: Int = 0) -> JSONValue {
        switch random.below(depth < 3 ? 10 : 6) {
        case 0: return .null
        case 1: return .bool(random.chance(50))
        case 2, 3: return random.pick(Self.numbers)
        case 4, 5: return random.pick(Self.strings)
        case 6: return .array((0..<random.below(5)).map { _ in value(depth: depth + 1) })
        default: return .object(members { $0.value(depth: depth + 1) })
        }
    }

    private mutating func members(_ make: (inout SchemaGenerator) -> JSONValue) -> JSONObject {
        var object = JSONObject()
        for _ in 0..<random.below(5) { object[random.pick(Self.keys)] = make(&self) }
        return object
    }

    private mutating func list(_ make: (inout SchemaGenerator) -> JSONValue) -> JSONValue {
        .array((0...random.below(3)).map { _ in make(&self) })
    }

    private mutating func names() -> JSONValue {
        .array(Self.keys.filter { _ in random.chance(20) }.map { .string($0) })
    }

    mutating func document() -> JSONValue {
        guard case .object(var object) = schema(depth: 0) else { return true }
        object["$defs"] = ["x": schema(depth: 2), "y": schema(depth: 2)]
        return .object(object)
    }

    mutating func schema(depth: Int) -> JSONValue {
        if random.chance(8) || depth > 4 { return .bool(random.chance(70)) }
        var object = JSONObject()
        for _ in 0..<(1 + random.below(4)) { add(to: &object, depth: depth) }
        return .object(object)
    }

    private mutating func add(to object: inout JSONObject, depth: Int) {
        let child = { (generator: inout SchemaGenerator) in generator.schema(depth: depth + 1) }
        switch random.below(30) {
        case 0: object["type"] = random.pick(Self.types)
        case 1: object["type"] = .array(Array(Self.types.shuffled(using: &random).prefix(1 + random.below(3))))
        case 2: object["enum"] = list { $0.value(depth: 2) }
        case 3: object["const"] = value(depth: 1)
        case 4: object["required"] = names()
        case 5, 6, 7: object["properties"] = .object(members(child))
        case 8:
            var patterns = JSONObject()
            for _ in 0...random.below(2) { patterns[random.pick(Self.patterns)] = child(&self) }
            object["patternProperties"] = .object(patterns)
        case 9: object["additionalProperties"] = child(&self)
        case 10: object["propertyNames"] = child(&self)
        case 11: object["items"] = child(&self)
        case 12: object["prefixItems"] = list(child)
        case 13:
            object["contains"] = child(&self)
            if random.chance(50) { object["minContains"] = .integer(Int64(random.below(3))) }
            if random.chance(50) { object["maxContains"] = .integer(Int64(random.below(3))) }
        case 14: object[random.pick(["minItems", "maxItems"])] = .integer(Int64(random.below(4)))
        case 15: object["uniqueItems"] = .bool(random.chance(80))
        case 16: object[random.pick(["minProperties", "maxProperties"])] = .integer(Int64(random.below(4)))
        case 17, 18:
            object[random.pick(["minimum", "maximum", "exclusiveMinimum", "exclusiveMaximum"])] = random.pick(
                Self.numbers)
        case 19: object["multipleOf"] = random.pick([1, 2, 3, 0.5, 2.0])
        case 20: object[random.pick(["minLength", "maxLength"])] = .double(Double(random.below(4)))
        case 21: object["pattern"] = .string(random.pick(Self.patterns))
        case 22: object["allOf"] = list(child)
        case 23: object["anyOf"] = list(child)
        case 24: object["oneOf"] = list(child)
        case 25: object["not"] = child(&self)
        case 26, 27:
            object["if"] = child(&self)
            if random.chance(70) { object["then"] = child(&self) }
            if random.chance(70) { object["else"] = child(&self) }
        case 28: object["dependentRequired"] = .object(members { $0.names() })
        default: object["$ref"] = random.pick(["#/$defs/x", "#/$defs/y", "#"])
        }
    }
}

@Suite("Random schemas")
struct SchemaRandomTests {
    @Test("verdicts equal those of a slow reading of the standard", arguments: [UInt64(31), 32])
    func oracle(seed: UInt64) throws {
        var generator = SchemaGenerator(random: SeededGenerator(state: seed))
        let parser = JSONParser()
        var verdicts = [0, 0]
        for round in 0..<2000 {
            let document = generator.document()
            let schema: CompiledSchema
            do throws(SchemaError) {
                schema = try CompiledSchema(document)
            } catch {
                #expect(error.code == "endless_reference", "seed \(seed) round \(round): \(document.text): \(error)")
                continue
            }
            let slow = SlowValidator(root: document)
            for _ in 0..<6 {
                let value = generator.value()
                let expected = slow.isValid(value)
                let view = try parser.parse(value.text)
                let violation = schema.validate(view)
                #expect(
                    (violation == nil) == expected, "seed \(seed) round \(round): \(document.text) on \(value.text)")
                #expect(schema.isValid(view) == expected)
                verdicts[expected ? 1 : 0] += 1
            }
        }
        #expect(verdicts[0] > 2000 && verdicts[1] > 2000, "\(verdicts)")
    }

    /// A decimal of up to nine digits written in one of many ways, with its value in units of 10^-12.
    private func decimal(_ random: inout SeededGenerator) -> (text: String, units: Int64) {
        let digits = Int64(random.below([10, 100, 10_000, 1_000_000][random.below(4)]))
        let scale = random.below(7)
        var units = digits
        for _ in scale..<12 { units *= 10 }
        let sign = random.chance(30) ? "-" : ""
        let shift = random.below(5) - 2
        let zeros = digits == 0 ? 0 : random.below(3)
        var text = String(digits) + String(repeating: "0", count: zeros)
        // The point goes `scale + zeros` digits from the right, moved by `shift` for the exponent to move back.
        let places = scale + zeros + shift
        if places > 0 {
            text = String(repeating: "0", count: max(0, places + 1 - text.count)) + text
            text.insert(".", at: text.index(text.endIndex, offsetBy: -places))
        } else if digits != 0 {
            text += String(repeating: "0", count: -places)
        }
        return (sign + text + (shift == 0 ? "" : "e\(shift)"), sign.isEmpty ? units : -units)
    }

    @Test("bounds, equality and multiples are those of exact decimals")
    func decimals() throws {
        let seed: UInt64 = 33
        var random = SeededGenerator(state: seed)
        for round in 0..<20_000 {
            let (text, units) = decimal(&random)
            let (bound, boundUnits) = decimal(&random)
            let expected = [
                ("minimum", units >= boundUnits), ("maximum", units <= boundUnits),
                ("exclusiveMinimum", units > boundUnits),
                ("exclusiveMaximum", units < boundUnits), ("const", units == boundUnits),
            ]
            let (keyword, isValid) = random.pick(expected)
            #expect(
                try compiled("{\"\(keyword)\":\(bound)}").accepts(text) == isValid,
                "seed \(seed) round \(round): \(keyword) \(bound) on \(text)")
            #expect(try compiled("{\"type\":\"integer\"}").accepts(text) == (units % 1_000_000_000_000 == 0), "\(text)")
            if boundUnits > 0 {
                #expect(
                    try compiled("{\"multipleOf\":\(bound)}").accepts(text) == (units % boundUnits == 0),
                    "seed \(seed) round \(round): \(bound) on \(text)")
            }
        }
    }

    @Test("long arrays repeat an element exactly when a pairwise comparison finds one")
    func repetitions() throws {
        var generator = SchemaGenerator(random: SeededGenerator(state: 34))
        let schema = try compiled(#"{"uniqueItems":true}"#)
        var repeated = 0
        for _ in 0..<2000 {
            let elements = (0..<(10 + generator.random.below(20))).map { index in
                generator.random.chance(85)
                    ? JSONValue.array([.integer(Int64(index)), generator.value(depth: 2)]) : generator.value()
            }
            let expected = elements.indices.allSatisfy { !elements[..<$0].contains(elements[$0]) }
            #expect(try schema.accepts(JSONValue.array(elements).text) == expected)
            if !expected { repeated += 1 }
        }
        #expect(repeated > 100 && repeated < 1900)
    }

    @Test("a million pairs of schemas and values are judged without a crash, both ways alike")
    func million() throws {
        var generator = SchemaGenerator(random: SeededGenerator(state: 35))
        let schemas = (0..<2000).compactMap { _ in try? CompiledSchema(generator.document()) }
        let values = try (0..<700).map { _ in
            let parser = JSONParser()
            return (parser, try parser.parse(generator.value().text))
        }
        #expect(schemas.count * values.count > 1_000_000)
        var disagreements = 0
        for schema in schemas {
            for (_, view) in values where (schema.validate(view) == nil) != schema.isValid(view) { disagreements += 1 }
        }
        #expect(disagreements == 0)
    }
}

@Suite("Schema check")
struct SchemaCheckTests {
    private func judge(_ check: SchemaCheck, _ line: String) throws -> SchemaCheck.Verdict {
        var line = line
        let result: Result<SchemaCheck.Verdict, JSONError> = line.withUTF8 { bytes in
            do throws(JSONError) {
                return .success(try check.check(UnsafeRawBufferPointer(bytes)))
            } catch {
                return .failure(error)
            }
        }
        return try result.get()
    }

    @Test("pairs are judged line by line")
    func pairs() throws {
        let check = SchemaCheck()
        #expect(try judge(check, #"{"schema":{"type":"string"},"data":"x"}"#) == .valid)
        #expect(try judge(check, #"{"data":1,"schema":{"type":"string"}}"#) == .invalid)
        #expect(try judge(check, #"{"schema":{"unevaluatedItems":false},"data":1}"#) == .unsupported)
        #expect(try judge(check, #"{"schema":{"unevaluatedItems":false},"data":[]}"#) == .unsupported)
        #expect(try judge(check, #"{"schema":{"whatever":1,"maxLength":1},"data":"\u0000"}"#) == .valid)
        #expect(try judge(check, #"{"schema":{"maximum":1e400},"data":1e401}"#) == .invalid)
        #expect(
            try judge(
                check,
                "{\"schema\":true,\"data\":\(String(repeating: "[", count: 2000) + String(repeating: "]", count: 2000))}"
            ) == .valid)
    }

    @Test(
        "lines that are no pairs are errors",
        arguments: ["", "1", "{}", #"{"schema":true}"#, #"{"data":1}"#, "{", "[1,2]"])
    func errors(line: String) {
        let check = SchemaCheck()
        #expect(throws: JSONError.self) { try judge(check, line) }
    }
}
