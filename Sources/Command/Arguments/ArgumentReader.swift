/// What the command line asks for.
public enum Invocation: Sendable, Equatable {
    /// A command with its values.
    case command(CommandDeclaration, ArgumentValues)
    /// The help of one command, or of all.
    case help(CommandDeclaration?)
    /// The version.
    case version
}

/// The options and arguments given to a command, as typed.
public struct ArgumentValues: Sendable, Equatable {
    /// Canonical values of the options given; a flag has `true`.
    public internal(set) var options: [String: String] = [:]
    /// The arguments that stand by themselves.
    public internal(set) var positionals: [String] = []

    /// Whether a flag was given.
    public func has(_ flag: String) -> Bool { options[flag] == "true" }
}

/// Reads a command line against the declarations of the commands.
///
/// `--name VALUE`, `--name=VALUE`, flags, and arguments that stand by themselves, in any order; `--` ends the options.
/// Whatever is unknown, repeated, missing or of the wrong kind is refused with a sentence.
public struct ArgumentReader: Sendable {
    let commands: [CommandDeclaration]

    /// A reader for a set of commands.
    public init(commands: [CommandDeclaration]) { self.commands = commands }

    /// Reads the arguments after the program's own name. Throws usage errors.
    public func read(_ arguments: [String]) throws(CommandError) -> Invocation {
        guard let first = arguments.first else {
            throw .usage("Name a command: \(commandNames.joinedAlternatives). See footfall --help.")
        }
        switch first {
        case "--help", "-h": return .help(nil)
        case "--version": return .version
        case "help":
            if arguments.count == 1 { return .help(nil) }
            return .help(try command(Array(arguments.dropFirst())).command)
        default:
            let (command, rest) = try command(arguments)
            return try read(rest, of: command)
        }
    }

    private var commandNames: [String] { commands.map(\.name) }

    private func command(_ arguments: [String]) throws(CommandError) -> (
        command: CommandDeclaration, rest: ArraySlice<String>
    ) {
        let matching = commands.filter { arguments.starts(with: $0.words) }
        if let command = matching.max(by: { $0.words.count < $1.words.count }) {
            return (command, arguments.dropFirst(command.words.count))
        }
        let first = arguments.first ?? ""
        if first.hasPrefix("-") {
            throw .usage("The command comes first: footfall COMMAND \(first). See footfall --help.")
        }
        let family = commands.filter { $0.words.first == first }
        if !family.isEmpty {
            let names = family.map(\.name).joinedAlternatives
            throw .usage("\"footfall \(first)\" needs one more word: \(names).")
        }
        let typed = arguments.prefix(2).filter { !$0.hasPrefix("-") }.joined(separator: " ")
        let near = nearestName(to: typed, among: commandNames) ?? nearestName(to: first, among: commandNames)
        throw .usage("There is no command \"\(first)\".\(Self.hint(near, prefix: "footfall ")) See footfall --help.")
    }

    private static func hint(_ name: String?, prefix: String) -> String {
        name.map { " Did you mean \(prefix)\($0)?" } ?? ""
    }

    private func read(_ arguments: ArraySlice<String>, of command: CommandDeclaration) throws(CommandError)
        -> Invocation
    {
        var values = ArgumentValues()
        var rest = arguments
        var takesOptions = true
        while let argument = rest.popFirst() {
            guard takesOptions, argument.hasPrefix("-"), argument != "-" else {
                values.positionals.append(argument)
                continue
            }
            switch argument {
            case "--": takesOptions = false
            case "--help", "-h": return .help(command)
            default: try readOption(argument, &rest, of: command, into: &values)
            }
        }
        try check(values, of: command)
        return .command(command, values)
    }

    private func readOption(
        _ argument: String, _ rest: inout ArraySlice<String>, of command: CommandDeclaration,
        into values: inout ArgumentValues
    ) throws(CommandError) {
        let parts = argument.split(separator: "=", maxSplits: 1, omittingEmptySubsequences: false)
        let typed = String(parts.first ?? "")
        guard let option = command.options.first(where: { "--" + $0.name == typed }) else {
            let bare = String(typed.drop { $0 == "-" })
            let near = nearestName(to: bare, among: command.options.map(\.name))
            throw .usage(
                "footfall \(command.name) has no option \(typed).\(Self.hint(near, prefix: "--")) "
                    + "See footfall \(command.name) --help.")
        }
        guard values.options[option.name] == nil else { throw .usage("--\(option.name) is given twice.") }
        if option.kind == .flag {
            guard parts.count == 1 else { throw .usage("--\(option.name) takes no value.") }
            values.options[option.name] = "true"
            return
        }
        let value: String
        if parts.count == 2 {
            value = String(parts[1])
        } else if let next = rest.first, !next.hasPrefix("--") {
            value = next
            rest.removeFirst()
        } else {
            throw .usage("--\(option.name) needs a value: --\(option.name) \(option.placeholder).")
        }
        do throws(ValueFault) {
            values.options[option.name] = try option.canonical(value)
        } catch {
            throw .usage("--\(option.name) must be \(error.expectation); it is \"\(value)\".")
        }
    }

    private func check(_ values: ArgumentValues, of command: CommandDeclaration) throws(CommandError) {
        let expected = command.positionals
        if values.positionals.count > expected.count {
            throw .usage(
                "footfall \(command.name) does not take \"\(values.positionals[expected.count])\". "
                    + "See footfall \(command.name) --help.")
        }
        if values.positionals.count < expected.count {
            let missing = expected[values.positionals.count]
            throw .usage("footfall \(command.name) needs \(missing.placeholder): \(missing.help)")
        }
        for option in command.options where option.isRequired && values.options[option.name] == nil {
            throw .usage("footfall \(command.name) needs --\(option.name) \(option.placeholder).")
        }
    }
}
