public import JSON

/// A JSON Schema (draft 2020-12), compiled once and used from any number of threads.
///
/// Supported are `type enum const required properties patternProperties additionalProperties propertyNames items
/// prefixItems contains minContains maxContains minItems maxItems uniqueItems minProperties maxProperties minimum maximum
/// exclusiveMinimum exclusiveMaximum multipleOf minLength maxLength pattern allOf anyOf oneOf not if then else
/// dependentRequired $ref $defs`, boolean schemas, and `format` as an assertion for `date-time date time email uri uuid
/// ipv4 ipv6`. Annotations are accepted. Everything else that could change a verdict is refused when compiling.
///
/// Lengths count code points. Numbers compare by their exact decimal value. Of repeated keys in a checked object the
/// last counts; a schema with repeated keys is refused. Checking a valid value allocates nothing, apart from
/// `uniqueItems` on long arrays, comparisons of large objects and what RE2 keeps.
public struct CompiledSchema: Sendable {
    let program: SchemaProgram

    /// How deeply schema documents may nest.
    static let maximumDepth = 1024

    /// Compiles a schema.
    ///
    /// - Parameters:
    ///   - document: the schema, an object or a boolean.
    ///   - strict: whether unknown keywords are refused (for plans, where they are typing errors) rather than taken as
    ///     annotations. Keywords that begin with `x-` are annotations either way.
    /// - Throws: ``SchemaError`` with the path of what is refused.
    public init(_ document: JSONValue, strict: Bool = true) throws(SchemaError) {
        var writer = JSONWriter(reserving: 1024)
        document.write(into: &writer)
        try self.init(bytes: writer.bytes, strict: strict)
    }

    /// Compiles a schema from a view, which is copied; large numbers keep every digit.
    public init(_ view: JSONView, strict: Bool = true) throws(SchemaError) {
        try self.init(bytes: Array(view.raw), strict: strict)
    }

    private init(bytes: [UInt8], strict: Bool) throws(SchemaError) {
        let parser = JSONParser()
        let root: JSONView
        do throws(JSONError) {
            root = try parser.parse(bytes, maximumDepth: Self.maximumDepth)
        } catch {
            throw SchemaError(code: "invalid_schema", path: "", message: error.message)
        }
        var compiler = SchemaCompiler(root: root, strict: strict)
        let rootIndex = try compiler.compile()
        program = SchemaProgram(document: parser, tables: compiler.tables, root: rootIndex)
    }

    /// Checks a value.
    ///
    /// - Parameters:
    ///   - value: what is checked; valid for the duration of the call.
    ///   - name: what the messages call the value.
    /// - Returns: the first violation found, or `nil` for a valid value. A check that would take more than half a million
    ///   steps or nests too deeply is given up with a violation of keyword `limit`.
    public func validate(_ value: JSONView, called name: StaticString = "metadata") -> SchemaViolation? {
        var validator = SchemaValidator(program)
        let isValid = validator.apply(program.root, to: value)
        if isValid, !validator.isExhausted { return nil }
        return validator.violation(called: name.description)
    }

    /// Whether a value is valid; `nil` where the check was given up. Cheaper than ``validate(_:called:)`` for invalid ones.
    public func isValid(_ value: JSONView) -> Bool? {
        var validator = SchemaValidator(program, quiet: true)
        let isValid = validator.apply(program.root, to: value)
        return validator.isExhausted ? nil : isValid
    }
}
