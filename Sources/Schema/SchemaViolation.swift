/// The first reason why a value does not fit its schema.
public struct SchemaViolation: Error, Sendable, Equatable {
    /// The value at fault, as a JSON pointer into the checked value; empty for the value itself.
    public let instancePath: String
    /// The keyword that the value breaks; `false` where a schema allows nothing, `limit` where checking was given up
    /// because it took too many or too deeply nested steps.
    public let keyword: String
    /// Where the broken keyword stands, as a JSON pointer into the schema.
    public let schemaPath: String
    /// A sentence that says what to change, such as "metadata.rating must be a number."
    public let message: String

    /// Creates a violation.
    public init(instancePath: String, keyword: String, schemaPath: String, message: String) {
        self.instancePath = instancePath
        self.keyword = keyword
        self.schemaPath = schemaPath
        self.message = message
    }
}
