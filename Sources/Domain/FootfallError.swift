/// An error that a client or an operator is shown: a stable code, and a sentence that says what to change. Holds no
/// secret and no personal data beyond what the one who asked has sent.
public struct FootfallError: Error, Sendable, Equatable, CustomStringConvertible {
    /// Stable, lower-case, words joined by underscores; listed in the API's description.
    public let code: String
    /// One sentence in plain words.
    public let message: String
    /// Where in the input, as a JSON pointer, when that helps.
    public let path: String?

    /// An error with a stable code and a sentence.
    public init(_ code: String, _ message: String, path: String? = nil) {
        self.code = code
        self.message = message
        self.path = path
    }

    /// `code: message`.
    public var description: String { path.map { "\(code): \(message) (at \($0))" } ?? "\(code): \(message)" }
}
