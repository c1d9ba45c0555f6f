/// A command: what it is called, what it takes and what its help says.
public struct CommandDeclaration: Sendable, Equatable {
    /// An argument that stands by itself.
    public struct Positional: Sendable, Equatable {
        /// What stands for it in the help.
        public let placeholder: String
        /// What it is.
        public let help: String
    }

    /// An example for the help.
    public struct Example: Sendable, Equatable {
        /// What is typed.
        public let line: String
        /// What it does.
        public let help: String
    }

    /// Its words: `["keys", "create"]`.
    public let words: [String]
    /// One line for the list of commands.
    public let summary: String
    /// Paragraphs for its own help.
    public let discussion: [String]
    /// The arguments that stand by themselves; all are needed.
    public let positionals: [Positional]
    /// Its options, in the order of its help.
    public let options: [OptionDeclaration]
    /// For its help.
    public let examples: [Example]

    /// Its words as typed.
    public var name: String { words.joined(separator: " ") }
}
