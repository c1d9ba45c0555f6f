import Domain
import Foundation
import JSON
import Testing

/// How much generated input the tests called Fuzz feed, and from which seed.
enum Fuzz {
    /// Inputs of all tests together: `FOOTFALL_FUZZ_INPUTS`, a million and more unless it says otherwise.
    static let inputs = number("FOOTFALL_FUZZ_INPUTS") ?? 1_000_000
    /// `FOOTFALL_FUZZ_SEED`, so that a longer run can look elsewhere.
    static let seed = UInt64(number("FOOTFALL_FUZZ_SEED") ?? 20_260_131)

    private static func number(_ name: String) -> Int? { ProcessInfo.processInfo.environment[name].flatMap { Int($0) } }

    /// A part of the inputs.
    static func share(percent: Int) -> Int { max(100, inputs / 100 * percent) }

    /// A generator of its own for each test.
    static func random(_ stream: UInt64) -> SeededGenerator { SeededGenerator(seed: seed &+ stream &* 0x1_0000_0001) }
}

/// The first property that did not hold, with what shows it. Thrown, because a million `#expect`s take minutes.
struct FuzzFailure: Error, CustomStringConvertible {
    let description: String

    init(_ message: String, input: some Sequence<UInt8>, place: String = "") {
        let text = String(decoding: Array(input.prefix(2000)), as: UTF8.self)
        description = "\(message); seed \(Fuzz.seed) \(place), input: \(text.debugDescription)"
    }
}

extension SeededGenerator {
    mutating func below(_ bound: Int) -> Int { Int(truncatingIfNeeded: next() >> 33) % bound }
    mutating func chance(_ percent: Int) -> Bool { below(100) < percent }
    mutating func pick<Element>(_ choices: [Element]) -> Element { choices[below(choices.count)] }
}

extension [UInt8] {
    /// Puts the bytes of literal text at the end.
    mutating func put(_ text: StaticString) { text.withUTF8Buffer { append(contentsOf: $0) } }
}

// MARK: - Changing bytes

extension SeededGenerator {
    private static let tokens = [
        "{", "}", "[", "]", ",", ":", "\"", "\\", "null", "true", "1e999", "-0", "\\u0000", "\\ud800", "\\udc00\\ud800",
        "\"metadata\":", "\"id\":1,", "\"type\"", "[[[[[[[[", "}}}}", "\u{0}", "\u{1f}", "😀", "\u{feff}",
        "9999999999999999999",
        "2026-01-31T12:00:00Z", "E+", "/*", "NaN", "\\x",
    ].map { Array($0.utf8) }

    /// Spoils bytes in up to four places, from `start` on: flips, inserts, cuts, doubles, moves, puts tokens in.
    mutating func spoil(_ bytes: inout [UInt8], from start: Int) {
        for _ in 0...below(4) {
            let length = bytes.count - start
            guard length > 1 else { return }
            let place = start + below(length)
            switch below(9) {
            case 0: bytes[place] ^= 1 << UInt8(below(8))
            case 1: bytes[place] = UInt8(truncatingIfNeeded: next())
            case 2: bytes.insert(UInt8(truncatingIfNeeded: next()), at: place)
            case 3: bytes.remove(at: place)
            case 4: bytes.removeSubrange(place..<min(bytes.count, place + 1 + below(12)))
            case 5: bytes.insert(contentsOf: bytes[place..<min(bytes.count, place + 1 + below(12))], at: place)
            case 6: bytes.removeSubrange(place...)
            case 7: bytes.swapAt(place, start + below(length))
            default: bytes.insert(contentsOf: pick(SeededGenerator.tokens), at: place)
            }
        }
    }
}
