internal import CSimdJSON

/// Parses JSON documents into views of its own reused buffers.
///
/// The whole document is checked: structure, UTF-8, escapes, numbers and depth. Steady state allocates nothing. A parser
/// serves one thread; its views die with its next `parse`. For values that must live on, use ``JSONValue``.
///
/// Buffers grow to about 16 times the largest document in the worst case, and shrink again once much smaller ones
/// follow a large one.
public final class JSONParser {
    private let handle: OpaquePointer?

    /// Creates a parser; its buffers are allocated by the first documents.
    public init() {
        handle = footfall_json_create()
    }

    deinit {
        footfall_json_destroy(handle)
    }

    /// Copies a document into the parser's buffer and parses it.
    ///
    /// - Parameters:
    ///   - bytes: UTF-8, at most 1 GiB; exactly one JSON value with optional white space around it.
    ///   - maximumDepth: how many arrays and objects may be open at once; a scalar needs none.
    /// - Returns: a view of the root value, valid until the next call on this parser.
    /// - Throws: ``JSONError`` for everything that is not one valid document within the limits.
    public func parse(_ bytes: UnsafeRawBufferPointer, maximumDepth: Int = 64) throws(JSONError) -> JSONView {
        guard let handle else { throw Self.error(FOOTFALL_JSON_OUT_OF_MEMORY, offset: nil) }
        var document = footfall_json_document()
        let status = footfall_json_parse(
            handle, bytes.baseAddress?.assumingMemoryBound(to: UInt8.self), bytes.count,
            UInt32(clamping: maximumDepth), &document)
        guard status == FOOTFALL_JSON_OK, let nodes = document.nodes, let source = document.source else {
            throw Self.error(
                status, offset: document.error_offset == Int(bitPattern: UInt.max) ? nil : document.error_offset)
        }
        return JSONView(node: nodes, source: source)
    }

    private static func error(_ status: footfall_json_status, offset: Int?) -> JSONError {
        let (code, message) =
            switch status {
            case FOOTFALL_JSON_EMPTY: ("json_empty", "The JSON text is empty.")
            case FOOTFALL_JSON_INVALID_UTF8: ("invalid_utf8", "The JSON text is not valid UTF-8.")
            case FOOTFALL_JSON_LONE_SURROGATE:
                ("invalid_surrogate", "A \\u escape is half of a surrogate pair without its other half.")
            case FOOTFALL_JSON_TOO_DEEP: ("json_too_deep", "The JSON text nests more deeply than allowed.")
            case FOOTFALL_JSON_TOO_LARGE: ("json_too_large", "The JSON text is larger than 1 GiB.")
            case FOOTFALL_JSON_OUT_OF_MEMORY: ("out_of_memory", "There is not enough memory to parse the JSON text.")
            default: ("invalid_json", "The text is not valid JSON.")
            }
        return JSONError(code: code, message: message, offset: offset)
    }
}

extension JSONParser {
    /// Parses an array's bytes; see ``parse(_:maximumDepth:)-(UnsafeRawBufferPointer,_)``. The view does not refer to the array.
    public func parse(_ bytes: [UInt8], maximumDepth: Int = 64) throws(JSONError) -> JSONView {
        // Typed throws do not pass through the standard library's closures.
        let result: Result<JSONView, JSONError> = bytes.withUnsafeBytes { buffer in
            do throws(JSONError) {
                return .success(try parse(buffer, maximumDepth: maximumDepth))
            } catch {
                return .failure(error)
            }
        }
        return try result.get()
    }

    /// Parses a string's UTF-8; see ``parse(_:maximumDepth:)-(UnsafeRawBufferPointer,_)``.
    public func parse(_ text: String, maximumDepth: Int = 64) throws(JSONError) -> JSONView {
        try parse(Array(text.utf8), maximumDepth: maximumDepth)
    }
}
