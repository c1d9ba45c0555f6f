/// Why a model cannot be made or read.
public struct ModelError: Error, Sendable, Equatable, CustomStringConvertible {
    /// What kind of failure, for programs. Open: further codes may come.
    public struct Code: Sendable, Hashable {
        /// Its text.
        public let text: String

        /// The bytes are no model of a known version.
        public static let unreadable = Code(text: "model_unreadable")
        /// There is nothing to learn from.
        public static let noData = Code(text: "no_training_data")
        /// It would need more memory or time than was given.
        public static let tooLarge = Code(text: "model_too_large")
        /// A parameter is out of its range.
        public static let badParameter = Code(text: "bad_parameter")
        /// A calculation gave no numbers.
        public static let notFinite = Code(text: "model_not_finite")
    }

    /// What kind of failure.
    public let code: Code
    /// A sentence that says what to change.
    public let message: String

    /// An error.
    public init(_ code: Code, _ message: String) {
        self.code = code
        self.message = message
    }

    public var description: String { "\(code.text): \(message)" }
}
