/// Why data cannot be read or divided.
public struct DatasetError: Error, Sendable, Equatable, CustomStringConvertible {
    /// The file, as it was named; `nil` when it is not about a file.
    public let file: String?
    /// The line, from 1; `nil` when it is not about a line.
    public let line: Int?
    /// What is wrong, and what it should be.
    public let message: String

    /// An error.
    public init(file: String? = nil, line: Int? = nil, _ message: String) {
        self.file = file
        self.line = line
        self.message = message
    }

    public var description: String {
        switch (file, line) {
        case (let file?, let line?): "\(file), line \(line): \(message)"
        case (let file?, nil): "\(file): \(message)"
        default: message
        }
    }
}
