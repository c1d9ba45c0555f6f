/// Why a command ends without success. The sentence is for the person at the terminal.
public struct CommandError: Error, Sendable, Equatable, CustomStringConvertible {
    /// What the process ends with.
    public let status: CommandStatus
    /// What to change, in one or two sentences.
    public let message: String

    init(_ status: CommandStatus, _ message: String) {
        self.status = status
        self.message = message
    }

    /// The command line or the configuration is wrong; nothing was begun.
    public static func usage(_ message: String) -> CommandError { CommandError(.usage, message) }

    /// The command was understood and could not do its work.
    public static func failure(_ message: String) -> CommandError { CommandError(.failure, message) }

    /// The sentence.
    public var description: String { message }
}

/// What the process ends with.
public enum CommandStatus: Int32, Sendable {
    /// Done.
    case success = 0
    /// Tried and failed, or done in part.
    case failure = 1
    /// The command line or the configuration is wrong (`EX_USAGE` of sysexits).
    case usage = 64
}
