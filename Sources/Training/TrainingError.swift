public import Models
public import Storage

/// Why nothing was trained, or a stored model is not to be had.
public struct TrainingError: Error, Sendable, Equatable, CustomStringConvertible {
    /// What kind of failure, for programs. Open: further codes may come.
    public let code: String
    /// A sentence that says what to change.
    public let message: String

    /// An error.
    public init(_ code: String, _ message: String) {
        self.code = code
        self.message = message
    }

    /// A model's.
    public init(_ error: ModelError) { self.init(error.code.text, error.message) }

    /// The store's.
    public init(_ error: StorageError) { self.init(error.code, error.message) }

    /// It was told to stop.
    public static let cancelled = TrainingError("training_cancelled", "The training was stopped.")

    public var description: String { "\(code): \(message)" }
}
