import Glibc
import JSON

/// A small seeded generator, so that a failure names the run that shows it.
struct SeededGenerator: RandomNumberGenerator {
    var state: UInt64

    mutating func next() -> UInt64 {
        state &+= 0x9E37_79B9_7F4A_7C15
        var z = state
        z = (z ^ (z >> 30)) &* 0xBF58_476D_1CE4_E5B9
        z = (z ^ (z >> 27)) &* 0x94D0_49BB_1331_11EB
        return z ^ (z >> 31)
    }

    mutating func below(_ bound: Int) -> Int { Int(next() % UInt64(bound)) }
}

/// Random documents as text, written independently of the writer under test.
enum RandomJSON {
    static func document(_ random: inout SeededGenerator, depth: Int = 0) -> String {
        let space = [" ", "", "", "\n", "\t ", "\r\n"].randomElement(using: &random) ?? ""
        switch random.below(depth > 4 ? 6 : 9) {
        case 0: return space + "null"
        case 1: return space + (random.below(2) == 0 ? "true" : "false") + space
        case 2, 3: return space + number(&random) + space
        case 4, 5: return string(&random) + space
        case 6:
            let elements = (0..<random.below(6)).map { _ in document(&random, depth: depth + 1) }
            return "[" + space + elements.joined(separator: space + ",") + "]"
        default:
            let members = (0..<random.below(7)).map { index in
                // The index keeps the keys of one object different.
                "\"\(index)" + string(&random).dropFirst() + space + ":" + document(&random, depth: depth + 1)
            }
            return "{" + space + members.joined(separator: ",") + space + "}"
        }
    }

    static func number(_ random: inout SeededGenerator) -> String {
        let sign = random.below(3) == 0 ? "-" : ""
        let digits = { (count: Int, random: inout SeededGenerator) in
            (0..<count).map { _ in String(random.below(10)) }.joined()
        }
        let integer = random.below(4) == 0 ? "0" : String(1 + random.below(9)) + digits(random.below(17), &random)
        switch random.below(4) {
        case 0, 1: return sign + integer
        case 2: return sign + integer + "." + digits(1 + random.below(12), &random)
        default:
            let exponent = (random.below(2) == 0 ? "e" : "E") + (["", "+", "-"].randomElement(using: &random) ?? "")
            return sign + integer + "." + digits(1 + random.below(4), &random) + exponent + String(random.below(200))
        }
    }

    static func string(_ random: inout SeededGenerator) -> String {
        let pieces = [
            "a", "bc", "Straße", "日本", "😀", "𝄞", "\\n", "\\\"", "\\\\", "\\/", "\\u00e9", "\\uD834\\uDD1E", "\\u0041",
            "\\b\\f\\r\\t",
            "0123456789abcdef", " ", "{", "]", ",", ":", "é", "e\u{301}",
        ]
        let body = (0..<random.below(7)).map { _ in pieces.randomElement(using: &random) ?? "" }.joined()
        return "\"" + body + "\""
    }
}

/// Seconds of processor time that `body` takes on this thread: a loaded machine does not make them more.
func processorSeconds(_ body: () throws -> Void) rethrows -> Double {
    func now() -> Double {
        var time = timespec()
        clock_gettime(CLOCK_THREAD_CPUTIME_ID, &time)
        return Double(time.tv_sec) + Double(time.tv_nsec) / 1e9
    }
    let start = now()
    try body()
    return now() - start
}
