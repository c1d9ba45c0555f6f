import Glibc
import JSON
import Schema

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
    mutating func chance(_ percent: Int) -> Bool { below(100) < percent }
    mutating func pick<Element>(_ choices: [Element]) -> Element { choices[below(choices.count)] }
}

/// Compiles a schema text with every digit of its numbers.
func compiled(_ text: String, strict: Bool = true) throws -> CompiledSchema {
    let parser = JSONParser()
    return try CompiledSchema(try parser.parse(text, maximumDepth: 1024), strict: strict)
}

/// The error of a schema text, if it is refused.
func refusal(_ text: String, strict: Bool = true) throws -> SchemaError? {
    let parser = JSONParser()
    let view = try parser.parse(text, maximumDepth: 1024)
    do throws(SchemaError) {
        _ = try CompiledSchema(view, strict: strict)
        return nil
    } catch {
        return error
    }
}

extension CompiledSchema {
    /// The violation of a JSON text.
    func violation(_ text: String) throws -> SchemaViolation? {
        let parser = JSONParser()
        return validate(try parser.parse(text, maximumDepth: 4096))
    }

    /// Whether a JSON text is valid, asked both ways.
    func accepts(_ text: String) throws -> Bool {
        let parser = JSONParser()
        let view = try parser.parse(text, maximumDepth: 4096)
        let violation = validate(view)
        guard isValid(view) == (violation == nil) else { throw Disagreement(schema: "\(self)", text: text) }
        return violation == nil
    }

    struct Disagreement: Error {
        let schema: String
        let text: String
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
