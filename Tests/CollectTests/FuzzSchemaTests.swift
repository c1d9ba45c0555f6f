import Domain
import JSON
import Schema
import Testing

@Suite("Generated input into the validator and the parser")
struct FuzzSchemaTests {
    /// Schemas to begin from: those of the presets, and one for each keyword.
    private static func schemas() throws -> [[UInt8]] {
        var texts: [String] = []
        for name in ["music", "feed"] {
            let plan = try #require(try TrackingPlan.preset(name))
            texts += plan.entityTypes.compactMap { $0.metadata?.text }
        }
        texts += [
            #"{"type":"object","required":["rating"],"properties":{"rating":{"type":"integer","minimum":1,"maximum":5}}}"#,
            #"{"patternProperties":{"^[a-c]":{"type":"string"},"e$":true},"additionalProperties":{"type":"number"}}"#,
            #"{"propertyNames":{"maxLength":4,"pattern":"^[a-z]*$"},"minProperties":1,"maxProperties":3}"#,
            #"{"prefixItems":[{"type":"string"}],"items":{"multipleOf":0.5},"uniqueItems":true,"minItems":1,"maxItems":4}"#,
            #"{"contains":{"const":5},"minContains":1,"maxContains":2}"#,
            #"{"properties":{"genres":{"contains":{"type":"string"}},"duration":{"exclusiveMinimum":0,"exclusiveMaximum":1e3}}}"#,
            #"{"allOf":[{"minProperties":1},{"not":{"required":["source"]}}],"anyOf":[{"type":"object"},{"const":null}]}"#,
            #"{"oneOf":[{"required":["lat"]},{"required":["lng"]}],"dependentRequired":{"lat":["lng"]}}"#,
            ##"{"if":{"required":["price"]},"then":{"$ref":"#/$defs/p"},"else":{"$ref":"#"},"$defs":{"p":{"minimum":0}}}"##,
            ##"{"$defs":{"t":{"properties":{"coordinates":{"$ref":"#/$defs/t"}}}},"$ref":"#/$defs/t","maxProperties":3}"##,
            #"{"properties":{"source":{"format":"date-time"},"artist_name":{"format":"email"},"venue_name":{"format":"uri"}}}"#,
            #"{"additionalProperties":{"enum":[1,1.0,"a",null,[1,{"a":2}],{"é":true}]}}"#, "true", "false", "{}",
            #"{"properties":{"price":{"type":["number","null"],"format":"ipv4"},"é":{"minLength":1,"maxLength":2}}}"#,
        ]
        return texts.map { Array($0.utf8) }
    }

    private static let errorCodes: Set<String> = [
        "invalid_schema", "invalid_keyword", "unknown_keyword", "unsupported_keyword", "unsupported_format",
        "unsupported_dialect", "unsupported_reference", "missing_reference", "endless_reference", "invalid_pattern",
        "unsupported_pattern", "unsupported_number", "schema_too_deep", "schema_too_large",
    ]

    /// The value at a JSON pointer.
    private static func resolve(_ pointer: String, in value: JSONView) -> JSONView? {
        var place = value
        for part in pointer.split(separator: "/", omittingEmptySubsequences: false).dropFirst() {
            let name = String(part).replacing("~1", with: "/").replacing("~0", with: "~")
            if place.kind == .array {
                guard let index = Int(name), index < place.count,
                    let element = Array(place.elements).dropFirst(index).first
                else { return nil }
                place = element
            } else {
                guard let member = place[name] else { return nil }
                place = member
            }
        }
        return place
    }

    private func error(of schema: JSONView, _ compiled: inout CompiledSchema?, strict: Bool) -> SchemaError? {
        do throws(SchemaError) {
            compiled = try CompiledSchema(schema, strict: strict)
            return nil
        } catch { return error }
    }

