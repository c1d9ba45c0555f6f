/// Why a text is not a JSON document this program accepts.
public struct JSONError: Error, Sendable, Equatable {
    /// A stable word for programs: `json_empty`, `invalid_json`, `invalid_utf8`, `invalid_surrogate`,
    /// `json_too_deep`, `json_too_large`, `out_of_memory`.
    public let code: String
    /// A sentence for people.
    public let message: String
    /// The byte in the input where the fault was noticed, where that is known.
    public let offset: Int?

    /// Creates an error; `offset` counts bytes from the start of the input.
    public init(code: String, message: String, offset: Int? = nil) {
        self.code = code
        self.message = message
        self.offset = offset
    }
}

extension JSONError: CustomStringConvertible {
    /// The sentence, with the place where it is known.
    public var description: String {
        guard let offset else { return message }
        return "\(message) (at byte \(offset))"
    }
}
