import Foundation
import JSON
import Schema
import Testing

@Suite("Patterns")
struct PatternTests {
    private func matches(_ pattern: String, _ text: String) throws -> Bool {
        let schema = try CompiledSchema(["pattern": .string(pattern)])
        return try schema.accepts(JSONValue.string(text).text)
    }

    static let cases: [(String, [String], [String])] = [
        ("^a*$", ["", "aaa"], ["b", "a\n"]),
        ("a|^b", ["xa", "bx"], ["xb"]),
        (".", ["a", "😀", "\u{85}"], ["", "\n", "\r", "\u{2028}", "\u{2029}"]),
        (#"^\d+$"#, ["42"], ["৪২", "4a"]),
        (#"^\D$"#, ["৪", "\n"], ["4"]),
        (#"^\w$"#, ["a", "Z", "_", "0"], ["é", "-"]),
        (#"^\W$"#, ["é", "-", "ſ"], ["a"]),
        (
            #"^\s$"#, [" ", "\t", "\u{b}", "\u{a0}", "\u{feff}", "\u{2029}", "\u{3000}", "\u{1680}"],
            ["\u{200b}", "a", "\u{180e}"]
        ),
        (#"^\S$"#, ["a", "\u{200b}", "\u{1}"], [" ", "\u{2003}", "\u{feff}"]),
        (#"^[\s\d]$"#, ["\u{2003}", "5"], ["a"]),
        (#"^[^\S]$"#, [" "], ["a"]),
        (#"^[\W\w]$"#, ["a", "é", "\n"], ["ab"]),
        (#"^\cC\cc$"#, ["\u{3}\u{3}"], ["cC"]),
        (#"^\x41\u0042\u{1F600}\uD83D\uDE00$"#, ["AB😀😀"], ["AB"]),
        (#"^\t\n\v\f\r\0$"#, ["\t\n\u{b}\u{c}\r\0"], ["tnvfr0"]),
        (#"^[\b]$"#, ["\u{8}"], ["b"]),
        (#"\bfoo\b"#, ["a foo b", "foo"], ["afoo", "food", "foo_"]),
        (#"a\Bb"#, ["ab"], ["a b"]),
        (#"\B"#, ["aab", "a--b", "éé", ""], ["aéb", "a", "aéb😀c"]),
        (#"\B|^é"#, ["éb"], ["aéb"]),
        (#"^\/\.\-\^\$\*\+\?\(\)\[\]\{\}\|\\$"#, ["/.-^$*+?()[]{}|\\"], ["/"]),
        ("^😀*$", ["", "😀😀"], ["😁", "\u{1F6}"]),
        ("^[😀-😂]$", ["😁"], ["a", "😀😀"]),
        ("^[]$", [], ["", "a"]),
        ("^[^]$", ["a", "\n", "😀"], ["", "ab"]),
        ("^[a-]$", ["a", "-"], ["b"]),
        ("^[-a]$", ["a", "-"], ["b"]),
        ("^[[:alpha:]]$", [":]", "[]", "a]"], ["b]", "a", "["]),
        (#"^[\w-.]+$"#, ["a-b.c"], ["a,b"]),
        ("^[]a]$", [], ["]", "a"]),
        ("^[a^]$", ["a", "^"], ["b"]),
        ("^a{2}b{1,}c{0,2}$", ["aab", "aabbcc"], ["ab", "aabccc"]),
        ("^a{,2}$", ["a{,2}"], ["a", "aa"]),
        ("^{a}$", ["{a}"], ["a"]),
        ("^(?:a|b)+?(c)(?<name>d)??$", ["abc", "acd"], ["c", "abd"]),
        (#"^\p{Letter}\p{Lu}\p{General_Category=Nd}\P{L}$"#, ["éÉ৪-"], ["1A1-", "aa1-"]),
        (#"^[\p{Script=Greek}\p{digit}]+$"#, ["αβ৪"], ["a"]),
        (#"^\p{sc=Han}\p{ASCII}\p{Any}$"#, ["漢a😀"], ["aaa"]),
        ("^a\\\\b$", ["a\\b"], ["a\u{8}"]),
        ("é", ["café"], ["cafe\u{301}"]),
    ]

    @Test("patterns mean what ECMA-262 says", arguments: cases)
    func verdicts(pattern: String, valid: [String], invalid: [String]) throws {
        for text in valid { #expect(try matches(pattern, text), "\(text.debugDescription)") }
        for text in invalid { #expect(try !matches(pattern, text), "\(text.debugDescription)") }
    }

    @Test(
        "what is no pattern, or none for linear time, is refused",
        arguments: [
            "(", ")", "a)", "[a", "[b-a]", "*a", "a**", "a+*", "^*", "a{2}{3}", "a{3,2}", "a{1001}", "(?=a)", "(?!a)",
            "(?<=a)b", "(?<!a)b",
            #"(a)\1"#, #"\k<a>"#, #"(?<a>x)\k<a>"#, "(?<>x)", "(?<1>x)", "(?i:a)", "(?P<a>x)", #"\a"#, #"\A"#, #"\Z"#,
            #"\z"#, #"\Q"#, #"\e"#, #"\c1"#,
            #"\x4"#, #"\u12"#, #"\u{110000}"#, #"\u{}"#, #"\uD83D"#, #"\uDE00\uD83D"#, #"\u{D800}"#, #"\p{Nope}"#,
            #"\p{C}"#, #"\pL"#, #"\p{L"#, #"\01"#, "\\",
            "[\\", "a|*", "(*)", #"\é"#, "((a{100}){100}){100}",
        ])
    func refused(pattern: String) throws {
        let error = #expect(throws: SchemaError.self) { try CompiledSchema(["pattern": .string(pattern)]) }
        #expect(error?.code == "invalid_pattern" || error?.code == "unsupported_pattern")
        #expect(error?.path == "/pattern")
    }

    /// Pieces that mean the same to Foundation's engine, over texts without line ends.
    private func randomPattern(_ random: inout SeededGenerator, depth: Int = 0) -> String {
        switch random.below(depth > 2 ? 6 : 9) {
        case 0, 1, 2: return random.pick(["a", "b", "c", "é", "😀", "-", "_"])
        case 3: return random.pick(["[ab]", "[^a]", "[a-c]", "[^é😀]", "[b\\-]", "[0-9_]"])
        case 4: return random.pick([".", "\\x61", "\\u0062", "\\."])
        case 5: return random.pick(["^", "$", "ab", ""])
        case 6:
            return "(?:" + randomPattern(&random, depth: depth + 1) + ")"
                + random.pick(["*", "+", "?", "{2}", "{1,2}", "*?"])
        case 7:
            return "(" + randomPattern(&random, depth: depth + 1) + "|" + randomPattern(&random, depth: depth + 1) + ")"
        default: return randomPattern(&random, depth: depth + 1) + randomPattern(&random, depth: depth + 1)
        }
    }

    @Test("random patterns match what Foundation's engine matches")
    func oracle() throws {
        let seed: UInt64 = 21
        var random = SeededGenerator(state: seed)
        let parser = JSONParser()
        var found = 0
        var refused: [String] = []
        for round in 0..<3000 {
            let pattern = randomPattern(&random)
            // Foundation has no empty pattern.
            if pattern.isEmpty { continue }
            guard let expression = try? NSRegularExpression(pattern: pattern) else {
                refused.append(pattern)
                continue
            }
            let schema = try CompiledSchema(["pattern": .string(pattern)])
            for _ in 0..<8 {
                let text = (0..<random.below(6)).map { _ in random.pick(["a", "b", "c", "é", "😀", "-", "_", "."]) }
                    .joined()
                let expected = expression.firstMatch(in: text, range: NSRange(text.startIndex..., in: text)) != nil
                let view = try parser.parse(JSONValue.string(text).text)
                #expect(schema.isValid(view) == expected, "seed \(seed) round \(round): \(pattern) on \(text)")
                if expected { found += 1 }
            }
        }
        #expect(refused.isEmpty, "Foundation refuses \(refused.prefix(9))")
        #expect(found > 3000 && found < 21_000)
    }

    @Test("matching takes time linear in the text")
    func linear() throws {
        let schema = try CompiledSchema(["pattern": "^(a+)+$"])
        let text = JSONValue.string(String(repeating: "a", count: 100_000) + "b").text
        var isValid = true
        let took = try processorSeconds { isValid = try schema.accepts(text) }
        #expect(!isValid)
        #expect(took < 5)
    }
}
