/// What went wrong in a store.
public struct StorageError: Error, Sendable, Equatable, CustomStringConvertible {
    /// Stable code: `disk_full`, `store_corrupt`, `store_too_new`, `store_locked`, `store_unwritable`, `store_io`,
    /// `store_misuse`.
    public let code: String
    /// One sentence that says what to do about it; no data of any person.
    public let message: String

    /// An error with a stable code and a sentence.
    public init(_ code: String, _ message: String) {
        self.code = code
        self.message = message
    }

    /// `code: message`.
    public var description: String { "\(code): \(message)" }
}
