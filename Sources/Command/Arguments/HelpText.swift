/// Writes help from declarations, 80 columns wide.
struct HelpText {
    static let width = 80
    private static let indentation = "  "
    private static let column = 26

    /// The help of the whole program.
    static func overview(_ commands: [CommandDeclaration]) -> String {
        var text = """
            footfall turns what people do into what they should see next: it collects
            interactions, keeps live state, and answers with lists.

            Usage: footfall COMMAND [OPTIONS]

            Commands:

            """
        for command in commands { text += row(command.name, command.summary) }
        text += """

            footfall COMMAND --help    shows a command's options and examples
            footfall --version         shows the version

            Exit status: 0 done, 1 failed or done in part, 64 wrong command line or
            configuration. Results go to standard output, all else to standard error.

            """
        return text
    }

    /// The help of one command.
    static func command(_ command: CommandDeclaration) -> String {
        var usage = "Usage: footfall \(command.name)"
        for option in command.options where option.isRequired { usage += " --\(option.name) \(option.placeholder)" }
        if command.options.contains(where: { !$0.isRequired }) { usage += " [OPTIONS]" }
        for positional in command.positionals { usage += " \(positional.placeholder)" }
        var text = command.summary + "\n\n" + usage + "\n"
        for paragraph in command.discussion { text += "\n" + wrapped(paragraph, indentation: "") }
        if !command.positionals.isEmpty {
            text += "\nArguments:\n"
            for positional in command.positionals { text += row(positional.placeholder, positional.help) }
        }
        text += "\nOptions:\n"
        for option in command.options { text += row(label(option), describe(option)) }
        text += row("--help", "Show this help.")
        let variables = command.options.compactMap(\.environmentName)
        if !variables.isEmpty {
            text += "\nEnvironment:\n"
            text += wrapped(variables.joined(separator: ", ") + ".", indentation: indentation)
        }
        if !command.examples.isEmpty {
            text += "\nExamples:\n"
            for example in command.examples {
                text += indentation + example.line + "\n"
                text += wrapped(example.help, indentation: indentation + indentation)
            }
        }
        return text
    }

    private static func label(_ option: OptionDeclaration) -> String {
        option.kind == .flag ? "--\(option.name)" : "--\(option.name) \(option.placeholder)"
    }

    private static func describe(_ option: OptionDeclaration) -> String {
        var text = option.help
        if case .choice(let words) = option.kind { text += " One of: \(words.joined(separator: ", "))." }
        if option.isRequired { text += " Required." }
        if let standard = option.standard, option.kind != .flag { text += " Default: \(standard)." }
        return text
    }

    private static func row(_ label: String, _ help: String) -> String {
        let start = indentation + label
        let margin = String(repeating: " ", count: column)
        let body = wrapped(help, indentation: margin)
        guard start.count + 2 <= column else { return start + "\n" + body }
        return start + String(repeating: " ", count: column - start.count) + body.dropFirst(column)
    }

    /// A paragraph in lines of at most ``width`` columns; words are never broken.
    static func wrapped(_ paragraph: String, indentation: String) -> String {
        var text = ""
        var line = indentation
        for word in paragraph.split(separator: " ") {
            if line.count > indentation.count, line.count + 1 + word.count > width {
                text += line + "\n"
                line = indentation
            }
            line += (line.count > indentation.count ? " " : "") + word
        }
        return text + line + "\n"
    }
}
