public import JSON

/// Judges pairs of a schema and a value, one a line: what `footfall schema check` runs a test suite with.
///
/// Unknown keywords are annotations here, as the standard has it. A run of lines with the same schema compiles it once.
/// Not for concurrent use.
public final class SchemaCheck {
    /// The answer for one pair.
    public enum Verdict: String, Sendable {
        case valid, invalid
        /// The schema was refused, or the check was given up because it took too many steps.
        case unsupported
    }

    /// How deeply a line may nest.
    private static let maximumDepth = 4096

    private let parser = JSONParser()
    private var lastSchema: [UInt8] = []
    private var lastCompiled: Result<CompiledSchema, SchemaError>?

    /// Creates a judge.
    public init() {}

    /// Judges a line `{"schema": …, "data": …}`.
    ///
    /// - Throws: ``JSONError`` for a line that is not such an object.
    public func check(_ line: UnsafeRawBufferPointer) throws(JSONError) -> Verdict {
        let pair = try parser.parse(line, maximumDepth: Self.maximumDepth)
        guard let schema = pair.member("schema"), let data = pair.member("data") else {
            throw JSONError(code: "invalid_pair", message: "The line is not an object with “schema” and “data”.")
        }
        switch compiled(schema) {
        case .failure: return .unsupported
        case .success(let compiled):
            guard let isValid = compiled.isValid(data) else { return .unsupported }
            return isValid ? .valid : .invalid
        }
    }

    private func compiled(_ schema: JSONView) -> Result<CompiledSchema, SchemaError> {
        let bytes = Array(schema.raw)
        if let lastCompiled, bytes == lastSchema { return lastCompiled }
        let result: Result<CompiledSchema, SchemaError>
        do throws(SchemaError) {
            result = .success(try CompiledSchema(schema, strict: false))
        } catch {
            result = .failure(error)
        }
        lastSchema = bytes
        lastCompiled = result
        return result
    }
}
