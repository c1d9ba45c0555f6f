import Foundation
import JSON
import Testing

@Suite("Parsing against Foundation")
struct JSONOracleTests {
    /// Whether a value equals what Foundation made of the same text.
    private func same(_ value: JSONValue, _ other: Any) -> Bool {
        switch (value, other) {
        case (.null, is NSNull): return true
        case (.string(let text), let string as String): return text.utf8.elementsEqual(string.utf8)
        case (.array(let elements), let array as [Any]):
            return elements.count == array.count && zip(elements, array).allSatisfy { same($0, $1) }
        case (.object(let object), let dictionary as [String: Any]):
            return object.count == dictionary.count
                && object.allSatisfy { member in dictionary[member.key].map { same(member.value, $0) } ?? false }
        case (.bool(let truth), let number as NSNumber): return number.boolValue == truth
        case (.integer(let integer), let number as NSNumber): return number.int64Value == integer
        case (.double, let number as NSNumber), (.number, let number as NSNumber):
            // Foundation keeps long numbers as decimals, whose own `doubleValue` is not correctly rounded.
            return Double(number.stringValue) == value.doubleValue
        default: return false
        }
    }

    private func reference(_ bytes: [UInt8]) -> Any? {
        try? JSONSerialization.jsonObject(with: Data(bytes), options: [.fragmentsAllowed])
    }

    @Test("random documents mean what Foundation says", arguments: [UInt64(1), 2, 3])
    func documents(seed: UInt64) throws {
        var random = SeededGenerator(state: seed)
        for round in 0..<3000 {
            let text = RandomJSON.document(&random)
            guard let expected = reference(Array(text.utf8)) else {
                Issue.record("the generator wrote \(text)")
                continue
            }
            let value = try JSONValue(parsing: text)
            #expect(same(value, expected), "seed \(seed) round \(round): \(text)")
            // Out and in again gives the same value, by our reading and by Foundation's.
            #expect(try JSONValue(parsing: value.text) == value, "seed \(seed) round \(round): \(text)")
            #expect(try JSONValue(parsing: value.prettyText) == value)
            #expect(
                reference(Array(value.text.utf8)).map { same(value, $0) } == true,
                "seed \(seed) round \(round): \(text)")
        }
    }

    @Test("mutated documents never crash and are never taken when Foundation refuses them")
    func mutations() throws {
        let seed: UInt64 = 4
        var random = SeededGenerator(state: seed)
        let parser = JSONParser()
        let alphabet = Array("{}[]:,\"\\u0019eE+-.tfn \u{0}\u{7F}".utf8) + [0x80, 0xC3, 0xF0, 0xFF]
        var refused = 0
        for round in 0..<30_000 {
            var bytes = Array(RandomJSON.document(&random, depth: 2).utf8)
            for _ in 0...random.below(3) where !bytes.isEmpty {
                let at = random.below(bytes.count)
                switch random.below(4) {
                case 0: bytes.remove(at: at)
                case 1: bytes.insert(alphabet[random.below(alphabet.count)], at: at)
                case 2: bytes[at] = alphabet[random.below(alphabet.count)]
                default: bytes = Array(bytes[..<at])
                }
            }
            do {
                let view = try parser.parse(bytes)
                let value = JSONValue(view)
                // Foundation refuses numbers that overflow, which the flag reports here.
                guard !view.containsNumberOverflow, !view.containsDuplicateKey else { continue }
                let expected = reference(bytes)
                #expect(expected != nil, "seed \(seed) round \(round): \(String(decoding: bytes, as: UTF8.self))")
                if let expected {
                    #expect(
                        same(value, expected), "seed \(seed) round \(round): \(String(decoding: bytes, as: UTF8.self))")
                }
            } catch {
                refused += 1
            }
        }
        #expect(refused > 10_000)
    }

    @Test("a million damaged interactions never crash, and what parses is walked whole")
    func million() throws {
        var random = SeededGenerator(state: 6)
        let interaction = Array(
            #"{"type":"view","user_id":"u\u00e9_1","entity_id":"e 😀","n":-0.5e3,"at":[1,2,{"a":null}],"metadata":{"duration":12.5,"ok":true}}"#
                .utf8)
        let alphabet = Array("{}[]:,\"\\u0019eE+-.tfnd \u{0}\u{7F}".utf8) + [0x80, 0xC3, 0xF0, 0xFF]
        let parser = JSONParser()
        var parsed = 0
        var tooLong = 0
        for _ in 0..<1_000_000 {
            var bytes = interaction
            for _ in 0...Int(random.next() & 1) {
                let noise = random.next()
                let at = Int(noise % UInt64(bytes.count))
                let byte = alphabet[Int(noise >> 32) % alphabet.count]
                if noise >> 63 == 0 { bytes[at] = byte } else { bytes.remove(at: at) }
            }
            guard let view = try? bytes.withUnsafeBytes({ try parser.parse($0) }) else { continue }
            parsed += 1
            if view.raw.count > bytes.count { tooLong += 1 }
            if parsed % 256 == 0 { #expect(try JSONValue(parsing: JSONValue(view).text) == JSONValue(view)) }
        }
        #expect(tooLong == 0)
        #expect(parsed > 50_000 && parsed < 950_000, "\(parsed)")
    }

    @Test("doubles are written so that they read back, as short as the standard library's")
    func doubles() throws {
        var random = SeededGenerator(state: 5)
        var writer = JSONWriter()
        for _ in 0..<100_000 {
            let value = Double(bitPattern: random.next())
            guard value.isFinite else { continue }
            writer.removeAll()
            writer.double(value)
            let text = String(decoding: writer.bytes, as: UTF8.self)
            #expect(Double(text)?.bitPattern == value.bitPattern, "\(text)")
            // Large integers are written digit for digit, which is exact and no exponent.
            if value == value.rounded(), text.contains("e") == false { continue }
            let significant = { (text: Substring) in
                text.filter { $0.isNumber }.drop { $0 == "0" }.reversed().drop { $0 == "0" }.count
            }
            let mantissa = { (text: String) in text.prefix { $0 != "e" } }
            #expect(significant(mantissa(text)) == significant(mantissa("\(value)")), "\(text) \(value)")
        }
    }
}