    @Test(
        "Fuzz: spoilt schemas are compiled or refused with a place, and judge generated values in one way",
        arguments: 0..<2)
    func schemas(part: Int) throws {
        var generator = FuzzGenerator(random: Fuzz.random(300 + UInt64(part)))
        let seeds = try FuzzSchemaTests.schemas()
        let parser = JSONParser()
        let values = JSONParser()
        let goal = Fuzz.share(percent: 8)
        var fed = 0
        var refused = 0
        var verdicts = [0, 0]
        while fed < goal {
            var text = generator.random.pick(seeds)
            if generator.random.chance(60) { generator.random.spoil(&text, from: 0) }
            fed += 1
            guard let schema = try? parser.parse(text, maximumDepth: 1024) else { continue }
            var compiled: CompiledSchema?
            if let error = error(of: schema, &compiled, strict: generator.random.chance(50)) {
                guard FuzzSchemaTests.errorCodes.contains(error.code), error.message.count >= 10 else {
                    throw FuzzFailure("refused with \(error)", input: text)
                }
                refused += 1
                continue
            }
            let judge = try #require(compiled)
            for _ in 0..<16 {
                var value: [UInt8] = []
                generator.anything(depth: generator.random.below(3), into: &value)
                fed += 1
                guard let view = try? values.parse(value, maximumDepth: 1024) else { continue }
                let violation = judge.validate(view)
                let isValid = judge.isValid(view)
                verdicts[violation == nil ? 1 : 0] += 1
                guard let violation else {
                    if isValid != true { throw FuzzFailure("valid one way only: \(text)", input: value) }
                    continue
                }
                if violation.keyword == "limit" ? isValid != nil : isValid != false {
                    throw FuzzFailure("invalid one way only: \(String(decoding: text, as: UTF8.self))", input: value)
                }
                let isPlaced = FuzzSchemaTests.resolve(violation.instancePath, in: view) != nil
                if !isPlaced || violation.message.utf8.count < 10 || violation.message.isEmpty {
                    throw FuzzFailure("\(violation) of \(String(decoding: text, as: UTF8.self))", input: value)
                }
            }
        }
        #expect(refused > goal / 1000 && verdicts[0] > goal / 20 && verdicts[1] > goal / 20, "\(refused) \(verdicts)")
    }

    @Test("Fuzz: lines of schema check get the verdict that the compiled schema gives, or are no pair")
    func pairs() throws {
        var generator = FuzzGenerator(random: Fuzz.random(400))
        let seeds = try FuzzSchemaTests.schemas()
        let parser = JSONParser()
        let check = SchemaCheck()
        let goal = Fuzz.share(percent: 4)
        var counts: [SchemaCheck.Verdict: Int] = [:]
        for _ in 0..<goal {
            var line: [UInt8] = []
            line.put("{\"schema\":")
            line.append(contentsOf: generator.random.pick(seeds))
            line.put(",\"data\":")
            generator.anything(depth: 0, into: &line)
            line.put("}")
            if generator.random.chance(40) { generator.random.spoil(&line, from: 0) }
            let verdict: SchemaCheck.Verdict? = line.withUnsafeBytes { bytes in try? check.check(bytes) }
            var expected: SchemaCheck.Verdict?
            if let pair = try? parser.parse(line, maximumDepth: 4096), let schema = pair.member("schema"),
                let data = pair.member("data")
            {
                expected = .unsupported
                var compiled: CompiledSchema?
                if error(of: schema, &compiled, strict: false) == nil, let violation = compiled?.validate(data) {
                    expected = violation.keyword == "limit" ? .unsupported : .invalid
                } else if compiled != nil {
                    expected = .valid
                }
            }
            if verdict != expected { throw FuzzFailure("\(String(describing: verdict))", input: line) }
            if let verdict { counts[verdict, default: 0] += 1 }
        }
        #expect(counts.count == 3, "\(counts)")
    }

    @Test("Fuzz: a text that parses gives a value that its own text gives again")
    func parser() throws {
        var generator = FuzzGenerator(random: Fuzz.random(500))
        let parser = JSONParser()
        let second = JSONParser()
        let goal = Fuzz.share(percent: 8)
        var parsed = 0
        for _ in 0..<goal {
            var text: [UInt8] = []
            generator.anything(depth: 0, into: &text)
            if generator.random.chance(50) { generator.random.spoil(&text, from: 0) }
            let view: JSONView
            do throws(JSONError) {
                view = try parser.parse(text, maximumDepth: 64)
            } catch {
                if error.message.count < 10 || error.code.isEmpty || error.offset.map({ $0 > text.count }) ?? false {
                    throw FuzzFailure("\(error)", input: text)
                }
                continue
            }
            parsed += 1
            let value = JSONValue(view)
            let written = value.text
            let again = JSONValue(try second.parse(written, maximumDepth: 64))
            // An infinity has no text of its own.
            if !view.containsNumberOverflow, again != value || again.text != written {
                throw FuzzFailure("\(written) is another value", input: text)
            }
            let trimmed = text.drop { $0 <= 32 }.reversed().drop { $0 <= 32 }.reversed()
            if !view.raw.elementsEqual(trimmed) { throw FuzzFailure("the raw text is another", input: text) }
        }
        #expect(parsed > goal / 4 && parsed < goal, "\(parsed) of \(goal)")
    }
}
