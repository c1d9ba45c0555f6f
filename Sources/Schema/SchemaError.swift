/// Why a schema was refused when it was compiled.
public struct SchemaError: Error, Sendable, Equatable {
    /// A stable word for programs: `invalid_schema`, `invalid_keyword`, `unknown_keyword`, `unsupported_keyword`,
    /// `unsupported_format`, `unsupported_dialect`, `unsupported_reference`, `missing_reference`, `endless_reference`,
    /// `invalid_pattern`, `unsupported_pattern`, `unsupported_number`, `schema_too_deep`,
    /// `schema_too_large`.
    public let code: String
    /// Where the fault is, as a JSON pointer into the schema.
    public let path: String
    /// A sentence that says what is wrong.
    public let message: String

    /// Creates an error.
    public init(code: String, path: String, message: String) {
        self.code = code
        self.path = path
        self.message = message
    }
}

extension SchemaError: CustomStringConvertible {
    /// The sentence with its place.
    public var description: String { "\(message) (at \(path.isEmpty ? "the root" : path))" }
}
